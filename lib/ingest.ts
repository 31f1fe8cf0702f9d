import { allDone } from './all-done.ts'
import { describe, never } from './errors.ts'
import { endUnbegun, goneText, type Unbegun } from './gone.ts'
import { sha256 } from './ids.ts'
import { settled, takenOn, transition, foldIncident } from './incident.ts'
import { addToIncident, dueOf, INCIDENT_STREAM, incidentHead } from './incident-stream.ts'
import { advanceIncident } from './advance-incident.ts'
import { writeSignalVerdict } from './ledger/control.ts'
import type { Entry, Stamped } from './ledger/entry.ts'
import { openHead } from './ledger/head.ts'
import { firstOpen, openOf, readOpen, replaceOpen, type Open, type Pending } from './ledger/open.ts'
import { stampAll } from './ledger/records.ts'
import { match } from './match.ts'
import { wakePagings } from './paging.ts'
import type { App, Turn } from './ports.ts'
import type { Runbook } from './runbook/runbook.ts'
import { parseEvent } from './signal/parse.ts'
import type { Parsed, Signal } from './signal/signal.ts'
import { start, type StartOrder } from './start.ts'

/** What became of one part of a payload. */
export type Ingested =
  | {
      readonly is: 'accepted'
      readonly signalId: string
      readonly effect: Pending['is']
      readonly incidentId: string
    }
  /** It started nothing, and the ledger says why. */
  | { readonly is: 'verdict'; readonly signalId: string; readonly code: string; readonly reason: string }
  | { readonly is: 'ignored'; readonly code: string; readonly reason: string }

export interface IngestResult {
  readonly parts: readonly Ingested[]
}

/** After the worker's time, and this much more, the sweep carries out what it left pending. */
const PENDING_GRACE_MS = 5_000

/**
 * Takes in one payload. Each part stands for itself: what is malformed is refused with a reason on record, and the rest
 * goes on. Throws at the end where a part could not be carried out, so that the message comes back; repeating the others
 * is harmless.
 */
export async function ingest(app: App, raw: unknown, turn: Turn): Promise<IngestResult> {
  const parts: Ingested[] = []
  const failures: unknown[] = []
  for (const parsed of parseEvent(raw, { receivedAtMs: app.ports.clock.now() })) {
    try {
      parts.push(await ingestPart(app, parsed, raw, turn))
    } catch (error) {
      app.ports.log.error('a signal could not be carried out', { error })
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw failures.length === 1
      ? failures[0]
      : new AggregateError(failures, failures.map(describe).join('; '))
  return { parts }
}

async function ingestPart(app: App, parsed: Parsed, raw: unknown, turn: Turn): Promise<Ingested> {
  const { ports } = app
  switch (parsed.is) {
    case 'ignored':
      ports.log.info('a payload was ignored', { code: parsed.code, reason: parsed.reason })
      return { is: 'ignored', code: parsed.code, reason: parsed.reason }
    case 'refused': {
      ports.metrics.count('SignalsRefused')
      const signalId = `sig-${sha256(textOf(raw)).slice(0, 12)}`
      await writeSignalVerdict(ports.storage, {
        signalId,
        name: 'unreadable payload',
        state: 'refused',
        stateAtMs: ports.clock.now(),
        code: parsed.code,
        reason: parsed.reason,
        atMs: ports.clock.now(),
      })
      ports.log.warn('a payload was refused', { signal: signalId, code: parsed.code, reason: parsed.reason })
      return { is: 'verdict', signalId, code: parsed.code, reason: parsed.reason }
    }
    case 'signal':
      return acceptSignal(app, parsed.signal, turn)
    default:
      return never(parsed)
  }
}

function textOf(raw: unknown): string {
  try {
    return JSON.stringify(raw) ?? String(raw)
  } catch {
    return String(raw)
  }
}

/** Carries a signal through: match, open or join or clear an incident, start what is to be started. */
export async function acceptSignal(app: App, signal: Signal, turn: Turn): Promise<Ingested> {
  const { storage } = app.ports
  const matched = await matchedOrOpen(app, signal)
  if (matched.is === 'unmatched') return leaveVerdict(app, signal, 'unmatched', matched.reason)
  const opening = signal.state === 'alarm' || signal.state === 'occurred'
  if (opening && signal.silenced) return leaveVerdict(app, signal, signal.silenced.by, signal.silenced.reason)
  const dueAtMs = turn.deadlineMs + PENDING_GRACE_MS
  let seen: Open | undefined
  for (;;) {
    const moved = transition(seen, signal, matched.service, matched.runbooks, dueAtMs)
    switch (moved.is) {
      case 'duplicate':
        return {
          is: 'verdict',
          signalId: signal.signalId,
          code: 'duplicate',
          reason: 'this state is known already',
        }
      case 'stale':
        return leaveVerdict(app, signal, 'stale', moved.reason)
      case 'repeat': {
        const { pending } = moved
        // Its worker is still within its time; should that have died, the sweep or a later delivery carries on.
        if (app.ports.clock.now() < (pending.dueAtMs ?? seen?.dueAtMs ?? 0)) {
          return {
            is: 'verdict',
            signalId: signal.signalId,
            code: 'duplicate',
            reason: 'this state is being carried out',
          }
        }
        const before = seen ?? unreachable()
        const taken = takenOn(before, pending, dueAtMs)
        const answer = await replaceOpen(storage, before, taken)
        if (answer.is === 'conflict') {
          seen = openOf(answer.existing)
          continue
        }
        await carryOut(app, { ...taken, version: before.version + 1 }, pending, turn, { repeat: true })
        return accepted(signal, pending)
      }
      case 'accepted': {
        const answer = seen
          ? await replaceOpen(storage, seen, moved.open)
          : await firstOpen(storage, moved.open)
        if (answer.is === 'conflict') {
          seen = openOf(answer.existing)
          continue
        }
        if (!moved.pending)
          return leaveVerdict(app, signal, 'nothing-open', 'no incident of this alarm is open')
        app.ports.metrics.count('SignalsAccepted')
        await carryOut(app, { ...moved.open, version: (seen?.version ?? 0) + 1 }, moved.pending, turn, {
          repeat: false,
        })
        return accepted(signal, moved.pending)
      }
      default:
        never(moved)
    }
  }
}

/** An alarm that clears belongs to the incident that it has opened, whatever the catalogue says by now. */
async function matchedOrOpen(
  app: App,
  signal: Signal,
): Promise<
  | { is: 'matched'; service: { name: string }; runbooks: readonly Runbook[] }
  | { is: 'unmatched'; reason: string }
> {
  const matched = match(signal, app.catalogue)
  if (matched.is === 'matched' || signal.state !== 'ok') return matched
  const open = await readOpen(app.ports.storage, signal.key)
  return open?.state === 'alarm' ? { is: 'matched', service: { name: open.service }, runbooks: [] } : matched
}

function unreachable(): never {
  throw new Error('only a known key has something to repeat')
}

function accepted(signal: Signal, pending: Pending): Ingested {
  return { is: 'accepted', signalId: signal.signalId, effect: pending.is, incidentId: pending.incidentId }
}

async function leaveVerdict(app: App, signal: Signal, code: string, reason: string): Promise<Ingested> {
  const { storage, clock, log } = app.ports
  const { signalId, name, state, stateAtMs } = signal
  await writeSignalVerdict(storage, { signalId, name, state, stateAtMs, code, reason, atMs: clock.now() })
  log.info('a signal started nothing', { signal: signalId, code, reason })
  return { is: 'verdict', signalId, code, reason }
}

/**
 * Makes the records that an accepted change of state asks for, then clears it from OPEN. Every write is idempotent by its
 * derived id, so the sweep, a redelivery or another worker may simply do it again.
 */
export async function carryOut(
  app: App,
  open: Open,
  pending: Pending,
  turn: Turn,
  how: Pick<StartOrder, 'repeat' | 'giveUp'>,
): Promise<void> {
  const incident = recordSignal(app, open, pending, how.repeat)
  const moot = how.repeat ? mootFor(open, pending) : undefined
  const started = pending.executions.map(({ runbook: name, executionId }) => {
    const runbook = app.catalogue.runbooks.find((candidate) => candidate.runbook === name)
    if (!runbook) {
      const { incidentId, signal } = pending
      const { account } = signal
      return leaveGone(app, signal, {
        incidentId,
        executionId,
        account,
        service: open.service,
        runbook: name,
      })
    }
    const order = {
      incidentId: pending.incidentId,
      executionId,
      key: open.key,
      runbook,
      occasion: { is: 'alarm', onsetAtMs: pending.signal.stateAtMs, signal: pending.signal },
      changes: open.changes,
      startedWith: pending.executions,
      ...how,
      ...(moot === undefined ? {} : { moot }),
    } as const
    return start(app, order, turn, incident)
  })
  await allDone([incident, ...started])
  // HEAD follows, off the way to the first effect.
  if (pending.is === 'recurred' || pending.is === 'cleared') await advanceIncident(app, pending.incidentId)
  if (pending.is === 'recurred') await wakePagings(app.ports, pending.incidentId)
  await clearPending(app, open, pending)
}

/** A newer catalogue was deployed in between: what did not run is on record with its reason (G6). */
async function leaveGone(app: App, signal: Signal, gone: Unbegun): Promise<void> {
  if ((await endUnbegun(app.ports, gone)) === 'begun') return
  await leaveVerdict(app, signal, 'runbook-gone', goneText(gone.runbook, gone.executionId))
}

/** A start that was left lying must not act on an alarm that is over: what it would change is healthy by now. */
function mootFor(open: Open, pending: Pending): string | undefined {
  // An event that only occurs is over as it happens, and is answered all the same.
  if (pending.signal.state !== 'alarm') return undefined
  if (open.incidentId !== pending.incidentId) return 'a later incident of this alarm is open by now'
  if (open.state === 'ok') return 'the alarm cleared before the start could be carried out'
  return open.closed ? 'a person resolved the incident before the start could be carried out' : undefined
}

async function recordSignal(app: App, open: Open, pending: Pending, repeat: boolean): Promise<void> {
  const { ports } = app
  const signal = pending.signal
  const actor = { is: 'signal', signalId: signal.signalId, source: signal.source } as const
  const once =
    (...wanted: readonly Entry[]) =>
    (entries: readonly Stamped[]) =>
      wanted.filter(
        (entry) =>
          !entries.some(
            (other) =>
              other.kind === entry.kind && 'signal' in other && other.signal?.signalId === signal.signalId,
          ),
      )
  // An event that only occurs is over as it happens.
  const cleared: Entry = { kind: 'incident.cleared', actor, clearedAtMs: signal.stateAtMs, signal }
  const over = signal.state === 'occurred' ? [cleared] : []
  switch (pending.is) {
    case 'opened': {
      const wanted: readonly Entry[] = [{ ...openedEntry(app, open, pending, signal), actor }, ...over]
      const incident = foldIncident(stampAll(wanted, INCIDENT_STREAM, 0, ports.clock.now()))
      const dueAtMs = incident && dueOf(incident, runbooksOf(app, pending))
      // HEAD's first put leaves what stands there, so it needs not wait for the record.
      await allDone([
        addToIncident(ports, pending.incidentId, once(...wanted), repeat ? 'known' : 'fresh'),
        incident &&
          openHead(ports.storage, {
            ...incidentHead(0, incident, dueAtMs),
            ...(dueAtMs === undefined ? {} : { unsent: true }),
          }),
      ])
      return
    }
    case 'recurred':
      await addToIncident(
        ports,
        pending.incidentId,
        once({ kind: 'incident.recurred', actor, onsetAtMs: signal.stateAtMs, signal }, ...over),
      )
      return
    case 'cleared':
      await addToIncident(ports, pending.incidentId, once(cleared))
      return
    case 'attached':
      await addToIncident(
        ports,
        pending.incidentId,
        once({ kind: 'signal.attached', actor, signal, note: signal.reason }),
      )
      return
    default:
      never(pending.is)
  }
}

function openedEntry(
  app: App,
  open: Open,
  pending: Pending,
  signal: Signal,
): Omit<Extract<Entry, { kind: 'incident.opened' }>, 'actor'> {
  return {
    kind: 'incident.opened',
    incidentId: pending.incidentId,
    key: open.key,
    title: signal.name,
    service: open.service,
    severity: worstSeverity(runbooksOf(app, pending)),
    keepOpenMs: open.keepOpenMs,
    onsetAtMs: signal.stateAtMs,
    detectedAtMs: app.ports.clock.now(),
    signal,
    reason: signal.reason,
  }
}

function runbooksOf(app: App, pending: Pending): readonly Runbook[] {
  return app.catalogue.runbooks.filter((runbook) =>
    pending.executions.some((one) => one.runbook === runbook.runbook),
  )
}

function worstSeverity(runbooks: readonly Runbook[]): Runbook['severity'] {
  return runbooks.map((runbook) => runbook.severity).toSorted()[0] ?? 'sev3'
}

/** Takes the carried-out change out of OPEN; the rest stays due. */
async function clearPending(app: App, open: Open, pending: Pending): Promise<void> {
  const { storage, clock } = app.ports
  let seen: Open | undefined = open
  for (;;) {
    if (!seen || seen.pending[pending.signal.signalId] === undefined) return
    // What cleared before it was opened, or stands under a later incident by now, has had nobody to resolve it and to put it back.
    const isOver = seen.state === 'ok' || seen.incidentId !== pending.incidentId
    if (isOver && pending.executions.length > 0) await advanceIncident(app, pending.incidentId)
    const answer = await replaceOpen(
      storage,
      seen,
      settled(seen, pending.signal.signalId, clock.now() + PENDING_GRACE_MS),
    )
    if (answer.is === 'put') return
    seen = openOf(answer.existing)
  }
}
