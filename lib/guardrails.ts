import type { LimitRule, Lookback } from './ledger/claims.ts'
import { localText, spanAround } from './runbook/calendar.ts'
import {
  permitsMore,
  stepsOf,
  type ApprovalRule,
  type Catalogue,
  type Freeze,
  type Mode,
  type Policy,
  type Runbook,
  type RunbookPlaces,
  type Severity,
} from './runbook/runbook.ts'

/** A rule's answer, with the rule's file and line, so that "why did it not run?" ends at a place to edit. */
export interface GuardrailVerdict {
  readonly rule: string
  readonly verdict: 'passed' | 'failed'
  readonly reason: string
  readonly place: string
}

/** The most that a start may do, and whose word it is where that is not everything. */
export interface Cap {
  readonly mode: Mode
  readonly place?: string
  /** The rule in words. */
  readonly reason?: string
}

/** The least permissive of what the runbook, the policy (for all, the service, the runbook, by approvals) and a freeze say. Pure. */
export function effectiveMode(
  { policy, places }: Pick<Catalogue, 'policy' | 'places'>,
  runbook: Runbook,
  frozen?: Frozen,
): Cap {
  const service = policy.services[runbook.service]
  const own = policy.runbooks[runbook.runbook]
  const candidates: readonly Cap[] = [
    {
      mode: runbook.mode,
      ...(runbook.mode === 'auto'
        ? {}
        : {
            place: places?.[runbook.runbook]?.mode ?? `runbook ${runbook.runbook}`,
            reason: `the runbook's mode is ${runbook.mode}`,
          }),
    },
    { mode: policy.mode, place: placeOf(policy, 'mode'), reason: `the policy's mode is ${policy.mode}` },
    ...(service?.mode === undefined
      ? []
      : [
          {
            mode: service.mode,
            place: placeOf(policy, `services.${runbook.service}.mode`),
            reason: `the policy's mode for ${runbook.service} is ${service.mode}`,
          },
        ]),
    ...(own?.mode === undefined
      ? []
      : [
          {
            mode: own.mode,
            place: placeOf(policy, `runbooks.${runbook.runbook}.mode`),
            reason: `the policy's mode for runbook ${runbook.runbook} is ${own.mode}`,
          },
        ]),
    ...policy.requireApproval.flatMap((rule, index) =>
      asksFor(rule, runbook)
        ? [
            {
              mode: 'approve' as const,
              place: placeOf(policy, `requireApproval.${index}`),
              reason: `an approval is required for ${subjectOf(rule, runbook)}`,
            },
          ]
        : [],
    ),
    ...(frozen === undefined || frozen.mode === 'refuse'
      ? []
      : [{ mode: frozen.mode, place: frozen.place, reason: frozen.reason }]),
  ]
  return candidates.reduce((least, other) => (permitsMore(least.mode, other.mode) ? other : least))
}

/** A change freeze that lies around a moment. */
export interface Frozen {
  readonly mode: Freeze['mode']
  /** `year-end freezes until 2027-01-05 00:00 (Europe/Berlin)`. */
  readonly reason: string
  readonly place: string
  readonly untilMs: number
}

const STRICTEST: readonly Freeze['mode'][] = ['refuse', 'shadow', 'approve']

/** The strictest freeze in which this runbook would start now; of equals the one that lasts longest. Pure. */
export function frozenBy(policy: Policy, runbook: Runbook, nowMs: number): Frozen | undefined {
  const frozen = policy.freeze.flatMap((rule, index): readonly Frozen[] => {
    const { name, window, timeZone, mode } = rule
    if (!appliesTo(rule, runbook)) return []
    const span = spanAround(window, timeZone, nowMs)
    if (!span) return []
    const reason = `${name} freezes until ${localText(timeZone, span.untilMs)} (${timeZone})`
    return [{ mode, reason, place: placeOf(policy, `freeze.${index}`), untilMs: span.untilMs }]
  })
  return frozen.toSorted(
    (a, b) => STRICTEST.indexOf(a.mode) - STRICTEST.indexOf(b.mode) || b.untilMs - a.untilMs,
  )[0]
}

function asksFor(rule: ApprovalRule, runbook: Runbook): boolean {
  return (
    appliesTo(rule, runbook) && (rule.actions === undefined || actionIn(rule.actions, runbook) !== undefined)
  )
}

/** The first of these verbs that the runbook has a step of. */
function actionIn(verbs: readonly string[], runbook: Runbook): string | undefined {
  const used = stepsOf(runbook).flatMap((step) => (step.is === 'action' ? [step.action.split(' ')[0]] : []))
  return verbs.find((verb) => used.includes(verb))
}

/** `service api, sev1, rollback`: what of the rule speaks of this runbook. */
function subjectOf(rule: ApprovalRule, runbook: Runbook): string {
  return [
    ...(rule.services === undefined ? [] : [`service ${runbook.service}`]),
    ...(rule.severities === undefined ? [] : [runbook.severity]),
    ...(rule.actions === undefined ? [] : [actionIn(rule.actions, runbook) ?? '']),
  ].join(', ')
}

/** Whether a rule that names services and severities speaks of this runbook. */
function appliesTo(
  rule: { readonly services?: readonly string[]; readonly severities?: readonly Severity[] },
  { service, severity }: Runbook,
): boolean {
  return rule.services?.includes(service) !== false && rule.severities?.includes(severity) !== false
}

/** Whether a change of capacity stays below the policy's ceiling. */
export function capacityVerdict(
  policy: Policy,
  service: string,
  capacity: { readonly from: number; readonly to: number },
): GuardrailVerdict {
  const rule = 'max_capacity'
  const ceiling = policy.services[service]?.maxCapacity
  const place = placeOf(policy, `services.${service}.maxCapacity`)
  if (ceiling === undefined) return { rule, verdict: 'passed', reason: 'no ceiling is set', place }
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
  places?: RunbookPlaces,
): GuardrailVerdict {
  const { changes: limit, withinMs } = runbook.flapping
  const recent = changes.filter((atMs) => nowMs - atMs <= withinMs).length
  const reason = `${recent} changes of state within ${withinMs / 60_000} min; the limit is ${limit}`
  return {
    rule: 'flapping',
    verdict: recent > limit ? 'failed' : 'passed',
    reason,
    place: places?.flapping ?? `runbook ${runbook.runbook}`,
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

/**
 * The windows in which an automatic start needs a place. A cooldown is never shorter than the alarm looks back, by the longest
 * that is told of it. A runbook or an account has a window of its own only where the policy limits it: each is one more write.
 */
export function limitRules(
  catalogue: Pick<Catalogue, 'policy' | 'services'>,
  runbook: Runbook,
  lookbacks: readonly Lookback[],
): readonly LimitRule[] {
  const { policy } = catalogue
  const perHour = policy.services[runbook.service]?.executionsPerHour ?? Infinity
  const own = policy.runbooks[runbook.runbook]?.executionsPerHour
  const account = accountOf(catalogue, runbook)
  const within = account === undefined ? undefined : policy.accounts[account]?.executionsPerHour
  const lookback = lookbacks.toSorted((a, b) => b.windowMs - a.windowMs)[0]
  const cooldown =
    lookback && lookback.windowMs > runbook.cooldownMs
      ? { cooldownMs: lookback.windowMs, lookback }
      : { cooldownMs: runbook.cooldownMs }
  return [
    { scope: cooldownScope(runbook), perHour, ...cooldown },
    ...(own === undefined ? [] : [{ scope: runbookScope(runbook), perHour: own, cooldownMs: 0 }]),
    ...(account === undefined || within === undefined
      ? []
      : [{ scope: accountScope(account), perHour: within, cooldownMs: 0 }]),
    { scope: ALL, perHour: policy.executionsPerHour, cooldownMs: 0 },
  ]
}

/** Where the rule stands that refused a place in a window: no line of ours, where it is the alarm that looks back so far. */
export function limitPlace(
  catalogue: Pick<Catalogue, 'policy' | 'places' | 'services'>,
  runbook: Runbook,
  { scope, lookback }: LimitRule,
  code: 'cooldown' | 'rate',
): string {
  const { policy, places } = catalogue
  if (code === 'cooldown') {
    return lookback
      ? `alarm ${lookback.alarm}`
      : (places?.[runbook.runbook]?.cooldown ?? `runbook ${runbook.runbook}`)
  }
  const account = accountOf(catalogue, runbook) ?? ''
  switch (scope) {
    case cooldownScope(runbook):
      return placeOf(policy, `services.${runbook.service}.executionsPerHour`)
    case runbookScope(runbook):
      return placeOf(policy, `runbooks.${runbook.runbook}.executionsPerHour`)
    case accountScope(account):
      return placeOf(policy, `accounts.${account}.executionsPerHour`)
    default:
      return placeOf(policy, 'executionsPerHour')
  }
}

/** The scope of the limit over all services. */
const ALL = 'all'

/** The account that services.yaml puts the runbook's service into, where it names one. */
export function accountOf(
  { services }: Pick<Catalogue, 'services'>,
  { service }: Pick<Runbook, 'service'>,
): string | undefined {
  return services[service]?.account
}

/** Every window in which an execution of this runbook, in this account, may have a place, whatever the policy says by now. */
export function scopesOf(
  runbook: Pick<Runbook, 'service' | 'runbook'>,
  account: string | undefined,
): readonly string[] {
  const own = account === undefined ? [] : [accountScope(account)]
  return [cooldownScope(runbook), runbookScope(runbook), ...own, ALL]
}

function accountScope(account: string): string {
  return `account:${account}`
}

function runbookScope(runbook: Pick<Runbook, 'runbook'>): string {
  return `runbook:${runbook.runbook}`
}

/** The window that counts from an execution's end. */
export function cooldownScope(runbook: Pick<Runbook, 'service'>): string {
  return `service:${runbook.service}`
}

export function placeOf(policy: Policy, path: string): string {
  return policy.places[path] ?? 'policy.yaml'
}
