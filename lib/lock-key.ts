import type { Service } from './runbook/runbook.ts'

/**
 * The lock key of what has its name in one account and region only: two services of the same name in two regions are two
 * targets. What `services.yaml` leaves out is Firebreak's own; that services which share a target say the same of it is
 * checked when the catalogue is compiled (`lib/runbook/shared-targets.ts`).
 */
export function lockKey(
  kind: string,
  { account, region }: Pick<Service, 'account' | 'region'>,
  ...names: readonly string[]
): string {
  return [kind, account, region, ...names].filter((part) => part !== undefined).join('/')
}
