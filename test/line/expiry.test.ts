import { addScalableTarget } from '../../sim/autoscaling.ts'
import type { Point } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'
import type { ScalableTarget } from '../../sim/world.ts'
import {
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  HOUR_MS,
  pagesOf,
  play,
  runbookText,
  SERVICE,
} from './calm.ts'
import { chainOf, effectsOf } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50%, expires_in: 6h }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 5m, step: 50%, every: 1m }'

interface Expiring {
  readonly stack: Stack
  readonly target: ScalableTarget
}

/** The service at 6 tasks with a floor of 4, and a runbook whose change expires. */
function expiring(head = UNDO, diesAt?: (point: Point) => boolean): Expiring {
  const stack = calmStack(catalogueOf([runbookText(SCALE, head)]), diesAt ? { diesAt } : {})
  const target = addScalableTarget(stack.account.world, SERVICE, { min: 4, max: 40 })
  return { stack, target }
}

const standing = ({ target }: Expiring) => Object.values(target.scheduled ?? {})

test('where nothing of us is left, AWS puts the floor back at its time, and not before', async () => {
  const one = expiring()
  const { stack, target } = one
  fire(stack)
  await play(stack, 5)
  const [applied] = await entriesOfKind(stack, 'step.applied')
  expect(target).toMatchObject({ min: 9 })
  expect(standing(one)).toMatchObject([{ min: 4 }])
  const expiresAtMs = (applied?.atMs ?? 0) + 6 * HOUR_MS
  stack.account.advanceTo(expiresAtMs - 60_000)
  expect(target.min).toBe(9)
  stack.account.advanceTo(expiresAtMs + 60_000)
  expect(target.min).toBe(4)
})

test('our own way back takes the switch away', async () => {
  const one = expiring()
  const { stack, target } = one
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 15)
  expect(target.min).toBe(4)
  expect(standing(one)).toEqual([])
  expect(pagesOf(stack)).toEqual([])
})

test('once somebody else has set the floor the switch goes, and their value stands for good (G7)', async () => {
  const one = expiring()
  const { stack, target } = one
  fire(stack)
  await play(stack, 5)
  target.min = 12
  fire(stack, 'OK')
  await play(stack, 15)
  expect(standing(one)).toEqual([])
  expect(pagesOf(stack)).toEqual([expect.stringMatching(/was left alone: .*12 to 40/)])
  stack.account.advanceTo(stack.account.now() + 8 * HOUR_MS)
  expect(target.min).toBe(12)
})

test('what AWS has put back needs no undo any more', async () => {
  const one = expiring('on_resolved: { undo: [scale_out], after: 5m, max_hold: 12h }')
  const { stack, target } = one
  fire(stack)
  await play(stack, 5)
  stack.account.advanceTo(stack.account.now() + 7 * HOUR_MS)
  fire(stack, 'OK')
  await play(stack, 15)
  expect(target.min).toBe(4)
  expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([{ code: 'undone' }])
  expect(pagesOf(stack)).toEqual([])
})

test('a recurrence takes the switch over: it goes back to what stood before the first (G7)', async () => {
  const one = expiring(`${UNDO}\nkeep_open: 30m`)
  const { stack, target } = one
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 3)
  fire(stack)
  await play(stack, 5)
  expect([desired(stack), target.min]).toEqual([14, 14])
  expect(standing(one)).toMatchObject([{ min: 4 }])
  fire(stack, 'OK')
  await play(stack, 30)
  expect(target.min).toBe(4)
  expect(standing(one)).toEqual([])
})

test('a service without a scalable target is refused on record, and a person is told', async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE, UNDO)]))
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(6)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'refused' }])
  expect(pagesOf(stack)).toEqual([expect.stringContaining('has no scalable target')])
})

test('a crash at any I/O of such a change and its way back leaves no switch and loses nothing (G3, G4)', async () => {
  const run = async (head: string, foreign: boolean, diesAt?: (point: Point) => boolean) => {
    const points: Point[] = []
    const one = expiring(head, (point) => {
      points.push(point)
      return diesAt?.(point) ?? false
    })
    fire(one.stack)
    await play(one.stack, 4)
    if (foreign) one.target.min = 12
    fire(one.stack, 'OK')
    await play(one.stack, 16)
    return { ...one, points }
  }
  const head = 'on_resolved: { undo: [scale_out], after: 1m, step: 50%, every: 30s }\nkeep_open: 1m'
  const found: string[] = []
  for (const foreign of [false, true]) {
    const { points } = await run(head, foreign)
    const seen = new Map<number, string>()
    for (const { ordinal, name } of points)
      if ((name !== 'due' && name !== 'list') || ordinal <= 12) seen.set(ordinal, name)
    expect(seen.size).toBeGreaterThan(50)
    for (const [ordinal, name] of seen) {
      for (const when of ['before', 'after'] as const) {
        const at = `${when} ${ordinal} ${name}${foreign ? ', foreign' : ''}`
        const one = await run(head, foreign, (point) => point.ordinal === ordinal && point.when === when)
        if (one.stack.crashes.length !== 1) found.push(`${at}: crashed ${one.stack.crashes.length} times`)
        if (standing(one).length > 0) found.push(`${at}: the switch is still there`)
        if (one.target.min !== (foreign ? 12 : 4)) found.push(`${at}: the floor is ${one.target.min}`)
        if ((await chainOf(one.stack)) !== 'consistent') found.push(`${at}: the chain is broken`)
        const registered = effectsOf(one.stack)['application-autoscaling:RegisterScalableTarget'] ?? 0
        if (registered < 1) found.push(`${at}: nothing was changed`)
      }
    }
  }
  expect(found).toEqual([])
}, 600_000)
