import type { AnyAction, Change, Target } from './actions/action.ts'
import { findAction } from './actions/index.ts'
import { describe, never } from './errors.ts'
import { stateOf, WHOLE_PLAN } from './execution/state.ts'
import { planApproval } from './forecast.ts'
import { sameJson, type Json } from './json.ts'
import { readOpen } from './ledger/open.ts'
import type { HeldLock } from './ledger/locks.ts'
import {
  actor,
  carryOut,
  deliberationOf,
  escalate,
  failStep,
  hasTime,
  isPaused,
  LOCK_WAIT_MS,
  releaseAll,
  stepOf,
  takeLocks,
  WENT_ON,
  type Intent,
  type Performed,
} from './perform.ts'
import { conditionHolds, considerStep, forecastOf, markerOf, standsAt, targetOf, type Considered } from './plan.ts'
import { awsOf } from './ports.ts'
import type { ActionStep, Step } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** An alarm that is not clear keeps an undo waiting; it is asked again after so long, without a write. */
export const UNCLEAR_POLL_MS = 60_000

/** Begins steps: each one waits, checks, asks for approval, is skipped, fails, or is intended and applied. */
export async function begin(session: Session, ids: readonly string[]): Promise<Performed> {
  const steps = ids.map((id) => stepOf(session, id))
  const actionSteps = steps.filter((step) => step.is === 'action')
  const pages = new Set(session.execution.pages.map((page) => page.id))
  if (actionSteps.length > 0 && !hasTime(session)) return { is: 'yield' }
  const facts = session.buffer.length
  for (const step of steps) if (step.is !== 'action') await beginPassive(session, step)
  // The kill switch is read beside the observation, and before any intent.
  const [paused, prepared] = await Promise.all([
    actionSteps.some((step) => changesSomething(step)) ? isPaused(session) : false,
    Promise.all(
      actionSteps.map((step) =>
        session.header.kind === 'undo.started' && !pages.has(step.id) ? prepareUndo(session, step) : prepare(session, step),
      ),
    ),
  ])
  const held = prepared.filter((_one, index) => paused && changesSomething(actionSteps[index]))
  for (const one of held) releaseAll(session, one.locks)
  const intents = prepared.flatMap((one) => (held.includes(one) ? [] : (one.settle() ?? [])))
  if (intents.length === 0 && session.buffer.length === facts) return { is: 'paused' }
  return intents.length === 0 ? WENT_ON : carryOut(session, intents)
}

/** A page still goes out while everything is paused. */
function changesSomething(step: ActionStep | undefined): boolean {
  return step !== undefined && findAction(step.action)?.effect !== 'message'
}

/** A step that was looked at, with the locks that were taken for it. */
interface Prepared {
  readonly locks: readonly HeldLock[]
  /** Notes what the step came to, and gives its intent where it has one. Called in step order, after all were prepared. */
  settle(): Intent | undefined
}

function unlocked(settle: () => Intent | undefined): Prepared {
  return { locks: [], settle }
}

async function beginPassive(session: Session, step: Exclude<Step, ActionStep>): Promise<void> {
  const { clock, random } = session.app.ports
  try {
    const { holds, values } = await conditionHolds(deliberationOf(session, step.id), step)
    if (!holds) {
      note(session, { kind: 'step.skipped', actor: actor(session), step: step.id, code: 'condition', reason: `when: ${step.when} is false`, values })
      return
    }
    const nowMs = clock.now()
    if (step.is === 'wait') {
      const reason = `waits ${step.forMs / 1000} s`
      note(session, { kind: 'step.waiting', actor: actor(session), step: step.id, waitId: random.id(), wakeAtMs: nowMs + step.forMs, reason })
      return
    }
    const known = Object.keys(values).length === 0 ? {} : { values }
    note(session, { kind: 'step.checking', actor: actor(session), step: step.id, untilMs: nowMs + step.withinMs, ...known })
  } catch (error) {
    failStep(session, step.id, { code: 'unreadable', reason: describe(error) })
  }
}

async function prepare(session: Session, step: ActionStep): Promise<Prepared> {
  const deliberation = deliberationOf(session, step.id)
  const action = findAction(step.action)
  if (!needsLock(action)) {
    const considered = await considerStep(deliberation, step)
    return unlocked(() => settle(session, step, considered, []))
  }
  const target = lockedTarget(session, step)
  const asking = asksFirst(session, step)
  if (asking || target === undefined) {
    // A lock is never held across a person's wait: the plan that is shown is a forecast.
    const considered = await considerStep(deliberation, step)
    return unlocked(() => settle(session, step, considered, []))
  }
  const [locked, first] = await Promise.all([takeLocks(session, target), considerStep(deliberation, step)])
  if (locked.is === 'busy') return unlocked(() => putOff(session, step, locked.reason))
  const again = locked.locks.some((lock) => lock.observeAgain)
  const considered = again ? await considerStep(deliberationOf(session, step.id), step) : first
  return { locks: locked.locks, settle: () => settle(session, step, considered, locked.locks) }
}

function needsLock(action: AnyAction | undefined): boolean {
  return action !== undefined && action.effect !== 'message'
}

/** `undefined` where the parameters name nothing; considering the step then says so. */
function lockedTarget(session: Session, step: ActionStep): Target | undefined {
  try {
    return targetOf(step, session.pinned).target
  } catch {
    return undefined
  }
}

/** Whether this step is only to be shown to a person now. */
function asksFirst(session: Session, step: ActionStep): boolean {
  return step.approve !== undefined && session.execution.approvals.get(step.id)?.is !== 'approved' && !isPlanApproved(session)
}

function isPlanApproved(session: Session): boolean {
  return session.execution.approvals.get(WHOLE_PLAN)?.is === 'approved'
}

function settle(session: Session, step: ActionStep, considered: Considered, locks: readonly HeldLock[]): Intent | undefined {
  switch (considered.is) {
    case 'change':
      return settleChange(session, step, considered, locks)
    case 'skipped': {
      const { code, reason, values } = considered
      note(session, { kind: 'step.skipped', actor: actor(session), step: step.id, code, reason, values })
      break
    }
    case 'failed': {
      const { code, reason, place } = considered
      failStep(session, step.id, { code, reason, ...(place === undefined ? {} : { place }) })
      break
    }
    case 'unreadable':
      releaseAll(session, locks)
      return putOff(session, step, considered.reason)
    default:
      never(considered)
  }
  releaseAll(session, locks)
  return undefined
}

function settleChange(
  session: Session,
  step: ActionStep,
  considered: Extract<Considered, { is: 'change' }>,
  locks: readonly HeldLock[],
): Intent | undefined {
  const consent = consentFor(session, step, considered)
  if (consent === 'ask') {
    askApproval(session, step, considered)
    releaseAll(session, locks)
    return undefined
  }
  if (consent === 'changed-twice') {
    const reason = 'the outcome differs again from what was approved; it is not applied'
    failStep(session, step.id, { code: 'human', reason })
    releaseAll(session, locks)
    return undefined
  }
  const { action, change, notes, values } = considered
  const outstanding = locks[0]?.outstanding
  const inherits =
    outstanding && standsAt(action, change.target, outstanding.before, outstanding.after, change.before)
  const undoTo = inherits ? outstanding.before : change.before
  return { step, action, change, attempt: 1, locks: inherits ? locks : locks.map(withoutOutstanding), undoTo, last: true, notes, values }
}

/** A foreign value stands there: the earlier change is no longer ours to put back. */
function withoutOutstanding(lock: HeldLock): HeldLock {
  const { outstanding: _outstanding, ...rest } = lock
  return rest
}

type Consent = 'given' | 'ask' | 'changed-twice'

/** Consent is to an outcome: whoever approved the plan, or the step, approved what it said would stand there (CORE.md 1.6). */
function consentFor(session: Session, step: ActionStep, considered: Extract<Considered, { is: 'change' }>): Consent {
  const planned = isPlanApproved(session)
  if (step.approve === undefined && (!planned || considered.action.effect === 'message')) return 'given'
  const approval = session.execution.approvals.get(step.id)
  if (approval?.is !== 'approved') return planned && isInPlan(session, step, considered.change) ? 'given' : 'ask'
  if (approval.digest === considered.digest) return 'given'
  return approval.round === 1 ? 'ask' : 'changed-twice'
}

/** Whether the plan that was approved showed this very outcome. */
function isInPlan(session: Session, step: ActionStep, change: Change): boolean {
  const shown = session.stream.entries
    .findLast((entry) => entry.kind === 'approval.requested' && entry.subject === WHOLE_PLAN)
  const forecast = shown?.kind === 'approval.requested' ? shown.steps.find((one) => one.step === step.id) : undefined
  return forecast?.is === 'change' && forecast.target === change.target.label && sameJson(forecast.after ?? null, change.after)
}

function askApproval(session: Session, step: ActionStep, considered: Extract<Considered, { is: 'change' }>): void {
  const approve = step.approve ?? planApproval(session)
  // What differs from an approved plan is asked about once more, like what differs from an approved step.
  const again = isPlanApproved(session) || session.execution.approvals.get(step.id)?.is === 'approved'
  const round = again ? 2 : 1
  note(session, {
    kind: 'approval.requested',
    actor: actor(session),
    subject: step.id,
    round,
    by: approve.by,
    digest: considered.digest,
    steps: [forecastOf(step, considered, considered.change.target, considered.action)],
    expiresAtMs: session.app.ports.clock.now() + approve.timeoutMs,
    onTimeout: approve.onTimeout,
  })
  const asked = `approve ${step.id} of ${session.stream.stream}? ${considered.change.target.label}: ${considered.change.summary}`
  escalate(session, step.id, round === 1 ? asked : `${asked} (the plan has changed since it was approved)`, `oncall@${approve.by}`)
}

/** The target is locked or could not be read: once more later, until the step's time is over. */
function putOff(session: Session, step: ActionStep, reason: string): undefined {
  const { clock, random } = session.app.ports
  const state = stateOf(session.execution, step.id)
  const tries = state.is === 'pending' ? state.putOff : 0
  if (tries >= Math.ceil(step.timeoutMs / LOCK_WAIT_MS)) {
    failStep(session, step.id, { code: 'unreadable', reason: `${reason} (looked ${tries + 1} times)` })
    return undefined
  }
  const wakeAtMs = clock.now() + LOCK_WAIT_MS
  note(session, { kind: 'step.waiting', actor: actor(session), step: step.id, waitId: random.id(), wakeAtMs, reason, blocked: true })
  return undefined
}

/**
 * The next slow step of an undo. It compares with the last value that we set, under the target's lock, and only while
 * the alarm has been clear for `after` (CORE.md 1.8).
 */
async function prepareUndo(session: Session, step: ActionStep): Promise<Prepared> {
  const { header } = session
  if (header.kind !== 'undo.started') throw new Error('only an undo is undone')
  const item = header.items.find((candidate) => candidate.step === step.id)
  const action = findAction(step.action)
  const state = stateOf(session.execution, step.id)
  if (!item || !action?.undo || state.is !== 'pending') throw new Error(`${step.id} cannot be undone`)
  const clearAtMs = header.atOnce ? 0 : await clearSince(session)
  if (clearAtMs === undefined) return unlocked(() => undefined)
  const dueAtMs = clearAtMs + header.afterMs
  const { ports } = session.app
  const { clock, random } = ports
  if (clock.now() < dueAtMs) {
    const reason = `the alarm must stay clear for ${header.afterMs / 1000} s`
    return unlocked(() => {
      note(session, { kind: 'step.waiting', actor: actor(session), step: step.id, waitId: random.id(), wakeAtMs: dueAtMs, reason, blocked: true })
      return undefined
    })
  }
  const locked = await takeLocks(session, item.change.target)
  if (locked.is === 'busy') return unlocked(() => putOff(session, step, locked.reason))
  const outstanding = locked.locks[0]?.outstanding
  if (outstanding && outstanding.by !== header.executionId) {
    releaseAll(session, locked.locks)
    return unlocked(() => {
      skipUndo(session, step, 'superseded', `${outstanding.by} has changed ${item.change.target.label} since; its undo puts both back`)
      return undefined
    })
  }
  let observed: Json
  try {
    const context = { aws: awsOf(ports, session.pinned.service, header.executionId), nowMs: clock.now(), marker: markerOf(header.executionId, step.id) }
    observed = (await action.observe(item.change.target, context)) as Json
  } catch (error) {
    releaseAll(session, locked.locks)
    return unlocked(() => putOff(session, step, describe(error)))
  }
  const change = { ...item.change }
  // A change that nobody undoes may have handed its own value on to us.
  const planned = action.undo(change, outstanding?.after ?? state.lastSet ?? change.after, observed, header.stepPercent)
  const settleUndo = (): Intent | undefined => {
    switch (planned.is) {
      case 'done':
        skipUndo(session, step, 'undone', planned.reason)
        releaseAll(session, locked.locks.map(withoutOutstanding))
        return undefined
      case 'foreign':
        skipUndo(session, step, 'foreign', planned.reason)
        escalate(session, step.id, `${item.change.target.label} was left alone: ${planned.reason}`)
        releaseAll(session, locked.locks.map(withoutOutstanding))
        return undefined
      case 'change':
        return {
          step,
          action,
          change: { target: item.change.target, before: planned.before, after: planned.after, summary: planned.summary },
          attempt: 1,
          locks: locked.locks,
          undoTo: change.before,
          last: planned.last,
          notes: [],
          values: {},
        }
      default:
        return never(planned)
    }
  }
  return { locks: locked.locks, settle: settleUndo }
}

function skipUndo(session: Session, step: ActionStep, code: 'undone' | 'foreign' | 'superseded', reason: string): void {
  note(session, { kind: 'step.skipped', actor: actor(session), step: step.id, code, reason })
}

/** Since when the alarm has been clear; `undefined` while it is not. An incident without an alarm is clear from its undo on. */
async function clearSince(session: Session): Promise<number | undefined> {
  const open = await readOpen(session.app.ports.storage, session.header.key)
  if (!open) return 0
  return open.state === 'ok' ? (open.clearedAtMs ?? 0) : undefined
}
