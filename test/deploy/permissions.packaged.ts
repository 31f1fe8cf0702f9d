import { runSimulation } from '@cloud-copilot/iam-simulate'
import { readCatalogue } from '../../handlers/catalogue.ts'
import { findAction } from '../../lib/actions/index.ts'
import type { Runbook, Service } from '../../lib/runbook/runbook.ts'
import { staticTarget } from '../../lib/runbook/static-target.ts'
import { ACCOUNT, REGION, resolvedTemplate, type Value } from './template.ts'

// An independent policy engine judges the packaged roles: what the runbooks need is allowed, the same on anything else is not.

const template = resolvedTemplate()
const catalogue = readCatalogue()

/** The roles whose functions run steps: the sweep too, which carries out what a dead worker left. */
const ENGINES = ['IngestRole', 'AdvanceRole', 'SweepRole', 'CommandRole', 'HttpRole']

function policiesOf(role: string): { name: string; policy: Value }[] {
  const Properties: Value = template.Resources[role]?.Properties
  const managed = (Properties['ManagedPolicyArns'] ?? []) as readonly string[]
  return [
    ...(Properties['Policies'] as readonly Value[]).map(({ PolicyName, PolicyDocument }) => ({
      name: PolicyName,
      policy: PolicyDocument,
    })),
    ...managed.map((id) => ({ name: id, policy: template.Resources[id]?.Properties['PolicyDocument'] })),
  ]
}

interface Request {
  readonly action: string
  readonly resource: string
  readonly context?: { readonly [key: string]: string | string[] }
}

async function isAllowed(role: string, { action, resource, context }: Request): Promise<boolean> {
  const result = await runSimulation(
    {
      request: {
        principal: `arn:aws:iam::${ACCOUNT}:role/${role}`,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: { ...context },
      },
      identityPolicies: policiesOf(role),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  )
  if (result.resultType === 'error')
    throw new Error(`${action} on ${resource}: ${JSON.stringify(result.errors)}`)
  return result.overallResult === 'Allowed'
}

/**
 * What a call asks IAM for, written down from AWS's own tables (AWS.md 1.9, 3.8, 5.5) and not from the actions: on the
 * service's resource, and on that of another service. `other` is absent where AWS cannot tell the two apart.
 */
function requestFor(action: string, service: Service, name: string): { own: Request; other?: Request } {
  const place = `${service.region ?? REGION}:${service.account ?? ACCOUNT}`
  const on = (own: string, other: string, context?: Request['context']) => ({
    own: { action, resource: own, ...(context ? { context } : {}) },
    other: { action, resource: other, ...(context ? { context } : {}) },
  })
  const everywhere = { own: { action, resource: '*' } }
  const { cluster, service: ecs } = service.ecs ?? { cluster: 'none', service: 'none' }
  const { application, group } = service.codedeploy ?? { application: 'none', group: 'none' }
  const record = service.records[name] ?? { zone: 'Z1', name: 'none', type: 'A' }
  const ofGroup = on(
    `arn:aws:codedeploy:${place}:deploymentgroup:${application}/${group}`,
    `arn:aws:codedeploy:${place}:deploymentgroup:other/${group}`,
  )
  const requests: { readonly [action: string]: { own: Request; other?: Request } } = {
    'ecs:DescribeServices': on(
      `arn:aws:ecs:${place}:service/${cluster}/${ecs}`,
      `arn:aws:ecs:${place}:service/${cluster}/other`,
    ),
    'ecs:UpdateService': on(
      `arn:aws:ecs:${place}:service/${cluster}/${ecs}`,
      `arn:aws:ecs:${place}:service/${cluster}/other`,
    ),
    'application-autoscaling:DescribeScalableTargets': everywhere,
    'elasticloadbalancing:DescribeTargetHealth': everywhere,
    'application-autoscaling:RegisterScalableTarget': {
      own: {
        action,
        resource: `arn:aws:application-autoscaling:${place}:scalable-target/0123456789`,
        context: {
          'application-autoscaling:service-namespace': 'ecs',
          'application-autoscaling:scalable-dimension': 'ecs:service:DesiredCount',
        },
      },
      other: {
        action,
        resource: `arn:aws:application-autoscaling:${place}:scalable-target/0123456789`,
        context: {
          'application-autoscaling:service-namespace': 'dynamodb',
          'application-autoscaling:scalable-dimension': 'dynamodb:table:WriteCapacityUnits',
        },
      },
    },
    'route53:ListResourceRecordSets': on(
      `arn:aws:route53:::hostedzone/${record.zone}`,
      'arn:aws:route53:::hostedzone/ZOTHER',
    ),
    'route53:ChangeResourceRecordSets': {
      own: {
        action,
        resource: `arn:aws:route53:::hostedzone/${record.zone}`,
        context: changeOf(record.name, record.type),
      },
      other: {
        action,
        resource: `arn:aws:route53:::hostedzone/${record.zone}`,
        context: changeOf('other.example.com', record.type),
      },
    },
    'route53:GetChange': { own: { action, resource: 'arn:aws:route53:::change/C1' } },
    'route53:GetHealthCheckStatus': { own: { action, resource: 'arn:aws:route53:::healthcheck/1234' } },
    'codedeploy:GetDeploymentGroup': ofGroup,
    'codedeploy:ListDeployments': ofGroup,
    'codedeploy:BatchGetDeployments': ofGroup,
    'codedeploy:GetDeployment': ofGroup,
    'codedeploy:CreateDeployment': ofGroup,
    'codedeploy:UpdateDeploymentGroup': ofGroup,
    'codedeploy:StopDeployment': everywhere,
    'codedeploy:GetApplicationRevision': on(
      `arn:aws:codedeploy:${place}:application:${application}`,
      `arn:aws:codedeploy:${place}:application:other`,
    ),
    'codedeploy:RegisterApplicationRevision': on(
      `arn:aws:codedeploy:${place}:application:${application}`,
      `arn:aws:codedeploy:${place}:application:other`,
    ),
    'codedeploy:GetDeploymentConfig': {
      own: {
        action,
        resource: `arn:aws:codedeploy:${place}:deploymentconfig:CodeDeployDefault.ECSAllAtOnce`,
      },
    },
    'cloudwatch:DescribeAlarms': everywhere,
    'cloudwatch:GetMetricData': everywhere,
  }
  const request = requests[action]
  if (!request) throw new Error(`${action} is new: write down here what it asks IAM for`)
  return request
}

function changeOf(name: string, type: string): { [key: string]: string[] } {
  return {
    'route53:ChangeResourceRecordSetsNormalizedRecordNames': [name.toLowerCase().replace(/\.$/, '')],
    'route53:ChangeResourceRecordSetsRecordTypes': [type],
    // A weight is changed by deleting the record as it was seen and creating it anew, which fails where it was changed since.
    'route53:ChangeResourceRecordSetsActions': ['DELETE', 'CREATE'],
  }
}

/** Every call of every step that acts in our own account, with the record it is about where it is about one. */
function callsOf(
  runbook: Runbook,
): readonly { readonly action: string; readonly service: Service; readonly record: string }[] {
  const service = catalogue.services[runbook.service]
  if (!service || service.roleArn !== undefined) return []
  return runbook.steps
    .flatMap((node) => (node.is === 'parallel' ? node.steps : [node]))
    .flatMap((step) => {
      const action = step.is === 'action' ? findAction(step.action) : undefined
      if (step.is !== 'action' || !action) return []
      const result = staticTarget(action, step, service)
      if (result.is === 'missing') throw new Error(result.message)
      return action
        .permissions(result.target)
        .flatMap(({ actions }) =>
          actions.map((name) => ({ action: name, service, record: recordIn(step.params) })),
        )
    })
}

function recordIn({ record }: { readonly [name: string]: unknown }): string {
  return typeof record === 'string' ? record : ''
}

const calls = catalogue.runbooks.flatMap(callsOf)

test('the runbooks that are shipped make calls', () => {
  expect(new Set(calls.map(({ action }) => action.split(':')[0]))).toEqual(
    new Set(['application-autoscaling', 'codedeploy', 'ecs', 'elasticloadbalancing', 'route53']),
  )
})

test.each(ENGINES)("%s may make every call that a step makes, on the step's own service", async (role) => {
  const denied: Request[] = []
  for (const { action, service, record } of calls) {
    const { own } = requestFor(action, service, record)
    if (!(await isAllowed(role, own))) denied.push(own)
  }
  expect(denied).toEqual([])
})

test.each(ENGINES)('%s may make none of them on another service', async (role) => {
  const allowed: Request[] = []
  for (const { action, service, record } of calls) {
    const { other } = requestFor(action, service, record)
    if (other && (await isAllowed(role, other))) allowed.push(other)
  }
  expect(allowed).toEqual([])
})

const DANGEROUS: readonly Request[] = [
  { action: 'iam:CreateRole', resource: `arn:aws:iam::${ACCOUNT}:role/new` },
  { action: 'iam:PassRole', resource: `arn:aws:iam::${ACCOUNT}:role/admin` },
  { action: 'iam:AttachRolePolicy', resource: `arn:aws:iam::${ACCOUNT}:role/IngestRole` },
  { action: 'iam:PutRolePolicy', resource: `arn:aws:iam::${ACCOUNT}:role/IngestRole` },
  { action: 'sts:AssumeRole', resource: `arn:aws:iam::${ACCOUNT}:role/admin` },
  { action: 'ecs:DeleteService', resource: `arn:aws:ecs:${REGION}:${ACCOUNT}:service/prod/api` },
  { action: 'ecs:RunTask', resource: `arn:aws:ecs:${REGION}:${ACCOUNT}:task-definition/api:1` },
  {
    action: 'codedeploy:DeleteDeploymentGroup',
    resource: `arn:aws:codedeploy:${REGION}:${ACCOUNT}:deploymentgroup:api/api`,
  },
  { action: 'route53:DeleteHostedZone', resource: 'arn:aws:route53:::hostedzone/Z1' },
  { action: 'cloudwatch:SetAlarmState', resource: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:api-5xx` },
  { action: 'cloudwatch:DeleteAlarms', resource: `arn:aws:cloudwatch:${REGION}:${ACCOUNT}:alarm:api-5xx` },
  {
    action: 'lambda:UpdateFunctionCode',
    resource: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:firebreak-dev-ingest`,
  },
  { action: 'sqs:PurgeQueue', resource: `arn:aws:sqs:${REGION}:${ACCOUNT}:signals` },
  ...['dynamodb:DeleteItem', 'dynamodb:UpdateItem', 'dynamodb:DeleteTable', 'dynamodb:BatchWriteItem'].map(
    (action) => ({
      action,
      resource: `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/Table`,
    }),
  ),
]

test.each(ENGINES)('%s may do nothing that an incident tool must not do', async (role) => {
  const allowed: Request[] = []
  for (const request of DANGEROUS) if (await isAllowed(role, request)) allowed.push(request)
  expect(allowed).toEqual([])
})
