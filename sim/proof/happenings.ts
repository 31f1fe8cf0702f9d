import type { OutsideAct } from '../outside.ts'
import { DEMO_ZONE } from '../scenarios.ts'
import type { AlarmState } from '../world.ts'
import type { Dice } from './dice.ts'
import type { Answer, Asked } from './people.ts'

/** What happens in a run beside the workers: alarms, people, colleagues. Drawn from the seed, told in the trace. */
export type Happening = { readonly atMs: number } & (
  | {
      readonly is: 'alarm'
      readonly alarm: string
      readonly state: Extract<AlarmState, 'OK' | 'ALARM'>
      /** How often it is delivered, by either path; 0 is a transition whose event never arrives. */
      readonly copies: number
    }
  | { readonly is: 'outside'; readonly act: OutsideAct }
  | Asked
  | { readonly is: 'sweep' }
)

/** What happens within milliseconds of a record: where people and colleagues race with a worker. */
export interface Strike {
  /** The number of the record of an execution or undo, from 1. */
  readonly afterRecord: number
  readonly delayMs: number
  readonly what: DistributiveOmit<Exclude<Happening, { is: 'alarm' | 'sweep' }>, 'atMs'>
}

const SECOND_MS = 1_000

/** The range of the scalable target, as it stands before anybody changes it. */
export const AUTOSCALED = { min: 4, max: 20 } as const

export function strike(dice: Dice, records: number): Strike {
  const what = dice.chance(0.5) ? decision(dice) : foreignAct(dice)
  return { afterRecord: dice.between(1, records), delayMs: dice.between(0, 30), what }
}

function decision(dice: Dice): Asked {
  const verb = dice.chance(0.7) ? 'abort' : dice.pick<'resolve' | 'pause'>(['resolve', 'pause'])
  if (verb !== 'pause') return { is: 'person', verb }
  return { is: 'person', verb, scope: { is: 'all' }, forMs: dice.between(5, 120) * SECOND_MS }
}

/** One or more answers to what a run asks: at once, or in the very last moment; and two of them may be at odds. */
export function answersOf(dice: Dice): readonly Answer[] {
  return Array.from({ length: dice.between(1, 4) }, (_, index): Answer => {
    const from = dice.pick<Answer['from']>(['asked', 'over'])
    const delayMs =
      from === 'asked'
        ? dice.between(5, dice.chance(0.5) ? 100 : 30_000)
        : dice.between(dice.chance(0.5) ? -100 : -2_000, 500)
    return {
      question: dice.between(1, 3),
      verb: dice.chance(0.75) ? 'approve' : 'deny',
      by: index % 2 === 0 ? 'ann' : 'bob',
      from,
      delayMs,
    }
  })
}

/** Somebody else sets what the runbooks set. */
export function foreignAct(dice: Dice): { readonly is: 'outside'; readonly act: OutsideAct } {
  const act: OutsideAct = dice.chance(0.4)
    ? {
        is: 'set-weight',
        zone: DEMO_ZONE,
        name: 'api.example.com',
        set: 'canary',
        weight: dice.between(0, 20),
      }
    : { is: 'set-desired', service: 'prod/api', desired: dice.between(4, 20) }
  return { is: 'outside', act }
}

/** A scaling policy moves the count within the range that holds at that moment. */
export function autoscale(dice: Dice, happenings: Happening[], startAtMs: number): void {
  for (let move = dice.between(1, 4); move > 0; move--)
    happenings.push({
      atMs: startAtMs + dice.between(1, 400) * SECOND_MS,
      is: 'outside',
      act: { is: 'autoscale', service: 'prod/api', desired: dice.between(AUTOSCALED.min, AUTOSCALED.max) },
    })
}

/**
 * A person starts a runbook: before its alarm, under an incident that is open, or after it; often twice under one key, and
 * then perhaps under another. Somebody ends what no alarm does, in most runs.
 */
export function byHand(dice: Dice, happenings: Happening[], runbook: string, startAtMs: number): void {
  const afterS = dice.between(1, 300)
  const add = (atS: number, what: Asked) =>
    void happenings.push({ ...what, atMs: startAtMs + atS * SECOND_MS })
  add(afterS, { is: 'person', verb: 'run', runbook, key: 'one' })
  if (dice.chance(0.5))
    add(afterS + dice.between(0, dice.chance(0.5) ? 1 : 300), {
      is: 'person',
      verb: 'run',
      runbook,
      key: 'one',
    })
  if (dice.chance(0.2))
    add(afterS + dice.between(0, 300), { is: 'person', verb: 'run', runbook, key: 'other' })
  if (dice.chance(0.7)) add(afterS + dice.between(60, 600), { is: 'person', verb: 'resolve' })
}

/** An alarm comes and goes, and is told of more than once, or never. */
export function comeAndGo(
  dice: Dice,
  happenings: Happening[],
  {
    alarm,
    fromMs,
    rounds,
    stays,
    standsForS = 240,
    awayForS = 300,
  }: {
    readonly alarm: string
    readonly fromMs: number
    readonly rounds: number
    /** It stands to the end. */
    readonly stays: boolean
    /** At most so long. */
    readonly standsForS?: number
    /** From then on it comes again, at most so much later. */
    readonly awayForS?: number
  },
): void {
  const copies = () => (dice.chance(0.05) ? 0 : dice.chance(0.7) ? 1 : dice.between(2, 3))
  let atMs = fromMs
  for (let round = 1; round <= rounds; round++) {
    happenings.push({ atMs, is: 'alarm', alarm, state: 'ALARM', copies: Math.max(1, copies()) })
    if (stays) return
    atMs += dice.between(20, standsForS) * SECOND_MS
    happenings.push({ atMs, is: 'alarm', alarm, state: 'OK', copies: copies() })
    atMs += dice.between(20, awayForS) * SECOND_MS
  }
}

export type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never
