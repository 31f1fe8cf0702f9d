import { never } from './errors.ts'
import { WHOLE_PLAN } from './execution/state.ts'
import { actor, deliberationOf, escalate } from './perform.ts'
import { planDigest, planSteps } from './plan.ts'
import { finish } from './finish.ts'
import { note, type Session } from './session.ts'
import type { Entry, EntryOf } from './ledger/entry.ts'
import type { Approve } from './runbook/runbook.ts'

/** How long the whole plan of a runbook in approve mode waits for a person. */
const PLAN_APPROVAL_MS = 15 * 60_000

/** Makes the plan of all steps, as `firebreak plan` does: shadow mode records it and ends, approve mode asks for it. */
export async function forecast(session: Session): Promise<void> {
  const { header } = session
  if (header.kind !== 'execution.started') return
  const steps = await planSteps(deliberationOf(session, WHOLE_PLAN))
  const forecasts = steps.map((step) => step.forecast)
  switch (header.mode) {
    case 'shadow': {
      note(session, { kind: 'plan.recorded', actor: actor(session), steps: forecasts })
      const entry: Entry = {
        kind: 'execution.finished',
        actor: actor(session),
        outcome: 'skipped',
        reason: 'shadow mode: the plan is on record, nothing was changed',
      }
      await finish(session, [entry])
      note(session, entry)
      return
    }
    case 'approve': {
      const asked = questionOf(session, planApproval(session))
      note(session, {
        kind: 'approval.requested',
        actor: actor(session),
        subject: WHOLE_PLAN,
        round: 1,
        digest: planDigest(steps),
        steps: forecasts,
        ...asked,
      })
      const changes = forecasts
        .filter((step) => step.is === 'change')
        .map((step) => `${step.step}: ${step.summary}`)
      escalate(
        session,
        WHOLE_PLAN,
        `approve the plan of ${session.stream.stream}? ${changes.join('; ')}`,
        `oncall@${asked.by}`,
      )
      return
    }
    case 'auto':
      return
    default:
      never(header.mode)
  }
}

/** Who approves a plan, or a step that differs from the approved plan and names nobody itself. */
export function planApproval(session: Session): Approve {
  const { approve } = session.pinned.runbook
  if (approve) return approve
  const by = session.app.catalogue.policy.escalateTo.replace(/^oncall@/, '')
  return { by, timeoutMs: PLAN_APPROVAL_MS, onTimeout: 'escalate' }
}

/** Who is asked until when, what silence means, and who must answer. */
export function questionOf(
  { app }: Session,
  { by, timeoutMs, onTimeout, quorum, notSelf }: Approve,
): Pick<EntryOf<'approval.requested'>, 'by' | 'expiresAtMs' | 'onTimeout' | 'quorum' | 'notSelf'> {
  return {
    by,
    expiresAtMs: app.ports.clock.now() + timeoutMs,
    onTimeout,
    ...(quorum === undefined ? {} : { quorum }),
    ...(notSelf === undefined ? {} : { notSelf }),
  }
}
