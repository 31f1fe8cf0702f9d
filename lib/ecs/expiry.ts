import type { Aws } from '../aws/aws.ts'
import { awsFailure, rethrow, rethrowChange } from '../aws/failure.ts'
import { type EcsName, SCALABLE_DIMENSION, scalableResource } from './service.ts'

/*
 * A dead-man switch: a scheduled action of Application Auto Scaling that puts the floor back at a time, whatever has become
 * of us by then (CORE.md 1.8, AWS.md 1.2). AWS compares nothing when it does so.
 */

/** One on each scalable target: a later change of ours takes the switch over instead of leaving two. */
export const EXPIRY_NAME = 'firebreak-expiry'

const UNIT_MS: { readonly [unit: string]: number } = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const MIN_MS = 5 * 60_000
const MAX_MS = 30 * 86_400_000

export const EXPIRY_PATTERN = /^\d{1,5}[mhd]$/
export const EXPIRY_HELP = 'must be a duration from 5m to 30d, such as 6h'

/** Milliseconds of `6h`; `undefined` where the text is no duration, or one that is out of range. */
export function expiryMs(text: string): number | undefined {
  if (!EXPIRY_PATTERN.test(text)) return undefined
  const ms = Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? Number.NaN)
  return ms >= MIN_MS && ms <= MAX_MS ? ms : undefined
}

const onTarget = (on: EcsName) =>
  ({
    ServiceNamespace: 'ecs',
    ResourceId: scalableResource(on),
    ScalableDimension: SCALABLE_DIMENSION,
  }) as const

/** Whether our switch stands on the service's scalable target. */
export async function readExpiry(aws: Aws, on: EcsName): Promise<boolean> {
  const doing = `reading the scheduled actions of ${scalableResource(on)}`
  const answer = await aws
    .call('application-autoscaling:DescribeScheduledActions', {
      ...onTarget(on),
      ScheduledActionNames: [EXPIRY_NAME],
    })
    .catch((error: unknown) => rethrow(error, doing))
  if (!answer.ScheduledActions) throw new Error(`${doing}: the answer holds no list`)
  return answer.ScheduledActions.some((each) => each.ScheduledActionName === EXPIRY_NAME)
}

/** Puts the switch, or moves it. A repeat is harmless. */
export async function putExpiry(
  aws: Aws,
  on: EcsName,
  floor: { readonly min: number; readonly max?: number },
  atMs: number,
): Promise<void> {
  // Schedules know whole seconds, and no zone where none is given.
  const at = new Date(Math.ceil(atMs / 1_000) * 1_000).toISOString().slice(0, 'yyyy-mm-ddThh:mm:ss'.length)
  await aws
    .call('application-autoscaling:PutScheduledAction', {
      ...onTarget(on),
      ScheduledActionName: EXPIRY_NAME,
      Schedule: `at(${at})`,
      ScalableTargetAction: {
        MinCapacity: floor.min,
        ...(floor.max === undefined ? {} : { MaxCapacity: floor.max }),
      },
    })
    .catch((error: unknown) =>
      rethrowChange(
        error,
        `scheduling the end of the change of ${scalableResource(on)}`,
        'application-autoscaling:PutScheduledAction',
      ),
    )
}

/** Takes the switch away; one that is gone already is as good. */
export async function deleteExpiry(aws: Aws, on: EcsName): Promise<void> {
  await aws
    .call('application-autoscaling:DeleteScheduledAction', {
      ...onTarget(on),
      ScheduledActionName: EXPIRY_NAME,
    })
    .catch((error: unknown) => {
      if (awsFailure(error).name === 'ObjectNotFoundException') return
      rethrowChange(
        error,
        `deleting the scheduled action ${EXPIRY_NAME} of ${scalableResource(on)}`,
        'application-autoscaling:DeleteScheduledAction',
      )
    })
}
