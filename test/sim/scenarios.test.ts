import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { ecsAppSpec } from '../../sim/applications.ts'
import { performanceOf } from '../../sim/load.ts'
import { apiBadCanary, DEMO_ZONE } from '../../sim/scenarios.ts'
import type { Account } from '../../sim/account.ts'
import { START_MS } from './small-account.ts'

const MINUTE_MS = 60_000
const GOOD = ecsAppSpec('arn:aws:ecs:eu-west-1:123456789012:task-definition/api:41')

const stateOf = (account: Account) => account.world.alarms['api-5xx-spike']?.state.value

/** Failed requests of the last full minute on the whole name. */
function errorsOf(account: Account): number {
  const series = Object.values(account.world.metrics).find(
    (each) => each.name === 'HTTPCode_Target_5XX_Count' && !('TargetGroup' in each.dimensions),
  )
  const lastMs = Math.floor(account.now() / MINUTE_MS) * MINUTE_MS - MINUTE_MS
  return series?.points.find((point) => point.atMs === lastMs)?.sum ?? 0
}

/** The demo as it stands when its alarm has just fired. */
function fired(options: { autoscaling?: boolean } = {}): Account {
  const account = apiBadCanary({ startAtMs: START_MS, ...options })
  account.advance(MINUTE_MS)
  expect(stateOf(account)).toBe('OK')
  while (stateOf(account) === 'OK' && account.now() < START_MS + 10 * MINUTE_MS) account.advance(1_000)
  expect(stateOf(account)).toBe('ALARM')
  return account
}

const scaleOut = (account: Account) =>
  account.aws({}).call('ecs:UpdateService', { cluster: 'prod', service: 'api', desiredCount: 9 })

async function drain(account: Account) {
  const aws = account.aws({})
  const { ResourceRecordSets } = await aws.call('route53:ListResourceRecordSets', {
    HostedZoneId: DEMO_ZONE,
    StartRecordName: 'api.example.com',
    StartRecordType: 'A',
  })
  const canary = ResourceRecordSets?.find((record) => record.SetIdentifier === 'canary')
  if (!canary) throw new Error('the demo has no canary')
  const change = { Action: 'UPSERT' as const, ResourceRecordSet: { ...canary, Weight: 0 } }
  await aws.call('route53:ChangeResourceRecordSets', {
    HostedZoneId: DEMO_ZONE,
    ChangeBatch: { Changes: [change] },
  })
}

const rollBack = (
  account: Account,
  more: object = { overrideAlarmConfiguration: { enabled: false, alarms: [] } },
) =>
  account.aws({}).call('codedeploy:CreateDeployment', {
    applicationName: 'api',
    deploymentGroupName: 'api-prod',
    revision: GOOD,
    ...more,
  })

test('left alone, the demo fires within four minutes and stays in alarm', () => {
  const account = fired()
  expect(account.now() - START_MS).toBeLessThanOrEqual(4 * MINUTE_MS)
  account.advance(60 * MINUTE_MS)
  expect(stateOf(account)).toBe('ALARM')
})

test('six tasks run before the incident, and half as many again are nine', () => {
  expect(fired().world.services['prod/api']?.desired).toBe(6)
})

test('scaled out, drained and rolled back, the error rate falls and the alarm clears by itself', async () => {
  const account = fired()
  const before = errorsOf(account)
  await scaleOut(account)
  await drain(account)
  await rollBack(account)
  account.advance(6 * MINUTE_MS)
  expect(stateOf(account)).toBe('OK')
  expect(errorsOf(account)).toBeLessThan(before / 50)
  account.advance(60 * MINUTE_MS)
  expect(stateOf(account)).toBe('OK')
})

test.each([
  ['capacity alone', [scaleOut]],
  ['a rollback alone', [rollBack]],
  ['capacity and a drained canary', [scaleOut, drain]],
])('%s lowers the errors but does not clear the alarm', async (_what, mitigations) => {
  const account = fired()
  account.advance(2 * MINUTE_MS)
  const before = errorsOf(account)
  for (const mitigate of mitigations) await mitigate(account)
  account.advance(10 * MINUTE_MS)
  expect(errorsOf(account)).toBeLessThan(before)
  expect(stateOf(account)).toBe('ALARM')
})

test('a canary drained before there is capacity makes it worse: its requests meet a fleet that is full', async () => {
  const account = fired()
  account.advance(2 * MINUTE_MS)
  const before = errorsOf(account)
  await drain(account)
  account.advance(10 * MINUTE_MS)
  expect(errorsOf(account)).toBeGreaterThan(before)
})

test('a rollback that forgets the alarm guard is stopped by the alarm that asked for it', async () => {
  const account = fired()
  const { deploymentId = '' } = await rollBack(account, {})
  account.advance(2 * MINUTE_MS)
  const { deploymentInfo } = await account.aws({}).call('codedeploy:GetDeployment', { deploymentId })
  expect(deploymentInfo).toMatchObject({ status: 'Stopped', errorInformation: { code: 'ALARM_ACTIVE' } })
})

test('the history holds a good version, then the bad one, with a failure between', async () => {
  const account = fired()
  const aws = account.aws({})
  const { deployments = [] } = await aws.call('codedeploy:ListDeployments', {
    applicationName: 'api',
    deploymentGroupName: 'api-prod',
  })
  const { deploymentsInfo = [] } = await aws.call('codedeploy:BatchGetDeployments', {
    deploymentIds: deployments,
  })
  const history = deploymentsInfo
    .sort((a, b) => (a.createTime?.getTime() ?? 0) - (b.createTime?.getTime() ?? 0))
    .map((deployment) => `${deployment.description}: ${deployment.status}`)
  expect(history).toEqual([
    'release 40: Succeeded',
    'release 41, first try: Failed',
    'release 41: Succeeded',
    'release 42: Succeeded',
  ])
})

test('with autoscaling the fleet grows by itself, and comes down slowly when all is quiet', async () => {
  const account = fired({ autoscaling: true })
  account.advance(5 * MINUTE_MS)
  const high = account.world.services['prod/api']?.desired ?? 0
  expect(high).toBeGreaterThan(6)
  await drain(account)
  await rollBack(account)
  account.advance(10 * MINUTE_MS)
  expect(account.world.services['prod/api']?.desired).toBe(high)
  account.advance(60 * MINUTE_MS)
  expect(account.world.services['prod/api']?.desired).toBe(6)
})

test('high resolution tells the same story in periods of ten seconds', () => {
  const account = apiBadCanary({ startAtMs: START_MS, periodMs: 10_000 })
  account.advance(2 * MINUTE_MS)
  expect(stateOf(account)).toBe('ALARM')
})

test.each([
  ['well below capacity', 50, 0.0005, 0.03],
  ['at capacity', 100, 0.05, 0.5],
  ['at twice the capacity', 200, 0.5, 10],
])('%s the queue fails and waits as queues do', (_what, rps, errors, seconds) => {
  const performance = performanceOf([{ build: { errorRatio: 0, mu: 20 }, copies: 5 }], 1, rps)
  expect(Math.abs(performance.errorRatio - errors)).toBeLessThan(0.03)
  expect(performance.latencyS).toBeGreaterThan(seconds)
  expect(performance.latencyS).toBeLessThan(seconds * 3)
})

test('where nothing runs, everything fails', () => {
  expect(performanceOf([], 0, 10).errorRatio).toBe(1)
})

test('the demo has what services.yaml and oncall.yaml name', async () => {
  const read = (file: string): unknown =>
    parse(readFileSync(new URL(`../../runbooks/${file}`, import.meta.url), 'utf8'))
  const { api } = read('services.yaml') as { api: Named }
  const account = apiBadCanary({ startAtMs: START_MS })
  account.advance(MINUTE_MS)
  const { world } = account
  expect(world.services).toHaveProperty([`${api.ecs.cluster}/${api.ecs.service}`])
  expect(world.applications[api.codedeploy.application]?.groups).toHaveProperty([api.codedeploy.group])
  const { zone, name, type, set } = api.records.canary
  expect(world.zones[zone]?.records).toContainEqual(
    expect.objectContaining({ Name: `${name}.`, Type: type, SetIdentifier: set, Weight: 10 }),
  )
  const { namespace, name: metric, dimensions } = api.metrics.errors
  expect(Object.values(world.metrics)).toContainEqual(
    expect.objectContaining({ namespace, name: metric, dimensions }),
  )
  const secrets = JSON.stringify(read('oncall.yaml')).match(/(?<=ssm:)[^"]+/g) ?? []
  expect(Object.keys(world.parameters)).toEqual(expect.arrayContaining(secrets))
  const topics = JSON.stringify(read('oncall.yaml')).match(/arn:aws:sns:[^"]+/g) ?? []
  expect(world.topics).toEqual(expect.arrayContaining(topics))
})

interface Named {
  readonly ecs: { readonly cluster: string; readonly service: string }
  readonly codedeploy: { readonly application: string; readonly group: string }
  readonly records: {
    readonly canary: {
      readonly zone: string
      readonly name: string
      readonly type: string
      readonly set: string
    }
  }
  readonly metrics: {
    readonly errors: {
      readonly namespace: string
      readonly name: string
      readonly dimensions: { readonly [name: string]: string }
    }
  }
}
