import * as z from 'zod'
import { issue, name, severity } from './fields.ts'
import { MAX_ENTRIES } from './limits.ts'
import { local, timeZone, weekdays, windowOf } from './local-time.ts'

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
      .exactOptional(weekdays)
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
