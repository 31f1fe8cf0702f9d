import { findAction } from './actions/index.ts'
import { clearingFor, waitToClear } from './clearing.ts'
import { describe, never } from './errors.ts'
import { stateOf } from './execution/state.ts'
import type { Json } from './json.ts'
import { releaseAll, takeLocks } from './hold.ts'
import { actor, escalate, type Intent } from './perform.ts'
import { markerOf } from './plan.ts'
import { awsOf } from './ports.ts'
import { putOff, unlocked, withoutOutstanding, type Prepared } from './prepared.ts'
import type { ActionStep } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** An alarm that is not clear keeps an undo waiting; it is asked again after so long, without a write. */
export const UNCLEAR_POLL_MS = 60_000

/**
 * The next slow step of an undo. It compares with the last value that we set, under the target's lock, and only while
 * the alarm has been clear for `after` (CORE.md 1.8).
 */
export async function prepareUndo(session: Session, step: ActionStep): Promise<Prepared> {
  const { header } = session
  if (header.kind !== 'undo.started') throw new Error('only an undo is undone')
  const item = header.items.find((candidate) => candidate.step === step.id)
  const action = findAction(step.action)
  const state = stateOf(session.execution, step.id)
  if (!item || !action?.undo || state.is !== 'pending') throw new Error(`${step.id} cannot be undone`)
  const clearing = await clearingFor(session, step.id)
  if (clearing.is === 'not-clear') {
    return unlocked(() => {
      waitToClear(session, step.id, clearing)
      return undefined
    })
  }
  const { ports } = session.app
  const locked = await takeLocks(session, action, item.change.target)
  if (locked.is !== 'held') return unlocked(() => putOff(session, step, locked))
  const outstanding = locked.locks[0]?.outstanding
  if (outstanding && outstanding.by !== header.executionId) {
    releaseAll(session, locked.locks)
    return unlocked(() => {
      const { by, over, replaced } = outstanding
      // Whose change is not among those that it was built on has had somebody else's value stand over its own.
      if (replaced || over?.includes(header.executionId) === false) {
        const [first = by] = over ?? []
        const reason = `somebody else had changed it before ${first} did; what stood there before us is not put back`
        skipUndo(session, step, 'foreign', reason)
        escalate(session, step.id, `${item.change.target.label} was left alone: ${reason}`)
        return undefined
      }
      skipUndo(
        session,
        step,
        'superseded',
        `${by} has changed ${item.change.target.label} since; its undo puts both back`,
      )
      return undefined
    })
  }
  let observed: Json
  try {
    const context = {
      aws: awsOf(ports, session.pinned.service, header.executionId),
      nowMs: ports.clock.now(),
      marker: markerOf(header.executionId, step.id),
    }
    observed = (await action.observe(item.change.target, context)) as Json
  } catch (error) {
    releaseAll(session, locked.locks)
    return unlocked(() => putOff(session, step, { reason: describe(error) }))
  }
  const change = { ...item.change }
  // A change that nobody undoes may have handed its own value on to us.
  const planned = action.undo(
    change,
    outstanding?.after ?? state.lastSet ?? change.after,
    observed,
    header.stepPercent,
  )
  const leave = (reason: string): undefined => {
    skipUndo(session, step, 'foreign', reason)
    escalate(session, step.id, `${item.change.target.label} was left alone: ${reason}`)
    releaseAll(session, locked.locks.map(withoutOutstanding))
  }
  const settleUndo = (): Intent | undefined => {
    // Whatever stands there by now, equal to what we had set or not, was built on somebody else's value.
    if (planned.is === 'change' && !planned.tidies && !outstanding && isHandedOn(session, step))
      return leave('it was changed by somebody else in between')
    switch (planned.is) {
      case 'done':
        skipUndo(session, step, 'undone', planned.reason)
        releaseAll(session, locked.locks.map(withoutOutstanding))
        return undefined
      case 'foreign':
        return leave(planned.reason)
      case 'change':
        return {
          step,
          action,
          change: {
            target: item.change.target,
            before: planned.before,
            after: planned.after,
            summary: planned.summary,
          },
          attempt: 1,
          locks: locked.locks,
          undoTo: change.before,
          last: planned.last,
          notes: [],
          values: {},
        }
      default:
        return never(planned)
    }
  }
  return { locks: locked.locks, settle: settleUndo }
}

/** Its change stands on the lock until it is put back; what only `on_failure: undo` puts back never did. */
function isHandedOn({ pinned }: Session, { id }: ActionStep): boolean {
  return pinned.runbook.onResolved?.undo.includes(id) === true
}

function skipUndo(
  session: Session,
  step: ActionStep,
  code: 'undone' | 'foreign' | 'superseded',
  reason: string,
): void {
  note(session, { kind: 'step.skipped', actor: actor(session), step: step.id, code, reason })
}
