import type { Delivery } from './delivery.ts'
import { alarmEvent, alarmSignal } from './cloudwatch.ts'
import { silencedOf } from './cloudwatch-facts.ts'
import { arnOf, regionOf } from './regions.ts'
import { at, firstText, has, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'

/** `ALARM: "name" in EU (Ireland)`: the subject line that CloudWatch gives its notifications. */
const SUBJECT = /^\W?(ALARM|OK|INSUFFICIENT_DATA): "(.{1,255})" in (.{1,60})$/

/** The message of a CloudWatch alarm's SNS action (AWS.md 14.2), whichever envelope it came in. */
export function fromAlarmNotification(message: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const told = has(message, 'NewStateValue') || (has(message, 'AlarmName') && has(message, 'StateChangeTime'))
  if (!told) return undefined
  const subject = subjectOf(delivery)
  const arn = textAt(message, 'AlarmArn')
  const name = textAt(message, 'AlarmName') ?? (arn === undefined ? subject?.name : undefined)
  const state = textAt(message, 'NewStateValue') ?? subject?.state
  return [
    alarmSignal(
      {
        via: 'sns',
        arn,
        name,
        contributor: textAt(message, 'AlarmContributorId'),
        accounts: [textAt(message, 'AWSAccountId'), arnOf(delivery.topicArn)?.account],
        // An alarm and its topic are in one region, but the alarm's own word goes first: messages may be bridged.
        regions: [textAt(message, 'Region'), arnOf(delivery.topicArn)?.region, subject?.region],
        state,
        previousState: textAt(message, 'OldStateValue'),
        times: [at(message, 'StateChangeTime')],
        reason: textAt(message, 'NewStateReason'),
        reasonData: at(message, 'NewStateReasonData'),
        settings: at(message, 'Trigger'),
        silenced: silencedOf(message),
        event: ({ name: alarmName, account, region }) =>
          alarmEvent(
            account,
            region,
            at(message, 'StateChangeTime'),
            arn,
            detailOf(message, alarmName, state),
          ),
      },
      delivery,
    ),
  ]
}

/** A notification whose message cannot be read still says in its subject which alarm went to which state. */
export function fromAlarmSubject(delivery: Delivery): readonly Parsed[] | undefined {
  const subject = subjectOf(delivery)
  if (!subject) return undefined
  const { name, state } = subject
  const topic = arnOf(delivery.topicArn)
  return [
    alarmSignal(
      {
        via: 'sns',
        arn: undefined,
        name,
        contributor: undefined,
        accounts: [topic?.account],
        regions: [regionOf(subject.region), topic?.region, subject.region],
        state,
        previousState: undefined,
        times: [],
        reason: `${delivery.subject ?? ''} (the message itself could not be read)`,
        reasonData: undefined,
        settings: undefined,
        silenced: undefined,
        event: ({ account, region }) =>
          alarmEvent(account, region, undefined, undefined, { alarmName: name, state: { value: state } }),
      },
      delivery,
    ),
  ]
}

function subjectOf(delivery: Delivery): { state: string; name: string; region: string } | undefined {
  const match = delivery.subject === undefined ? undefined : SUBJECT.exec(delivery.subject.slice(0, 400))
  return match ? { state: match[1] ?? '', name: match[2] ?? '', region: match[3] ?? '' } : undefined
}

/** As EventBridge's `detail` would have said it, so that patterns on name and state match this path as well. */
function detailOf(message: Members, alarmName: string, state: string | undefined): Members {
  const previous = textAt(message, 'OldStateValue')
  const description = textAt(message, 'AlarmDescription')
  const rule = textAt(message, 'AlarmRule')
  const contributor = textAt(message, 'AlarmContributorId')
  return {
    alarmName,
    state: {
      ...(state !== undefined && { value: state }),
      reason: firstText(message, ['NewStateReason']) ?? '',
      timestamp: at(message, 'StateChangeTime') ?? null,
    },
    ...(previous !== undefined && { previousState: { value: previous } }),
    configuration: {
      ...(description !== undefined && { description }),
      ...(rule !== undefined && { alarmRule: rule }),
    },
    ...(contributor !== undefined && { alarmContributor: { id: contributor } }),
  }
}
