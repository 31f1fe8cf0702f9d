import { nameOf } from './execution/fold.ts'
import { executionIdFor, incidentIdFor } from './ids.ts'
import type { Stamped } from './ledger/entry.ts'
import type { Open, Pending } from './ledger/open.ts'
import { MAX_FLAPPING_CHANGES } from './runbook/limits.ts'
import type { Runbook, Service } from './runbook/runbook.ts'
import type { Signal } from './signal/signal.ts'

/** How many transitions OPEN remembers: flapping is more of them than a runbook's limit. */
const CHANGES_KEPT = MAX_FLAPPING_CHANGES + 1

export type Transition =
  | { readonly is: 'accepted'; readonly open: Open; readonly pending: Pending | undefined }
  /** Already carried out, or being carried out: repeat what is pending. */
  | { readonly is: 'repeat'; readonly pending: Pending }
  | { readonly is: 'duplicate' }
  /** An older state than the one that is known. */
  | { readonly is: 'stale'; readonly reason: string }

/**
 * What a signal makes of a dedup key. Pure. Order is told by the source's own times, so duplicates and late deliveries
 * change nothing; `dueAtMs` is when the sweep should look in case this worker dies.
 */
export function transition(
  before: Open | undefined,
  incoming: Signal,
  service: Pick<Service, 'name'>,
  runbooks: readonly Runbook[],
  dueAtMs: number,
): Transition {
  // The raw event has served matching and would only swell the records.
  const { event: _event, ...signal } = incoming
  // A source whose clock has whole seconds may clear in the second in which it fired.
  const clears = before?.state === 'alarm' && signal.state === 'ok' && signal.stateAtMs === before.stateAtMs
  if (before && signal.stateAtMs <= before.stateAtMs && !clears) {
    const pending = before.pending[signal.signalId]
    if (pending) return { is: 'repeat', pending }
    if (signal.stateAtMs === before.stateAtMs) return { is: 'duplicate' }
    return { is: 'stale', reason: `a state ${before.stateAtMs - signal.stateAtMs} ms newer is known already` }
  }
  const base: Open = before ?? {
    key: signal.key,
    service: service.name,
    state: 'ok',
    stateAtMs: 0,
    incidentId: '',
    onsetAtMs: 0,
    keepOpenMs: 0,
    changes: [],
    pending: {},
    wakes: 0,
    version: 0,
  }
  const { open, pending } = move(base, signal, runbooks)
  if (!pending) return { is: 'accepted', open: { ...open, stateAtMs: signal.stateAtMs }, pending }
  return {
    is: 'accepted',
    pending,
    open: {
      ...open,
      stateAtMs: signal.stateAtMs,
      pending: { ...open.pending, [signal.signalId]: { ...pending, dueAtMs } },
      dueAtMs: Math.min(open.dueAtMs ?? Infinity, dueAtMs),
    },
  }
}

function move(
  base: Open,
  signal: Signal,
  runbooks: readonly Runbook[],
): { readonly open: Open; readonly pending: Pending | undefined } {
  const changed = { changes: [...base.changes, signal.stateAtMs].slice(-CHANGES_KEPT) }
  switch (signal.state) {
    case 'alarm':
    case 'occurred': {
      const unheard = clearedUnheard(base, signal)
      if (base.state === 'alarm' && !unheard) return { open: base, pending: attach(base, signal) }
      const joins = unheard ? !base.closed : joinsIncident(base, signal)
      const incidentId = joins ? base.incidentId : incidentIdFor(signal.key, signal.stateAtMs)
      const open: Open = {
        ...withoutClosed(base),
        ...changed,
        // An event that only occurs is over as it happens.
        state: signal.state === 'occurred' ? 'ok' : 'alarm',
        ...(signal.state === 'occurred' ? { clearedAtMs: signal.stateAtMs } : {}),
        incidentId,
        onsetAtMs: signal.stateAtMs,
        keepOpenMs: Math.max(0, ...runbooks.map((runbook) => runbook.keepOpenMs)),
      }
      const executions = runbooks.map((runbook) => ({
        runbook: runbook.runbook,
        executionId: executionIdFor(incidentId, runbook.runbook, signal.stateAtMs),
      }))
      return { open, pending: { signal, is: joins ? 'recurred' : 'opened', incidentId, executions } }
    }
    case 'ok': {
      if (base.state === 'ok') return { open: base, pending: undefined }
      return {
        open: { ...base, ...changed, state: 'ok', clearedAtMs: signal.stateAtMs },
        pending: { signal, is: 'cleared', incidentId: base.incidentId, executions: [] },
      }
    }
    case 'insufficient-data':
      // Silence is not health (G9): the alarm's state stays what it was.
      return { open: base, pending: base.state === 'alarm' ? attach(base, signal) : undefined }
  }
}

/** CloudWatch tells which state came before: an alarm that stands here and comes from OK has cleared meanwhile, and come again. */
function clearedUnheard(base: Open, { source, state, previousState }: Signal): boolean {
  return base.state === 'alarm' && source === 'cloudwatch' && state === 'alarm' && previousState === 'ok'
}

function attach(base: Open, signal: Signal): Pending {
  return { signal, is: 'attached', incidentId: base.incidentId, executions: [] }
}

/** Within keep-open a recurrence joins the incident as a new onset; after it, it is a new incident. */
function joinsIncident(base: Open, signal: Signal): boolean {
  if (base.incidentId === '' || base.closed) return false
  return base.clearedAtMs !== undefined && signal.stateAtMs - base.clearedAtMs < base.keepOpenMs
}

function withoutClosed(open: Open): Open {
  const { closed: _closed, clearedAtMs: _clearedAtMs, ...rest } = open
  return rest
}

/** OPEN after a pending change was carried out; `dueAtMs` comes from what is left, `orAtMs` for what bears no time of its own. */
export function settled(open: Open, signalId: string, orAtMs: number): Open {
  const { [signalId]: _done, ...pending } = open.pending
  return withPending({ ...open, wakes: 0 }, pending, orAtMs)
}

/** What of OPEN's pending changes nobody is at any more, and OPEN as a worker takes them on until then. Pure. */
export function takeOn(
  open: Open,
  nowMs: number,
  untilMs: number,
): { readonly open: Open; readonly taken: readonly Pending[] } {
  const isDue = ({ dueAtMs = 0 }: Pending) => dueAtMs <= nowMs
  const pending = Object.fromEntries(
    Object.entries(open.pending).map(([id, one]) => [id, isDue(one) ? { ...one, dueAtMs: untilMs } : one]),
  )
  return {
    open: withPending({ ...open, wakes: open.wakes + 1 }, pending, untilMs),
    taken: Object.values(open.pending).filter(isDue),
  }
}

/** OPEN as a worker takes one pending change on, whose own worker has no time any more. */
export function takenOn(open: Open, pending: Pending, untilMs: number): Open {
  const own = { ...pending, dueAtMs: untilMs }
  return withPending(open, { ...open.pending, [pending.signal.signalId]: own }, untilMs)
}

function withPending(open: Open, pending: Open['pending'], orAtMs: number): Open {
  const { dueAtMs: _due, ...rest } = open
  const dues = Object.values(pending).map(({ dueAtMs }) => dueAtMs ?? orAtMs)
  return { ...rest, pending, ...(dues.length === 0 ? {} : { dueAtMs: Math.min(...dues) }) }
}

/** The incident's own stream, folded. */
export interface Incident {
  readonly incidentId: string
  readonly key: string
  readonly title: string
  readonly service: string
  readonly severity: 'sev1' | 'sev2' | 'sev3' | 'sev4'
  readonly keepOpenMs: number
  readonly onsetAtMs?: number
  /** The newest transition into ALARM that is on record; absent where none is. */
  readonly lastOnsetAtMs?: number
  readonly detectedAtMs: number
  readonly status: 'open' | 'mitigated' | 'resolved'
  /** Set while the alarm is clear. */
  readonly clearedAtMs?: number
  readonly mitigatedAtMs?: number
  readonly resolvedAtMs?: number
  readonly resolvedBy?: 'cleared' | 'person'
  readonly acknowledgedAtMs?: number
  /** The newest acknowledgment that was not followed by a recurrence. */
  readonly standingAck?: { readonly atMs: number; readonly by: string }
  /** It was opened by an event that only occurs: that its alarm is clear says nothing. */
  readonly isMomentary?: true
  readonly signalIds: ReadonlySet<string>
}

/** What an array of entries tells never changes, and is asked for several times in a turn. */
const folded = new WeakMap<readonly Stamped[], Incident>()

/** `undefined` until the incident's first entry is on record. Pure. */
export function foldIncident(entries: readonly Stamped[]): Incident | undefined {
  const incident = folded.get(entries) ?? incidentFrom(entries)
  if (incident) folded.set(entries, incident)
  return incident
}

function incidentFrom(entries: readonly Stamped[]): Incident | undefined {
  const opened = entries.find((entry) => entry.kind === 'incident.opened')
  if (!opened) return undefined
  let incident: Incident = {
    incidentId: opened.incidentId,
    key: opened.key,
    title: opened.title,
    service: opened.service,
    severity: opened.severity,
    keepOpenMs: opened.keepOpenMs,
    detectedAtMs: opened.detectedAtMs,
    status: 'open',
    signalIds: new Set(
      entries.flatMap((entry) => ('signal' in entry && entry.signal ? [entry.signal.signalId] : [])),
    ),
    ...(opened.signal?.state === 'occurred' ? { isMomentary: true } : {}),
    ...(opened.onsetAtMs === undefined
      ? {}
      : { onsetAtMs: opened.onsetAtMs, lastOnsetAtMs: opened.onsetAtMs }),
  }
  for (const entry of entries) incident = addToIncident(incident, entry)
  return incident
}

/** What an alarm did is ordered by its own times: a worker that died may leave an older change to be recorded after a newer. */
function addToIncident(incident: Incident, entry: Stamped): Incident {
  switch (entry.kind) {
    case 'incident.recurred': {
      const lastOnsetAtMs = Math.max(incident.lastOnsetAtMs ?? 0, entry.onsetAtMs)
      // What a person has closed since does not come back by being recorded late.
      const closedAtMs = incident.resolvedBy === 'person' ? (incident.resolvedAtMs ?? 0) : 0
      if (entry.onsetAtMs < Math.max(incident.clearedAtMs ?? 0, closedAtMs))
        return { ...incident, lastOnsetAtMs }
      const {
        clearedAtMs: _cleared,
        resolvedAtMs: _resolved,
        resolvedBy: _by,
        standingAck: _ack,
        ...rest
      } = incident
      return { ...rest, lastOnsetAtMs, status: 'open' }
    }
    case 'incident.cleared':
      return entry.clearedAtMs < Math.max(incident.lastOnsetAtMs ?? 0, incident.clearedAtMs ?? 0)
        ? incident
        : { ...incident, clearedAtMs: entry.clearedAtMs }
    case 'incident.mitigated':
      return incident.status === 'resolved'
        ? incident
        : { ...incident, status: 'mitigated', mitigatedAtMs: incident.mitigatedAtMs ?? entry.atMs }
    case 'incident.resolved':
      return { ...incident, status: 'resolved', resolvedAtMs: entry.atMs, resolvedBy: entry.how }
    case 'incident.acknowledged':
      return {
        ...incident,
        acknowledgedAtMs: incident.acknowledgedAtMs ?? entry.atMs,
        standingAck: { atMs: entry.atMs, by: nameOf(entry.actor) },
      }
    default:
      return incident
  }
}
