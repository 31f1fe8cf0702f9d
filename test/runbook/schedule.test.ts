import * as fc from 'fast-check'
import { handOffAt, localMs, localText } from '../../lib/runbook/calendar.ts'
import { gapIn, onCallAt, shiftsOf, type Layer, type Schedule } from '../../lib/runbook/schedule.ts'
import type { Window } from '../../lib/runbook/runbook.ts'

const BERLIN = 'Europe/Berlin'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS
const local = (text: string) => Date.parse(`${text}Z`)
const at = (text: string) => Date.parse(text)

const layer = (over: Partial<Layer> = {}): Layer => ({
  people: ['ann', 'bob', 'cid'],
  fromLocalMs: local('2026-11-02T09:00'),
  turnMs: WEEK_MS,
  during: [],
  offOnHolidays: false,
  ...over,
})
const schedule = (layers: readonly Layer[], over: Partial<Schedule> = {}): Schedule => ({
  name: 'primary',
  timeZone: BERLIN,
  layers,
  overrides: [],
  holidays: [],
  ...over,
})
const weekly = (days: readonly number[], from: number, until: number): Window => ({
  is: 'weekly',
  days,
  fromMinute: from * 60,
  untilMinute: until * 60,
})
const OFFICE = weekly([1, 2, 3, 4, 5], 9, 17)

describe('a rotation of a week', () => {
  const weeks = schedule([layer()])

  test.each([
    ['before it begins', '2026-11-02T07:59:59Z', undefined],
    ['at its first moment', '2026-11-02T08:00:00Z', 'ann'],
    ['a second before the hand-off', '2026-11-09T07:59:59Z', 'ann'],
    ['at the hand-off', '2026-11-09T08:00:00Z', 'bob'],
    ['after all had their turn', '2026-11-23T08:00:00Z', 'ann'],
    ['in summer the hand-off is at nine by the clock there', '2027-03-29T06:59:59Z', 'cid'],
    ['and not an hour later', '2027-03-29T07:00:00Z', 'ann'],
  ])('%s', (_when, moment, person) => {
    expect(onCallAt(weeks, at(moment))).toBe(person)
  })
})

/*
 * Berlin, 2027-03-28: 01:59:59 is followed by 03:00:00 (01:00 UTC). 2026-10-25: 02:59:59 by 02:00:00 (01:00 UTC).
 */
describe('a hand-off where the clock is changed', () => {
  test.each([
    ['never shown: as much later', '2027-03-28T02:30', '2027-03-28T01:30:00Z'],
    ['shown twice: the first time', '2026-10-25T02:30', '2026-10-25T00:30:00Z'],
    ['shown once', '2026-10-25T03:00', '2026-10-25T02:00:00Z'],
  ])('%s', (_what, time, instant) => {
    expect(handOffAt(BERLIN, local(time))).toBe(at(instant))
  })

  test('a turn of an hour that is left out has no length, and of those shown twice the second belongs to the turn that is on', () => {
    const hours = (from: string) => schedule([layer({ fromLocalMs: local(from), turnMs: HOUR_MS })])
    const spring = shiftsOf(hours('2027-03-28T01:00'), at('2027-03-28T00:00Z'), at('2027-03-28T03:00Z'))
    expect(spring.map(({ person, fromMs }) => `${person} ${localText(BERLIN, fromMs)}`)).toEqual([
      'ann 2027-03-28 01:00',
      // Bob's hour, from two to three, is not there.
      'cid 2027-03-28 03:00',
      'ann 2027-03-28 04:00',
    ])
    const autumn = shiftsOf(hours('2026-10-25T01:00'), at('2026-10-24T23:00Z'), at('2026-10-25T03:00Z'))
    expect(autumn.map(({ person, fromMs, untilMs }) => [person, (untilMs - fromMs) / HOUR_MS])).toEqual([
      ['ann', 1],
      ['bob', 2],
      ['cid', 1],
    ])
  })
})

describe('layers, overrides and holidays', () => {
  const base = layer({ people: ['ann'] })
  const office = layer({ people: ['bob'], during: [OFFICE], offOnHolidays: true })
  const XMAS = local('2026-12-25T00:00')
  const override = {
    person: 'eve',
    fromLocalMs: local('2026-12-01T12:00'),
    untilLocalMs: local('2026-12-01T15:00'),
  }
  const both = schedule([base, office], { overrides: [override], holidays: [XMAS] })

  test.each([
    ['the last layer that says somebody', '2026-12-01T09:00Z', 'bob'],
    ['the one below where it says nobody', '2026-12-01T18:00Z', 'ann'],
    ['an override before both', '2026-12-01T11:00Z', 'eve'],
    ['until its end', '2026-12-01T14:00Z', 'bob'],
    ['on a holiday the one below', '2026-12-25T10:00Z', 'ann'],
    ['the day after it', '2026-12-28T10:00Z', 'bob'],
  ])('%s', (_what, moment, person) => {
    expect(onCallAt(both, at(moment))).toBe(person)
  })

  test('a night that begins before a holiday goes on into it, and one that begins on it is not there', () => {
    const nights = layer({
      people: ['nia'],
      during: [weekly([0, 1, 2, 3, 4, 5, 6], 22, 6)],
      offOnHolidays: true,
    })
    const nightly = schedule([base, nights], { holidays: [XMAS] })
    expect(
      ['2026-12-25T03:00Z', '2026-12-25T22:00Z', '2026-12-26T03:00Z'].map((one) =>
        onCallAt(nightly, at(one)),
      ),
    ).toEqual(['nia', 'ann', 'ann'])
  })

  test('of two overrides the later one in the file counts', () => {
    const twice = { ...both, overrides: [override, { ...override, person: 'dan' }] }
    expect(onCallAt(twice, at('2026-12-01T11:00Z'))).toBe('dan')
  })
})

describe('a gap', () => {
  const WEEKEND = weekly([6, 0], 0, 24)
  const EVENINGS = weekly([1, 2, 3, 4, 5], 17, 9)
  const FRIDAY_EVENING = weekly([5], 17, 24)

  test.each<[string, Schedule, string | undefined]>([
    ['a rotation without windows has none', schedule([layer()]), undefined],
    ['office hours alone end at five', schedule([layer({ during: [OFFICE] })]), '2026-11-02 17:00'],
    ['office hours over a rotation have none', schedule([layer(), layer({ during: [OFFICE] })]), undefined],
    [
      'windows that meet have none',
      schedule([layer({ during: [OFFICE] }), layer({ during: [EVENINGS, WEEKEND, weekly([1], 0, 9)] })]),
      undefined,
    ],
    [
      'the morning of Monday is forgotten easily',
      schedule([
        layer({ during: [OFFICE] }),
        layer({ during: [weekly([1, 2, 3, 4], 17, 9), FRIDAY_EVENING, WEEKEND] }),
      ]),
      '2026-11-09 00:00',
    ],
    [
      'a holiday on which nobody is on call',
      schedule([layer({ offOnHolidays: true })], { holidays: [local('2026-12-25T00:00')] }),
      '2026-12-25 00:00',
    ],
  ])('%s', (_what, one, from) => {
    const gap = gapIn(one)
    expect(gap && localText(BERLIN, gap.fromMs)).toBe(from)
  })
})

/** Zones with every kind of change: north, south, at midnight, of half an hour, none. */
const ZONES = [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Santiago',
  'Africa/Cairo',
  'Asia/Kolkata',
  'UTC',
]

const schedules = fc
  .record({
    timeZone: fc.constantFrom(...ZONES),
    layers: fc.array(
      fc.record({
        people: fc.uniqueArray(fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve'), { minLength: 1 }),
        fromLocalMs: fc
          .integer({ min: 0, max: 60 * 24 })
          .map((halves) => local('2026-01-01T00:00') + halves * 30 * 60_000),
        turnMs: fc.constantFrom(HOUR_MS, 8 * HOUR_MS, 12 * HOUR_MS, DAY_MS, WEEK_MS, 2 * WEEK_MS),
        during: fc.array(
          fc.record({
            is: fc.constant('weekly' as const),
            days: fc.uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1 }),
            fromMinute: fc.integer({ min: 0, max: 24 * 60 - 1 }),
            untilMinute: fc.integer({ min: 1, max: 24 * 60 }),
          }),
          { maxLength: 2 },
        ),
        offOnHolidays: fc.boolean(),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    overrides: fc.array(
      fc.tuple(fc.integer({ min: 0, max: 1_000 }), fc.integer({ min: 1, max: 200 })).map(([from, hours]) => ({
        person: 'xen',
        fromLocalMs: local('2026-01-01T00:00') + from * DAY_MS,
        untilLocalMs: local('2026-01-01T00:00') + from * DAY_MS + hours * HOUR_MS,
      })),
      { maxLength: 2 },
    ),
    holidays: fc.array(
      fc.integer({ min: 0, max: 1_000 }).map((day) => local('2026-01-01T00:00') + day * DAY_MS),
      { maxLength: 3 },
    ),
  })
  .map((made): Schedule => ({ name: 'any', ...made }))

/** A moment in three years, and often beside a change of the clock. */
const moments = fc.oneof(
  fc.integer({ min: at('2026-02-15T00:00Z'), max: at('2028-12-31T00:00Z') }),
  fc
    .tuple(
      fc.constantFrom(
        '2026-03-29',
        '2026-10-25',
        '2027-03-28',
        '2026-03-08',
        '2026-11-01',
        '2026-04-05',
        '2026-10-04',
        '2026-09-06',
        '2026-04-24',
        '2026-10-30',
      ),
      fc.integer({ min: -36 * 60, max: 60 * 60 }),
    )
    .map(([day, minutes]) => at(`${day}T00:00Z`) + minutes * 60_000),
)

describe('over years, in every zone', () => {
  test('shifts lie side by side without a gap or an overlap, and each has the person who is on call in it', () => {
    fc.assert(
      fc.property(schedules, moments, (one, fromMs) => {
        const untilMs = fromMs + 10 * DAY_MS
        const shifts = shiftsOf(one, fromMs, untilMs)
        expect(shifts[0]?.fromMs).toBe(fromMs)
        expect(shifts.at(-1)?.untilMs).toBe(untilMs)
        expect(shifts.slice(1).map((shift) => shift.fromMs)).toEqual(
          shifts.slice(0, -1).map((shift) => shift.untilMs),
        )
        expect(shifts.some(({ person }, index) => index > 0 && person === shifts[index - 1]?.person)).toBe(
          false,
        )
        for (const shift of shifts) {
          for (const atMs of [shift.fromMs, (shift.fromMs + shift.untilMs) / 2, shift.untilMs - 1])
            expect(onCallAt(one, Math.floor(atMs))).toBe(shift.person)
        }
      }),
      { numRuns: 25 },
    )
  })

  test('a rotation is declared by its turns: whoever is on call is the one whose turn the clock on the wall says', () => {
    const rotations = schedules.map((one) => ({
      ...one,
      overrides: [],
      holidays: [],
      layers: one.layers.slice(0, 1).map((only) => ({ ...only, during: [] })),
    }))
    fc.assert(
      fc.property(rotations, moments, (one, atMs) => {
        const [only] = one.layers
        if (!only) throw new Error('there is one layer')
        // Told by walking along all hand-offs, and not by a division.
        let person: string | undefined
        const nearMs = localMs(one.timeZone, atMs) - only.fromLocalMs - 4 * WEEK_MS
        for (let turn = Math.max(0, Math.floor(nearMs / only.turnMs)); ; turn++) {
          if (handOffAt(one.timeZone, only.fromLocalMs + turn * only.turnMs) > atMs) break
          person = only.people[turn % only.people.length]
        }
        expect(onCallAt(one, atMs)).toBe(person)
      }),
      { numRuns: 300 },
    )
  })

  test('where no gap is found nobody is missing at any later time', () => {
    fc.assert(
      fc.property(schedules, moments, (one, atMs) => {
        const beganAtMs = Math.max(
          ...one.layers.map(({ fromLocalMs }) => handOffAt(one.timeZone, fromLocalMs)),
        )
        const isPromised = gapIn(one) === undefined && atMs >= beganAtMs
        expect(isPromised && onCallAt(one, atMs) === undefined).toBe(false)
      }),
      { numRuns: 40 },
    )
  })
})
