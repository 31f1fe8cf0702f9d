import * as fc from 'fast-check'
import { instantOf, isTimeZone, localMs, localText, spanAround } from '../../lib/runbook/calendar.ts'
import type { Window } from '../../lib/runbook/runbook.ts'

const BERLIN = 'Europe/Berlin'
const at = (text: string) => Date.parse(text)
const minutes = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

function weekly(days: readonly number[], from: string, until: string): Window {
  return { is: 'weekly', days, fromMinute: minutes(from), untilMinute: minutes(until) }
}

function once(from: string, until: string): Window {
  return { is: 'once', fromLocalMs: at(`${from}Z`), untilLocalMs: at(`${until}Z`) }
}

const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
const NIGHT = weekly(EVERY_DAY, '22:00', '06:00')
const FRIDAY_NIGHT = weekly([5], '22:00', '06:00')
const WEEKEND = weekly([0, 6], '00:00', '24:00')

test.each<[string, Window, string, string, boolean]>([
  ['before a night', NIGHT, BERLIN, '2026-11-23T20:59:59Z', false],
  ['at its first moment', NIGHT, BERLIN, '2026-11-23T21:00:00Z', true],
  ['after midnight', NIGHT, BERLIN, '2026-11-24T04:59:59Z', true],
  ['at its end', NIGHT, BERLIN, '2026-11-24T05:00:00Z', false],
  ['in summer, an hour earlier by UTC', NIGHT, BERLIN, '2026-07-01T20:00:00Z', true],
  ['the night that began on Friday, on Saturday', FRIDAY_NIGHT, BERLIN, '2026-11-28T04:00:00Z', true],
  ['the night that began on Thursday', FRIDAY_NIGHT, BERLIN, '2026-11-27T04:00:00Z', false],
  ['Saturday there, Friday in UTC', WEEKEND, 'Asia/Tokyo', '2026-11-27T15:00:00Z', true],
  ['Monday there, Sunday in UTC', WEEKEND, 'Asia/Tokyo', '2026-11-29T15:00:00Z', false],
  ['a date before it', once('2026-12-20T00:00', '2027-01-05T00:00'), BERLIN, '2026-12-19T22:59:00Z', false],
  [
    'a date, first moment',
    once('2026-12-20T00:00', '2027-01-05T00:00'),
    BERLIN,
    '2026-12-19T23:00:00Z',
    true,
  ],
  ['a date, its end', once('2026-12-20T00:00', '2027-01-05T00:00'), BERLIN, '2027-01-04T23:00:00Z', false],
])('%s: inside or not', (_what, window, zone, now, inside) => {
  expect(spanAround(window, zone, at(now)) !== undefined).toBe(inside)
})

/*
 * Berlin, 2026-03-29: 01:59:59 is followed by 03:00:00 (01:00 UTC). 2026-10-25: 02:59:59 by 02:00:00 (01:00 UTC).
 */
test.each<[string, string, 'earlier' | 'later', string]>([
  ['a time that is shown once', '2026-03-29T01:59', 'earlier', '2026-03-29T00:59:00Z'],
  ['the same, later', '2026-03-29T01:59', 'later', '2026-03-29T00:59:00Z'],
  ['just after the change', '2026-03-29T03:00', 'earlier', '2026-03-29T01:00:00Z'],
  ['a time that is never shown, earlier', '2026-03-29T02:30', 'earlier', '2026-03-29T00:30:00Z'],
  ['a time that is never shown, later', '2026-03-29T02:30', 'later', '2026-03-29T01:30:00Z'],
  ['a time that is shown twice, earlier', '2026-10-25T02:30', 'earlier', '2026-10-25T00:30:00Z'],
  ['a time that is shown twice, later', '2026-10-25T02:30', 'later', '2026-10-25T01:30:00Z'],
  ['the last minute before it', '2026-10-25T01:59', 'later', '2026-10-24T23:59:00Z'],
  ['the first minute after it', '2026-10-25T03:00', 'earlier', '2026-10-25T02:00:00Z'],
])('%s', (_what, local, which, instant) => {
  expect(new Date(instantOf(BERLIN, at(`${local}Z`), which)).toISOString()).toBe(
    new Date(instant).toISOString(),
  )
})

test('a window that begins or ends in a doubtful hour has no hole and is never shorter', () => {
  const doubtful = weekly(EVERY_DAY, '02:30', '02:45')
  const inside = (now: string) => spanAround(doubtful, BERLIN, at(now)) !== undefined
  // Twice 02:30: from the first 02:30 to the second 02:45, without a hole at 02:50 and 02:10 in between.
  expect(
    ['00:29', '00:30', '00:50', '01:10', '01:44', '01:45'].map((time) => inside(`2026-10-25T${time}:00Z`)),
  ).toEqual([false, true, true, true, true, false])
  // Never 02:30: it lasts from an hour before the change to 45 minutes after it.
  expect(
    ['00:29', '00:30', '00:59', '01:00', '01:44', '01:45'].map((time) => inside(`2026-03-29T${time}:00Z`)),
  ).toEqual([false, true, true, true, true, false])
})

test('a day without a midnight begins with the window all the same', () => {
  // Santiago, 2026-09-06: 23:59:59 of the day before is followed by 01:00:00 (04:00 UTC).
  const sunday = weekly([0], '00:00', '06:00')
  expect(spanAround(sunday, 'America/Santiago', at('2026-09-06T04:00:00Z'))).toBeDefined()
  expect(spanAround(sunday, 'America/Santiago', at('2026-09-06T08:59:00Z'))).toBeDefined()
  expect(spanAround(sunday, 'America/Santiago', at('2026-09-06T09:00:00Z'))).toBeUndefined()
})

test.each(['UTC', 'Europe/Berlin', 'America/Argentina/Ushuaia', 'Etc/GMT+5', 'europe/berlin'])(
  '%s is a time zone',
  (zone) => expect(isTimeZone(zone)).toBe(true),
)

test.each(['', 'Berlin', '+01:00', 'Europe/Atlantis', 'UTC; drop', '../../etc/passwd', 'x'.repeat(10_000)])(
  '%j is no time zone',
  (zone) => expect(isTimeZone(zone)).toBe(false),
)

const ZONES = [
  'UTC',
  BERLIN,
  'America/New_York',
  'America/Santiago',
  'Australia/Lord_Howe',
  'Asia/Kathmandu',
  'Africa/Casablanca',
  'Pacific/Apia',
]
const moments = fc
  .integer({ min: at('2024-01-01T00:00Z') / 60_000, max: at('2030-01-01T00:00Z') / 60_000 })
  .map((m) => m * 60_000)

test('in any zone a moment lies between the earlier and the later reading of its local time', () => {
  fc.assert(
    fc.property(fc.constantFrom(...ZONES), moments, (zone, atMs) => {
      const local = localMs(zone, atMs)
      const [earlier, later] = [instantOf(zone, local, 'earlier'), instantOf(zone, local, 'later')]
      expect(localMs(zone, earlier)).toBe(local)
      expect(localMs(zone, later)).toBe(local)
      expect([earlier, later]).toContain(atMs)
      expect(earlier).toBeLessThanOrEqual(later)
    }),
    { numRuns: 2_000 },
  )
})

test('in any zone, whenever the clock on the wall is inside a nightly window, so is the span', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      moments,
      fc.integer({ min: 0, max: 1439 }),
      fc.integer({ min: 0, max: 1440 }),
      (zone, atMs, fromMinute, untilMinute) => {
        fc.pre(fromMinute !== untilMinute)
        const window: Window = { is: 'weekly', days: EVERY_DAY, fromMinute, untilMinute }
        const minute = (localMs(zone, atMs) / 60_000) % 1440
        const inside =
          fromMinute < untilMinute
            ? fromMinute <= minute && minute < untilMinute
            : fromMinute <= minute || minute < untilMinute
        const span = spanAround(window, zone, atMs)
        const nominalMs = ((untilMinute - fromMinute + 1440) % 1440) * 60_000
        const minuteAt = (ms: number) => (localMs(zone, ms) / 60_000) % 1440
        const isNominal =
          span !== undefined &&
          span.untilMs - span.fromMs === nominalMs &&
          minuteAt(span.fromMs) === fromMinute % 1440 &&
          minuteAt(span.untilMs) === untilMinute % 1440
        expect(inside && span === undefined).toBe(false)
        // Beyond the clock on the wall it is frozen only where that was changed within the window, or where
        // the change left the window out: Santiago's nightly 00:00 to 01:00, on the night that has no such hour.
        expect(!inside && isNominal).toBe(false)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('a time is shown as people there read it', () => {
  expect(localText(BERLIN, at('2027-01-04T23:00:00Z'))).toBe('2027-01-05 00:00')
})
