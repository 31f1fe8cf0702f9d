import type { HeldUp } from './breaker.ts'
import { stateOf, type StepState } from './execution/state.ts'
import type { HeldLock } from './ledger/locks.ts'
import { actor, failStep, LOCK_WAIT_MS, type Intent } from './perform.ts'
import type { ActionStep } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** A step that was looked at, with the locks that were taken for it. */
export interface Prepared {
  readonly locks: readonly HeldLock[]
  /**
   * Notes what the step came to, and gives its intent where it has one. Called in step order, after all were prepared,
   * with the intents of those that begin in the same moment and stand before it.
   */
  settle(beside: readonly Intent[]): Intent | undefined
}

/** A step for which no lock was taken, or none is held any more. */
export function unlocked(conclude: Prepared['settle']): Prepared {
  return { locks: [], settle: conclude }
}

/** Why something is looked at again later, and when; without a time, after as long as a locked target is waited for. */
export interface Later {
  readonly reason?: string
  readonly untilMs?: number
  /** The breaker that holds it up. */
  readonly held?: HeldUp | undefined
}

/** The whole of it, for the record. */
export function reasonOf({ reason, held }: Later): string {
  return [reason, held?.reason].filter((text) => text !== undefined).join('; ')
}

/** The target is locked or could not be read: once more later, until the step's time is over. */
export function putOff(session: Session, step: ActionStep, why: Later): undefined {
  const { clock, random } = session.app.ports
  const { held, untilMs = clock.now() + LOCK_WAIT_MS } = why
  const state = stateOf(session.execution, step.id)
  const tries = state.is === 'pending' ? state.putOff : 0
  const reason = reasonOf(why)
  if (held && isOver(session, step, state)) {
    failStep(session, step.id, { code: 'exhausted', reason: `${reason} (for ${step.timeoutMs / 1000} s)` })
    return undefined
  }
  if (!held && tries >= Math.ceil(step.timeoutMs / LOCK_WAIT_MS)) {
    failStep(session, step.id, { code: 'unreadable', reason: `${reason} (looked ${tries + 1} times)` })
    return undefined
  }
  const wakeAtMs = held?.untilMs ?? untilMs
  note(session, {
    kind: 'step.waiting',
    actor: actor(session),
    step: step.id,
    waitId: random.id(),
    wakeAtMs,
    reason,
    blocked: true,
    ...(held === undefined ? {} : { breaker: held.key }),
  })
  return undefined
}

/** An outage is waited for as long as a locked target: the step's time. */
function isOver(session: Session, step: ActionStep, state: StepState): boolean {
  if (state.is !== 'pending' || state.putOffSince === undefined) return false
  return session.app.ports.clock.now() - state.putOffSince.atMs >= step.timeoutMs
}

/** A foreign value stands there: the earlier change is no longer ours to put back. */
export function withoutOutstanding(lock: HeldLock): HeldLock {
  const { outstanding: _outstanding, ...rest } = lock
  return rest
}
