import { incidentIdOf } from '../../lib/ids.ts'
import { foldIncident } from '../../lib/incident.ts'
import type { ChainRecord } from '../../lib/ledger/chain.ts'
import type { Entry, EntryOf, Stamped } from '../../lib/ledger/entry.ts'
import { stampAll } from '../../lib/ledger/records.ts'

/** What one stream has told so far. */
export interface Told {
  readonly incidentId: string
  readonly stream: string
  /** What it is an execution, or an undo, of: a pause is of these. */
  whose?: { readonly service: string; readonly runbook: string; readonly runbookHash: string }
  headSeq: number
  headHash: string
  /** Each with its record's number and time, and the true time of the put: the record's is by its worker's clock. */
  readonly entries: {
    readonly entry: Entry
    readonly seq: number
    readonly atMs: number
    readonly putAtMs: number
    /** Which worker has put it, whoever it names. */
    by?: string
  }[]
  readonly records: ChainRecord[]
  /** Whoever acted on it last, and all who were taken over. */
  holder?: string
  readonly superseded: Set<string>
  aborted: boolean
  /** Intents whose outcome is not on record, with the locks under which they act. */
  readonly open: Map<string, EntryOf<'step.intended'>>
  /** What the first intent of every step means: what no later attempt may change. */
  readonly first: Map<string, string>
  /** Steps whose latest attempt has its last result. */
  readonly settled: Set<string>
}

export function newlyTold(incidentId: string, stream: string): Told {
  return {
    incidentId,
    stream,
    headSeq: -1,
    headHash: '',
    entries: [],
    records: [],
    superseded: new Set(),
    aborted: false,
    open: new Map(),
    first: new Map(),
    settled: new Set(),
  }
}

/** The keys of other alarms whose changes an undo puts back as well: it waits for those too, whatever its own does (ADR 35). */
export function keysUnder(undo: Told, streams: ReadonlyMap<string, Told>): readonly string[] {
  const header = undo.entries[0]?.entry
  if (header?.kind !== 'undo.started') return []
  const incidents = header.items.flatMap(({ over = [] }) => over.flatMap((id) => incidentIdOf(id) ?? []))
  return incidents.flatMap((incidentId) => {
    const own = streams.get(`${incidentId}/incident`)
    const key = own && foldIncident(stampedOf(own))?.key
    return key === undefined || key === header.key ? [] : [key]
  })
}

/** The name of the alarm that OPEN has under a key. */
export function alarmOf(key: string): string {
  return key.split('/').at(-1) ?? ''
}

export function isUndo(told: Told): boolean {
  return told.stream.endsWith('.undo')
}

export function hasEnded({ entries }: Told): boolean {
  return entries.some(
    ({ entry }) => entry.kind === 'execution.finished' || entry.kind === 'execution.stopped',
  )
}

/** One invocation, as the world knows it and not as it says of itself. */
export interface WorkerLife {
  readonly beganAtMs: number
  /** It may act until then. */
  readonly deadlineAtMs: number
  ended?: 'well' | 'badly'
  endedAtMs?: number
  /** Something went wrong with one of its I/Os. */
  hit?: boolean
}

/** As they were when there were so many: entries are only added, and who folds the same ones again need not. */
const stamped = new WeakMap<Told['entries'], readonly Stamped[]>()

/** A stream's entries as the engine folds them. */
export function stampedOf({ entries, stream }: Pick<Told, 'entries' | 'stream'>): readonly Stamped[] {
  const known = stamped.get(entries)
  if (known?.length === entries.length) return known
  const found = entries.flatMap(({ entry, seq, atMs }) => stampAll([entry], stream, seq, atMs))
  stamped.set(entries, found)
  return found
}
