import type { Change } from './actions/action.ts'
import { WHOLE_PLAN } from './execution/state.ts'
import { planApproval, questionOf } from './forecast.ts'
import { sameJson } from './json.ts'
import { actor, escalate } from './perform.ts'
import { forecastOf, type Considered } from './plan.ts'
import type { ActionStep } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

export type Consent = 'given' | 'ask' | 'changed-twice'

/** Consent is to an outcome: whoever approved the plan, or the step, approved what it said would stand there (CORE.md 1.6). */
export function consentFor(
  session: Session,
  step: ActionStep,
  considered: Extract<Considered, { is: 'change' }>,
): Consent {
  const planned = isPlanApproved(session)
  if (step.approve === undefined && (!planned || considered.action.effect === 'message')) return 'given'
  const approval = session.execution.approvals.get(step.id)
  if (approval?.is !== 'approved')
    return planned && isInPlan(session, step, considered.change) ? 'given' : 'ask'
  if (approval.digest === considered.digest()) return 'given'
  return approval.round === 1 ? 'ask' : 'changed-twice'
}

/** Whether the plan that was approved showed this very outcome. */
function isInPlan(session: Session, step: ActionStep, change: Change): boolean {
  const shown = session.stream.entries.findLast(
    (entry) => entry.kind === 'approval.requested' && entry.subject === WHOLE_PLAN,
  )
  const forecast =
    shown?.kind === 'approval.requested' ? shown.steps.find((one) => one.step === step.id) : undefined
  return (
    forecast?.is === 'change' &&
    forecast.target === change.target.label &&
    sameJson(forecast.after ?? null, change.after)
  )
}

/** Asks for a step, bound to the plan that is shown; and calls whoever is to decide. */
export function askApproval(
  session: Session,
  step: ActionStep,
  considered: Extract<Considered, { is: 'change' }>,
): void {
  const approve = step.approve ?? planApproval(session)
  // What differs from an approved plan is asked about once more, like what differs from an approved step.
  const again = isPlanApproved(session) || session.execution.approvals.get(step.id)?.is === 'approved'
  const round = again ? 2 : 1
  note(session, {
    kind: 'approval.requested',
    actor: actor(session),
    subject: step.id,
    round,
    digest: considered.digest(),
    steps: [forecastOf(step, considered, considered.change.target, considered.action)],
    ...questionOf(session, approve),
  })
  const asked = `approve ${step.id} of ${session.stream.stream}? ${considered.change.target.label}: ${considered.change.summary}`
  escalate(
    session,
    step.id,
    round === 1 ? asked : `${asked} (the plan has changed since it was approved)`,
    `oncall@${approve.by}`,
  )
}

/** Whether a person has approved the whole plan. */
export function isPlanApproved(session: Session): boolean {
  return session.execution.approvals.get(WHOLE_PLAN)?.is === 'approved'
}
