import { allDone } from './all-done.ts'
import { callWhereOverdue, clearingFor, type Clearing, type NotClear } from './clearing.ts'
import { describe, never } from './errors.ts'
import { stateOf } from './execution/state.ts'
import type { Json } from './json.ts'
import { releaseAll, takeLocks } from './hold.ts'
import {
  actor,
  applied,
  attemptOf,
  carryOut,
  deliberationOf,
  failStep,
  hasTime,
  isPaused,
  LOCK_WAIT_MS,
  WENT_ON,
  type Intent,
  type Performed,
} from './perform.ts'
import { markerOf } from './plan.ts'
import { UNCLEAR_POLL_MS } from './prepare-undo.ts'
import { note, type Session } from './session.ts'

/**
 * Looks at what attempts without a known outcome, or ones that are due again, have left behind; then records what is
 * found, tries again with the very same change, or gives the decision to a person (CORE.md 1.5). Nothing is ever repeated
 * before it was observed, messages excepted.
 */
export async function recover(session: Session, ids: readonly string[]): Promise<Performed> {
  const pages = new Set(session.execution.pages.map((page) => page.id))
  if (!hasTime(session)) return { is: 'yield' }
  const changing = ids.some((id) => !pages.has(id)) && !session.execution.aborted
  const [paused, found] = await allDone([
    changing ? isPaused(session) : false,
    allDone(ids.map(async (id) => look(session, id))),
  ])
  const facts = session.buffer.length
  takeOver(session, ids)
  const tookOver = session.buffer.length
  const intents = found.flatMap((settle) => settle() ?? [])
  // A pause forbids the repeat, not the look: what is found is recorded.
  const held = paused ? intents.filter((intent) => !pages.has(intent.step.id)) : []
  for (const intent of held) releaseAll(session, intent.locks)
  const going = intents.filter((intent) => !held.includes(intent))
  if (going.length > 0) return carryOut(session, going)
  if (session.buffer.length > tookOver) return WENT_ON
  // Nothing was found that is not on record already: look again later, without a write.
  session.buffer.length = facts
  return { is: 'paused' }
}

/** The fence: whoever appends first after a lease has expired owns the stream; the old worker's late append misses. */
function takeOver(session: Session, ids: readonly string[]): void {
  for (const id of ids) {
    const state = stateOf(session.execution, id)
    if (state.is !== 'open' || state.worker === session.turn.workerId) continue
    note(session, {
      kind: 'worker.tookover',
      actor: actor(session),
      from: state.worker,
      worker: session.turn.workerId,
      reason: `attempt ${state.attempt} of ${id} has no result and its lease is over`,
    })
    return
  }
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
    last: tried.last,
    notes: [],
    values: {},
  }
  if (action.effect === 'message') return () => repeatMessage(session, again)
  const locked = await takeLocks(session, tried.change.target)
  if (locked.is === 'busy') return () => stillInDoubt(session, id, locked.reason)
  let observed: Json
  const marker = markerOf(session.stream.stream, id)
  try {
    const { aws, nowMs } = deliberationOf(session, id)
    observed = (await action.observe(tried.change.target, { aws, nowMs, marker })) as Json
  } catch (error) {
    // The lock is kept, and renewed by each look, until the outcome is on record: nobody may build on what we left.
    return () => stillInDoubt(session, id, describe(error))
  }
  const where = action.locate(tried.change, observed, { marker })
  const same: Intent = { ...again, attempt: tried.attempt, locks: locked.locks }
  const clearing = where.at === 'before' ? await clearingOfUndo(session) : ({ is: 'clear' } as const)
  return () => {
    switch (where.at) {
      case 'after':
        applied(session, same, where.receipt ?? {}, 'observed: the change is there')
        return undefined
      case 'elsewhere':
        failStep(session, id, { attempt: tried.attempt, code: 'conflict', reason: where.reason })
        releaseAll(session, locked.locks)
        return undefined
      case 'before':
        if (clearing.is === 'clear') return repeatOrEnd(session, { ...again, locks: locked.locks })
        releaseAll(session, locked.locks)
        return holdUndo(session, id, tried.attempt, clearing)
      default:
        return never(where)
    }
  }
}

/** While its alarm is not clear an undo waits, also one whose attempt is to be repeated (CORE.md 1.8). */
async function clearingOfUndo(session: Session): Promise<Clearing> {
  return session.header.kind === 'undo.started' ? clearingFor(session) : { is: 'clear' }
}

/** Said once; while it goes on being so, the undo polls. */
function holdUndo(session: Session, step: string, attempt: number, waits: NotClear): undefined {
  callWhereOverdue(session, waits)
  const state = stateOf(session.execution, step)
  const reason = `${waits.reason}: the undo waits`
  if (state.is === 'again' && state.reason === reason) return undefined
  note(session, {
    kind: 'step.retried',
    actor: actor(session),
    step,
    attempt,
    reason,
    retryAtMs: waits.untilMs ?? session.app.ports.clock.now() + UNCLEAR_POLL_MS,
  })
  return undefined
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
  if (session.execution.aborted) return endAborted(session, again)
  if (again.attempt > attempts) {
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

/** It could not be looked at: once more soon, and after the step's whole time a person is told that it is not known. */
function stillInDoubt(session: Session, id: string, why: string): undefined {
  const { clock } = session.app.ports
  const { step, tried } = attemptOf(session, id)
  const state = stateOf(session.execution, id)
  const nowMs = clock.now()
  if (state.is === 'again' && nowMs - state.sinceMs > step.timeoutMs) {
    const reason = `the outcome of attempt ${tried.attempt} is unknown and could not be observed for ${step.timeoutMs / 1000} s: ${why}`
    failStep(session, id, { attempt: tried.attempt, code: 'unknown', reason })
    return undefined
  }
  const observeAtMs = nowMs + LOCK_WAIT_MS
  note(session, {
    kind: 'step.unsettled',
    actor: actor(session),
    step: id,
    attempt: tried.attempt,
    reason: why,
    observeAtMs,
  })
  return undefined
}
