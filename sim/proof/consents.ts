import { findAction } from '../../lib/actions/index.ts'
import { WHOLE_PLAN } from '../../lib/execution/state.ts'
import { canonical } from '../../lib/json.ts'
import type { Entry, EntryOf } from '../../lib/ledger/entry.ts'
import { stepsOf, type Pinned } from '../../lib/runbook/runbook.ts'
import { isUndo, type Told } from './told.ts'

/** What people were asked and what they have decided, of one stream and by subject. */
interface Question {
  readonly asked: EntryOf<'approval.requested'>
  answer: 'none' | 'approved' | 'denied' | 'expired'
}

export interface ConsentWatch {
  /** An entry was put on record. */
  judge(told: Told, entry: Entry, address: string): void
}

/** Holds what is intended against what people have agreed to (CORE.md 1.6): to an outcome, in time, and never by silence. */
export function watchConsents(
  pinned: ReadonlyMap<string, Pinned>,
  wrong: (what: string) => void,
): ConsentWatch {
  const questions = new Map<Told, Map<string, Question>>()

  function ask(told: Told, asked: EntryOf<'approval.requested'>): void {
    const own = questions.get(told) ?? new Map<string, Question>()
    questions.set(told, own.set(asked.subject, { asked, answer: 'none' }))
  }

  /** The first answer counts, and only one to the question that stands. */
  function answer(told: Told, subject: string, given: Question['answer'], digest?: string): void {
    const question = questions.get(told)?.get(subject)
    if (question?.answer !== 'none' || (digest !== undefined && digest !== question.asked.digest)) return
    question.answer = given
  }

  function intent(told: Told, entry: EntryOf<'step.intended'>, address: string): void {
    if (isUndo(told) || findAction(entry.action)?.effect === 'message') return
    const own = questions.get(told)?.get(entry.step)
    const plan = questions.get(told)?.get(WHOLE_PLAN)
    if (!own && !plan && !mustAsk(told, entry.step)) return
    const isRefused = own?.answer === 'denied' || own?.answer === 'expired'
    const isMeant = [own, plan].some((question) => question?.answer === 'approved' && shows(question, entry))
    if (isRefused || !isMeant)
      wrong(`${address}: ${entry.step} is intended as nobody has approved it (CORE.md 1.6)`)
  }

  function mustAsk({ entries }: Told, step: string): boolean {
    const [header] = entries.map(({ entry }) => entry)
    if (header?.kind !== 'execution.started') return false
    const steps = stepsOf(pinned.get(header.runbookHash)?.runbook ?? { steps: [] })
    const asks = steps.some((one) => one.is === 'action' && one.id === step && one.approve !== undefined)
    return header.mode !== 'auto' || asks
  }

  return {
    judge(told, entry, address) {
      switch (entry.kind) {
        case 'approval.requested':
          ask(told, entry)
          return
        case 'step.approved':
          answer(told, entry.subject, 'approved', entry.digest)
          return
        case 'step.denied':
          answer(told, entry.subject, 'denied')
          return
        case 'approval.expired':
          answer(told, entry.subject, 'expired')
          return
        case 'step.intended':
          intent(told, entry, address)
          return
        default:
      }
    },
  }
}

/** Whether what is intended is what was shown. */
function shows({ asked }: Question, { step, change }: EntryOf<'step.intended'>): boolean {
  const shown = asked.steps.find((one) => one.step === step)
  return (
    shown?.is === 'change' &&
    shown.target === change.target.label &&
    canonical(shown.after ?? null) === canonical(change.after)
  )
}
