import type { Aws } from '../aws/aws.ts'
import { rethrow } from '../aws/failure.ts'
import { TerminalError } from '../errors.ts'
import { type TargetGroup, targetGroupsOf } from './targets.ts'

/** How an ECS service is addressed: names, not ARNs. */
export interface EcsName {
  readonly cluster: string
  readonly service: string
}

/** What one DescribeServices tells about a service; members that the answer lacks are told apart from zeros. */
export interface SeenService {
  /** `ACTIVE`, `DRAINING` or `INACTIVE`. */
  readonly status: string
  /** `REPLICA` or `DAEMON`. */
  readonly strategy: string
  /** `ECS`, `CODE_DEPLOY` or `EXTERNAL`. */
  readonly controller: string
  readonly desired: number
  readonly running: number
  /** Of the ECS controller; the other controllers have task sets instead. */
  readonly deployments: number
  readonly primary: { readonly id: string; readonly rolloutState: string } | null
  /** Task sets that are not being drained. More than one under CODE_DEPLOY: a deployment is active. */
  readonly taskSets: number
  /** What its tasks run; with task sets, those of the primary one. */
  readonly taskDefinition: string | null
  /** Where its tasks are registered; with task sets, those of the primary one. */
  readonly targetGroups: readonly TargetGroup[]
  /** Newest first, as AWS gives them. */
  readonly events: readonly { readonly atMs: number; readonly message: string }[]
}

/** services.yaml may hold an ARN where a name is meant; the name is its last part. */
export function lastPart(nameOrArn: string): string {
  return nameOrArn.slice(nameOrArn.lastIndexOf('/') + 1)
}

/** The part of a scalable target of Application Auto Scaling that bounds the desired count. */
export interface SeenFloor {
  readonly min: number
  readonly max: number
  readonly scaleOutSuspended: boolean
}

export const SCALABLE_DIMENSION = 'ecs:service:DesiredCount'

/**
 * Reads one service. Throws `TerminalError` where AWS says that it is not there (a missing service stands in
 * `failures`, it is no exception: AWS.md 1.1), and a plain error where the answer holds neither service nor failure.
 */
export async function readService(aws: Aws, name: EcsName): Promise<SeenService> {
  const label = `ECS service ${name.cluster}/${name.service}`
  const answer = await aws
    .call('ecs:DescribeServices', { cluster: name.cluster, services: [name.service] })
    .catch((error: unknown) => rethrow(error, `reading ${label}`))
  const service = answer.services?.find((each) => each.serviceName === name.service)
  if (!service) {
    const failure = answer.failures?.[0]
    if (!failure) throw new Error(`${label}: ECS answered without the service and without a failure`)
    throw new TerminalError(
      failure.reason === 'MISSING'
        ? `${label} does not exist (MISSING): check cluster, service, account and region in services.yaml`
        : `${label} cannot be read: ${failure.reason ?? 'no reason given'} ${failure.detail ?? ''}`.trimEnd(),
    )
  }
  if (
    service.desiredCount === undefined ||
    service.runningCount === undefined ||
    service.status === undefined
  ) {
    throw new Error(`${label}: the answer lacks status, desiredCount or runningCount`)
  }
  const primary = service.deployments?.find((deployment) => deployment.status === 'PRIMARY')
  const primarySet = service.taskSets?.find((set) => set.status === 'PRIMARY')
  return {
    status: service.status,
    strategy: service.schedulingStrategy ?? 'REPLICA',
    controller: service.deploymentController?.type ?? 'ECS',
    desired: service.desiredCount,
    running: service.runningCount,
    deployments: service.deployments?.length ?? 0,
    primary:
      primary?.id === undefined ? null : { id: primary.id, rolloutState: primary.rolloutState ?? 'unknown' },
    taskSets: service.taskSets?.filter((set) => set.status !== 'DRAINING').length ?? 0,
    // What stands on the service is what CodeDeploy began with; its deployments change task sets.
    taskDefinition: primarySet?.taskDefinition ?? service.taskDefinition ?? null,
    targetGroups: targetGroupsOf(primarySet?.loadBalancers ?? service.loadBalancers ?? []),
    events: (service.events ?? []).map((event) => ({
      atMs: event.createdAt?.getTime() ?? 0,
      message: event.message ?? '',
    })),
  }
}

/** Reads the scalable target of a service; `null` where Application Auto Scaling does not look after it. */
export async function readFloor(aws: Aws, name: EcsName): Promise<SeenFloor | null> {
  const resourceId = scalableResource(name)
  const answer = await aws
    .call('application-autoscaling:DescribeScalableTargets', {
      ServiceNamespace: 'ecs',
      ResourceIds: [resourceId],
      ScalableDimension: SCALABLE_DIMENSION,
    })
    .catch((error: unknown) => rethrow(error, `reading the scalable target ${resourceId}`))
  if (!answer.ScalableTargets) throw new Error(`the answer about scalable target ${resourceId} holds no list`)
  const found = answer.ScalableTargets.find(
    (each) => each.ResourceId === resourceId && each.ScalableDimension === SCALABLE_DIMENSION,
  )
  if (!found) return null
  if (found.MinCapacity === undefined || found.MaxCapacity === undefined) {
    throw new Error(`scalable target ${resourceId}: the answer lacks MinCapacity or MaxCapacity`)
  }
  return {
    min: found.MinCapacity,
    max: found.MaxCapacity,
    scaleOutSuspended: found.SuspendedState?.DynamicScalingOutSuspended ?? false,
  }
}

/** The name under which Application Auto Scaling knows a service. */
export function scalableResource(name: EcsName): string {
  return `service/${name.cluster}/${name.service}`
}
