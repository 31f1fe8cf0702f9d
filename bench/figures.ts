/** Several measurements of one thing. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
}

/** Throws where there is nothing to describe: a bench that measured nothing must not print a figure. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [
    sorted[Math.floor((sorted.length - 1) / 2)],
    sorted[Math.ceil((sorted.length - 1) / 2)],
  ]
  if (low === undefined || high === undefined) throw new Error('nothing was measured')
  return { median: (low + high) / 2, min: sorted[0] ?? low, max: sorted.at(-1) ?? high, runs: values.length }
}

/** What a figure is held against. */
export type Goal =
  | { readonly is: 'at-most'; readonly value: number }
  | { readonly is: 'exactly'; readonly value: number }

/** One line of the report. A goal is held against the median. */
export interface Line {
  readonly what: string
  readonly unit: string
  readonly figure: number | Spread
  readonly goal?: Goal
  /** Whose goal it is, or how to read the figure. */
  readonly note?: string
}

export interface Section {
  readonly name: string
  readonly title: string
  readonly lines: readonly Line[]
  /** What could not be measured, and what to do about it. */
  readonly skipped?: string
}

export function atMost(value: number): Goal {
  return { is: 'at-most', value }
}

export function exactly(value: number): Goal {
  return { is: 'exactly', value }
}

/** Whether the goal is met; `undefined` where there is none. */
export function isMet(line: Line): boolean | undefined {
  if (!line.goal) return undefined
  const value = typeof line.figure === 'number' ? line.figure : line.figure.median
  return line.goal.is === 'at-most' ? value <= line.goal.value : value === line.goal.value
}

/** The same numbers for the same seed, in [0, 1). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}

/** In an order that only the seed decides. */
export function shuffled<T>(values: readonly T[], seed: number): readonly T[] {
  const chance = seeded(seed)
  const mixed = [...values]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(chance() * (i + 1))
    const [a, b] = [mixed[i], mixed[j]]
    if (a !== undefined && b !== undefined) [mixed[i], mixed[j]] = [b, a]
  }
  return mixed
}

/** Works through the list with so many under way at a time, in order. */
export async function inFlight<T>(
  width: number,
  list: readonly T[],
  work: (one: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < list.length; index = next++) await work(list[index] as T, index)
  }
  await Promise.all(Array.from({ length: Math.min(width, list.length) }, worker))
}
