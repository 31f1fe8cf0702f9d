import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, firstText, has, listAt, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf } from './time.ts'

const STATES: { readonly [word: string]: 'alarm' | 'ok' | 'none' } = {
  open: 'alarm',
  created: 'alarm',
  activated: 'alarm',
  closed: 'ok',
  acknowledged: 'none',
}

/** Webhooks of New Relic: the workflows' default payload and that of the older notification channels. */
export function fromNewRelic(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const channel =
    has(payload, 'current_state') && (has(payload, 'condition_name') || has(payload, 'policy_name'))
  const workflow =
    has(payload, 'issueUrl', 'state') || (has(payload, 'state') && has(payload, 'alertConditionNames'))
  if (!channel && !workflow) return undefined
  const name = cleanName(
    firstText(payload, ['condition_name'], ['title'], ['policy_name']) ??
      first(payload, 'alertConditionNames'),
  )
  if (name === undefined)
    return [refused('missing-name', 'a New Relic issue without condition_name and title')]
  const word = firstText(payload, ['current_state'], ['state'])
  const key = word?.toLowerCase() ?? ''
  const state = Object.hasOwn(STATES, key) ? STATES[key] : undefined
  if (word === undefined)
    return [refused('missing-state', `the New Relic issue "${name}" came without its state`)]
  if (state === undefined)
    return [refused('unknown-state', `the New Relic issue "${name}" has the state "${word.slice(0, 40)}"`)]
  if (state === 'none')
    return [ignored('no-change', `the New Relic issue "${name}" was acknowledged by a person`)]
  const times: readonly Json[] = ['timestamp', 'updatedAt', 'createdAt'].map(
    (one) => at(payload, one) ?? null,
  )
  const stateAtMs = stateTimeOf(delivery, ...times)
  if (stateAtMs === undefined)
    return [refused('missing-time', `the New Relic issue "${name}" came without a timestamp`)]
  return [
    signalOf({
      source: 'new-relic',
      via: 'webhook',
      key: [textAt(payload, 'account_id'), firstText(payload, ['incident_id'], ['id'], ['issueId']) ?? name],
      name,
      state,
      stateAtMs,
      reason: firstText(payload, ['details'], ['title'], ['condition_name']),
      event: eventOf('new-relic', 'issue', payload),
    }),
  ]
}

function first(payload: Members, name: string): string | undefined {
  const list = listAt(payload, name)
  return typeof list?.[0] === 'string' ? list[0] : undefined
}
