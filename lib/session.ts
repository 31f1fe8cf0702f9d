import { messages } from './actions/index.ts'
import { fold, foldOn } from './execution/fold.ts'
import { programOf, type Group } from './execution/program.ts'
import type { Execution } from './execution/state.ts'
import type { Json } from './json.ts'
import type { Entry, Header, Stamped } from './ledger/entry.ts'
import { advanceHead, type Head } from './ledger/head.ts'
import { releaseLock, type Outstanding } from './ledger/locks.ts'
import { append, stampAll, type Stream } from './ledger/records.ts'
import type { App, Turn } from './ports.ts'
import type { WorkMessage } from './queue.ts'
import type { Pinned } from './runbook/runbook.ts'

/** One worker's hold on one stream for one turn: what is on record, and what is about to be. */
export interface Session {
  readonly app: App
  readonly turn: Turn
  readonly pinned: Pinned
  readonly program: readonly Group[]
  readonly header: Header
  stream: Stream
  /** Facts that go out with the next put: the result of one step travels with the intent of the next (CORE.md 1.3). */
  buffer: Entry[]
  /** What the stream tells. */
  recorded: Execution
  /** What the stream and the buffer tell. */
  execution: Execution
  /** What checks have sampled so far; travels in messages, never in writes. */
  polls: { [stepId: string]: readonly Json[] }
  /** Locks whose result is in the buffer: given back once it is on record. */
  releases: Release[]
  /** Releases on their way; awaited before the turn ends. */
  readonly inFlight: Promise<void>[]
  /** Messages on their way: sent beside the work, and gathered before the turn ends. */
  sending: Sending[]
  /** Whether HEAD tells the sweep to look after our lease. */
  guarded: boolean
  /** Until when HEAD keeps the sweep away; 0 where it is not known. */
  guardUntilMs: number
}

/** A message on its way; `outcome` once it was answered or given up. */
export interface Sending {
  outcome: { note(): void } | undefined
  answered: Promise<void>
}

export interface Release {
  readonly key: string
  readonly token: number
  readonly outstanding: Outstanding | undefined
  readonly others?: readonly Outstanding[]
  readonly changedAtMs?: number
  /** Another worker of the same stream may hold it as well. */
  readonly shared?: true
}

/** Another worker has taken the stream over: nothing more may be appended, and nothing more is done. */
export class TakenOverError extends Error {
  override readonly name = 'TakenOverError'
}

/** Our lease outlives the process by this much, so that no call of ours can begin after it. */
const LEASE_MARGIN_MS = 2_000

export function leaseUntilMs(turn: Turn): number {
  return turn.deadlineMs + LEASE_MARGIN_MS
}

export function openSession(
  app: App,
  turn: Turn,
  pinned: Pinned,
  header: Header,
  stream: Stream,
  message: Pick<WorkMessage, 'polls' | 'guardUntilMs'> = {},
  recorded = fold(stream.entries),
): Session {
  return {
    app,
    turn,
    pinned,
    header,
    program: programOf(header, pinned.runbook, messages),
    stream,
    buffer: [],
    recorded,
    execution: recorded,
    polls: { ...message.polls },
    releases: [],
    inFlight: [],
    sending: [],
    guarded: false,
    guardUntilMs: message.guardUntilMs ?? 0,
  }
}

/** Adds facts to the next put and folds them in. */
export function note(session: Session, ...entries: readonly Entry[]): void {
  session.buffer.push(...entries.map((entry) => addressed(session, entry)))
  refold(session)
}

/** A page names whom it calls even where the decision did not: the policy's default. */
function addressed(session: Session, entry: Entry): Entry {
  if (entry.kind !== 'execution.escalated' || entry.to !== '') return entry
  return { ...entry, to: session.app.catalogue.policy.escalateTo }
}

function refold(session: Session): void {
  const provisional = stampAll(
    session.buffer,
    session.stream.stream,
    session.stream.headSeq + 1,
    session.app.ports.clock.now(),
  )
  session.execution = foldOn(session.recorded, provisional)
}

/**
 * Puts the buffer on record. `false` after a conflict in which nobody took the stream over: a person decided something
 * in between. Then our steps' outcomes have been recorded, everything else was dropped, and the state is folded anew.
 * Throws `TakenOverError` where another worker is at it.
 */
export async function flush(session: Session): Promise<boolean> {
  if (session.buffer.length === 0) {
    giveBack(session, 'unheard')
    return true
  }
  const { ports } = session.app
  let clean = true
  let heard: 'on-record' | 'unheard' = 'unheard'
  for (;;) {
    const { headSeq: before, entries } = session.stream
    const answer = await append(
      ports.storage,
      ports.random,
      session.stream,
      session.buffer,
      ports.clock.now(),
    )
    session.stream = answer.stream
    if (answer.is === 'appended') {
      session.recorded = foldOn(session.recorded, answer.stream.entries.slice(entries.length))
      heard = 'on-record'
      break
    }
    session.recorded = fold(answer.stream.entries)
    clean = false
    // Somebody else began the stream: what we would have made of it counts for nothing.
    if (before < 0) throw new TakenOverError(`${session.stream.stream} was begun by another worker`)
    const between = answer.stream.entries.filter((entry) => entry.seq > before)
    if (between.some((entry) => isForeign(entry, session.turn.workerId))) {
      throw new TakenOverError(`${session.stream.stream} was taken over at record ${answer.stream.headSeq}`)
    }
    session.buffer = outcomesOf(session.buffer)
    if (session.buffer.length === 0) break
  }
  logEntries(session)
  session.buffer = []
  session.guardUntilMs = 0
  refold(session)
  giveBack(session, heard)
  return clean
}

/** Whether an entry shows another worker at work on the stream. */
function isForeign(entry: Stamped, workerId: string): boolean {
  switch (entry.kind) {
    case 'step.intended':
    case 'worker.tookover':
      return entry.worker !== workerId
    case 'step.applied':
    case 'step.retried':
    case 'step.unsettled':
    case 'execution.finished':
    case 'execution.stopped':
      return entry.actor.is === 'engine' && entry.actor.worker !== workerId
    default:
      return false
  }
}

/** What became of calls that were made, each with the page that goes with its failure. */
function outcomesOf(buffer: readonly Entry[]): Entry[] {
  const failed = new Set<string>()
  return buffer.filter((entry) => {
    if (entry.kind === 'step.failed' && isOutcome(entry)) failed.add(entry.step)
    return (
      isOutcome(entry) ||
      (entry.kind === 'execution.escalated' && entry.step !== undefined && failed.has(entry.step))
    )
  })
}

/** What became of a call that was made: it is recorded whatever was decided meanwhile. */
function isOutcome(entry: Entry): boolean {
  switch (entry.kind) {
    case 'step.applied':
    case 'step.retried':
    case 'step.unsettled':
      return true
    case 'step.failed':
      return entry.attempt !== undefined
    default:
      return false
  }
}

/**
 * A lock is released once the result is on record, and beside whatever comes next. Without a record of ours another worker of
 * the stream may have its intent on record by now: what it holds as well is left to it.
 */
function giveBack(session: Session, heard: 'on-record' | 'unheard'): void {
  const { storage, clock, log } = session.app.ports
  const owner = { stream: session.stream.stream, incidentId: session.stream.incidentId }
  for (const release of session.releases.splice(0)) {
    if (release.shared && heard === 'unheard') continue
    session.inFlight.push(
      releaseLock(storage, release, owner, clock.now(), release.outstanding).catch((error: unknown) => {
        // The lock then expires by itself; its next holder folds our stream first.
        log.warn('a lock was not released', { execution: owner.stream, lock: release.key, error })
      }),
    )
  }
}

function logEntries(session: Session): void {
  for (const entry of session.buffer) {
    session.app.ports.log.info(entry.kind, {
      incident: session.stream.incidentId,
      execution: session.stream.stream,
      ...('step' in entry && typeof entry.step === 'string' ? { step: entry.step } : {}),
      ...('attempt' in entry && typeof entry.attempt === 'number' ? { attempt: entry.attempt } : {}),
      ...('reason' in entry && typeof entry.reason === 'string' ? { reason: entry.reason } : {}),
    })
  }
}

/** HEAD as this session knows the stream. */
export function headFor(session: Session, dueAtMs: number | undefined): Head {
  return headAt(session.stream, session.execution, dueAtMs)
}

/** HEAD of a stream that stands so. */
export function headAt(
  { incidentId, stream, headSeq }: Stream,
  execution: Execution,
  dueAtMs: number | undefined,
): Head {
  return {
    incidentId,
    stream,
    headSeq,
    status: statusWord(execution),
    wakes: 0,
    ...(dueAtMs === undefined ? {} : { dueAtMs }),
  }
}

function statusWord(execution: Execution): string {
  if (execution.status.is === 'finished') return execution.status.outcome
  if (execution.status.is === 'running') {
    if (execution.aborted) return 'aborting'
    const asked = [...execution.approvals.values()].some((approval) => approval.is === 'asked')
    return asked ? 'waiting for approval' : 'running'
  }
  return execution.status.is
}

/** Puts HEAD where it stands now, due then. `unsent`: no message is on its way. */
export async function settleHead(session: Session, dueAtMs: number, unsent = false): Promise<void> {
  const head = headFor(session, dueAtMs)
  await advanceHead(session.app.ports.storage, unsent ? { ...head, unsent } : head)
}

/** Waits for what was sent beside the work: lock releases, and messages of a turn that ended by an error. */
export async function drain(session: Session): Promise<void> {
  await Promise.all([...session.inFlight.splice(0), ...session.sending.map((one) => one.answered)])
}
