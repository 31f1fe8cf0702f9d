import * as z from 'zod'
import { isTimeZone } from './calendar.ts'
import { didYouMean } from './diagnostics.ts'
import { issue, name, severity } from './fields.ts'
import { MAX_ENTRIES } from './limits.ts'
import type { Window } from './runbook.ts'

/** As `Date` numbers them. */
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const ALL_DAYS = [0, 1, 2, 3, 4, 5, 6]

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const LOCAL = /^(?:(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}))?|(\d{2}):(\d{2}))$/
const LOCAL_HELP = 'must be a time such as "22:00", or a date such as "2026-12-20" or "2026-12-20T18:00"'

type Local =
  | { readonly is: 'time'; readonly minute: number }
  /** In milliseconds as if it were UTC. */
  | { readonly is: 'date'; readonly localMs: number; readonly wholeDay: boolean }

const local = z.string({ error: LOCAL_HELP }).transform((text, context): Local => {
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

const timeZone = z.string().transform((text, context) => {
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

export const services = z.array(name).min(1).max(MAX_ENTRIES)
export const severities = z.array(severity).min(1)

/** One change freeze of policy.yaml. */
export const freezeForm = z
  .strictObject({
    name: name.describe('What people call it; stands in every refusal.'),
    from: z
      .exactOptional(local)
      .describe(
        'When it begins: "22:00" on each of the days, or a date, "2026-12-20" or "2026-12-20T18:00". In quotes. Default, with days: "00:00".',
      ),
    until: z
      .exactOptional(local)
      .describe(
        'When it ends: a time, on the next day where it is not later than from; or a date, which is frozen as well. Default, with days: "24:00".',
      ),
    days: z
      .exactOptional(z.array(z.enum(DAYS)).min(1))
      .describe('The days of the week on which it begins: mon to sun. Default, with times: every day.'),
    time_zone: timeZone
      .prefault('UTC')
      .describe('The time zone of from and until, by its IANA name, such as Europe/Berlin. Default UTC.'),
    services: z.exactOptional(services).describe('Only these services. Default: all.'),
    severities: z.exactOptional(severities).describe('Only runbooks of these severities. Default: all.'),
    mode: z
      .enum(['refuse', 'shadow', 'approve'])
      .prefault('refuse')
      .describe(
        'What becomes of a start: refuse, shadow (record the plan only) or approve (ask first). Default refuse.',
      ),
  })
  .transform(({ from, until, days, time_zone, ...rest }, context) => {
    const read = windowOf(from, until, days)
    if (!('problem' in read)) return { ...rest, timeZone: time_zone, window: read }
    const path = [read.at]
    context.addIssue(issue(read.missing ? 'MISSING_KEY' : 'WRONG_VALUE', read.problem, { path }))
    return z.NEVER
  })
  .describe('A change freeze: what is started within it changes nothing, or only what a person approves.')

interface Problem {
  readonly problem: string
  readonly at: 'from' | 'until' | 'days'
  readonly missing?: true
}

function windowOf(
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
