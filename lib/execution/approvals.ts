import type { EntryOf, Forecast, Stamped } from '../ledger/entry.ts'
import { fold } from './fold.ts'
import { isEnded, type ApprovalState } from './state.ts'

/** What is asked of people and can still be answered. */
export interface OpenApproval extends Pick<
  Extract<ApprovalState, { is: 'asked' }>,
  'by' | 'digest' | 'expiresAtMs' | 'quorum' | 'approvedBy' | 'notBy'
> {
  /** A step's id, or `plan` for the whole plan. */
  readonly subject: string
  /** The plan as it is asked about. */
  readonly steps: readonly Forecast[]
}

/** The open questions of one execution, by its entries. Pure. */
export function openApprovalsIn(entries: readonly Stamped[], nowMs: number): readonly OpenApproval[] {
  const execution = fold(entries)
  if (isEnded(execution) || execution.aborted) return []
  return [...execution.approvals].flatMap(([subject, approval]): readonly OpenApproval[] => {
    if (approval.is !== 'asked' || approval.expiresAtMs <= nowMs) return []
    const { by, digest, expiresAtMs, quorum, approvedBy, notBy } = approval
    const steps = lastAsked(entries, subject)?.steps ?? []
    return [
      {
        subject,
        steps,
        by,
        digest,
        expiresAtMs,
        quorum,
        approvedBy,
        ...(notBy === undefined ? {} : { notBy }),
      },
    ]
  })
}

/** What became of a question, by whom, by which surface and when. */
export interface DecidedApproval {
  readonly subject: string
  readonly is: 'approved' | 'denied' | 'expired'
  readonly atMs: number
  /** Empty where nobody answered. */
  readonly by: readonly { readonly name: string; readonly via: string; readonly atMs: number }[]
  readonly reason?: string
}

/** The last answer to each question of one execution that is answered or has run out, by its entries. Pure. */
export function decidedApprovalsIn(entries: readonly Stamped[]): readonly DecidedApproval[] {
  return [...fold(entries).approvals].flatMap(([subject, approval]): readonly DecidedApproval[] => {
    if (approval.is === 'asked') return []
    const asked = lastAsked(entries, subject)
    const after = entries.slice(asked === undefined ? 0 : entries.indexOf(asked))
    const answers = after.filter(
      (entry): entry is EntryOf<'step.approved' | 'step.denied'> & Stamped =>
        entry.kind === (approval.is === 'denied' ? 'step.denied' : 'step.approved') &&
        entry.subject === subject &&
        entry.digest === asked?.digest,
    )
    const expired = after.find((entry) => entry.kind === 'approval.expired' && entry.subject === subject)
    const by = answers.flatMap(({ actor, atMs }) =>
      actor.is === 'person' ? [{ name: actor.name, via: actor.via, atMs }] : [],
    )
    const atMs = (approval.is === 'expired' ? expired : answers.at(-1))?.atMs ?? asked?.atMs ?? 0
    const reason = approval.is === 'denied' ? approval.reason : answers.at(-1)?.reason
    return [
      {
        subject,
        is: approval.is,
        atMs,
        by: approval.is === 'expired' ? [] : by,
        ...(reason === undefined || reason === '' ? {} : { reason }),
      },
    ]
  })
}

function lastAsked(
  entries: readonly Stamped[],
  subject: string,
): (EntryOf<'approval.requested'> & Stamped) | undefined {
  return entries.findLast(
    (entry): entry is EntryOf<'approval.requested'> & Stamped =>
      entry.kind === 'approval.requested' && entry.subject === subject,
  )
}
