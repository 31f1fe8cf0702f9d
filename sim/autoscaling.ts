import type { Calls } from '../lib/aws/aws.ts'
import { sha256 } from '../lib/ids.ts'
import type { Answer } from './calls.ts'
import { runningOf, setDesired } from './ecs.ts'
import { need, refuse } from './refusal.ts'
import type { EcsService, ScalableTarget, Sim, World } from './world.ts'

export const DIMENSION = 'ecs:service:DesiredCount'
/** Target tracking looks once a minute, and scales in only after a quarter of an hour of low use. */
const TRACKING_MS = 60_000
const LOW_MS = 900_000
/** How long ranges are kept for describes that lag. */
const PAST_MS = 300_000

type RegisterInput = Calls['application-autoscaling:RegisterScalableTarget']['input']

/** Puts a scalable target on a service of the account; `tracking` is the share of capacity that it aims at. */
export function addScalableTarget(
  world: World,
  serviceKey: string,
  range: { min: number; max: number; tracking?: number },
): ScalableTarget {
  const target: ScalableTarget = {
    min: range.min,
    max: range.max,
    suspended: {
      DynamicScalingInSuspended: false,
      DynamicScalingOutSuspended: false,
      ScheduledScalingSuspended: false,
    },
    createdAtMs: world.nowMs,
    ...(range.tracking === undefined ? {} : { tracking: { share: range.tracking } }),
  }
  world.scalableTargets[`service/${serviceKey}`] = target
  return target
}

export function describeScalableTargets(
  sim: Sim,
  input: Calls['application-autoscaling:DescribeScalableTargets']['input'],
): Answer<'application-autoscaling:DescribeScalableTargets'> {
  const namespace = need(input.ServiceNamespace, () =>
    validation('serviceNamespace', 'Member must not be null'),
  )
  const { world } = sim
  const all = namespace === 'ecs' ? Object.entries(world.scalableTargets) : []
  const asked = all.filter(([id]) => input.ResourceIds === undefined || input.ResourceIds.includes(id))
  const size = Math.min(input.MaxResults ?? 50, 50)
  const from = input.NextToken === undefined ? 0 : Number(input.NextToken)
  if (!Number.isInteger(from)) throw refuse('InvalidNextTokenException', 'The next token is invalid.')
  const asOfMs = world.nowMs - (world.faults.lagMs['application-autoscaling:DescribeScalableTargets'] ?? 0)
  const seen = (target: ScalableTarget) => target.past?.find((range) => range.untilMs > asOfMs) ?? target
  return {
    ScalableTargets: asked.slice(from, from + size).map(([id, target]) => ({
      ServiceNamespace: 'ecs' as const,
      ResourceId: id,
      ScalableDimension: DIMENSION,
      MinCapacity: seen(target).min,
      MaxCapacity: seen(target).max,
      RoleARN: `arn:aws:iam::${world.account}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService`,
      CreationTime: new Date(target.createdAtMs),
      SuspendedState: { ...target.suspended },
      ScalableTargetARN: arnOf(world, id),
    })),
    ...(from + size < asked.length ? { NextToken: String(from + size) } : {}),
  }
}

/** Creates or changes a target, and moves the service inside the range on every call, whatever the call was for. */
export function registerScalableTarget(
  sim: Sim,
  input: RegisterInput,
): Answer<'application-autoscaling:RegisterScalableTarget'> {
  const { world } = sim
  const namespace = need(input.ServiceNamespace, () =>
    validation('serviceNamespace', 'Member must not be null'),
  )
  const id = need(input.ResourceId, () => validation('resourceId', 'Member must not be null'))
  if (namespace !== 'ecs' || input.ScalableDimension !== DIMENSION) {
    throw refuse(
      'ValidationException',
      `Unsupported service namespace, resource type or scalable dimension: ${id}`,
    )
  }
  const service = need(world.services[id.replace(/^service\//, '')], () =>
    refuse('ValidationException', `ECS service doesn't exist: ${id}`),
  )
  if (service.scheduling === 'DAEMON') {
    throw refuse(
      'ValidationException',
      `ECS service with the daemon scheduling strategy cannot be scaled: ${id}`,
    )
  }
  const old = world.scalableTargets[id]
  const min = input.MinCapacity ?? old?.min
  const max = input.MaxCapacity ?? old?.max
  if (min === undefined || max === undefined) {
    throw refuse(
      'ValidationException',
      'You must specify both MinCapacity and MaxCapacity for a new scalable target.',
    )
  }
  if (min < 0 || !Number.isInteger(min))
    throw refuse('ValidationException', 'Minimum capacity cannot be negative.')
  if (min > max) throw refuse('ValidationException', 'Maximum capacity cannot be less than minimum capacity')
  const target = old ?? addScalableTarget(world, id.replace(/^service\//, ''), { min, max })
  setRange(world, target, min, max)
  Object.assign(target.suspended, definedOf(input.SuspendedState ?? {}))
  clamp(world, service, target)
  return { ScalableTargetARN: arnOf(world, id) }
}

/** Changes the range, and keeps what it was. */
export function setRange(world: World, target: ScalableTarget, min: number, max: number): void {
  const recent = (target.past ?? []).filter((range) => range.untilMs > world.nowMs - PAST_MS)
  target.past = [...recent, { untilMs: world.nowMs, min: target.min, max: target.max }]
  target.min = min
  target.max = max
}

/** Moves the service inside the range of its target. */
export function clamp(world: World, service: EcsService, target: ScalableTarget): void {
  const inside = Math.min(target.max, Math.max(target.min, service.desired))
  if (inside !== service.desired) setDesired(world, service, inside)
}

/** Target tracking: out at once when a task has too much to do, in by one task a minute after a long quiet. */
export function tickTracking(
  world: World,
  id: string,
  target: ScalableTarget,
  useOf: (serviceKey: string) => number,
): void {
  const tracking = target.tracking
  if (!tracking || world.nowMs % TRACKING_MS !== 0) return
  const key = id.replace(/^service\//, '')
  const service = world.services[key]
  if (!service) return
  const use = useOf(key)
  // Computed from the running count, so an increase that cannot be placed is invisible to it (AWS.md 1.2).
  const wanted = Math.ceil((runningOf(world, service) * use) / tracking.share)
  if (wanted > service.desired && !target.suspended.DynamicScalingOutSuspended) {
    delete tracking.lowSinceMs
    const to = Math.min(target.max, wanted)
    if (to > service.desired) setDesired(world, service, to)
    return
  }
  if (wanted >= service.desired) {
    delete tracking.lowSinceMs
    return
  }
  tracking.lowSinceMs ??= world.nowMs
  const deploying = service.deployments.some((deployment) => deployment.rolloutState === 'IN_PROGRESS')
  if (deploying || target.suspended.DynamicScalingInSuspended) return
  if (world.nowMs - tracking.lowSinceMs < LOW_MS) return
  const to = Math.max(target.min, Math.min(target.max, service.desired - 1))
  if (to < service.desired) setDesired(world, service, to)
}

function definedOf(state: object): object {
  return Object.fromEntries(Object.entries(state).filter(([, value]) => value !== undefined))
}

export function validation(member: string, rule: string): Error {
  const detail = `Value null at '${member}' failed to satisfy constraint: ${rule}`
  return refuse('ValidationException', `1 validation error detected: ${detail}`)
}

function arnOf(world: World, id: string): string {
  return `arn:aws:application-autoscaling:${world.region}:${world.account}:scalable-target/0ec5${sha256(id).slice(0, 31)}`
}
