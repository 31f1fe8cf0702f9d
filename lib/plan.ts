import type { AnyAction, Change, Occasion, PagingRung, Statement, Target } from './actions/action.ts'
import { actionName, findAction } from './actions/index.ts'
import { allDone } from './all-done.ts'
import { CALL_TIMEOUT_MS, type Aws } from './aws/aws.ts'
import { describe } from './errors.ts'
import { isMessageChange, type Execution } from './execution/state.ts'
import { conditionHolds, factReader, paramsOf } from './facts.ts'
import { stepVerdicts, type Earlier, type Proposal } from './blast-radius.ts'
import type { GuardrailVerdict } from './guardrails.ts'
import { digestFor } from './ids.ts'
import { sameJson, type Json } from './json.ts'
import type { Forecast } from './ledger/entry.ts'
import { stepsOf, type ActionStep, type Pinned, type Policy, type Step } from './runbook/runbook.ts'
import { staticTarget } from './runbook/static-target.ts'
import type { Signal } from './signal/signal.ts'

/** What a step's consideration needs. The same for a forecast, an approval and an intent, so that they cannot disagree. */
export interface Deliberation {
  readonly aws: Aws
  readonly pinned: Pinned
  readonly runbookHash: string
  readonly policy: Policy
  readonly incidentId: string
  readonly executionId: string
  /** One sentence: why there is an incident, or why somebody is called. */
  readonly reason: string
  readonly onsetAtMs: number
  readonly nowMs: number
  readonly signal?: Signal
  /** What earlier steps came to, for conditions and references. */
  readonly execution?: Execution
  /** Of a page that nobody has answered: the step that it belongs to, and whom it goes to now. */
  readonly paging?: PagingRung & { readonly stepId: string }
  /** What this execution has intended so far: the rules on its blast radius count it. */
  readonly earlier?: readonly Earlier[]
}

/** What a step would do now. */
export type Considered =
  | {
      readonly is: 'change'
      readonly action: AnyAction
      readonly change: Change
      readonly notes: readonly string[]
      readonly values: { readonly [path: string]: Json }
      /** What an approval is bound to (CORE.md 1.6); most steps ask for none. */
      readonly digest: () => string
      readonly capacity?: NonNullable<Proposal['capacity']>
      readonly guardrails: readonly GuardrailVerdict[]
    }
  | {
      readonly is: 'skipped'
      readonly code: 'condition' | 'already'
      readonly reason: string
      readonly values: { readonly [path: string]: Json }
    }
  | {
      readonly is: 'failed'
      readonly code: 'refused' | 'human' | 'guardrail'
      readonly reason: string
      readonly place?: string
      /** Where a guardrail forbids it: all that were asked. */
      readonly guardrails?: readonly GuardrailVerdict[]
    }
  /** The live state could not be read. */
  | { readonly is: 'unreadable'; readonly reason: string }

/** Stands in requests that have no absolute state, so that they can be found again. */
export function markerOf(stream: string, step: string): string {
  return `firebreak/${stream}/${step}`
}

export function occasionOf(deliberation: Deliberation, stepId: string): Occasion {
  const { pinned } = deliberation
  return {
    incidentId: deliberation.incidentId,
    executionId: deliberation.executionId,
    stepId: deliberation.paging?.stepId ?? stepId,
    runbook: pinned.runbook.runbook,
    service: pinned.service.name,
    severity: pinned.runbook.severity,
    reason: deliberation.reason,
    onsetAtMs: deliberation.onsetAtMs,
    nowMs: deliberation.nowMs,
    teams: pinned.teams,
    ...pagingOf(deliberation),
    ...(deliberation.signal === undefined ? {} : { alarm: deliberation.signal.name }),
  }
}

function pagingOf({ paging }: Deliberation): Pick<Occasion, 'paging'> {
  if (!paging) return {}
  const { stepId: _step, ...rung } = paging
  return { paging: rung }
}

interface Aimed {
  readonly action: AnyAction
  readonly target: Target
}

/** What is pinned never changes, and a step is aimed by each lock, plan and undo of it. */
const aimed = new WeakMap<Pinned, WeakMap<ActionStep, Aimed>>()

/** What a step's parameters name on AWS; lint has refused what names nothing, so a miss here is a bug or a stale pin. */
export function targetOf(step: ActionStep, pinned: Pinned): Aimed {
  const known = aimed.get(pinned) ?? new WeakMap<ActionStep, Aimed>()
  aimed.set(pinned, known)
  const found = known.get(step) ?? aim(step, pinned)
  known.set(step, found)
  return found
}

function aim(step: ActionStep, pinned: Pinned): Aimed {
  const action = findAction(step.action)
  if (!action) throw new Error(`this version of Firebreak has no action "${step.action}"`)
  const resolved = staticTarget(action, step, pinned.service)
  if (resolved.is === 'missing') throw new Error(resolved.message)
  return { action, target: resolved.target }
}

/**
 * Evaluates the step's condition and references, reads its target and plans its change: the only place where a reference
 * gets its value, so that what is tried again or taken over has the value of the intent. Changes nothing, and never throws: what cannot be
 * read is `unreadable`.
 */
export async function considerStep(deliberation: Deliberation, step: ActionStep): Promise<Considered> {
  try {
    const readFacts = factReader(deliberation)
    const condition = await conditionHolds(readFacts, step)
    if (!condition.holds) {
      return {
        is: 'skipped',
        code: 'condition',
        reason: `when: ${step.when} is false`,
        values: condition.values,
      }
    }
    const { action, target } = targetOf(step, deliberation.pinned)
    const [given, observed] = await allDone([
      paramsOf(readFacts, step, action),
      action.observe(target, observeContext(deliberation, step.id)) as Promise<unknown>,
    ])
    if (given.is === 'bad') return { is: 'failed', code: 'refused', reason: given.reason }
    const values = { ...condition.values, ...given.values }
    return planned(deliberation, step, { action, target, params: given.params }, observed, values)
  } catch (error) {
    return { is: 'unreadable', reason: describe(error) }
  }
}

function observeContext(deliberation: Deliberation, stepId: string) {
  return {
    aws: deliberation.aws,
    nowMs: deliberation.nowMs,
    marker: markerOf(deliberation.executionId, stepId),
  }
}

function planned(
  deliberation: Deliberation,
  step: ActionStep,
  {
    action,
    target,
    params,
  }: { readonly action: AnyAction; readonly target: Target; readonly params: unknown },
  observed: unknown,
  values: { readonly [path: string]: Json },
): Considered {
  const plan = action.plan(params, target, observed, occasionOf(deliberation, step.id))
  switch (plan.is) {
    case 'change':
      return judged(
        deliberation,
        {
          is: 'change',
          action,
          change: { target, before: plan.before, after: plan.after, summary: plan.summary },
          notes: plan.notes ?? [],
          values,
          ...(plan.capacity === undefined ? {} : { capacity: plan.capacity }),
          guardrails: [],
          digest: () =>
            digestFor([step.id, target.locks, target.label, plan.after, deliberation.runbookHash]),
        },
        deliberation.earlier ?? [],
      )
    case 'none':
      return { is: 'skipped', code: 'already', reason: plan.reason, values }
    case 'refused':
    case 'human': {
      const place = plan.interlock === undefined ? {} : { place: `interlock ${plan.interlock}` }
      return { is: 'failed', code: plan.is, reason: plan.reason, ...place }
    }
  }
}

/**
 * The change held against the rules on its blast radius, beside what the execution has changed or is about to change.
 * `since` is what stood there before an earlier change that is still outstanding.
 */
export function judged(
  { policy, pinned }: Pick<Deliberation, 'policy' | 'pinned'>,
  considered: Extract<Considered, { is: 'change' }>,
  earlier: readonly Earlier[],
  since?: Json,
): Extract<Considered, { is: 'change' | 'failed' }> {
  const proposal = since === undefined ? considered : { ...considered, since }
  const guardrails = stepVerdicts(policy, pinned.service.name, proposal, earlier)
  const broken = guardrails.find((one) => one.verdict === 'failed')
  return broken
    ? { is: 'failed', code: 'guardrail', reason: broken.reason, place: broken.place, guardrails }
    : { ...considered, guardrails }
}

/** One step of a plan as people read it. */
export interface PlannedStep {
  readonly forecast: Forecast
  readonly action: string
  readonly notes: readonly string[]
  readonly permissions: readonly Statement[]
  readonly digest: string
  /** The rules that this step was held against. */
  readonly guardrails: readonly GuardrailVerdict[]
  readonly values: { readonly [path: string]: Json }
  readonly before?: Json
}

/** The forecast of a whole runbook: every action step, in order, read live. Waits and checks are named, not measured. */
export async function planSteps(deliberation: Deliberation): Promise<readonly PlannedStep[]> {
  const steps = stepsOf(deliberation.pinned.runbook)
  const considered = await Promise.all(
    steps.map(async (step) =>
      step.is === 'action' ? ([step, await considerStep(deliberation, step)] as const) : ([step] as const),
    ),
  )
  const earlier: Earlier[] = []
  return considered.map(([step, seen]) => {
    if (step.is !== 'action' || seen === undefined) return unplanned(step as Exclude<Step, ActionStep>)
    // A step counts what those before it would change.
    const held = seen.is === 'change' ? judged(deliberation, seen, earlier) : seen
    if (held.is === 'change' && !isMessageChange(held.change)) earlier.push(held.change)
    return plannedStep(deliberation, step, held)
  })
}

function plannedStep(deliberation: Deliberation, step: ActionStep, considered: Considered): PlannedStep {
  const { action, target } = targetOf(step, deliberation.pinned)
  return {
    forecast: forecastOf(step, considered, target, action),
    action: actionName(action),
    notes: considered.is === 'change' ? considered.notes : [],
    permissions: action.permissions(target),
    digest: considered.is === 'change' ? considered.digest() : '',
    guardrails: considered.is === 'change' || considered.is === 'failed' ? (considered.guardrails ?? []) : [],
    values: valuesOf(considered),
    ...(considered.is === 'change' ? { before: considered.change.before } : {}),
  }
}

export function forecastOf(
  step: ActionStep,
  considered: Considered,
  target: Target,
  action: AnyAction,
): Forecast {
  const values = step.references === undefined ? {} : valuesOf(considered)
  const basics = {
    step: step.id,
    target: target.label,
    reversible: action.effect === 'reversible',
    ...(Object.keys(values).length === 0 ? {} : { values }),
  }
  switch (considered.is) {
    case 'change':
      return { ...basics, is: 'change', summary: considered.change.summary, after: considered.change.after }
    case 'skipped':
      return { ...basics, is: considered.code === 'already' ? 'none' : 'skipped', summary: considered.reason }
    case 'failed':
      return { ...basics, is: considered.code === 'human' ? 'human' : 'refused', summary: considered.reason }
    case 'unreadable':
      return { ...basics, is: 'unreadable', summary: considered.reason }
  }
}

function valuesOf(considered: Considered): { readonly [path: string]: Json } {
  return considered.is === 'change' || considered.is === 'skipped' ? considered.values : {}
}

function unplanned(step: Exclude<Step, ActionStep>): PlannedStep {
  const summary =
    step.is === 'wait'
      ? `wait ${step.forMs / 1000} s`
      : `check ${step.probe.is === 'alarm' ? 'that the alarm is ok' : `metric ${step.probe.metric}`}: ${step.samples} samples`
  return {
    forecast: { step: step.id, target: '', summary, is: 'not-planned', reversible: false },
    action: step.is,
    notes: [],
    permissions: [],
    digest: '',
    guardrails: [],
    values: {},
  }
}

/** What an approval of several steps is bound to. */
export function planDigest(steps: readonly PlannedStep[]): string {
  return digestFor(steps.map((step) => [step.forecast.step, step.digest]))
}

/** Whether an outstanding change of the same target is what was found there, so that its `before` is inherited. */
export function standsAt(
  action: AnyAction,
  target: Target,
  before: Json,
  after: Json,
  observed: Json,
): boolean {
  if (sameJson(after, observed)) return true
  const where = action.locate({ target, before, after, summary: '' }, observed, { marker: '' })
  return where.at === 'after'
}

/** Enough time for the calls of one apply; with less left before the deadline nothing is begun. */
export const APPLY_BUDGET_MS = 2 * CALL_TIMEOUT_MS + 1_000
