import type { Paging } from './actions/action.ts'
import { allDone } from './all-done.ts'
import { writeDuration } from './runbook/fields.ts'
import { fold } from './execution/fold.ts'
import type { Command } from './execution/next.ts'
import { rungsOf, UNANSWERED } from './execution/paging.ts'
import { isEnded, isSettled, stateOf, type Execution, type StepState } from './execution/state.ts'
import { isPagingStream, pagingStreamOf } from './ids.ts'
import { foldIncident, type Incident } from './incident.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import { headerFields, type Entry, type EntryOf } from './ledger/entry.ts'
import { openHead, readHeads } from './ledger/head.ts'
import { append, emptyStream, loadIncident, type Stream } from './ledger/records.ts'
import { actor, deliberationOf, WENT_ON, type Intent, type Performed } from './perform.ts'
import type { Ports } from './ports.ts'
import { workFor } from './queue.ts'
import { note, type Session } from './session.ts'
import { takeOver } from './take-over.ts'

type PagingStarted = EntryOf<'paging.started'>

/** A page is answered by its channel within seconds; after it the paging looks what became of it, and again after so long. */
const LOOK_MS = 10_000

/** HEAD falls due so much later than the message, which keeps the sweep out of its way. */
const GRACE_MS = 10_000

/** While the alarm is clear nobody else is paged; it is looked at again after so long. */
const CLEAR_POLL_MS = 60_000

/**
 * Begins the streams in which pages are repeated until somebody answers, before the pages themselves are sent: a worker that
 * dies with one leaves no page unanswered for good. A repeat finds the first record there and changes nothing.
 */
export async function startPagings(session: Session, intents: readonly Intent[]): Promise<void> {
  if (session.header.kind === 'paging.started') return
  await allDone(
    intents.map(async (intent) => {
      const paging = intent.action.paging?.(intent.change)
      if (paging) await startPaging(session, intent, paging)
    }),
  )
}

async function startPaging(session: Session, { step }: Intent, paging: Paging): Promise<void> {
  const { header, stream } = session
  const { ports } = session.app
  const own = pagingStreamOf(stream.stream, step.id)
  const nowMs = ports.clock.now()
  const { incidentId } = header
  const started: PagingStarted = {
    kind: 'paging.started',
    actor: actor(session),
    ...headerFields(header),
    origin: { stream: stream.stream, step: step.id },
    ...paging,
    levels: [...paging.levels],
    startedAtMs: nowMs,
    reason: deliberationOf(session, step.id).reason,
  }
  const dueAtMs = nowMs + LOOK_MS + GRACE_MS
  await openHead(ports.storage, { incidentId, stream: own, headSeq: -1, status: 'paging', wakes: 0, dueAtMs })
  const answer = await append(ports.storage, ports.random, emptyStream(incidentId, own), [started], nowMs)
  if (answer.is === 'appended')
    await ports.queue.send(workFor({ incidentId, stream: own }, 0, nowMs), LOOK_MS)
}

/**
 * Somebody has answered, the incident is over, or its alarm has come back: the pagings of an incident look at once, and not
 * when the next level is due.
 */
export async function wakePagings({ storage, queue, clock }: Ports, incidentId: string): Promise<void> {
  const heads = await readHeads(storage, incidentId)
  const waiting = heads.filter(({ stream, dueAtMs }) => isPagingStream(stream) && dueAtMs !== undefined)
  await allDone(waiting.map(async (head) => queue.send(workFor(head, 0, clock.now()), 0)))
}

/**
 * Looks whether anybody is still to be paged, before each page, each repeat of one, each wait and the end. `undefined`: it goes on.
 * Else the end is noted, or it waits: for the first page, for an acknowledgment to time out, for an alarm that is clear.
 */
export async function beforePaging(
  session: Session,
  header: PagingStarted,
  command: Extract<Command, { is: 'begin' | 'recover' | 'wait' | 'record' }>,
): Promise<Performed | undefined> {
  // Where it was stopped, only the page that says so is still sent.
  if (session.execution.status.is !== 'running') return undefined
  const { storage, clock } = session.app.ports
  const streams = await loadIncident(storage, header.incidentId)
  const incident = incidentOf(streams)
  const nowMs = clock.now()
  const over = overBy(session, header, streams, incident, nowMs)
  if (over) return end(session, command, over)
  if (command.is === 'wait') return release(session, header, incident, nowMs)
  if (command.is === 'record') return endUnanswered(session, command, incident)
  if (command.is !== 'begin') return undefined
  const [step = ''] = command.steps
  const rungs = rungsOf(header)
  if (step === rungs[0]?.step) return firstOf(session, header, step, streams, nowMs)
  const isReminder = rungs.find((rung) => rung.step === step)?.isReminder === true
  if (isReminder && incident?.acknowledgedAtMs === undefined)
    return end(session, command, { outcome: 'failed', reason: UNANSWERED })
  const hold = holdOf(header, incident, nowMs)
  return hold && waitFor(session, step, hold)
}

/** What was acknowledged and has come back since is paged on at once, and not only when the acknowledgment would have timed out. */
function release(
  session: Session,
  header: PagingStarted,
  incident: Incident | undefined,
  nowMs: number,
): Performed | undefined {
  const { execution } = session
  const next = rungsOf(header).find(({ step }) => !isSettled(stateOf(execution, step)))
  const state = next && stateOf(execution, next.step)
  if (!next || state?.is !== 'pending' || (state.notBeforeMs ?? 0) <= nowMs) return undefined
  if (holdOf(header, incident, nowMs)) return undefined
  note(session, {
    kind: 'step.waiting',
    actor: actor(session),
    step: next.step,
    waitId: session.app.ports.random.id(),
    wakeAtMs: nowMs,
    reason: 'the alarm has come back since it was acknowledged',
    blocked: true,
  })
  return WENT_ON
}

/** Whoever has acknowledged it and let it stand is not called nobody. */
function endUnanswered(
  session: Session,
  command: Command,
  incident: Incident | undefined,
): Performed | undefined {
  const { standingAck } = incident ?? {}
  if (!standingAck) return undefined
  const reason = `acknowledged by ${standingAck.by}, and not over; the escalation policy is at its end`
  return end(session, command, { outcome: 'failed', reason })
}

interface Ending {
  readonly outcome: 'succeeded' | 'skipped' | 'failed'
  readonly reason: string
}

function overBy(
  { stream }: Session,
  header: PagingStarted,
  streams: readonly Stream[],
  incident: Incident | undefined,
  nowMs: number,
): Ending | undefined {
  if (!incident || incident.status === 'resolved')
    return { outcome: 'succeeded', reason: 'the incident is resolved' }
  const { standingAck } = incident
  // Somebody who has answered and let the impact be reduced needs no reminder.
  const counts = header.ackTimeoutMs === undefined || incident.status === 'mitigated'
  if (standingAck && counts) return { outcome: 'succeeded', reason: `acknowledged by ${standingAck.by}` }
  const earlier = streams.find((other) => other.stream !== stream.stream && goesBefore(other, header, nowMs))
  if (earlier) return { outcome: 'skipped', reason: `${earlier.stream} pages ${header.team} already` }
  return undefined
}

/**
 * Whether another page to the same team is repeated already: the team is not called by both. One that waits is no caller, nor
 * is one that has nobody left to page.
 */
function goesBefore(other: Stream, header: PagingStarted, nowMs: number): boolean {
  const execution = fold(other.entries)
  const theirs = execution.header
  if (theirs?.kind !== 'paging.started' || theirs.team !== header.team || isEnded(execution)) return false
  const left = rungsOf(theirs).flatMap(({ step, isReminder }) => {
    const state = stateOf(execution, step)
    return isSettled(state) ? [] : [{ state, isReminder }]
  })
  const isHeld = left.some(({ state }) => state.is === 'pending' && (state.notBeforeMs ?? 0) > nowMs)
  if (isHeld || left.every(({ isReminder }) => isReminder === true)) return false
  if (theirs.startedAtMs !== header.startedAtMs) return theirs.startedAtMs < header.startedAtMs
  return other.stream < pagingStreamOf(header.origin.stream, header.origin.step)
}

/** What has been waited for or is without an outcome is closed by it. */
function end(session: Session, { is }: Command, { outcome, reason }: Ending): Performed {
  const unsettled = [...session.execution.steps].filter(([, state]) => !isSettled(state))
  // Another worker's page is closed only where its lease is over.
  if (is !== 'recover' && unsettled.some(([, state]) => isOthers(session, state))) return WENT_ON
  takeOver(
    session,
    unsettled.map(([step]) => step),
  )
  for (const [step] of unsettled)
    note(session, { kind: 'step.skipped', actor: actor(session), step, code: 'stopped', reason })
  note(session, { kind: 'execution.finished', actor: actor(session), outcome, reason })
  return WENT_ON
}

function isOthers({ turn }: Session, state: StepState): boolean {
  return state.is === 'open' && state.worker !== turn.workerId
}

/** The first page is sent by the step that it belongs to: what became of it there is put on record here, once it is known. */
function firstOf(
  session: Session,
  { origin, levels, startedAtMs }: PagingStarted,
  step: string,
  streams: readonly Stream[],
  nowMs: number,
): Performed {
  const sent = streams.find((other) => other.stream === origin.stream)
  const execution = fold(sent?.entries ?? [])
  const state = stateOf(execution, origin.step)
  const base = { actor: actor(session), step }
  switch (state.is) {
    case 'applied':
      note(session, {
        kind: 'step.skipped',
        ...base,
        code: 'already',
        reason: `paged by ${origin.step} of ${origin.stream}`,
      })
      return WENT_ON
    case 'failed':
      note(session, { kind: 'step.failed', ...base, code: 'exhausted', reason: state.reason })
      return WENT_ON
    case 'skipped':
      return end(session, { is: 'begin', steps: [step] }, { outcome: 'skipped', reason: state.reason })
    default:
  }
  if (isOver(execution)) {
    const reason = `${origin.step} of ${origin.stream} sends no page any more`
    return end(session, { is: 'begin', steps: [step] }, { outcome: 'skipped', reason })
  }
  const { forMs = 0 } = levels[0] ?? {}
  if (nowMs < startedAtMs + forMs)
    return { is: 'paused', pollMs: Math.min(LOOK_MS, startedAtMs + forMs - nowMs) }
  const reason = `whether it was sent by ${origin.step} of ${origin.stream} is not known`
  note(session, { kind: 'step.failed', ...base, code: 'unknown', reason })
  return WENT_ON
}

/** Whether no page of the runbook is begun any more; those of the engine itself go out in any case. */
function isOver(execution: Execution): boolean {
  return isEnded(execution) && execution.pages.length === 0
}

interface Hold {
  readonly reason: string
  /** Known where it ends by time; else it is looked at again. */
  readonly untilMs?: number
}

function holdOf(
  { ackTimeoutMs }: PagingStarted,
  incident: Incident | undefined,
  nowMs: number,
): Hold | undefined {
  const { standingAck, clearedAtMs, isMomentary } = incident ?? {}
  if (standingAck && ackTimeoutMs !== undefined && nowMs < standingAck.atMs + ackTimeoutMs) {
    return {
      reason: `acknowledged by ${standingAck.by}; it is paged again where it is not over ${writeDuration(ackTimeoutMs)} later`,
      untilMs: standingAck.atMs + ackTimeoutMs,
    }
  }
  if (clearedAtMs !== undefined && !isMomentary)
    return { reason: 'the alarm is clear; nobody else is paged unless it comes back' }
  return undefined
}

/** Said once; what has no end in time is looked at again, without a write. */
function waitFor(session: Session, step: string, { reason, untilMs }: Hold): Performed {
  const state = stateOf(session.execution, step)
  const isSaid = state.is === 'pending' && state.blockedBy === reason
  if (isSaid && untilMs === undefined) return { is: 'paused', pollMs: CLEAR_POLL_MS }
  const { clock, random } = session.app.ports
  const wakeAtMs = untilMs ?? clock.now() + CLEAR_POLL_MS
  const entry: Entry = {
    kind: 'step.waiting',
    actor: actor(session),
    step,
    waitId: random.id(),
    wakeAtMs,
    reason,
    blocked: true,
  }
  note(session, entry)
  return WENT_ON
}

function incidentOf(streams: readonly Stream[]): Incident | undefined {
  const own = streams.find(({ stream }) => stream === INCIDENT_STREAM)
  return own && foldIncident(own.entries)
}
