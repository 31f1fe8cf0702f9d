import * as z from 'zod'
import { duration, issue, name } from './fields.ts'
import { MAX_ENTRIES, MAX_FREEZES } from './limits.ts'
import { local, timeZone, weekdays, windowOf, type Local } from './local-time.ts'
import type { Layer, Override, Schedule } from './schedule.ts'
import type { Window } from './runbook.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const DATE_HELP = 'must be a date, such as "2026-12-24" or "2026-12-24T09:00"'

/** The beginning of a date that is given without a time is its midnight. */
const date = local.transform((read: Local, context) => {
  if (read.is === 'date') return read
  context.addIssue(issue('BAD_FORMAT', DATE_HELP))
  return z.NEVER
})

const window = z
  .strictObject({
    days: z.exactOptional(weekdays).describe('The days of the week on which it begins. Default: every day.'),
    from: z.exactOptional(local).describe('When it begins: "09:00", in quotes. Default "00:00".'),
    until: z
      .exactOptional(local)
      .describe('When it ends, on the next day where it is not later than from. Default "24:00".'),
  })
  .transform(({ days, from, until }, context): Window => {
    const read = windowOf(from, until, days)
    if (!('problem' in read) && read.is === 'weekly') return read
    const told =
      'problem' in read ? read : { problem: 'a window of a layer has times, and no dates', at: 'from' }
    context.addIssue(issue('WRONG_VALUE', told.problem, { path: [told.at] }))
    return z.NEVER
  })

const layer = z
  .strictObject({
    people: z
      .array(name)
      .min(1)
      .max(MAX_ENTRIES)
      .describe('Who takes turns, in this order: names under people.'),
    from: date.describe('When the first one\'s first turn begins: "2026-11-02T09:00", in quotes.'),
    turn: duration({ minMs: HOUR_MS })
      .prefault('7d')
      .describe('How long a turn lasts by the clock on the wall. Default 7d.'),
    during: z
      .array(window)
      .max(20)
      .prefault([])
      .describe('Only then; the layers before it have the rest. Default: always.'),
    off_on_holidays: z
      .boolean()
      .prefault(false)
      .describe('Nobody is on call by this layer on a holiday of the schedule. Default false.'),
  })
  .transform(({ people, from, turn, during, off_on_holidays }): Layer => ({
    people,
    fromLocalMs: from.localMs,
    turnMs: turn,
    during,
    offOnHolidays: off_on_holidays,
  }))

const override = z
  .strictObject({
    person: name.describe('Who is on call instead: a name under people.'),
    from: date.describe('When it begins: a date, or a date and time.'),
    until: date.describe('When it ends: a date, which is in it as well, or a date and time.'),
  })
  .transform(({ person, from, until }, context): Override => {
    const untilLocalMs = until.localMs + (until.wholeDay ? DAY_MS : 0)
    if (untilLocalMs > from.localMs) return { person, fromLocalMs: from.localMs, untilLocalMs }
    context.addIssue(issue('WRONG_VALUE', '"until" is not later than "from"', { path: ['until'] }))
    return z.NEVER
  })

const holiday = date.transform((read, context) => {
  if (read.wholeDay) return read.localMs
  context.addIssue(issue('BAD_FORMAT', 'a holiday is a whole day, such as "2026-12-25"'))
  return z.NEVER
})

/** One entry of `schedules` without its name. */
export const scheduleForm = z
  .strictObject({
    time_zone: timeZone.describe('The zone of all its times, by its IANA name, such as Europe/Berlin.'),
    layers: z
      .array(layer)
      .min(1)
      .max(20)
      .describe('Rotations. Where several say somebody, the last one counts.'),
    overrides: z
      .array(override)
      .max(MAX_FREEZES)
      .prefault([])
      .describe('Who is on call instead, for a time. The last one counts, before all layers.'),
    holidays: z.array(holiday).max(MAX_FREEZES).prefault([]).describe('Dates, in quotes.'),
  })
  .transform(({ time_zone, layers, overrides, holidays }): Omit<Schedule, 'name'> => ({
    timeZone: time_zone,
    layers,
    overrides,
    holidays,
  }))
  .describe('Who is on call when.')
