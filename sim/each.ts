/** Goes through a record without a list of its members: a simulated hour does so some ten thousand times. */
export function each<T>(
  members: { readonly [name: string]: T },
  act: (member: T, name: string) => void,
): void {
  for (const name in members) if (Object.hasOwn(members, name)) act(members[name] as T, name)
}

/** Whether all of them are so, without a list either. */
export function every<T>(members: { readonly [name: string]: T }, isSo: (member: T) => boolean): boolean {
  for (const name in members) if (Object.hasOwn(members, name) && !isSo(members[name] as T)) return false
  return true
}

export function isEmpty(members: { readonly [name: string]: unknown }): boolean {
  return every(members, () => false)
}
