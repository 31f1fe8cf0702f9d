import { never } from '../errors.ts'
import { WHOLE_PLAN } from '../execution/state.ts'
import type { EntryKind, Stamped } from '../ledger/entry.ts'
import { because, type Telling, type Told } from './telling.ts'
import { forecastText, timeText } from './words.ts'

type Of<K extends EntryKind> = Extract<Stamped, { readonly kind: K }>
type ApprovalEntry = Of<'approval.requested' | 'step.approved' | 'step.denied' | 'approval.expired'>

export function tellApproval(entry: ApprovalEntry, telling: Telling): Told {
  const subject = entry.subject === WHOLE_PLAN ? 'the whole plan' : entry.subject
  const about = entry.subject === WHOLE_PLAN ? {} : { step: entry.subject }
  switch (entry.kind) {
    case 'approval.requested':
      return {
        ...about,
        level: 'attention',
        text: `Approval of ${subject} is asked of ${whomText(entry)} until ${timeText(entry.expiresAtMs)} (plan ${entry.digest}${entry.round > 1 ? `, asked again: round ${entry.round}` : ''}).`,
        ...because({
          notes: [...entry.steps.map(forecastText), `without an answer ${silenceText(entry.onTimeout)}`],
        }),
      }
    case 'step.approved':
    case 'step.denied': {
      const verb = entry.kind === 'step.approved' ? 'approved' : 'denied'
      const asked = telling.asked.get(entry.subject)
      const counts = asked?.digest === entry.digest
      const number = (asked?.approvedBy.length ?? 0) + 1
      const ofHow =
        verb === 'approved' && counts && asked.quorum > 1 ? `, as ${number} of ${asked.quorum}` : ''
      return {
        ...about,
        level: verb === 'approved' && counts ? 'good' : 'attention',
        text: `${deciderOf(entry)} ${verb} ${subject} (plan ${entry.digest})${ofHow}${counts ? '' : '; that plan was not asked about any more'}.`,
        ...because({ reason: entry.reason }),
      }
    }
    case 'approval.expired':
      return {
        ...about,
        level: 'attention',
        text: `Nobody decided about ${subject} in time: ${silenceText(entry.onTimeout)}.`,
      }
    default:
      return never(entry)
  }
}

function whomText({ by, quorum = 1, notSelf }: Of<'approval.requested'>): string {
  const people = quorum > 1 ? `${quorum} people of ${by}` : by
  return notSelf ? `${people}, other than whoever started it,` : people
}

function deciderOf(entry: ApprovalEntry): string {
  return entry.actor.is === 'person' ? entry.actor.name : 'The engine'
}

function silenceText(onTimeout: 'skip' | 'stop' | 'escalate'): string {
  switch (onTimeout) {
    case 'skip':
      return 'it is skipped'
    case 'stop':
      return 'it is not done and the execution stops'
    case 'escalate':
      return 'it is not done and a person is called'
    default:
      return never(onTimeout)
  }
}

export function tellPage(entry: Of<'execution.escalated'>): Told {
  const to = entry.to === '' ? 'A person' : entry.to
  return {
    level: 'attention',
    ...(entry.step === undefined || entry.step === WHOLE_PLAN ? {} : { step: entry.step }),
    text: `${to} is called (${entry.page}).`,
    ...because({ reason: entry.reason }),
  }
}
