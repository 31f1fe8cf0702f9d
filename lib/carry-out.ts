import { actionName, pageAction } from './actions/index.ts'
import { allDone } from './all-done.ts'
import { CALL_TIMEOUT_MS } from './aws/aws.ts'
import { holdsAfter, letGo, type Outages } from './breaker.ts'
import { never, outcomeOf, type Outcome as Failure } from './errors.ts'
import { pageStep } from './execution/program.ts'
import { stateOf } from './execution/state.ts'
import { releaseAll } from './hold.ts'
import type { Entry } from './ledger/entry.ts'
import { advanceHead } from './ledger/head.ts'
import {
  actor,
  applied,
  applyContext,
  countedOf,
  deliberationOf,
  giveUp,
  inDoubt,
  retried,
  tryAgain,
  WENT_ON,
  type Intent,
  type Performed,
} from './perform.ts'
import { startPagings } from './paging.ts'
import { considerStep } from './plan.ts'
import { flush, headFor, leaseUntilMs, note, type Session } from './session.ts'

/** What came of a call, not noted yet. */
export interface Outcome {
  readonly isGood: boolean
  note(): void
}

/**
 * Records the intents, with all results that were waiting to be recorded, by one put; and only when that put has
 * answered, applies them. In a conflict nothing is applied. Messages are sent beside whatever comes next: their answers are
 * gathered later.
 */
export async function carryOut(session: Session, intents: readonly Intent[]): Promise<Performed> {
  const { clock } = session.app.ports
  if (!(await intend(session, intents))) return WENT_ON
  if (clock.now() + CALL_TIMEOUT_MS + 1_000 > session.turn.deadlineMs) {
    for (const intent of intents) {
      const reason = 'not begun: too little time was left when the intent was on record'
      note(session, retried(session, intent, reason, clock.now()))
    }
    return { is: 'yield' }
  }
  const changes = intents.filter((intent) => intent.action.effect !== 'message')
  for (const intent of intents) if (intent.action.effect === 'message') send(session, intent)
  await applyAll(session, changes)
  // What cannot be observed afterwards is put on record at once (CORE.md 1.3).
  if (changes.some((intent) => !intent.action.observable)) await flush(session)
  return WENT_ON
}

/** Puts the intents on record. `false`: they fell to what somebody decided in between, and nothing happens under their locks. */
async function intend(session: Session, intents: readonly Intent[]): Promise<boolean> {
  for (const intent of intents) note(session, intentEntry(session, intent))
  if (!session.guarded) {
    // From here on a dead worker must be found after its lease, not at some later time that was set for a wait.
    session.guarded = true
    const settleMs = Math.max(...intents.map((intent) => intent.action.timing.listLagMs))
    await advanceHead(session.app.ports.storage, headFor(session, leaseUntilMs(session.turn) + settleMs))
  }
  // What follows a page is on record before it is sent, and beside the intent: a page waits for nothing more.
  const [clean] = await allDone([flush(session), startPagings(session, intents)])
  if (!clean) for (const intent of intents) releaseAll(session, intent.locks)
  return clean
}

/** Makes all calls at once. What came of them is noted in step order, so that parallel steps fold the same way each time. */
async function applyAll(session: Session, intents: readonly Intent[]): Promise<void> {
  const outcomes: (Outcome | undefined)[] = intents.map(() => undefined)
  const noted = new Set<Outcome>()
  const noteAll = () => {
    for (const outcome of outcomes) {
      if (outcome === undefined || noted.has(outcome)) continue
      noted.add(outcome)
      outcome.note()
    }
  }
  const running = new Map(
    intents.map((intent, index) => [
      index,
      applyOnce(session, intent).then((outcome) => {
        outcomes[index] = outcome
        running.delete(index)
        return outcome
      }),
    ]),
  )
  try {
    while (running.size > 0) {
      const outcome = await Promise.race(running.values())
      // A failure is told at once, and not when the last of the others has been answered or given up.
      if (!outcome.isGood && running.size > 0) {
        noteAll()
        await pageBeside(session)
      }
    }
  } finally {
    // No call outlives the turn that makes it, whatever has gone wrong beside it.
    await Promise.all(running.values())
  }
  noteAll()
}

/** Sends the pages that nobody was sent yet, while other calls of this turn are still under way. */
async function pageBeside(session: Session): Promise<void> {
  const fresh = session.execution.pages.filter((page) => stateOf(session.execution, page.id).is === 'pending')
  const intents: Intent[] = []
  for (const page of fresh) {
    const step = pageStep(page, actionName(pageAction))
    const considered = await considerStep(deliberationOf(session, page.id), step)
    // What cannot be sent is told when the page is begun in its turn.
    if (considered.is === 'change') intents.push(pageIntent(step, considered))
  }
  if (intents.length === 0 || !(await intend(session, intents))) return
  for (const intent of intents) send(session, intent)
}

function pageIntent(
  step: Intent['step'],
  { action, change, notes, values }: Pick<Intent, 'action' | 'change' | 'notes' | 'values'>,
): Intent {
  return { step, action, change, attempt: 1, locks: [], undoTo: change.before, last: true, notes, values }
}

function send(session: Session, intent: Intent): void {
  const sending: Session['sending'][number] = { outcome: undefined, answered: Promise.resolve() }
  sending.answered = answer(session, intent, sending)
  session.sending.push(sending)
}

async function answer(session: Session, intent: Intent, sending: Session['sending'][number]): Promise<void> {
  sending.outcome = await applyOnce(session, intent)
}

/** Puts on record what became of the messages that were answered so far. */
export async function gatherAnswered(session: Session): Promise<void> {
  const answered = session.sending.filter((one) => one.outcome !== undefined)
  if (answered.length === 0) return
  session.sending = session.sending.filter((one) => one.outcome === undefined)
  for (const { outcome } of answered) outcome?.note()
  await flush(session)
}

/** Waits for the messages that are still on their way. `true`: there were some, so that there may be something new to decide. */
export async function gather(session: Session): Promise<boolean> {
  if (session.sending.length === 0) return false
  await Promise.all(session.sending.map((one) => one.answered))
  await gatherAnswered(session)
  return true
}

function intentEntry(session: Session, intent: Intent): Entry {
  return {
    kind: 'step.intended',
    actor: actor(session),
    step: intent.step.id,
    action: actionName(intent.action),
    attempt: intent.attempt,
    change: { ...intent.change, target: { ...intent.change.target, locks: [...intent.change.target.locks] } },
    worker: session.turn.workerId,
    leaseUntilMs: leaseUntilMs(session.turn),
    settleMs: intent.action.timing.listLagMs,
    ...(intent.locks.length === 0
      ? {}
      : { locks: Object.fromEntries(intent.locks.map((lock) => [lock.key, lock.token])) }),
    ...(intent.notes.length === 0 ? {} : { notes: [...intent.notes] }),
    ...(Object.keys(intent.values).length === 0 ? {} : { values: intent.values }),
    ...(intent.undoTo === intent.change.before ? {} : { undoTo: intent.undoTo }),
    ...(intent.heritage === undefined ? {} : { heritage: intent.heritage }),
    ...(intent.last ? {} : { last: false }),
  }
}

/** Makes the call. Never throws; what came of it is noted later. */
async function applyOnce(session: Session, intent: Intent): Promise<Outcome> {
  const { action, step, change, attempt, undoTo } = intent
  const outages: Outages = new Map()
  try {
    const context = applyContext(session, step, attempt, outages)
    const receipt = await action.apply(change, { ...context, undoTo })
    letGo(session, step.id)
    return { isGood: true, note: () => applied(session, intent, receipt) }
  } catch (error) {
    return failureOf(session, intent, outcomeOf(error), outages)
  }
}

async function failureOf(
  session: Session,
  intent: Intent,
  failure: Failure,
  outages: Outages,
): Promise<Outcome> {
  const { reason } = failure
  // Pages never wait for a breaker: another channel may be well.
  const isChange = intent.action.effect !== 'message'
  const isLast = countedOf(session, intent) >= intent.step.retry.attempts
  const held = isChange ? await holdsAfter(session, outages, isLast) : undefined
  if (isChange && outages.size === 0) letGo(session, intent.step.id)
  const isGood = false
  switch (failure.is) {
    case 'retryable':
      return {
        isGood,
        note: () => tryAgain(session, intent, reason, { retryAfterMs: failure.retryAfterMs, held }),
      }
    case 'terminal':
      return { isGood, note: () => giveUp(session, intent, 'terminal', reason) }
    case 'needs-human':
      return { isGood, note: () => giveUp(session, intent, 'human', reason) }
    case 'unknown':
      session.app.ports.metrics.count('OutcomesUnknown')
      return { isGood, note: () => inDoubt(session, intent, reason, held) }
    default:
      return never(failure)
  }
}
