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
