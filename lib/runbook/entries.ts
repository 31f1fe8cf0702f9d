import type * as z from 'zod'
import { parseForm } from './issues.ts'
import type { Path } from './places.ts'
import type { Source } from './source.ts'

/** What a file says by name. */
export interface Entries<T> {
  readonly entries: ReadonlyMap<string, T>
  /** Also those whose entry is wrong; `undefined` where the file could not be read. */
  readonly names: ReadonlySet<string> | undefined
}

/** Reports what is wrong with the whole file, and keeps the entries that are right: others may name them. */
export function readEntries<F, T>(
  source: Source | undefined,
  whole: z.ZodType,
  one: z.ZodType<F>,
  make: (name: string, entry: F) => T,
): Entries<T> {
  const value = source?.value
  if (!source || value === undefined) return { entries: new Map(), names: undefined }
  report(source, [], whole, value)
  return entriesOf(value, one, make)
}

/** Those entries of a mapping that are right; none where it is no mapping. */
export function entriesOf<F, T>(
  value: unknown,
  one: z.ZodType<F>,
  make: (name: string, entry: F) => T,
): Entries<T> {
  const entries = new Map<string, T>()
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { entries, names: undefined }
  for (const [name, entry] of Object.entries(value)) {
    const parsed = parseForm(one, entry)
    if (parsed.is === 'value') entries.set(name, make(name, parsed.value))
  }
  return { entries, names: new Set(Object.keys(value)) }
}

/** Reports everything that is wrong with a value; `undefined` where anything is. */
export function report<T>(source: Source, at: Path, form: z.ZodType<T>, value: unknown): T | undefined {
  const parsed = parseForm(form, value)
  if (parsed.is === 'value') return parsed.value
  for (const { code, path, message, ...options } of parsed.problems)
    source.report(code, [...at, ...path], message, options)
  return undefined
}
