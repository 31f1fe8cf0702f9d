import { derivePermissions, derivePermissionsOf, mergeStatements } from '../lib/iam.ts'
import type { Catalogue, Runbook, Service, Step } from '../lib/runbook/runbook.ts'

const SERVICE_ROLE = 'arn:aws:iam::210987654321:role/firebreak'

const api: Service = {
  name: 'api',
  alarms: ['api-*'],
  severity: 'sev2',
  ecs: { cluster: 'prod', service: 'api' },
  codedeploy: { application: 'api', group: 'prod' },
  records: { canary: { zone: 'Z0123456789ABCDEFGHIJ', name: 'api.example.com', type: 'A', set: 'canary' } },
  metrics: {
    errors: {
      namespace: 'AWS/ApplicationELB',
      name: 'HTTPCode_Target_5XX_Count',
      dimensions: {},
      stat: 'Sum',
      periodMs: 60_000,
    },
  },
}

const step = {
  onFailure: 'continue',
  retry: { attempts: 3, backoffMs: 1_000, maxBackoffMs: 10_000 },
  timeoutMs: 60_000,
} as const
const scaleOut: Step = {
  ...step,
  is: 'action',
  id: 'capacity',
  action: 'scale_out ecs',
  params: { ecs: 'api', by: '50%' },
}
const page: Step = {
  ...step,
  is: 'action',
  id: 'page',
  action: 'notify oncall',
  params: { to: 'oncall@web' },
}
const check: Step = {
  is: 'check',
  id: 'check',
  onFailure: 'escalate',
  probe: { is: 'metric', metric: 'errors', comparison: 'below', than: 1 },
  samples: 3,
  everyMs: 30_000,
  withinMs: 600_000,
}

function runbook(...steps: readonly Step[]): Runbook {
  return {
    runbook: 'api-5xx-spike',
    summary: '',
    service: 'api',
    severity: 'sev2',
    mode: 'auto',
    triggers: [{ is: 'alarm', glob: 'api-5xx-*' }],
    holdDownMs: 0,
    cooldownMs: 300_000,
    keepOpenMs: 900_000,
    flapping: { changes: 4, withinMs: 600_000 },
    steps,
  }
}

function catalogue(service: Service, ...runbooks: readonly Runbook[]): Catalogue {
  return {
    runbooks,
    services: { api: service },
    teams: {
      sre: { name: 'sre', channels: [{ is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:sre' }] },
      web: { name: 'web', channels: [{ is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:web' }] },
      idle: { name: 'idle', channels: [{ is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:idle' }] },
    },
    policy: {
      mode: 'auto',
      escalateTo: 'oncall@sre',
      executionsPerHour: 10,
      freeze: [],
      requireApproval: [],
      services: {},
      accounts: {},
      runbooks: {},
      places: {},
    },
  }
}

const actionsOf = (statements: readonly { readonly actions: readonly string[] }[]) =>
  statements.flatMap(({ actions }) => actions)

test('without runbooks the engine may only look at alarms and reach the people it escalates to', () => {
  expect(derivePermissions(catalogue(api))).toEqual([
    { actions: ['cloudwatch:DescribeAlarms'], resources: ['*'], reason: expect.any(String) },
    { actions: ['sns:Publish'], resources: ['arn:aws:sns:eu-west-1:123456789012:sre'] },
  ])
})

test('a step adds what its action needs on its target, and no other service', () => {
  const statements = derivePermissions(catalogue(api, runbook(scaleOut)))
  const update = statements.filter(({ actions }) => actions.includes('ecs:UpdateService'))
  expect(update.flatMap(({ resources }) => resources)).toEqual([
    'arn:${Partition}:ecs:${Region}:${Account}:service/prod/api',
  ])
  expect(actionsOf(statements).filter((action) => action.startsWith('codedeploy:'))).toEqual([])
})

test('the teams that steps and approvals name are reached, others are not', () => {
  const asked = { ...scaleOut, approve: { by: 'web', timeoutMs: 1, onTimeout: 'escalate' } } as const
  for (const runbooks of [[runbook(page)], [runbook(asked)]]) {
    const topics = derivePermissions(catalogue(api, ...runbooks))
      .filter(({ actions }) => actions.includes('sns:Publish'))
      .flatMap(({ resources }) => resources)
    expect(topics).toEqual([
      'arn:aws:sns:eu-west-1:123456789012:sre',
      'arn:aws:sns:eu-west-1:123456789012:web',
    ])
  }
})

test('a check of a metric adds the right to read metrics, a condition what its facts are read by', () => {
  expect(actionsOf(derivePermissions(catalogue(api, runbook(check))))).toContain('cloudwatch:GetMetricData')
  const asking = (when: string) => actionsOf(derivePermissions(catalogue(api, runbook({ ...page, when }))))
  expect(asking('deployment.age < duration("60m")')).toContain('codedeploy:ListDeployments')
  expect(asking('service.canary.weight > 0')).toContain('route53:ListResourceRecordSets')
  expect(asking('service.canary.weight > 0')).not.toContain('codedeploy:ListDeployments')
})

test('a reference adds what its facts are read by, and nothing else', () => {
  const referring = (weight: string) => ({ ...scaleOut, params: { ecs: 'api' }, references: { to: weight } })
  const asked = (to: string) => actionsOf(derivePermissions(catalogue(api, runbook(referring(to)))))
  expect(asked('service.canary.weight')).toContain('route53:ListResourceRecordSets')
  expect(asked('service.canary.weight')).not.toContain('codedeploy:ListDeployments')
  const both = { ...referring('service.canary.weight'), when: 'deployment.age < duration("1h")' }
  expect(actionsOf(derivePermissions(catalogue(api, runbook(both))))).toEqual(
    expect.arrayContaining(['route53:ListResourceRecordSets', 'codedeploy:ListDeployments']),
  )
  expect(asked('7')).toEqual(actionsOf(derivePermissions(catalogue(api, runbook(scaleOut)))))
})

test('for a service elsewhere the engine may assume its role, and the role does the work', () => {
  const elsewhere = catalogue({ ...api, roleArn: SERVICE_ROLE }, runbook(scaleOut, page))
  const own = derivePermissions(elsewhere)
  expect(own).toContainEqual({ actions: ['sts:AssumeRole'], resources: [SERVICE_ROLE] })
  expect(actionsOf(own)).not.toContain('ecs:UpdateService')
  expect(actionsOf(own)).toContain('sns:Publish')
  expect(actionsOf(derivePermissionsOf(elsewhere, SERVICE_ROLE))).toContain('ecs:UpdateService')
  expect(actionsOf(derivePermissionsOf(elsewhere, SERVICE_ROLE))).not.toContain('sns:Publish')
  expect(derivePermissionsOf(elsewhere, 'arn:aws:iam::210987654321:role/other')).toEqual([])
})

test('a runbook that lint would have refused is refused with its place', () => {
  const unknown = catalogue(api, runbook({ ...scaleOut, action: 'scale_out moon' }))
  expect(() => derivePermissions(unknown)).toThrow(
    'runbook api-5xx-spike, step capacity: this version has no action scale_out moon',
  )
})

test('merging joins what is equal and widens nothing', () => {
  const merged = mergeStatements([
    { actions: ['a:Read'], resources: ['r2'] },
    { actions: ['a:Write', 'a:Read'], resources: ['r1'] },
    { actions: ['a:Read'], resources: ['r1'], condition: { StringEquals: { key: 'v' } } },
  ])
  expect(merged).toEqual([
    { actions: ['a:Read'], resources: ['r1'], condition: { StringEquals: { key: 'v' } } },
    { actions: ['a:Read'], resources: ['r1', 'r2'] },
    { actions: ['a:Write'], resources: ['r1'] },
  ])
  expect(mergeStatements([...merged].reverse())).toEqual(merged)
})

test('every resource without a reason is refused, and with one takes the narrower ones in', () => {
  expect(() => mergeStatements([{ actions: ['a:Read'], resources: ['*'] }])).toThrow('without a reason')
  expect(
    mergeStatements([
      { actions: ['a:Read'], resources: ['r1'] },
      { actions: ['a:Read'], resources: ['*'], reason: 'nothing narrower' },
    ]),
  ).toEqual([{ actions: ['a:Read'], resources: ['*'], reason: 'nothing narrower' }])
})
