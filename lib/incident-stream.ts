import { nameOf } from './execution/fold.ts'
import { foldIncident, type Incident } from './incident.ts'
import type { Entry, Stamped } from './ledger/entry.ts'
import { advanceHead, readHead, type Head } from './ledger/head.ts'
import { append, emptyStream, load, type Stream } from './ledger/records.ts'
import type { App, Ports } from './ports.ts'
import type { Runbook } from './runbook/runbook.ts'
import type { Session } from './session.ts'

/** The stream that tells the incident itself. */
export const INCIDENT_STREAM = 'incident'

/**
 * Adds facts to an incident's own stream. `decide` sees what is on record and answers the facts that are still missing,
 * or none; it is asked again after a conflict, so a repeat or a race adds nothing twice. HEAD follows.
 */
export async function addToIncident(
  ports: Ports,
  incidentId: string,
  decide: (entries: readonly Stamped[]) => readonly Entry[],
  start: 'fresh' | 'known' = 'known',
): Promise<Stream> {
  // A fresh incident is put without a read; a conflict then shows what stands there.
  let stream =
    start === 'fresh'
      ? emptyStream(incidentId, INCIDENT_STREAM)
      : await load(ports.storage, incidentId, INCIDENT_STREAM)
  for (;;) {
    const entries = decide(stream.entries)
    if (entries.length === 0) return stream
    const answer = await append(ports.storage, ports.random, stream, entries, ports.clock.now())
    stream = answer.stream
    if (answer.is === 'conflict') continue
    for (const entry of entries) ports.log.info(entry.kind, { incident: incidentId, by: nameOf(entry.actor) })
    return stream
  }
}

/** HEAD of an incident: what lists show, and when its keep-open or an undo falls due. */
export function incidentHead(headSeq: number, incident: Incident, dueAtMs: number | undefined): Head {
  return {
    incidentId: incident.incidentId,
    stream: INCIDENT_STREAM,
    headSeq,
    status: incident.status,
    wakes: 0,
    summary: {
      title: incident.title,
      service: incident.service,
      severity: incident.severity,
      openedAtMs: incident.detectedAtMs,
    },
    ...(dueAtMs === undefined ? {} : { dueAtMs }),
  }
}

export async function settleIncidentHead(
  ports: Ports,
  stream: Stream,
  dueAtMs: number | undefined,
  unsent = false,
): Promise<void> {
  const incident = foldIncident(stream.entries)
  if (!incident) return
  const head = incidentHead(stream.headSeq, incident, dueAtMs)
  await advanceHead(ports.storage, unsent ? { ...head, unsent } : head)
}

/** A check has passed: the impact is reduced, cause understood or not. Recorded once, before the check's own verdict. */
export async function markMitigated(session: Session, reason: string): Promise<void> {
  const { app, header } = session
  await mitigated(app, header.incidentId, {
    kind: 'incident.mitigated',
    actor: { is: 'engine', worker: session.turn.workerId },
    executionId: header.executionId,
    reason,
  })
}

/** What is due is asked of the incident's own turn again so long after it was mitigated. */
const ASKED_AGAIN_MS = 60_000

/**
 * Records that an incident is mitigated, once. What was due on its HEAD is not carried over: between a read of it and our put a
 * clearing may have made it sooner. So it is due shortly, for a turn of its own that knows.
 */
export async function mitigated(
  { ports }: App,
  incidentId: string,
  entry: Extract<Entry, { kind: 'incident.mitigated' }>,
): Promise<void> {
  let isNew = false
  const stream = await addToIncident(ports, incidentId, (entries) => {
    isNew = foldIncident(entries)?.status === 'open'
    return isNew ? [entry] : []
  })
  const incident = foldIncident(stream.entries)
  if (!isNew || !incident) return
  const head = incidentHead(stream.headSeq, incident, ports.clock.now() + ASKED_AGAIN_MS)
  await advanceHead(ports.storage, { ...head, unsent: true })
}

/**
 * When an incident's own stream wants its first turn: to be resolved, or because one of these runbooks will have held a
 * change for as long as it may. Known before anything is changed, so that no dead worker leaves a change held for ever.
 */
export function dueOf(incident: Incident, runbooks: readonly Runbook[]): number | undefined {
  if (incident.clearedAtMs !== undefined) return incident.clearedAtMs + incident.keepOpenMs
  const holds = runbooks.flatMap(({ onResolved }) => onResolved?.maxHold?.forMs ?? [])
  return holds.length === 0 ? undefined : incident.detectedAtMs + Math.min(...holds)
}

/** Makes sure that an incident has a turn by then, whatever becomes of the worker that asks. */
export async function dueBy(ports: Ports, incidentId: string, atMs: number): Promise<void> {
  const head = await readHead(ports.storage, incidentId, INCIDENT_STREAM)
  if (!head || (head.dueAtMs ?? Infinity) <= atMs) return
  await advanceHead(ports.storage, { ...head, dueAtMs: atMs, unsent: true })
}
