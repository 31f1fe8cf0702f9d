import type { Json } from '../json.ts'
import { ecsDeployment, ecsInfo, ecsInstance, ecsTask } from './quiet-ecs.ts'
import { quietOutcome, securityHub } from './quiet-outcome.ts'
import { rdsHousekeeping } from './quiet-rds.ts'
import type { Quiet } from './quiet.ts'
import { at, firstText, textAt, type Members } from './read.ts'

interface Rule {
  /** The exact source; absent where the detail type is enough. */
  readonly source?: string
  readonly type: RegExp
  /** What makes such an event quiet; `undefined` where it tells of trouble. */
  readonly quiet: (event: Members, detail: Json | undefined) => Quiet | undefined
}

/**
 * The AWS events that tell of success, progress or housekeeping. A list of what is known to be harmless, never of what is
 * bad: an event that no rule knows and that does not say itself that all is well, or whose state is none of the harmless
 * words, becomes a signal.
 */
const RULES: readonly Rule[] = [
  {
    type: /^Scheduled Event$/,
    quiet: () => ({ code: 'scheduled', reason: 'a schedule fired; that carries no incident' }),
  },
  { source: 'aws.cloudwatch', type: /^CloudWatch Alarm Configuration Change$/, quiet: configurationChange },
  { source: 'aws.ecs', type: /^ECS Service Action$/, quiet: ecsInfo },
  { source: 'aws.ecs', type: /^ECS Deployment State Change$/, quiet: ecsDeployment },
  { source: 'aws.ecs', type: /^ECS Task State Change$/, quiet: ecsTask },
  { source: 'aws.ecs', type: /^ECS Container Instance State Change$/, quiet: ecsInstance },
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
  { source: 'aws.securityhub', type: /^Security Hub Findings /, quiet: securityHub },
  { source: 'aws.s3', type: /^Object /, quiet: informational },
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
  const detail = at(event, 'detail')
  return rule ? rule.quiet(event, detail) : quietOutcome(event, detail)
}

function informational(event: Members): Quiet {
  return {
    code: 'informational',
    reason: `"${textAt(event, 'detail-type') ?? ''}" tells of progress or success, not of an incident`,
  }
}

function when(path: readonly string[], words: string): Rule['quiet'] {
  const harmless = new Set(words.split(' ').map((word) => word.toUpperCase()))
  return (event, detail) => {
    const word = textAt(detail, ...path)
    if (word === undefined || !harmless.has(word.trim().toUpperCase())) return undefined
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

function healthNotice(_event: Members, detail: Json | undefined): Quiet | undefined {
  const category = textAt(detail, 'eventTypeCategory')
  const code = firstText(detail, ['eventTypeCode'], ['eventArn']) ?? 'an AWS Health event'
  if (category === 'scheduledChange' || category === 'accountNotification') {
    return { code: 'informational', reason: `${code} is announced (${category}), not an impairment` }
  }
  if (textAt(detail, 'statusCode')?.toLowerCase() === 'closed')
    return { code: 'informational', reason: `${code} is closed` }
  return undefined
}
