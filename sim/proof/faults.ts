import type { Dice } from './dice.ts'

/** What can go wrong with one I/O of one worker (CORE.md 2). */
export const FAULTS = [
  'crash-before',
  'crash-after',
  'crash-in-flight',
  'request-lost',
  'reply-lost',
  'late',
  'throttled',
  'error-after',
  'freeze-before',
  'freeze-after',
] as const

export type Fault = (typeof FAULTS)[number]

/** One I/O, as whoever chooses faults sees it. */
export interface Point {
  /** From 1, over all workers of a run. */
  readonly ordinal: number
  /** `put REC`, `get CONTROL`, `send`, `ecs:UpdateService` ... */
  readonly name: string
  readonly is: 'storage' | 'index' | 'aws' | 'http' | 'queue'
}

/** Chooses what goes wrong with an I/O, if anything does. */
export type FaultPlan = (point: Point) => Fault | undefined

/** Faults at random, a share of all I/Os, until a time. */
export function randomFaults(dice: Dice, share: number, until: () => boolean): FaultPlan {
  return () => (until() || !dice.chance(share) ? undefined : dice.pick(FAULTS))
}

/** The given faults at the given places and no others: what the exhaustive search plays. */
export function plannedFaults(planned: ReadonlyMap<number, Fault>): FaultPlan {
  return ({ ordinal }) => planned.get(ordinal)
}
