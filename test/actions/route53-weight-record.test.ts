import type { Planned } from '../../lib/actions/action.ts'
import { route53WeightRecord as action } from '../../lib/actions/route53-weight-record.ts'
import { outcomeOf, TerminalError } from '../../lib/errors.ts'
import type { WeightState } from '../../lib/route53/weights.ts'
import { awsError, type Example, scriptedAws, testAction, type World } from './conformance.ts'
import {
  aliasCanary,
  canary,
  type DnsOptions,
  dnsService,
  dnsWorld,
  type Listed,
  stable,
} from './route53-world.ts'

const common: Omit<Example, 'params'> = {
  service: dnsService,
  badShorthands: [
    { text: 'canary', part: '' },
    { text: 'canary=', part: '' },
    { text: '=0', part: '=' },
    { text: '', part: '' },
    { text: 'canary=256', part: '256' },
    { text: 'canary = 10%', part: '10%' },
    { text: 'canary=-1', part: '-1' },
    { text: 'canary=0.5', part: '0.5' },
    { text: ' ca nary=0', part: 'ca nary' },
    { text: 'canary=0 stable=100', part: '0 stable=100' },
  ],
  badParams: [
    { record: 'canary' },
    { record: 'canary', weight: 256 },
    { record: 'canary', weight: -1 },
    { record: 'canary', weight: 0.5 },
    { record: '', weight: 0 },
  ],
  worlds: {
    'with values': () => dnsWorld(),
    'with an alias': () => dnsWorld([aliasCanary, stable]),
    'in pages of one': () =>
      dnsWorld([canary, { ...stable, SetIdentifier: 'blue', Weight: 0 }, stable], { page: 1 }),
  },
}

testAction(action, { ...common, params: { record: 'canary', weight: 0 }, shorthand: 'canary=0' })
testAction(action, { ...common, params: { record: 'canary', weight: 255 }, shorthand: ' canary = 255 ' })

const marker = 'firebreak/ex-1/step-1'
const on = (() => {
  const found = action.target({ record: 'canary', weight: 0 }, dnsService)
  if (found.is === 'missing') throw new Error(found.message)
  return found.target
})()

function observe(world: World): Promise<WeightState> {
  return action.observe(on, { aws: scriptedAws(world), nowMs: 0, marker })
}

async function plan(
  weight: number,
  group: readonly Listed[],
  options?: DnsOptions,
): Promise<Planned<WeightState>> {
  return action.plan(
    { record: 'canary', weight },
    on,
    await observe(dnsWorld(group, options)),
    undefined as never,
  )
}

test('the group is locked, not the record, since a drain is safe only in view of the others', () => {
  expect(on.locks).toEqual(['route53/Z0123456789ABC/api.example.com/A'])
})

test('a record that services.yaml lacks is reported with those that it has', () => {
  expect(action.target({ record: 'canry', weight: 0 }, dnsService)).toMatchObject({
    is: 'missing',
    path: 'records.canry',
    message: expect.stringContaining('it has canary'),
  })
  expect(action.target({ record: 'constructor', weight: 0 }, dnsService)).toMatchObject({ is: 'missing' })
})

test.each([
  ['*', 'A'],
  ['Z1', '*'],
])('a zone %s and type %s that would widen an ARN or a condition are refused', (zone, type) => {
  const records = { canary: { zone, type, name: 'api.example.com', set: 'canary' } }
  expect(action.target({ record: 'canary', weight: 0 }, { ...dnsService, records })).toMatchObject({
    is: 'missing',
  })
})

test("names are compared and permitted in Route 53's own spelling", async () => {
  const records = { canary: { zone: 'Z0123456789ABC', name: '*.Example.com.', type: 'A', set: 'canary' } }
  const found = action.target({ record: 'canary', weight: 0 }, { ...dnsService, records })
  if (found.is === 'missing') throw new Error(found.message)
  expect(action.permissions(found.target)[1]?.condition).toEqual({
    'ForAllValues:StringEquals': {
      'route53:ChangeResourceRecordSetsNormalizedRecordNames': ['\\052.example.com'],
      'route53:ChangeResourceRecordSetsRecordTypes': ['A'],
      'route53:ChangeResourceRecordSetsActions': ['CREATE', 'DELETE'],
    },
  })
  const world = dnsWorld([{ ...canary, Name: '\\052.example.com.' }])
  const seen = await action.observe(found.target, { aws: scriptedAws(world), nowMs: 0, marker })
  expect(seen.record.Name).toBe('\\052.example.com.')
})

describe('what is planned', () => {
  const unchecked = { ...stable, HealthCheckId: undefined }

  test.each([
    ['a canary is drained', 0, [canary, stable], {}, 'weight 10 -> 0'],
    ['no health check counts as healthy', 0, [canary, unchecked], {}, 'weight 10 -> 0'],
    [
      'one healthy set is enough',
      0,
      [canary, stable, { ...unchecked, SetIdentifier: 'x' }],
      { health: {} },
      'weight',
    ],
    [
      'a drained one serves again',
      10,
      [
        { ...canary, Weight: 0 },
        { ...stable, Weight: 0 },
      ],
      {},
      'weight 0 -> 10',
    ],
  ] as const)('%s', async (_name, weight, group, options, summary) => {
    expect(await plan(weight, group as unknown as Listed[], options)).toMatchObject({
      is: 'change',
      summary: expect.stringContaining(summary),
    })
  })

  const failing = { health: { 'hc-stable': Array.from({ length: 16 }, () => 'Failure: timed out') } }

  test.each([
    ['nothing to do', 10, [canary, stable], {}, 'none', 'the weight is 10 already'],
    [
      'all other weights are zero',
      0,
      [canary, { ...stable, Weight: 0 }],
      {},
      'refused',
      '(stable) have weight 0 too',
    ],
    ['there is no other', 0, [canary], {}, 'refused', 'no other set'],
    ['the others are unhealthy', 0, [canary, stable], failing, 'refused', 'stable are unhealthy'],
    [
      'nobody knows whether the others are healthy',
      0,
      [canary, stable],
      { health: {} },
      'human',
      'do not tell',
    ],
    [
      'a traffic policy owns the record',
      0,
      [{ ...canary, TrafficPolicyInstanceId: 'tp-1' }, stable],
      {},
      'refused',
      'traffic policy',
    ],
  ] as const)('%s', async (_name, weight, group, options, is, reason) => {
    expect(await plan(weight, group as unknown as Listed[], options)).toMatchObject({
      is,
      reason: expect.stringContaining(reason),
    })
  })

  test('people are told when it takes effect', async () => {
    const planned = await plan(0, [canary, stable])
    if (planned.is !== 'change') throw new Error(planned.reason)
    expect(planned.notes?.[0]).toContain('the TTL of 60 s')
    const alias = await plan(5, [aliasCanary, stable])
    if (alias.is !== 'change') throw new Error(alias.reason)
    expect(alias.notes?.[0]).toContain("the alias target's TTL")
  })
})

test.each([
  ['no such record', [stable], 'has the sets stable'],
  ['nothing of this name', [], 'no record of this name'],
  [
    'a record that is not weighted',
    [{ ...canary, Weight: undefined, Region: 'eu-west-1' }],
    'not a weighted record',
  ],
] as const)('%s is an error that says so', async (_name, group, message) => {
  const read = observe(dnsWorld(group as unknown as Listed[]))
  await expect(read).rejects.toThrow(TerminalError)
  await expect(read).rejects.toThrow(message)
})

async function drained(world: World) {
  const aws = scriptedAws(world)
  const before = await action.observe(on, { aws, nowMs: 0, marker })
  const planned = action.plan({ record: 'canary', weight: 0 }, on, before, undefined as never)
  if (planned.is !== 'change') throw new Error(planned.reason)
  const change = { target: on, before, after: planned.after, summary: planned.summary }
  const apply = (attempt: number) => action.apply(change, { aws, marker, attempt } as never)
  return { aws, change, apply }
}

test.each([
  ['values', canary],
  ['an alias', aliasCanary],
])(
  'a record with %s keeps every member but its weight, and the request bears the marker',
  async (_name, own) => {
    const world = dnsWorld([own, stable])
    const sent: unknown[] = []
    const real = world.answers['route53:ChangeResourceRecordSets']
    const listening: World = {
      ...world,
      answers: {
        ...world.answers,
        'route53:ChangeResourceRecordSets': (input) => (sent.push(input), real?.(input) ?? {}),
      },
    }
    const { apply } = await drained(listening)
    expect(await apply(1)).toEqual({ requestId: 'req-1', operationId: 'C1' })
    expect(sent).toEqual([
      {
        HostedZoneId: 'Z0123456789ABC',
        ChangeBatch: {
          Comment: marker,
          Changes: [
            { Action: 'DELETE', ResourceRecordSet: own },
            { Action: 'CREATE', ResourceRecordSet: { ...own, Weight: 0 } },
          ],
        },
      },
    ])
  },
)

test('empty members that a client fills in for an alias are not sent back', async () => {
  const before = await observe(dnsWorld([{ ...aliasCanary, TTL: undefined, ResourceRecords: [] }, stable]))
  expect(Object.keys(before.record)).not.toContain('ResourceRecords')
})

test('a record that was changed since is refused whole; later attempts leave it to observation', async () => {
  const world = dnsWorld()
  const { apply } = await drained(world)
  const own = world.zone.find((each) => each.SetIdentifier === 'canary')
  if (own) own.TTL = 300
  const untouched = structuredClone(world.snapshot())
  const first = await apply(1).catch((error: unknown) => error)
  expect(outcomeOf(first)).toMatchObject({ is: 'terminal', reason: expect.stringContaining('do not match') })
  const second = await apply(2).catch((error: unknown) => error)
  expect(outcomeOf(second)).toMatchObject({ is: 'unknown' })
  expect(world.snapshot()).toEqual(untouched)
})

test('a zone that is still busy with an earlier change is tried again', async () => {
  const world = dnsWorld()
  const busy: World = {
    ...world,
    answers: {
      ...world.answers,
      'route53:ChangeResourceRecordSets': () => Promise.reject(awsError('PriorRequestNotComplete', 400)),
    },
  }
  const { apply } = await drained(busy)
  expect(outcomeOf(await apply(1).catch((error: unknown) => error))).toMatchObject({ is: 'retryable' })
})

describe('verification', () => {
  const context = (world: World) => ({ aws: scriptedAws(world), nowMs: 0, marker })

  test('waits until all servers are in sync, and says how long resolvers take', async () => {
    const world = dnsWorld()
    const { apply, change } = await drained(world)
    const receipt = await apply(1)
    expect(await action.verify(change, receipt, context(world))).toMatchObject({
      verdict: 'inconclusive',
      reason: 'change C1 is PENDING',
    })
    world.settle()
    expect(await action.verify(change, receipt, context(world))).toMatchObject({
      verdict: 'passed',
      reason: 'weight 0 is listed, and in sync; resolvers follow within the TTL of 60 s',
    })
  })

  test('a change that Route 53 has forgotten is never taken for done', async () => {
    const world = dnsWorld()
    const { apply, change } = await drained(world)
    const lost = { operationId: 'C404' }
    expect(await action.verify(change, lost, context(world))).toMatchObject({ verdict: 'failed' })
    await apply(1)
    expect(await action.verify(change, lost, context(world))).toMatchObject({ verdict: 'inconclusive' })
  })

  test('without the id of the change the list counts, and the reason says so', async () => {
    const world = dnsWorld()
    const { apply, change } = await drained(world)
    await apply(1)
    expect(await action.verify(change, {}, context(world))).toMatchObject({
      verdict: 'passed',
      reason: expect.stringContaining('sync could not be asked'),
    })
  })

  test("somebody else's weight fails it", async () => {
    const world = dnsWorld()
    const { apply, change } = await drained(world)
    const receipt = await apply(1)
    world.settle()
    world.interfere?.()
    expect(await action.verify(change, receipt, context(world))).toMatchObject({
      verdict: 'failed',
      reason: 'the weight is 77, and not 0',
    })
  })
})

describe('the way back', () => {
  const before: WeightState = { record: canary as never, context: null }
  const after: WeightState = { record: { ...before.record, Weight: 0 }, context: null }
  const change = { target: on, before, after, summary: 's' }

  test('goes up in steps of the weight that was taken', () => {
    const step = action.undo?.(change, after, after, 25)
    expect(step).toMatchObject({ is: 'change', summary: 'weight 0 -> 3', last: false })
    expect(action.undo?.(change, after, after, 100)).toMatchObject({ summary: 'weight 0 -> 10', last: true })
  })

  test('the same weight in a record that was changed otherwise is foreign', () => {
    const observed: WeightState = { record: { ...after.record, TTL: 300 }, context: null }
    const undone = action.undo?.(change, after, observed, 100)
    expect(undone).toMatchObject({ is: 'foreign', reason: expect.stringContaining('another member') })
  })

  test('is not gone where it would leave all weights at zero', () => {
    const raised = { target: on, before: after, after: before, summary: 's' }
    const alone: WeightState = { ...before, context: { serving: [], drained: ['stable'] } }
    expect(action.undo?.(raised, before, alone, 100)).toMatchObject({
      is: 'foreign',
      reason: expect.stringContaining('weight 0 is not safe'),
    })
  })
})
