import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, firstText, has, numberAt, textAt, type Members } from './read.ts'
import type { Parsed, Signal } from './signal.ts'
import { arrivalOf, stateTimeOf } from './time.ts'

const STATES: { readonly [word: string]: Signal['state'] } = {
  alert: 'alarm',
  warn: 'alarm',
  warning: 'alarm',
  triggered: 'alarm',
  're-triggered': 'alarm',
  're-warn': 'alarm',
  renotify: 'alarm',
  error: 'alarm',
  ok: 'ok',
  recovered: 'ok',
  success: 'ok',
  'alert recovery': 'ok',
  'warning recovery': 'ok',
  'warn recovery': 'ok',
  'no data recovery': 'ok',
  'no data': 'insufficient-data',
  're-no data': 'insufficient-data',
}

function stateOf(...words: readonly (string | undefined)[]): Signal['state'] | undefined {
  for (const word of words) {
    const key = word?.trim().toLowerCase() ?? ''
    if (Object.hasOwn(STATES, key)) return STATES[key]
  }
  return undefined
}

/** Datadog's monitors as EventBridge partner events; the monitor's state counts, not the event's arrival. */
export function fromDatadogEvent(event: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const partner = textAt(event, 'source')?.startsWith('aws.partner/datadog.com') === true
  const detail = at(event, 'detail')
  if (!partner || !has(at(detail, 'meta'), 'monitor')) return undefined
  const monitor = at(detail, 'meta', 'monitor')
  const name = cleanName(textAt(monitor, 'name') ?? textAt(detail, 'title'))
  if (name === undefined) return [refused('missing-name', 'a Datadog monitor without its name')]
  const states = at(detail, 'meta', 'states')
  const transition = at(detail, 'meta', 'transition')
  const state = stateOf(
    textAt(states, 'dest_state'),
    textAt(transition, 'trans_type'),
    textAt(transition, 'trans_name'),
    textAt(detail, 'alert_type'),
  )
  if (state === undefined)
    return [refused('unknown-state', `the Datadog monitor ${name} says neither Alert nor OK`)]
  const result = at(detail, 'meta', 'result')
  const stateAtMs = stateTimeOf(
    delivery,
    at(result, 'result_ts'),
    at(result, 'evaluation_ts'),
    at(event, 'time'),
  )
  if (stateAtMs === undefined)
    return [refused('missing-time', `the Datadog monitor ${name} came without a time that can be read`)]
  const previous = stateOf(textAt(states, 'source_state'))
  return [
    signalOf({
      source: 'datadog',
      via: 'eventbridge',
      key: [
        textAt(monitor, 'org_id'),
        textAt(monitor, 'id') ?? name,
        textAt(result, 'group_key') ?? textAt(result, 'group'),
      ],
      name,
      account: textAt(event, 'account'),
      region: textAt(event, 'region'),
      state,
      previousState: previous === 'occurred' ? undefined : previous,
      stateAtMs,
      reason: firstText(detail, ['title'], ['text'], ['meta', 'monitor', 'query']),
      threshold: numberAt(monitor, 'options', 'thresholds', 'critical'),
      event,
    }),
  ]
}

/** Datadog's webhook with the payload that it has by default; the state stands in the title: `[Triggered] name`. */
export function fromDatadogWebhook(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const told =
    has(payload, 'alert_transition') || (has(payload, 'event_type', 'title', 'org') && has(payload, 'date'))
  if (!told) return undefined
  const title = firstText(payload, ['alert_title'], ['title'])
  const tagged = /^\[([^\]]{1,40})\]\s{0,4}(.+)$/s.exec(title?.slice(0, 500) ?? '')
  const name = cleanName(tagged?.[2] ?? title)
  if (name === undefined) return [refused('missing-name', 'a Datadog webhook without a title')]
  const state = stateOf(
    textAt(payload, 'alert_transition'),
    tagged?.[1]?.split(' on ')[0],
    textAt(payload, 'alert_type'),
  )
  if (state === undefined)
    return [ignored('no-change', `Datadog's event "${name}" is not a monitor that triggers or recovers`)]
  // People write the template, and often without a date.
  const stateAtMs =
    stateTimeOf(delivery, at(payload, 'date'), at(payload, 'last_updated')) ?? arrivalOf(delivery)
  if (stateAtMs === undefined)
    return [refused('missing-time', `Datadog's event "${name}" came without a date that can be read`)]
  return [
    signalOf({
      source: 'datadog',
      via: 'webhook',
      key: [
        textAt(payload, 'org', 'id'),
        firstText(payload, ['alert_cycle_key'], ['aggreg_key'], ['alert_id']) ?? name,
      ],
      name,
      state,
      stateAtMs,
      reason: firstText(payload, ['body'], ['text_only_msg'], ['title']),
      event: eventOf('datadog', 'alert', payload),
    }),
  ]
}
