import { handOffAt, localMs, spansNear } from './calendar.ts'
import type { Window } from './runbook.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** What repeats each week is seen within it, and the window of its last evening on the day after. */
const ONE_WEEK_MS = 8 * DAY_MS

/** Who is on call when. Of layers that say somebody the last one counts, and overrides count before all layers. */
export interface Schedule {
  readonly name: string
  readonly timeZone: string
  readonly layers: readonly Layer[]
  readonly overrides: readonly Override[]
  /** By the midnight at which each begins, by the clock on the wall. */
  readonly holidays: readonly number[]
}

/** People who take turns. */
export interface Layer {
  readonly people: readonly string[]
  /** When the first turn of the first one begins, by the clock on the wall. */
  readonly fromLocalMs: number
  /** How long a turn lasts by that clock, for which every day has 24 h: at least one. */
  readonly turnMs: number
  /** Only within these windows; always where there are none. */
  readonly during: readonly Window[]
  /** Whether nobody is on call by this layer on a holiday; a window that begins the evening before goes on. */
  readonly offOnHolidays: boolean
}

export interface Override {
  readonly person: string
  readonly fromLocalMs: number
  readonly untilLocalMs: number
}

/** A time for which one and the same person is on call, or nobody. */
export interface Shift {
  readonly person: string | undefined
  readonly fromMs: number
  readonly untilMs: number
}

/** Who is on call at a moment; `undefined` where nobody is. Pure. */
export function onCallAt(schedule: Schedule, atMs: number): string | undefined {
  const { timeZone, overrides, layers } = schedule
  const override = overrides.findLast(
    ({ fromLocalMs, untilLocalMs }) =>
      handOffAt(timeZone, fromLocalMs) <= atMs && atMs < handOffAt(timeZone, untilLocalMs),
  )
  if (override) return override.person
  const layer = layers.findLast((one) => isOn(schedule, one, atMs))
  return layer?.people[turnAt(layer, timeZone, atMs) % layer.people.length]
}

function isOn({ timeZone, holidays }: Schedule, layer: Layer, atMs: number): boolean {
  if (atMs < handOffAt(timeZone, layer.fromLocalMs)) return false
  const isOff = (day: number) => layer.offOnHolidays && holidays.includes(day)
  if (layer.during.length === 0) return !isOff(dayOf(localMs(timeZone, atMs)))
  return layer.during.some((window) =>
    spansNear(window, timeZone, atMs).some(
      ({ fromMs, untilMs }) =>
        fromMs <= atMs && atMs < untilMs && !isOff(beginningOf(window, localMs(timeZone, fromMs))),
    ),
  )
}

function dayOf(local: number): number {
  return Math.floor(local / DAY_MS) * DAY_MS
}

/** The day on which a window begins, also where the clock is changed at that very time and shows another. */
function beginningOf(window: Window, local: number): number {
  const sinceMidnight = window.is === 'weekly' ? window.fromMinute * MINUTE_MS : local - dayOf(local)
  return Math.round((local - sinceMidnight) / DAY_MS) * DAY_MS
}

/** The number of the turn, counted from the layer's first one. */
function turnAt({ fromLocalMs, turnMs }: Layer, timeZone: string, atMs: number): number {
  const begins = (turn: number) => handOffAt(timeZone, fromLocalMs + turn * turnMs)
  let turn = Math.floor((localMs(timeZone, atMs) - fromLocalMs) / turnMs)
  // Where the clock is changed just then, it shows a time of the turn beside it.
  while (begins(turn) > atMs) turn--
  while (begins(turn + 1) <= atMs) turn++
  return turn
}

/** Who is on call from then until then, without a gap between the shifts. Pure. */
export function shiftsOf(schedule: Schedule, fromMs: number, untilMs: number): readonly Shift[] {
  const edges = [...new Set([fromMs, ...edgesOf(schedule, fromMs, untilMs)])]
    .filter((atMs) => fromMs <= atMs && atMs < untilMs)
    .sort((a, b) => a - b)
  const shifts: Shift[] = []
  for (const [index, atMs] of edges.entries()) {
    const person = onCallAt(schedule, atMs)
    const endMs = edges[index + 1] ?? untilMs
    const last = shifts.at(-1)
    if (last && last.person === person) shifts[shifts.length - 1] = { ...last, untilMs: endMs }
    else shifts.push({ person, fromMs: atMs, untilMs: endMs })
  }
  return shifts
}

/** Every moment at which somebody else may come on call. */
function edgesOf(
  { timeZone, layers, overrides, holidays }: Schedule,
  fromMs: number,
  untilMs: number,
): readonly number[] {
  const edges: number[] = []
  for (const { fromLocalMs, untilLocalMs } of overrides)
    edges.push(handOffAt(timeZone, fromLocalMs), handOffAt(timeZone, untilLocalMs))
  for (const day of holidays) edges.push(handOffAt(timeZone, day), handOffAt(timeZone, day + DAY_MS))
  for (const layer of layers) {
    const first = Math.max(0, turnAt(layer, timeZone, fromMs))
    for (let turn = first; ; turn++) {
      const atMs = handOffAt(timeZone, layer.fromLocalMs + turn * layer.turnMs)
      if (atMs >= untilMs) break
      edges.push(atMs)
    }
    for (let atMs = fromMs; atMs < untilMs + DAY_MS; atMs += DAY_MS)
      for (const window of layer.during)
        for (const span of spansNear(window, timeZone, atMs)) edges.push(span.fromMs, span.untilMs)
  }
  return edges
}

/**
 * When nobody is on call though the schedule has begun: in the first week of each layer, since what repeats is seen in one
 * week, and around each holiday. The first gap that is found; `undefined` where there is none.
 */
export function gapIn(schedule: Schedule): Shift | undefined {
  const { timeZone, layers, holidays } = schedule
  const begins = layers.map(({ fromLocalMs }) => handOffAt(timeZone, fromLocalMs))
  const beganAtMs = Math.min(...begins)
  const around = holidays.map((day) => handOffAt(timeZone, day) - DAY_MS).filter((atMs) => atMs > beganAtMs)
  for (const fromMs of [...begins, ...around]) {
    const gap = shiftsOf(schedule, fromMs, fromMs + ONE_WEEK_MS).find(({ person }) => person === undefined)
    if (gap) return gap
  }
  return undefined
}
