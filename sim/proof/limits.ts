import { fold } from '../../lib/execution/fold.ts'
import { HOLD_DOWN, isEnded } from '../../lib/execution/state.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import type { Claim } from '../../lib/ledger/claims.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import { stampedOf, type Told } from './told.ts'

export interface LimitWatch {
  /** A window was written. */
  put(item: Item): void
  /** An execution is about to change something. */
  acts(told: Told, address: string): void
  /** An automatic execution of a runbook has begun. */
  cools(told: Told, runbook: string, cooldownMs: number, address: string): void
  end(): void
}

/** From the end of a claim to the record that tells it, a crash in between included. */
const ENDING_MS = 180_000

/** Holds the windows of the limits against what has begun and ended (CORE.md 1.7; CORE.md 2, check 8). */
export function watchLimits(streams: ReadonlyMap<string, Told>, wrong: (what: string) => void): LimitWatch {
  const windows = new Map<string, readonly Claim[]>()

  function counted(window: string, { executionId, endedAtMs }: Claim): void {
    const told = streams.get(`${incidentIdOf(executionId)}/${executionId}`)
    // Whoever has claimed a place and was never heard of again may still come.
    if (!told) return
    const execution = fold(stampedOf(told))
    if (execution.status.is === 'refused')
      wrong(`${window} still counts ${executionId}, which was refused (check 8)`)
    const hasCooldown = window.startsWith('LIMIT#service:')
    if (hasCooldown && isEnded(execution) && endedAtMs === undefined)
      wrong(`${window}: ${executionId} has ended, and counts as running (check 8)`)
  }

  /** Since the end of every other execution of the runbook so much time has passed. */
  function cools(told: Told, runbook: string, cooldownMs: number, address: string): void {
    const atMs = told.entries[0]?.atMs ?? 0
    if (cooldownMs === 0) return
    for (const other of streams.values()) {
      const { entries, stream } = other
      const [first, last] = [
        entries[0]?.entry,
        entries.findLast(({ entry }) => entry.kind === 'execution.finished'),
      ]
      if (stream === told.stream || first?.kind !== 'execution.started' || first.runbook !== runbook) continue
      // One by hand may begin beside it.
      if (first.occasion.is === 'manual' || isIdle(other)) continue
      // The claim ends just before the last record is put.
      if (!last || atMs - last.atMs < cooldownMs - ENDING_MS)
        wrong(`${address}: it was started within the cooldown of ${stream} (check 8)`)
    }
  }

  return {
    cools,
    put({ pk, body }) {
      const claims = JSON.parse(body) as readonly Claim[]
      windows.set(pk, claims)
      if (new Set(claims.map(({ executionId }) => executionId)).size < claims.length)
        wrong(`${pk} counts an execution twice (check 8)`)
    },
    acts({ stream, whose }, address) {
      const window = windows.get(`LIMIT#service:${whose?.service}`) ?? []
      const place = window.find(({ executionId }) => executionId === stream)
      if (!place || place.endedAtMs !== undefined)
        wrong(`${address}: it acts and has no place in the limits (check 8)`)
    },
    end() {
      for (const [window, claims] of windows) for (const claim of claims) counted(window, claim)
    },
  }
}

/** What ended within its hold-down has done nothing: it counts in no window, and nothing has to cool down. */
export function isIdle({ entries }: Told): boolean {
  const isHeld = entries.some(({ entry }) => entry.kind === 'step.waiting' && entry.step === HOLD_DOWN)
  const isOver = entries.some(({ entry }) => entry.kind === 'step.waited' && entry.step === HOLD_DOWN)
  const isSkipped = ({ entry }: Told['entries'][number]) =>
    entry.kind === 'execution.finished' && entry.outcome === 'skipped'
  return isHeld && !isOver && entries.some(isSkipped)
}
