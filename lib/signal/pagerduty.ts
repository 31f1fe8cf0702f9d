import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, firstText, listAt, membersOf, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf } from './time.ts'

/** Version 3 says `triggered`, version 2 `trigger`; the other types of an incident are people's work on it. */
const STATES: { readonly [type: string]: 'alarm' | 'ok' } = {
  'incident.triggered': 'alarm',
  'incident.trigger': 'alarm',
  'incident.reopened': 'alarm',
  'incident.resolved': 'ok',
  'incident.resolve': 'ok',
}

/** Webhooks of PagerDuty: version 3, and versions 2 and 1 with their lists of messages. */
export function fromPagerduty(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const event = membersOf(at(payload, 'event'))
  if (event && textAt(event, 'event_type') !== undefined) {
    return [
      incident(
        textAt(event, 'event_type') ?? '',
        at(event, 'data'),
        at(event, 'occurred_at'),
        event,
        delivery,
      ),
    ]
  }
  const messages = listAt(payload, 'messages')?.slice(0, 100)
  if (!messages?.some((message) => typeOf(message).startsWith('incident.'))) return undefined
  return messages.map((message) =>
    incident(
      typeOf(message),
      at(message, 'incident') ?? at(message, 'data', 'incident'),
      at(message, 'created_on'),
      message,
      delivery,
    ),
  )
}

function typeOf(message: Json): string {
  return firstText(message, ['event'], ['type']) ?? ''
}

function incident(
  type: string,
  data: Json | undefined,
  time: Json | undefined,
  event: Json,
  delivery: Delivery,
): Parsed {
  const state = Object.hasOwn(STATES, type) ? STATES[type] : undefined
  if (state === undefined) {
    const what =
      type === 'pagey.ping' ? 'a test of the webhook' : 'no change of an incident between open and resolved'
    return ignored(type === 'pagey.ping' ? 'handshake' : 'no-change', `PagerDuty's ${type} is ${what}`)
  }
  const id = textAt(data, 'id')
  const incidentKey = firstText(data, ['incident_key'])
  // We page through PagerDuty with our incident's id in front; taking that for a new problem would be a loop.
  if (incidentKey !== undefined && /^inc-[0-9a-z]{12}\b/.test(incidentKey)) {
    return ignored('own-page', `PagerDuty reports the page that we sent (${incidentKey.slice(0, 60)})`)
  }
  const name =
    cleanName(
      firstText(
        data,
        ['title'],
        ['summary'],
        ['description'],
        ['trigger_summary_data', 'subject'],
        ['trigger_summary_data', 'description'],
      ),
    ) ?? (id === undefined ? undefined : `incident ${id}`)
  if (name === undefined) return refused('missing-name', `PagerDuty's ${type} names no incident`)
  const stateAtMs = stateTimeOf(delivery, time, at(data, 'created_at'))
  if (stateAtMs === undefined)
    return refused('missing-time', `PagerDuty's ${type} of "${name}" has no occurred_at that can be read`)
  const service = firstText(data, ['service', 'summary'], ['service', 'name'])
  return signalOf({
    source: 'pagerduty',
    via: 'webhook',
    key: [id ?? name],
    name,
    state,
    stateAtMs,
    reason: `${type}: ${name}${service === undefined ? '' : ` (service ${service})`}`,
    event: eventOf('pagerduty', type, event),
  })
}
