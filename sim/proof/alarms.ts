import { foldIncident } from '../../lib/incident.ts'
import type { Header } from '../../lib/ledger/entry.ts'
import { openOf, type Open } from '../../lib/ledger/open.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import { stampedOf, type Told, type WorkerLife } from './told.ts'

/** A transition of an alarm into ALARM that somebody was told of. */
export interface ToldAlarm {
  readonly alarm: string
  readonly atMs: number
}

export interface AlarmWatch {
  told(alarm: ToldAlarm): void
  /** An item of OPEN or SIGNAL. */
  put(item: Item, nowMs: number): void
  /** An execution has begun. */
  begun(told: Told, header: Header, address: string, worker: WorkerLife | undefined): void
  /** An undo means to change something. */
  undoes(told: Told, address: string, worker: WorkerLife | undefined): void
  end(streams: readonly Told[]): void
}

interface Verdict {
  readonly name: string
  readonly stateAtMs: number
}

/** Holds what is begun and put back against the state of the alarms (CORE.md 2, checks 6, 9 and 11). */
export function watchAlarms(wrong: (what: string) => void): AlarmWatch {
  const alarms: ToldAlarm[] = []
  const opens = new Map<string, { readonly open: Open; readonly sinceMs: number }>()
  const verdicts: Verdict[] = []

  /** OPEN, where it stood so before the worker began: what it may not have seen is no fault of its. */
  function known(key: string, worker: WorkerLife | undefined): Open | undefined {
    const seen = opens.get(key)
    return seen && worker && seen.sinceMs < worker.beganAtMs ? seen.open : undefined
  }

  function unheard({ alarm, atMs }: ToldAlarm, streams: readonly Told[]): void {
    const at = `${alarm} came at ${new Date(atMs).toISOString()}`
    if (verdicts.some(({ name, stateAtMs }) => name === alarm && stateAtMs === atMs)) return
    const open = [...opens.values()].find((one) => one.open.key.endsWith(`/${alarm}`))?.open
    if (!open || open.stateAtMs < atMs) {
      wrong(`${at}, and nothing is on record (check 6)`)
      return
    }
    if (open.onsetAtMs !== atMs) return
    const answered = streams.some(({ entries }) =>
      entries.some(({ entry }) => {
        if (entry.kind !== 'execution.started' && entry.kind !== 'execution.refused') return false
        return entry.occasion.is === 'alarm' && entry.occasion.onsetAtMs === atMs && entry.key === open.key
      }),
    )
    if (!answered) wrong(`${at}, and no execution was started or refused for it (check 6)`)
  }

  return {
    told: (alarm) => void alarms.push(alarm),
    put(item, nowMs) {
      if (item.pk.startsWith('SIGNAL#')) verdicts.push(JSON.parse(item.body) as Verdict)
      if (!item.pk.startsWith('OPEN#')) return
      const open = openOf(item)
      const before = opens.get(open.key)
      const sinceMs = before?.open.stateAtMs === open.stateAtMs ? before.sinceMs : nowMs
      opens.set(open.key, { open, sinceMs })
    },
    begun(_told, { key, occasion }, address, worker) {
      if (occasion.is !== 'alarm') return
      const { name } = occasion.signal
      if (!alarms.some(({ alarm, atMs }) => alarm === name && atMs === occasion.onsetAtMs))
        wrong(`${address}: it was started for what no alarm told (check 11)`)
      const open = known(key, worker)
      if (open?.state === 'ok' && open.stateAtMs > occasion.onsetAtMs)
        wrong(`${address}: it was started for an alarm that had cleared (check 11)`)
    },
    undoes(told, address, worker) {
      const [header] = told.entries
      if (header?.entry.kind !== 'undo.started' || header.entry.atOnce) return
      const open = known(header.entry.key, worker)
      if (open?.state === 'alarm') wrong(`${address}: it is put back while the alarm stands (check 9)`)
    },
    end(streams) {
      for (const alarm of alarms) unheard(alarm, streams)
      for (const { open } of opens.values())
        if (Object.keys(open.pending).length > 0) wrong(`${open.key} still has something pending (check 6)`)
      for (const told of streams)
        if (isOpenIncident(told))
          wrong(`${told.incidentId} is not resolved, and its alarm is clear (check 6)`)
    },
  }
}

export function isOpenIncident(told: Told): boolean {
  return told.stream === 'incident' && foldIncident(stampedOf(told))?.status !== 'resolved'
}
