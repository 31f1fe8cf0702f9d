import type { EntryOf } from '../../lib/ledger/entry.ts'
import { pausedBy, pausesOf, type Control } from '../../lib/ledger/kill-switch.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import type { Pinned } from '../../lib/runbook/runbook.ts'
import { PAUSED_MS, type Delay } from './lateness.ts'
import type { Told } from './told.ts'

export interface PauseWatch {
  /** Somebody has paused or resumed something. */
  put(item: Item, nowMs: number): void
  /** A worker has read what is paused. */
  read(workerId: string, item: Item | undefined): void
  /** A worker means to change something. */
  heeds(told: Told, intended: EntryOf<'step.intended'>, address: string): void
}

/** Holds intents against the kill switch as their workers have read it (CORE.md 2, check 5), and tells `delays` of each pause. */
export function watchPauses(
  pinned: ReadonlyMap<string, Pinned>,
  delays: Delay[],
  wrong: (what: string) => void,
): PauseWatch {
  /** What each worker has read last, and for which record. */
  const controls = new Map<string, { readonly read: Control; for?: string }>()
  let pausedAtMs: number | undefined

  function isPaused(control: Control, whose: NonNullable<Told['whose']>): boolean {
    const account = pinned.get(whose.runbookHash)?.service.account
    return pausedBy(control, { ...whose, account }) !== undefined
  }

  return {
    put({ body }, nowMs) {
      // While something is paused, what is decided need not be followed by anything.
      if (pausedAtMs !== undefined) delays.push({ fromMs: pausedAtMs, untilMs: nowMs + PAUSED_MS })
      pausedAtMs = pausesOf(JSON.parse(body) as Control).length > 0 ? nowMs : undefined
    },
    read(workerId, item) {
      controls.set(workerId, { read: item ? (JSON.parse(item.body) as Control) : { is: 'running' } })
    },
    heeds({ whose }, { step, worker }, address) {
      const control = controls.get(worker)
      // One reading counts for one record of intents.
      if (!control || (control.for ?? address) !== address) {
        wrong(`${address}: ${step} is intended by a worker that has not asked for a pause (check 5)`)
        return
      }
      control.for = address
      if (whose && isPaused(control.read, whose))
        wrong(`${address}: ${step} is intended by a worker that has read the pause (check 5)`)
    },
  }
}
