import { endClaim, withdraw } from './ledger/claims.ts'
import type { Entry, Header } from './ledger/entry.ts'
import { actor } from './perform.ts'
import { stateOf } from './execution/state.ts'
import { dueBy } from './incident-stream.ts'
import type { App } from './ports.ts'
import type { Session } from './session.ts'
import { startUndo } from './undo.ts'
import { cooldownScope, scopesOf } from './guardrails.ts'

/**
 * What must have happened once an execution is finished, done before its last record is put: a crash in between repeats
 * it, and every part of it is harmless when repeated.
 */
export async function finish(session: Session, entries: readonly Entry[]): Promise<void> {
  const { header, app } = session
  if (header.kind !== 'execution.started') return
  await endOwnClaim(app, header)
  // The incident that it has joined may have been resolved before it began, and has nothing due any more.
  const { onResolved } = session.pinned.runbook
  if (header.occasion.is === 'manual' && onResolved)
    await dueBy(app.ports, header.incidentId, app.ports.clock.now())
  const finished = entries.find((entry) => entry.kind === 'execution.finished')
  if (finished?.outcome !== 'failed') return
  const failedStep = session.program
    .flat()
    .find((step) => step.onFailure === 'undo' && isBad(session, step.id))
  if (failedStep) {
    await startUndo(app, session.execution, session.pinned, {
      reason: `${failedStep.id} failed and its on_failure is undo`,
      steps: 'all',
      after: 'at-once',
      worker: actor(session).worker,
    })
  }
}

/** From now on the cooldown counts. */
export async function endOwnClaim({ ports }: App, header: Header): Promise<void> {
  const ended = { is: 'ended', atMs: ports.clock.now() } as const
  await endClaim(ports.storage, cooldownScope(header), header.executionId, ended)
}

/** An execution that was refused, or had nothing to do, takes its ids out of the limits. */
export async function withdrawClaims({ app, header, pinned }: Session): Promise<void> {
  const scopes = scopesOf(pinned.runbook, pinned.service.account)
  await withdraw(app.ports.storage, scopes, header.executionId)
}

function isBad(session: Session, id: string): boolean {
  const state = stateOf(session.execution, id)
  return state.is === 'failed' || (state.is === 'checked' && state.verdict.verdict !== 'passed')
}
