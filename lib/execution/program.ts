import type { Header } from '../ledger/entry.ts'
import type { ActionStep, Runbook, Step } from '../runbook/runbook.ts'
import type { Page } from './state.ts'

/** Steps that may begin together; a group begins when every step of the one before it is settled. */
export type Group = readonly ProgramStep[]

/** `message`: it reaches a person and changes nothing. */
export type ProgramStep = Step & { readonly message?: true }

/** What a stream is to work through: a runbook's steps, or the way back of an undo. */
export function programOf(
  header: Header,
  runbook: Runbook,
  isMessage: (action: string) => boolean,
): readonly Group[] {
  if (header.kind === 'undo.started') {
    return header.items.map((item) => [actionStep(item.step, item.action, {})])
  }
  return runbook.steps.map((node) =>
    (node.is === 'parallel' ? node.steps : [node]).map((step) =>
      step.is === 'action' && isMessage(step.action) ? { ...step, message: true } : step,
    ),
  )
}

/** A page of the engine's own, as a step. */
export function pageStep(page: Page, action: string): ActionStep {
  return actionStep(page.id, action, { to: page.to })
}

/** Attempts and patience of steps that no runbook describes: undo and pages. */
function actionStep(id: string, action: string, params: ActionStep['params']): ActionStep {
  return {
    is: 'action',
    id,
    action,
    params,
    onFailure: 'continue',
    retry: { attempts: 5, backoffMs: 5_000, maxBackoffMs: 60_000 },
    timeoutMs: 900_000,
  }
}
