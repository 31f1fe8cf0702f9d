import { stateOf } from './execution/state.ts'
import { actor } from './perform.ts'
import { note, type Session } from './session.ts'

/** The fence: whoever appends first after a lease has expired owns the stream; the old worker's late append misses. */
export function takeOver(session: Session, ids: readonly string[]): void {
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
