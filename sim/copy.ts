import type { Json } from '../lib/json.ts'

/**
 * A copy of plain data: objects, arrays, dates. What `structuredClone` does, without its way through a serialised text;
 * the account copies at every call, so that nobody holds a piece of its world.
 */
export function copyOf<T>(value: T): T {
  return copied(value) as T
}

function copied(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copied)
  if (value instanceof Date) return new Date(value)
  if (ArrayBuffer.isView(value)) return structuredClone(value)
  const copy: { [name: string]: unknown } = {}
  for (const name of Object.keys(value)) copy[name] = copied((value as { [name: string]: unknown })[name])
  return copy
}

/** The same as JSON: dates as ISO text, without members that are `undefined`. */
export function plainOf(value: unknown): Json {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map(plainOf)
  if (typeof value !== 'object' || value === null) return null
  const plain: { [name: string]: Json } = {}
  for (const name of Object.keys(value)) {
    const member = (value as { [name: string]: unknown })[name]
    if (member !== undefined) plain[name] = plainOf(member)
  }
  return plain
}
