import type { Calls } from '../lib/aws/aws.ts'
import type { Answer } from './calls.ts'
import { need, refuse } from './refusal.ts'
import type { EcsService, Sim, World } from './world.ts'

/** From RUNNING until the load balancer has found a task healthy often enough. */
const HEALTH_CHECKS_MS = 10_000
const PORT = 8080

/** The ARN of a service's target group; without one it stands behind no load balancer. */
export function targetGroupArn(world: World, service: EcsService): string | undefined {
  if (service.targetGroup === undefined) return undefined
  return `arn:aws:elasticloadbalancing:${world.region}:${world.account}:targetgroup/${service.targetGroup}`
}

export function describeTargetHealth(
  sim: Sim,
  input: Calls['elasticloadbalancing:DescribeTargetHealth']['input'],
): Answer<'elasticloadbalancing:DescribeTargetHealth'> {
  const { world } = sim
  const arn = need(input.TargetGroupArn, () =>
    refuse('ValidationError', 'A target group ARN must be specified'),
  )
  const service = need(
    Object.values(world.services).find((each) => targetGroupArn(world, each) === arn),
    () => refuse('TargetGroupNotFoundException', `Target groups '${arn}' not found`),
  )
  const asOfMs = world.nowMs - (world.faults.lagMs['elasticloadbalancing:DescribeTargetHealth'] ?? 0)
  const registered = service.tasks.filter((task) => task.readyAtMs <= asOfMs)
  return {
    TargetHealthDescriptions: registered.map((task, index) => ({
      // Tasks have no addresses here; these are made up from their order.
      Target: { Id: `10.0.${Math.floor(index / 250)}.${(index % 250) + 4}`, Port: PORT },
      HealthCheckPort: String(PORT),
      TargetHealth:
        asOfMs - task.readyAtMs >= HEALTH_CHECKS_MS
          ? { State: 'healthy' as const }
          : {
              State: 'initial' as const,
              Reason: 'Elb.InitialHealthChecking' as const,
              Description: 'Initial health checks in progress',
            },
    })),
  }
}
