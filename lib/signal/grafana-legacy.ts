import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, has, listAt, numberAt, textAt, type Members } from './read.ts'
import type { Parsed, Signal } from './signal.ts'
import { stateTimeOf } from './time.ts'

const STATES: { readonly [word: string]: Signal['state'] | 'none' } = {
  alerting: 'alarm',
  ok: 'ok',
  no_data: 'insufficient-data',
  paused: 'none',
  pending: 'none',
}

/** Webhooks of Grafana before version 9. They carry no time at all, so that the delivery's has to do. */
export function fromGrafanaLegacy(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  if (
    has(payload, 'alerts') ||
    !(has(payload, 'ruleId') || has(payload, 'ruleName') || has(payload, 'evalMatches'))
  )
    return undefined
  const name = cleanName(textAt(payload, 'ruleName') ?? textAt(payload, 'title'))
  if (name === undefined) return [refused('missing-name', 'a Grafana alert without ruleName and title')]
  const word = textAt(payload, 'state')
  const key = word?.trim().toLowerCase() ?? ''
  const state = Object.hasOwn(STATES, key) ? STATES[key] : undefined
  if (word === undefined)
    return [refused('missing-state', `the Grafana alert ${name} came without its state`)]
  if (state === undefined)
    return [refused('unknown-state', `the Grafana alert ${name} has the state "${word.slice(0, 40)}"`)]
  if (state === 'none')
    return [ignored('no-change', `the Grafana alert ${name} is ${word}, which is neither bad nor good`)]
  return [
    signalOf({
      source: 'grafana',
      via: 'webhook',
      key: [textAt(payload, 'orgId'), textAt(payload, 'ruleId') ?? name],
      name,
      state,
      stateAtMs: stateTimeOf(delivery, at(payload, 'time')) ?? delivery.receivedAtMs,
      reason: textAt(payload, 'message') ?? textAt(payload, 'title'),
      value: numberAt(listAt(payload, 'evalMatches')?.[0], 'value'),
      event: eventOf('grafana', 'alert', payload),
    }),
  ]
}
