import { signalOf } from './outcome.ts'
import type { Signal } from './signal.ts'

/**
 * The signal of a start by hand. All manual starts for one service share a dedup key; it never clears by itself, since
 * only people know when what a person saw is over.
 */
export function manualSignal(start: {
  readonly runbook: string
  readonly service: string
  readonly reason: string
  /** Who asked, as the timeline shows it. */
  readonly by: string
  readonly atMs: number
}): Signal {
  return signalOf({
    source: 'manual',
    via: 'manual',
    key: [start.service],
    name: start.runbook,
    state: 'occurred',
    stateAtMs: start.atMs,
    reason:
      start.reason.trim() === '' ? `${start.by} started ${start.runbook}` : `${start.by}: ${start.reason}`,
  }).signal
}
