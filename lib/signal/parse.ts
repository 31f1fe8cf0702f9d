import type { Json } from '../json.ts'
import { fromAlertmanager, fromPrometheusAlert } from './alertmanager.ts'
import { fromAwsNotification } from './aws-notifications.ts'
import { fromBareDetail } from './bare-details.ts'
import { fromAlarmAction, fromAlarmDetail } from './cloudwatch.ts'
import { fromAlarmNotification, fromAlarmSubject } from './cloudwatch-sns.ts'
import { fromDeploymentTrigger } from './codedeploy.ts'
import { fromDatadogWebhook } from './datadog.ts'
import { deliveryAt, MAX_LAYERS, MAX_PARTS, type Delivery } from './delivery.ts'
import { insides, open } from './envelope.ts'
import { fromEventBridge } from './eventbridge.ts'
import { fromGrafanaLegacy } from './grafana-legacy.ts'
import { fromNewRelic } from './new-relic.ts'
import { fromOpsgenie } from './opsgenie.ts'
import { ignored, refused } from './outcome.ts'
import { fromPagerduty } from './pagerduty.ts'
import { fromPlainAlert } from './plain-alert.ts'
import { fromWords } from './plain-words.ts'
import { plainOf } from './plain.ts'
import { membersOf, type Members } from './read.ts'
import { openRelay } from './relay.ts'
import { fromSentry } from './sentry.ts'
import type { Parsed } from './signal.ts'
import { fromSlack } from './slack.ts'
import { readText } from './text.ts'

const OVERFLOW = refused('too-many', `more than ${MAX_PARTS} parts in one delivery; the rest was not read`)

type Parser = (payload: Members, delivery: Delivery) => readonly Parsed[] | undefined

/** Asked before envelopes are looked for, so that a stray member never makes an envelope of an alarm. */
const AWS_PARSERS: readonly Parser[] = [
  fromAlarmAction,
  fromAlarmNotification,
  fromAlarmDetail,
  fromEventBridge,
]

/** In the order in which they are asked; each knows its own payloads by their members and leaves the others alone. */
const OTHER_PARSERS: readonly Parser[] = [
  fromDeploymentTrigger,
  fromAwsNotification,
  fromBareDetail,
  fromSlack,
  fromGrafanaLegacy,
  fromAlertmanager,
  fromPrometheusAlert,
  fromPagerduty,
  fromOpsgenie,
  fromNewRelic,
  fromDatadogWebhook,
  fromSentry,
]

/**
 * What a payload became, an outcome for each of its parts, at least one in all. Envelopes are recognised and opened:
 * EventBridge, SQS, SNS, Kinesis, HTTP, lists, JSON in strings. Never throws, whatever it is given; what cannot be
 * understood is refused with a code and a reason, and nothing else is lost with it. Without the payload's own member for
 * its time an alarm is dated by its envelope, and refused where that has none either (AWS.md 14).
 */
export function parseEvent(raw: unknown, context: { readonly receivedAtMs: number }): readonly Parsed[] {
  return guarded(() => {
    const delivery = deliveryAt(context.receivedAtMs)
    if (typeof raw === 'string') return parseValue(raw, delivery)
    if (raw === undefined) return [refused('empty', 'there is no payload')]
    const value = plainOf(raw)
    if (value === undefined) return [refused('too-large', 'the payload has more values than any event')]
    return parseValue(value, delivery)
  })
}

/** The same for a file's text, which may also be a form body (Slack) or one event a line. At most 1 MiB. */
export function parseText(
  text: string,
  context: { readonly fileName: string; readonly receivedAtMs: number },
): readonly Parsed[] {
  return guarded(() =>
    typeof text === 'string'
      ? parseValue(text, deliveryAt(context.receivedAtMs))
      : [refused('unreadable', `${context.fileName} is not a text`)],
  )
}

/** Getters, proxies and whatever else a caller hands over may throw; a payload may never take its batch down with it. */
function guarded(parse: () => readonly Parsed[]): readonly Parsed[] {
  try {
    return parse()
  } catch (error) {
    return [
      refused('unreadable', `the payload cannot be read${error instanceof Error ? `: ${error.name}` : ''}`),
    ]
  }
}

function parseValue(value: Json, outer: Delivery): readonly Parsed[] {
  const delivery = { ...outer, layers: outer.layers + 1 }
  if (delivery.layers > MAX_LAYERS) {
    return [refused('too-deep', `more than ${MAX_LAYERS} envelopes are packed into one another`)]
  }
  if (--delivery.budget.parts < 0) return [OVERFLOW]
  if (typeof value === 'string') return parseString(value, delivery)
  if (Array.isArray(value)) return parseList(value as readonly Json[], delivery)
  const payload = membersOf(value)
  if (!payload)
    return [refused('unknown-source', `${value === null ? 'null' : `a bare ${typeof value}`} is no event`)]
  return parseObject(payload, delivery)
}

function parseString(text: string, delivery: Delivery): readonly Parsed[] {
  const read = readText(text, delivery)
  if (read.is === 'refused') {
    const words = fromAlarmSubject(delivery) ?? fromWords(text, delivery)
    return words ?? [withSubject(read.parsed, delivery)]
  }
  return [...parts(read.values.map((value) => ({ value, delivery }))), ...read.bad]
}

/** A notification in plain words (AWS Budgets writes such) is at least named in its refusal. */
function withSubject(parsed: Parsed, { subject }: Delivery): Parsed {
  if (parsed.is !== 'refused' || subject === undefined) return parsed
  return refused(parsed.code, `the notification "${subject.slice(0, 100)}": ${parsed.reason}`)
}

function parseList(list: readonly Json[], delivery: Delivery): readonly Parsed[] {
  if (list.length === 0) return [ignored('empty-batch', 'an empty list')]
  return parts(list.map((value) => ({ value, delivery })))
}

function parseObject(payload: Members, delivery: Delivery): readonly Parsed[] {
  const alarm = firstOf(AWS_PARSERS, payload, delivery)
  if (alarm) return alarm
  const opened = open(payload, delivery) ?? openRelay(payload, delivery)
  if (opened) return opened.is === 'done' ? opened.parsed : unpacked(payload, parts(opened.parts), delivery)
  const known = firstOf(OTHER_PARSERS, payload, delivery)
  if (known) return known
  const wrapped = insides(payload)
  const certain = understood(wrapped, { ...delivery, certain: true })
  if (certain.length > 0) return certain
  if (!delivery.certain) {
    const alert = fromPlainAlert(payload, delivery)
    if (alert) return alert
    // Objects have been looked into for it already.
    const packed = wrapped.filter((value) => typeof value === 'string' || Array.isArray(value))
    const guessed = understood(packed, delivery)
    if (guessed.length > 0) return guessed
  }
  const subject = fromAlarmSubject(delivery)
  if (subject) return subject
  const names = Object.keys(payload)
    .slice(0, 8)
    .map((name) => name.slice(0, 40))
  const shape = names.length === 0 ? 'an empty object' : `an object with ${names.join(', ')}`
  return [refused('unknown-source', `no parser knows ${shape}`)]
}

/** A failed invocation keeps what the function was called with: that is what counts if it is an incident, else the failure. */
function unpacked(payload: Members, parsed: readonly Parsed[], delivery: Delivery): readonly Parsed[] {
  if (parsed.some((one) => one.is === 'signal')) return parsed
  return fromBareDetail(payload, delivery) ?? parsed
}

function understood(values: readonly Json[], delivery: Delivery): readonly Parsed[] {
  return values
    .flatMap((value) => parseValue(value, delivery))
    .filter((one) => one.is === 'signal' || !NOT_UNDERSTOOD.has(one.code))
}

/** A parser that gets a signal out of the payload goes before one that only recognises it. */
function firstOf(
  parsers: readonly Parser[],
  payload: Members,
  delivery: Delivery,
): readonly Parsed[] | undefined {
  let recognised: readonly Parsed[] | undefined
  for (const parser of parsers) {
    const parsed = parser(payload, delivery)
    if (parsed?.some((one) => one.is !== 'refused')) return parsed
    recognised ??= parsed
  }
  return recognised
}

/** Outcomes that say nothing about the payload around them. */
const NOT_UNDERSTOOD = new Set(['unknown-source', 'not-json', 'empty', 'empty-batch', 'too-deep'])

function parts(list: readonly { readonly value: Json; readonly delivery: Delivery }[]): readonly Parsed[] {
  const parsed: Parsed[] = []
  for (const { value, delivery } of list) {
    if (delivery.budget.parts <= 0) return [...parsed, OVERFLOW]
    for (const one of parseValue(value, delivery)) parsed.push(one)
  }
  return parsed
}
