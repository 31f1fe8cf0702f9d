import * as fc from 'fast-check'
import { calmStack, catalogueOf, desired, fire, play, runbookText, SERVICE } from './calm.ts'

const ALARMS = ['api-5xx-spike', 'shop-slow', 'web-slow'] as const

/** Three services with an alarm each, all of them on one ECS service; each adds tasks and gives them back. */
const CATALOGUE = catalogueOf(
  ALARMS.map((alarm, index) => {
    const service = ['api', 'shop', 'web'][index] ?? ''
    return runbookText(
      `- scale_out: { ecs: ${service}, by: 3 }`,
      [
        `service: ${service}`,
        `triggers: [{ alarm: ${alarm} }]`,
        'keep_open: 1m',
        'flapping: { changes: 6, within: 5m }',
        `on_resolved: { undo: [scale_out], after: 1m, step: ${index === 1 ? '100%' : '50%'}, every: 30s }`,
      ].join('\n'),
      `${service}-more`,
    )
  }),
  {
    services: (text) =>
      ['shop', 'web'].reduce(
        (all, name) =>
          `${all}\n${name}:\n  alarms: [${name}-slow]\n  severity: sev2\n  account: "123456789012"\n  region: eu-west-1\n  ecs: { cluster: prod, service: api }\n`,
        text,
      ),
    policy: (text) => text.replace(/max_capacity: .*/, 'max_capacity: 5000'),
  },
)

interface Happening {
  readonly afterS: number
  /** Which alarm changes over; somebody else sets the count where it is none of them. */
  readonly who: number
}

const happenings: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.record({ afterS: fc.integer({ min: 5, max: 120 }), who: fc.integer({ min: 0, max: 3 }) }),
  { minLength: 3, maxLength: 12 },
)

/** Values that no sum of ours comes to. */
const foreignValue = (count: number) => 1_000 + 101 * count

interface Played {
  /** The highest count that stood there. */
  readonly top: number
  /** What stands once everything has been put back that may be. */
  readonly end: number | undefined
  readonly lastForeign: number | undefined
  /** Each value of somebody else that a way back took away. */
  readonly overwritten: readonly string[]
}

async function playAll(all: readonly Happening[], dies: number | undefined): Promise<Played> {
  const stack = calmStack(CATALOGUE, {
    alarms: ALARMS,
    ...(dies === undefined ? {} : { diesAt: ({ ordinal, when }) => ordinal === dies && when === 'after' }),
  })
  const overwritten: string[] = []
  let foreign: number | undefined
  let top = 0
  stack.account.onCall({
    before({ name, input }) {
      if (name !== 'ecs:UpdateService') return
      const now = desired(stack)
      const { desiredCount = 0 } = input as { readonly desiredCount?: number }
      if (foreign !== undefined && now === foreign && desiredCount < foreign)
        overwritten.push(`${now} -> ${desiredCount}`)
      top = Math.max(top, desiredCount)
    },
  })
  const stands = new Set<number>()
  let count = 0
  const turn = (who: number) => {
    const alarm = ALARMS[who]
    if (alarm === undefined) {
      foreign = foreignValue(++count)
      stack.account.act({ is: 'set-desired', service: SERVICE, desired: foreign })
      return
    }
    fire(stack, stands.has(who) ? 'OK' : 'ALARM', alarm)
    if (!stands.delete(who)) stands.add(who)
  }
  for (const { afterS, who } of all) {
    await play(stack, afterS / 60)
    turn(who)
  }
  await play(stack, 1)
  for (const who of stands) fire(stack, 'OK', ALARMS[who])
  await play(stack, 20)
  return { top, end: desired(stack), lastForeign: foreign, overwritten }
}

/** Answers how high the count went. */
async function holds(all: readonly Happening[], dies?: number): Promise<number> {
  const { top, end, lastForeign, overwritten } = await playAll(all, dies)
  expect(overwritten).toEqual([])
  expect(end).toBe(lastForeign ?? 6)
  return top
}

test('6 -> 9 -> 12 -> 15, in any order of coming and going, ends at 6 (G7)', async () => {
  const tops: number[] = []
  await fc.assert(
    fc.asyncProperty(happenings, async (all) => {
      tops.push(await holds(all.map((one) => ({ ...one, who: one.who % ALARMS.length }))))
    }),
    { numRuns: 60 },
  )
  // Most of them do overlap, or the property says nothing.
  expect(tops.filter((top) => top > 9).length).toBeGreaterThan(15)
}, 300_000)

test("with somebody else's hand in between it ends at their last value, which no way back has taken away (G7)", async () => {
  await fc.assert(
    fc.asyncProperty(happenings, async (all) => void (await holds(all))),
    { numRuns: 60 },
  )
}, 300_000)

test('the same where a worker dies at any I/O of it (G3, G7)', async () => {
  await fc.assert(
    fc.asyncProperty(
      happenings,
      fc.integer({ min: 1, max: 400 }),
      async (all, dies) => void (await holds(all, dies)),
    ),
    { numRuns: 60 },
  )
}, 300_000)
