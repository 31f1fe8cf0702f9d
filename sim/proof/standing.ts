import type { Account } from '../account.ts'
import type { OutsideAct } from '../outside.ts'
import { DEMO_ZONE } from '../scenarios.ts'

/** What the runbooks of the proof change and others change as well. */
export interface Standing {
  /** The service's desired count. */
  readonly desired: number | undefined
  /** How many of its tasks run. */
  readonly running: number | undefined
  /** The least count that its scalable target allows, where it has one: then the count itself is the policies' business. */
  readonly floor: number | undefined
  /** Whether AWS is to put the floor back by itself. */
  readonly expires: boolean | undefined
  /** The canary's DNS weight. */
  readonly weight: number | undefined
}

/** What stands in the account now. */
export function standingIn({ world }: Account): Standing {
  const canary = world.zones[DEMO_ZONE]?.records.find((record) => record.SetIdentifier === 'canary')
  const target = world.scalableTargets['service/prod/api']
  const service = world.services['prod/api']
  return {
    desired: service?.desired,
    running: service?.tasks.filter(({ readyAtMs }) => readyAtMs <= world.nowMs).length,
    floor: target?.min,
    expires: target && Object.keys(target.scheduled ?? {}).length > 0,
    weight: canary?.Weight,
  }
}

/** What a change's value, as it is on record, says of it. */
export function standingOf(value: unknown): Standing {
  const { desired, floor, expires, record } = (value ?? {}) as {
    readonly desired?: number
    readonly floor?: { readonly min: number } | null
    readonly expires?: boolean
    readonly record?: { readonly Weight?: number }
  }
  return { desired, running: undefined, floor: floor?.min, expires, weight: record?.Weight }
}

/** What a change of that value holds: the count where there is no floor, else the floor and its expiry; the weight. */
export function heldBy({ desired, floor, expires, weight }: Standing): Partial<Standing> {
  const capacity = floor === undefined ? { desired } : { floor, expires }
  return Object.fromEntries(Object.entries({ ...capacity, weight }).filter(([, held]) => held !== undefined))
}

/** What others have set in a run. */
export type Touched = ReadonlySet<keyof Standing>

/** Whether somebody else has set what such a change holds: then its last value need not be ours, nor its effect. */
export function isTouched(touched: Touched, held: Partial<Standing>): boolean {
  return Object.keys(held).some((what) => touched.has(what as keyof Standing))
}

/** What somebody else's act sets. */
export function setBy({ is }: OutsideAct): 'desired' | 'weight' | undefined {
  if (is === 'set-desired' || is === 'autoscale') return 'desired'
  return is === 'set-weight' ? 'weight' : undefined
}
