import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import type { Opened } from './envelope.ts'
import { ignored } from './outcome.ts'
import { at, has, listAt, textAt, type Members } from './read.ts'
import { looksReadable, textOfBase64 } from './text.ts'
import { timeOf } from './time.ts'

/** What other carriers wrap around a payload: CloudEvents, Google's Pub/Sub, subscriptions of CloudWatch Logs. */
export function openRelay(payload: Members, delivery: Delivery): Opened | undefined {
  if (has(payload, 'specversion') && (has(payload, 'data') || has(payload, 'data_base64')))
    return inside(at(payload, 'data') ?? decoded(payload, 'data_base64'), at(payload, 'time'), delivery)
  if (has(payload, 'message', 'subscription') && textAt(payload, 'message', 'data') !== undefined)
    return inside(decoded(payload, 'message', 'data'), at(payload, 'message', 'publishTime'), delivery)
  if (textAt(payload, 'awslogs', 'data') !== undefined)
    return inside(decoded(payload, 'awslogs', 'data'), undefined, delivery)
  return has(payload, 'messageType', 'logEvents') ? openLogs(payload, delivery) : undefined
}

/** A log group may be the target of a rule, and then each of its lines is an event. Other lines are what a program wrote. */
function openLogs(payload: Members, delivery: Delivery): Opened {
  if (textAt(payload, 'messageType') === 'CONTROL_MESSAGE')
    return {
      is: 'done',
      parsed: [ignored('handshake', 'CloudWatch Logs checks that its destination can be reached')],
    }
  const events = listAt(payload, 'logEvents') ?? []
  const readable = events.filter((event) => /^\s*\{/.test(textAt(event, 'message') ?? ''))
  if (readable.length === 0)
    return {
      is: 'done',
      parsed: [ignored('log-lines', `${events.length} log lines, none of which is an event`)],
    }
  const parts = readable.map((event) => ({
    value: at(event, 'message') ?? null,
    delivery: sentAt(at(event, 'timestamp'), delivery),
  }))
  return { is: 'parts', parts }
}

function inside(value: Json | undefined, sent: Json | undefined, delivery: Delivery): Opened {
  return { is: 'parts', parts: [{ value: value ?? null, delivery: sentAt(sent, delivery) }] }
}

function sentAt(time: Json | undefined, delivery: Delivery): Delivery {
  const sentAtMs = timeOf(time)
  return sentAtMs === undefined ? delivery : { ...delivery, sentAtMs }
}

function decoded(payload: Members, ...path: readonly string[]): Json | undefined {
  const text = textAt(payload, ...path)
  if (text === undefined) return undefined
  const plain = textOfBase64(text)
  return plain !== undefined && looksReadable(plain) ? plain : text
}
