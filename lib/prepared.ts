import { stateOf } from './execution/state.ts'
import type { HeldLock } from './ledger/locks.ts'
import { actor, failStep, LOCK_WAIT_MS, type Intent } from './perform.ts'
import type { ActionStep } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** A step that was looked at, with the locks that were taken for it. */
export interface Prepared {
  readonly locks: readonly HeldLock[]
  /** Notes what the step came to, and gives its intent where it has one. Called in step order, after all were prepared. */
  settle(): Intent | undefined
}

/** A step for which no lock was taken, or none is held any more. */
export function unlocked(conclude: () => Intent | undefined): Prepared {
  return { locks: [], settle: conclude }
}

/** The target is locked or could not be read: once more later, until the step's time is over. */
export function putOff(session: Session, step: ActionStep, reason: string): undefined {
  const { clock, random } = session.app.ports
  const state = stateOf(session.execution, step.id)
  const tries = state.is === 'pending' ? state.putOff : 0
  if (tries >= Math.ceil(step.timeoutMs / LOCK_WAIT_MS)) {
    failStep(session, step.id, { code: 'unreadable', reason: `${reason} (looked ${tries + 1} times)` })
    return undefined
  }
  const wakeAtMs = clock.now() + LOCK_WAIT_MS
  note(session, {
    kind: 'step.waiting',
    actor: actor(session),
    step: step.id,
    waitId: random.id(),
    wakeAtMs,
    reason,
    blocked: true,
  })
  return undefined
}

/** A foreign value stands there: the earlier change is no longer ours to put back. */
export function withoutOutstanding(lock: HeldLock): HeldLock {
  const { outstanding: _outstanding, ...rest } = lock
  return rest
}
