import { isoTime } from '../clock.ts'
import { never } from '../errors.ts'
import type { Json } from '../json.ts'
import type { Forecast } from '../ledger/entry.ts'

/** The latest and, negated, the earliest time that a JavaScript date can hold. */
const MAX_TIME_MS = 8_640_000_000_000_000

/** What is longer is cut: a timeline is read, the whole text stands in the record. */
const MAX_TEXT = 1_000
const MAX_VALUE_TEXT = 200
const MAX_DEPTH = 20

/**
 * Characters that could steer a terminal, reverse the reading direction or hide text: controls (C0, C1, so no ANSI escape
 * either), line and paragraph separators, bidirectional and invisible formatting, halves of surrogate pairs.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu

/** One printable line. Texts of alarms, people and AWS are untrusted: none may reach a terminal or a page as it came. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * MAX_TEXT)
    .replace(UNPRINTABLE, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return line.length > MAX_TEXT
    ? `${line
        .slice(0, MAX_TEXT - 1)
        .toWellFormed()
        .replace(/\uFFFD$/, '')}…`
    : line
}

/** The same value with every string in it, keys too, made one printable line. */
export function printable<T>(value: T): T {
  return cleaned(value, 0) as T
}

function cleaned(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return oneLine(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MAX_DEPTH) return '…'
  if (Array.isArray(value)) return value.map((one) => cleaned(one, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [oneLine(key), cleaned(inner, depth + 1)]),
  )
}

/** ISO 8601 in UTC; a number that is no time is shown as the number it is. */
export function timeText(atMs: number): string {
  return isTime(atMs) ? isoTime(atMs) : `${atMs} ms`
}

export function isTime(atMs: number): boolean {
  return Math.abs(atMs) <= MAX_TIME_MS
}

/** `0.4 s`, `42 s`, `1 m 05 s`, `2 h 05 m 09 s`, `3 d 04 h 00 m`. */
export function durationText(ms: number): string {
  return lengthText(ms).replace(/\.0 s$/, ' s')
}

/** A time relative to detection: `+0.4 s`, `-2.0 s`, `+1 m 05 s`. */
export function offsetText(ms: number): string {
  return `${ms < 0 ? '' : '+'}${lengthText(ms)}`
}

function lengthText(ms: number): string {
  const sign = ms < 0 ? '-' : ''
  const tenths = Math.round(Math.abs(ms) / 100)
  if (tenths < 600) return `${sign}${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(Math.abs(ms) / 1_000)
  const two = (value: number) => String(value).padStart(2, '0')
  const [d, h, m, s] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
    seconds % 60,
  ]
  if (d > 0) return `${sign}${d} d ${two(h)} h ${two(m)} m`
  return h > 0 ? `${sign}${h} h ${two(m)} m ${two(s)} s` : `${sign}${m} m ${two(s)} s`
}

/** A recorded value in a phrase: `10`, `"ALARM"`, `{"desired":6}`. */
export function valueText(value: Json): string {
  // Cleaned first, since JSON that is nested too deeply cannot be written.
  const text = JSON.stringify(printable(value))
  return text.length > MAX_VALUE_TEXT ? `${text.slice(0, MAX_VALUE_TEXT - 1)}…` : text
}

/** `service.canary.weight = 10` for each value that a decision was made on. */
export function valueLines(values: { readonly [name: string]: Json } | undefined): readonly string[] {
  return Object.entries(values ?? {}).map(([name, value]) => `${name} = ${valueText(value)}`)
}

/** One step of a plan, as a phrase. */
export function forecastText(forecast: Forecast): string {
  const target = forecast.target === '' ? '' : `${forecast.target}, `
  const values = valueLines(forecast.values).join(', ')
  const said = `${forecast.step}: ${target}${forecast.summary}${values === '' ? '' : `; ${values}`}`
  switch (forecast.is) {
    case 'change':
      return forecast.reversible ? `${said} (can be put back)` : `${said} (cannot be put back)`
    case 'none':
      return `${said} (nothing to do)`
    case 'skipped':
      return `${said} (would be skipped)`
    case 'refused':
      return `${said} (would be refused)`
    case 'human':
      return `${said} (a person would be asked)`
    case 'unreadable':
      return `${said} (could not be read)`
    case 'not-planned':
      return said
    default:
      return never(forecast.is)
  }
}
