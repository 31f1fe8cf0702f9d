import type { Calls } from '../lib/aws/aws.ts'
import { sha256 } from '../lib/ids.ts'
import { clamp, DIMENSION, setRange, validation } from './autoscaling.ts'
import type { Answer } from './calls.ts'
import { need, refuse } from './refusal.ts'
import type { ScalableTarget, Sim, World } from './world.ts'

/** `at(2026-11-22T14:00:00)`, in UTC where no zone is given. */
const AT = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/

/** Puts a one-time action on a scalable target, or replaces the one of that name. */
export function putScheduledAction(
  { world }: Sim,
  input: Calls['application-autoscaling:PutScheduledAction']['input'],
): Record<string, never> {
  const { name, target } = addressed(world, input)
  const [, text] = AT.exec(input.Schedule ?? '') ?? []
  const atMs = Date.parse(`${text}Z`)
  if (Number.isNaN(atMs))
    throw refuse('ValidationException', `Schedule expression is not valid: ${input.Schedule}`)
  if (atMs <= world.nowMs)
    throw refuse('ValidationException', 'Schedule date of a one-time action must be in the future')
  const { MinCapacity: min, MaxCapacity: max } = input.ScalableTargetAction ?? {}
  if (min === undefined && max === undefined)
    throw refuse('ValidationException', 'MinCapacity, MaxCapacity or both must be given')
  target.scheduled = {
    ...target.scheduled,
    [name]: {
      atMs,
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      createdAtMs: world.nowMs,
    },
  }
  return {}
}

export function deleteScheduledAction(
  { world }: Sim,
  input: Calls['application-autoscaling:DeleteScheduledAction']['input'],
): Record<string, never> {
  const { id, name, target } = addressed(world, input)
  if (!target.scheduled?.[name])
    throw refuse(
      'ObjectNotFoundException',
      `No scheduled action found for service namespace: ecs, ${id}, ${name}`,
    )
  const { [name]: _gone, ...rest } = target.scheduled
  target.scheduled = rest
  return {}
}

export function describeScheduledActions(
  { world }: Sim,
  input: Calls['application-autoscaling:DescribeScheduledActions']['input'],
): Answer<'application-autoscaling:DescribeScheduledActions'> {
  need(input.ServiceNamespace, () => validation('serviceNamespace', 'Member must not be null'))
  const { ResourceId: only, ScheduledActionNames: names } = input
  const all = Object.entries(world.scalableTargets).flatMap(([id, { scheduled = {} }]) =>
    only === undefined || only === id
      ? Object.entries(scheduled).map(([name, one]) => ({ id, name, ...one }))
      : [],
  )
  return {
    ScheduledActions: all
      .filter(({ name }) => names === undefined || names.includes(name))
      .map(({ id, name, atMs, min, max, createdAtMs }) => ({
        ScheduledActionName: name,
        ScheduledActionARN: `arn:aws:autoscaling:${world.region}:${world.account}:scheduledAction:${sha256(id).slice(0, 8)}:resource/ecs/${id}:scheduledActionName/${name}`,
        ServiceNamespace: 'ecs' as const,
        ResourceId: id,
        ScalableDimension: DIMENSION,
        Schedule: `at(${new Date(atMs).toISOString().slice(0, 19)})`,
        ScalableTargetAction: {
          ...(min === undefined ? {} : { MinCapacity: min }),
          ...(max === undefined ? {} : { MaxCapacity: max }),
        },
        CreationTime: new Date(createdAtMs),
      })),
  }
}

/** Runs what is due. AWS compares nothing: it sets the range, whoever has changed it meanwhile. */
export function tickSchedules(world: World, id: string, target: ScalableTarget): void {
  for (const [name, { atMs, min, max }] of Object.entries(target.scheduled ?? {})) {
    if (atMs > world.nowMs) continue
    const { [name]: _done, ...rest } = target.scheduled ?? {}
    target.scheduled = rest
    // It does not run while scheduled scaling is suspended, and is not made up for (AWS.md 1.2).
    if (target.suspended.ScheduledScalingSuspended) continue
    const floor = min ?? target.min
    setRange(world, target, floor, Math.max(max ?? target.max, floor))
    const service = world.services[id.replace(/^service\//, '')]
    if (service) clamp(world, service, target)
  }
}

function addressed(
  world: World,
  input: {
    readonly ServiceNamespace?: string | undefined
    readonly ScheduledActionName?: string | undefined
    readonly ResourceId?: string | undefined
    readonly ScalableDimension?: string | undefined
  },
): { readonly id: string; readonly name: string; readonly target: ScalableTarget } {
  const id = need(input.ResourceId, () => validation('resourceId', 'Member must not be null'))
  const name = need(input.ScheduledActionName, () =>
    validation('scheduledActionName', 'Member must not be null'),
  )
  if (input.ServiceNamespace !== 'ecs' || input.ScalableDimension !== DIMENSION)
    throw refuse('ValidationException', `Unsupported service namespace or scalable dimension: ${id}`)
  const target = need(world.scalableTargets[id], () =>
    refuse(
      'ObjectNotFoundException',
      `No scalable target registered for service namespace: ecs, resource ID: ${id}, scalable dimension: ${DIMENSION}`,
    ),
  )
  return { id, name, target }
}
