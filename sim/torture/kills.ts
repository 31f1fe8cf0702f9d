import { MUTATING_CALLS, type CallName } from '../../lib/aws/aws.ts'
import type { Dice } from '../proof/dice.ts'
import type { FunctionName } from '../worker.ts'

/** What an invocation is about, as far as one can tell before it has begun. */
export type Subject =
  | { readonly is: 'signal'; readonly alarm: string; readonly stateAtMs: number }
  | { readonly is: 'stream'; readonly incidentId: string; readonly stream: string }
  | { readonly is: 'nothing' }

/** When a worker is to be killed in an invocation; one that ends before is left alive. */
export type KillPlan =
  | { readonly is: 'never' }
  /** So long after its beginning, in real milliseconds. */
  | { readonly is: 'after'; readonly ms: number }
  /** As its nth change of AWS, or message to a person, is about to leave; or when it has taken effect and the answer has not been heard. */
  | { readonly is: 'change'; readonly nth: number; readonly when: 'before' | 'after' }

/** A worker that was killed. */
export interface Kill {
  readonly pid: number
  readonly name: FunctionName
  readonly subject: Subject
  /** Virtual times: of the invocation's begin, and of its end by force. */
  readonly startedAtMs: number
  readonly atMs: number
  readonly moment: 'at random' | 'before a change' | 'after a change' | 'at its deadline'
  /** The call that it was killed at. */
  readonly call?: string
}

/**
 * How likely an invocation of each function is to be killed, how long one usually lasts at the most, and how many changes it
 * makes at the most. Turns are many, and most of them polls that change nothing.
 */
const HABITS: {
  readonly [name in FunctionName]: {
    readonly share: number
    readonly lastsMs: number
    readonly changes: number
  }
} = {
  ingest: { share: 0.5, lastsMs: 400, changes: 4 },
  advance: { share: 0.07, lastsMs: 100, changes: 2 },
  sweep: { share: 0.1, lastsMs: 50, changes: 1 },
  command: { share: 0.3, lastsMs: 50, changes: 1 },
  http: { share: 0.3, lastsMs: 50, changes: 1 },
  outbox: { share: 0.3, lastsMs: 50, changes: 1 },
}

export function drawKill(dice: Dice, name: FunctionName): KillPlan {
  const { share, lastsMs, changes } = HABITS[name]
  if (!dice.chance(share)) return { is: 'never' }
  if (dice.chance(0.4)) return { is: 'after', ms: dice.between(0, lastsMs) }
  return { is: 'change', nth: dice.between(1, changes), when: dice.chance(0.35) ? 'before' : 'after' }
}

/** The change that a request to the account asks for (`WireRequest` as text); `undefined` where it only reads. */
export function changeOf(text: string): string | undefined {
  const request = JSON.parse(text) as { readonly is: string; readonly name?: string }
  if (request.is === 'http') return 'http:post'
  return MUTATING_CALLS.has(request.name as CallName) ? request.name : undefined
}
