import * as z from 'zod'
import type { AnyAction } from '../actions/action.ts'
import type { Json } from '../json.ts'
import { duration, issue, name, onFailure, onLocked } from './fields.ts'
import { invocation, invocationShown, verbs } from './invocation.ts'
import type { Invocation } from './invocation.ts'
import { MAX_EXPRESSION_LENGTH, MAX_STEPS } from './limits.ts'
import type { Approve, CheckStep, OnFailure, OnLocked, Retry, WaitStep } from './runbook.ts'
import { approveForm, checkForm, retryForm, waitForm } from './step-parts.ts'

/** A step as its file has it: without the id that its place in the runbook gives it. */
export type StepDraft =
  | ActionDraft
  | (Omit<CheckStep, 'id'> & { readonly id?: string })
  | (Omit<WaitStep, 'id'> & { readonly id?: string })

export interface ActionDraft {
  readonly is: 'action'
  readonly id?: string
  readonly when?: string
  readonly onFailure: OnFailure
  readonly action: AnyAction
  readonly params: { readonly [name: string]: Json }
  /** As written, with their `${` and `}`; right or wrong. */
  readonly references: { readonly [name: string]: string }
  readonly approve?: Approve
  readonly retry: Retry
  readonly onLocked?: OnLocked
  readonly timeoutMs: number
}

const kindsOfStep = [...verbs, 'check', 'wait']

/**
 * The fields of a plain step. `valueOf` gives the schema of a verb's value: what parses it, or, for the editor, what
 * describes it.
 */
function stepShape(valueOf: (verb: string) => z.ZodType) {
  return {
    id: z
      .exactOptional(name)
      .describe('The name of the step, unique in the runbook. Default: the verb, with -2, -3 … for repeats.'),
    ...Object.fromEntries(verbs.map((verb) => [verb, valueOf(verb)])),
    check: z
      .exactOptional(checkForm)
      .describe('Is the symptom gone? Samples of the alarm or of a metric over time; no data is never good.'),
    wait: z.exactOptional(waitForm).describe('Wait this long, such as 5m.'),
    when: z
      .exactOptional(z.string().meta({ maxLength: MAX_EXPRESSION_LENGTH }))
      .describe(
        'A condition in CEL, such as service.canary.weight > 0; the step is skipped where it is false. Default: always.',
      ),
    approve: z
      .exactOptional(approveForm)
      .describe(
        'Ask before the step acts. Default: only a change that cannot be undone asks the team of policy.yaml for 15m.',
      ),
    retry: z
      .exactOptional(retryForm)
      .describe(
        'How often and how soon it is tried again when AWS refuses for the moment. Default 3 attempts, from 5s to 60s.',
      ),
    on_locked: z
      .exactOptional(onLocked)
      .describe(
        'When another execution is changing the same target: wait, within the timeout, or skip the step. Default wait.',
      ),
    timeout: z
      .exactOptional(duration({ minMs: 1_000, maxMs: 86_400_000 }))
      .describe(
        "How long the step may take until its change is seen to have landed. Default: the action's own.",
      ),
    on_failure: z
      .exactOptional(onFailure)
      .describe(
        'What a failure means: stop, continue with the next step, undo what was changed, or escalate to a person. Default: continue for actions, escalate for checks.',
      ),
  }
}

const exactlyOneStep = { oneOf: kindsOfStep.map((kind) => ({ required: [kind] })) }

/** A plain step. */
export const stepForm: z.ZodType<StepDraft> = z.strictObject(stepShape(invocation)).transform(draftStep)

type StepFields = {
  readonly [verb: string]: unknown
  readonly id?: string
  readonly when?: string
  readonly check?: z.output<typeof checkForm>
  readonly wait?: number
  readonly approve?: Approve
  readonly retry?: Retry
  readonly on_locked?: OnLocked
  readonly timeout?: number
  readonly on_failure?: OnFailure
}

function draftStep(untyped: unknown, context: z.RefinementCtx): StepDraft {
  const fields = untyped as StepFields
  const given = kindsOfStep.filter((kind) => fields[kind] !== undefined)
  const [kind, second] = given
  if (kind === undefined) {
    context.addIssue(
      issue('NO_ACTION', 'this step says nothing to do', {
        suggestion: `Give it one of: ${kindsOfStep.join(', ')}.`,
      }),
    )
    return z.NEVER
  }
  if (second !== undefined) {
    context.addIssue(
      issue('SEVERAL_ACTIONS', `a step does one thing, this one has ${given.join(' and ')}`, {
        path: [second],
        onKey: true,
        suggestion: 'Begin a new step with "- ", or put both under "parallel".',
      }),
    )
    return z.NEVER
  }
  const basics = {
    ...(fields.id === undefined ? {} : { id: fields.id }),
    ...(fields.when === undefined ? {} : { when: fields.when }),
  }
  const { check, wait } = fields
  if (check !== undefined || wait !== undefined) {
    for (const key of ['approve', 'retry', 'on_locked', 'timeout']) {
      if (fields[key] === undefined) continue
      context.addIssue(
        issue('NOT_ALLOWED_HERE', `"${key}" belongs to steps that act; this one is a ${kind}`, {
          path: [key],
          onKey: true,
        }),
      )
    }
    if (check !== undefined)
      return { is: 'check', ...basics, onFailure: fields.on_failure ?? 'escalate', ...check }
    return { is: 'wait', ...basics, onFailure: fields.on_failure ?? 'continue', forMs: wait ?? 0 }
  }
  const invoked = fields[kind] as Invocation
  if (invoked.action.effect === 'message' && fields.approve !== undefined) {
    context.addIssue(
      issue('NOT_ALLOWED_HERE', `"approve": ${kind} calls a person and never asks one first`, {
        path: ['approve'],
        onKey: true,
      }),
    )
  }
  if (invoked.action.effect === 'message' && fields.on_locked !== undefined) {
    context.addIssue(
      issue('NOT_ALLOWED_HERE', `"on_locked": ${kind} changes nothing that could be locked`, {
        path: ['on_locked'],
        onKey: true,
      }),
    )
  }
  return {
    ...actionDraft(invoked),
    ...basics,
    ...(fields.on_failure === undefined ? {} : { onFailure: fields.on_failure }),
    ...(fields.approve === undefined ? {} : { approve: fields.approve }),
    ...(fields.retry === undefined ? {} : { retry: fields.retry }),
    ...(fields.on_locked === undefined ? {} : { onLocked: fields.on_locked }),
    ...(fields.timeout === undefined ? {} : { timeoutMs: fields.timeout }),
  }
}

/** A step that says nothing but what to do. A failed one does not keep the next mitigation from being tried, and always pages. */
export function actionDraft({ action, params, references }: Invocation): ActionDraft {
  return {
    is: 'action',
    action,
    params,
    references,
    onFailure: 'continue',
    retry: retryForm.parse({}),
    ...(action.effect === 'message' ? {} : { onLocked: 'wait' as const }),
    timeoutMs: action.timing.timeoutMs,
  }
}

/** Steps that run at the same time: the mapping around them. The members are parsed one by one, so that all mistakes are found. */
export const parallelForm = z.strictObject({ parallel: z.array(z.unknown()).min(1).max(MAX_STEPS) })

/** One action of the short form: a verb, and nothing else. */
export const shortActionForm: z.ZodType<Invocation> = z
  .strictObject(Object.fromEntries(verbs.map((verb) => [verb, invocation(verb)])))
  .transform((fields, context): Invocation => {
    const given = Object.values(fields)
    if (given.length === 1) return given[0] as Invocation
    if (given.length === 0)
      context.addIssue(
        issue('NO_ACTION', 'this says nothing to do', { suggestion: `Give one of: ${verbs.join(', ')}.` }),
      )
    else
      context.addIssue(
        issue(
          'SEVERAL_ACTIONS',
          `one entry is one action, this one has ${Object.keys(fields).join(' and ')}`,
          { suggestion: 'Begin each with "- ".' },
        ),
      )
    return z.NEVER
  })

/** For the editor. */
export const stepShown = z.strictObject(stepShape(invocationShown)).meta(exactlyOneStep).describe('One step.')
export const parallelShown = z
  .strictObject({
    parallel: z
      .array(stepShown)
      .min(1)
      .max(MAX_STEPS)
      .describe('Steps that run at the same time; not nested.'),
  })
  .describe('Steps that run at the same time.')
export const shortActionShown = z
  .strictObject(Object.fromEntries(verbs.map((verb) => [verb, invocationShown(verb)])))
  .meta({ minProperties: 1, maxProperties: 1 })
  .describe('One action, usually in its compact form.')
