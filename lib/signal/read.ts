import type { Json } from '../json.ts'

export type Members = { readonly [name: string]: Json }

/** The value as an object, not an array; `undefined` for anything else. */
export function membersOf(value: Json | undefined): Members | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
}

/** Own members only, so that a payload's `constructor` or `toString` is never the prototype's. */
export function at(value: Json | undefined, ...path: readonly string[]): Json | undefined {
  let here: Json | undefined = value
  for (const name of path) {
    const members = membersOf(here)
    if (!members || !Object.hasOwn(members, name)) return undefined
    here = members[name]
  }
  return here
}

export function has(value: Json | undefined, ...names: readonly string[]): boolean {
  const members = membersOf(value)
  return members !== undefined && names.every((name) => Object.hasOwn(members, name))
}

/** A text that is not blank; numbers count, since some senders write ids and names without quotes. */
export function textAt(value: Json | undefined, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  if (typeof found === 'number') return String(found)
  return typeof found === 'string' && found.trim() !== '' ? found : undefined
}

/** A finite number, or a text that is one. */
export function numberAt(value: Json | undefined, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path)
  if (typeof found === 'number') return found
  if (typeof found !== 'string' || found.length > 40 || found.trim() === '') return undefined
  const number = Number(found)
  return Number.isFinite(number) ? number : undefined
}

export function listAt(value: Json | undefined, ...path: readonly string[]): readonly Json[] | undefined {
  const found = at(value, ...path)
  return Array.isArray(found) ? (found as readonly Json[]) : undefined
}

/** The first text among several places; each is a path. */
export function firstText(
  value: Json | undefined,
  ...paths: readonly (readonly string[])[]
): string | undefined {
  for (const path of paths) {
    const found = textAt(value, ...path)
    if (found !== undefined) return found
  }
  return undefined
}

/** Control characters, and the invisible ones that reorder or hide text on a terminal or a page. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** A name of at most `length` characters without control characters; `undefined` where nothing is left of it. */
export function cleanName(text: string | undefined, length = 255): string | undefined {
  if (text === undefined) return undefined
  const clean = text
    .slice(0, length * 4)
    .replace(INVISIBLE, '')
    .slice(0, length)
    .toWellFormed()
  return clean.trim() === '' ? undefined : clean
}

/** One line of at most `length` characters, for people: line breaks and control characters become a space. */
export function cleanText(text: string, length = 1000): string {
  const clean = text
    .slice(0, length * 4)
    .replace(INVISIBLE, ' ')
    .replace(/ {2,}/g, ' ')
    .trim()
  return (clean.length > length ? `${clean.slice(0, length - 1)}…` : clean).toWellFormed()
}
