import type { Window } from './runbook.ts'

/*
 * Local times become instants here, by the time zone data of the runtime. What the change of daylight saving makes
 * doubtful is read so that a window is never shorter for it (docs/adr/0021).
 */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** A window as it lies around a moment. */
export interface Span {
  readonly fromMs: number
  /** The first moment behind it. */
  readonly untilMs: number
}

/** Making one costs far more than using it, and a policy has few zones. */
const formats = new Map<string, Intl.DateTimeFormat>()

function formatFor(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(timeZone, made)
  return made
}

/** Whether the runtime knows the zone by this name. Offsets such as `+01:00` are no zones: they know no summer. */
export function isTimeZone(text: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/.test(text)) return false
  try {
    formatFor(text)
    return true
  } catch {
    return false
  }
}

/** What the clock on the wall shows there, in milliseconds as if it were UTC. */
export function localMs(timeZone: string, atMs: number): number {
  const parts: { [part: string]: number } = {}
  for (const { type, value } of formatFor(timeZone).formatToParts(atMs)) parts[type] = Number(value)
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** `2026-12-24 18:00`, by the clock on the wall there. */
export function localText(timeZone: string, atMs: number): string {
  return new Date(localMs(timeZone, atMs)).toISOString().slice(0, 16).replace('T', ' ')
}

/**
 * The moment at which the clock on the wall shows a time. Where it shows it twice, the earlier or the later one; where it
 * never does, that time by the offset after the change (earlier) or before it (later), as Temporal does it.
 */
export function instantOf(timeZone: string, local: number, which: 'earlier' | 'later'): number {
  const candidates = [local - DAY_MS, local + DAY_MS].map((near) => local - (localMs(timeZone, near) - near))
  const shown = candidates.filter((atMs) => localMs(timeZone, atMs) === local)
  const choice = shown.length > 0 ? shown : candidates
  return which === 'earlier' ? Math.min(...choice) : Math.max(...choice)
}

/**
 * The moment of a hand-off, of which there must be exactly one: the first time that the clock shows it, and where it never
 * does, that much later, as Temporal's `compatible`. A later local time is never an earlier moment, as long as they lie an
 * hour or more apart.
 */
export function handOffAt(timeZone: string, local: number): number {
  const earlier = instantOf(timeZone, local, 'earlier')
  return localMs(timeZone, earlier) === local ? earlier : instantOf(timeZone, local, 'later')
}

/** The window that lies around this moment; `undefined` where none does. Pure. */
export function spanAround(window: Window, timeZone: string, atMs: number): Span | undefined {
  return spansNear(window, timeZone, atMs).find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs)
}

/** The windows of the day of this moment and of those beside it. */
export function spansNear(window: Window, timeZone: string, atMs: number): readonly Span[] {
  const span = (from: number, until: number): Span => ({
    fromMs: instantOf(timeZone, from, 'earlier'),
    untilMs: instantOf(timeZone, until, 'later'),
  })
  if (window.is === 'once') return [span(window.fromLocalMs, window.untilLocalMs)]
  const midnight = Math.floor(localMs(timeZone, atMs) / DAY_MS) * DAY_MS
  // One that began yesterday may still last; one of tomorrow may begin early, where tomorrow has no midnight.
  return [midnight - DAY_MS, midnight, midnight + DAY_MS]
    .filter((day) => window.days.includes(new Date(day).getUTCDay()))
    .map((day) => {
      const overnight = window.untilMinute <= window.fromMinute ? DAY_MS : 0
      return span(day + window.fromMinute * MINUTE_MS, day + overnight + window.untilMinute * MINUTE_MS)
    })
}
