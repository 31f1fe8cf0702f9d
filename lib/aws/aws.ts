import type * as autoscaling from '@aws-sdk/client-application-auto-scaling'
import type * as cloudwatch from '@aws-sdk/client-cloudwatch'
import type * as codedeploy from '@aws-sdk/client-codedeploy'
import type * as ecs from '@aws-sdk/client-ecs'
import type * as loadBalancing from '@aws-sdk/client-elastic-load-balancing-v2'
import type * as lambda from '@aws-sdk/client-lambda'
import type * as route53 from '@aws-sdk/client-route-53'
import type * as ses from '@aws-sdk/client-sesv2'
import type * as sns from '@aws-sdk/client-sns'
import type * as ssm from '@aws-sdk/client-ssm'

interface Call<Input, Output> {
  readonly input: Input
  readonly output: Output
}

/**
 * Every AWS call that actions, probes and channels may make, by the name of the IAM action that allows it; so a test can
 * hold the calls that were made against the permissions that were declared. Input and output are the SDK's own.
 */
export interface Calls {
  'ecs:DescribeServices': Call<ecs.DescribeServicesCommandInput, ecs.DescribeServicesCommandOutput>
  'ecs:UpdateService': Call<ecs.UpdateServiceCommandInput, ecs.UpdateServiceCommandOutput>
  'application-autoscaling:DescribeScalableTargets': Call<
    autoscaling.DescribeScalableTargetsCommandInput,
    autoscaling.DescribeScalableTargetsCommandOutput
  >
  'application-autoscaling:RegisterScalableTarget': Call<
    autoscaling.RegisterScalableTargetCommandInput,
    autoscaling.RegisterScalableTargetCommandOutput
  >
  'application-autoscaling:DescribeScheduledActions': Call<
    autoscaling.DescribeScheduledActionsCommandInput,
    autoscaling.DescribeScheduledActionsCommandOutput
  >
  'application-autoscaling:PutScheduledAction': Call<
    autoscaling.PutScheduledActionCommandInput,
    autoscaling.PutScheduledActionCommandOutput
  >
  'application-autoscaling:DeleteScheduledAction': Call<
    autoscaling.DeleteScheduledActionCommandInput,
    autoscaling.DeleteScheduledActionCommandOutput
  >
  'elasticloadbalancing:DescribeTargetHealth': Call<
    loadBalancing.DescribeTargetHealthCommandInput,
    loadBalancing.DescribeTargetHealthCommandOutput
  >
  'route53:ListResourceRecordSets': Call<
    route53.ListResourceRecordSetsCommandInput,
    route53.ListResourceRecordSetsCommandOutput
  >
  'route53:GetHealthCheckStatus': Call<
    route53.GetHealthCheckStatusCommandInput,
    route53.GetHealthCheckStatusCommandOutput
  >
  'route53:ChangeResourceRecordSets': Call<
    route53.ChangeResourceRecordSetsCommandInput,
    route53.ChangeResourceRecordSetsCommandOutput
  >
  'route53:GetChange': Call<route53.GetChangeCommandInput, route53.GetChangeCommandOutput>
  'lambda:GetAlias': Call<lambda.GetAliasCommandInput, lambda.GetAliasCommandOutput>
  'codedeploy:GetDeploymentGroup': Call<
    codedeploy.GetDeploymentGroupCommandInput,
    codedeploy.GetDeploymentGroupCommandOutput
  >
  'codedeploy:ListDeployments': Call<
    codedeploy.ListDeploymentsCommandInput,
    codedeploy.ListDeploymentsCommandOutput
  >
  'codedeploy:BatchGetDeployments': Call<
    codedeploy.BatchGetDeploymentsCommandInput,
    codedeploy.BatchGetDeploymentsCommandOutput
  >
  'codedeploy:GetDeployment': Call<
    codedeploy.GetDeploymentCommandInput,
    codedeploy.GetDeploymentCommandOutput
  >
  'codedeploy:GetApplicationRevision': Call<
    codedeploy.GetApplicationRevisionCommandInput,
    codedeploy.GetApplicationRevisionCommandOutput
  >
  'codedeploy:StopDeployment': Call<
    codedeploy.StopDeploymentCommandInput,
    codedeploy.StopDeploymentCommandOutput
  >
  'codedeploy:CreateDeployment': Call<
    codedeploy.CreateDeploymentCommandInput,
    codedeploy.CreateDeploymentCommandOutput
  >
  'cloudwatch:DescribeAlarms': Call<
    cloudwatch.DescribeAlarmsCommandInput,
    cloudwatch.DescribeAlarmsCommandOutput
  >
  'cloudwatch:GetMetricData': Call<
    cloudwatch.GetMetricDataCommandInput,
    cloudwatch.GetMetricDataCommandOutput
  >
  'sns:Publish': Call<sns.PublishCommandInput, sns.PublishCommandOutput>
  'ses:SendEmail': Call<ses.SendEmailCommandInput, ses.SendEmailCommandOutput>
  'ssm:GetParameter': Call<ssm.GetParameterCommandInput, ssm.GetParameterCommandOutput>
}

export type CallName = keyof Calls

/** The service of a call: `ecs` of `ecs:UpdateService`. */
export function serviceOfCall(call: CallName): string {
  return call.slice(0, call.indexOf(':'))
}

/**
 * Calls that change something. They are sent once: the SDK cannot tell a lost request from a lost answer, and a repeated
 * CreateDeployment is a second deployment (CORE.md 1.5). A test holds this against the verbs of all calls.
 */
export const MUTATING_CALLS: ReadonlySet<CallName> = new Set<CallName>([
  'application-autoscaling:DeleteScheduledAction',
  'application-autoscaling:PutScheduledAction',
  'application-autoscaling:RegisterScalableTarget',
  'codedeploy:CreateDeployment',
  'codedeploy:StopDeployment',
  'ecs:UpdateService',
  'route53:ChangeResourceRecordSets',
  'ses:SendEmail',
  'sns:Publish',
])

/** Access to one account and region. `lib/aws/sdk.ts` is the real one; `sim/` has the simulated one. */
export interface Aws {
  /**
   * Makes one call. Throws what the SDK throws: an error whose `name` is AWS's exception name, with `$metadata`.
   * Reads are tried up to 3 times by the SDK; calls that change something once only, since the SDK's own retry of a call
   * without absolute state would double its effect (CORE.md 1.5).
   */
  call<K extends CallName>(name: K, input: Calls[K]['input']): Promise<Calls[K]['output']>
}

/** Where and as whom calls are made. */
export interface AwsScope {
  /** Defaults to the standard SDK configuration. */
  readonly region?: string
  /** A role to assume in the target account. */
  readonly roleArn?: string
  /** Travels in the user agent, so that CloudTrail can be joined to the timeline. */
  readonly executionId?: string
}

/** Hands out clients lazily, so that a cold start loads no more than the runbook needs. */
export type AwsFor = (scope: AwsScope) => Aws

/** A call that AWS has not answered by then counts as unanswered. */
export const CALL_TIMEOUT_MS = 5_000
