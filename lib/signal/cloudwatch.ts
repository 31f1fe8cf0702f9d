import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import { alarmStateOf, measuredOf, silencedOf } from './cloudwatch-facts.ts'
import { refused, signalOf } from './outcome.ts'
import { accountAmong, arnOf, regionAmong } from './regions.ts'
import { at, cleanName, firstText, has, listAt, membersOf, textAt, type Members } from './read.ts'
import type { Parsed, Signal } from './signal.ts'
import { stateTimeOf } from './time.ts'

const STATE_CHANGE = 'CloudWatch Alarm State Change'
const CONTRIBUTOR_CHANGE = 'CloudWatch Alarm Contributor State Change'

/** One transition of one alarm, as any of the paths tells it. */
export interface Transition {
  readonly via: Signal['via']
  readonly arn: string | undefined
  readonly name: string | undefined
  readonly contributor: string | undefined
  /** Beside the ARN, in order of trust. */
  readonly accounts: readonly (string | undefined)[]
  readonly regions: readonly (string | undefined)[]
  readonly state: string | undefined
  readonly previousState: string | undefined
  /** In order of trust. */
  readonly times: readonly (Json | undefined)[]
  readonly reason: string | undefined
  readonly reasonData: Json | undefined
  /** The configuration of an event, or the `Trigger` of a notification. */
  readonly settings: Json | undefined
  readonly silenced: Signal['silenced'] | undefined
  readonly event: (where: {
    name: string
    account: string | undefined
    region: string | undefined
  }) => Members
}

/**
 * The signal of an alarm's transition, the same by whichever path it came: account and region are those of the ARN, since
 * that is the one thing that all paths carry in one spelling; the name is the alarm's own, else the ARN's.
 * Refused only where name, state or time cannot be known; whatever else is missing or broken is left out.
 */
export function alarmSignal(transition: Transition, delivery: Delivery): Parsed {
  const arn = arnOf(transition.arn)
  const ofArn = arn?.service === 'cloudwatch' ? arn : undefined
  const name = cleanName(transition.name) ?? cleanName(ofArn?.resource.replace(/^alarm:/, ''))
  if (name === undefined) return refused('missing-name', 'a CloudWatch alarm without alarmName and alarm ARN')
  if (transition.state === undefined)
    return refused('missing-state', `the alarm ${name} came without its state`)
  const state = alarmStateOf(transition.state)
  if (state === undefined) {
    const word = transition.state.slice(0, 40)
    return refused(
      'unknown-state',
      `the alarm ${name} has the state "${word}", not ALARM, OK or INSUFFICIENT_DATA`,
    )
  }
  const stateAtMs = stateTimeOf(delivery, ...transition.times)
  if (stateAtMs === undefined) {
    return refused(
      'missing-time',
      `the alarm ${name} went to ${transition.state}, but at no time that can be read`,
    )
  }
  const account = cleanName(accountAmong(ofArn?.account, ...transition.accounts), 64)
  const region = cleanName(regionAmong(ofArn?.region, ...transition.regions), 64)
  const contributor = cleanName(transition.contributor, 128)
  return signalOf({
    source: 'cloudwatch',
    via: transition.via,
    key: [account, region, contributor === undefined ? name : `${name}#${contributor}`],
    name,
    account,
    region,
    state,
    previousState: alarmStateOf(transition.previousState),
    stateAtMs,
    reason: transition.reason,
    silenced: transition.silenced,
    ...measuredOf(transition.reasonData, transition.settings, transition.reason ?? ''),
    event: transition.event({ name, account, region }),
  })
}

/** True for the `detail` of an alarm's event and for the `alarmData` of a direct call. */
export function isAlarmDetail(detail: Json | undefined): boolean {
  return (
    has(detail, 'alarmName') && alarmStateOf(stateWord(detail)) !== undefined && !has(detail, 'operation')
  )
}

/** EventBridge: `CloudWatch Alarm State Change` and its sister for single contributors (AWS.md 14.1). */
export function fromAlarmEvent(event: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const detail = membersOf(at(event, 'detail'))
  const detailType = textAt(event, 'detail-type')
  const told = detailType === STATE_CHANGE || detailType === CONTRIBUTOR_CHANGE
  if (!told && (detailType?.includes('Configuration') || !isAlarmDetail(detail))) return undefined
  return [
    alarmSignal(
      {
        via: 'eventbridge',
        arn: alarmArnAmong(listAt(event, 'resources')),
        accounts: [textAt(event, 'account')],
        regions: [textAt(event, 'region')],
        ...fromDetail(detail, at(event, 'time')),
        event: () => event,
      },
      delivery,
    ),
  ]
}

/** The direct alarm action that invokes a Lambda function (AWS.md 14.2). */
export function fromAlarmAction(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const data = membersOf(at(payload, 'alarmData'))
  if (!data) return undefined
  return [
    alarmSignal(
      {
        via: 'alarm-action',
        arn: textAt(payload, 'alarmArn'),
        accounts: [textAt(payload, 'accountId')],
        regions: [textAt(payload, 'region')],
        ...fromDetail(data, at(payload, 'time')),
        // As EventBridge would have sent it, so that a trigger by pattern matches whichever path was first.
        event: ({ account, region }) =>
          alarmEvent(account, region, at(payload, 'time'), textAt(payload, 'alarmArn'), data),
      },
      delivery,
    ),
  ]
}

/** A bare `detail`, as rules with an input path deliver it: account and region are then unknown. */
export function fromAlarmDetail(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  if (!isAlarmDetail(payload)) return undefined
  return [
    alarmSignal(
      {
        via: 'eventbridge',
        arn: textAt(payload, 'alarmArn'),
        accounts: [firstText(payload, ['account'], ['accountId'])],
        regions: [textAt(payload, 'region')],
        ...fromDetail(payload, at(payload, 'time')),
        event: ({ account, region }) =>
          alarmEvent(account, region, at(payload, 'time'), textAt(payload, 'alarmArn'), payload),
      },
      delivery,
    ),
  ]
}

type Told =
  | 'name'
  | 'contributor'
  | 'state'
  | 'previousState'
  | 'times'
  | 'reason'
  | 'reasonData'
  | 'settings'
  | 'silenced'

/** What EventBridge's `detail` and the direct call's `alarmData` have in common. */
function fromDetail(detail: Members | undefined, envelopeTime: Json | undefined): Pick<Transition, Told> {
  return {
    name: textAt(detail, 'alarmName'),
    contributor: textAt(detail, 'alarmContributor', 'id'),
    state: stateWord(detail),
    previousState: firstText(detail, ['previousState', 'value'], ['previousState']),
    times: [at(detail, 'state', 'timestamp'), envelopeTime],
    reason: textAt(detail, 'state', 'reason'),
    reasonData: at(detail, 'state', 'reasonData'),
    settings: at(detail, 'configuration'),
    silenced: silencedOf(detail),
  }
}

function stateWord(detail: Json | undefined): string | undefined {
  return firstText(detail, ['state', 'value'], ['state'])
}

function alarmArnAmong(resources: readonly Json[] | undefined): string | undefined {
  const texts = resources?.slice(0, 20).filter((resource) => typeof resource === 'string')
  return texts?.find((text) => arnOf(text)?.service === 'cloudwatch')
}

/** An event as EventBridge would have sent it, with what another path knows. */
export function alarmEvent(
  account: string | undefined,
  region: string | undefined,
  time: Json | undefined,
  arn: string | undefined,
  detail: Members,
): Members {
  const contributor = has(detail, 'alarmContributor')
  return {
    version: '0',
    'detail-type': contributor ? CONTRIBUTOR_CHANGE : STATE_CHANGE,
    source: 'aws.cloudwatch',
    ...(account !== undefined && { account }),
    ...(time !== undefined && { time }),
    ...(region !== undefined && { region }),
    resources: arn === undefined ? [] : [arn],
    detail,
  }
}
