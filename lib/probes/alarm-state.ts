import type { Aws, Calls } from '../aws/aws.ts'
import { describe } from '../errors.ts'
import type { CheckStep } from '../runbook/runbook.ts'
import { type Verdict, worstOf } from '../verdict.ts'
import type { SampleProbe } from './probe.ts'

export interface DescribedAlarm {
  readonly name: string
  readonly arn?: string
  readonly state: 'alarm' | 'ok' | 'insufficient-data'
  /** False while somebody has switched the alarm's actions off: automation must not act either (AWS.md 14.1). */
  readonly actionsEnabled: boolean
  readonly reason: string
  /** How long it looks back: period times evaluation periods. Composite and log alarms do not say. */
  readonly windowMs?: number
  /** The last transition; where AWS does not tell it, the last update of the state. */
  readonly updatedAtMs?: number
}

type Answer = Calls['cloudwatch:DescribeAlarms']['output']
type MetricAlarm = NonNullable<Answer['MetricAlarms']>[number]
type AnyAlarm =
  | MetricAlarm
  | NonNullable<Answer['CompositeAlarms']>[number]
  | NonNullable<Answer['LogAlarms']>[number]

const STATES = { ALARM: 'alarm', OK: 'ok', INSUFFICIENT_DATA: 'insufficient-data' } as const

/**
 * One alarm as CloudWatch has it now, of whichever kind; `undefined` where there is none of that name. Throws what AWS
 * throws, and where the answer holds an alarm without its state.
 */
export async function describeAlarm(aws: Aws, name: string): Promise<DescribedAlarm | undefined> {
  const answer = await aws.call('cloudwatch:DescribeAlarms', {
    AlarmNames: [name],
    // Without it only metric alarms are returned (AWS.md 14.5).
    AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'],
  })
  const metric = answer.MetricAlarms?.find((alarm) => alarm.AlarmName === name)
  const others: readonly AnyAlarm[] = [...(answer.CompositeAlarms ?? []), ...(answer.LogAlarms ?? [])]
  const found = metric ?? others.find((alarm) => alarm.AlarmName === name)
  if (!found) return undefined
  const state = found.StateValue === undefined ? undefined : STATES[found.StateValue]
  if (state === undefined) throw new Error(`CloudWatch described the alarm "${name}" without its state`)
  const windowMs = metric && windowOf(metric)
  const updatedAtMs = (found.StateTransitionedTimestamp ?? found.StateUpdatedTimestamp)?.getTime()
  return {
    name,
    ...(found.AlarmArn === undefined ? {} : { arn: found.AlarmArn }),
    state,
    actionsEnabled: found.ActionsEnabled ?? true,
    reason: found.StateReason ?? '',
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(updatedAtMs === undefined ? {} : { updatedAtMs }),
  }
}

/** An alarm on an expression has its periods in the metrics that the expression reads; the longest counts. */
function windowOf(alarm: MetricAlarm): number | undefined {
  const periods = (alarm.Metrics ?? []).map((query) => query.MetricStat?.Period ?? query.Period ?? 0)
  const seconds = Math.max(alarm.Period ?? 0, ...periods)
  return seconds === 0 || alarm.EvaluationPeriods === undefined
    ? undefined
    : seconds * alarm.EvaluationPeriods * 1_000
}

type Question = Extract<CheckStep['probe'], { is: 'alarm' }>

/**
 * Whether the alarm that fired is OK again. An execution that was started by hand looks at the alarms that services.yaml
 * names exactly; a glob names none, and then there is nothing to measure.
 */
export const alarmStateProbe: SampleProbe<Question> = {
  name: 'alarm state',
  summary: 'Whether the alarm is OK again.',
  permissions: () => [
    {
      actions: ['cloudwatch:DescribeAlarms'],
      resources: ['*'],
      reason: 'composite alarms can be described with the resource * only',
    },
  ],
  async sample(_question, service, signal, { aws }) {
    const names = signal ? [signal.name] : service.alarms.filter((glob) => !/[*?[\]{}]/.test(glob))
    if (names.length === 0) {
      return {
        verdict: 'inconclusive',
        reason: `no alarm is known: ${service.name} was not started by one and names none exactly`,
      }
    }
    return worstOf(await Promise.all(names.map((name) => sampleAlarm(aws, name))))
  },
}

/** One alarm's state as a verdict; never throws. */
export async function sampleAlarm(aws: Aws, name: string): Promise<Verdict> {
  try {
    const alarm = await describeAlarm(aws, name)
    if (!alarm) {
      return {
        verdict: 'error',
        reason: `there is no alarm "${name}": check its name, and account and region in services.yaml`,
      }
    }
    const values = { alarm: name, state: alarm.state }
    switch (alarm.state) {
      case 'ok':
        return { verdict: 'passed', reason: `alarm ${name} is OK`, values }
      case 'alarm':
        return { verdict: 'failed', reason: `alarm ${name} is in ALARM`, values }
      case 'insufficient-data':
        return { verdict: 'inconclusive', reason: `alarm ${name} has insufficient data`, values }
    }
  } catch (error) {
    return { verdict: 'error', reason: `alarm ${name} could not be read: ${describe(error)}` }
  }
}
