import type { AnyAction, Target } from './actions/action.ts'
import { fold } from './execution/fold.ts'
import { takeLock, type HeldLock, type TakeResult } from './ledger/locks.ts'
import { load } from './ledger/records.ts'
import { leftBehind } from './outstanding.ts'
import { leaseUntilMs, type Release, type Session } from './session.ts'

/** What a session holds of a target. */
export type Locked =
  | { readonly is: 'held'; readonly locks: readonly HeldLock[] }
  | { readonly is: 'busy'; readonly reason: string }
  /** Nobody holds it, but what would be read of it may be what stood before the last change. */
  | { readonly is: 'settling'; readonly reason: string; readonly untilMs: number }

/** Takes every lock of a target, in sorted order so that two executions cannot wait for each other. */
export async function takeLocks(
  session: Session,
  { timing }: Pick<AnyAction, 'timing'>,
  target: Pick<Target, 'locks' | 'label'>,
): Promise<Locked> {
  const { storage, clock } = session.app.ports
  const held: HeldLock[] = []
  for (const key of target.locks.toSorted()) {
    const wanted = {
      key,
      owner: session.stream.stream,
      incidentId: session.stream.incidentId,
      expiresAtMs: leaseUntilMs(session.turn),
      target: target.label,
      staleMs: timing.staleMs,
      changedAtMs: ownChange(session, key),
    }
    const answer: TakeResult = await takeLock(
      storage,
      wanted,
      clock.now(),
      (owner, incidentId) => hasNothingInDoubt(session, owner, incidentId),
      (owner, sinceToken, stood) => leftBehind(session, owner, { key, sinceToken }, stood),
    )
    if (answer.is === 'busy') {
      releaseAll(session, held)
      return { is: 'busy', reason: `${key} is held by ${answer.owner}` }
    }
    if (answer.is === 'settling') {
      releaseAll(session, held)
      const { untilMs } = answer
      return {
        is: 'settling',
        reason: `${target.label} was changed less than ${timing.staleMs / 1_000} s ago, and reads may not show it yet`,
        untilMs,
      }
    }
    held.push(answer.lock)
  }
  return { is: 'held', locks: held }
}

/** Where a worker died between a result and the release of its lock, only the result tells of the change. */
function ownChange({ execution }: Session, key: string): number {
  const changes = [...execution.steps.values()].flatMap((state) =>
    state.is === 'applied' && key in state.locks ? [state.atMs] : [],
  )
  return Math.max(0, ...changes)
}

/** Gives locks back under which nothing was changed. */
export function releaseAll(session: Session, locks: readonly HeldLock[]): void {
  for (const lock of locks) session.releases.push({ ...lockOf(lock), outstanding: lock.outstanding })
}

/**
 * A lock is stolen only from an owner whose stream has no intent that is open, and none whose outcome is in doubt: what that
 * one has changed would be taken for what stood there, and would never be put back. Its outcome is known, or told as not to
 * be known, within the step's time.
 */
async function hasNothingInDoubt(session: Session, owner: string, incidentId: string): Promise<boolean> {
  const stream = await load(session.app.ports.storage, incidentId, owner)
  return ![...fold(stream.entries).steps.values()].some(
    (state) => state.is === 'open' || (state.is === 'again' && state.why === 'unsettled'),
  )
}

/** A held lock as it is given back. */
export function lockOf(lock: HeldLock): Omit<Release, 'outstanding'> {
  const { key, token, others, changedAtMs, shared } = lock
  return {
    key,
    token,
    ...(shared === undefined ? {} : { shared }),
    ...(others === undefined ? {} : { others }),
    ...(changedAtMs === undefined ? {} : { changedAtMs }),
  }
}
