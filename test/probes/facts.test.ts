import { factProbes } from '../../lib/probes/index.ts'
import type { Service } from '../../lib/runbook/runbook.ts'
import { codeDeployWorld, NOW_MS, past, s3 } from '../actions/codedeploy-world.ts'
import { type Answers, awsError, scriptedAws } from '../actions/conformance.ts'

const service: Service = {
  name: 'api',
  alarms: [],
  severity: 'sev2',
  ecs: { cluster: 'arn:aws:ecs:eu-west-1:123456789012:cluster/prod', service: 'api' },
  codedeploy: { application: 'shop', group: 'prod' },
  records: { canary: { zone: 'Z1', name: 'API.example.com.', type: 'A', set: 'canary' } },
  metrics: {},
}
const bare: Service = { name: 'bare', alarms: [], severity: 'sev2', records: {}, metrics: {} }

function read(path: string, answers: Answers) {
  const probe = factProbes.find((each) => each.paths(service).includes(path))
  if (!probe) throw new Error(`nothing offers ${path}`)
  const aws = scriptedAws({ answers, snapshot: () => null, settle: () => undefined })
  return probe.read(path, service, { aws, nowMs: NOW_MS })
}

test('a service offers what services.yaml says about it, and nothing else', () => {
  const offered = (of: Service) => factProbes.flatMap((probe) => probe.paths(of))
  expect(offered(service).sort()).toEqual(['deployment', 'service.canary', 'service.ecs'])
  expect(offered(bare)).toEqual([])
  expect(factProbes.flatMap((probe) => probe.permissions(bare))).toEqual([])
})

test('permissions name exactly what is read', () => {
  const statements = factProbes.flatMap((probe) => probe.permissions(service))
  expect(statements.map((statement) => statement.resources)).toEqual([
    ['arn:${Partition}:ecs:${Region}:${Account}:service/prod/api'],
    ['arn:${Partition}:codedeploy:${Region}:${Account}:deploymentgroup:shop/prod'],
    ['arn:${Partition}:route53:::hostedzone/Z1'],
  ])
})

test('the latest deployment is the newest that deployed something, in whatever state', async () => {
  const { answers } = codeDeployWorld('Server', [
    past('d-AAAAAAAAA', 30, s3('a')),
    past('d-BBBBBBBBB', 2, s3('b'), { status: 'InProgress', creator: 'CloudFormation' }),
    past('d-CCCCCCCCC', 1, s3('b'), { creator: 'autoscaling' }),
  ])
  expect(await read('deployment', answers)).toEqual({
    id: 'd-BBBBBBBBB',
    status: 'InProgress',
    creator: 'CloudFormation',
    age: 7_200_000,
  })
})

test('a group that was not deployed to for weeks tells its last attempt', async () => {
  const { answers } = codeDeployWorld('Server', [past('d-AAAAAAAAA', 24 * 40, s3('a'), { status: 'Failed' })])
  expect(await read('deployment', answers)).toMatchObject({ id: 'd-AAAAAAAAA', age: 40 * 86_400_000 })
})

test('a group without a deployment has no age, rather than a made-up one', async () => {
  await expect(read('deployment', codeDeployWorld('Server', []).answers)).rejects.toThrow(
    'shop/prod has no deployment',
  )
})

const sets = (...ResourceRecordSets: object[]): Answers => ({
  'route53:ListResourceRecordSets': () => ({ ResourceRecordSets, IsTruncated: false }),
})
const canary = { Name: 'api.example.com.', Type: 'A', SetIdentifier: 'canary', Weight: 10 }

test('the weight of a record is read by zone, name, type and set', async () => {
  expect(
    await read('service.canary', sets({ ...canary, SetIdentifier: 'main', Weight: 90 }, canary)),
  ).toEqual({ weight: 10 })
  expect(await read('service.canary', sets({ ...canary, Weight: 0 }))).toEqual({ weight: 0 })
})

test.each([
  ['another set', { ...canary, SetIdentifier: 'main' }],
  ['another name', { ...canary, Name: 'web.example.com.' }],
  ['another type', { ...canary, Type: 'AAAA' }],
  ['no weight', { Name: canary.Name, Type: 'A', SetIdentifier: 'canary', Failover: 'PRIMARY' }],
])('a record with %s is not taken for weight 0', async (_name, set) => {
  await expect(read('service.canary', sets(set))).rejects.toThrow('no weighted record "canary"')
})

test('the capacity of the ECS service is what ECS counts', async () => {
  const described = { serviceName: 'api', desiredCount: 9, runningCount: 6, pendingCount: 3 }
  expect(await read('service.ecs', { 'ecs:DescribeServices': () => ({ services: [described] }) })).toEqual({
    desired: 9,
    running: 6,
    pending: 3,
  })
})

test.each([
  [{ services: [], failures: [{ reason: 'MISSING' }] }, 'MISSING'],
  [{}, 'no counts in the answer'],
  [{ services: [{ serviceName: 'api', desiredCount: 9 }] }, 'no counts in the answer'],
])('an answer without counts is an error: %j', async (answer, words) => {
  await expect(read('service.ecs', { 'ecs:DescribeServices': () => answer })).rejects.toThrow(words)
})

test.each(['deployment', 'service.canary', 'service.ecs'])('%s throws where AWS refuses', async (path) => {
  const refuse = () => Promise.reject(awsError('AccessDeniedException', 403))
  const answers = {
    'codedeploy:ListDeployments': refuse,
    'route53:ListResourceRecordSets': refuse,
    'ecs:DescribeServices': refuse,
  }
  await expect(read(path, answers)).rejects.toThrow('AccessDeniedException')
})
