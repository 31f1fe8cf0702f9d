import type { LoadBalancer } from '@aws-sdk/client-ecs'
import type { Aws } from '../aws/aws.ts'
import { rethrow } from '../aws/failure.ts'
import type { Verdict } from '../verdict.ts'

/**
 * The ARN of a target group that the tasks of a service are registered in. Where ECS deploys blue/green by itself there is
 * an alternate, and the tasks stand in either of the two.
 */
export interface TargetGroup {
  readonly arn: string
  readonly alternate: string | null
}

/** The target groups that ECS names, each once. A Classic Load Balancer has none. */
export function targetGroupsOf(loadBalancers: readonly LoadBalancer[]): readonly TargetGroup[] {
  const groups = new Map<string, TargetGroup>()
  for (const { targetGroupArn: arn, advancedConfiguration } of loadBalancers) {
    if (arn !== undefined)
      groups.set(arn, { arn, alternate: advancedConfiguration?.alternateTargetGroupArn ?? null })
  }
  return [...groups.values()]
}

/**
 * Narrows a verdict that has `passed`: each target group must have as many healthy targets as were asked for, since a task
 * that runs serves nobody before its health checks pass (AWS.md 1.2). Anything else stays as it is and asks nothing.
 * Throws where a group cannot be read.
 */
export async function healthy(
  aws: Aws,
  running: Verdict,
  groups: readonly TargetGroup[],
  target: number,
): Promise<Verdict> {
  if (running.verdict !== 'passed' || groups.length === 0) return running
  const counts = await Promise.all(
    groups.map(async (group) => ({ name: nameOf(group.arn), healthy: await healthyIn(aws, group) })),
  )
  const short = counts.filter((count) => count.healthy < target)
  const told = (short.length === 0 ? counts : short).map(
    (count) => `healthy ${count.healthy} of ${target} in ${count.name}`,
  )
  return {
    verdict: short.length === 0 ? 'passed' : 'inconclusive',
    reason: [running.reason, ...told].join(', '),
    values: {
      ...running.values,
      healthy: Object.fromEntries(counts.map((count) => [count.name, count.healthy])),
    },
  }
}

async function healthyIn(aws: Aws, { arn, alternate }: TargetGroup): Promise<number> {
  const arns = alternate === null ? [arn] : [arn, alternate]
  return Math.max(...(await Promise.all(arns.map((each) => readHealthy(aws, each)))))
}

async function readHealthy(aws: Aws, arn: string): Promise<number> {
  const doing = `reading the health of target group ${nameOf(arn)}`
  const answer = await aws
    .call('elasticloadbalancing:DescribeTargetHealth', { TargetGroupArn: arn })
    .catch((error: unknown) => rethrow(error, doing))
  if (!answer.TargetHealthDescriptions) throw new Error(`${doing}: the answer holds no list of targets`)
  return answer.TargetHealthDescriptions.filter((each) => each.TargetHealth?.State === 'healthy').length
}

/** `api` of `arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067`. */
function nameOf(arn: string): string {
  return arn.split('/')[1] ?? arn
}
