/** Goes through a record without a list of its members: a simulated hour does so some ten thousand times. */
export function each<T>(
  members: { readonly [name: string]: T },
  act: (member: T, name: string) => void,
): void {
  for (const name in members) if (Object.hasOwn(members, name)) act(members[name] as T, name)
}
