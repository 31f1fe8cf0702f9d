/** Values that survive a round trip through the ledger. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/**
 * JSON with object keys in code-unit order, so that equal values have equal text.
 * Members that are `undefined` are left out, as `JSON.stringify` does.
 */
export function canonical(value: unknown): string {
  return JSON.stringify(inOrder(value))
}

/** A copy with ordered members: an order that `JSON.stringify` asks of a replacer costs three times as much. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(inOrder)
  // What says itself how it is written, as dates do.
  if ('toJSON' in value) return value
  // Without a prototype, `__proto__` is a name like any other. Names are sorted by code units, as texts are compared.
  const ordered = Object.create(null) as { [name: string]: unknown }
  for (const name of Object.keys(value).sort())
    ordered[name] = inOrder((value as { [name: string]: unknown })[name])
  return ordered
}

/** True when both values have the same canonical text. */
export function sameJson(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b)
}
