import type { Why } from '../timeline.ts'

/** The reasons of a row, one phrase each, in the order in which people ask: why, on which values, with what else, by which rule. */
export function whyLines(why: Why | undefined): readonly string[] {
  if (why === undefined) return []
  return [
    ...(why.reason === undefined ? [] : [why.reason]),
    ...(why.values ?? []),
    ...(why.notes ?? []),
    ...(why.place === undefined ? [] : [`by ${why.place}`]),
  ]
}
