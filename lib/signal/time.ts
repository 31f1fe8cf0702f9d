import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'

/** The last millisecond that prints with a four-digit year. */
const LATEST_MS = 253_402_300_799_999
/** Clocks of senders drift by minutes; a day is beyond any drift. */
const AHEAD_MS = 86_400_000
/** An arrival before September 2001 is a test's clock, against which nothing can be called late or early. */
const REAL_CLOCK_MS = 1_000_000_000_000

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?)? ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i
/** `Fri, 3 Jun 2022 05:01:10 GMT`; the weekday is not checked, since AWS's own samples have wrong ones. */
const RFC_1123 =
  /^(?:[a-z]{3,9},? )?(\d{1,2}) ([a-z]{3})[a-z]* (\d{4}),? (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|Z|[+-]0000)$/i
/** `Thu Aug 18 19:02:41 UTC 2016`, as CodeDeploy's triggers write it. */
const JAVA = /^[a-z]{3} ([a-z]{3}) (\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (?:UTC|GMT) (\d{4})$/i

/**
 * Milliseconds since the epoch of a time as some source writes it: ISO 8601 with any offset (`Z`, `+0000`, none: UTC) and
 * any number of decimals, RFC 1123, or a number in seconds, milliseconds, micro- or nanoseconds, told by its size.
 * `undefined` for anything else, also for the year 1, by which Go programs mean "no time".
 */
export function timeOf(value: Json | undefined): number | undefined {
  const atMs =
    typeof value === 'number'
      ? epochOf(value)
      : typeof value === 'string'
        ? textTimeOf(value.trim())
        : undefined
  return atMs !== undefined && atMs >= 0 && atMs <= LATEST_MS ? atMs : undefined
}

/**
 * The time of a state: the first of the candidates that can be read, else when the envelope says it was sent. A time
 * more than a day ahead of the arrival cannot be true, and once stored it would make each later state look stale for ever;
 * where there is no better candidate the arrival is taken instead. `undefined` where no candidate can be read.
 */
export function stateTimeOf(
  delivery: Delivery,
  ...candidates: readonly (Json | undefined)[]
): number | undefined {
  const times = [...candidates.map(timeOf), delivery.sentAtMs].filter((time) => time !== undefined)
  const { receivedAtMs } = delivery
  if (!(receivedAtMs > REAL_CLOCK_MS)) return times[0]
  return (
    times.find((time) => time <= receivedAtMs + AHEAD_MS) ??
    (times.length > 0 ? Math.floor(receivedAtMs) : undefined)
  )
}

/**
 * The arrival, for a sender whose payload has no time by design, and only after `stateTimeOf` has found none: the time of
 * an envelope stays the same when a queue delivers again. Without it the alarm would be lost.
 */
export function arrivalOf({ receivedAtMs }: Delivery): number | undefined {
  return Number.isFinite(receivedAtMs) && receivedAtMs > 0 ? Math.floor(receivedAtMs) : undefined
}

function epochOf(number: number): number | undefined {
  if (!Number.isFinite(number) || number <= 0) return undefined
  if (number < 1e11) return Math.floor(number * 1000)
  if (number < 1e14) return Math.floor(number)
  return Math.floor(number < 1e17 ? number / 1e3 : number / 1e6)
}

function textTimeOf(text: string): number | undefined {
  if (text.length > 64) return undefined
  if (/^\d{9,20}(\.\d{1,9})?$/.test(text)) return epochOf(Number(text))
  const iso = ISO.exec(text)
  if (iso) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso
    const atMs = utc(
      Number(year),
      Number(month),
      Number(day),
      Number(hour ?? 0),
      Number(minute ?? 0),
      Number(second ?? 0),
    )
    if (atMs === undefined) return undefined
    return atMs + Number((fraction ?? '').padEnd(3, '0').slice(0, 3)) - offsetMs(zone)
  }
  const rfc = RFC_1123.exec(text)
  if (rfc) return named(rfc[3], rfc[2], rfc[1], rfc[4], rfc[5], rfc[6])
  const java = JAVA.exec(text)
  if (java) return named(java[6], java[1], java[2], java[3], java[4], java[5])
  return undefined
}

function named(
  year?: string,
  month = '',
  day?: string,
  hour?: string,
  minute?: string,
  second?: string,
): number | undefined {
  const number = MONTHS.indexOf(month.toLowerCase()) + 1
  return utc(Number(year), number, Number(day), Number(hour), Number(minute), Number(second))
}

/** `undefined` for days that no calendar has: `Date.UTC` would quietly roll them over. */
function utc(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number | undefined {
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 60) return undefined
  const midnight = new Date(Date.UTC(year, month - 1, day))
  if (midnight.getUTCDate() !== day || midnight.getUTCMonth() !== month - 1 || year < 1970) return undefined
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000
}

function offsetMs(zone: string | undefined): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone ?? '')
  if (!match) return 0
  return (match[1] === '-' ? -1 : 1) * (Number(match[2]) * 60 + Number(match[3] ?? 0)) * 60_000
}
