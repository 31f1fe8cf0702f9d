import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { accountAmong, arnOf, regionAmong } from './regions.ts'
import { at, cleanName, firstText, has, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf } from './time.ts'

/** What EC2 Auto Scaling and RDS write to an SNS topic of their own, beside their EventBridge events. */
export function fromAwsNotification(message: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const scaling = textAt(message, 'Event')
  if (scaling?.startsWith('autoscaling:')) return [autoscaling(scaling, message, delivery)]
  if (has(message, 'Event Source', 'Event Message')) return [rds(message, delivery)]
  return undefined
}

function autoscaling(type: string, message: Members, delivery: Delivery): Parsed {
  if (type === 'autoscaling:TEST_NOTIFICATION')
    return ignored('handshake', 'Auto Scaling tests its notification topic')
  if (!/ERROR/.test(type))
    return ignored('informational', `${type.slice(0, 80)} is scaling as intended, not an incident`)
  const group = cleanName(textAt(message, 'AutoScalingGroupName'))
  if (group === undefined)
    return refused('missing-name', `${type.slice(0, 80)} without its Auto Scaling group`)
  const stateAtMs = stateTimeOf(
    delivery,
    at(message, 'Time'),
    at(message, 'EndTime'),
    at(message, 'StartTime'),
  )
  if (stateAtMs === undefined)
    return refused('missing-time', `${type.slice(0, 80)} of ${group} came without its time`)
  return occurred(
    'aws.autoscaling',
    type,
    group,
    stateAtMs,
    firstText(message, ['StatusMessage'], ['Cause'], ['Description']),
    message,
    delivery,
  )
}

function rds(message: Members, delivery: Delivery): Parsed {
  const id = cleanName(textAt(message, 'Source ID') ?? textAt(message, 'SourceId'))
  const said = textAt(message, 'Event Message') ?? ''
  if (id === undefined) return refused('missing-name', 'an RDS notification without its Source ID')
  if (/^(Finished|Started|Backing up|Automated backup|DB (instance|cluster) created)/i.test(said)) {
    return ignored('informational', `RDS reports housekeeping of ${id}: ${said.slice(0, 200)}`)
  }
  const stateAtMs = stateTimeOf(delivery, at(message, 'Event Time'))
  if (stateAtMs === undefined)
    return refused('missing-time', `the RDS notification about ${id} came without its time`)
  const code = /RDS-EVENT-\d{4}/.exec(textAt(message, 'Event ID')?.slice(0, 300) ?? '')?.[0]
  return occurred('aws.rds', code ?? 'RDS notification', id, stateAtMs, said, message, delivery)
}

function occurred(
  service: string,
  type: string,
  about: string,
  stateAtMs: number,
  reason: string | undefined,
  message: Members,
  delivery: Delivery,
): Parsed {
  const topic = arnOf(delivery.topicArn)
  const account = accountAmong(textAt(message, 'AccountId'), topic?.account)
  const region = regionAmong(topic?.region)
  return signalOf({
    source: 'sns',
    via: 'sns',
    key: [account, region, service, type, about],
    name: `${type} ${about}`,
    account,
    region,
    state: 'occurred',
    stateAtMs,
    reason,
    event: eventOf(service, type, message),
  })
}
