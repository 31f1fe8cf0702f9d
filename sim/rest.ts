import { isStill } from './alarms.ts'
import { isActive } from './applications.ts'
import { every, isEmpty } from './each.ts'
import { isServiceAtRest } from './ecs.ts'
import type { World } from './world.ts'

/** Whether no second until then changes anything: a quiet account need not live through each of them. */
export function isAtRest(world: World, untilMs: number): boolean {
  return (
    (world.script[0]?.atMs ?? Infinity) > untilMs &&
    isEmpty(world.sites) &&
    isEmpty(world.metrics) &&
    every(world.services, (service) => isServiceAtRest(world, service)) &&
    every(world.deployments, (deployment) => !isActive(deployment)) &&
    every(world.dnsChanges, ({ applied }) => applied) &&
    every(
      world.scalableTargets,
      ({ scheduled, tracking }) => tracking === undefined && (scheduled === undefined || isEmpty(scheduled)),
    ) &&
    every(world.alarms, isStill)
  )
}
