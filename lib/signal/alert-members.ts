import type { Json } from '../json.ts'
import { membersOf, type Members } from './read.ts'

const MAX_DEPTH = 6
const MAX_MEMBERS = 400

/**
 * A payload's members, those of nested objects too, by names that spelling does not change: `alert_name`, `alertName` and
 * `alert: { name }` are all `alertname`. What is less deep comes first. Lists are left alone: they hold many things, and
 * the alert is one.
 */
export interface AlertMembers {
  readonly names: ReadonlySet<string>
  /** The first text or number under one of the names, in the order of the names; `pick` may be choosy. */
  readonly find: <T>(
    names: readonly string[],
    pick: (value: Json, name: string) => T | undefined,
  ) => { readonly name: string; readonly value: T } | undefined
}

export function alertMembers(payload: Members): AlertMembers {
  const found = new Map<string, Json[]>()
  const add = (name: string, value: Json): void => {
    const list = found.get(name)
    if (list) list.push(value)
    else found.set(name, [value])
  }
  let level: readonly { readonly members: Members; readonly above: string }[] = [
    { members: payload, above: '' },
  ]
  let left = MAX_MEMBERS
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const below: { members: Members; above: string }[] = []
    for (const { members, above } of level) {
      for (const [member, value] of Object.entries(members)) {
        if (--left < 0) break
        const name = plain(member)
        add(name, value)
        if (above !== '') add(above + name, value)
        const inner = membersOf(value)
        if (inner) below.push({ members: inner, above: name })
      }
    }
    level = below
  }
  return {
    names: new Set(found.keys()),
    find: (names, pick) => {
      for (const name of names) {
        for (const one of found.get(name) ?? []) {
          const value = pick(one, name)
          if (value !== undefined) return { name, value }
        }
      }
      return undefined
    },
  }
}

function plain(name: string): string {
  return name
    .slice(0, 80)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '')
}
