import * as fc from 'fast-check'
import { accountOf, limitRules, scopesOf } from '../../lib/guardrails.ts'
import {
  claim,
  endClaim,
  readClaims,
  refusalOf,
  type ClaimResult,
  type LimitRule,
} from '../../lib/ledger/claims.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import type { Catalogue, Runbook } from '../../lib/runbook/runbook.ts'

const T = 1_790_000_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const SCOPE = 'service:api'
const rate = (perHour: number): LimitRule => ({ scope: SCOPE, perHour, cooldownMs: 0 })
const cooldown = (minutes: number): LimitRule => ({
  scope: SCOPE,
  perHour: 100,
  cooldownMs: minutes * MINUTE,
})
const ended = (atMs: number) => ({ is: 'ended', atMs }) as const

describe('a rate', () => {
  test('admits as many as it says within an hour, then none', async () => {
    const storage = memoryStorage()
    expect(await claim(storage, rate(2), 'a', T)).toMatchObject({ is: 'claimed' })
    expect(await claim(storage, rate(2), 'b', T + 1)).toMatchObject({ is: 'claimed' })
    expect(await claim(storage, rate(2), 'c', T + 2)).toMatchObject({
      is: 'refused',
      code: 'rate',
      reason: '2 executions of service:api were started within the last hour; the limit is 2',
    })
  })

  test('slides: a place is free an hour after the start that took it', async () => {
    const storage = memoryStorage()
    await claim(storage, rate(1), 'a', T)
    await endClaim(storage, SCOPE, 'a', ended(T + MINUTE))
    expect(await claim(storage, rate(1), 'b', T + HOUR - 1)).toMatchObject({ code: 'rate' })
    expect(await claim(storage, rate(1), 'b', T + HOUR)).toMatchObject({ is: 'claimed' })
  })

  test('counts an execution once, however often it claims', async () => {
    const storage = memoryStorage()
    for (let i = 0; i < 5; i++)
      expect(await claim(storage, rate(2), 'a', T + i)).toMatchObject({ is: 'claimed' })
    expect(await claim(storage, rate(2), 'b', T + 10)).toMatchObject({ is: 'claimed' })
    expect(await readClaims(storage, SCOPE)).toHaveLength(2)
  })

  test('does not count what was refused and taken out', async () => {
    const storage = memoryStorage()
    await claim(storage, rate(1), 'a', T)
    await endClaim(storage, SCOPE, 'a', { is: 'refused' })
    expect(await claim(storage, rate(1), 'b', T + 1)).toMatchObject({ is: 'claimed' })
  })
})

describe('a cooldown', () => {
  test('admits none beside a running execution, and none for so long after it ended', async () => {
    const storage = memoryStorage()
    await claim(storage, cooldown(15), 'a', T)
    expect(await claim(storage, cooldown(15), 'b', T + HOUR)).toMatchObject({
      is: 'refused',
      code: 'cooldown',
      reason: 'a is running for service:api',
    })
    await endClaim(storage, SCOPE, 'a', ended(T + HOUR))
    expect(await claim(storage, cooldown(15), 'b', T + HOUR + 14 * MINUTE)).toMatchObject({
      is: 'refused',
      code: 'cooldown',
      reason: 'the cooldown of service:api lasts 60 s more',
    })
    expect(await claim(storage, cooldown(15), 'b', T + HOUR + 15 * MINUTE)).toMatchObject({ is: 'claimed' })
  })

  test('of more than a day is kept, by what has ended', async () => {
    const storage = memoryStorage()
    const days = cooldown(3 * 24 * 60)
    await claim(storage, days, 'a', T)
    await endClaim(storage, SCOPE, 'a', ended(T + HOUR))
    expect(await claim(storage, days, 'b', T + 72 * HOUR)).toMatchObject({ code: 'cooldown' })
    expect(await claim(storage, days, 'b', T + 73 * HOUR)).toMatchObject({ is: 'claimed' })
  })

  test('does not keep an execution from claiming again what it has', async () => {
    const storage = memoryStorage()
    await claim(storage, cooldown(15), 'a', T)
    await endClaim(storage, SCOPE, 'a', ended(T + 1))
    expect(await claim(storage, cooldown(15), 'a', T + 2)).toMatchObject({ is: 'claimed' })
  })

  test('counts from the first end that was recorded: a repeat does not prolong it', async () => {
    const storage = memoryStorage()
    await claim(storage, cooldown(15), 'a', T)
    await endClaim(storage, SCOPE, 'a', ended(T + 1))
    await endClaim(storage, SCOPE, 'a', ended(T + HOUR))
    expect(await readClaims(storage, SCOPE)).toEqual([
      { executionId: 'a', startedAtMs: T, endedAtMs: T + 1, cooldownMs: 900_000 },
    ])
  })

  test('of nothing is off', () => {
    expect(refusalOf(cooldown(0), [{ executionId: 'a', startedAtMs: T, cooldownMs: 0 }], T)).toBeUndefined()
  })

  test('is held up by an execution for as long as one can wait, and not for ever', async () => {
    const storage = memoryStorage()
    const forgottenMs = T + 31 * 24 * HOUR
    await claim(storage, cooldown(15), 'a', T)
    expect(await claim(storage, cooldown(15), 'b', forgottenMs - 1)).toMatchObject({ code: 'cooldown' })
    expect(await claim(storage, cooldown(15), 'b', forgottenMs)).toMatchObject({ is: 'claimed' })
  })
})

test('a claim is told what stood before it, also when it is made again after that has ended', async () => {
  const storage = memoryStorage()
  const before = (answer: ClaimResult) => answer.before.map((one) => one.executionId)
  const claimed = async (id: string) => before(await claim(storage, rate(9), id, T))
  expect([await claimed('a'), await claimed('b'), await claimed('c')]).toEqual([[], ['a'], ['a', 'b']])
  await endClaim(storage, SCOPE, 'a', ended(T + 1))
  expect([await claimed('a'), await claimed('b'), await claimed('c')]).toEqual([[], ['a'], ['a', 'b']])
  expect(before(await claim(storage, rate(3), 'd', T))).toEqual(['a', 'b', 'c'])
})

describe('what is remembered', () => {
  test('is forgotten when no window needs it any more', async () => {
    const storage = memoryStorage()
    await claim(storage, rate(9), 'a', T)
    await endClaim(storage, SCOPE, 'a', ended(T))
    await claim(storage, rate(9), 'b', T + 168 * HOUR)
    expect((await readClaims(storage, SCOPE)).map((one) => one.executionId)).toEqual(['b'])
  })

  test('is the last end, for as long as an alarm may look back, and no earlier one', async () => {
    const storage = memoryStorage()
    for (const id of ['a', 'b', 'c']) await claim(storage, rate(9), id, T)
    for (const [id, atMs] of [
      ['a', T + 1],
      ['c', T + 2],
      ['b', T + 3],
    ] as const)
      await endClaim(storage, SCOPE, id, ended(atMs))
    await claim(storage, rate(9), 'd', T + 167 * HOUR)
    expect((await readClaims(storage, SCOPE)).map((one) => one.executionId)).toEqual(['b', 'd'])
  })

  test('is nothing in a scope that nobody claimed, and ending there is harmless', async () => {
    const storage = memoryStorage()
    await endClaim(storage, SCOPE, 'a', ended(T))
    expect(await readClaims(storage, SCOPE)).toEqual([])
  })

  test('is told apart by scope', async () => {
    const storage = memoryStorage()
    await claim(storage, rate(1), 'a', T)
    expect(await claim(storage, { ...rate(1), scope: 'service:web' }, 'b', T)).toMatchObject({
      is: 'claimed',
    })
  })
})

describe('under twenty claims at once', () => {
  const racers = Array.from({ length: 20 }, (_unused, index) => `racer-${index}`)

  test.each([
    ['a cooldown admits one', cooldown(15), 1],
    ['a rate of one admits one', rate(1), 1],
    ['a rate of six admits six', rate(6), 6],
  ])('%s', async (_sentence, rule, most) => {
    const storage = memoryStorage()
    const answers = await Promise.all(racers.map((id) => claim(storage, rule, id, T)))
    const winners = racers.filter((_id, index) => answers[index]?.is === 'claimed')
    expect(winners).toHaveLength(most)
    expect((await readClaims(storage, SCOPE)).map((one) => one.executionId).toSorted()).toEqual(
      winners.toSorted(),
    )
  })

  test('ends are not lost to each other', async () => {
    const storage = memoryStorage()
    await Promise.all(racers.map((id) => claim(storage, rate(20), id, T)))
    await Promise.all(racers.map((id) => endClaim(storage, SCOPE, id, ended(T + 1))))
    expect((await readClaims(storage, SCOPE)).every((one) => one.endedAtMs === T + 1)).toBe(true)
  })
})

/** The same storage, whose every answer comes when the schedule lets it. */
function interleaved(storage: Storage, schedule: fc.Scheduler): Storage {
  const later = async <T>(effect: () => Promise<T>): Promise<T> => {
    await schedule.schedule(Promise.resolve())
    const answer = await effect()
    await schedule.schedule(Promise.resolve())
    return answer
  }
  return {
    ...storage,
    put: async (item, condition) => later(async () => storage.put(item, condition)),
    get: async (pk, sk) => later(async () => storage.get(pk, sk)),
  }
}

const limit = fc.integer({ min: 0, max: 4 })
const starts = fc.array(
  fc.record({
    service: fc.constantFrom('api', 'web', 'own'),
    runbook: fc.constantFrom('spike', 'slow'),
    /** Another delivery of the same signal claims beside it. */
    deliveries: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 2, maxLength: 10 },
)

test('under any interleaving of starts and withdrawals no window is exceeded or counts twice (G6)', async () => {
  const limits = fc.record({ all: limit, api: limit, spike: limit, account: limit })
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), limits, starts, async (schedule, perHour, wanted) => {
      const memory = memoryStorage()
      const storage = interleaved(memory, schedule)
      const catalogue = {
        // The third service is in no account that is named.
        services: { api: { account: '1' }, web: { account: '1' }, own: {} },
        policy: {
          executionsPerHour: perHour.all,
          accounts: { 1: { executionsPerHour: perHour.account } },
          services: { api: { executionsPerHour: perHour.api } },
          runbooks: { spike: { executionsPerHour: perHour.spike } },
        },
      } as unknown as Catalogue
      const admitted: { readonly id: string; readonly scopes: readonly string[] }[] = []
      const begin = async (index: number): Promise<void> => {
        const one = wanted[index]
        if (!one) return
        const runbook = { ...one, cooldownMs: 0 } as unknown as Runbook
        const rules = limitRules(catalogue, runbook, [])
        const id = `start-${index}`
        const deliveries = await Promise.all(
          Array.from({ length: one.deliveries }, async () =>
            Promise.all(rules.map(async (rule) => claim(storage, rule, id, T))),
          ),
        )
        // Whatever another delivery was told: a start is one record, and one of its answers is what is recorded.
        if (deliveries[0]?.every((answer) => answer.is === 'claimed'))
          admitted.push({ id, scopes: rules.map((rule) => rule.scope) })
        else
          await Promise.all(
            scopesOf(runbook, accountOf(catalogue, runbook)).map(async (scope) =>
              endClaim(storage, scope, id, { is: 'refused' }),
            ),
          )
      }
      await schedule.waitFor(Promise.all(wanted.map(async (_one, index) => begin(index))))
      const most = {
        all: perHour.all,
        'account:1': perHour.account,
        'service:api': perHour.api,
        'runbook:spike': perHour.spike,
      }
      for (const scope of [...Object.keys(most), 'service:web', 'service:own', 'runbook:slow']) {
        const inside = admitted.filter(({ scopes }) => scopes.includes(scope)).map(({ id }) => id)
        expect(inside.length).toBeLessThanOrEqual(most[scope as keyof typeof most] ?? Infinity)
        const counted = (await readClaims(memory, scope)).map((one) => one.executionId)
        expect(counted.toSorted()).toEqual(inside.toSorted())
      }
    }),
    { numRuns: 200 },
  )
}, 60_000)
