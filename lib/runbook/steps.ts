import * as z from 'zod'
import type { AnyAction } from '../actions/action.ts'
import { actionFor, actions } from '../actions/index.ts'
import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import { duration, issue, name, onFailure, onTimeout } from './fields.ts'
import { parseForm } from './issues.ts'
import type { Problem } from './issues.ts'
import { MAX_ATTEMPTS, MAX_COMPACT_LENGTH, MAX_CONDITION_LENGTH, MAX_SAMPLES, MAX_STEPS, MIN_SAMPLE_EVERY_MS } from './limits.ts'
import type { Approve, CheckStep, OnFailure, Retry, WaitStep } from './runbook.ts'

/** A step as its file has it: without the id that its place in the runbook gives it. */
export type StepDraft = ActionDraft | (Omit<CheckStep, 'id'> & { readonly id?: string }) | (Omit<WaitStep, 'id'> & { readonly id?: string })

export interface ActionDraft {
  readonly is: 'action'
  readonly id?: string
  readonly when?: string
  readonly onFailure: OnFailure
  readonly action: AnyAction
  readonly params: { readonly [name: string]: Json }
  readonly approve?: Approve
  readonly retry: Retry
  readonly timeoutMs: number
}

/** A step's verb, with the action that its value means. */
export interface Invocation {
  readonly action: AnyAction
  readonly params: { readonly [name: string]: Json }
}

export const approveForm = z
  .strictObject({
    by: name.describe('The team of oncall.yaml that is asked; one answer decides.'),
    timeout: duration({ minMs: 10_000 }).prefault('15m').describe('How long the question stands. Default 15m.'),
    on_timeout: onTimeout
      .prefault('escalate')
      .describe('What silence means: skip the step, stop the execution, or escalate to a person. Never that the change is applied. Default escalate.'),
  })
  .transform(({ by, timeout, on_timeout }) => ({ by, timeoutMs: timeout, onTimeout: on_timeout }))

export const retryForm = z
  .strictObject({
    attempts: z.int().min(1).max(MAX_ATTEMPTS).prefault(3).describe('Attempts in all, the first included. Default 3.'),
    backoff: duration({ maxMs: 3_600_000 }).prefault('5s').describe('The longest wait before the second attempt; doubles with each further one. Default 5s.'),
    max_backoff: duration({ maxMs: 3_600_000 }).prefault('60s').describe('No wait is longer than this. Default 60s.'),
  })
  .transform(({ attempts, backoff, max_backoff }) => ({ attempts, backoffMs: backoff, maxBackoffMs: max_backoff }))

const COMPARISONS = ['below', 'at_most', 'above', 'at_least'] as const
const threshold = (words: string) => z.exactOptional(z.number()).describe(`The metric must be ${words} this number to be good.`)

export const checkForm = z
  .strictObject({
    alarm: z.exactOptional(z.literal('ok')).describe('The state that the alarm which started this must have: ok.'),
    metric: z.exactOptional(name).describe("A name under the service's metrics in services.yaml; with one of below, at_most, above, at_least."),
    below: threshold('less than'),
    at_most: threshold('less than or equal to'),
    above: threshold('greater than'),
    at_least: threshold('greater than or equal to'),
    samples: z.int().min(1).max(MAX_SAMPLES).prefault(3).describe('Good samples in a row that make it pass. Default 3.'),
    every: duration({ minMs: MIN_SAMPLE_EVERY_MS, maxMs: 3_600_000 }).prefault('30s').describe('The time between two samples. Default 30s.'),
    within: duration({ minMs: MIN_SAMPLE_EVERY_MS }).prefault('10m').describe('When it has not passed after this long it has failed. Default 10m.'),
  })
  .meta({
    oneOf: [{ required: ['alarm'] }, ...COMPARISONS.map((comparison) => ({ required: ['metric', comparison] }))],
  })
  .transform((form, context) => {
    const given = COMPARISONS.filter((comparison) => form[comparison] !== undefined)
    const wrong = (message: string, path: string[] = []): void => context.addIssue(issue('WRONG_VALUE', message, { path, onKey: true }))
    if ((form.samples - 1) * form.every > form.within) {
      context.addIssue(issue('OUT_OF_RANGE', 'too short for that many samples at that interval: it could never pass', { path: ['within'] }))
    }
    const rest = { samples: form.samples, everyMs: form.every, withinMs: form.within }
    if (form.alarm !== undefined) {
      for (const extra of form.metric === undefined ? given : ['metric']) wrong(`a check is about the alarm or about a metric: "alarm" and "${extra}" cannot stand together`, [extra])
      return { probe: { is: 'alarm' as const, state: form.alarm }, ...rest }
    }
    const [comparison, second] = given
    if (form.metric === undefined) {
      wrong('a check says "alarm: ok", or "metric: <name>" with one of below, at_most, above, at_least')
      return z.NEVER
    }
    if (second !== undefined) wrong(`only one of ${COMPARISONS.join(', ')} can be given`, [second])
    const than = comparison === undefined ? undefined : form[comparison]
    if (comparison === undefined || than === undefined) {
      wrong(`with a metric, one of ${COMPARISONS.join(', ')} must be given`)
      return z.NEVER
    }
    return { probe: { is: 'metric' as const, metric: form.metric, comparison, than }, ...rest }
  })

const waitForm = duration({ minMs: 1_000 })

export const verbs: readonly string[] = [...new Set(actions.map((action) => action.verb))]
const kindsOfStep = [...verbs, 'check', 'wait']

/**
 * The fields of a plain step. `valueOf` gives the schema of a verb's value: what parses it, or, for the editor, what
 * describes it.
 */
function stepShape<V extends z.ZodType>(valueOf: (verb: string) => V) {
  return {
    id: z.exactOptional(name).describe('The name of the step, unique in the runbook. Default: the verb, with -2, -3 … for repeats.'),
    ...Object.fromEntries(verbs.map((verb) => [verb, valueOf(verb)])),
    check: z.exactOptional(checkForm).describe('Is the symptom gone? Samples of the alarm or of a metric over time; no data is never good.'),
    wait: z.exactOptional(waitForm).describe('Wait this long, such as 5m.'),
    when: z
      .exactOptional(z.string().meta({ maxLength: MAX_CONDITION_LENGTH }))
      .describe('A condition in CEL, such as service.canary.weight > 0; the step is skipped where it is false. Default: always.'),
    approve: z.exactOptional(approveForm).describe('Ask before the step acts. Default: only a change that cannot be undone asks the team of policy.yaml for 15m.'),
    retry: z.exactOptional(retryForm).describe('How often and how soon it is tried again when AWS refuses for the moment. Default 3 attempts, from 5s to 60s.'),
    timeout: z
      .exactOptional(duration({ minMs: 1_000, maxMs: 86_400_000 }))
      .describe("How long the step may take until its change is seen to have landed. Default: the action's own."),
    on_failure: z
      .exactOptional(onFailure)
      .describe('What a failure means: stop, continue with the next step, undo what was changed, or escalate to a person. Default: continue for actions, escalate for checks.'),
  }
}

/** The value of one verb: compact text or the long form; what comes out is the action with its parameters. */
function invocation(verb: string) {
  return z.exactOptional(
    z.unknown().transform((value, context): Invocation => {
      const parsed = parseInvocation(verb, value)
      if (!Array.isArray(parsed)) return parsed as Invocation
      for (const { path, message, ...params } of parsed as readonly Problem[]) {
        context.addIssue({ code: 'custom', path: [...path], message, params })
      }
      return z.NEVER
    }),
  )
}

/** Reads a verb's value, or says all that is wrong with it. */
export function parseInvocation(verb: string, value: unknown): Invocation | readonly Problem[] {
  const candidates = actions.filter((action) => action.verb === verb)
  const kinds = candidates.map((action) => action.kind).join(' | ')
  if (typeof value === 'string') {
    if (value.length > MAX_COMPACT_LENGTH) {
      return [{ code: 'TOO_LONG', path: [], message: `a compact form has at most ${MAX_COMPACT_LENGTH} characters, this has ${value.length}` }]
    }
    const kind = /\S+/.exec(value)?.[0] ?? ''
    const action = actionFor(verb, { [kind]: true })
    if (!action) return [{ code: 'BAD_COMPACT_FORM', path: [], message: `${verb} must begin with ${kinds}`, within: { start: 0, end: kind.length } }]
    return parseCompact(action, value)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const grammar = candidates.map((action) => action.shorthand.grammar).join(' | ')
    return [{ code: 'WRONG_TYPE', path: [], message: `"${verb}" expects a text or a mapping`, suggestion: `Write ${verb}: ${grammar}` }]
  }
  const action = actionFor(verb, value as { [key: string]: unknown })
  if (!action) return [{ code: 'WRONG_VALUE', path: [], message: `${verb} needs one of the keys ${kinds}` }]
  return parseParams(action, value)
}

function parseCompact(action: AnyAction, value: string): Invocation | readonly Problem[] {
  let parsed: ReturnType<AnyAction['shorthand']['parse']>
  try {
    parsed = action.shorthand.parse(value)
  } catch {
    parsed = { is: 'problem', message: 'this cannot be read', start: 0, end: value.length }
  }
  if (parsed.is === 'params') return parseParams(action, parsed.params)
  const { message, start, end, suggestion } = parsed
  const help = suggestion === undefined ? `The form is: ${action.shorthand.grammar}` : `Write ${action.verb}: ${suggestion}`
  return [{ code: 'BAD_COMPACT_FORM', path: [], message: `${quoted(value)}: ${message}`, within: { start, end }, suggestion: help }]
}

function parseParams(action: AnyAction, value: unknown): Invocation | readonly Problem[] {
  const parsed = parseForm(action.params as z.ZodType<Invocation['params']>, value)
  if (parsed.is === 'problems') return parsed.problems
  // Optional members that a schema fills with `undefined` do not survive the ledger; they are left out here already.
  return { action, params: JSON.parse(JSON.stringify(parsed.value)) as Invocation['params'] }
}

/** For the editor: the compact form as a text, or the long form of any action of the verb. */
function invocationShown(verb: string) {
  const candidates = actions.filter((action) => action.verb === verb)
  const grammar = candidates.map((action) => action.shorthand.grammar).join(' | ')
  const compact = z.string().max(MAX_COMPACT_LENGTH).describe(`Compact form: ${grammar}`)
  const long = candidates.map((action) => (action.params as z.ZodType).describe(action.summary))
  return z.exactOptional(z.union([compact, ...long])).describe(`${candidates.map((action) => action.summary).join(' ')} Compact form: ${grammar}`)
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
  readonly timeout?: number
  readonly on_failure?: OnFailure
}

function draftStep(untyped: unknown, context: z.RefinementCtx): StepDraft {
  const fields = untyped as StepFields
  const given = kindsOfStep.filter((kind) => fields[kind] !== undefined)
  const [kind, second] = given
  if (kind === undefined) {
    context.addIssue(issue('NO_ACTION', 'this step says nothing to do', { suggestion: `Give it one of: ${kindsOfStep.join(', ')}.` }))
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
    for (const key of ['approve', 'retry', 'timeout']) {
      if (fields[key] === undefined) continue
      context.addIssue(issue('NOT_ALLOWED_HERE', `"${key}" belongs to steps that act; this one is a ${kind}`, { path: [key], onKey: true }))
    }
    if (check !== undefined) return { is: 'check', ...basics, onFailure: fields.on_failure ?? 'escalate', ...check }
    return { is: 'wait', ...basics, onFailure: fields.on_failure ?? 'continue', forMs: wait ?? 0 }
  }
  const invoked = fields[kind] as Invocation
  if (invoked.action.effect === 'message' && fields.approve !== undefined) {
    context.addIssue(issue('NOT_ALLOWED_HERE', `"approve": ${kind} calls a person and never asks one first`, { path: ['approve'], onKey: true }))
  }
  return {
    ...actionDraft(invoked),
    ...basics,
    ...(fields.on_failure === undefined ? {} : { onFailure: fields.on_failure }),
    ...(fields.approve === undefined ? {} : { approve: fields.approve }),
    ...(fields.retry === undefined ? {} : { retry: fields.retry }),
    ...(fields.timeout === undefined ? {} : { timeoutMs: fields.timeout }),
  }
}

/** A step that says nothing but what to do. A failed one does not keep the next mitigation from being tried, and always pages. */
export function actionDraft({ action, params }: Invocation): ActionDraft {
  return { is: 'action', action, params, onFailure: 'continue', retry: retryForm.parse({}), timeoutMs: action.timing.timeoutMs }
}

/** Steps that run at the same time: the mapping around them. The members are parsed one by one, so that all mistakes are found. */
export const parallelForm = z.strictObject({ parallel: z.array(z.unknown()).min(1).max(MAX_STEPS) })

/** One action of the short form: a verb, and nothing else. */
export const shortActionForm: z.ZodType<Invocation> = z
  .strictObject(Object.fromEntries(verbs.map((verb) => [verb, invocation(verb)])))
  .transform((fields, context): Invocation => {
    const given = Object.values(fields)
    if (given.length === 1) return given[0] as Invocation
    if (given.length === 0) context.addIssue(issue('NO_ACTION', 'this says nothing to do', { suggestion: `Give one of: ${verbs.join(', ')}.` }))
    else context.addIssue(issue('SEVERAL_ACTIONS', `one entry is one action, this one has ${Object.keys(fields).join(' and ')}`, { suggestion: 'Begin each with "- ".' }))
    return z.NEVER
  })

/** For the editor. */
export const stepShown = z.strictObject(stepShape(invocationShown)).meta(exactlyOneStep).describe('One step.')
export const parallelShown = z
  .strictObject({ parallel: z.array(stepShown).min(1).max(MAX_STEPS).describe('Steps that run at the same time; not nested.') })
  .describe('Steps that run at the same time.')
export const shortActionShown = z
  .strictObject(Object.fromEntries(verbs.map((verb) => [verb, invocationShown(verb)])))
  .meta({ minProperties: 1, maxProperties: 1 })
  .describe('One action, usually in its compact form.')
