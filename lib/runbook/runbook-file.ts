import type * as z from 'zod'
import type { Json } from '../json.ts'
import { checkService } from './check-step.ts'
import { didYouMean, quoted } from './diagnostics.ts'
import { nameFrom } from './fields.ts'
import { matchGlob } from '../glob.ts'
import { verbs } from './invocation.ts'
import { parseForm } from './issues.ts'
import type { Problem } from './issues.ts'
import { MAX_STEPS } from './limits.ts'
import { memberOf, resolveRunbook } from './resolve.ts'
import type { PlacedNode, PlacedStep, RunbookDraft, World } from './resolve.ts'
import type { Runbook } from './runbook.ts'
import { runbookForm, shortForm } from './schema.ts'
import type { Path } from './places.ts'
import type { Source } from './source.ts'
import { actionDraft, parallelForm, shortActionForm, stepForm } from './steps.ts'
import type { StepDraft } from './steps.ts'

/** A runbook with the place where it is defined. */
export interface PlacedRunbook {
  readonly runbook: Runbook
  readonly source: Source
  readonly at: Path
  /** Where its name stands, which in the short form is the alert. */
  readonly nameAt: Path
}

/** All runbooks of one file: a list of short ones, or one in the long form. Reports every mistake into the source. */
export function readRunbookFile(source: Source, world: World): PlacedRunbook[] {
  const { value } = source
  if (value === undefined) return []
  if (Array.isArray(value)) {
    if (value.length === 0)
      source.report('EMPTY_FILE', [], 'the list is empty', {
        suggestion: 'Begin with "- alert: <name of the alarm>".',
      })
    return value.flatMap((entry: Json, index) => readShort(source, [index], entry, world) ?? [])
  }
  if (typeof value !== 'object' || value === null) {
    source.report('WRONG_TYPE', [], 'a runbook file holds a list (short form) or a mapping (long form)', {
      suggestion: 'Begin with "- alert: <name of the alarm>".',
    })
    return []
  }
  return readLong(source, value, world) ?? []
}

function readLong(source: Source, value: Json, world: World): PlacedRunbook[] | undefined {
  if (memberOf(value, 'alert') !== undefined && memberOf(value, 'runbook') === undefined) {
    source.report('WRONG_TYPE', [], 'the short form is a list', {
      suggestion: 'Begin with "- alert: ..." and indent the rest by two.',
    })
    return undefined
  }
  const errors = source.diagnostics.length
  const head = parse(source, [], runbookForm, value)
  const service = memberOf(value, 'service')
  const serviceName = typeof service === 'string' ? service : undefined
  if (serviceName !== undefined) checkService(source, ['service'], serviceName, world)
  const steps = memberOf(value, 'steps')
  // A list that is too long was reported as such; reading it all the same would only bury that.
  const raw = Array.isArray(steps) ? steps.slice(0, MAX_STEPS) : []
  const nodes = raw.map((node: Json, index) => placeNode(source, ['steps', index], node))
  const count = nodes.reduce((sum, node) => sum + (node.is === 'step' ? 1 : node.steps.length), 0)
  if (count > MAX_STEPS)
    source.report('TOO_MANY', ['steps'], `a runbook may have at most ${MAX_STEPS} steps, this has ${count}`)
  const undo = memberOf(memberOf(value, 'on_resolved'), 'undo')
  const ids =
    Array.isArray(undo) && undo.every((id) => typeof id === 'string')
      ? (undo as readonly string[])
      : undefined
  const draft = head && longDraft(head)
  const runbook = resolveRunbook(
    source,
    draft,
    serviceName,
    nodes,
    ids && { at: ['on_resolved', 'undo'], ids },
    world,
  )
  return runbook && !hasErrors(source, errors)
    ? [{ runbook, source, at: [], nameAt: ['runbook'] }]
    : undefined
}

function longDraft(head: z.output<typeof runbookForm>): RunbookDraft {
  const {
    hold_down,
    cooldown,
    keep_open,
    retry_budget,
    on_resolved,
    service: _service,
    steps: _steps,
    ...rest
  } = head
  return {
    ...rest,
    holdDownMs: hold_down,
    cooldownMs: cooldown,
    keepOpenMs: keep_open,
    retryBudget: retry_budget,
    ...(on_resolved === undefined ? {} : { onResolved: on_resolved }),
  }
}

function readShort(source: Source, at: Path, value: Json, world: World): PlacedRunbook[] | undefined {
  const errors = source.diagnostics.length
  const head = parse(source, at, shortForm, value)
  const actions = memberOf(value, 'actions')
  const raw = Array.isArray(actions) ? actions.slice(0, MAX_STEPS) : []
  const steps = raw.map((entry: Json, index) => placeShortAction(source, [...at, 'actions', index], entry))
  const alert = memberOf(value, 'alert')
  const serviceName =
    typeof alert === 'string' && alert !== ''
      ? serviceForAlert(source, [...at, 'alert'], alert, world)
      : undefined
  const name = typeof alert === 'string' ? nameFrom(alert) : undefined
  if (typeof alert === 'string' && alert !== '' && name === undefined) {
    source.report('BAD_FORMAT', [...at, 'alert'], `no name for the runbook can be made of ${quoted(alert)}`, {
      suggestion: 'Use the long form and give it a name.',
    })
  }
  const check = stepForm.parse({
    check: { alarm: 'ok', samples: 3, every: '30s', within: '15m' },
    on_failure: 'escalate',
  })
  const nodes: PlacedNode[] = [
    ...steps.map((step) => ({ is: 'step' as const, step })),
    { is: 'step', step: { at, draft: check, verb: 'check', id: undefined, compact: false } },
  ]
  const draft = head && name !== undefined ? shortDraft(head, name) : undefined
  const runbook = resolveRunbook(source, draft, serviceName, nodes, undefined, world)
  return runbook && !hasErrors(source, errors)
    ? [{ runbook, source, at, nameAt: [...at, 'alert'] }]
    : undefined
}

function shortDraft(head: z.output<typeof shortForm>, name: string): RunbookDraft {
  const { alert, actions: _actions, ...rest } = head
  // The defaults of the long form, from the one place that has them.
  const {
    summary: _summary,
    severity: _severity,
    ...defaults
  } = longDraft(
    runbookForm.parse({ runbook: name, service: 'any', triggers: [{ alarm: alert }], steps: [{}] }),
  )
  return { ...defaults, ...rest }
}

/** The service whose alarms match; a short runbook names none itself. */
function serviceForAlert(source: Source, at: Path, alert: string, world: World): string | undefined {
  if (world.serviceNames === undefined) return undefined
  const matching = [...world.services.values()].filter((service) =>
    service.alarms.some((glob) => matchGlob(glob, alert)),
  )
  if (matching.length === 1) return matching[0]?.name
  if (matching.length > 1) {
    const names = matching.map((service) => service.name)
    source.report(
      'SEVERAL_SERVICES_FOR_ALERT',
      at,
      `the alarms of ${names.join(' and ')} match ${quoted(alert)}`,
      {
        suggestion: `Narrow the globs under "alarms" in services.yaml, or use the long form with "service: ${names[0]}".`,
      },
    )
    return undefined
  }
  // A service whose entry is wrong may well be the one; its own mistakes come first.
  if (world.services.size === world.serviceNames.size) {
    source.report(
      'NO_SERVICE_FOR_ALERT',
      at,
      `no service in services.yaml has an alarm that matches ${quoted(alert)}`,
      {
        suggestion: `Add ${quoted(alert)} under "alarms" of its service in services.yaml, or use the long form with "service: <name>".`,
      },
    )
  }
  return undefined
}

function placeNode(source: Source, at: Path, value: Json): PlacedNode {
  const members = memberOf(value, 'parallel')
  if (members === undefined) return { is: 'step', step: placeStep(source, at, value) }
  parse(source, at, parallelForm, value)
  const raw = Array.isArray(members) ? members.slice(0, MAX_STEPS) : []
  return {
    is: 'parallel',
    steps: raw.map((member: Json, index) => placeStep(source, [...at, 'parallel', index], member)),
  }
}

function placeStep(source: Source, at: Path, value: Json): PlacedStep {
  const verb = [...verbs, 'check', 'wait'].find((kind) => memberOf(value, kind) !== undefined)
  const id = memberOf(value, 'id')
  if (memberOf(value, 'parallel') !== undefined) {
    source.report('NOT_ALLOWED_HERE', [...at, 'parallel'], '"parallel" cannot stand inside "parallel"', {
      onKey: true,
      suggestion: 'Put the steps into the outer list.',
    })
    return { at, draft: undefined, verb: 'parallel', id: undefined, compact: false }
  }
  const draft = parse(source, at, stepForm, value, (problem) =>
    unknownAction(problem, verb === undefined, [...verbs, 'check', 'wait', 'parallel']),
  )
  return placed(at, draft, verb, typeof id === 'string' ? id : undefined, value)
}

function placeShortAction(source: Source, at: Path, value: Json): PlacedStep {
  const verb = verbs.find((kind) => memberOf(value, kind) !== undefined)
  const invocation = parse(source, at, shortActionForm, value, (problem) => {
    if (problem.code !== 'UNKNOWN_KEY' || problem.path.length !== 1) return problem
    if (verb === undefined) return unknownAction(problem, true, verbs)
    return {
      ...problem,
      suggestion:
        'The short form knows only actions. Use the long form for anything more (see: firebreak lint --expand).',
    }
  })
  if (!invocation || verb === undefined) return placed(at, undefined, verb, undefined, value)
  return placed(at, actionDraft(invocation), verb, undefined, value)
}

function placed(
  at: Path,
  draft: StepDraft | undefined,
  verb: string | undefined,
  id: string | undefined,
  value: Json,
): PlacedStep {
  const own = draft?.is === 'action' ? draft.action.verb : draft?.is
  const key = own ?? verb ?? 'step'
  return { at, draft, verb: key, id: draft?.id ?? id, compact: typeof memberOf(value, key) === 'string' }
}

/** A key that no step knows, in a step that does nothing otherwise, was meant as a verb. */
function unknownAction(problem: Problem, nothingElse: boolean, known: readonly string[]): Problem {
  if (problem.code !== 'UNKNOWN_KEY' || problem.path.length !== 1 || !nothingElse) return problem
  const typed = String(problem.path[0])
  return {
    ...problem,
    code: 'UNKNOWN_ACTION',
    message: `there is no action ${quoted(typed)}`,
    suggestion: didYouMean(typed, known) ?? `Actions: ${known.join(', ')}.`,
  }
}

function parse<T>(
  source: Source,
  at: Path,
  form: z.ZodType<T>,
  value: Json,
  adjust: (problem: Problem) => Problem = (problem) => problem,
): T | undefined {
  const parsed = parseForm(form, value)
  if (parsed.is === 'value') return parsed.value
  for (const problem of parsed.problems) {
    const { code, path, message, ...options } = adjust(problem)
    source.report(code, [...at, ...path], message, options)
  }
  return undefined
}

function hasErrors(source: Source, from: number): boolean {
  return source.diagnostics.slice(from).some((diagnostic) => diagnostic.severity === 'error')
}
