import type { Delivery } from './delivery.ts'
import { RDS_TROUBLE } from './quiet-rds.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { accountAmong, arnOf, regionAmong } from './regions.ts'
import { at, cleanName, firstText, has, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'
import { stateTimeOf } from './time.ts'

const HOUSEKEEPING = /^(Finished|Started|Backing up|Automated backup|DB (instance|cluster) created)/i

/** What AWS services write to an SNS topic of their own, beside their EventBridge events. */
export function fromAwsNotification(message: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const scaling = textAt(message, 'Event')
  if (scaling?.startsWith('autoscaling:')) return [autoscaling(scaling, message, delivery)]
  if (has(message, 'Event Source', 'Event Message')) return [rds(message, delivery)]
  if (has(message, 'eventTriggerName', 'instanceStatus')) return [instance(message, delivery)]
  const cache = Object.keys(message).find((name) => /^(ElastiCache|MemoryDB|DAX):/.test(name))
  return cache === undefined ? undefined : [caching(cache, message, delivery)]
}

/** CodeDeploy's triggers for single instances; the deployment as a whole has its own (`fromDeploymentTrigger`). */
function instance(message: Members, delivery: Delivery): Parsed {
  const status = textAt(message, 'instanceStatus') ?? 'no status'
  const id = cleanName(firstText(message, ['instanceId'], ['deploymentId']))
  if (id === undefined) return refused('missing-name', 'a CodeDeploy instance without instanceId')
  if (!/^(failed|unknown|no status)$/i.test(status))
    return ignored('informational', `CodeDeploy reports the instance ${id} as ${status}`)
  const stateAtMs = stateTimeOf(delivery, at(message, 'lastUpdatedAt'))
  if (stateAtMs === undefined)
    return refused('missing-time', `the CodeDeploy instance ${id} came without lastUpdatedAt`)
  const reason = `deployment ${textAt(message, 'deploymentId') ?? ''} on ${id}: ${status}`
  return occurred('aws.codedeploy', 'CodeDeploy instance', id, stateAtMs, reason, message, delivery)
}

/** The caches' notifications are one member: the event's name, and the cluster that it is about. */
function caching(event: string, message: Members, delivery: Delivery): Parsed {
  const cluster = cleanName(textAt(message, event)) ?? '(unnamed)'
  if (!/fail|reboot|ReplaceStarted/i.test(event))
    return ignored('informational', `${event.slice(0, 80)} of ${cluster} is housekeeping`)
  const stateAtMs = stateTimeOf(delivery)
  if (stateAtMs === undefined)
    return refused('missing-time', `${event.slice(0, 80)} of ${cluster} came without a time`)
  return occurred('aws.elasticache', event.slice(0, 80), cluster, stateAtMs, event, message, delivery)
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
  // Redshift says `Resource`, and DMS hides the name behind its link.
  const linked = /SourceId: {0,4}(\S{1,255})/.exec(
    textAt(message, 'Identifier Link')?.slice(0, 2000) ?? '',
  )?.[1]
  const id = cleanName(firstText(message, ['Source ID'], ['SourceId'], ['Resource']) ?? linked)
  const said = textAt(message, 'Event Message') ?? ''
  if (id === undefined) return refused('missing-name', 'an RDS notification without its Source ID')
  // "Started cross AZ failover" begins as housekeeping does.
  if ((HOUSEKEEPING.test(said) || textAt(message, 'Severity') === 'INFO') && !RDS_TROUBLE.test(said)) {
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
