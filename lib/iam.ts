import type { Statement } from './actions/action.ts'
import { findAction } from './actions/index.ts'
import { channelPermissions } from './channels/index.ts'
import { canonical } from './json.ts'
import { secretPermissions } from './secrets.ts'
import { factProbes } from './probes/index.ts'
import {
  stepsOf,
  type ActionStep,
  type Catalogue,
  type Runbook,
  type Service,
  type Step,
} from './runbook/runbook.ts'
import { staticTarget } from './runbook/static-target.ts'

const DESCRIBE_ALARMS: Statement = {
  actions: ['cloudwatch:DescribeAlarms'],
  resources: ['*'],
  reason: 'composite alarms can be described with the resource * only',
}

const GET_METRIC_DATA: Statement = {
  actions: ['cloudwatch:GetMetricData'],
  resources: ['*'],
  reason: 'reading metrics knows neither resources nor a namespace condition',
}

/**
 * What the engine needs in its own account, and nothing else (G10): the union of what the runbooks' actions, conditions,
 * references, checks and people's channels declare, merged and sorted. For a service with a `roleArn` that is the right to assume the
 * role; what the role itself needs is `derivePermissionsOf`. Throws where a runbook names an action, service or target
 * that lint would have refused.
 */
export function derivePermissions(catalogue: Catalogue): readonly Statement[] {
  const own = catalogue.runbooks.filter((runbook) => serviceOf(catalogue, runbook).roleArn === undefined)
  const roles = catalogue.runbooks.flatMap((runbook) => serviceOf(catalogue, runbook).roleArn ?? [])
  return mergeStatements([
    DESCRIBE_ALARMS,
    ...own.flatMap((runbook) => workOf(catalogue, runbook)),
    ...peopleOf(catalogue),
    ...secretPermissions(catalogue.slack ? [catalogue.slack.signingSecret, catalogue.slack.token] : []),
    ...secretPermissions(Object.values(catalogue.hooks ?? {}).map(({ secret }) => secret)),
    ...roles.map((role) => ({ actions: ['sts:AssumeRole'], resources: [role] })),
  ])
}

/** What a role that the engine assumes for a service elsewhere needs there; nothing where no runbook uses the role. */
export function derivePermissionsOf(catalogue: Catalogue, roleArn: string): readonly Statement[] {
  const work = catalogue.runbooks
    .filter((runbook) => serviceOf(catalogue, runbook).roleArn === roleArn)
    .flatMap((runbook) => workOf(catalogue, runbook))
  return mergeStatements(work.length === 0 ? [] : [DESCRIBE_ALARMS, ...work])
}

function serviceOf(catalogue: Catalogue, runbook: Runbook): Service {
  const service = catalogue.services[runbook.service]
  if (!service) throw new Error(`runbook ${runbook.runbook}: services.yaml has no service ${runbook.service}`)
  return service
}

function actionStepsOf(runbook: Runbook): readonly ActionStep[] {
  return stepsOf(runbook).filter((step) => step.is === 'action')
}

/** What a runbook's steps call in its service's account. */
function workOf(catalogue: Catalogue, runbook: Runbook): readonly Statement[] {
  const service = serviceOf(catalogue, runbook)
  return stepsOf(runbook).flatMap((step) => [
    ...factsOf(step, service),
    ...(step.is === 'check' && step.probe.is === 'metric' ? [GET_METRIC_DATA] : []),
    ...(step.is === 'action' ? actionOf(step, runbook, service).permissions : []),
  ])
}

/** What the facts that a step's condition and references name are read by. */
function factsOf(step: Step, service: Service): readonly Statement[] {
  const references = step.is === 'action' ? Object.values(step.references ?? {}) : []
  const expressions = step.when === undefined ? references : [step.when, ...references]
  return factProbes
    .filter((probe) => probe.paths(service).some((path) => expressions.some((one) => names(one, path))))
    .flatMap((probe) => probe.permissions(service))
}

/** Whether the path stands in the expression; also within a text literal, which grants a read too many at worst. */
function names(expression: string, path: string): boolean {
  const at = (from: number): boolean => {
    const start = expression.indexOf(path, from)
    if (start === -1) return false
    const beside = `${expression[start - 1] ?? ' '}${expression[start + path.length] ?? ' '}`
    return !/[A-Za-z0-9_]/.test(beside) || at(start + 1)
  }
  return at(0)
}

function actionOf(step: ActionStep, runbook: Runbook, service: Service) {
  const place = `runbook ${runbook.runbook}, step ${step.id}`
  const action = findAction(step.action)
  if (!action) throw new Error(`${place}: this version has no action ${step.action}`)
  const result = staticTarget(action, step, service)
  if (result.is === 'missing') throw new Error(`${place}: ${result.message}`)
  const { team } = result.target as unknown as { readonly team?: unknown }
  return {
    permissions: action.permissions(result.target),
    // Only messages go to people; what they need depends on the channels in oncall.yaml.
    teams: action.effect === 'message' && typeof team === 'string' ? [team] : [],
  }
}

/** What it takes to reach everybody who may be called: by a step, for an approval, or when we stop deciding. */
function peopleOf(catalogue: Catalogue): readonly Statement[] {
  const named = catalogue.runbooks.flatMap((runbook) => [
    ...(runbook.approve ? [runbook.approve.by] : []),
    ...actionStepsOf(runbook).flatMap((step) => [
      ...actionOf(step, runbook, serviceOf(catalogue, runbook)).teams,
      ...(step.approve ? [step.approve.by] : []),
    ]),
  ])
  const teams = new Set([...named, catalogue.policy.escalateTo].map((name) => name.replace(/^oncall@/, '')))
  return [...teams].flatMap((name) => {
    const team = catalogue.teams[name]
    if (!team) throw new Error(`oncall.yaml has no team ${name}`)
    return channelPermissions(team)
  })
}

/**
 * The same permissions in the fewest statements, in an order that depends on their content only. Nothing is widened: two
 * statements become one only where every action of both already had every resource of both.
 */
export function mergeStatements(statements: readonly Statement[]): readonly Statement[] {
  const byAction = new Map<string, Grant>()
  for (const statement of statements) {
    for (const action of statement.actions) add(byAction, action, statement)
  }
  const byResources = new Map<string, Statement>()
  for (const grant of byAction.values()) {
    const resources = grant.resources.has('*') ? ['*'] : [...grant.resources].sort()
    const key = canonical([resources, grant.condition, grant.reason])
    const { condition, reason } = grant
    byResources.set(key, {
      actions: [...(byResources.get(key)?.actions ?? []), grant.action].sort(),
      resources,
      ...(condition === undefined ? {} : { condition }),
      ...(reason === undefined ? {} : { reason }),
    })
  }
  return [...byResources.values()].sort((a, b) => (canonical(a) < canonical(b) ? -1 : 1))
}

interface Grant {
  readonly action: string
  readonly resources: Set<string>
  readonly condition: Statement['condition']
  reason: string | undefined
}

function add(
  byAction: Map<string, Grant>,
  action: string,
  { resources, condition, reason }: Statement,
): void {
  const key = canonical([action, condition])
  const grant = byAction.get(key) ?? { action, resources: new Set<string>(), condition, reason: undefined }
  for (const resource of resources) grant.resources.add(resource)
  if (reason !== undefined && (grant.reason === undefined || reason < grant.reason)) grant.reason = reason
  if (grant.resources.has('*') && grant.reason === undefined) {
    throw new Error(
      `${action} is asked for on every resource without a reason why nothing narrower is to be had`,
    )
  }
  byAction.set(key, grant)
}
