import type { AnyAction, Change } from './actions/action.ts'
import { capacityVerdict, placeOf, type GuardrailVerdict } from './guardrails.ts'
import type { Json } from './json.ts'
import type { Policy } from './runbook/runbook.ts'

/** What a step is about to do, before it is intended. */
export interface Proposal {
  readonly action: AnyAction
  readonly change: Change
  readonly capacity?: { readonly from: number; readonly to: number }
  /** What stood there before an earlier change that is still outstanding, whoever made it: both count as one. */
  readonly since?: Json
}

/** A change that the same execution has intended already, or is about to in the same moment. */
export interface Earlier {
  readonly target: { readonly locks: readonly string[]; readonly label: string }
  readonly before: Json
}

/** What the rules on how much a step could hurt say; those that the policy does not set are left out. Pure. */
export function stepVerdicts(
  policy: Policy,
  service: string,
  proposal: Proposal,
  earlier: readonly Earlier[],
): readonly GuardrailVerdict[] {
  if (proposal.action.effect === 'message') return []
  return [
    ...(proposal.capacity === undefined ? [] : [capacityVerdict(policy, service, proposal.capacity)]),
    ...shareVerdict(policy, service, proposal, earlier),
    ...targetsVerdict(policy, service, proposal, earlier),
  ]
}

/** The smaller of the policy's number and the service's, with where it stands. */
function ruleOf(
  policy: Policy,
  service: string,
  key: 'maxShare' | 'maxTargets',
): { readonly most: number; readonly place: string } | undefined {
  const all = policy[key]
  const own = policy.services[service]?.[key]
  if (own !== undefined && (all === undefined || own <= all))
    return { most: own, place: placeOf(policy, `services.${service}.${key}`) }
  return all === undefined ? undefined : { most: all, place: placeOf(policy, key) }
}

function shareVerdict(
  policy: Policy,
  service: string,
  { action, change, since }: Proposal,
  earlier: readonly Earlier[],
): readonly GuardrailVerdict[] {
  const limit = ruleOf(policy, service, 'maxShare')
  if (!limit) return []
  const { most, place } = limit
  const rule = 'max_share'
  if (!action.share) {
    const reason = `a share has no meaning for ${action.verb} ${action.kind}`
    return [{ rule, verdict: 'passed', reason, place }]
  }
  // What several steps do to one target counts together, from what stood there before the first.
  const first = earlier.find(({ target }) => target.label === change.target.label)?.before ?? since
  const parsed = first === undefined ? undefined : action.state.safeParse(first)
  const { percent, of } = action.share(parsed?.success ? { ...change, before: parsed.data as Json } : change)
  const share = `${shown(percent)}% of ${of}`
  return percent <= most
    ? [{ rule, verdict: 'passed', reason: `${share}, of at most ${most}%`, place }]
    : [{ rule, verdict: 'failed', reason: `${share} would exceed the limit of ${most}% (${place})`, place }]
}

/** Rounded up, so that what exceeds a limit never looks as if it did not. */
function shown(percent: number): number {
  return Math.ceil(percent * 10) / 10
}

function targetsVerdict(
  policy: Policy,
  service: string,
  { change }: Proposal,
  earlier: readonly Earlier[],
): readonly GuardrailVerdict[] {
  const limit = ruleOf(policy, service, 'maxTargets')
  if (!limit) return []
  const { most, place } = limit
  const rule = 'max_targets'
  // A lock may stand for several targets, as a weighted group's does for its records; records of two zones may be called alike.
  const named = [...earlier, change].map(({ target }) => [target.label, ...target.locks].join(' '))
  const count = new Set(named).size
  return count <= most
    ? [{ rule, verdict: 'passed', reason: `${count} of at most ${most}`, place }]
    : [
        {
          rule,
          verdict: 'failed',
          reason: `${change.target.label} would be target ${count} of the execution; the limit is ${most} (${place})`,
          place,
        },
      ]
}
