import { actionName, findAction, pageAction } from './actions/index.ts'
import type { AnyAction, ApplyContext, Change, Receipt } from './actions/action.ts'
import { CALL_TIMEOUT_MS } from './aws/aws.ts'
import { outcomeOf } from './errors.ts'
import { escalation } from './execution/next.ts'
import { pageStep } from './execution/program.ts'
import { stateOf, type Attempt } from './execution/state.ts'
import { lockOf, releaseAll } from './hold.ts'
import type { Json } from './json.ts'
import { readControl } from './ledger/control.ts'
import type { Entry } from './ledger/entry.ts'
import { advanceHead } from './ledger/head.ts'
import type { HeldLock } from './ledger/locks.ts'
import { APPLY_BUDGET_MS, markerOf, type Deliberation } from './plan.ts'
import { awsOf } from './ports.ts'
import type { ActionStep, Step } from './runbook/runbook.ts'
import { afterChange } from './outstanding.ts'
import { flush, headFor, leaseUntilMs, note, type Session } from './session.ts'

/** An intent that is about to be recorded and then applied. */
export interface Intent {
  readonly step: ActionStep
  readonly action: AnyAction
  readonly change: Change
  readonly attempt: number
  readonly locks: readonly HeldLock[]
  readonly undoTo: Json
  /** Somebody else's value stood where an earlier change of ours was still to be put back. */
  readonly replaces?: true
  readonly last: boolean
  readonly notes: readonly string[]
  readonly values: { readonly [path: string]: Json }
}

export type Performed =
  /** Facts were added; decide anew. */
  | { readonly is: 'went-on' }
  /** The kill switch is on: nothing was intended. */
  | { readonly is: 'paused' }
  /** Too little time is left to begin an effect: another turn must. */
  | { readonly is: 'yield' }

export const WENT_ON: Performed = { is: 'went-on' }

/** A locked target is looked at again after so long. */
export const LOCK_WAIT_MS = 15_000

export function actor(session: Session): { readonly is: 'engine'; readonly worker: string } {
  return { is: 'engine', worker: session.turn.workerId }
}

/** The step of that id: a runbook's, an undo's, or a page of the engine's own. */
export function stepOf(session: Session, id: string): Step {
  const page = session.execution.pages.find((candidate) => candidate.id === id)
  if (page) return pageStep(page, actionName(pageAction))
  const step = session.program.flat().find((candidate) => candidate.id === id)
  if (!step) throw new Error(`the pinned runbook has no step "${id}"`)
  return step
}

/** What considering and applying a step of this session goes by. */
export function deliberationOf(session: Session, stepId: string): Deliberation {
  const { app, header, pinned } = session
  const page = session.execution.pages.find((candidate) => candidate.id === stepId)
  const signal = header.occasion.is === 'alarm' ? header.occasion.signal : undefined
  return {
    aws: awsOf(app.ports, pinned.service, header.executionId),
    pinned,
    runbookHash: header.runbookHash,
    policy: app.catalogue.policy,
    incidentId: header.incidentId,
    executionId: session.stream.stream,
    reason: page?.reason ?? signal?.reason ?? (header.occasion.is === 'manual' ? header.occasion.reason : ''),
    onsetAtMs: header.occasion.is === 'alarm' ? header.occasion.onsetAtMs : app.ports.clock.now(),
    nowMs: app.ports.clock.now(),
    execution: session.execution,
    ...(signal === undefined ? {} : { signal }),
  }
}

/** A step has failed: the fact, and the page that always goes with it. */
export function failStep(
  session: Session,
  step: string,
  failure: Omit<Extract<Entry, { kind: 'step.failed' }>, 'kind' | 'step' | 'actor'>,
): void {
  session.app.ports.metrics.count('StepsFailed')
  note(session, { kind: 'step.failed', step, ...failure, actor: actor(session) })
  const page = session.execution.pages.some((candidate) => candidate.id === step)
  if (page) {
    session.app.ports.metrics.count('PagesFailed')
    return
  }
  escalate(session, step, `${step} failed: ${failure.reason}`)
}

/** Calls a person, with the reason. */
export function escalate(session: Session, step: string, reason: string, to = ''): void {
  session.app.ports.metrics.count('ExecutionsEscalated')
  note(session, { ...escalation(session.execution, step, reason, to), actor: actor(session) })
}

/** Whether a call can still be made and answered before the worker's time is over. */
export function hasTime(session: Session): boolean {
  return session.app.ports.clock.now() + APPLY_BUDGET_MS <= session.turn.deadlineMs
}

/**
 * Records the intents, with all results that were waiting to be recorded, by one put; and only when that put has
 * answered, applies them. In a conflict nothing is applied.
 */
export async function carryOut(session: Session, intents: readonly Intent[]): Promise<Performed> {
  const { clock, storage } = session.app.ports
  for (const intent of intents) note(session, intentEntry(session, intent))
  if (!session.guarded) {
    // From here on a dead worker must be found after its lease, not at some later time that was set for a wait.
    session.guarded = true
    const settleMs = Math.max(...intents.map((intent) => intent.action.timing.listLagMs))
    await advanceHead(storage, headFor(session, leaseUntilMs(session.turn) + settleMs))
  }
  const clean = await flush(session)
  if (!clean) {
    // The intents fell to what somebody decided in between: nothing happens under their locks.
    for (const intent of intents) releaseAll(session, intent.locks)
    return WENT_ON
  }
  if (clock.now() + CALL_TIMEOUT_MS + 1_000 > session.turn.deadlineMs) {
    for (const intent of intents) {
      const reason = 'not begun: too little time was left when the intent was on record'
      note(session, retried(session, intent, reason, clock.now()))
    }
    return { is: 'yield' }
  }
  const results = await Promise.all(intents.map((intent) => applyOnce(session, intent)))
  for (const result of results) result()
  const unseen = intents.some((intent) => !intent.action.observable)
  // What cannot be observed afterwards is put on record at once (CORE.md 1.3).
  if (unseen) await flush(session)
  return WENT_ON
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
    ...(intent.last ? {} : { last: false }),
  }
}

/** Makes the call. What came of it is noted later, in step order, so that parallel steps fold the same way each time. */
async function applyOnce(session: Session, intent: Intent): Promise<() => void> {
  const { ports } = session.app
  try {
    const receipt = await intent.action.apply(intent.change, {
      ...applyContext(session, intent.step, intent.attempt),
      undoTo: intent.undoTo,
    })
    return () => applied(session, intent, receipt)
  } catch (error) {
    const outcome = outcomeOf(error)
    switch (outcome.is) {
      case 'retryable':
        return () => tryAgain(session, intent, outcome.reason, outcome.retryAfterMs)
      case 'terminal':
        return () => giveUp(session, intent, 'terminal', outcome.reason)
      case 'needs-human':
        return () => giveUp(session, intent, 'human', outcome.reason)
      case 'unknown':
        ports.metrics.count('OutcomesUnknown')
        return () => inDoubt(session, intent, outcome.reason)
    }
  }
}

export function applyContext(session: Session, step: ActionStep, attempt: number): ApplyContext {
  const { ports } = session.app
  return {
    // People are reached with the stack's own rights, whatever account the service is in.
    aws: awsOf(
      ports,
      findAction(step.action)?.effect === 'message' ? {} : session.pinned.service,
      session.header.executionId,
    ),
    http: ports.http,
    secret: (name) => ports.secret(name),
    nowMs: ports.clock.now(),
    marker: markerOf(session.stream.stream, step.id),
    attempt,
  }
}

/** The effect is there, by AWS's answer or by observation. */
export function applied(session: Session, intent: Intent, receipt: Receipt, recovered?: string): void {
  const { metrics, clock } = session.app.ports
  const first = ![...session.execution.steps.values()].some(
    (state) => state.is === 'applied' && !state.message,
  )
  note(session, {
    kind: 'step.applied',
    actor: actor(session),
    step: intent.step.id,
    attempt: intent.attempt,
    receipt,
    ...(recovered === undefined ? {} : { recovered }),
    ...(intent.action.effect === 'message' ? { message: true } : {}),
  })
  if (first && intent.action.effect !== 'message' && session.header.occasion.is === 'alarm') {
    metrics.time('FirstEffectTime', clock.now() - session.header.occasion.onsetAtMs)
  }
  release(session, intent, outstandingAfter(session, intent))
}

function outstandingAfter(session: Session, intent: Intent): HeldLock['outstanding'] {
  const { step, change, undoTo, last, locks } = intent
  const after = afterChange(
    session.header,
    session.pinned,
    { step: step.id, change, undoTo, last },
    locks[0]?.outstanding,
  )
  return after && intent.replaces ? { ...after, replaced: true } : after
}

function release(session: Session, intent: Intent, outstanding: HeldLock['outstanding']): void {
  for (const lock of intent.locks) session.releases.push({ ...lockOf(lock), outstanding })
}

function giveUp(
  session: Session,
  intent: Intent,
  code: 'terminal' | 'human' | 'exhausted' | 'unknown',
  reason: string,
): void {
  failStep(session, intent.step.id, { attempt: intent.attempt, code, reason })
  release(session, intent, intent.locks[0]?.outstanding)
}

/** AWS changed nothing and may take it later: exponential backoff with full jitter, within the step's attempts. */
function tryAgain(session: Session, intent: Intent, reason: string, retryAfterMs: number | undefined): void {
  const { retry } = intent.step
  if (intent.attempt >= retry.attempts) {
    giveUp(session, intent, 'exhausted', `attempt ${intent.attempt} of ${retry.attempts}: ${reason}`)
    return
  }
  const { clock, random } = session.app.ports
  const ceilingMs = Math.min(retry.maxBackoffMs, retry.backoffMs * 2 ** (intent.attempt - 1))
  const delayMs = Math.max(retryAfterMs ?? 0, Math.round(random.fraction() * ceilingMs))
  note(session, retried(session, intent, reason, clock.now() + delayMs))
}

function retried(session: Session, intent: Intent, reason: string, retryAtMs: number): Entry {
  return {
    kind: 'step.retried',
    actor: actor(session),
    step: intent.step.id,
    attempt: intent.attempt,
    reason,
    retryAtMs,
  }
}

/** No answer: nothing is repeated before it was observed. A message is sent again; what cannot be seen goes to a person. */
function inDoubt(session: Session, intent: Intent, reason: string): void {
  const { clock } = session.app.ports
  if (intent.action.effect === 'message') {
    tryAgain(session, intent, reason, undefined)
    return
  }
  if (!intent.action.observable) {
    giveUp(session, intent, 'unknown', `the outcome is unknown and cannot be observed: ${reason}`)
    return
  }
  const observeAtMs = clock.now() + CALL_TIMEOUT_MS + intent.action.timing.listLagMs
  note(session, {
    kind: 'step.unsettled',
    actor: actor(session),
    step: intent.step.id,
    attempt: intent.attempt,
    reason,
    observeAtMs,
  })
}

/** The kill switch, read before each intent. */
export async function isPaused(session: Session): Promise<boolean> {
  const control = await readControl(session.app.ports.storage)
  return control.is === 'paused'
}

/** The attempt that a state holds, as an intent of its own. */
export function attemptOf(
  session: Session,
  id: string,
): { readonly step: ActionStep; readonly action: AnyAction; readonly tried: Attempt } {
  const step = stepOf(session, id)
  const state = stateOf(session.execution, id)
  if (step.is !== 'action' || (state.is !== 'open' && state.is !== 'again'))
    throw new Error(`${id} has no attempt`)
  const action = findAction(state.action)
  if (!action) throw new Error(`this version of Firebreak has no action "${state.action}"`)
  return { step, action, tried: state }
}
