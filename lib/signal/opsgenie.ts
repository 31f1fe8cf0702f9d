import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, firstText, has, membersOf, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf } from './time.ts'

const STATES: { readonly [action: string]: 'alarm' | 'ok' } = { create: 'alarm', close: 'ok' }

/** Webhooks of Opsgenie and of Jira Service Management, which kept their form. */
export function fromOpsgenie(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const alert = membersOf(at(payload, 'alert'))
  const action = textAt(payload, 'action')
  if (
    !alert ||
    action === undefined ||
    !(has(alert, 'alertId') || has(alert, 'tinyId') || has(payload, 'integrationId'))
  )
    return undefined
  const key = action.toLowerCase()
  const state = Object.hasOwn(STATES, key) ? STATES[key] : undefined
  if (state === undefined)
    return [ignored('no-change', `Opsgenie's ${action.slice(0, 40)} neither opens nor closes an alert`)]
  const name = cleanName(textAt(alert, 'message') ?? textAt(alert, 'alias'))
  if (name === undefined) return [refused('missing-name', 'an Opsgenie alert without a message')]
  const time = state === 'alarm' ? ['createdAt', 'updatedAt'] : ['updatedAt', 'createdAt']
  const stateAtMs = stateTimeOf(delivery, ...time.map((one) => at(alert, one)))
  if (stateAtMs === undefined)
    return [refused('missing-time', `the Opsgenie alert ${name} came without createdAt`)]
  return [
    signalOf({
      source: 'opsgenie',
      via: 'webhook',
      key: [firstText(alert, ['alias'], ['alertId']) ?? name],
      name,
      state,
      stateAtMs,
      reason: firstText(alert, ['description'], ['message']),
      event: eventOf('opsgenie', action, payload),
    }),
  ]
}
