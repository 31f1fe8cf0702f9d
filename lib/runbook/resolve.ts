import { actionName } from '../actions/index.ts'
import type { Json } from '../json.ts'
import { checkStep, checkTeam } from './check-step.ts'
import { didYouMean, quoted } from './diagnostics.ts'
import { expressionOf } from './references.ts'
import type { StepDraft } from './steps.ts'
import type { Approve, Policy, Runbook, Service, Step, StepNode, Trigger } from './runbook.ts'
import type { Path } from './places.ts'
import type { Source } from './source.ts'

/** What the other files say, as far as they could be read. */
export interface World {
  readonly services: ReadonlyMap<string, Service>
  /** Every name that services.yaml has, also where the entry is wrong; `undefined` where the file could not be read. */
  readonly serviceNames: ReadonlySet<string> | undefined
  readonly teamNames: ReadonlySet<string> | undefined
  readonly policy: Policy | undefined
}

/** A step with its place. `draft` is missing where the step is wrong; its id may be named all the same. */
export interface PlacedStep {
  readonly at: Path
  readonly draft: StepDraft | undefined
  /** The verb, `check` or `wait`: what the id is made of, and the key at which the step's value stands. */
  readonly verb: string
  readonly id: string | undefined
  /** Whether the value of the verb is compact text; then its members have no place of their own. */
  readonly compact: boolean
}

/** A plain step, or those that run at the same time. */
export type PlacedNode =
  | { readonly is: 'step'; readonly step: PlacedStep }
  | { readonly is: 'parallel'; readonly steps: readonly PlacedStep[] }

/** A runbook as its file has it, without what depends on the other files and on its own steps. */
export interface RunbookDraft extends Pick<
  Runbook,
  'runbook' | 'mode' | 'triggers' | 'holdDownMs' | 'cooldownMs' | 'keepOpenMs' | 'flapping' | 'retryBudget'
> {
  readonly summary?: string
  readonly severity?: Runbook['severity']
  readonly approve?: Approve
  readonly onResolved?: Omit<NonNullable<Runbook['onResolved']>, 'undo'> & {
    readonly undo?: readonly string[]
  }
}

/** How a runbook that leaves `on_resolved` out puts its changes back. */
const PUT_BACK = {
  afterMs: 15 * 60_000,
  stepPercent: 25,
  everyMs: 60_000,
  maxHold: { forMs: 24 * 3_600_000, atEnd: 'page' },
} as const

/** A step with the id that it was given or got. */
export type Identified = PlacedStep & { readonly stepId: string }

/**
 * Gives every step its id and its defaults, and checks everything that one step says against the rest of the runbook and
 * against the other files. Reports into the source; gives no runbook where `draft` is missing.
 */
export function resolveRunbook(
  source: Source,
  draft: RunbookDraft | undefined,
  serviceName: string | undefined,
  nodes: readonly PlacedNode[],
  undo: { readonly at: Path; readonly ids: readonly string[] } | undefined,
  world: World,
): Runbook | undefined {
  const identified = identify(nodes)
  const all = identified.flatMap((node) => node.steps)
  for (const step of all) {
    const twin = all.find((other) => other.stepId === step.stepId)
    if (twin !== step) {
      source.report(
        'DUPLICATE_STEP_ID',
        [...step.at, 'id'],
        `another step has the id ${quoted(step.stepId)}`,
        { suggestion: 'Each id names one step.' },
      )
    }
  }
  const service = serviceName === undefined ? undefined : world.services.get(serviceName)
  const before: string[] = []
  for (const { steps } of identified) {
    for (const step of steps) checkStep(source, step, service, before, world)
    before.push(...steps.map((step) => step.stepId))
  }
  checkUndo(source, undo, all)
  if (draft?.approve) checkTeam(source, ['approve', 'by'], draft.approve.by, world, draft.approve.by)
  if (!draft || serviceName === undefined) return undefined
  const team = world.policy?.escalateTo.slice('oncall@'.length)
  const made = identified.map((node): StepNode | undefined => {
    const steps = node.steps.flatMap((step) => (step.draft ? [finish(step.draft, step.stepId, team)] : []))
    return node.parallel ? { is: 'parallel', steps } : steps[0]
  })
  const { summary, severity, onResolved, ...rest } = draft
  const putBack = onResolvedOf(onResolved, all)
  return {
    ...rest,
    summary: summary ?? summaryOf(draft.triggers),
    service: serviceName,
    severity: severity ?? service?.severity ?? 'sev2',
    steps: made.filter((node) => node !== undefined),
    ...(putBack === undefined ? {} : { onResolved: putBack }),
  }
}

/** Ids as given; else the verb, with -2, -3 ... where it is taken. Given ids are taken first, wherever they stand. */
function identify(nodes: readonly PlacedNode[]): { parallel: boolean; steps: Identified[] }[] {
  const taken = new Set(
    nodes.flatMap((node) => (node.is === 'step' ? [node.step] : node.steps)).flatMap((step) => step.id ?? []),
  )
  const name = (step: PlacedStep): Identified => {
    if (step.id !== undefined) return { ...step, stepId: step.id }
    let stepId = step.verb
    for (let repeat = 2; taken.has(stepId); repeat++) stepId = `${step.verb}-${repeat}`
    taken.add(stepId)
    return { ...step, stepId }
  }
  return nodes.map((node) =>
    node.is === 'step'
      ? { parallel: false, steps: [name(node.step)] }
      : { parallel: true, steps: node.steps.map(name) },
  )
}

function finish(draft: StepDraft, id: string, team: string | undefined): Step {
  if (draft.is !== 'action') return { ...draft, id }
  const { action, references: written, ...rest } = draft
  const references = Object.entries(written).map(([name, text]) => [name, expressionOf(text) ?? ''] as const)
  const asks = rest.approve === undefined && action.effect === 'irreversible' && team !== undefined
  return {
    ...rest,
    id,
    action: actionName(action),
    ...(references.length === 0 ? {} : { references: Object.fromEntries(references) }),
    ...(asks ? { approve: { by: team, timeoutMs: 15 * 60_000, onTimeout: 'escalate' as const } } : {}),
  }
}

function onResolvedOf(
  given: RunbookDraft['onResolved'],
  steps: readonly Identified[],
): Runbook['onResolved'] {
  const byDefault = steps.flatMap(({ draft, stepId }) =>
    draft?.is === 'action' && draft.action.undoneByDefault ? [stepId] : [],
  )
  const undo = given?.undo ?? byDefault
  return undo.length === 0 ? undefined : { ...PUT_BACK, ...given, undo }
}

/** One sentence for runbooks that bring none. */
export function summaryOf(triggers: readonly Trigger[]): string {
  const alarms = triggers.flatMap((trigger) => (trigger.is === 'alarm' ? [trigger.glob] : []))
  if (alarms.length > 0)
    return `Answers the alarm${alarms.length > 1 ? 's' : ''} ${alarms.join(', ')}.`.slice(0, 500)
  return triggers.length > 0 ? 'Answers events that match its pattern.' : 'Started by people.'
}

function checkUndo(
  source: Source,
  undo: { at: Path; ids: readonly string[] } | undefined,
  steps: readonly Identified[],
): void {
  for (const [index, id] of (undo?.ids ?? []).entries()) {
    const at = [...(undo?.at ?? []), index]
    const step = steps.find((candidate) => candidate.stepId === id)
    if (!step) {
      const known = steps.map((candidate) => candidate.stepId)
      source.report('UNKNOWN_STEP_ID', at, `no step has the id ${quoted(id)}`, {
        suggestion: didYouMean(id, known) ?? `Ids here: ${known.join(', ')}.`,
      })
    } else if (step.draft && (step.draft.is !== 'action' || step.draft.action.undo === undefined)) {
      source.report('NOT_REVERSIBLE', at, `the step ${quoted(id)} (${step.verb}) cannot be undone`, {
        suggestion: 'Leave it out of undo.',
      })
    } else if (undo?.ids.indexOf(id) !== index) {
      source.report('WRONG_VALUE', at, `${quoted(id)} stands here twice`, {
        suggestion: 'Name each step once.',
      })
    }
  }
}

/** A member of a value that is a mapping, where it has it. */
export function memberOf(value: Json | undefined, key: string): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key)
    ? (value as { readonly [key: string]: Json })[key]
    : undefined
}
