import type { Json } from '../json.ts'
import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { accountAmong, arnOf, regionAmong } from './regions.ts'
import { at, cleanName, firstText, has, listAt, textAt, type Members } from './read.ts'
import type { Parsed, Signal } from './signal.ts'
import { stateTimeOf } from './time.ts'

const STATE_CHANGE = 'CodeDeploy Deployment State-change Notification'

/** Events say START, SUCCESS, FAILURE, STOP, READY (AWS.md 5.6); a group's SNS triggers say it with other endings. */
const OUTCOME: {
  readonly [word: string]: 'alarm' | 'ok' | 'started' | 'ready' | 'stopped' | 'rolling-back'
} = {
  FAILURE: 'alarm',
  FAILED: 'alarm',
  SUCCESS: 'ok',
  SUCCEEDED: 'ok',
  START: 'started',
  CREATED: 'started',
  QUEUED: 'started',
  INPROGRESS: 'started',
  BAKING: 'started',
  READY: 'ready',
  STOP: 'stopped',
  STOPPED: 'stopped',
  ROLLBACK: 'rolling-back',
}

const NO_INCIDENT = {
  started: 'has begun; how it ends comes as an event of its own',
  ready: 'waits for its traffic to be shifted; that is part of a deployment and no failure',
  stopped: 'was stopped, by a person or by a rollback (often our own); a rollback reports its own outcome',
  'rolling-back': 'is being rolled back; the rollback reports its own outcome',
} as const

/**
 * A failed deployment raises the signal of its deployment group, the next successful one clears it. The name begins with
 * `codedeploy/`, so that a runbook's glob for alarms (`api-*`) never matches a deployment by accident.
 */
export function fromDeploymentEvent(event: Members, delivery: Delivery): readonly Parsed[] | undefined {
  if (textAt(event, 'detail-type') !== STATE_CHANGE) return undefined
  const detail = at(event, 'detail')
  const arns = (listAt(event, 'resources') ?? [])
    .slice(0, 20)
    .map((one) => (typeof one === 'string' ? arnOf(one) : undefined))
  const arn = arns.find((one) => one?.service === 'codedeploy')
  const groupArn = arns.find((one) => one?.resource.startsWith('deploymentgroup:'))
  const [application, group] = groupArn?.resource.slice('deploymentgroup:'.length).split('/') ?? []
  return [
    deployment(
      {
        via: 'eventbridge',
        application: textAt(detail, 'application') ?? application,
        group: textAt(detail, 'deploymentGroup') ?? group,
        word: textAt(detail, 'state'),
        id: textAt(detail, 'deploymentId'),
        account: accountAmong(arn?.account, textAt(event, 'account')),
        region: regionAmong(arn?.region, textAt(event, 'region'), textAt(detail, 'region')),
        times: [at(event, 'time')],
        why: undefined,
        event,
      },
      delivery,
    ),
  ]
}

/** The message of a deployment group's SNS trigger, which has a form of its own. */
export function fromDeploymentTrigger(message: Members, delivery: Delivery): readonly Parsed[] | undefined {
  if (!has(message, 'eventTriggerName', 'applicationName')) return undefined
  const error = at(message, 'errorInformation')
  return [
    deployment(
      {
        via: 'sns',
        application: textAt(message, 'applicationName'),
        group: textAt(message, 'deploymentGroupName'),
        word: textAt(message, 'status'),
        id: textAt(message, 'deploymentId'),
        account: accountAmong(textAt(message, 'accountId'), arnOf(delivery.topicArn)?.account),
        region: regionAmong(textAt(message, 'region'), arnOf(delivery.topicArn)?.region),
        times: [at(message, 'completeTime'), at(message, 'createTime')],
        why:
          firstText(error, ['ErrorMessage'], ['ErrorCode']) ??
          (typeof error === 'string' ? error : undefined),
        event: eventOf('aws.codedeploy', 'CodeDeploy trigger', message),
      },
      delivery,
    ),
  ]
}

interface Told {
  readonly via: Signal['via']
  readonly application: string | undefined
  readonly group: string | undefined
  readonly word: string | undefined
  readonly id: string | undefined
  readonly account: string | undefined
  readonly region: string | undefined
  readonly times: readonly (Json | undefined)[]
  readonly why: string | undefined
  readonly event: Members
}

function deployment(told: Told, delivery: Delivery): Parsed {
  const application = cleanName(told.application, 128)
  const group = cleanName(told.group, 128)
  if (application === undefined || group === undefined) {
    return refused('missing-name', 'a CodeDeploy deployment without its application and deployment group')
  }
  const what = `deployment ${told.id ?? '(without id)'} of ${application}/${group}`
  const key =
    told.word
      ?.trim()
      .toUpperCase()
      .replace(/[\s_-]/g, '') ?? ''
  const outcome = Object.hasOwn(OUTCOME, key) ? OUTCOME[key] : undefined
  if (told.word === undefined) return refused('missing-state', `${what} came without its state`)
  if (outcome === undefined)
    return refused('unknown-state', `${what} is "${told.word.slice(0, 40)}", which no CodeDeploy state is`)
  if (outcome !== 'alarm' && outcome !== 'ok')
    return ignored(`deployment-${outcome}`, `${what} ${NO_INCIDENT[outcome]}`)
  const stateAtMs = stateTimeOf(delivery, ...told.times)
  if (stateAtMs === undefined) return refused('missing-time', `${what} came without a time that can be read`)
  return signalOf({
    source: 'codedeploy',
    via: told.via,
    key: [told.account, told.region, application, group],
    name: `codedeploy/${application}/${group}`,
    account: told.account,
    region: told.region,
    state: outcome,
    stateAtMs,
    reason: `${what} ${outcome === 'ok' ? 'succeeded' : 'failed'}${told.why ? `: ${told.why}` : ''}`,
    event: told.event,
  })
}
