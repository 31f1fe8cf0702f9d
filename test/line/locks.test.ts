import { ingest } from '../../lib/ingest.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  pagesOf,
  play,
  runbookText,
  transition,
  turnOf,
  withShop,
} from './calm.ts'
import { effectsOf, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const ALARMS = ['api-5xx-spike', 'shop-slow']

/** Two services, each with its alarm and runbook, on one ECS service. */
function both(steps = SCALE): Catalogue {
  return catalogueOf(
    [
      runbookText(steps, '', 'first'),
      runbookText(steps, 'service: shop\ntriggers: [{ alarm: shop-slow }]', 'second').replaceAll(
        'ecs: api',
        'ecs: shop',
      ),
    ],
    {
      services: withShop,
    },
  )
}

function shared(steps = SCALE): Stack {
  return calmStack(both(steps), { alarms: ALARMS })
}

test('two executions of different services on one target at the same time: the second waits, then acts on what it then observes (G5)', async () => {
  const stack = shared()
  const [one, two] = ALARMS.map((name) => transition(stack.account, 'ALARM', name))
  await Promise.all([ingest(stack.app, one, turnOf(stack)), ingest(stack.app, two, turnOf(stack))])
  await play(stack, 10)
  expect(desired(stack)).toBe(14)
  const changes = (await entriesOfKind(stack, 'step.intended')).filter((entry) => entry.step === 'scale_out')
  expect(changes.map((entry) => entry.change.summary)).toEqual(['desired 6 -> 9', 'desired 9 -> 14'])
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 2 })
  const waited = (await entriesOfKind(stack, 'step.waiting')).filter((entry) => entry.blocked)
  expect(waited).toMatchObject([
    { reason: expect.stringContaining('ecs/123456789012/eu-west-1/prod/api is held by inc-') },
  ])
  expect(pagesOf(stack)).toEqual([])
})

test('on_locked: skip leaves the second out, on record with who holds the target', async () => {
  const stack = shared(`${SCALE}\n  on_locked: skip`)
  const [one, two] = ALARMS.map((name) => transition(stack.account, 'ALARM', name))
  await Promise.all([ingest(stack.app, one, turnOf(stack)), ingest(stack.app, two, turnOf(stack))])
  await play(stack, 10)
  expect(desired(stack)).toBe(9)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([
    {
      code: 'locked',
      reason: expect.stringContaining('ecs/123456789012/eu-west-1/prod/api is held by inc-'),
    },
  ])
  expect((await entriesOfKind(stack, 'execution.finished')).map((entry) => entry.outcome)).toEqual([
    'succeeded',
    'succeeded',
  ])
})

test('no two calls on one target overlap, however their workers interleave (G5)', async () => {
  for (let delay = 0; delay < 12; delay++) {
    const stack = shared()
    let inside = 0
    let most = 0
    stack.account.onCall({
      async before(call) {
        if (call.name !== 'ecs:UpdateService') return
        inside++
        most = Math.max(most, inside)
        for (let tick = 0; tick < 20; tick++) await Promise.resolve()
        inside--
      },
    })
    const [one, two] = ALARMS.map((name) => transition(stack.account, 'ALARM', name))
    const late = async () => {
      for (let tick = 0; tick < delay * 5; tick++) await Promise.resolve()
      return ingest(stack.app, two, turnOf(stack))
    }
    await Promise.all([ingest(stack.app, one, turnOf(stack)), late()])
    await play(stack, 5)
    expect(most).toBe(1)
    expect(desired(stack)).toBe(14)
  }
})

describe('while reads are behind what was changed last', () => {
  const behind = () => {
    const stack = shared()
    stack.account.world.faults.lagMs['ecs:DescribeServices'] = 4_000
    return stack
  }
  const plans = async (stack: Stack) =>
    (await entriesOfKind(stack, 'step.intended'))
      .filter((entry) => entry.step === 'scale_out')
      .map((entry) => entry.change.summary)

  test('the next execution on the target waits until they are not, and builds on what was set (G5)', async () => {
    const stack = behind()
    fire(stack)
    await stack.runUntil(START_AT_MS + 1_000)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 5)
    expect(await plans(stack)).toEqual(['desired 6 -> 9', 'desired 9 -> 14'])
    const waits = (await entriesOfKind(stack, 'step.waiting')).filter((entry) => entry.blocked)
    expect(waits).toMatchObject([
      { reason: 'ECS service prod/api was changed less than 5 s ago, and reads may not show it yet' },
    ])
    expect((waits[0]?.wakeAtMs ?? 0) - (waits[0]?.atMs ?? 0)).toBeLessThanOrEqual(5_000)
  })

  test('on_locked: skip waits as well: nobody else is at it', async () => {
    const stack = calmStack(both(`${SCALE}\n  on_locked: skip`), { alarms: ALARMS })
    stack.account.world.faults.lagMs['ecs:DescribeServices'] = 4_000
    fire(stack)
    await stack.runUntil(START_AT_MS + 1_000)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 5)
    expect(await plans(stack)).toEqual(['desired 6 -> 9', 'desired 9 -> 14'])
  })

  test('a value that was just put back is where the next incident begins, and ends (G7)', async () => {
    const undo = 'on_resolved: { undo: [scale_out], after: 1m, step: 100% }'
    const stack = calmStack(catalogueOf([runbookText(SCALE, undo)]))
    stack.account.world.faults.lagMs['ecs:DescribeServices'] = 4_000
    fire(stack)
    await play(stack, 2)
    fire(stack, 'OK')
    await play(stack, 30, () => desired(stack) === 6)
    fire(stack)
    await play(stack, 2)
    expect((await plans(stack)).at(-1)).toBe('desired 6 -> 9')
    fire(stack, 'OK')
    await play(stack, 30)
    expect(desired(stack)).toBe(6)
  })

  test('a second step of the same execution waits, also where its worker died before the lock was released (G5)', async () => {
    for (const dies of [false, true]) {
      let puts = 0
      const stack = calmStack(
        catalogueOf([runbookText(`${SCALE}\n- wait: 1s\n- id: more\n  scale_out: { ecs: api, by: +2 }`)]),
        {
          // The second put of LOCK is the release.
          diesAt: (point) => dies && point.name === 'put LOCK' && point.when === 'before' && ++puts === 2,
        },
      )
      stack.account.world.faults.lagMs['ecs:DescribeServices'] = 4_000
      await play(stack, 1)
      fire(stack)
      await play(stack, 5)
      expect(stack.crashes).toHaveLength(dies ? 1 : 0)
      const changes = await entriesOfKind(stack, 'step.intended')
      expect(changes.map((entry) => entry.change.summary)).toEqual(['desired 6 -> 9', 'desired 9 -> 11'])
    }
  })
})

test('what was observed before the lock was ours does not count (G5)', async () => {
  const stack = shared()
  fire(stack)
  await play(stack, 1)
  let changed = false
  // A colleague's change lands after the first look, before the lock is taken.
  const { storage } = stack.app.ports
  Object.assign(stack.app.ports, {
    storage: {
      ...storage,
      put: async (...[item, condition]: Parameters<typeof storage.put>) => {
        const answer = await storage.put(item, condition)
        if (
          item.pk.startsWith('LOCK#') &&
          answer.is === 'put' &&
          !changed &&
          !item.body.includes('releasedAtMs')
        ) {
          changed = true
          for (let tick = 0; tick < 30; tick++) await Promise.resolve()
          stack.account.act({ is: 'set-desired', service: 'prod/api', desired: 10 })
        }
        return answer
      },
    },
  })
  fire(stack, 'ALARM', 'shop-slow')
  await play(stack, 5)
  const last = (await entriesOfKind(stack, 'step.intended'))
    .filter((entry) => entry.step === 'scale_out')
    .at(-1)
  expect(last?.change.summary).toBe('desired 10 -> 15')
})

describe('a lock whose owner died', () => {
  /** The first worker dies right after its call; nobody has a record of what came of it. */
  function dying() {
    let dead = false
    return calmStack(both(), {
      alarms: ALARMS,
      diesAt: (point) => {
        if (dead || point.name !== 'ecs:UpdateService' || point.when !== 'after') return false
        dead = true
        return true
      },
    })
  }

  test("is not stolen while its owner's stream has an open intent, even when it has expired (G5)", async () => {
    const stack = dying()
    fire(stack)
    await stack.runUntil(START_AT_MS + 1_000)
    expect(stack.crashes).toHaveLength(1)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 10)
    const entries = (await entriesOfKind(stack, 'step.intended')).filter(
      (entry) => entry.step === 'scale_out',
    )
    expect(entries.map((entry) => entry.change.summary)).toEqual(['desired 6 -> 9', 'desired 9 -> 14'])
    const recovered = (await entriesOfKind(stack, 'step.applied')).find(
      (entry) => entry.recovered !== undefined,
    )
    // The first one's outcome is on record before the second begins.
    expect(recovered?.atMs).toBeLessThanOrEqual(entries[1]?.atMs ?? 0)
    expect(desired(stack)).toBe(14)
  })

  test("is not stolen while the outcome of its owner's change is in doubt, even when it has expired (G5, G7)", async () => {
    const stack = calmStack(both(), { alarms: ALARMS })
    let lost = false
    stack.account.onCall({
      after(call) {
        if (call.name !== 'ecs:UpdateService' || lost) return
        lost = true
        throw new Error('socket hang up')
      },
    })
    fire(stack)
    await stack.runUntil(START_AT_MS + 1_000)
    const [unsettled] = await entriesOfKind(stack, 'step.unsettled')
    // Every wake of the first one is lost until long after its lock has expired.
    for (let atS = 2; atS < 100; atS++) {
      if (atS === 50) fire(stack, 'ALARM', 'shop-slow')
      for (const message of stack.work.waiting)
        if (message.body.includes(`"${unsettled?.stream}"`)) stack.work.acknowledge(message)
      await stack.runUntil(START_AT_MS + atS * 1_000)
    }
    await play(stack, 10)
    expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
    expect(
      (await entriesOfKind(stack, 'step.intended'))
        .filter((entry) => entry.step === 'scale_out')
        .map((entry) => entry.change.summary),
    ).toEqual(['desired 6 -> 9', 'desired 9 -> 14'])
    expect(await entriesOfKind(stack, 'step.applied')).toContainEqual(
      expect.objectContaining({ recovered: expect.anything() as unknown }),
    )
  })

  test('is not taken before it has expired (G5)', async () => {
    const stack = dying()
    fire(stack)
    await stack.runUntil(START_AT_MS + 1_000)
    const lease = (await entriesOfKind(stack, 'step.intended'))[0]?.leaseUntilMs ?? 0
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 10)
    const second = (await entriesOfKind(stack, 'step.intended')).filter(
      (entry) => entry.step === 'scale_out',
    )[1]
    expect(second?.atMs).toBeGreaterThan(lease)
  })

  test('after its result was on record is stolen once it has expired: nobody waits for ever (G4, G5)', async () => {
    let puts = 0
    // The second put of LOCK is the release.
    const stack = calmStack(both(), {
      alarms: ALARMS,
      diesAt: (point) => point.name === 'put LOCK' && point.when === 'before' && ++puts === 2,
    })
    fire(stack)
    await play(stack, 3)
    expect(stack.crashes).toHaveLength(1)
    expect(await entriesOfKind(stack, 'execution.finished')).toHaveLength(1)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 5)
    expect(desired(stack)).toBe(14)
  })
})
