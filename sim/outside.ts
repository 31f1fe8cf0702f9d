import { never } from '../lib/errors.ts'
import { normalName } from './dns.ts'
import { setDesired, startRollout, taskDefinitionArn } from './ecs.ts'
import { ecsAppSpec, isActive } from './applications.ts'
import { openDeployment } from './deployments.ts'
import { nextUuid } from './chance.ts'
import type { Build, EcsService, Sim, World } from './world.ts'

/** What somebody else does to the account: colleagues, pipelines, customers, the hardware. Plain data, so it can be scripted. */
export type OutsideAct =
  | { readonly is: 'set-desired'; readonly service: string; readonly desired: number }
  /** What a scaling policy does: it moves the count, and never out of the range of the scalable target. */
  | { readonly is: 'autoscale'; readonly service: string; readonly desired: number }
  /** How many tasks there is room for; null lifts the limit. */
  | { readonly is: 'set-room'; readonly service: string; readonly tasks: number | null }
  /** A new task definition straight on an ECS service, as a pipeline does on a canary. */
  | { readonly is: 'set-task-definition'; readonly service: string; readonly taskDefinition: string }
  | {
      readonly is: 'set-weight'
      readonly zone: string
      readonly name: string
      readonly set: string
      readonly weight: number
    }
  | { readonly is: 'set-load'; readonly site: string; readonly rps: number }
  | { readonly is: 'set-health'; readonly healthCheck: string; readonly healthy: boolean }
  /** A deployment of an ECS group by a pipeline; `build` describes what it deploys, where the account does not know it yet. */
  | {
      readonly is: 'deploy'
      readonly application: string
      readonly group: string
      readonly taskDefinition: string
      readonly build?: Build
      readonly description?: string
    }
  | { readonly is: 'set-alarm-actions'; readonly alarm: string; readonly enabled: boolean }
  | { readonly is: 'mute'; readonly alarm: string; readonly forMs: number }

/** Does it at once, past the API and its rules. Throws an error that says what there is where a name is unknown. */
export function actOutside(sim: Sim, act: OutsideAct): void {
  const { world } = sim
  switch (act.is) {
    case 'set-desired':
      setDesired(world, serviceOf(world, act.service), act.desired)
      return
    case 'autoscale': {
      const { min, max } = known(world.scalableTargets, `service/${act.service}`, 'scalable target')
      setDesired(world, serviceOf(world, act.service), Math.min(max, Math.max(min, act.desired)))
      return
    }
    case 'set-room': {
      const service = serviceOf(world, act.service)
      if (act.tasks === null) delete service.placeable
      else service.placeable = act.tasks
      return
    }
    case 'set-task-definition':
      startRollout(world, serviceOf(world, act.service), taskDefinitionArn(world, act.taskDefinition))
      return
    case 'set-weight':
      setWeight(world, act)
      return
    case 'set-load':
      known(world.sites, act.site, 'site').rps = act.rps
      return
    case 'set-health':
      world.healthChecks[act.healthCheck] = { healthy: act.healthy }
      return
    case 'deploy':
      deploy(sim, act)
      return
    case 'set-alarm-actions':
      known(world.alarms, act.alarm, 'alarm').actionsEnabled = act.enabled
      return
    case 'mute':
      known(world.alarms, act.alarm, 'alarm').mute = {
        arn: `arn:aws:cloudwatch:${world.region}:${world.account}:alarm-mute-rule:maintenance`,
        fromMs: world.nowMs,
        untilMs: world.nowMs + act.forMs,
      }
      return
    default:
      never(act)
  }
}

function setWeight(world: World, act: Extract<OutsideAct, { is: 'set-weight' }>): void {
  const zone = known(world.zones, act.zone, 'hosted zone')
  for (const records of [zone.records, zone.served]) {
    for (const record of records) {
      if (record.Name === normalName(act.name) && record.SetIdentifier === act.set) record.Weight = act.weight
    }
  }
}

function deploy(sim: Sim, act: Extract<OutsideAct, { is: 'deploy' }>): void {
  const { world } = sim
  const application = known(world.applications, act.application, 'application')
  const group = known(application.groups, act.group, 'deployment group')
  const active = Object.values(world.deployments).find(
    (other) => other.application === act.application && other.group === act.group && isActive(other),
  )
  if (active) throw new Error(`${act.application}/${act.group} has the active deployment ${active.id}`)
  const arn = `arn:aws:ecs:${world.region}:${world.account}:task-definition/${act.taskDefinition.split('/').pop()}`
  if (act.build) world.builds[arn] = act.build
  openDeployment(sim, application, group, ecsAppSpec(taskDefinitionArn(world, arn)), {
    creator: 'user',
    mode: 'DEFAULT',
    description: act.description ?? `pipeline run ${nextUuid(world, 'pipeline').slice(0, 8)}`,
    configName: group.configName,
    ignoreStopFailures: false,
    autoRollback: group.autoRollback,
  })
}

function serviceOf(world: World, key: string): EcsService {
  return known(world.services, key, 'service')
}

function known<T>(from: { readonly [name: string]: T }, name: string, kind: string): T {
  const value = from[name]
  if (value === undefined) {
    throw new Error(`the account has no ${kind} "${name}"; it has: ${Object.keys(from).join(', ') || 'none'}`)
  }
  return value
}
