import type { LimitRule } from './ledger/claims.ts'
import type { Mode, Policy, Runbook } from './runbook/runbook.ts'

/** A rule's answer, with the rule's file and line, so that "why did it not run?" ends at a place to edit. */
export interface GuardrailVerdict {
  readonly rule: string
  readonly verdict: 'passed' | 'failed'
  readonly reason: string
  readonly place: string
}

const MODES: readonly Mode[] = ['shadow', 'approve', 'auto']

/** The least permissive of what runbook, policy and the service's policy say. Pure. */
export function effectiveMode(
  policy: Policy,
  runbook: Runbook,
): { readonly mode: Mode; readonly place?: string } {
  const service = policy.services[runbook.service]
  const candidates: readonly { readonly mode: Mode; readonly place?: string }[] = [
    { mode: runbook.mode },
    { mode: policy.mode, place: placeOf(policy, 'mode') },
    ...(service?.mode === undefined
      ? []
      : [{ mode: service.mode, place: placeOf(policy, `services.${runbook.service}.mode`) }]),
  ]
  return candidates.reduce((least, other) =>
    MODES.indexOf(other.mode) < MODES.indexOf(least.mode) ? other : least,
  )
}

/** Whether a change of capacity stays below the policy's ceiling. */
export function capacityVerdict(
  policy: Policy,
  service: string,
  capacity: { readonly from: number; readonly to: number } | undefined,
): GuardrailVerdict {
  const rule = 'max_capacity'
  const ceiling = policy.services[service]?.maxCapacity
  const place = placeOf(policy, `services.${service}.maxCapacity`)
  if (capacity === undefined || ceiling === undefined) {
    return {
      rule,
      verdict: 'passed',
      reason: ceiling === undefined ? 'no ceiling is set' : 'no capacity is added',
      place,
    }
  }
  return capacity.to <= ceiling
    ? { rule, verdict: 'passed', reason: `${capacity.to} of at most ${ceiling}`, place }
    : {
        rule,
        verdict: 'failed',
        reason: `${capacity.to} would exceed the ceiling of ${ceiling} (${place})`,
        place,
      }
}

/** Whether the alarm changes its state too often to be acted on. `changes` are the times of its latest transitions. */
export function flappingVerdict(
  runbook: Runbook,
  changes: readonly number[],
  nowMs: number,
): GuardrailVerdict {
  const { changes: limit, withinMs } = runbook.flapping
  const recent = changes.filter((atMs) => nowMs - atMs <= withinMs).length
  const reason = `${recent} changes of state within ${withinMs / 60_000} min; the limit is ${limit}`
  return {
    rule: 'flapping',
    verdict: recent > limit ? 'failed' : 'passed',
    reason,
    place: `runbook ${runbook.runbook}`,
  }
}

/** When an alarm that flaps has come to rest, if it changes no more; long past for one that does not. */
export function calmSince(
  { changes: limit, withinMs }: Runbook['flapping'],
  changes: readonly number[],
): number {
  const decisive = changes.at(-(limit + 1))
  return decisive === undefined ? 0 : decisive + withinMs + 1
}

/** The windows in which an automatic start needs a place. A cooldown is never shorter than the alarm looks back. */
export function limitRules(
  policy: Policy,
  runbook: Runbook,
  windowMs: number | undefined,
): readonly LimitRule[] {
  const perHour = policy.services[runbook.service]?.executionsPerHour ?? Infinity
  return [
    { scope: cooldownScope(runbook), perHour, cooldownMs: Math.max(runbook.cooldownMs, windowMs ?? 0) },
    { scope: ALL, perHour: policy.executionsPerHour, cooldownMs: 0 },
  ]
}

/** Where the hourly limit of a window stands. */
export function ratePlace(policy: Policy, runbook: Runbook, scope: string): string {
  return placeOf(
    policy,
    scope === cooldownScope(runbook) ? `services.${runbook.service}.executionsPerHour` : 'executionsPerHour',
  )
}

/** The scope of the limit over all services. */
const ALL = 'all'

/** Every window in which an execution of this runbook has a place. */
export function scopesOf(runbook: Pick<Runbook, 'service'>): readonly string[] {
  return [cooldownScope(runbook), ALL]
}

/** The window that counts from an execution's end. */
export function cooldownScope(runbook: Pick<Runbook, 'service'>): string {
  return `service:${runbook.service}`
}

export function placeOf(policy: Policy, path: string): string {
  return policy.places[path] ?? 'policy.yaml'
}
