import { MUTATING_CALLS, type CallName } from '../../lib/aws/aws.ts'
import { never } from '../../lib/errors.ts'
import type { Dice } from './dice.ts'

/** What can go wrong with any I/O of a worker (CORE.md 2). */
const ANYWHERE = [
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

/** The answer to a put is lost, and DynamoDB's client sends it again by itself (`put-twice.ts`). */
const OF_A_PUT = 'repeated'

export const FAULTS = [...ANYWHERE, OF_A_PUT] as const

export type Fault = (typeof FAULTS)[number]

/** Of the puts whose answer is lost every other one is sent again. The rest of what is drawn is as for any other I/O. */
const AT_A_PUT = ANYWHERE.flatMap((fault) => [
  fault,
  fault === 'reply-lost' ? OF_A_PUT : fault,
]) as readonly Fault[] as readonly [Fault, ...Fault[]]

/** Every kind of fault that an I/O of that name can meet. */
export function faultsAt(name: string): readonly Fault[] {
  return isPut(name) ? FAULTS : ANYWHERE
}

/** One I/O, as whoever chooses faults sees it. */
export interface Point {
  /** From 1, over all workers of a run. */
  readonly ordinal: number
  /** `put REC`, `get CONTROL`, `send`, `ecs:UpdateService` ... */
  readonly name: string
  readonly is: 'storage' | 'index' | 'aws' | 'http' | 'queue'
  /** Its worker waits for the answer to another one meanwhile. */
  readonly beside: boolean
}

/** Chooses what goes wrong with an I/O, if anything does. */
export type FaultPlan = (point: Point) => Fault | undefined

/** Faults at random, a share of all I/Os, until a time; what changes the world or the record is hit more often than what reads. */
export function randomFaults(dice: Dice, share: number, until: () => boolean): FaultPlan {
  return (point) => {
    if (until()) return undefined
    return dice.chance(share * weightOf(point))
      ? dice.pick<Fault>(isPut(point.name) ? AT_A_PUT : ANYWHERE)
      : undefined
  }
}

function isPut(name: string): boolean {
  return name.startsWith('put ')
}

/** Whether an I/O of that name leaves something behind. */
export function isWrite(name: string): boolean {
  return /^(?:put |send$|post$)/.test(name) || MUTATING_CALLS.has(name as CallName)
}

function weightOf({ is, name }: Point): number {
  switch (is) {
    case 'aws':
      return isWrite(name) ? 6 : 1
    case 'storage':
      return name === 'put REC' ? 5 : name === 'put LOCK' ? 3 : 1
    case 'queue':
    case 'http':
      return 3
    case 'index':
      return 0.3
    default:
      return never(is)
  }
}

/** The given faults at the given places and no others: what the exhaustive search plays. */
export function plannedFaults(planned: ReadonlyMap<number, Fault>): FaultPlan {
  return ({ ordinal }) => planned.get(ordinal)
}
