import type { Header } from '../ledger/entry.ts'
import type { ActionStep, Runbook, Step } from '../runbook/runbook.ts'
import { rungsOf } from './paging.ts'
import type { Page } from './state.ts'

/** Steps that may begin together; a group begins when every step of the one before it is settled. */
export type Group = readonly ProgramStep[]

/** `message`: it reaches a person and changes nothing. */
export type ProgramStep = Step & { readonly message?: true }

/** What a stream is to work through: a runbook's steps, the way back of an undo, or the levels of a paging. */
export function programOf(
  header: Header,
  runbook: Runbook,
  { isMessage, pageAction }: { isMessage(action: string): boolean; readonly pageAction: string },
): readonly Group[] {
  if (header.kind === 'undo.started') {
    return header.items.map((item) => [actionStep(item.step, item.action, {})])
  }
  if (header.kind === 'paging.started') {
    const page = pagingStep(header.team, pageAction)
    return rungsOf(header).map(({ step }) => [{ ...page, id: step, message: true }])
  }
  return runbook.steps.map((node) =>
    (node.is === 'parallel' ? node.steps : [node]).map((step) =>
      step.is === 'action' && isMessage(step.action) ? { ...step, message: true } : step,
    ),
  )
}

/** One of several tries to reach somebody: where no channel takes it, the next level is soon paged. */
function pagingStep(team: string, action: string): ActionStep {
  const page = actionStep('', action, { to: `oncall@${team}` })
  return { ...page, retry: { attempts: 3, backoffMs: 5_000, maxBackoffMs: 20_000 } }
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
