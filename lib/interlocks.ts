/**
 * A rule between mitigations that holds whatever a runbook says (AWS.md 0.7): when one must not be made beside, into or
 * after another. Each stands here once, as data; the plan of an action asks the ones that concern it, on the state as just
 * observed, under the lock of its target. That two of us never change one resource at a time is the lock's business.
 */
export interface Interlock<Facts> {
  /** Stands in records as the place of a refusal: `interlock second-drain`. */
  readonly id: string
  /** The rule in one sentence. */
  readonly statement: string
  /** Why the change must not be made now; `undefined` where nothing speaks against it. Pure. */
  check(facts: Facts): Blocked | undefined
}

export interface Blocked {
  /** It would make things worse, or a person must decide. */
  readonly is: 'refused' | 'human'
  readonly reason: string
}

/** What scaling must know of the deployments of its service. */
export interface Rollout {
  readonly label: string
  /** Who makes the service's deployments, and how many task sets serve now. */
  readonly controller: string
  readonly taskSets: number
}

/** ECS spreads new tasks over both versions of a rolling deployment; CodeDeploy's blue/green can fail by them (AWS.md 1.2). */
export const scaleIntoDeployment: Interlock<Rollout> = {
  id: 'scale-into-deployment',
  statement: 'No scale-out into a deployment that cannot take it.',
  check: ({ label, controller, taskSets }) =>
    controller === 'CODE_DEPLOY' && taskSets > 1
      ? {
          is: 'refused',
          reason:
            `a CodeDeploy deployment of ${label} is active (${taskSets} task sets), and scaling can make it ` +
            `fail: roll back first`,
        }
      : undefined,
}

/** Who would get the traffic that a drain takes away. */
export interface Receivers {
  /** Others with a weight above 0; `healthy` is null where it is not known. */
  readonly serving: readonly { readonly set: string; readonly healthy: boolean | null }[]
  readonly drained: readonly string[]
}

export const secondDrain: Interlock<Receivers> = {
  id: 'second-drain',
  statement: 'No second evacuation: of the places that share the traffic, one stays undrained.',
  check({ serving, drained }) {
    if (serving.length > 0) return undefined
    const sets =
      drained.length > 0
        ? `the other sets (${drained.join(', ')}) have weight 0 too`
        : 'the group has no other set'
    return {
      is: 'refused',
      reason: `${sets}, and with all weights 0 Route 53 answers with each of them equally often`,
    }
  },
}

export const drainIntoUnhealthy: Interlock<Receivers> = {
  id: 'drain-into-unhealthy',
  statement: 'No drain unless the receiving side is known to be healthy.',
  check({ serving }) {
    if (serving.length === 0 || serving.some((each) => each.healthy)) return undefined
    const names = serving.map((each) => each.set).join(', ')
    return serving.some((each) => each.healthy === null)
      ? {
          is: 'human',
          reason: `the health checks of ${names} do not tell whether anything else can serve`,
        }
      : {
          is: 'refused',
          reason: `${names} are unhealthy, and Route 53 then answers with the sets of weight 0`,
        }
  },
}

/** A rollback that is asked for while another is on its way. */
export interface RollbackUnderWay {
  readonly deploymentId: string
  /** Whether it leads to what is asked for; then its end is waited for. */
  readonly leadsThere: boolean
  readonly to: string
}

export const secondRollback: Interlock<RollbackUnderWay> = {
  id: 'second-rollback',
  statement: 'No rollback beside another one: the one under way is followed, or a person decides.',
  check: ({ deploymentId, leadsThere, to }) =>
    leadsThere
      ? undefined
      : {
          is: 'human',
          reason: `the rollback ${deploymentId} is under way, but not to the revision of ${to}`,
        },
}

/** Every interlock that concerns an action of today. */
export const interlocks = [scaleIntoDeployment, secondDrain, drainIntoUnhealthy, secondRollback] as const

/** The first of these that speaks against the change, as a plan says it. */
export function blockedBy<Facts>(
  rules: readonly Interlock<Facts>[],
  facts: Facts,
): (Blocked & { readonly interlock: string }) | undefined {
  for (const rule of rules) {
    const blocked = rule.check(facts)
    if (blocked) return { ...blocked, interlock: rule.id }
  }
  return undefined
}
