/**
 * The chance of one run: a stream of numbers that the seed decides. Everything that a run leaves open (who goes first, how
 * long an answer takes, what fails) is drawn from here, so the same seed is the same run.
 */
export interface Dice {
  /** Uniform in [0, 1). */
  fraction(): number
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number
  /** True in a share of cases. */
  chance(share: number): boolean
  pick<T>(from: readonly [T, ...T[]]): T
}

/** The mulberry32 generator: 32 bits of state, and ample for choosing schedules. */
export function diceOf(seed: number): Dice {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
  const between = (from: number, to: number) => from + Math.floor(fraction() * (to - from + 1))
  return {
    fraction,
    between,
    chance: (share) => fraction() < share,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
  }
}
