import type { Json } from '../../lib/json.ts'
import type { LoggedCall } from '../account.ts'
import type { World } from '../world.ts'
import type { ToldChange } from './ledger.ts'

/*
 * What the account says of the changes on record. A change and a call are compared by one text each: who made it, which call
 * it is, and the absolute value that it sets.
 */

/** What the account should show of a change; `undefined` for messages, and where nothing had to be called. */
export function effectOf({ stream, executionId, step, change, receipt }: ToldChange): string | undefined {
  const after = change.after as {
    readonly desired?: number
    readonly record?: { readonly Weight?: number }
    readonly call?: { readonly is: string; readonly deploymentId?: string; readonly purpose?: string }
  } | null
  const marker = `firebreak/${stream}/${step}`
  if (after?.desired !== undefined)
    return `${executionId} sets ${change.target.label} to ${after.desired} tasks`
  if (after?.record !== undefined) return `${marker} sets the weight ${after.record.Weight}`
  switch (after?.call?.is) {
    case 'stop':
      // It may have ended by itself before it could be stopped.
      if (receipt?.detail?.startsWith('it had ended') === true) return undefined
      return `${executionId} stops ${after.call.deploymentId}`
    case 'create':
      return `${marker} ${after.call.purpose} is deployed`
    default:
      return undefined
  }
}

/** What a call that the account has carried out did; `undefined` for messages to people. */
export function didOf({ name, input, executionId }: LoggedCall): string | undefined {
  const given = input as {
    readonly cluster?: string
    readonly service?: string
    readonly desiredCount?: number
    readonly deploymentId?: string
    readonly description?: string
    readonly ChangeBatch?: {
      readonly Comment?: string
      readonly Changes?: readonly {
        readonly Action: string
        readonly ResourceRecordSet: { readonly Weight?: number }
      }[]
    }
  } | null
  switch (name) {
    case 'ecs:UpdateService':
      return `${executionId} sets ECS service ${given?.cluster}/${given?.service} to ${given?.desiredCount} tasks`
    case 'route53:ChangeResourceRecordSets': {
      const made = given?.ChangeBatch?.Changes?.find(({ Action }) => Action === 'CREATE')
      return `${given?.ChangeBatch?.Comment} sets the weight ${made?.ResourceRecordSet.Weight}`
    }
    case 'codedeploy:StopDeployment':
      return `${executionId} stops ${given?.deploymentId}`
    case 'codedeploy:CreateDeployment':
      return `${given?.description} is deployed`
    case 'sns:Publish':
    case 'ses:SendEmail':
      return undefined
    default:
      return `${executionId} calls ${name}`
  }
}

/** What stands in the account where a change was made, and what the change says should stand there. */
export function standing(
  world: World,
  { change }: ToldChange,
): { readonly is: Json; readonly should: Json } | undefined {
  const { target, after } = change
  const on = target as {
    readonly cluster?: string
    readonly service?: string
    readonly zone?: string
    readonly set?: string
  }
  const meant = after as { readonly desired?: number; readonly record?: { readonly Weight?: number } } | null
  if (meant?.desired !== undefined)
    return { is: world.services[`${on.cluster}/${on.service}`]?.desired ?? null, should: meant.desired }
  if (meant?.record === undefined) return undefined
  const record = world.zones[on.zone ?? '']?.records.find((one) => one.SetIdentifier === on.set)
  return { is: record?.Weight ?? null, should: meant.record.Weight ?? null }
}
