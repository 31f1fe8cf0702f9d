import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import { createAccount, type Account } from '../../sim/account.ts'
import { addScalableTarget } from '../../sim/autoscaling.ts'
import { calmAccount } from '../../sim/calm.ts'
import { refuseNext } from '../../sim/faults.ts'
import type { OutsideAct } from '../../sim/outside.ts'
import { apiBadCanary, DEMO_ZONE } from '../../sim/scenarios.ts'
import type { World } from '../../sim/world.ts'
import { decodeWire, encodeWire, remoteAccount, remoteAws, remoteClock } from '../../sim/wire.ts'
import { sha256 } from '../../lib/ids.ts'
import { canonical } from '../../lib/json.ts'
import { accountWithService, START_MS } from './small-account.ts'

const API = { cluster: 'prod', service: 'api' }

test('every call is on record with its request id, execution and effect', async () => {
  const { account, aws } = accountWithService()
  const answer = await aws.call('ecs:UpdateService', { ...API, desiredCount: 6 })
  await aws.call('ecs:UpdateService', { ...API, desiredCount: -1 }).catch(() => undefined)
  expect(account.calls).toMatchObject([
    {
      atMs: START_MS,
      name: 'ecs:UpdateService',
      ordinal: 1,
      mutating: true,
      effect: true,
      requestId: answer.$metadata.requestId,
      executionId: 'inc-000000000000-000000',
    },
    { ordinal: 2, effect: false, error: { name: 'InvalidParameterException' } },
  ])
  expect([account.effects('ecs:UpdateService'), account.count('ecs:UpdateService')]).toEqual([1, 2])
})

const inSeconds = (afterS: number, act: OutsideAct) => (account: Account) =>
  account.world.script.push({ atMs: START_MS + afterS * 1_000, act })

const www: ResourceRecordSet = {
  Name: 'www.example.com',
  Type: 'CNAME',
  TTL: 300,
  ResourceRecords: [{ Value: 'api.example.com' }],
}

test.each<[string, (account: Account) => unknown, (world: World) => unknown, unknown]>([
  [
    'what others do',
    inSeconds(1_800, { is: 'set-health', healthCheck: 'hc-canary', healthy: false }),
    ({ healthChecks }) => healthChecks['hc-canary'],
    { healthy: false },
  ],
  [
    'tasks that start',
    ({ aws }) => aws({}).call('ecs:UpdateService', { ...API, desiredCount: 9 }),
    ({ services }) => services['prod/api']?.past.at(-1),
    { desired: 9, running: 9, pending: 0 },
  ],
  [
    'a rollout',
    inSeconds(0, { is: 'set-task-definition', service: 'prod/api-canary', taskDefinition: 'api:42' }),
    ({ services }) => services['prod/api-canary']?.deployments,
    [{ rolloutState: 'COMPLETED' }],
  ],
  [
    'a deployment',
    inSeconds(0, { is: 'deploy', application: 'api', group: 'api-prod', taskDefinition: 'api:42' }),
    ({ deployments }) => Object.values(deployments).at(-1),
    { status: 'Succeeded' },
  ],
  [
    'a change of DNS',
    ({ aws }) =>
      aws({}).call('route53:ChangeResourceRecordSets', {
        HostedZoneId: DEMO_ZONE,
        ChangeBatch: { Changes: [{ Action: 'DELETE', ResourceRecordSet: www }] },
      }),
    ({ zones }) => zones[DEMO_ZONE]?.served.map(({ Name }) => Name).includes('www.example.com.'),
    false,
  ],
  [
    'a scheduled action',
    async ({ aws, world }) => {
      addScalableTarget(world, 'prod/api', { min: 2, max: 20 })
      await aws({}).call('application-autoscaling:PutScheduledAction', {
        ServiceNamespace: 'ecs',
        ResourceId: 'service/prod/api',
        ScalableDimension: 'ecs:service:DesiredCount',
        ScheduledActionName: 'back',
        Schedule: `at(${new Date(START_MS + 1_800_000).toISOString().slice(0, 19)})`,
        ScalableTargetAction: { MaxCapacity: 3 },
      })
    },
    ({ services }) => services['prod/api'],
    { desired: 3 },
  ],
])('%s: an hour in one leap comes to what it comes to second by second', async (_what, begin, read, end) => {
  const hourOf = async (stepMs: number) => {
    const account = calmAccount({ startAtMs: START_MS, seed: 1 })
    account.advance(2_000)
    await begin(account)
    for (let ms = 0; ms < 3_600_000; ms += stepMs) account.advance(stepMs)
    return account
  }
  const [leap, walk] = [await hourOf(3_600_000), await hourOf(1_000)]
  expect(leap.save()).toEqual(walk.save())
  expect({ end: read(leap.world) }).toMatchObject({ end })
})

test('a hook that throws before a call keeps its effect away; one that throws after hides it', async () => {
  const { account, service, aws } = accountWithService()
  const unhook = account.onCall({
    before: ({ ordinal }) => {
      if (ordinal === 1) throw new Error('the request was lost')
    },
    after: async ({ ordinal }) => {
      await Promise.resolve()
      if (ordinal === 2) throw new Error('the answer was lost')
    },
  })
  const update = () => aws.call('ecs:UpdateService', { ...API, desiredCount: 6 })
  await expect(update()).rejects.toThrow('the request was lost')
  expect([service.desired, account.effects('ecs:UpdateService')]).toEqual([4, 0])
  await expect(update()).rejects.toThrow('the answer was lost')
  expect([service.desired, account.effects('ecs:UpdateService')]).toEqual([6, 1])
  unhook()
  await expect(update()).resolves.toBeDefined()
})

test('a failure after the effect is answered as an error of the server, and the effect is there', async () => {
  const { account, service, aws } = accountWithService()
  refuseNext(account.world, 'ecs:UpdateService', {
    name: 'ServerException',
    message: 'x',
    status: 500,
    when: 'after',
  })
  await expect(aws.call('ecs:UpdateService', { ...API, desiredCount: 6 })).rejects.toMatchObject({
    name: 'ServerException',
    $fault: 'server',
    $metadata: { httpStatusCode: 500 },
  })
  expect([service.desired, account.effects('ecs:UpdateService')]).toEqual([6, 1])
})

test('answers and events share nothing with the world', async () => {
  const { account, aws } = accountWithService()
  const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
  services?.[0]?.events?.push({ message: 'mine' })
  expect(account.world.services['prod/api']?.events).toEqual([])
})

test('the size of the steps in which time passes makes no difference', () => {
  const whole = apiBadCanary({ startAtMs: START_MS })
  const small = apiBadCanary({ startAtMs: START_MS })
  whole.advance(600_000)
  for (let i = 0; i < 2_400; i++) small.advance(250)
  expect(canonical(small.world)).toBe(canonical(whole.world))
})

/** Ten minutes of the demo with some reads, as one hash of all that was seen. */
async function story(seed: number): Promise<string> {
  const account = apiBadCanary({ startAtMs: START_MS, seed })
  const events: unknown[] = []
  account.onEvent((event) => events.push(event))
  for (let i = 0; i < 10; i++) {
    account.advance(60_000)
    await account.aws({}).call('cloudwatch:DescribeAlarms', { AlarmNames: ['api-5xx-spike'] })
  }
  return sha256(canonical([account.calls, events, account.world]))
}

test('the same seed plays the same story, another seed another one', async () => {
  expect(await story(7)).toBe(await story(7))
  expect(await story(7)).not.toBe(await story(8))
})

test('an account that was saved as JSON goes on as if it had never stopped', () => {
  const account = apiBadCanary({ startAtMs: START_MS })
  account.advance(150_500)
  const restored = createAccount({
    saved: JSON.parse(JSON.stringify(account.save())) as ReturnType<typeof account.save>,
  })
  for (const each of [account, restored]) each.advance(300_000)
  expect(canonical(restored.world)).toBe(canonical(account.world))
})

test.each([
  [{ at: new Date(START_MS), list: [new Date(0)], gone: undefined, none: null }],
  [{ $date: 5 }],
  [{ $plain: { $date: new Date(1) } }],
  [new Uint8Array([1, 2, 255])],
])('%p travels as it is', (value) => {
  expect(decodeWire(encodeWire(value))).toEqual(value)
})

test('a worker in another process sees the same answers and the same errors', async () => {
  const { account } = accountWithService()
  const aws = remoteAws((text) => account.serve(text))({ executionId: 'inc-1' })
  const input = { cluster: 'prod', services: ['api'] }
  const here = await account.aws({}).call('ecs:DescribeServices', input)
  const there = await aws.call('ecs:DescribeServices', input)
  expect(there.services).toEqual(here.services)
  expect(there.services?.[0]?.createdAt).toEqual(new Date(START_MS))
  const error = await aws
    .call('ecs:UpdateService', { cluster: 'none', service: 'api' })
    .catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'ClusterNotFoundException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
  })
  expect(account.calls.at(-1)?.executionId).toBe('inc-1')
})

test('a request that is not in the contract is an error and not a crash', async () => {
  const { account } = accountWithService()
  const answer = await account.handle({ is: 'aws', scope: {}, name: 'toString' as 'sns:Publish', input: {} })
  expect(answer).toMatchObject({ error: { message: 'this account does not answer toString' } })
})

test('a remote clock runs on at its speed, follows the account, and never runs back', async () => {
  const { account } = accountWithService()
  let elapsedMs = 0
  const clock = remoteClock({ startAtMs: START_MS, elapsedMs: () => elapsedMs, speed: 10 })
  const remote = remoteAccount((text) => account.serve(text), clock)
  elapsedMs = 100
  expect(remote.clock.now()).toBe(START_MS + 1_000)
  account.advance(60_000)
  await remote.http.post({ url: 'https://hooks.example.com/', headers: {}, body: '{}', timeoutMs: 1_000 })
  expect(remote.clock.now()).toBe(START_MS + 60_000)
  clock.sync(START_MS)
  expect(remote.clock.now()).toBe(START_MS + 60_000)
})
