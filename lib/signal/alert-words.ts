import type { Signal } from './signal.ts'

/** `none` is a state that neither opens nor clears anything. */
export type Told = Signal['state'] | 'none'

const STATES: { readonly [word: string]: Told } = Object.fromEntries([
  ...'alarm alert alerting firing fired triggered retriggered trigger problem critical down failed failure failing error fatal emergency open opened reopened active activated new unhealthy unreachable offline outage degraded breached violated warning warn anomalous investigating identified'
    .split(' ')
    .map((word) => [word, 'alarm'] as const),
  ...'ok okay resolved resolve recovered recovery closed close up healthy normal cleared clear fixed online inactive deactivated passed success succeeded operational restored'
    .split(' ')
    .map((word) => [word, 'ok'] as const),
  ...'acknowledged acknowledge acknowledgement ack pending paused maintenance muted silenced suppressed snoozed tracking updated assigned test ping info queued scheduled'
    .split(' ')
    .map((word) => [word, 'none'] as const),
  ...['nodata', 'no data', 'insufficient data'].map((words) => [words, 'insufficient-data'] as const),
])

/** An `alert.created` opens; a comment, a note or an account that was created does not. */
const CREATED = /(^| )(alert|alarm|incident|problem|outage)( group)? created( v\d)?$/

/**
 * What a word says about an alert's state, in any spelling: `ALERT_FAILURE`, `incident.resolved`, `In alarm`. The last word
 * decides; what is longer than a few words is a sentence, and what is denied ("not ok") is not guessed at.
 */
export function toldBy(text: string): Told | undefined {
  if (text.length > 60) return undefined
  const phrase = text
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, ' ')
    .trim()
  const words = phrase.split(' ')
  if (Object.hasOwn(STATES, phrase)) return STATES[phrase]
  if (CREATED.test(phrase)) return 'alarm'
  if (words.some((word) => /^(resolved|recovered|cleared)$/.test(word))) return 'ok'
  const last = words.at(-1) ?? ''
  // "load_balancing_health_alert" is a kind of alert and no state.
  if (/^(alert|alarm|problem)$/.test(last) && words.at(-2) !== 'in') return undefined
  if (words.length > 4 || words.some((word) => /^(not?|un|without|never)$/.test(word))) return undefined
  return Object.hasOwn(STATES, last) ? STATES[last] : undefined
}

/** Senders that write their state as a number, each in a member of its own name: Uptime Kuma, UptimeRobot, Zabbix. */
const NUMBERS: { readonly [member: string]: { readonly [number: string]: Told } } = {
  heartbeatstatus: { '0': 'alarm', '1': 'ok', '2': 'none', '3': 'none' },
  alerttype: { '1': 'alarm', '2': 'ok' },
  eventvalue: { '1': 'alarm', '0': 'ok' },
  triggervalue: { '1': 'alarm', '0': 'ok' },
}

export const NUMBERED = Object.keys(NUMBERS)

export function toldByNumber(member: string, number: string): Told | undefined {
  const numbers = Object.hasOwn(NUMBERS, member) ? NUMBERS[member] : undefined
  return numbers && Object.hasOwn(numbers, number) ? numbers[number] : undefined
}

/** The severities of something that should be looked at now. */
export function isGrave(severity: string): boolean {
  return /^(critical|high|error|fatal|major|emergency|disaster|urgent|page|p[01]|sev-?[01])$/i.test(
    severity.trim(),
  )
}
