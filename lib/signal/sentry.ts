import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, firstText, has, membersOf, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { arrivalOf, stateTimeOf } from './time.ts'

const STATES: { readonly [action: string]: 'alarm' | 'ok' } = {
  critical: 'alarm',
  warning: 'alarm',
  triggered: 'alarm',
  created: 'alarm',
  unresolved: 'alarm',
  resolved: 'ok',
}

/** The webhook plugin that came before Sentry's integrations: it only ever tells of an alert rule that fired. */
function fromPlugin(payload: Members, delivery: Delivery): readonly Parsed[] {
  const event = at(payload, 'event')
  const name = cleanName(firstText(event, ['title']) ?? firstText(payload, ['message'], ['culprit']))
  if (name === undefined) return [refused('missing-name', 'a Sentry alert without a title')]
  const stateAtMs =
    stateTimeOf(delivery, at(event, 'timestamp'), at(event, 'datetime'), at(event, 'received')) ??
    arrivalOf(delivery)
  if (stateAtMs === undefined)
    return [refused('missing-time', `the Sentry alert "${name}" came without a time that can be read`)]
  return [
    signalOf({
      source: 'sentry',
      via: 'webhook',
      key: [textAt(payload, 'id') ?? name],
      name,
      state: 'alarm',
      stateAtMs,
      reason: firstText(payload, ['message'], ['culprit']),
      event: eventOf('sentry', 'triggered', payload),
    }),
  ]
}

/** Webhooks of Sentry's integrations: metric alerts, issue alerts and issues. */
export function fromSentry(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  if (has(payload, 'project', 'culprit', 'event')) return fromPlugin(payload, delivery)
  const data = membersOf(at(payload, 'data'))
  const subject = membersOf(
    at(data, 'metric_alert') ?? at(data, 'issue') ?? at(data, 'event') ?? at(data, 'error'),
  )
  const action = textAt(payload, 'action')
  if (!data || !subject || action === undefined || !(has(payload, 'installation') || has(payload, 'actor')))
    return undefined
  const state = Object.hasOwn(STATES, action) ? STATES[action] : undefined
  if (state === undefined)
    return [ignored('no-change', `Sentry's ${action.slice(0, 40)} neither opens nor resolves anything`)]
  const name = cleanName(
    firstText(subject, ['alert_rule', 'name'], ['title']) ??
      firstText(data, ['triggered_rule'], ['description_title']),
  )
  if (name === undefined) return [refused('missing-name', 'a Sentry alert without a title')]
  const stateAtMs = stateTimeOf(
    delivery,
    state === 'ok' ? at(subject, 'date_closed') : at(subject, 'date_started'),
    at(subject, 'date_detected'),
    at(subject, 'lastSeen'),
    at(subject, 'datetime'),
    at(subject, 'firstSeen'),
    at(subject, 'timestamp'),
  )
  if (stateAtMs === undefined)
    return [refused('missing-time', `the Sentry alert "${name}" came without a time that can be read`)]
  return [
    signalOf({
      source: 'sentry',
      via: 'webhook',
      key: [firstText(subject, ['issue_id'], ['identifier'], ['id']) ?? name],
      name,
      state,
      stateAtMs,
      reason: firstText(data, ['description_text'], ['description_title']) ?? textAt(subject, 'title'),
      event: eventOf('sentry', action, payload),
    }),
  ]
}
