import { rollbackCodedeploy } from '../../lib/actions/rollback-codedeploy.ts'
import type { Service } from '../../lib/runbook/runbook.ts'
import { codeDeployWorld, ecsSpec, lambdaSpec, past, s3, spec } from './codedeploy-world.ts'
import { testAction } from './conformance.ts'

const service: Service = {
  name: 'api',
  alarms: ['api-5xx-*'],
  severity: 'sev2',
  codedeploy: { application: 'shop', group: 'prod' },
  records: {},
  metrics: {},
}

/** CreateDeployment asks for these beside its own. */
const implied = [
  'codedeploy:GetDeploymentConfig',
  'codedeploy:RegisterApplicationRevision',
  'codedeploy:UpdateDeploymentGroup',
]

const badShorthands = [
  { text: '', part: '' },
  { text: 'codedeploy', part: '' },
  { text: 'codedeploy  ', part: '' },
  { text: 'code-deploy last-success', part: 'code-deploy' },
  { text: 'codedeploy last-sucess', part: 'last-sucess' },
  { text: 'codedeploy d-123', part: 'd-123' },
  { text: 'codedeploy last-success now please', part: 'now please' },
]

const badParams = [
  {},
  { to: 'yesterday' },
  { to: 'd-abcdef123' },
  { to: 3 },
  { to: 'last-success', codedeploy: '' },
]

const [GOOD, BAD] = [
  ecsSpec('arn:aws:ecs:eu-west-1:1:task-definition/api:7'),
  ecsSpec('arn:aws:ecs:eu-west-1:1:task-definition/api:8'),
]
const [L4, L5] = [lambdaSpec(3, 4), lambdaSpec(4, 5)]

describe('back to the last success', () => {
  testAction(rollbackCodedeploy, {
    service,
    params: { to: 'last-success' },
    shorthand: 'codedeploy last-success',
    badShorthands,
    badParams,
    implied: [...implied, 'codedeploy:StopDeployment'],
    worlds: {
      'servers from S3': () =>
        codeDeployWorld('Server', [
          past('d-AAAAAAAAA', 30, s3('a.zip')),
          past('d-BBBBBBBBB', 2, s3('b.zip')),
        ]),
      'an ECS service': () =>
        codeDeployWorld(
          'ECS',
          [past('d-AAAAAAAAA', 30, spec(GOOD)), past('d-BBBBBBBBB', 2, spec(BAD))],
          [GOOD, BAD],
        ),
      'a Lambda alias': () =>
        codeDeployWorld(
          'Lambda',
          [past('d-AAAAAAAAA', 30, spec(L4)), past('d-BBBBBBBBB', 2, spec(L5))],
          [L4, L5],
        ),
    },
  })
})

describe('what serves is looked at where services.yaml names it', () => {
  const serving = {
    service: { ...service, ecs: { cluster: 'prod', service: 'api' } },
    badShorthands,
    badParams,
  }
  testAction(rollbackCodedeploy, {
    ...serving,
    params: { to: 'last-success' },
    shorthand: 'codedeploy last-success',
    implied: [...implied, 'codedeploy:StopDeployment'],
    worlds: {
      'an ECS service': () =>
        codeDeployWorld(
          'ECS',
          [past('d-AAAAAAAAA', 30, spec(GOOD)), past('d-BBBBBBBBB', 2, spec(BAD))],
          [GOOD, BAD],
        ),
    },
  })
  testAction(rollbackCodedeploy, {
    ...serving,
    service: { ...service, lambda: { function: 'checkout', alias: 'live' } },
    params: { to: 'last-success' },
    shorthand: 'codedeploy last-success',
    implied: [...implied, 'codedeploy:StopDeployment'],
    worlds: {
      'a Lambda alias': () =>
        codeDeployWorld(
          'Lambda',
          [past('d-AAAAAAAAA', 30, spec(L4)), past('d-BBBBBBBBB', 2, spec(L5))],
          [L4, L5],
        ),
    },
  })
})

describe('back to a deployment that is named', () => {
  testAction(rollbackCodedeploy, {
    service,
    params: { to: 'd-AAAAAAAAA' },
    shorthand: ' codedeploy   d-AAAAAAAAA ',
    badShorthands,
    badParams,
    implied,
    worlds: {
      'an ECS service that was deployed to': () =>
        codeDeployWorld(
          'ECS',
          [past('d-AAAAAAAAA', 30, spec(GOOD)), past('d-BBBBBBBBB', 2, spec(BAD))],
          [GOOD, BAD],
        ),
      'an ECS service that is being deployed to': () =>
        codeDeployWorld(
          'ECS',
          [
            past('d-AAAAAAAAA', 30, spec(GOOD)),
            past('d-BBBBBBBBB', 0.1, spec(BAD), { status: 'InProgress' }),
          ],
          [GOOD, BAD],
        ),
    },
  })
})

test("the long form that names the runbook's service means the same as the compact form", () => {
  const long = rollbackCodedeploy.params.parse({ codedeploy: 'api', to: 'last-success' })
  const compact = rollbackCodedeploy.shorthand.parse('codedeploy last-success')
  if (compact.is !== 'params') throw new Error(compact.message)
  expect(rollbackCodedeploy.target(long, service)).toEqual(rollbackCodedeploy.target(compact.params, service))
})

test("another service than the runbook's own is refused, and so is a name that would widen an ARN", () => {
  expect(rollbackCodedeploy.target({ codedeploy: 'web', to: 'last-success' }, service)).toMatchObject({
    is: 'missing',
    message: expect.stringContaining('"web"'),
  })
  const wide = { ...service, codedeploy: { application: 'shop', group: '*' } }
  expect(rollbackCodedeploy.target({ to: 'last-success' }, wide)).toMatchObject({
    is: 'missing',
    path: 'codedeploy.group',
  })
})

test('permissions name the region and account of a service that lives elsewhere', () => {
  const found = rollbackCodedeploy.target(
    { to: 'last-success' },
    { ...service, region: 'eu-west-1', account: '210987654321' },
  )
  if (found.is !== 'target') throw new Error(found.message)
  const arns = rollbackCodedeploy.permissions(found.target).flatMap((statement) => statement.resources)
  expect(arns).toContain('arn:${Partition}:codedeploy:eu-west-1:210987654321:deploymentgroup:shop/prod')
  expect(arns.filter((arn) => arn === '*')).toHaveLength(1)
})
