import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import { fromAlarmEvent, isAlarmDetail } from './cloudwatch.ts'
import { fromDeploymentEvent } from './codedeploy.ts'
import { fromDatadogEvent, fromDatadogWebhook } from './datadog.ts'
import { fromNewRelic } from './new-relic.ts'
import { fromOpsgenie } from './opsgenie.ts'
import { fromPagerduty } from './pagerduty.ts'
import { ignored, refused, signalOf } from './outcome.ts'
import { quietOf } from './quiet-events.ts'
import { fromSentry } from './sentry.ts'
import { accountAmong, arnOf, regionAmong } from './regions.ts'
import { at, cleanName, firstText, has, listAt, membersOf, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf, timeOf } from './time.ts'

/** An event of EventBridge: its own parser where there is one, else quiet, else a signal that a `pattern:` can match. */
export function fromEventBridge(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const event = normalized(payload)
  if (!event) return undefined
  const known =
    fromAlarmEvent(event, delivery) ??
    fromDeploymentEvent(event, delivery) ??
    fromDatadogEvent(event, delivery)
  if (known) return known
  const quiet = quietOf(event)
  if (quiet) return [ignored(quiet.code, quiet.reason)]
  return fromPartner(event, delivery) ?? [occurred(event, delivery)]
}

/** `detail` may be JSON in a string, and whoever logs PutEvents keeps its spelling: `DetailType`, `Detail`; SDKs have others. */
function normalized(payload: Members): Members | undefined {
  if (
    !has(payload, 'detail') &&
    has(payload, 'Detail') &&
    (has(payload, 'DetailType') || has(payload, 'Source'))
  ) {
    const { Detail, DetailType, Source, Time, Resources, ...rest } = payload
    return normalized({
      ...rest,
      detail: Detail ?? null,
      ...(DetailType !== undefined && { 'detail-type': DetailType }),
      ...(Source !== undefined && { source: Source }),
      ...(Time !== undefined && { time: Time }),
      ...(Resources !== undefined && { resources: Resources }),
    })
  }
  const spelled = has(payload, 'detail')
    ? (textAt(payload, 'detailType') ?? textAt(payload, 'detail_type'))
    : undefined
  if (spelled !== undefined && !has(payload, 'detail-type'))
    return normalized({ ...payload, 'detail-type': spelled })
  const told =
    has(payload, 'detail-type') ||
    isAlarmDetail(at(payload, 'detail')) ||
    (has(payload, 'source', 'detail') && (has(payload, 'resources') || has(payload, 'time')))
  if (!told) return undefined
  const detail = at(payload, 'detail')
  if (typeof detail !== 'string') return payload
  try {
    return { ...payload, detail: JSON.parse(detail) as Json }
  } catch {
    return payload
  }
}

const PARTNERS = [fromPagerduty, fromNewRelic, fromOpsgenie, fromDatadogWebhook, fromSentry]

/** The events of partners carry their webhook's payload as their detail. */
function fromPartner(event: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const detail = membersOf(at(event, 'detail'))
  if (!detail || !textAt(event, 'source')?.startsWith('aws.partner/')) return undefined
  const sentAtMs = timeOf(at(event, 'time'))
  const sent = sentAtMs === undefined ? delivery : { ...delivery, sentAtMs }
  for (const parser of PARTNERS) {
    const parsed = parser(detail, sent)
    if (parsed?.some((one) => one.is !== 'refused')) return parsed
  }
  return undefined
}

/** What kinds of thing an event's detail names more narrowly than its detail type does. */
const SPECIFIC = [['eventName'], ['eventTypeCode'], ['EventID'], ['type'], ['eventType']] as const
/** What an event says in a sentence. */
const SENTENCE = [
  ['reason'],
  ['Message'],
  ['StatusMessage'],
  ['stoppedReason'],
  ['title'],
  ['description'],
  ['message'],
  ['Cause'],
  ['cause'],
  ['error'],
  ['responsePayload', 'errorMessage'],
] as const

function occurred(event: Members, delivery: Delivery): Parsed {
  const detail = at(event, 'detail')
  const type = cleanName(textAt(event, 'detail-type'), 128) ?? cleanName(textAt(event, 'source'), 128)
  if (type === undefined)
    return refused('missing-name', 'an EventBridge event without detail-type and source')
  const stateAtMs = stateTimeOf(
    delivery,
    at(event, 'time'),
    at(detail, 'service', 'eventLastSeen'),
    at(detail, 'updatedAt'),
    at(detail, 'timestamp'),
    at(detail, 'Date'),
    at(detail, 'time'),
  )
  if (stateAtMs === undefined)
    return refused('missing-time', `the event "${type}" came without a time that can be read`)
  const resources =
    listAt(event, 'resources')
      ?.slice(0, 20)
      .filter((one) => typeof one === 'string') ?? []
  const arn = resources.map(arnOf).find((one) => one !== undefined && one.account !== '')
  // Health sends a copy to a backup region; `eventRegion` is the region that is in trouble, in both.
  const account = cleanName(
    accountAmong(textAt(event, 'account'), textAt(detail, 'accountId'), arn?.account),
    64,
  )
  const region = cleanName(
    regionAmong(textAt(detail, 'eventRegion'), textAt(event, 'region'), arn?.region),
    64,
  )
  const specific = cleanName(firstText(detail, ...SPECIFIC), 128)
  return signalOf({
    source: 'eventbridge',
    via: 'eventbridge',
    key: [account, region, textAt(event, 'source'), type, specific, subjectOf(detail, resources)],
    name: specific === undefined ? type : `${type}: ${specific}`,
    account,
    region,
    state: 'occurred',
    stateAtMs,
    reason:
      sentenceOf(detail) ?? `${specific ?? type} from ${textAt(event, 'source') ?? 'an unnamed source'}`,
    event,
  })
}

/** What the event is about, so that two services in trouble are two problems and one reported twice is one. */
function subjectOf(detail: Json | undefined, resources: readonly string[]): string | undefined {
  const named = firstText(
    detail,
    ['eventArn'],
    ['SourceArn'],
    ['AutoScalingGroupName'],
    ['resourceId'],
    ['arn'],
    ['group'],
    ['recovery-group-name'],
  )
  return named ?? resources[0] ?? firstText(detail, ['id'], ['name'], ['metadata', 'awayFrom'])
}

function sentenceOf(detail: Json | undefined): string | undefined {
  const described = listAt(detail, 'eventDescription')?.[0]
  const failure = textAt(detail, 'data', 'additionalFailureInfo')
  return (
    textAt(described, 'latestDescription') ??
    failure ??
    firstText(detail, ...SENTENCE) ??
    textAt(detail, 'metadata', 'notes')
  )
}
