import { InvalidArgumentError } from 'commander'

const UNIT_MS: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** `30s`, `10m`, `2h` in milliseconds, as runbooks write them; for options. */
export function durationMs(text: string): number {
  const [, amount, unit] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN)
  // A timer of Node holds no more than 2^31 - 1 ms.
  if (ms > 0 && ms < 2 ** 31) return ms
  throw new InvalidArgumentError('Write a duration, such as 30s, 10m or 2h.')
}

/** A moment, in ms since 1970, from ISO text with an offset or `Z`: a time without one would be another on another machine. */
export function instant(text: string): number {
  const atMs = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/.test(text)
    ? Date.parse(text)
    : Number.NaN
  if (Number.isFinite(atMs)) return atMs
  throw new InvalidArgumentError(
    'Write a time with its offset, such as 2026-12-24T18:00Z or 2026-12-24T18:00+01:00.',
  )
}

/** A whole number within limits; for options. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Write a whole number from ${min} to ${max}.`)
  }
}
