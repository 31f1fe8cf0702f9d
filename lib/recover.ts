import { allDone } from './all-done.ts'
import { holdsAfter, holdsBefore, letGo, type Outages } from './breaker.ts'
import { carryOut } from './carry-out.ts'
import { callWhereOverdue, clearingFor, type Clearing, type NotClear } from './clearing.ts'
import { describe, never } from './errors.ts'
import { isPutOffSame } from './execution/fold.ts'
import { breakerOf, stateOf } from './execution/state.ts'
import type { Json } from './json.ts'
import { releaseAll, takeLocks } from './hold.ts'
import type { HeldLock } from './ledger/locks.ts'
import {
  actor,
  applied,
  attemptOf,
  deliberationOf,
  failStep,
  hasTime,
  isPaused,
  LOCK_WAIT_MS,
  overBudget,
  retriesLeft,
  WENT_ON,
  type Intent,
  type Performed,
} from './perform.ts'
import { markerOf } from './plan.ts'
import { startPagings } from './paging.ts'
import { UNCLEAR_POLL_MS } from './prepare-undo.ts'
import { reasonOf, type Later } from './prepared.ts'
import { note, type Session } from './session.ts'
import { takeOver } from './take-over.ts'

/**
 * Looks at what attempts without a known outcome, or ones that are due again, have left behind; then records what is
 * found, tries again with the very same change, or gives the decision to a person (CORE.md 1.5). Nothing is ever repeated
 * before it was observed, messages excepted.
 */
export async function recover(session: Session, ids: readonly string[]): Promise<Performed> {
  if (!hasTime(session)) return { is: 'yield' }
  // A message still goes out while everything is paused.
  const changing =
    ids.some((id) => attemptOf(session, id).action.effect !== 'message') && !session.execution.aborted
  const [paused, found] = await allDone([
    changing ? isPaused(session) : false,
    allDone(ids.map(async (id) => look(session, id))),
  ])
  const facts = session.buffer.length
  takeOver(session, ids)
  const tookOver = session.buffer.length
  const intents = found.flatMap((settle) => settle() ?? [])
  // A pause forbids the repeat, not the look: what is found is recorded, and the intent is closed before its lock is let go.
  const held = paused ? intents.filter((intent) => intent.action.effect !== 'message') : []
  for (const { step, attempt, locks } of held) {
    putOffRepeat(session, step.id, attempt - 1, PAUSED)
    releaseAll(session, locks)
  }
  const going = withinBudget(
    session,
    intents.filter((intent) => !held.includes(intent)),
  )
  if (going.length > 0) return carryOut(session, going)
  if (session.buffer.length > tookOver) return WENT_ON
  // Nothing was found that is not on record already: look again later, without a write.
  session.buffer.length = facts
  return { is: 'paused' }
}

/** Repeats are granted in step order until the execution's budget is used up. */
function withinBudget(session: Session, intents: readonly Intent[]): readonly Intent[] {
  let left = retriesLeft(session)
  return intents.filter((intent) => {
    if (intent.action.effect === 'message' || isProbe(session, intent) || left-- > 0) return true
    overBudget(session, { ...intent, attempt: intent.attempt - 1 }, 'the change is not there')
    return false
  })
}

/** What an open breaker has held up was no attempt of its own. */
function isProbe(session: Session, intent: Intent): boolean {
  return breakerOf(stateOf(session.execution, intent.step.id)) !== undefined
}

async function look(session: Session, id: string): Promise<() => Intent | undefined> {
  const { step, action, tried } = attemptOf(session, id)
  const again: Intent = {
    step,
    action,
    change: tried.change,
    attempt: tried.attempt + 1,
    locks: [],
    undoTo: tried.undoTo,
    ...(tried.heritage === undefined ? {} : { heritage: tried.heritage }),
    last: tried.last,
    notes: [],
    values: {},
  }
  if (action.effect === 'message') {
    // Workers that have died over each attempt may have left unbegun what follows it.
    if (again.attempt > step.retry.attempts) await startPagings(session, [again])
    return () => repeatMessage(session, again)
  }
  // A dead worker may have made the call, and nobody can see whether it has: it is not made twice.
  if (!action.observable && stateOf(session.execution, id).is === 'open')
    return () => neverKnown(session, id, tried.attempt)
  const before = await holdsBefore(session, id, action, tried.change.target)
  if (before) return () => lookLater(session, id, { held: before })
  const locked = await takeLocks(session, action, tried.change.target)
  if (locked.is !== 'held') return () => lookLater(session, id, locked)
  const outages: Outages = new Map()
  let observed: Json
  const marker = markerOf(session.stream.stream, id)
  try {
    const { aws, nowMs } = deliberationOf(session, id, outages)
    observed = (await action.observe(tried.change.target, { aws, nowMs, marker })) as Json
  } catch (error) {
    // The lock is kept, and renewed by each look, until the outcome is on record: nobody may build on what we left.
    const held = await holdsAfter(session, outages)
    return () => lookLater(session, id, { reason: describe(error), held })
  }
  const where = action.locate(tried.change, observed, { marker })
  const same: Intent = { ...again, attempt: tried.attempt, locks: locked.locks }
  if (where.at !== 'before') letGo(session, id)
  const clearing = where.at === 'before' ? await clearingOfUndo(session, id) : ({ is: 'clear' } as const)
  // An undo asks its own way back.
  const blocked =
    session.header.kind === 'undo.started' ? undefined : action.interlocked?.(tried.change, observed)
  return () => {
    switch (where.at) {
      case 'after':
        if (isRefusedSoFar(session, id)) return leaveAsItStands(session, id, locked.locks)
        applied(session, same, where.receipt ?? {}, 'observed: the change is there')
        return undefined
      case 'elsewhere':
        failStep(session, id, { attempt: tried.attempt, code: 'conflict', reason: where.reason })
        releaseAll(session, locked.locks)
        return undefined
      case 'before':
        if (blocked && !session.execution.aborted) {
          const { is: code, reason, interlock } = blocked
          failStep(session, id, { attempt: tried.attempt, code, reason, place: `interlock ${interlock}` })
          releaseAll(session, locked.locks)
          return undefined
        }
        if (clearing.is === 'clear') return repeatOrEnd(session, { ...again, locks: locked.locks })
        releaseAll(session, locked.locks)
        return holdUndo(session, id, tried.attempt, clearing)
      default:
        return never(where)
    }
  }
}

/** AWS has carried none of its attempts out. What an undo wants to stand there may be anybody's. */
function isRefusedSoFar({ execution, header }: Session, id: string): boolean {
  const state = stateOf(execution, id)
  return header.kind !== 'undo.started' && state.is === 'again' && state.why === 'retried'
}

/** Somebody else has made the change meanwhile: it is theirs, to put back or to keep. */
function leaveAsItStands(session: Session, step: string, locks: readonly HeldLock[]): undefined {
  const reason = 'the change stands there already, and none of our attempts was carried out'
  note(session, { kind: 'step.skipped', actor: actor(session), step, code: 'already', reason })
  releaseAll(session, locks)
}

function neverKnown(session: Session, id: string, attempt: number): undefined {
  const reason = `the outcome of attempt ${attempt} is unknown and cannot be observed: its worker is gone`
  failStep(session, id, { attempt, code: 'unknown', reason })
}

/** While its alarm is not clear an undo waits, also one whose attempt is to be repeated (CORE.md 1.8). */
async function clearingOfUndo(session: Session, step: string): Promise<Clearing> {
  return session.header.kind === 'undo.started' ? clearingFor(session, step) : { is: 'clear' }
}

function holdUndo(session: Session, step: string, attempt: number, waits: NotClear): undefined {
  callWhereOverdue(session, waits)
  putOffRepeat(session, step, attempt, `${waits.reason}: the undo waits`, waits.untilMs)
  return undefined
}

const PAUSED =
  'it is not there; while its account, service or runbook, or everything, is paused it is not repeated'

/** Said once, and the attempt is closed by it; while it goes on being so, nothing is written. */
function putOffRepeat(
  session: Session,
  step: string,
  attempt: number,
  reason: string,
  untilMs?: number,
): void {
  const state = stateOf(session.execution, step)
  if (state.is === 'again' && state.reason === reason) return
  const retryAtMs = untilMs ?? session.app.ports.clock.now() + UNCLEAR_POLL_MS
  note(session, { kind: 'step.retried', actor: actor(session), step, attempt, reason, retryAtMs })
}

/** A page has no state to observe: it is sent again, with the same key, within its attempts. */
function repeatMessage(session: Session, again: Intent): Intent | undefined {
  const isOwnPage = session.execution.pages.some((page) => page.id === again.step.id)
  if (session.execution.aborted && !isOwnPage) return endAborted(session, again)
  if (again.attempt <= again.step.retry.attempts) return again
  failStep(session, again.step.id, {
    attempt: again.attempt - 1,
    code: 'exhausted',
    reason: `no channel has accepted it in ${again.attempt - 1} attempts`,
  })
  return undefined
}

/** The effect is certainly not there: the same change once more, unless a person has aborted or the attempts are used up. */
function repeatOrEnd(session: Session, again: Intent): Intent | undefined {
  const { attempts } = again.step.retry
  const { tried } = attemptOf(session, again.step.id)
  if (session.execution.aborted) return endAborted(session, again)
  if (again.attempt - tried.uncounted > attempts) {
    const reason = `the change was not there after ${attempts} attempts`
    failStep(session, again.step.id, { attempt: again.attempt - 1, code: 'exhausted', reason })
    releaseAll(session, again.locks)
    return undefined
  }
  return again
}

function endAborted(session: Session, again: Intent): undefined {
  const reason = `aborted by ${session.execution.aborted?.by} before it took effect`
  note(session, { kind: 'step.skipped', actor: actor(session), step: again.step.id, code: 'stopped', reason })
  releaseAll(session, again.locks)
}

/**
 * The attempt is not looked at now, or could not be: its target is locked or settles, AWS does not answer, or a breaker is
 * open. Once more later, and no attempt is used up. After the step's whole time it has failed: exhausted where AWS
 * certainly changed nothing, unknown where nobody could look.
 */
function lookLater(session: Session, id: string, why: Later): undefined {
  const { step, tried } = attemptOf(session, id)
  const state = stateOf(session.execution, id)
  const nowMs = session.app.ports.clock.now()
  const { held, untilMs = nowMs + LOCK_WAIT_MS } = why
  const reason = reasonOf(why)
  const refused = state.is === 'again' && state.why === 'retried'
  const isSame = state.is === 'again' && (!refused || isPutOffSame(state, reason, held?.key))
  if (isSame && nowMs - state.sinceMs > step.timeoutMs) {
    const forSeconds = `for ${step.timeoutMs / 1000} s: ${reason}`
    failStep(session, id, {
      attempt: tried.attempt,
      ...(refused
        ? { code: 'exhausted', reason: `it could not be tried again ${forSeconds}` }
        : {
            code: 'unknown',
            reason: `the outcome of attempt ${tried.attempt} is unknown and could not be observed ${forSeconds}`,
          }),
    })
    return undefined
  }
  const base = {
    actor: actor(session),
    step: id,
    attempt: tried.attempt,
    reason,
    ...(held === undefined ? {} : { breaker: held.key }),
  }
  const atMs = why.reason === undefined ? (held?.untilMs ?? untilMs) : Math.max(untilMs, held?.untilMs ?? 0)
  note(
    session,
    refused
      ? { kind: 'step.retried', ...base, retryAtMs: atMs }
      : { kind: 'step.unsettled', ...base, observeAtMs: atMs },
  )
  return undefined
}
