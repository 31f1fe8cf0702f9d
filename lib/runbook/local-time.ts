import * as z from 'zod'
import { isTimeZone } from './calendar.ts'
import { didYouMean } from './diagnostics.ts'
import { issue } from './fields.ts'
import type { Window } from './runbook.ts'

/** As `Date` numbers them. */
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const ALL_DAYS = [0, 1, 2, 3, 4, 5, 6]

/** Days of the week. */
export const weekdays = z.array(z.enum(DAYS)).min(1)

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const LOCAL = /^(?:(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}))?|(\d{2}):(\d{2}))$/
const LOCAL_HELP = 'must be a time such as "22:00", or a date such as "2026-12-20" or "2026-12-20T18:00"'

export type Local =
  | { readonly is: 'time'; readonly minute: number }
  /** In milliseconds as if it were UTC. */
  | { readonly is: 'date'; readonly localMs: number; readonly wholeDay: boolean }

/** A local time or date, in quotes. */
export const local = z.string({ error: LOCAL_HELP }).transform((text, context): Local => {
  const [, year, month, day, hour = '00', minute = '00', timeHour, timeMinute] = LOCAL.exec(text) ?? []
  if (timeHour !== undefined && timeMinute !== undefined) {
    const minutes = Number(timeHour) * 60 + Number(timeMinute)
    if (Number(timeMinute) < 60 && minutes <= 24 * 60) return { is: 'time', minute: minutes }
  } else if (year !== undefined && Number(hour) < 24 && Number(minute) < 60) {
    const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day))
    // A day that no calendar has is counted on into the next month.
    if (new Date(midnight).toISOString().startsWith(`${year}-${month}-${day}`)) {
      const localMs = midnight + (Number(hour) * 60 + Number(minute)) * MINUTE_MS
      return { is: 'date', localMs, wholeDay: !text.includes('T') }
    }
  }
  context.addIssue(issue('BAD_FORMAT', LOCAL_HELP))
  return z.NEVER
})

export const timeZone = z.string().transform((text, context) => {
  if (isTimeZone(text)) return text
  const meant = didYouMean(text, Intl.supportedValuesOf('timeZone'))
  context.addIssue(
    issue(
      'BAD_FORMAT',
      'must be a time zone such as Europe/Berlin or UTC',
      meant === undefined ? {} : { suggestion: meant },
    ),
  )
  return z.NEVER
})

interface Problem {
  readonly problem: string
  readonly at: 'from' | 'until' | 'days'
  readonly missing?: true
}

/** A window as it was written, or what is wrong with it. */
export function windowOf(
  from: Local | undefined,
  until: Local | undefined,
  days: readonly (typeof DAYS)[number][] | undefined,
): Window | Problem {
  if (from?.is === 'date' || until?.is === 'date') {
    if (from === undefined) return { problem: '"from" is missing', at: 'from', missing: true }
    if (until === undefined) return { problem: '"until" is missing', at: 'until', missing: true }
    if (from.is !== 'date' || until.is !== 'date')
      return { problem: '"from" and "until" must both be dates, or both be times', at: 'until' }
    if (days !== undefined) return { problem: 'days of the week go with times, not with dates', at: 'days' }
    const untilLocalMs = until.localMs + (until.wholeDay ? DAY_MS : 0)
    if (untilLocalMs <= from.localMs) return { problem: '"until" is not later than "from"', at: 'until' }
    return { is: 'once', fromLocalMs: from.localMs, untilLocalMs }
  }
  if (days === undefined && from === undefined)
    return { problem: '"from" is missing', at: 'from', missing: true }
  if (days === undefined && until === undefined)
    return { problem: '"until" is missing', at: 'until', missing: true }
  const fromMinute = from?.minute ?? 0
  const untilMinute = until?.minute ?? 24 * 60
  if (fromMinute === untilMinute || fromMinute === 24 * 60)
    return { problem: 'the window has no length; a whole day is "00:00" to "24:00"', at: 'until' }
  return {
    is: 'weekly',
    days: days === undefined ? ALL_DAYS : days.map((day) => DAYS.indexOf(day)),
    fromMinute,
    untilMinute,
  }
}
