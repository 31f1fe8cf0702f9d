import { fold } from '../../lib/execution/fold.ts'
import { foldIncident } from '../../lib/incident.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import type { Ending } from './ending.ts'
import { alarmOf, hasEnded, isUndo, stampedOf, type Told, type WorkerLife } from './told.ts'

export interface HeadWatch {
  /** A HEAD was written. */
  put(item: Item, nowMs: number): void
  /** Whether an incident has something due, so that a sweep asks for its alarm. */
  readonly isDue: boolean
  end(ending: Pick<Ending, 'alarming'>): void
}

/** What the indexes see of a HEAD. */
interface Seen {
  readonly isDue: boolean
  readonly clearSinceMs: number
}

/** Holds HEADs against what has ended: nothing of it stays due, or the sweep would wake it for ever (CORE.md 2, check 6). */
export function watchHeads(
  streams: ReadonlyMap<string, Told>,
  workers: ReadonlyMap<string, WorkerLife>,
  wrong: (what: string) => void,
): HeadWatch {
  const heads = new Map<string, Seen>()

  /** Whoever records the end leaves nothing due, unless something has gone wrong with it, or a page is still to go out. */
  function cleared(told: Told, clearSinceMs: number): void {
    const last = told.entries.find(
      ({ entry }) => entry.kind === 'execution.finished' || entry.kind === 'execution.refused',
    )
    if (last?.entry.actor.is !== 'engine') return
    const { ended, hit, endedAtMs = 0 } = workers.get(last.entry.actor.worker) ?? {}
    if (ended === 'well' && !hit && clearSinceMs > endedAtMs)
      wrong(`${told.stream} has ended, and its HEAD was left due by who has ended it (check 6)`)
  }

  function isPuttingBack({ incidentId }: Told): boolean {
    return [...streams.values()].some(
      (other) => other.incidentId === incidentId && isUndo(other) && !hasEnded(other),
    )
  }

  return {
    put({ pk, sk, due }, nowMs) {
      const key = `${pk.slice('INC#'.length)}/${sk.slice('HEAD#'.length)}`
      const before = heads.get(key)
      const isDue = due !== undefined
      heads.set(key, {
        isDue,
        clearSinceMs: isDue ? Infinity : Math.min(before?.clearSinceMs ?? Infinity, nowMs),
      })
    },
    get isDue() {
      for (const [key, { isDue }] of heads) if (isDue && key.endsWith('/incident')) return true
      return false
    },
    end({ alarming }) {
      for (const [key, told] of streams) {
        const { isDue = false, clearSinceMs = Infinity } = heads.get(key) ?? {}
        if (told.stream === 'incident') {
          const { status, key: alarm = '' } = foldIncident(stampedOf(told)) ?? {}
          // What a person has resolved while its alarm stands is put back after that; and a way back that waits for the alarm
          // of another incident is looked after for as long as that stands.
          const isOver = status === 'resolved' && !alarming.has(alarmOf(alarm)) && !isPuttingBack(told)
          if (isDue && isOver) wrong(`${told.incidentId} is resolved, and its HEAD is still due (check 6)`)
          continue
        }
        const { status, pages } = fold(stampedOf(told))
        if (status.is === 'running' || status.is === 'absent') continue
        if (isDue) wrong(`${told.stream} has ended, and its HEAD is still due (check 6)`)
        else if (status.is !== 'stopped' && pages.length === 0) cleared(told, clearSinceMs)
      }
    },
  }
}
