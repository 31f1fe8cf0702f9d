import { actionName, findAction, pageAction } from './actions/index.ts'
import type { AnyAction, ApplyContext, Change, Receipt } from './actions/action.ts'
import { CALL_TIMEOUT_MS } from './aws/aws.ts'
import type { Earlier } from './blast-radius.ts'
import { watchedAws, type HeldUp, type Outages } from './breaker.ts'
import { escalation } from './execution/next.ts'
import { rungsOf } from './execution/paging.ts'
import { pageStep } from './execution/program.ts'
import { isMessageChange, stateOf, type Attempt } from './execution/state.ts'
import { lockOf } from './hold.ts'
import type { Json } from './json.ts'
import type { Entry, Header, Heritage } from './ledger/entry.ts'
import { pausedBy, readControl } from './ledger/kill-switch.ts'
import type { HeldLock } from './ledger/locks.ts'
import { APPLY_BUDGET_MS, markerOf, type Deliberation } from './plan.ts'
import { awsOf } from './ports.ts'
import { RETRY_BUDGET } from './runbook/limits.ts'
import type { ActionStep, Pinned, Step } from './runbook/runbook.ts'
import { afterChange } from './outstanding.ts'
import { note, type Session } from './session.ts'

/** An intent that is about to be recorded and then applied. */
export interface Intent {
  readonly step: ActionStep
  readonly action: AnyAction
  readonly change: Change
  readonly attempt: number
  readonly locks: readonly HeldLock[]
  readonly undoTo: Json
  readonly heritage?: Heritage
  readonly last: boolean
  readonly notes: readonly string[]
  readonly values: { readonly [path: string]: Json }
}

export type Performed =
  /** Facts were added; decide anew. */
  | { readonly is: 'went-on' }
  /** The kill switch is on, or something else is waited for: nothing was intended, and it is looked at again. */
  | { readonly is: 'paused'; readonly pollMs?: number }
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
export function deliberationOf(session: Session, stepId: string, outages: Outages = new Map()): Deliberation {
  const { app, header, pinned } = session
  const page = session.execution.pages.find((candidate) => candidate.id === stepId)
  const signal = header.occasion.is === 'alarm' ? header.occasion.signal : undefined
  return {
    aws: watchedAws(awsOf(app.ports, pinned.service, header.executionId), outages),
    pinned: teamsFor(session, page !== undefined),
    runbookHash: header.runbookHash,
    policy: app.catalogue.policy,
    incidentId: header.incidentId,
    executionId: header.kind === 'paging.started' ? header.origin.stream : session.stream.stream,
    reason:
      page?.reason ??
      (header.kind === 'paging.started' ? header.reason : undefined) ??
      signal?.reason ??
      (header.occasion.is === 'manual' ? header.occasion.reason : ''),
    onsetAtMs: header.occasion.is === 'alarm' ? header.occasion.onsetAtMs : app.ports.clock.now(),
    nowMs: app.ports.clock.now(),
    execution: session.execution,
    earlier: earlierOf(session, stepId),
    ...(signal === undefined ? {} : { signal }),
    ...rungOf(header, stepId),
  }
}

/** Who is on call is asked of today's files, and so is the team of a page that today's policy names. */
function teamsFor({ app, header, pinned }: Session, isOwnPage: boolean): Pinned {
  const { teams } = app.catalogue
  if (header.kind === 'paging.started') return { ...pinned, teams: { ...pinned.teams, ...teams } }
  return isOwnPage ? { ...pinned, teams: { ...teams, ...pinned.teams } } : pinned
}

function rungOf(header: Header, stepId: string): Pick<Deliberation, 'paging'> {
  if (header.kind !== 'paging.started') return {}
  const rung = rungsOf(header).find(({ step }) => step === stepId)
  if (!rung) return {}
  const { level, round, page } = rung
  const whom = page === undefined ? {} : { page }
  return {
    paging: { level, round, ...whom, sinceMs: header.startedAtMs, stepId: header.origin.step },
  }
}

/** What this execution has intended for other steps than this one; messages change nothing. */
export function earlierOf(session: Session, stepId: string): readonly Earlier[] {
  return [...session.stream.entries, ...session.buffer].flatMap((entry) =>
    entry.kind === 'step.intended' && entry.step !== stepId && !isMessageChange(entry.change)
      ? [entry.change]
      : [],
  )
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
  // Of a page that nobody takes, the next level is paged, and no other page.
  if (page || session.header.kind === 'paging.started') {
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

export function applyContext(
  session: Session,
  step: ActionStep,
  attempt: number,
  outages: Outages,
): ApplyContext {
  const { ports } = session.app
  // People are reached with the stack's own rights, whatever account the service is in.
  const scope = findAction(step.action)?.effect === 'message' ? {} : session.pinned.service
  return {
    aws: watchedAws(awsOf(ports, scope, session.header.executionId), outages),
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
  const { step, locks } = intent
  return afterChange(session.header, session.pinned, { ...intent, step: step.id }, locks[0]?.outstanding)
}

function release(session: Session, intent: Intent, outstanding: HeldLock['outstanding']): void {
  // Also where the outcome is not known: reads may be behind in either case.
  const changedAtMs = session.app.ports.clock.now()
  for (const lock of intent.locks) session.releases.push({ ...lockOf(lock), outstanding, changedAtMs })
}

export function giveUp(
  session: Session,
  intent: Intent,
  code: 'terminal' | 'human' | 'exhausted' | 'unknown',
  reason: string,
  place?: string,
): void {
  const where = place === undefined ? {} : { place }
  failStep(session, intent.step.id, { attempt: intent.attempt, code, reason, ...where })
  release(session, intent, intent.locks[0]?.outstanding)
}

/**
 * AWS changed nothing and may take it later: exponential backoff with full jitter, within the step's attempts. Where a
 * breaker holds the step up, it waits for that, and the attempt does not count.
 */
export function tryAgain(
  session: Session,
  intent: Intent,
  reason: string,
  { retryAfterMs, held }: { readonly retryAfterMs?: number | undefined; readonly held?: HeldUp | undefined },
): void {
  const { clock, random } = session.app.ports
  if (held) {
    note(session, retried(session, intent, `${reason}; ${held.reason}`, held.untilMs, held))
    return
  }
  const { retry } = intent.step
  const counted = countedOf(session, intent)
  if (counted >= retry.attempts) {
    giveUp(session, intent, 'exhausted', `attempt ${counted} of ${retry.attempts}: ${reason}`)
    return
  }
  if (intent.action.effect !== 'message' && retriesLeft(session) <= 0) {
    overBudget(session, intent, reason)
    return
  }
  const ceilingMs = Math.min(retry.maxBackoffMs, retry.backoffMs * 2 ** (counted - 1))
  const delayMs = Math.max(retryAfterMs ?? 0, Math.round(random.fraction() * ceilingMs))
  note(session, retried(session, intent, reason, clock.now() + delayMs))
}

/** The number of this attempt among those that count. */
export function countedOf(session: Session, intent: Intent): number {
  const state = stateOf(session.execution, intent.step.id)
  return intent.attempt - (state.is === 'open' || state.is === 'again' ? state.uncounted : 0)
}

/** How many attempts this execution may still repeat, over all its steps. */
export function retriesLeft(session: Session): number {
  return budgetOf(session) - session.execution.retries
}

function budgetOf(session: Session): number {
  return session.pinned.runbook.retryBudget ?? RETRY_BUDGET
}

/** The step would still have attempts, but the execution has repeated too much already. */
export function overBudget(session: Session, intent: Intent, reason: string): void {
  const { retries } = session.execution
  const used = `the execution has repeated ${retries} attempts, and its retry budget is ${budgetOf(session)}`
  giveUp(session, intent, 'exhausted', `${used}: ${reason}`, budgetPlace(session))
}

/** The line of the runbook that is deployed now, where it still says what the pinned one said. */
function budgetPlace({ app, pinned }: Session): string {
  const { runbook, retryBudget } = pinned.runbook
  const deployed = app.catalogue.runbooks.find((candidate) => candidate.runbook === runbook)
  const place =
    deployed?.retryBudget === retryBudget ? app.catalogue.places?.[runbook]?.retryBudget : undefined
  return place ?? `retry_budget of runbook ${runbook}`
}

export function retried(
  session: Session,
  intent: Intent,
  reason: string,
  retryAtMs: number,
  held?: HeldUp,
): Entry {
  return {
    ...(held === undefined ? {} : { breaker: held.key }),
    kind: 'step.retried',
    actor: actor(session),
    step: intent.step.id,
    attempt: intent.attempt,
    reason,
    retryAtMs,
  }
}

/** No answer: nothing is repeated before it was observed. A message is sent again; what cannot be seen goes to a person. */
export function inDoubt(session: Session, intent: Intent, reason: string, held?: HeldUp): void {
  const { clock } = session.app.ports
  if (intent.action.effect === 'message') {
    tryAgain(session, intent, reason, {})
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
    ...unsettledUntil(observeAtMs, reason, held),
  })
}

/** When an unknown outcome is looked at again: never before an open breaker lets anybody try. */
function unsettledUntil(
  observeAtMs: number,
  reason: string,
  held: HeldUp | undefined,
): { readonly reason: string; readonly observeAtMs: number; readonly breaker?: string } {
  if (!held) return { reason, observeAtMs }
  return {
    reason: `${reason}; ${held.reason}`,
    observeAtMs: Math.max(observeAtMs, held.untilMs),
    breaker: held.key,
  }
}

/** The kill switch, read before each intent. */
export async function isPaused(session: Session): Promise<boolean> {
  const { runbook, service } = session.header
  const { account } = session.pinned.service
  return pausedBy(await readControl(session.app.ports.storage), { runbook, service, account }) !== undefined
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
