import { fold } from '../../lib/execution/fold.ts'
import { isEnded } from '../../lib/execution/state.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import type { Claim } from '../../lib/ledger/claims.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import { stampedOf, type Told } from './told.ts'

export interface LimitWatch {
  /** A window was written. */
  put(item: Item): void
  /** An execution is about to change something. */
  acts(told: Told, address: string): void
  end(): void
}

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

  return {
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
