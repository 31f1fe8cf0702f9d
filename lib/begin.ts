import type { AnyAction, Target } from './actions/action.ts'
import { findAction } from './actions/index.ts'
import { allDone } from './all-done.ts'
import { holdsAfter, holdsBefore, letGo, type HeldUp, type Outages } from './breaker.ts'
import { carryOut } from './carry-out.ts'
import { askApproval, consentFor, isPlanApproved } from './consent.ts'
import { describe, never } from './errors.ts'
import { isMessageChange } from './execution/state.ts'
import { conditionHolds, factReader } from './facts.ts'
import type { Heritage } from './ledger/entry.ts'
import type { HeldLock } from './ledger/locks.ts'
import { releaseAll, takeLocks } from './hold.ts'
import {
  actor,
  deliberationOf,
  earlierOf,
  failStep,
  hasTime,
  isPaused,
  stepOf,
  WENT_ON,
  type Intent,
  type Performed,
} from './perform.ts'
import { considerStep, judged, standsAt, targetOf, type Considered } from './plan.ts'
import { prepareUndo } from './prepare-undo.ts'
import { putOff, unlocked, type Prepared } from './prepared.ts'
import type { ActionStep, Step } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** Begins steps: each one waits, checks, asks for approval, is skipped, fails, or is intended and applied. */
export async function begin(session: Session, ids: readonly string[]): Promise<Performed> {
  const steps = ids.map((id) => stepOf(session, id))
  const actionSteps = apart(
    session,
    steps.filter((step) => step.is === 'action'),
  )
  const pages = new Set(session.execution.pages.map((page) => page.id))
  if (actionSteps.length > 0 && !hasTime(session)) return { is: 'yield' }
  const facts = session.buffer.length
  for (const step of steps) if (step.is !== 'action') await beginPassive(session, step)
  // The kill switch is read beside the observation, and before any intent.
  const [paused, prepared] = await allDone([
    actionSteps.some((step) => changesSomething(step)) ? isPaused(session) : false,
    allDone(
      actionSteps.map((step) =>
        session.header.kind === 'undo.started' && !pages.has(step.id)
          ? prepareUndo(session, step)
          : prepare(session, step),
      ),
    ),
  ])
  const held = prepared.filter((_one, index) => paused && changesSomething(actionSteps[index]))
  for (const one of held) releaseAll(session, one.locks)
  const intents: Intent[] = []
  for (const one of prepared) {
    // Those of one group count each other, in their order.
    const intent = held.includes(one) ? undefined : one.settle(intents)
    if (intent) intents.push(intent)
  }
  if (intents.length === 0 && session.buffer.length === facts) return { is: 'paused' }
  return intents.length === 0 ? WENT_ON : carryOut(session, intents)
}

/**
 * Steps of one group that share a lock begin one after the other: each must see what the one before it did, or two drains
 * of one record group would both find the other still answering (CORE.md 1.7).
 */
function apart(session: Session, steps: readonly ActionStep[]): readonly ActionStep[] {
  if (steps.length < 2) return steps
  const taken = new Set<string>()
  return steps.filter((step) => {
    const keys = changesSomething(step) ? (lockedTarget(session, step)?.locks ?? []) : []
    if (keys.some((key) => taken.has(key))) return false
    for (const key of keys) taken.add(key)
    return true
  })
}

/** A page still goes out while everything is paused. */
function changesSomething(step: ActionStep | undefined): boolean {
  return step !== undefined && findAction(step.action)?.effect !== 'message'
}

async function beginPassive(session: Session, step: Exclude<Step, ActionStep>): Promise<void> {
  const { clock, random } = session.app.ports
  try {
    const { holds, values } = await conditionHolds(factReader(deliberationOf(session, step.id)), step)
    if (!holds) {
      note(session, {
        kind: 'step.skipped',
        actor: actor(session),
        step: step.id,
        code: 'condition',
        reason: `when: ${step.when} is false`,
        values,
      })
      return
    }
    const nowMs = clock.now()
    if (step.is === 'wait') {
      const reason = `waits ${step.forMs / 1000} s`
      note(session, {
        kind: 'step.waiting',
        actor: actor(session),
        step: step.id,
        waitId: random.id(),
        wakeAtMs: nowMs + step.forMs,
        reason,
      })
      return
    }
    const known = Object.keys(values).length === 0 ? {} : { values }
    note(session, {
      kind: 'step.checking',
      actor: actor(session),
      step: step.id,
      untilMs: nowMs + step.withinMs,
      ...known,
    })
  } catch (error) {
    failStep(session, step.id, { code: 'unreadable', reason: describe(error) })
  }
}

async function prepare(session: Session, step: ActionStep): Promise<Prepared> {
  const action = findAction(step.action)
  if (!needsLock(action)) {
    const considered = await considerStep(deliberationOf(session, step.id), step)
    return unlocked((beside) => settle(session, step, considered, [], beside))
  }
  const target = lockedTarget(session, step)
  const held =
    action === undefined || target === undefined
      ? undefined
      : await holdsBefore(session, step.id, action, target)
  if (held) return unlocked(() => putOff(session, step, { held }))
  const asking = asksFirst(session, step)
  if (asking || action === undefined || target === undefined) {
    // A lock is never held across a person's wait: the plan that is shown is a forecast.
    const { considered, after } = await look(session, step)
    return unlocked((beside) => settle(session, step, considered, [], beside, after))
  }
  const sibling = siblingAt(session, step.id, target)
  if (sibling !== undefined) {
    const reason = `${target.label} is in the hands of step ${sibling}`
    return unlocked(() => putOff(session, step, { reason }))
  }
  const [locked, first] = await allDone([takeLocks(session, action, target), look(session, step)])
  if (locked.is === 'busy') return unlocked(() => onLocked(session, step, locked.reason))
  if (locked.is === 'settling') return unlocked(() => putOff(session, step, locked))
  const again = locked.locks.some((lock) => lock.observeAgain)
  const { considered, after } = again ? await look(session, step) : first
  return {
    locks: locked.locks,
    settle: (beside) => settle(session, step, considered, locked.locks, beside, after),
  }
}

/** A step of this execution, begun before, whose change under one of these locks has not come to an end. */
function siblingAt({ execution }: Session, stepId: string, { locks }: Target): string | undefined {
  for (const [id, state] of execution.steps) {
    if (id === stepId || (state.is !== 'open' && state.is !== 'again')) continue
    if (state.change.target.locks.some((key) => locks.includes(key))) return id
  }
  return undefined
}

/** Another execution is changing the target: the step waits for it, or is left out. */
function onLocked(session: Session, step: ActionStep, reason: string): undefined {
  if (step.onLocked !== 'skip') return putOff(session, step, { reason })
  note(session, { kind: 'step.skipped', actor: actor(session), step: step.id, code: 'locked', reason })
  return undefined
}

/** Considers the step on what AWS answers now. Where a service does not answer, `after` may hold the step up. */
async function look(
  session: Session,
  step: ActionStep,
): Promise<{ readonly considered: Considered; readonly after?: HeldUp | undefined }> {
  const outages: Outages = new Map()
  const considered = await considerStep(deliberationOf(session, step.id, outages), step)
  if (considered.is === 'unreadable') return { considered, after: await holdsAfter(session, outages) }
  // What becomes of a change tells more than that it could be planned.
  if (considered.is !== 'change') letGo(session, step.id)
  return { considered }
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
  return (
    step.approve !== undefined &&
    session.execution.approvals.get(step.id)?.is !== 'approved' &&
    !isPlanApproved(session)
  )
}

function settle(
  session: Session,
  step: ActionStep,
  found: Considered,
  locks: readonly HeldLock[],
  beside: readonly Intent[],
  held?: HeldUp,
): Intent | undefined {
  const considered = found.is === 'change' ? heldAgainst(session, step, found, locks, beside) : found
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
      return putOff(session, step, { reason: considered.reason, held })
    default:
      never(considered)
  }
  releaseAll(session, locks)
  return undefined
}

/** The blast radius once more, with what only the moment of the intent knows: the lock, and the steps that begin beside it. */
function heldAgainst(
  session: Session,
  step: ActionStep,
  considered: Extract<Considered, { is: 'change' }>,
  locks: readonly HeldLock[],
  beside: readonly Intent[],
): Extract<Considered, { is: 'change' | 'failed' }> {
  const { app, pinned } = session
  const changed = beside.map((intent) => intent.change).filter((change) => !isMessageChange(change))
  const since = inheritedFrom(considered, locks)?.before
  const rules = { policy: app.catalogue.policy, pinned }
  return judged(rules, considered, [...earlierOf(session, step.id), ...changed], since)
}

/** An earlier change of the same target that is still to be put back and stands there as it was left. */
function inheritedFrom(
  { action, change }: Extract<Considered, { is: 'change' }>,
  locks: readonly HeldLock[],
): HeldLock['outstanding'] {
  const outstanding = locks[0]?.outstanding
  if (!outstanding) return undefined
  const { before, after } = outstanding
  return standsAt(action, change.target, before, after, change.before) ? outstanding : undefined
}

function heritageOf(
  session: Session,
  outstanding: HeldLock['outstanding'],
  inherits: boolean,
): { readonly heritage?: Heritage } {
  if (outstanding === undefined) return {}
  if (!inherits) return { heritage: { replaces: true } }
  const before = [...(outstanding.over ?? []), outstanding.by]
  const over = before.filter((id) => id !== session.header.executionId)
  return over.length === 0 ? {} : { heritage: { over } }
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
  const inherits = inheritedFrom(considered, locks)
  const undoTo = inherits ? inherits.before : change.before
  const heritage = heritageOf(session, outstanding, inherits !== undefined)
  return { step, action, change, attempt: 1, locks, undoTo, ...heritage, last: true, notes, values }
}
