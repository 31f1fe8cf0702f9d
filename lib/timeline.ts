import { describe } from './errors.ts'
import { foldIncident } from './incident.ts'
import type { Json } from './json.ts'
import { verifyChain, type ChainRecord, type ChainVerdict } from './ledger/chain.ts'
import type { EntryKind, Stamped } from './ledger/entry.ts'
import { executionsOf } from './timeline/executions.ts'
import { readRecord, tellRecords, whoOf, type Placed, type ReadRecord } from './timeline/read.ts'
import { printable } from './timeline/words.ts'

/**
 * An incident as people read it. Every string in it is one printable line, so that no renderer has to fear a terminal
 * escape or a line break in an alarm's name; what Markdown or HTML reads as markup is still the renderer's to escape.
 */
export interface Timeline {
  /** Absent where the incident's first entry is missing or cannot be read. */
  readonly incident?: TimelineIncident
  readonly metrics: TimelineMetrics
  readonly executions: readonly ExecutionSummary[]
  readonly rows: readonly TimelineRow[]
  readonly chain: ChainVerdict
}

export interface TimelineIncident {
  readonly incidentId: string
  readonly title: string
  readonly service: string
  readonly severity: 'sev1' | 'sev2' | 'sev3' | 'sev4'
  readonly status: 'open' | 'mitigated' | 'resolved'
  /** Who or what reported it, and its sentence. */
  readonly reportedBy: string
  readonly reason: string
  readonly onsetAtMs?: number
  readonly detectedAtMs: number
  /** By a person; automation never acknowledges. */
  readonly acknowledgedAtMs?: number
  readonly acknowledgedBy?: string
  /** Who has acknowledged it since it began, or came back, the last time; absent where nobody has. */
  readonly owner?: string
  readonly mitigatedAtMs?: number
  readonly resolvedAtMs?: number
}

/** Times to detect, acknowledge, mitigate, resolve of this one incident; absent where an end of it is unknown. */
export interface TimelineMetrics {
  readonly ttdMs?: number
  readonly ttaMs?: number
  readonly ttmMs?: number
  readonly ttrMs?: number
}

/** `attention`: somebody should look, though nothing has gone wrong for certain. */
export type Level = 'info' | 'good' | 'bad' | 'attention'

export interface TimelineRow {
  /** `<stream>/<seq>.<index>` of the entry, or `<stream>/<seq>` of a record that cannot be read. */
  readonly address: string
  readonly atMs: number
  /** Since detection; negative before it. */
  readonly sinceMs: number
  readonly stream: string
  readonly kind: EntryKind | 'unreadable'
  /** A person with the surface, the engine, or a source of signals. */
  readonly who: string
  readonly text: string
  readonly level: Level
  readonly step?: string
  readonly attempt?: number
  readonly why?: Why
  /** Of an intent: what is about to be changed, in absolute values. */
  readonly change?: TimelineChange
  readonly requestId?: string
  readonly operationId?: string
  readonly recovered?: string
}

/** Why something was done or not: what was said, what was measured, and the rule's file and line. */
export interface Why {
  readonly reason?: string
  /** `service.canary.weight = 10`. */
  readonly values?: readonly string[]
  readonly notes?: readonly string[]
  readonly place?: string
}

export interface TimelineChange {
  readonly target: string
  readonly before: Json
  readonly after: Json
  readonly summary: string
}

export interface ExecutionSummary {
  readonly executionId: string
  readonly runbook: string
  readonly mode: 'shadow' | 'approve' | 'auto'
  /** It puts back what another execution changed. */
  readonly undo: boolean
  /** Of a page that is repeated until somebody answers: the team that is paged. */
  readonly paging?: string
  readonly startedBy: string
  readonly outcome: 'running' | 'refused' | 'stopped' | 'succeeded' | 'failed' | 'aborted' | 'skipped'
  readonly reason: string
  readonly level: Level
  readonly startedAtMs: number
  readonly endedAtMs?: number
  readonly steps: readonly StepSummary[]
  /** Calls to people that the engine itself decided on. */
  readonly pages: readonly {
    readonly page: string
    readonly to: string
    readonly reason: string
    readonly state: string
    readonly level: Level
  }[]
}

export interface StepSummary {
  readonly step: string
  readonly state: string
  readonly level: Level
  readonly reason?: string
  readonly attempts: number
  readonly target?: string
  readonly change?: string
  /** How its result became known where no answer of AWS brought it. */
  readonly recovered?: string
}

/**
 * Folds the records of one incident, all its streams, into its timeline. Pure. Never throws: what cannot be read becomes a
 * row that says so. Within a stream the order is that of the records, whatever their writers' clocks said; streams are
 * merged by time.
 */
export function timelineOf(records: readonly ChainRecord[]): Timeline {
  const read = records.map(readRecord)
  const merged = tellRecords(read).toSorted(
    (a, b) => a.orderMs - b.orderMs || rankOf(a.stream) - rankOf(b.stream) || compare(a.stream, b.stream),
  )
  const entries = merged.flatMap((one) => one.entry ?? [])
  const incident = incidentOf(entries)
  const zeroMs = incident?.detectedAtMs ?? merged[0]?.atMs ?? 0
  const rows = merged.map((one) => rowOf(one, zeroMs))
  const timeline: Timeline = {
    ...(incident === undefined ? {} : { incident }),
    metrics: incident === undefined ? {} : metricsOf(incident),
    executions: executionsOf(
      Map.groupBy(entries, (entry) => entry.stream),
      rows,
    ),
    rows,
    chain: chainOf(records, read),
  }
  return printable(timeline)
}

function rowOf({ orderMs: _order, entry: _entry, ...placed }: Placed, zeroMs: number): TimelineRow {
  return { ...placed, sinceMs: placed.atMs - zeroMs }
}

/** Of what happens at the same time the incident's own facts come first. */
function rankOf(stream: string): number {
  return stream === 'incident' ? 0 : 1
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function incidentOf(entries: readonly Stamped[]): TimelineIncident | undefined {
  const own = entries.filter((entry) => entry.stream === 'incident')
  const incident = foldIncident(own)
  const opened = own.find((entry) => entry.kind === 'incident.opened')
  if (!incident || !opened) return undefined
  const ack = own.find((entry) => entry.kind === 'incident.acknowledged' && entry.actor.is === 'person')
  const standing =
    incident.standingAck &&
    own.findLast((entry) => entry.kind === 'incident.acknowledged' && entry.actor.is === 'person')
  const {
    incidentId,
    title,
    service,
    severity,
    status,
    onsetAtMs,
    detectedAtMs,
    mitigatedAtMs,
    resolvedAtMs,
  } = incident
  return {
    incidentId,
    title,
    service,
    severity,
    status,
    reportedBy: whoOf(opened.actor),
    reason: opened.reason,
    ...(onsetAtMs === undefined ? {} : { onsetAtMs }),
    detectedAtMs,
    ...(ack === undefined ? {} : { acknowledgedAtMs: ack.atMs, acknowledgedBy: whoOf(ack.actor) }),
    ...(standing === undefined ? {} : { owner: whoOf(standing.actor) }),
    ...(mitigatedAtMs === undefined ? {} : { mitigatedAtMs }),
    ...(resolvedAtMs === undefined ? {} : { resolvedAtMs }),
  }
}

function metricsOf(incident: TimelineIncident): TimelineMetrics {
  const { onsetAtMs, detectedAtMs, acknowledgedAtMs, mitigatedAtMs, resolvedAtMs } = incident
  // The source's clock and ours differ a little: nothing is detected before it began.
  return {
    ...(onsetAtMs === undefined ? {} : { ttdMs: Math.max(0, detectedAtMs - onsetAtMs) }),
    ...(acknowledgedAtMs === undefined ? {} : { ttaMs: Math.max(0, acknowledgedAtMs - detectedAtMs) }),
    ...(mitigatedAtMs === undefined ? {} : { ttmMs: Math.max(0, mitigatedAtMs - detectedAtMs) }),
    ...(resolvedAtMs === undefined ? {} : { ttrMs: Math.max(0, resolvedAtMs - detectedAtMs) }),
  }
}

/** A record without the form of one breaks the chain, as does one that cannot be hashed. */
function chainOf(records: readonly ChainRecord[], read: readonly ReadRecord[]): ChainVerdict {
  const bad = read.find((record) => record.malformed)
  if (bad) return { is: 'broken', address: `${bad.stream}/${bad.seq}`, reason: bad.trouble ?? '' }
  try {
    return verifyChain(records)
  } catch (error) {
    return { is: 'broken', address: 'unknown', reason: `it cannot be checked: ${describe(error)}` }
  }
}
