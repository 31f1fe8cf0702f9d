import { describe } from './errors.ts'
import { escalation } from './execution/next.ts'
import { fold } from './execution/fold.ts'
import { isEnded, isSettled, stateOf } from './execution/state.ts'
import { endOwnClaim } from './finish.ts'
import { carryOut } from './ingest.ts'
import { endUnbegun, goneText } from './gone.ts'
import { foldIncident, takeOn } from './incident.ts'
import { addToIncident, INCIDENT_STREAM } from './incident-stream.ts'
import type { Entry } from './ledger/entry.ts'
import { advanceHead, dueHeads, shards, withoutDue, type Head } from './ledger/head.ts'
import { dueOpens, openOf, replaceOpen, type Open, type Pending } from './ledger/open.ts'
import { append, load } from './ledger/records.ts'
import { UnreadableError, type Storage } from './ledger/storage.ts'
import type { App, Ports, Turn } from './ports.ts'
import { workFor } from './queue.ts'
import { reconcile } from './reconcile.ts'
import { start } from './start.ts'

export interface SweepResult {
  /** Streams that were woken. */
  readonly woken: number
  /** Streams of those that were overdue: a lost message or a dead worker. */
  readonly overdue: number
  /** Accepted signals that an earlier worker had left, carried out now. */
  readonly carriedOut: number
  /** Streams that were stopped because waking them changes nothing. */
  readonly stopped: number
  /** Incidents whose alarm had cleared without an event. */
  readonly reconciled: number
}

/** The sweep runs each minute; what falls due until shortly after the next one gets its message now, with the exact delay. */
export const AHEAD_MS = 75_000

/** A wake that led to nothing is repeated by the next sweep: its worker has died by then, or has moved HEAD. */
const WAKE_AGAIN_MS = 45_000

/** A page of what is due. More than that waits for the next minute; the metric tells. */
const MAX_PER_SHARD = 200

/** With less time left nothing is begun: what is left stays due, and the next sweep takes it. */
const MIN_LEFT_MS = 5_000

const PUT_OFF_MS = 5 * 60_000

/** Wakes of a stream that wrote nothing in between. Past it the stream is poison: it is stopped and a person is paged. */
const MAX_WAKES = 10

/**
 * Finds what no message will wake: lost messages, dead workers, waits beyond the queue's reach, signals that were accepted
 * and not carried out. Losing every message still ends in progress.
 */
export async function sweep(app: App, turn: Turn): Promise<SweepResult> {
  const { ports } = app
  const nowMs = ports.clock.now()
  const [heads, opens] = await Promise.all([
    dueHeads(ports.storage, nowMs + AHEAD_MS, MAX_PER_SHARD),
    dueOpens(ports.storage, nowMs, MAX_PER_SHARD, shards),
  ])
  const hasTime = () => ports.clock.now() + MIN_LEFT_MS < turn.deadlineMs
  // What has a message of its own on its way needs none from us.
  const isLate = ({ dueAtMs = 0 }: Head) => dueAtMs <= nowMs
  const wanted = heads.filter((head) => isLate(head) || head.unsent !== undefined)
  const overdue = wanted.filter(isLate).length
  let stopped = 0
  let carriedOut = 0
  let woken = 0
  for (const head of wanted) {
    if (!hasTime()) break
    woken++
    try {
      const late = isLate(head)
      if (late && head.headSeq < 0 && head.order) await carryStart(app, head, turn)
      else if (late && head.wakes >= MAX_WAKES) stopped += await stopPoison(app, head, turn)
      else await wake(app, head, nowMs)
    } catch (error) {
      ports.log.error('a stream could not be woken', {
        execution: head.stream,
        incident: head.incidentId,
        error,
      })
      if (error instanceof UnreadableError) await putOff(app, head)
    }
  }
  // Before what may still fail: the alarm on this metric is what tells of a broken sweep.
  ports.metrics.count('ExecutionsOverdue', overdue)
  // Before the starts, each of which may take the rest of the time; and in no more than half of it.
  const reconciled = await reconcile(app, turn, ports.clock.now() + (turn.deadlineMs - ports.clock.now()) / 2)
  for (const open of opens) if (hasTime()) carriedOut += await carryOutAll(app, open, turn)
  return { woken, overdue, carriedOut, stopped, reconciled }
}

/** What this version cannot read stays behind what it can: with enough of it at the front nothing else would have its turn. */
async function putOff({ ports }: App, head: Head): Promise<void> {
  await advanceHead(ports.storage, { ...head, dueAtMs: ports.clock.now() + PUT_OFF_MS })
}

/**
 * Sends the message, and counts the wake on HEAD.
 * Throws where the stream has been woken in vain and cannot be read at all.
 */
async function wake(app: App, head: Head, nowMs: number): Promise<void> {
  const { ports } = app
  const delayMs = Math.max(0, (head.dueAtMs ?? nowMs) - nowMs)
  if (head.wakes > 0) await readable(ports.storage, head)
  await ports.queue.send(workFor(head, Math.max(0, head.headSeq), nowMs), delayMs)
  const late = delayMs === 0
  const { unsent: _unsent, ...rest } = head
  await advanceHead(ports.storage, {
    ...rest,
    wakes: head.wakes + (late ? 1 : 0),
    dueAtMs: nowMs + delayMs + WAKE_AGAIN_MS,
  })
}

/**
 * A stream that only a newer version can read is not poison: its wakes do not count, so that it goes on when that version is
 * back. A store that does not answer says nothing about it, and a wake costs nothing.
 */
async function readable(storage: Storage, head: Head): Promise<void> {
  try {
    await load(storage, head.incidentId, head.stream)
  } catch (error) {
    if (error instanceof UnreadableError) throw error
  }
}

/** Attempts that die before they record anything are counted here and nowhere else. */
async function stopPoison(app: App, head: Head, turn: Turn): Promise<number> {
  const { ports } = app
  if (head.stream === INCIDENT_STREAM) {
    ports.log.error('an incident cannot be advanced', { incident: head.incidentId })
    await advanceHead(ports.storage, { ...head, wakes: 0, dueAtMs: ports.clock.now() + 3_600_000 })
    return 0
  }
  const stream = await load(ports.storage, head.incidentId, head.stream)
  const execution = fold(stream.entries)
  if (!execution.header) return carryStart(app, head, turn)
  const nowMs = ports.clock.now()
  if (isEnded(execution)) {
    // Whoever stopped it may have died before this.
    await endOwnClaim(app, execution.header)
    const paged = execution.pages.every((page) => isSettled(stateOf(execution, page.id)))
    // A page is tried for as long as it takes.
    await advanceHead(
      ports.storage,
      paged ? withoutDue(head) : { ...head, wakes: 0, dueAtMs: nowMs + AHEAD_MS },
    )
    if (!paged) await ports.queue.send(workFor(head, 0, nowMs), 0)
    return 0
  }
  const doubtful = [...execution.steps].filter(([, state]) => state.is === 'open' || state.is === 'again')
  const leased = doubtful.some(
    ([, state]) => state.is === 'open' && nowMs < state.leaseUntilMs + state.settleMs,
  )
  if (leased) return 0
  const actor = { is: 'engine', worker: turn.workerId } as const
  const reason = `it was woken ${head.wakes} times and wrote nothing`
  const unknown = doubtful.map(([id]) => id)
  const left = unknown.length === 0 ? '' : `; the outcome of ${unknown.join(', ')} is not known`
  const entries: Entry[] = [
    ...doubtful.map(([step, state]): Entry => ({
      kind: 'step.failed',
      actor,
      step,
      ...('attempt' in state ? { attempt: state.attempt } : {}),
      code: 'unknown',
      reason: `the execution was stopped: ${reason}`,
    })),
    { kind: 'execution.stopped', actor, reason },
    {
      ...escalation(
        execution,
        'execution',
        `${head.stream} was stopped: ${reason}${left}`,
        app.catalogue.policy.escalateTo,
      ),
      actor,
    },
  ]
  const answer = await append(ports.storage, ports.random, stream, entries, nowMs)
  if (answer.is === 'conflict') return 0
  await endOwnClaim(app, execution.header)
  await ports.queue.send(workFor(head, answer.stream.headSeq, nowMs), 0)
  await advanceHead(ports.storage, {
    ...head,
    headSeq: answer.stream.headSeq,
    status: 'stopped',
    wakes: 0,
    dueAtMs: nowMs + AHEAD_MS,
  })
  return 1
}

/**
 * A stream that has a HEAD and no first record: its start died. OPEN holds what an alarm has started; a person's start is
 * in HEAD itself, and is carried on here, or refused and told after too many tries.
 */
async function carryStart(app: App, head: Head, turn: Turn): Promise<number> {
  const { ports, catalogue } = app
  const runbook = catalogue.runbooks.find((candidate) => candidate.runbook === head.order?.runbook)
  if (!head.order || !runbook) {
    // What has begun goes on by the runbook that it has pinned, whatever is deployed by now.
    const { headSeq } = await load(ports.storage, head.incidentId, head.stream)
    if (headSeq >= 0) await wake(app, head, ports.clock.now())
    else if (head.order) await endGone(app, head, head.order, turn)
    else await advanceHead(ports.storage, withoutDue(head))
    return 0
  }
  const { key, occasion, mode } = head.order
  const giveUp = head.wakes >= MAX_WAKES ? `its start has failed ${head.wakes} times` : undefined
  const order = {
    incidentId: head.incidentId,
    executionId: head.stream,
    key,
    runbook,
    occasion,
    changes: [],
    repeat: true,
    ...(mode === undefined ? {} : { mode }),
    ...(giveUp === undefined ? {} : { giveUp }),
  }
  await advanceHead(ports.storage, { ...head, wakes: head.wakes + 1, dueAtMs: turn.deadlineMs + AHEAD_MS })
  await start(app, order, turn, Promise.resolve())
  return 0
}

/** Nobody waits for its answer any more: the incident tells what became of it. */
async function endGone(
  { ports }: App,
  { incidentId, stream }: Head,
  { runbook, occasion, account }: NonNullable<Head['order']>,
  { workerId }: Turn,
): Promise<void> {
  const by = occasion.is === 'manual' ? `, asked for by ${occasion.by}` : ''
  const note = `${goneText(runbook, stream)}${by}`
  const own = await addToIncident(ports, incidentId, (entries) =>
    entries.some((entry) => entry.kind === 'incident.noted' && entry.note === note)
      ? []
      : [{ kind: 'incident.noted', actor: { is: 'engine', worker: workerId }, note }],
  )
  const service = foldIncident(own.entries)?.service ?? ''
  await endUnbegun(ports, { incidentId, executionId: stream, account, service, runbook })
}

/** Repeats the start of accepted signals whose worker did not finish it. */
async function carryOutAll(app: App, open: Open, turn: Turn): Promise<number> {
  const { ports } = app
  const taken = await takeOver(ports, open, turn.deadlineMs + AHEAD_MS)
  if (!taken) return 0
  let count = 0
  const { wakes } = taken.open
  const giveUp = wakes > MAX_WAKES ? { giveUp: `its start has failed ${wakes} times` } : {}
  for (const pending of taken.pending) {
    try {
      await carryOut(app, taken.open, pending, turn, { repeat: true, ...giveUp })
      count++
    } catch (error) {
      ports.log.error('a pending signal could not be carried out', {
        signal: pending.signal.signalId,
        reason: describe(error),
      })
    }
  }
  return count
}

/**
 * Takes on what nobody is at any more. What another worker has accepted meanwhile is left to it while it has its time: two
 * that carry the same start would take places in the limits behind each other's back.
 */
async function takeOver(
  { storage, clock }: Ports,
  due: Open,
  untilMs: number,
): Promise<{ readonly open: Open; readonly pending: readonly Pending[] } | undefined> {
  let seen = due
  // Another sweep has counted its own wake.
  while (seen.wakes === due.wakes) {
    const { open, taken } = takeOn(seen, clock.now(), untilMs)
    if (taken.length === 0) return undefined
    const answer = await replaceOpen(storage, seen, open)
    if (answer.is === 'put') return { open: { ...open, version: seen.version + 1 }, pending: taken }
    seen = openOf(answer.existing)
  }
  return undefined
}
