import type { Json } from '../json.ts'

/** Deeper values become null: no source that we know nests its facts below a dozen levels. */
const MAX_DEPTH = 48
/** Members and elements of one delivery; a full Lambda payload of 6 MB stays well below it. */
const MAX_VALUES = 300_000

/**
 * A copy that holds nothing but JSON, so that no parser meets a getter, a cycle, a bigint or a lone surrogate. Cycles and
 * what is nested too deep become null, `undefined` and functions are left out, and so are members named `__proto__`,
 * since a later assignment would make them a prototype. `undefined` where there are too many values to look at.
 * May throw what a hostile getter throws.
 */
export function plainOf(raw: unknown): Json | undefined {
  const state = { left: MAX_VALUES, above: new Set<object>() }
  const value = copy(raw, 0, state)
  return state.left < 0 ? undefined : (value ?? null)
}

function copy(raw: unknown, depth: number, state: { left: number; above: Set<object> }): Json | undefined {
  if (--state.left < 0) return null
  switch (typeof raw) {
    case 'string':
      return raw.toWellFormed()
    case 'number':
      return Number.isFinite(raw) ? raw : null
    case 'boolean':
      return raw
    case 'bigint':
      return Number.isSafeInteger(Number(raw)) ? Number(raw) : String(raw)
    case 'object':
      return raw === null ? null : copyObject(raw, depth, state)
    default:
      return undefined
  }
}

function copyObject(raw: object, depth: number, state: { left: number; above: Set<object> }): Json {
  if (raw instanceof Date) return Number.isFinite(raw.getTime()) ? raw.toISOString() : null
  if (raw instanceof Uint8Array) return new TextDecoder().decode(raw)
  if (depth >= MAX_DEPTH || state.above.has(raw)) return null
  state.above.add(raw)
  try {
    if (Array.isArray(raw)) {
      const list: Json[] = []
      for (let i = 0; i < raw.length && state.left >= 0; i++)
        list.push(copy(raw[i], depth + 1, state) ?? null)
      return list
    }
    const made: [string, Json][] = []
    for (const key of Object.keys(raw)) {
      if (state.left < 0) break
      if (key === '__proto__') continue
      const value = copy((raw as { [name: string]: unknown })[key], depth + 1, state)
      if (value !== undefined) made.push([key.toWellFormed(), value])
    }
    return Object.fromEntries(made)
  } finally {
    state.above.delete(raw)
  }
}
