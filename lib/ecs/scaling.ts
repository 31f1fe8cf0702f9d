import * as z from 'zod'

/** The count of an ECS service and the range that holds it. */
export const scaleState = z.strictObject({
  desired: z.int().min(0),
  /** The range of Application Auto Scaling; null where no scalable target looks after the service. */
  floor: z.strictObject({ min: z.int().min(0), max: z.int().min(0) }).nullable(),
  /** Whether AWS will put the floor back by itself; absent where the step does not ask for that. */
  expires: z.boolean().exactOptional(),
  /**
   * What guards and verification need to know as it was when observed. It is no part of what a change moves: nothing
   * here compares it, and an `after` has none, so that the digest of an approval does not depend on the moment.
   */
  context: z
    .strictObject({
      status: z.string(),
      strategy: z.string(),
      controller: z.string(),
      deployments: z.int(),
      taskSets: z.int(),
      primary: z.strictObject({ id: z.string(), rolloutState: z.string() }).nullable(),
      scaleOutSuspended: z.boolean(),
      /** 0: the service has no events yet. */
      lastEventAtMs: z.number(),
    })
    .nullable(),
})

export type ScaleState = z.infer<typeof scaleState>

/**
 * Whether that which moves between `end` and `other` stands at `end` in `observed`. With a floor the count is the
 * autoscaler's business, and MaxCapacity counts only if it moves.
 */
export function standsAt(end: ScaleState, other: ScaleState, observed: ScaleState): boolean {
  if (end.floor === null || observed.floor === null) {
    return end.floor === observed.floor && observed.desired === end.desired
  }
  const maxMoves = end.floor.max !== other.floor?.max
  if (end.floor.min === other.floor?.min && !maxMoves) {
    // The count stood outside its range and was to be moved into it; that alone tells the ends apart.
    return end.desired > other.desired ? observed.desired >= end.desired : observed.desired <= end.desired
  }
  return observed.floor.min === end.floor.min && (!maxMoves || observed.floor.max === end.floor.max)
}

interface Ends {
  readonly before: ScaleState
  readonly after: ScaleState
}

/** Whether a change takes AWS's own expiry away, at the end of the way back. */
export function endsExpiry({ before, after }: Ends): boolean {
  return before.expires === true && after.expires === false
}

/** Whether it does nothing else. */
export function onlyEndsExpiry(ends: Ends): boolean {
  return endsExpiry(ends) && movement(ends.before, ends.after) === ''
}

/** Whether the floor is raised: only what holds capacity needs an expiry. */
export function raisesFloor({ before, after }: Ends): boolean {
  return before.floor !== null && after.floor !== null && after.floor.min > before.floor.min
}

/** For people: `desired 9 in 9 to 20`. */
export function standing({ desired, floor }: ScaleState): string {
  return floor === null ? `desired ${desired}` : `desired ${desired} in ${floor.min} to ${floor.max}`
}

/** For people: `desired 6 -> 9, floor 2 -> 9`, only what moves. */
export function movement(from: ScaleState, to: ScaleState): string {
  const part = (name: string, a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined || a === b ? [] : [`${name} ${a} -> ${b}`]
  return [
    ...part('desired', from.desired, to.desired),
    ...part('floor', from.floor?.min, to.floor?.min),
    ...part('MaxCapacity', from.floor?.max, to.floor?.max),
  ].join(', ')
}

/**
 * The next state on the way from `after` back to `before`, `stepPercent` of the added tasks further than `lastSet`, and
 * never below `before`. With a floor the last step puts the old floor back and leaves the count to the policies. A
 * MaxCapacity that was raised follows the floor down, since putting it back at once would clamp the count at once; one
 * that was not raised is left as it is observed.
 */
export function stepBack(
  { before, after }: Ends,
  lastSet: ScaleState,
  observed: ScaleState,
  stepPercent: number,
): { readonly to: ScaleState; readonly last: boolean } {
  const step = Math.max(1, Math.ceil(((after.desired - before.desired) * stepPercent) / 100))
  if (before.floor === null || lastSet.floor === null || observed.floor === null) {
    const desired = Math.max(before.desired, lastSet.desired - step)
    return { to: { desired, floor: null, context: null }, last: desired === before.desired }
  }
  // A floor above the count would lift it: where somebody has set the count lower, the floor goes down to it at once.
  const lower = Math.min(lastSet.floor.min - step, observed.desired)
  const last = lower <= Math.max(before.desired, before.floor.min)
  const raised = after.floor?.max !== before.floor.max
  const max = last ? before.floor.max : Math.max(before.floor.max, lower)
  const floor = { min: last ? before.floor.min : lower, max: raised ? max : observed.floor.max }
  const desired = Math.min(Math.max(observed.desired, floor.min), floor.max)
  return { to: { desired, floor, context: null, ...expiryUntil(last, observed) }, last }
}

/** The expiry stands until the way back has ended. */
function expiryUntil(last: boolean, { expires }: ScaleState): Pick<ScaleState, 'expires'> {
  return expires === undefined ? {} : { expires: expires && !last }
}
