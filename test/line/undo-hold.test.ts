import { clearingOf } from '../../lib/clearing.ts'
import { calmStack, catalogueOf, desired, entriesOfKind, fire, play, runbookText } from './calm.ts'
import { START_AT_MS } from './world.ts'
import type { Stack } from '../../sim/stack.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 1m, step: 100% }'
const FLAPPING = 'flapping: { changes: 4, within: 20m }'
const MINUTE_MS = 60_000

describe('an alarm is clear for an undo (G7)', () => {
  const at = (minute: number) => START_AT_MS + minute * MINUTE_MS
  const asked = { afterMs: 5 * MINUTE_MS, flapping: { changes: 2, withinMs: 10 * MINUTE_MS } }
  const clearing = (changes: readonly number[], nowMin: number) => {
    const clearedAtMs = at(changes.at(-1) ?? 0)
    return clearingOf({ state: 'ok', clearedAtMs, changes: changes.map(at) }, asked, at(nowMin))
  }

  test('when it has been so for the time given', () => {
    expect(clearing([0, 1], 5.9)).toMatchObject({ is: 'not-clear', untilMs: at(6), troubled: false })
    expect(clearing([0, 1], 6)).toEqual({ is: 'clear' })
  })

  test('counted from when it has come to rest, where it flapped', () => {
    // The third change from the end leaves the window at 12 min; the millisecond after it is the first at rest.
    expect(clearing([0, 1, 2, 3], 4)).toMatchObject({
      is: 'not-clear',
      reason: expect.stringContaining('flaps') as string,
      untilMs: at(16) + 1,
      troubled: true,
    })
    expect(clearing([0, 1, 2, 3], 11.5)).toMatchObject({ untilMs: at(16) + 1, troubled: false })
    expect(clearing([0, 1, 2, 3], 16)).toMatchObject({ is: 'not-clear' })
    expect(clearing([0, 1, 2, 3], 16.1)).toEqual({ is: 'clear' })
  })

  test('never while it stands', () => {
    const standing = clearingOf({ state: 'alarm', changes: [at(0)] }, asked, at(1_000))
    expect(standing).toMatchObject({ is: 'not-clear', troubled: true })
    expect(standing).not.toHaveProperty('untilMs')
  })
})

/** Fires and clears so many times, never clear for a minute. */
async function flap(stack: Stack, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    fire(stack)
    await play(stack, 1)
    fire(stack, 'OK')
    await play(stack, 0.5)
  }
}

const waits = async (stack: Stack) =>
  (await entriesOfKind(stack, 'step.waiting')).filter((entry) => entry.stream.endsWith('.undo'))

test('while the alarm flaps nothing is put back, and it is said once; at rest it goes on (G7)', async () => {
  const stack = calmStack(
    catalogueOf([runbookText(SCALE, `${UNDO}\n${FLAPPING}\nkeep_open: 60m\ncooldown: 60m`)]),
  )
  await flap(stack, 4)
  const lastAtMs = stack.account.now() - MINUTE_MS / 2
  expect(desired(stack)).toBe(9)
  await play(stack, 15)
  expect(desired(stack)).toBe(9)
  const said = (await waits(stack)).filter((entry) => entry.reason.includes('flaps'))
  expect(said).toHaveLength(1)
  expect(said[0]).toMatchObject({
    blocked: true,
    reason: expect.stringContaining('more than 4 times') as string,
  })
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
  const [back] = (await entriesOfKind(stack, 'step.intended')).filter((entry) =>
    entry.stream.endsWith('.undo'),
  )
  // The fifth change from the end came 3 min before the last: 20 min after it there are four, and a minute later it is clear.
  expect((back?.atMs ?? 0) - lastAtMs).toBeGreaterThanOrEqual((20 - 3 + 1) * MINUTE_MS)
})

test('an alarm that goes on flapping writes nothing more while it is looked at', async () => {
  const stack = calmStack(
    catalogueOf([runbookText(SCALE, `${UNDO}\n${FLAPPING}\nkeep_open: 60m\ncooldown: 60m`)]),
  )
  await flap(stack, 4)
  await play(stack, 3)
  const before = (await waits(stack)).length
  await flap(stack, 20)
  const reasons = (await waits(stack)).slice(before).map((entry) => entry.reason)
  expect(reasons).toEqual([])
  expect(desired(stack)).toBe(9)
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})
