import type { Json } from './json.ts'

/** A hint that a stream wants a turn. Losing one costs time, never progress: HEAD's due time is the truth. */
export interface WorkMessage {
  readonly v: 1
  readonly incidentId: string
  /** An execution id, an undo stream, or `incident`. */
  readonly stream: string
  /** The record this message was sent for; a worker that sees fewer records sends the message again (60 s at most). */
  readonly minSeq: number
  readonly sentAtMs: number
  /**
   * Until when its sender has HEAD keep the sweep away: not every poll has to write then, and of two messages that look at the
   * same thing again each knows the other.
   */
  readonly guardUntilMs?: number
  /** Carried from poll to poll without writes: what the checks have sampled so far. Lost with the message, then sampled anew. */
  readonly polls?: { readonly [stepId: string]: readonly Json[] }
}

/** The message that wakes a stream; `minSeq` is the record that it is sent for. */
export function workFor(
  { incidentId, stream }: Pick<WorkMessage, 'incidentId' | 'stream'>,
  minSeq: number,
  sentAtMs: number,
): WorkMessage {
  return { v: 1, incidentId, stream, minSeq, sentAtMs }
}

export interface Queue {
  /** `delayMs` up to `MAX_DELAY_MS`; longer waits are data, found by the sweep. */
  send(message: WorkMessage, delayMs: number): Promise<void>
}

/** SQS `DelaySeconds` allows no more than 15 minutes. */
export const MAX_DELAY_MS = 900_000
