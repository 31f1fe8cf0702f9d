import type { ApplyContext, Change, Receipt, Target } from '../actions/action.ts'
import type { Aws } from '../aws/aws.ts'
import { awsFailure, rethrowChange } from '../aws/failure.ts'
import type { Json } from '../json.ts'
import { deleteExpiry, putExpiry } from './expiry.ts'
import { endsExpiry, onlyEndsExpiry, raisesFloor, scaleState, type ScaleState } from './scaling.ts'
import { type EcsName, SCALABLE_DIMENSION, scalableResource } from './service.ts'

/** An ECS service as a step changes it. */
export interface EcsTarget extends Target, EcsName {
  readonly account?: string
  readonly region?: string
  /** AWS puts the floor back by itself so long after the change. */
  readonly expiresInMs?: number
}

export type ScaleChange = Change<EcsTarget, ScaleState>

/**
 * With a scalable target only its floor is moved: registering lifts the count at once and policies cannot take it
 * away again. A separate UpdateService would be undone by them, and a registration that leaves the range as it is
 * would clamp the count back into it (AWS.md 1.2). What stays the same is not sent, so that nobody else's value is
 * overwritten.
 */
export async function scale(change: ScaleChange, { aws, nowMs, undoTo }: ApplyContext): Promise<Receipt> {
  const { target: on, before, after } = change
  const doing = `${change.summary} of ${on.label}`
  if (after.floor === null) {
    const answer = await aws
      .call('ecs:UpdateService', { cluster: on.cluster, service: on.service, desiredCount: after.desired })
      .catch((error: unknown) => rethrowChange(error, doing, 'ecs:UpdateService'))
    return receipt(answer)
  }
  const expires = on.expiresInMs !== undefined && after.expires === true && raisesFloor(change)
  // The switch first: whoever dies in between leaves a switch without a change, never a change without its switch.
  if (expires) await putExpiry(aws, on, floorToGoBackTo(change, undoTo), nowMs + (on.expiresInMs ?? 0))
  const answer = onlyEndsExpiry(change) ? {} : await register(aws, change, expires && !before.expires)
  if (endsExpiry(change)) await deleteExpiry(aws, on)
  return receipt(answer)
}

/** What AWS is to put back: where an earlier change is still outstanding, what stood before that. */
function floorToGoBackTo({ before, after }: ScaleChange, undoTo: Json | undefined) {
  const goal = undoTo === undefined ? before : scaleState.parse(undoTo)
  const floor = goal.floor ?? before.floor ?? { min: 0, max: 0 }
  return { min: floor.min, ...(after.floor?.max === floor.max ? {} : { max: floor.max }) }
}

/** Moves the floor. Where AWS refuses, a switch that was put for it alone goes as well. */
async function register(aws: Aws, change: ScaleChange, ownSwitch: boolean) {
  const { target: on, before, after } = change
  const doing = `${change.summary} of ${on.label}`
  return aws
    .call('application-autoscaling:RegisterScalableTarget', {
      ServiceNamespace: 'ecs',
      ResourceId: scalableResource(on),
      ScalableDimension: SCALABLE_DIMENSION,
      MinCapacity: after.floor?.min,
      ...(after.floor?.max === before.floor?.max ? {} : { MaxCapacity: after.floor?.max }),
    })
    .catch(async (error: unknown) => {
      const { status = 500 } = awsFailure(error)
      // Left behind it would only put back what stands there; the refusal is what must be told.
      if (ownSwitch && status < 500) await deleteExpiry(aws, on).catch(() => undefined)
      return rethrowChange(error, doing, 'application-autoscaling:RegisterScalableTarget')
    })
}

function receipt(answer: { readonly $metadata?: { readonly requestId?: string | undefined } }): Receipt {
  const requestId = answer.$metadata?.requestId
  return requestId === undefined ? {} : { requestId }
}
