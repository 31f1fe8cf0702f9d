import type { Header, Heritage, RecordedChange, RecordedReceipt, RecordedVerdict } from '../ledger/entry.ts'

/** An execution, or an undo, as its entries tell it. Only `fold` makes one. */
export interface Execution {
  /** Absent while the stream is empty. */
  readonly header?: Header
  readonly status: Status
  readonly aborted?: { readonly by: string; readonly reason: string }
  readonly steps: ReadonlyMap<string, StepState>
  readonly approvals: ReadonlyMap<string, ApprovalState>
  /** Pages that the engine itself decided to send, in order; each is a step under its own id. */
  readonly pages: readonly Page[]
  /** Attempts that were repeated, over all steps but messages. */
  readonly retries: number
  /** Breakers that hold steps up. */
  readonly breakers: ReadonlySet<string>
}

export type Status =
  | { readonly is: 'absent' }
  | { readonly is: 'running' }
  | { readonly is: 'refused'; readonly code: string; readonly reason: string }
  | { readonly is: 'stopped'; readonly reason: string }
  | {
      readonly is: 'finished'
      readonly outcome: 'succeeded' | 'failed' | 'aborted' | 'skipped'
      readonly reason: string
    }

export type StepState =
  /** Not begun. In an undo: `lastSet` is the value that our own last slow step set. */
  | {
      readonly is: 'pending'
      readonly lastSet?: RecordedChange['after']
      readonly notBeforeMs?: number
      /** Why it was put off last. */
      readonly blockedBy?: string
      /** How often it was put off: its target was locked, or could not be read. */
      readonly putOff: number
      /** Since when, and why the last time. */
      readonly putOffSince?: { readonly atMs: number; readonly reason: string }
      readonly breaker?: string
    }
  | { readonly is: 'waiting'; readonly waitId: string; readonly wakeAtMs: number; readonly reason: string }
  /** Intended, and no result on record: a live worker is at it, or a dead one was. */
  | ({
      readonly is: 'open'
      readonly worker: string
      readonly leaseUntilMs: number
      readonly settleMs: number
    } & Attempt)
  /** To be observed, and perhaps tried again, from `dueAtMs` on. */
  | ({
      readonly is: 'again'
      readonly why: 'retried' | 'unsettled'
      readonly reason: string
      readonly dueAtMs: number
      /** Since when the outcome has been in doubt, or the repeat has waited for this one thing. */
      readonly sinceMs: number
    } & Attempt)
  | ({
      readonly is: 'applied'
      readonly receipt: RecordedReceipt
      readonly atMs: number
      readonly message: boolean
      readonly verdict?: RecordedVerdict
    } & Attempt)
  | { readonly is: 'checking'; readonly sinceMs: number; readonly untilMs: number }
  | { readonly is: 'checked'; readonly verdict: RecordedVerdict }
  | { readonly is: 'waited' }
  | { readonly is: 'skipped'; readonly code: string; readonly reason: string }
  | { readonly is: 'failed'; readonly code: string; readonly reason: string }

/** One try of a step, as its intent has it. */
export interface Attempt {
  readonly attempt: number
  /** When the first attempt was intended. */
  readonly begunAtMs: number
  /** The breaker that has held it up; an attempt that follows is a probe. */
  readonly breaker?: string
  /** Attempts that fell to an open breaker: they do not count against the step's own. */
  readonly uncounted: number
  readonly action: string
  readonly change: RecordedChange
  readonly locks: { readonly [key: string]: number }
  /** What an undo goes back to: `before` of the change, or of an earlier change that is still outstanding. */
  readonly undoTo: RecordedChange['before']
  readonly heritage?: Heritage
  /** Undo only: this change ends the way back. */
  readonly last: boolean
}

export type ApprovalState =
  | {
      readonly is: 'asked'
      readonly round: number
      readonly digest: string
      readonly expiresAtMs: number
      readonly by: string
      readonly onTimeout: 'skip' | 'stop' | 'escalate'
      /** So many different people must approve. */
      readonly quorum: number
      /** Who has. */
      readonly approvedBy: readonly string[]
      /** Who may not, since they started it. */
      readonly notBy?: string
    }
  | { readonly is: 'approved'; readonly round: number; readonly digest: string; readonly by: string }
  | { readonly is: 'denied'; readonly by: string; readonly reason: string }
  | { readonly is: 'expired'; readonly onTimeout: 'skip' | 'stop' | 'escalate' }

export interface Page {
  readonly id: string
  readonly to: string
  readonly reason: string
  /** The step, or the subject of an approval, that it is about. */
  readonly step?: string
  /** It tells that the step has not come to an end, and not what it came to. */
  readonly stuck?: true
}

/** The pseudo step in which an alarm must persist before anything is done. */
export const HOLD_DOWN = 'hold-down'

/** The subject of an approval that covers every step. */
export const WHOLE_PLAN = 'plan'

export function stateOf(execution: Execution, step: string): StepState {
  return execution.steps.get(step) ?? { is: 'pending', putOff: 0 }
}

/** The breaker that holds a step up; an attempt under it is a probe. */
export function breakerOf(state: StepState | undefined): string | undefined {
  return state?.is === 'pending' || state?.is === 'open' || state?.is === 'again' ? state.breaker : undefined
}

/** What needs no lock reaches a person and changes nothing: there is nothing to be observed, and no limit counts it. */
export function isMessageChange({
  target,
}: {
  readonly target: { readonly locks: readonly string[] }
}): boolean {
  return target.locks.length === 0
}

/** Whether a step is behind us: the next one may begin. Verdicts come later and hold nothing up. */
export function isSettled(state: StepState): boolean {
  switch (state.is) {
    case 'applied':
    case 'checked':
    case 'waited':
    case 'skipped':
    case 'failed':
      return true
    case 'pending':
    case 'waiting':
    case 'open':
    case 'again':
    case 'checking':
      return false
  }
}

/** Whether nothing will ever be appended by the engine again. */
export function isEnded(execution: Execution): boolean {
  return execution.status.is === 'finished' || execution.status.is === 'stopped'
}
