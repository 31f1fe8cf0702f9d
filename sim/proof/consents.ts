import { findAction } from '../../lib/actions/index.ts'
import { WHOLE_PLAN } from '../../lib/execution/state.ts'
import { canonical } from '../../lib/json.ts'
import type { Entry, EntryOf } from '../../lib/ledger/entry.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import { stepsOf, type Pinned } from '../../lib/runbook/runbook.ts'
import { isUndo, type Told, type WorkerLife } from './told.ts'

/** What people were asked and what they have decided, of one stream and by subject. */
interface Question {
  readonly asked: EntryOf<'approval.requested'>
  answer: 'none' | 'approved' | 'denied' | 'expired'
  readonly approvedBy: Set<string>
}

interface Lock {
  readonly owner: string
  readonly token: number
  readonly isHeld: boolean
  /** Who has taken it. */
  worker?: string
}

/** Who asked while it had locks in its hands, other than those of open intents. */
interface Asking {
  readonly worker: string
  readonly tokens: ReadonlyMap<string, number>
}

export interface ConsentWatch {
  /** A lock was written. */
  lock(item: Item): void
  /** It was this worker that has just written a lock. Another one of the same execution may leave one behind where it loses a race. */
  lockedBy(workerId: string): void
  /** An entry was put on record. */
  judge(told: Told, entry: Entry, address: string): void
}

/**
 * Holds what is intended against what people have agreed to (CORE.md 1.6): to an outcome, in time, never by silence, and with no
 * lock in anybody's hands meanwhile.
 */
export function watchConsents(
  pinned: ReadonlyMap<string, Pinned>,
  workers: ReadonlyMap<string, WorkerLife>,
  wrong: (what: string) => void,
): ConsentWatch {
  const questions = new Map<Told, Map<string, Question>>()
  const locks = new Map<string, Lock>()
  let latest: Lock | undefined
  const asking = new Map<Told, Asking>()

  function ask(told: Told, asked: EntryOf<'approval.requested'>): void {
    const own = questions.get(told) ?? new Map<string, Question>()
    questions.set(told, own.set(asked.subject, { asked, answer: 'none', approvedBy: new Set() }))
    if (asked.actor.is !== 'engine') return
    const { worker } = asked.actor
    const used = new Set([...told.open.values()].flatMap((open) => Object.keys(open.locks ?? {})))
    const held = [...locks].filter(
      ([key, lock]) => lock.isHeld && lock.owner === told.stream && lock.worker === worker && !used.has(key),
    )
    const tokens = new Map(held.map(([key, { token }]) => [key, token]))
    if (tokens.size > 0) asking.set(told, { worker, tokens })
  }

  /** Whoever has asked, and has ended well since, has given back what was in its hands. */
  function waits(told: Told, address: string): void {
    const one = asking.get(told)
    const life = one && workers.get(one.worker)
    if (!one || life?.ended !== 'well' || life.hit) return
    asking.delete(told)
    for (const [key, token] of one.tokens) {
      const lock = locks.get(key)
      if (lock?.isHeld && lock.token === token)
        wrong(`${address}: ${key} was held while a person was asked (CORE.md 1.7)`)
    }
  }

  /** The first answer counts, and only one to the question that stands. */
  function answer(told: Told, subject: string, given: 'denied' | 'expired'): void {
    const question = questions.get(told)?.get(subject)
    if (question?.answer === 'none') question.answer = given
  }

  /** So many different people as were asked for make one answer. */
  function approved(told: Told, { subject, digest, actor }: EntryOf<'step.approved'>): void {
    const question = questions.get(told)?.get(subject)
    if (question?.answer !== 'none' || digest !== question.asked.digest || actor.is !== 'person') return
    question.approvedBy.add(actor.name)
    if (question.approvedBy.size >= (question.asked.quorum ?? 1)) question.answer = 'approved'
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

  /** By the clock of whoever puts the answer on record. */
  function inTime(told: Told, { subject }: EntryOf<'step.approved'>, address: string): void {
    const untilMs = questions.get(told)?.get(subject)?.asked.expiresAtMs ?? 0
    if ((told.entries.at(-1)?.atMs ?? 0) >= untilMs)
      wrong(`${address}: ${subject} is approved when its time is over (CORE.md 1.6)`)
  }

  function mustAsk({ entries }: Told, step: string): boolean {
    const [header] = entries.map(({ entry }) => entry)
    if (header?.kind !== 'execution.started') return false
    const steps = stepsOf(pinned.get(header.runbookHash)?.runbook ?? { steps: [] })
    const asks = steps.some((one) => one.is === 'action' && one.id === step && one.approve !== undefined)
    return header.mode !== 'auto' || asks
  }

  return {
    lock({ pk, version = 0, body }) {
      const { owner, releasedAtMs } = JSON.parse(body) as { owner: string; releasedAtMs?: number }
      latest = { owner, token: version, isHeld: releasedAtMs === undefined }
      locks.set(pk.slice('LOCK#'.length), latest)
    },
    lockedBy(workerId) {
      if (latest) latest.worker = workerId
    },
    judge(told, entry, address) {
      waits(told, address)
      switch (entry.kind) {
        case 'approval.requested':
          ask(told, entry)
          return
        case 'step.approved':
          inTime(told, entry, address)
          approved(told, entry)
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
