import { begin } from './begin.ts'
import { gather, gatherAnswered } from './carry-out.ts'
import { never } from './errors.ts'
import { forecast } from './forecast.ts'
import { next, type Command } from './execution/next.ts'
import { HOLD_DOWN, isEnded, type Execution } from './execution/state.ts'
import { fold } from './execution/fold.ts'
import { advanceIncident } from './advance-incident.ts'
import { endOwnClaim, finish, withdrawClaims } from './finish.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import { readPinned } from './ledger/control.ts'
import type { Entry } from './ledger/entry.ts'
import { advanceHead, readHead } from './ledger/head.ts'
import { readOpen } from './ledger/open.ts'
import { load } from './ledger/records.ts'
import { measure } from './measure.ts'
import { beforePaging } from './paging.ts'
import { actor, type Performed } from './perform.ts'
import { UNCLEAR_POLL_MS } from './prepare-undo.ts'
import type { App, Turn, TurnResult } from './ports.ts'
import { MAX_DELAY_MS, type WorkMessage, workFor } from './queue.ts'
import { recover } from './recover.ts'
import {
  drain,
  flush,
  headFor,
  note,
  openSession,
  settleHead,
  TakenOverError,
  type Session,
} from './session.ts'

/** A due time on HEAD is later than the message by this much, so the sweep stays out of the way of live messages. */
const GRACE_MS = 10_000

/**
 * A message that precedes its record is sent again for so long, each time after twice as long: it may be on its way, or its
 * writer has died. After it, the record was never written, and what the stream waited for before still stands: it wakes it
 * like any other.
 */
const EARLY_FOR_MS = 60_000
const EARLY_DELAY_MS = 2_000

/** While everything is paused, an execution looks again each minute; nothing but HEAD is written. */
const PAUSED_POLL_MS = 60_000

/** A turn never loops for ever, whatever `next` decides. */
const MAX_COMMANDS = 500

/**
 * Works on one stream: load, decide, perform, append, and say when to look again. A throw means that the message is not
 * acknowledged and comes back.
 */
export async function advance(app: App, message: WorkMessage, turn: Turn): Promise<TurnResult> {
  const { ports } = app
  if (message.stream === INCIDENT_STREAM) {
    if (await isLookedAfter(app, message)) return { is: 'dropped', reason: 'another message looks after it' }
    return advanceIncident(app, message.incidentId)
  }
  const stream = await load(ports.storage, message.incidentId, message.stream)
  const sentForMs = ports.clock.now() - message.sentAtMs
  if (stream.headSeq < message.minSeq && sentForMs <= EARLY_FOR_MS) {
    await ports.queue.send(message, Math.max(EARLY_DELAY_MS, sentForMs))
    return { is: 'early' }
  }
  const recorded = fold(stream.entries)
  const { header } = recorded
  if (!header) return { is: 'dropped', reason: 'the stream has no beginning' }
  const pinned = await readPinned(ports.storage, header.runbookHash)
  return runTurn(openSession(app, turn, pinned, header, stream, message, recorded))
}

/**
 * Whether a message that only looks again comes to a stream that has been looked at since it was sent, and will be again no
 * later than by this one's own interval. Every signal, sweep and repeat begins a row of such messages; of those side by side
 * one goes on. Should that one be lost, HEAD is due all the same.
 */
async function isLookedAfter(app: App, message: WorkMessage): Promise<boolean> {
  const { guardUntilMs, sentAtMs } = message
  if (guardUntilMs === undefined) return false
  return isRenewed(app, message, guardUntilMs, app.ports.clock.now() + guardUntilMs - sentAtMs)
}

/** Whether HEAD has been put since, and is due no later than that. */
async function isRenewed(
  { ports }: App,
  { incidentId, stream }: Pick<WorkMessage, 'incidentId' | 'stream'>,
  sinceMs: number,
  byMs: number,
): Promise<boolean> {
  const { dueAtMs } = (await readHead(ports.storage, incidentId, stream)) ?? {}
  return dueAtMs !== undefined && sinceMs < dueAtMs && dueAtMs <= byMs
}

/** Runs commands until there is nothing to do now. The first turn of an execution enters here with its beginning in the buffer. */
export async function runTurn(session: Session): Promise<TurnResult> {
  try {
    for (let count = 0; count < MAX_COMMANDS; count++) {
      await gatherAnswered(session)
      const command = next(
        session.execution,
        session.program,
        session.turn.workerId,
        session.app.ports.clock.now(),
      )
      const result = await performCommand(session, command)
      if (result) return result
    }
    throw new Error(`${session.stream.stream} made ${MAX_COMMANDS} decisions in one turn`)
  } catch (error) {
    if (!(error instanceof TakenOverError)) throw error
    // Who was refused has taken its places out of the limits once: one that was claimed only after that is taken out here.
    if (isIdle(session.recorded)) await withdrawClaims(session)
    session.app.ports.log.warn('the stream was taken over; this worker goes away', {
      execution: session.stream.stream,
    })
    return { is: 'left', untilMs: session.app.ports.clock.now() }
  } finally {
    await drain(session)
  }
}

/** Performs one command; answers where the turn ends with it. */
async function performCommand(session: Session, command: Command): Promise<TurnResult | undefined> {
  const { header, app } = session
  const nowMs = app.ports.clock.now()
  if (header.kind === 'paging.started' && isOfPaging(command)) {
    const looked = await beforePaging(session, header, command)
    if (looked) return afterPerformed(session, looked)
  }
  switch (command.is) {
    case 'done':
      return endTurn(session)
    case 'leave':
      if (await gather(session)) return undefined
      if (session.buffer.length > 0) return waitUntil(session, command.untilMs, 'wait')
      // The other worker's lease is respected: our message comes back after it, without burning its receive count.
      await send(session, command.untilMs, session.stream.headSeq)
      return { is: 'left', untilMs: command.untilMs }
    case 'begin':
      return afterPerformed(session, await begin(session, command.steps))
    case 'recover':
      return afterPerformed(session, await recover(session, command.steps))
    case 'forecast':
      await forecast(session)
      return undefined
    case 'end-hold':
      await endHold(session)
      return undefined
    case 'record':
      if (command.entries.some((entry) => entry.kind === 'execution.finished')) {
        // It may be decided otherwise once more while it is not on record, and who acts has a place in the limits.
        const hasPlace = session.header.kind === 'execution.started'
        if (hasPlace && session.buffer.some(isResultOfChange) && !(await flush(session))) return undefined
        await finish(session, command.entries)
      }
      note(session, ...command.entries)
      return undefined
    case 'poll': {
      // A measurement can wait for a page's answer; nothing else does.
      if (await gather(session)) return undefined
      const before = session.buffer.length
      const delayMs = await measure(session, command.verify, command.checks)
      if (session.buffer.length > before) return undefined
      return waitUntil(
        session,
        Math.min(nowMs + Math.max(1_000, delayMs), command.wakeAtMs ?? Infinity),
        'poll',
      )
    }
    case 'wait':
      return waitUntil(session, command.untilMs, 'wait')
    default:
      return never(command)
  }
}

function isOfPaging(
  command: Command,
): command is Extract<Command, { is: 'begin' | 'recover' | 'wait' | 'record' }> {
  if (command.is === 'record') return command.entries.some((entry) => entry.kind === 'execution.finished')
  return command.is === 'begin' || command.is === 'recover' || command.is === 'wait'
}

async function afterPerformed(session: Session, performed: Performed): Promise<TurnResult | undefined> {
  const nowMs = session.app.ports.clock.now()
  switch (performed.is) {
    case 'went-on':
      return undefined
    case 'paused': {
      const pollMs = session.header.kind === 'undo.started' ? UNCLEAR_POLL_MS : PAUSED_POLL_MS
      return waitUntil(session, nowMs + (performed.pollMs ?? pollMs), 'poll')
    }
    case 'yield':
      return waitUntil(session, nowMs, 'wait')
    default:
      return never(performed)
  }
}

/** The message first, then the record that it is for, then HEAD: whatever is lost, something finds the stream. */
async function waitUntil(
  session: Session,
  untilMs: number,
  why: 'wait' | 'poll',
): Promise<TurnResult | undefined> {
  // What the pages came to may be something to act on.
  if (await gather(session)) return undefined
  const nowMs = session.app.ports.clock.now()
  const writes = session.buffer.length > 0
  const isGuarded = why === 'poll' && !writes && session.guardUntilMs >= untilMs + GRACE_MS
  // Polling needs no writes until there is a verdict: HEAD is set well ahead, and renewed only when that comes near.
  const guardMs = Math.max(POLL_GUARD_MS, untilMs - nowMs)
  const dueAtMs = why === 'poll' ? nowMs + guardMs + GRACE_MS : untilMs + GRACE_MS
  const unsent = untilMs - nowMs > MAX_DELAY_MS
  const isLeftToAnother =
    !writes &&
    !isGuarded &&
    (why === 'poll'
      ? await isGuardedByAnother(session, dueAtMs)
      : untilMs > nowMs && !unsent && (await isWaitedForByAnother(session, dueAtMs)))
  if (isLeftToAnother) {
    await flush(session)
    return { is: 'left', untilMs: dueAtMs }
  }
  if (!isGuarded) session.guardUntilMs = dueAtMs
  await send(session, untilMs, session.stream.headSeq + (writes ? 1 : 0), session.guardUntilMs)
  if (!(await flush(session))) return undefined
  if (!isGuarded) await settleHead(session, unsent ? untilMs : dueAtMs, unsent)
  return { is: 'waiting', untilMs }
}

/**
 * Whether another message polls the same stream, and has renewed HEAD since ours was sent: one of the two is enough. What
 * checks have sampled stays with the message that bears it.
 */
async function isGuardedByAnother(session: Session, dueAtMs: number): Promise<boolean> {
  const { guardUntilMs, polls, stream, app } = session
  if (guardUntilMs === 0 || Object.keys(polls).length > 0) return false
  return isRenewed(app, stream, guardUntilMs, dueAtMs)
}

/**
 * Whether another message waits for the same time: whoever sent it has set HEAD after it. Ours is then one that came twice, or
 * was sent to a stream that had its message, and would double what is done when the time has come.
 */
async function isWaitedForByAnother(session: Session, dueAtMs: number): Promise<boolean> {
  const { guardUntilMs, polls, stream, app } = session
  if (guardUntilMs === dueAtMs || Object.keys(polls).length > 0) return false
  const head = await readHead(app.ports.storage, stream.incidentId, stream.stream)
  return head?.dueAtMs === dueAtMs && head.headSeq === stream.headSeq
}

/** A poll that was lost is found after so long, or after its own interval where that is longer, and the sweep's minute. */
const POLL_GUARD_MS = 60_000

async function send(session: Session, untilMs: number, minSeq: number, guardUntilMs = 0): Promise<void> {
  const { clock, queue } = session.app.ports
  const nowMs = clock.now()
  const delayMs = Math.max(0, untilMs - nowMs)
  // What is beyond the queue's reach is found by the sweep, which sends the message with the exact rest of the delay.
  if (delayMs > MAX_DELAY_MS) return
  const message: WorkMessage = {
    ...workFor(session.stream, minSeq, nowMs),
    ...(guardUntilMs === 0 ? {} : { guardUntilMs }),
    ...(Object.keys(session.polls).length === 0 ? {} : { polls: session.polls }),
  }
  await queue.send(message, delayMs)
}

async function endTurn(session: Session): Promise<TurnResult | undefined> {
  const idle = isIdle(session.execution)
  // Its ids leave the limits only now: before its first record a live start might have been behind them, and what has not
  // ended on record may go on. Nor do they stay until its page was answered: another start would be refused by them.
  if (idle && !(await flush(session))) return undefined
  if (idle) await withdrawClaims(session)
  // Whoever stopped it may have died before this.
  if (session.execution.status.is === 'stopped') await endOwnClaim(session.app, session.header)
  if (await gather(session)) return undefined
  if (!(await flush(session))) return undefined
  const ended = isEnded(session.execution) || session.execution.status.is === 'refused'
  if (ended) await advanceHead(session.app.ports.storage, headFor(session, undefined))
  return { is: 'done' }
}

/** The hold-down is over: an alarm that has cleared meanwhile needs nothing, and one that came again must last anew. */
async function endHold(session: Session): Promise<void> {
  const { storage } = session.app.ports
  const open = await readOpen(storage, session.header.key)
  const cleared = open !== undefined && (open.state === 'ok' || open.incidentId !== session.header.incidentId)
  const hold = { actor: actor(session), step: HOLD_DOWN, waitId: HOLD_DOWN } as const
  const { holdDownMs } = session.pinned.runbook
  const lastsMs = (open?.onsetAtMs ?? 0) + holdDownMs
  if (!cleared && session.app.ports.clock.now() < lastsMs) {
    const reason = `the alarm came again, and must last ${holdDownMs / 1000} s`
    note(session, { kind: 'step.waiting', ...hold, wakeAtMs: lastsMs, reason })
    return
  }
  if (!cleared) {
    note(session, { kind: 'step.waited', ...hold })
    return
  }
  const entry: Entry = {
    kind: 'execution.finished',
    actor: actor(session),
    outcome: 'skipped',
    reason: 'the alarm cleared during the hold-down',
  }
  note(session, entry)
}

function isResultOfChange(entry: Entry): boolean {
  if (entry.kind === 'step.applied') return entry.message !== true
  return entry.kind === 'step.skipped' || entry.kind === 'step.failed'
}

/** It has done nothing, so nothing has to cool down: the alarm that comes next may be the real one. */
function isIdle({ status, steps }: Execution): boolean {
  const isInHold = steps.get(HOLD_DOWN)?.is === 'waiting'
  return status.is === 'refused' || (status.is === 'finished' && status.outcome === 'skipped' && isInHold)
}
