import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import { ignored } from './outcome.ts'
import { at, firstText, has, membersOf, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { looksReadable, textOfBase64 } from './text.ts'
import { timeOf } from './time.ts'

/** What an envelope holds, or why it holds nothing. */
export type Opened =
  | { readonly is: 'parts'; readonly parts: readonly Part[] }
  | { readonly is: 'done'; readonly parsed: readonly Parsed[] }

export interface Part {
  readonly value: Json
  readonly delivery: Delivery
}

/** Opens one envelope: a batch, a queue's message, a notification, an HTTP request. `undefined` where it is none. */
export function open(payload: Members, delivery: Delivery): Opened | undefined {
  return (
    openBatch(payload, delivery) ??
    openNotification(payload, delivery) ??
    openHttp(payload, delivery) ??
    openRecord(payload, delivery)
  )
}

const BATCHES = ['Records', 'records', 'Messages', 'Entries', 'rmqMessagesByQueue'] as const

/** Kafka and RabbitMQ group their records by topic, partition or queue. */
function openBatch(payload: Members, delivery: Delivery): Opened | undefined {
  for (const name of BATCHES) {
    const batch = at(payload, name)
    const grouped = membersOf(batch)
    const lists = Array.isArray(batch)
      ? [batch as readonly Json[]]
      : grouped
        ? Object.values(grouped).filter((one) => Array.isArray(one))
        : []
    if (lists.length === 0) continue
    const records = lists.flat() as readonly Json[]
    if (records.length === 0)
      return { is: 'done', parsed: [ignored('empty-batch', 'a batch without records')] }
    return { is: 'parts', parts: records.map((value) => ({ value, delivery })) }
  }
  return undefined
}

/** SNS as HTTP and queues get it (`Type`, `Message`), and inside a Lambda record (`Sns`). */
function openNotification(payload: Members, delivery: Delivery): Opened | undefined {
  const sns = membersOf(at(payload, 'Sns') ?? at(payload, 'sns'))
  const note = sns ?? payload
  const type = textAt(note, 'Type')
  const topicArn = textAt(note, 'TopicArn')
  if (type === 'SubscriptionConfirmation' || type === 'UnsubscribeConfirmation') {
    const what =
      type === 'SubscriptionConfirmation'
        ? 'asks to confirm a subscription to'
        : 'confirms the end of a subscription to'
    return { is: 'done', parsed: [ignored('handshake', `SNS ${what} ${topicArn ?? 'a topic'}`)] }
  }
  const message = at(note, 'Message')
  if (message === undefined || message === null) return undefined
  if (!sns && type !== 'Notification' && topicArn === undefined) return undefined
  const sentAtMs = timeOf(at(note, 'Timestamp'))
  const subject = textAt(note, 'Subject')
  const inner: Delivery = {
    ...delivery,
    ...(topicArn !== undefined && { topicArn }),
    ...(subject !== undefined && { subject }),
    ...(sentAtMs !== undefined && { sentAtMs }),
  }
  return { is: 'parts', parts: [{ value: message, delivery: inner }] }
}

/** API Gateway (REST, HTTP, WebSocket), function URLs, load balancers and VPC Lattice. */
function openHttp(payload: Members, delivery: Delivery): Opened | undefined {
  const context = membersOf(at(payload, 'requestContext'))
  const invoked = at(payload, 'requestPayload')
  // A Lambda destination keeps what the function was called with; that function may have been ours.
  if (invoked !== undefined && invoked !== null) return { is: 'parts', parts: [{ value: invoked, delivery }] }
  const request =
    has(payload, 'headers') &&
    (context ||
      has(payload, 'httpMethod') ||
      has(payload, 'rawPath') ||
      has(payload, 'raw_path') ||
      has(payload, 'body'))
  if (!request && !(context && has(payload, 'body'))) return undefined
  const body = at(payload, 'body')
  if (body === undefined || body === null || body === '') {
    return {
      is: 'done',
      parsed: [ignored('empty-body', 'an HTTP request without a body carries no incident')],
    }
  }
  const sentAtMs = timeOf(at(context, 'timeEpoch')) ?? timeOf(at(context, 'requestTimeEpoch'))
  const flagged = at(payload, 'isBase64Encoded') ?? at(payload, 'is_base64_encoded')
  const inner = { ...delivery, ...(sentAtMs !== undefined && { sentAtMs }) }
  const value = typeof body === 'string' ? bodyOf(body, flagged === true || flagged === 'true') : body
  return { is: 'parts', parts: [{ value, delivery: inner }] }
}

/** The flag is sometimes wrong, so of the two readings that one counts which can be read; the flag decides a draw. */
function bodyOf(body: string, flagged: boolean): string {
  const decoded = textOfBase64(body)
  if (decoded === undefined) return body
  if (looksReadable(decoded) !== looksReadable(body)) return looksReadable(decoded) ? decoded : body
  return flagged ? decoded : body
}

/** One record of a queue or stream, also alone, as Pipes hands them over. */
function openRecord(payload: Members, delivery: Delivery): Opened | undefined {
  const stored = membersOf(at(payload, 's3')) ?? membersOf(at(payload, 'dynamodb'))
  if (stored) {
    const what = `${firstText(payload, ['eventSource']) ?? 'a store'} ${firstText(payload, ['eventName']) ?? 'record'}`
    return {
      is: 'done',
      parsed: [ignored('storage-notification', `${what} tells of stored data, not of an incident`)],
    }
  }
  const sentAtMs =
    timeOf(at(payload, 'attributes', 'SentTimestamp')) ??
    timeOf(at(payload, 'Attributes', 'SentTimestamp')) ??
    timeOf(at(payload, 'kinesis', 'approximateArrivalTimestamp')) ??
    timeOf(at(payload, 'approximateArrivalTimestamp'))
  const inner = { ...delivery, ...(sentAtMs !== undefined && { sentAtMs }) }
  if (
    has(payload, 'messageId') ||
    has(payload, 'receiptHandle') ||
    at(payload, 'eventSource') === 'aws:sqs'
  ) {
    const body = at(payload, 'body')
    if (body !== undefined) return part(body, inner)
  }
  if (has(payload, 'MessageId', 'Body')) return part(at(payload, 'Body') ?? null, inner)
  const data =
    textAt(payload, 'kinesis', 'data') ??
    (has(payload, 'recordId') ||
    has(payload, 'kinesisSchemaVersion') ||
    has(payload, 'messageID') ||
    has(payload, 'basicProperties')
      ? textAt(payload, 'data')
      : undefined) ??
    (has(payload, 'topic', 'partition') || has(payload, 'offset') ? textAt(payload, 'value') : undefined)
  return data === undefined ? undefined : part(textOfBase64(data) ?? data, inner)
}

function part(value: Json, delivery: Delivery): Opened {
  return { is: 'parts', parts: [{ value, delivery }] }
}

const WRAPPERS = [
  'event',
  'Event',
  'detail',
  'payload',
  'Payload',
  'message',
  'Message',
  'body',
  'Body',
  'data',
  'Data',
  'input',
  'Input',
  'default',
  'responsePayload',
  'events',
  'Events',
  'items',
  'alerts',
  'incidents',
] as const

/** Members in which relays of all kinds put what they pass on; tried only for a payload that nothing else knows. */
export function insides(payload: Members): readonly Json[] {
  const found: Json[] = []
  for (const name of WRAPPERS) {
    const value = at(payload, name)
    if (typeof value === 'object' && value !== null) found.push(value)
    if (typeof value !== 'string') continue
    const plain = looksReadable(value) ? value : textOfBase64(value)
    if (plain !== undefined && looksReadable(plain)) found.push(plain)
  }
  return found
}
