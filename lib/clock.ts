/** The only source of time. Lint forbids `Date.now`, `new Date()` and timers everywhere else in `lib/`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** ISO 8601 in UTC with milliseconds; for texts that people or AWS read. */
export function isoTime(atMs: number): string {
  return new Date(atMs).toISOString()
}
