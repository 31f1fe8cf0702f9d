import type { Account } from '../account.ts'
import type { OutsideAct } from '../outside.ts'
import { DEMO_ZONE } from '../scenarios.ts'

/** What the runbooks of the proof change and others change as well: the service's desired count, and the canary's DNS weight. */
export interface Standing {
  readonly desired: number | undefined
  readonly weight: number | undefined
}

/** What stands in the account now. */
export function standingIn({ world }: Account): Standing {
  const canary = world.zones[DEMO_ZONE]?.records.find((record) => record.SetIdentifier === 'canary')
  return { desired: world.services['prod/api']?.desired, weight: canary?.Weight }
}

/** What a change's value, as it is on record, says of it. */
export function standingOf(value: unknown): Standing {
  const { desired, record } = (value ?? {}) as {
    readonly desired?: number
    readonly record?: { readonly Weight?: number }
  }
  return { desired, weight: record?.Weight }
}

/** What somebody else's act sets. */
export function setBy({ is }: OutsideAct): keyof Standing | undefined {
  if (is === 'set-desired' || is === 'autoscale') return 'desired'
  return is === 'set-weight' ? 'weight' : undefined
}
