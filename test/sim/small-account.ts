import { createAccount } from '../../sim/account.ts'
import { addService } from '../../sim/ecs.ts'

/** Monday 23 November 2026, 14:00 UTC. */
export const START_MS = 1_795_442_400_000

/** An account with one ECS service `prod/api` of four tasks. */
export function accountWithService(options: Partial<Parameters<typeof addService>[1]> = {}) {
  const account = createAccount({ startAtMs: START_MS })
  const prefix = 'arn:aws:ecs:eu-west-1:123456789012:task-definition/api:'
  account.world.builds[`${prefix}1`] = { errorRatio: 0, mu: 10 }
  account.world.builds[`${prefix}2`] = { errorRatio: 0, mu: 10 }
  const service = addService(account.world, {
    cluster: 'prod',
    name: 'api',
    desired: 4,
    taskDefinition: `${prefix}1`,
    ...options,
  })
  return { account, service, aws: account.aws({ executionId: 'inc-000000000000-000000' }) }
}
