import type { Json } from '../json.ts'
import { at, firstText, listAt, textAt, type Members } from './read.ts'

/** Why an event carries no incident. */
export interface Quiet {
  readonly code: string
  readonly reason: string
}

interface Rule {
  /** The exact source; absent where the detail type is enough. */
  readonly source?: string
  readonly type: RegExp
  /** What makes such an event quiet; `undefined` where it tells of trouble. */
  readonly quiet: (event: Members, detail: Json | undefined) => Quiet | undefined
}

/**
 * The AWS events that tell of success, progress or housekeeping. A list of what is known to be harmless, never of what is
 * bad: an event that no rule knows, or whose state is none of the harmless words, becomes a signal.
 */
const RULES: readonly Rule[] = [
  {
    type: /^Scheduled Event$/,
    quiet: () => ({ code: 'scheduled', reason: 'a schedule fired; that carries no incident' }),
  },
  { source: 'aws.cloudwatch', type: /^CloudWatch Alarm Configuration Change$/, quiet: configurationChange },
  { source: 'aws.ecs', type: /^ECS Service Action$/, quiet: whenInfo },
  { source: 'aws.ecs', type: /^ECS Deployment State Change$/, quiet: ecsDeployment },
  { source: 'aws.ecs', type: /^ECS Task State Change$/, quiet: ecsTask },
  {
    source: 'aws.codedeploy',
    type: /^CodeDeploy Instance State-change/,
    quiet: when(['state'], 'START SUCCESS READY'),
  },
  { source: 'aws.autoscaling', type: / Successful$/, quiet: informational },
  { source: 'aws.autoscaling', type: / Lifecycle Action$/, quiet: informational },
  {
    source: 'aws.autoscaling',
    type: /Instance Refresh (Started|Checkpoint Reached|Started Baking|Succeeded|Cancelled)$/,
    quiet: informational,
  },
  { source: 'aws.rds', type: /^RDS DB /, quiet: rdsHousekeeping },
  { source: 'aws.health', type: /^AWS Health/, quiet: healthNotice },
  {
    source: 'aws.arc-zonal-shift',
    type: /^(Manual Shift|Practice Run) (Started|Updated|Succeeded|Canceled|Cancelled)$/,
    quiet: informational,
  },
  { source: 'aws.arc-zonal-shift', type: /^(Autoshift Completed|FIS Experiment )/, quiet: informational },
  { type: /readiness status change$/, quiet: when(['new-state', 'readiness-status'], 'READY') },
  {
    source: 'aws.ec2',
    type: /^EC2 Instance State-change Notification$/,
    quiet: when(['state'], 'pending running'),
  },
  {
    source: 'aws.states',
    type: /^Step Functions Execution Status Change$/,
    quiet: when(['status'], 'RUNNING SUCCEEDED'),
  },
  {
    source: 'aws.codebuild',
    type: /^CodeBuild Build State Change$/,
    quiet: when(['build-status'], 'IN_PROGRESS SUCCEEDED'),
  },
  {
    source: 'aws.codepipeline',
    type: /^CodePipeline /,
    quiet: when(['state'], 'STARTED RESUMED SUCCEEDED STOPPING SUPERSEDED'),
  },
  {
    source: 'aws.batch',
    type: /^Batch Job State Change$/,
    quiet: when(['status'], 'SUBMITTED PENDING RUNNABLE STARTING RUNNING SUCCEEDED'),
  },
  {
    source: 'aws.glue',
    type: /^Glue Job State Change$/,
    quiet: when(['state'], 'STARTING RUNNING SUCCEEDED'),
  },
  {
    source: 'aws.backup',
    type: / Job State Change$/,
    quiet: when(['state'], 'CREATED PENDING RUNNING COMPLETED'),
  },
  { source: 'aws.synthetics', type: /^Synthetics Canary TestRun Successful$/, quiet: informational },
  { source: 'aws.devops-guru', type: /^DevOps Guru Insight Closed$/, quiet: informational },
  { source: 'lambda', type: /^Lambda Function Invocation Result - Success$/, quiet: informational },
]

/** Why an EventBridge event carries no incident; `undefined` where it may carry one. */
export function quietOf(event: Members): Quiet | undefined {
  const type = textAt(event, 'detail-type') ?? ''
  const source = textAt(event, 'source')
  // Without a source the detail type decides: some relays leave the source out.
  const rule = RULES.find(
    (one) =>
      (one.source === undefined || source === undefined || one.source === source) && one.type.test(type),
  )
  return rule?.quiet(event, at(event, 'detail'))
}

function informational(event: Members): Quiet {
  return {
    code: 'informational',
    reason: `"${textAt(event, 'detail-type') ?? ''}" tells of progress or success, not of an incident`,
  }
}

function when(path: readonly string[], words: string): Rule['quiet'] {
  const harmless = new Set(words.split(' '))
  return (event, detail) => {
    const word = textAt(detail, ...path)
    if (word === undefined || !harmless.has(word)) return undefined
    return {
      code: 'informational',
      reason: `"${textAt(event, 'detail-type') ?? ''}" with ${path.join('.')} ${word} is no incident`,
    }
  }
}

function configurationChange(_event: Members, detail: Json | undefined): Quiet {
  const name = textAt(detail, 'alarmName') ?? '(unnamed)'
  const operation = textAt(detail, 'operation') ?? 'change'
  return {
    code: 'configuration-change',
    reason: `the alarm ${name} was edited (${operation}); its state did not change`,
  }
}

function whenInfo(_event: Members, detail: Json | undefined): Quiet | undefined {
  if (textAt(detail, 'eventType') !== 'INFO') return undefined
  return {
    code: 'informational',
    reason: `${textAt(detail, 'eventName') ?? 'an event'} of type INFO is no incident`,
  }
}

/** A rollback by the circuit breaker is told as progress (INFO) of the deployment that rolls back (AWS.md 1.10). */
function ecsDeployment(event: Members, detail: Json | undefined): Quiet | undefined {
  const name = textAt(detail, 'eventName')
  if (name === 'SERVICE_DEPLOYMENT_COMPLETED') return whenInfo(event, detail)
  if (name !== 'SERVICE_DEPLOYMENT_IN_PROGRESS') return undefined
  return /rolling back|circuit breaker/i.test(textAt(detail, 'reason') ?? '')
    ? undefined
    : whenInfo(event, detail)
}

function ecsTask(_event: Members, detail: Json | undefined): Quiet | undefined {
  const status = textAt(detail, 'lastStatus') ?? ''
  const code = textAt(detail, 'stopCode')
  if (status === '') return undefined
  if (code === undefined && !['STOPPED', 'DEPROVISIONING', 'STOPPING'].includes(status)) {
    return {
      code: 'informational',
      reason: `a task is ${status}; tasks come and go, and that is no incident`,
    }
  }
  if (code !== 'UserInitiated' && code !== 'ServiceSchedulerInitiated') return undefined
  const why = textAt(detail, 'stoppedReason') ?? ''
  if (/fail|error|unhealthy|OutOfMemory/i.test(why)) return undefined
  return { code: 'informational', reason: `a task was stopped on purpose (${code})` }
}

const RDS_HOUSEKEEPING = new Set([
  'backup',
  'backtrack',
  'configuration change',
  'creation',
  'maintenance',
  'notification',
  'restoration',
  'patching',
])

/** Categories are broad: "notification" may also say that storage runs out, so the sentence has a say as well. */
function rdsHousekeeping(_event: Members, detail: Json | undefined): Quiet | undefined {
  const categories =
    listAt(detail, 'EventCategories')?.map((one) => (typeof one === 'string' ? one.toLowerCase() : '?')) ?? []
  if (categories.length === 0 || !categories.every((category) => RDS_HOUSEKEEPING.has(category)))
    return undefined
  const message = textAt(detail, 'Message') ?? ''
  if (
    /fail|error|unable|unavailable|exceed|full|low |run(s|ning)? out|not enough|insufficient|critical|crash/i.test(
      message,
    )
  )
    return undefined
  return {
    code: 'informational',
    reason: `RDS reports housekeeping (${categories.join(', ')}): ${message || 'no message'}`,
  }
}

function healthNotice(_event: Members, detail: Json | undefined): Quiet | undefined {
  const category = textAt(detail, 'eventTypeCategory')
  const code = firstText(detail, ['eventTypeCode'], ['eventArn']) ?? 'an AWS Health event'
  if (category === 'scheduledChange' || category === 'accountNotification') {
    return { code: 'informational', reason: `${code} is announced (${category}), not an impairment` }
  }
  if (textAt(detail, 'statusCode') === 'closed') return { code: 'informational', reason: `${code} is closed` }
  return undefined
}
