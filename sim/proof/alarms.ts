import { fold } from '../../lib/execution/fold.ts'
import { isEnded, stateOf } from '../../lib/execution/state.ts'
import { foldIncident } from '../../lib/incident.ts'
import type { Entry, EntryOf, Header } from '../../lib/ledger/entry.ts'
import { openOf, type Open } from '../../lib/ledger/open.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import type { Pinned } from '../../lib/runbook/runbook.ts'
import { changesUnder } from './attempts.ts'
import type { Ending } from './ending.ts'
import { alarmOf, isUndo, keysUnder, stampedOf, type Told, type WorkerLife } from './told.ts'

/** A transition of an alarm. */
export interface Moved {
  readonly alarm: string
  readonly state: 'OK' | 'ALARM'
  readonly atMs: number
  /** Whether an event of it is told to somebody. */
  readonly isTold: boolean
}

export interface AlarmWatch {
  moved(move: Moved): void
  /** An item of OPEN, SIGNAL or CONTROL. */
  put(item: Item, nowMs: number): void
  /** An execution has begun. */
  begun(told: Told, header: Header, address: string, worker: WorkerLife | undefined): void
  /** An undo means to change something. */
  undoes(told: Told, step: string, address: string, worker: WorkerLife | undefined): void
  /** OPEN has an alarm standing that CloudWatch has clear. */
  readonly isBehind: boolean
  end(ending: Pick<Ending, 'quietAtMs' | 'alarming'>): void
}

interface Verdict {
  readonly name: string
  readonly stateAtMs: number
}

/** Workers date their records by clocks that are off by half a second, each its own way. */
const SKEW_MS = 1_000
/** From the end of `max_hold`: to the sweep's minute, a poll of what has not ended or is held off, a takeover. */
const HELD_LATE_MS = 3 * 60_000

const NEVER_FLAPS = { changes: Infinity, withinMs: 0 }

/** Holds what is begun and put back against the state of the alarms (CORE.md 2, checks 6, 8, 9 and 11). */
export function watchAlarms(
  streams: ReadonlyMap<string, Told>,
  pinned: ReadonlyMap<string, Pinned>,
  wrong: (what: string) => void,
): AlarmWatch {
  /** Those into ALARM that somebody was told of. */
  const alarms: Moved[] = []
  /** When the kill switch was last touched: while it is on, nothing is put back. */
  let resumedAtMs = 0
  /** Each alarm as CloudWatch has it, whoever knows. */
  const latest = new Map<string, Moved>()
  const opens = new Map<string, { readonly open: Open; readonly sinceMs: number }>()
  const verdicts: Verdict[] = []

  /** OPEN, where it stood so before the worker began: what it may not have seen is no fault of its. */
  function known(key: string, worker: WorkerLife | undefined): Open | undefined {
    const seen = opens.get(key)
    return seen && worker && seen.sinceMs < worker.beganAtMs ? seen.open : undefined
  }

  /** What an undo puts back. */
  function undoneBy({ incidentId, executionId }: EntryOf<'undo.started'>): Told | undefined {
    return streams.get(`${incidentId}/${executionId}`)
  }

  /** When a change is put back whether its alarm stands or not: counted from what is on record of the first, and not from what the engine says. */
  function heldUntil(header: EntryOf<'undo.started'>): number {
    const hold = pinned.get(header.runbookHash)?.runbook.onResolved?.maxHold
    if (hold?.atEnd !== 'undo') return Infinity
    const steps = new Set(header.items.map(({ step }) => step))
    const applied = undoneBy(header)?.entries.filter(
      ({ entry }) => entry.kind === 'step.applied' && steps.has(entry.step),
    )
    return hold.forMs + Math.min(...(applied ?? []).map(({ atMs }) => atMs))
  }

  /** What an execution is to put back and nobody has begun to, though its alarm is clear, or a person has said that it is over. */
  function leftStanding(told: Told, alarming: ReadonlySet<string>): void {
    const execution = fold(stampedOf(told))
    const { header } = execution
    if (header?.kind !== 'execution.started') return
    const incident = streams.get(`${told.incidentId}/incident`)
    const { key } = (incident && incidentOf(incident)) ?? {}
    if (key !== undefined && key !== header.key)
      wrong(`${told.stream} asks for the alarm of ${header.key}, and its incident is of ${key} (check 9)`)
    if (!isEnded(execution)) return
    const steps = pinned.get(header.runbookHash)?.runbook.onResolved?.undo ?? []
    const standing = steps.filter((step) => stateOf(execution, step).is === 'applied')
    if (standing.length === 0 || streams.has(`${told.incidentId}/${told.stream}.undo`)) return
    const open = opens.get(header.key)?.open
    const isOver = open ? !alarming.has(alarmOf(open.key)) : incident && !isOpenIncident(incident)
    if (isOver) wrong(`${told.stream}: ${standing.join(', ')} is over, and was not put back (check 6)`)
  }

  /** What has not begun to put anything back long after the end of `max_hold`. */
  function heldOn(undo: Told, quietAtMs: number): void {
    const header = undo.entries[0]?.entry
    if (header?.kind !== 'undo.started' || undo.aborted || keysUnder(undo, streams).length > 0) return
    const undoneAtMs = undoneBy(header)?.entries.at(-1)?.atMs ?? 0
    const untilMs = Math.max(heldUntil(header), quietAtMs, resumedAtMs, undoneAtMs)
    const [first] = header.items
    // Each is put back, or found put back, after the one before it; a page about it is a step, too.
    const begun = undo.entries.find(
      ({ entry }) =>
        (entry.kind === 'step.intended' || entry.kind === 'step.skipped') && entry.step === first?.step,
    )
    const lateMs = (begun?.atMs ?? 0) - untilMs
    if (lateMs > HELD_LATE_MS)
      wrong(`${undo.stream}: it begins ${Math.ceil(lateMs / 1000)} s after the end of max_hold (check 6)`)
  }

  /** Changes up to its onset that lie so near that they count as flapping even when its first record is put. */
  function flaps({ entries }: Told, onsetAtMs: number, address: string): void {
    const [first] = entries
    if (first?.entry.kind !== 'execution.started') return
    const { key, runbookHash } = first.entry
    const { changes: limit, withinMs } = pinned.get(runbookHash)?.runbook.flapping ?? NEVER_FLAPS
    const changes = opens.get(key)?.open.changes ?? []
    const near = changes.filter((atMs) => atMs <= onsetAtMs && first.atMs - atMs <= withinMs)
    if (near.length > limit)
      wrong(`${address}: it was started while its alarm flaps: ${near.length} changes (check 8)`)
  }

  /**
   * Since when an alarm has been clear, as whoever began then must have seen it: `never` while it stands. Where OPEN has it
   * standing, CloudWatch is asked. What has moved since may have been seen either way.
   */
  function clearSince(key: string, worker: WorkerLife | undefined): number | 'never' | undefined {
    const open = known(key, worker)
    if (!open || !worker) return undefined
    if (open.state === 'ok') return open.clearedAtMs
    const move = latest.get(alarmOf(key))
    if (move && move.atMs >= worker.beganAtMs) return undefined
    return move?.state === 'OK' ? move.atMs : 'never'
  }

  /** What it was built on is held for as long as the alarms of those others need it, whatever its own incident says (ADR 35). */
  function takesFromOthers(
    undo: Told,
    { executionId, key, afterMs }: EntryOf<'undo.started'>,
    step: string,
    address: string,
    worker: WorkerLife | undefined,
  ): void {
    const atMs = undo.entries.at(-1)?.atMs ?? 0
    const own = { incidentId: undo.incidentId, stream: executionId, step }
    for (const other of changesUnder(own, streams, pinned)) {
      const [first] = other.entries
      // Of an earlier incident of the same alarm there is nothing else to ask.
      if (first?.entry.kind !== 'execution.started' || first.entry.key === key) continue
      const sinceMs = clearSince(first.entry.key, worker)
      if (sinceMs === 'never')
        wrong(
          `${address}: it puts back what ${other.stream} has set, and the alarm of that one stands (check 9)`,
        )
      else if (sinceMs !== undefined && atMs < sinceMs + afterMs)
        wrong(`${address}: it puts back what ${other.stream} has set, too soon after its alarm (check 9)`)
    }
  }

  /** A transition into ALARM that somebody was told of, the newest or an older one, has come to something on record. */
  function unheard({ alarm, atMs }: Moved): void {
    if (verdicts.some(({ name, stateAtMs }) => name === alarm && stateAtMs === atMs)) return
    const key = [...opens.keys()].find((one) => alarmOf(one) === alarm)
    const found = [...streams.values()].flatMap(({ entries }) =>
      entries.flatMap(({ entry }) => (key !== undefined && answers(entry, key, atMs)) || []),
    )
    const at = `${alarm} came at ${new Date(atMs).toISOString()}`
    if (found.length === 0) wrong(`${at}, and nothing is on record (check 11)`)
    else if (found.every((what) => what === 'opens'))
      wrong(`${at}, and no execution was started or refused for it (check 11)`)
  }

  return {
    moved(move) {
      latest.set(move.alarm, move)
      if (move.state === 'ALARM' && move.isTold) alarms.push(move)
    },
    put(item, nowMs) {
      if (item.pk === 'CONTROL') resumedAtMs = nowMs
      if (item.pk.startsWith('SIGNAL#')) verdicts.push(JSON.parse(item.body) as Verdict)
      if (!item.pk.startsWith('OPEN#')) return
      const open = openOf(item)
      const before = opens.get(open.key)
      const sinceMs = before?.open.stateAtMs === open.stateAtMs ? before.sinceMs : nowMs
      opens.set(open.key, { open, sinceMs })
    },
    begun(told, { key, occasion }, address, worker) {
      if (occasion.is !== 'alarm') return
      const { name } = occasion.signal
      if (!alarms.some(({ alarm, atMs }) => alarm === name && atMs === occasion.onsetAtMs))
        wrong(`${address}: it was started for what no alarm told (check 11)`)
      const open = known(key, worker)
      if (open?.state === 'ok' && open.stateAtMs > occasion.onsetAtMs)
        wrong(`${address}: it was started for an alarm that had cleared (check 11)`)
      flaps(told, occasion.onsetAtMs, address)
    },
    undoes(told, step, address, worker) {
      const header = told.entries[0]?.entry
      if (header?.kind !== 'undo.started') return
      takesFromOthers(told, header, step, address, worker)
      if (header.atOnce) return
      const isOverdue = (told.entries.at(-1)?.atMs ?? 0) >= heldUntil(header) - SKEW_MS
      if (known(header.key, worker)?.state === 'alarm' && !isOverdue)
        wrong(`${address}: it is put back while the alarm stands (check 9)`)
    },
    get isBehind() {
      for (const { open } of opens.values())
        if (open.state === 'alarm' && latest.get(alarmOf(open.key))?.state === 'OK') return true
      return false
    },
    end({ quietAtMs, alarming }) {
      const isOver = ({ incidentId }: Told) =>
        ![...opens.values()].some(
          ({ open }) => open.incidentId === incidentId && alarming.has(alarmOf(open.key)),
        )
      for (const alarm of alarms) unheard(alarm)
      for (const { open } of opens.values())
        if (Object.keys(open.pending).length > 0) wrong(`${open.key} still has something pending (check 6)`)
      for (const told of streams.values()) {
        // What a person has started without an alarm is over when a person says so.
        if (isOpenIncident(told) && isOver(told) && !incidentOf(told)?.key.startsWith('manual/'))
          wrong(`${told.incidentId} is not resolved, and its alarm is clear (check 6)`)
        if (isUndo(told)) heldOn(told, quietAtMs)
        else if (told.stream !== 'incident') leftStanding(told, alarming)
      }
    },
  }
}

export function isOpenIncident(told: Told): boolean {
  return told.stream === 'incident' && incidentOf(told)?.status !== 'resolved'
}

function incidentOf(told: Told) {
  return foldIncident(stampedOf(told))
}

/** What an entry makes of an onset: who attaches it to what stands already needs no execution for it. */
function answers(entry: Entry, key: string, onsetAtMs: number): 'opens' | 'attaches' | 'starts' | undefined {
  switch (entry.kind) {
    case 'incident.opened':
      return entry.key === key && entry.onsetAtMs === onsetAtMs ? 'opens' : undefined
    case 'incident.recurred':
      return entry.signal.key === key && entry.onsetAtMs === onsetAtMs ? 'opens' : undefined
    case 'signal.attached':
      return entry.signal.key === key && entry.signal.stateAtMs === onsetAtMs ? 'attaches' : undefined
    case 'execution.started':
    case 'execution.refused': {
      const { occasion } = entry
      const isOf = entry.key === key && occasion.is === 'alarm' && occasion.onsetAtMs === onsetAtMs
      return isOf ? 'starts' : undefined
    }
    default:
      return undefined
  }
}
