import type { Target, TargetResult } from '../actions/action.ts'
import { actionName } from '../actions/index.ts'
import { describe, never } from '../errors.ts'
import { factProbes } from '../probes/index.ts'
import { checkCondition } from './conditions.ts'
import { didYouMean, quoted } from './diagnostics.ts'
import { alwaysDeclared, stepFields } from './expressions.ts'
import type { Declared } from './expressions.ts'
import type { Path } from './places.ts'
import { checkReference } from './references.ts'
import type { Identified, World } from './resolve.ts'
import type { Service } from './runbook.ts'
import type { Source } from './source.ts'
import { staticTarget } from './static-target.ts'
import type { ActionDraft } from './steps.ts'

/** Holds what one step says against the service, the other files and the steps that stand `before` it. */
export function checkStep(
  source: Source,
  step: Identified,
  service: Service | undefined,
  before: readonly string[],
  world: World,
): void {
  const { draft, at } = step
  if (!draft) return
  const declared = service && declaredFor(service, before)
  if (draft.when !== undefined && declared) {
    for (const problem of checkCondition(draft.when, declared)) {
      const { code, message, start, end, suggestion } = problem
      source.report(code, [...at, 'when'], message, { within: { start, end }, suggestion })
    }
  }
  switch (draft.is) {
    case 'action':
      checkReferences(source, [...at, step.verb], draft, declared)
      return checkAction(source, step, draft, service, world)
    case 'check': {
      const { probe } = draft
      if (probe.is === 'metric' && service && !Object.hasOwn(service.metrics, probe.metric)) {
        const known = Object.keys(service.metrics)
        source.report(
          'UNKNOWN_METRIC',
          [...at, 'check', 'metric'],
          `the service ${service.name} has no metric ${quoted(probe.metric)}`,
          {
            suggestion:
              didYouMean(probe.metric, known) ?? `Add it under ${service.name}.metrics in services.yaml.`,
          },
        )
      }
      return
    }
    case 'wait':
      return
    default:
      never(draft)
  }
}

/** What an expression of this service may name behind these steps. */
function declaredFor(service: Service, stepsBefore: readonly string[]): Declared {
  const probed = factProbes.flatMap((probe) =>
    probe.paths(service).map((path) => [path, probe.fields] as const),
  )
  return {
    ...alwaysDeclared,
    ...Object.fromEntries(probed),
    ...Object.fromEntries(stepsBefore.map((id) => [`steps.${id}`, stepFields])),
  }
}

function checkReferences(
  source: Source,
  at: Path,
  { action, references }: ActionDraft,
  declared: Declared | undefined,
): void {
  for (const [name, text] of Object.entries(references)) {
    for (const problem of checkReference(text, action.references?.[name] ?? [], declared)) {
      const { code, message, start, end, suggestion } = problem
      source.report(code, [...at, name], message, { within: { start, end }, suggestion })
    }
  }
}

function checkAction(
  source: Source,
  step: Identified,
  draft: ActionDraft,
  service: Service | undefined,
  world: World,
): void {
  const at = [...step.at, step.verb]
  const member = (key: string): Path => (step.compact ? at : [...at, key])
  if (service) {
    const result = targetOf(draft, service)
    if (result.is === 'missing') {
      source.report('MISSING_MEMBER', at, result.message, {
        suggestion: `services.yaml: ${service.name}.${result.path}`,
      })
    }
    const most =
      world.policy && Object.hasOwn(world.policy.services, service.name)
        ? world.policy.services[service.name]?.maxCapacity
        : undefined
    const { max } = draft.params
    if (most !== undefined && typeof max === 'number' && max > most) {
      const place = world.policy?.places[`services.${service.name}.maxCapacity`] ?? 'policy.yaml'
      source.report(
        'OVER_POLICY',
        member('max'),
        `max is ${max}, but ${place} allows ${most} for ${service.name}`,
        {
          severity: 'warning',
          suggestion: `A step that would go beyond ${most} fails, and pages.`,
        },
      )
    }
  }
  for (const [key, value] of Object.entries(draft.params)) {
    const team = typeof value === 'string' ? /^oncall@(.+)$/.exec(value)?.[1] : undefined
    if (team !== undefined) checkTeam(source, member(key), team, world, `oncall@${team}`)
  }
  if (draft.approve)
    checkTeam(source, [...step.at, 'approve', 'by'], draft.approve.by, world, draft.approve.by)
}

function targetOf(draft: ActionDraft, service: Service): TargetResult<Target> {
  try {
    return staticTarget(draft.action, draft, service)
  } catch (error) {
    return {
      is: 'missing',
      path: '',
      message: `${actionName(draft.action)} cannot tell its target: ${describe(error)}`,
    }
  }
}

/** A service must be in services.yaml. */
export function checkService(
  source: Source,
  at: Path,
  service: string,
  { serviceNames }: Pick<World, 'serviceNames'>,
): void {
  if (serviceNames === undefined || serviceNames.has(service)) return
  source.report('UNKNOWN_SERVICE', at, `services.yaml has no service ${quoted(service)}`, {
    suggestion:
      didYouMean(service, serviceNames) ??
      `Services there: ${[...serviceNames].slice(0, 10).join(', ') || 'none'}.`,
  })
}

/** A team must be in oncall.yaml; `text` is how the place names it. */
export function checkTeam(
  source: Source,
  at: Path,
  team: string,
  world: Pick<World, 'teamNames'>,
  text: string,
): void {
  if (world.teamNames === undefined || world.teamNames.has(team)) return
  const meant = didYouMean(team, world.teamNames)
  source.report('UNKNOWN_TEAM', at, `${quoted(text)}: oncall.yaml has no team ${quoted(team)}`, {
    suggestion: meant ?? `Teams there: ${[...world.teamNames].slice(0, 10).join(', ') || 'none'}.`,
  })
}
