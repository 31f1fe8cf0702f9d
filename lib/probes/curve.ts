import type { Aws, Calls } from '../aws/aws.ts'

/** What an alarm looks at, as far as it can be drawn. */
export interface AlarmMetric {
  readonly name: string
  readonly namespace: string
  readonly metric: string
  readonly dimensions: readonly { readonly Name: string; readonly Value: string }[]
  readonly stat: string
  readonly periodS: number
  readonly threshold?: number
}

export interface Curve {
  readonly name: string
  readonly threshold?: number
  readonly points: readonly { readonly atMs: number; readonly value: number }[]
}

/** More than this nobody can tell apart in a picture. */
const MAX_POINTS = 500

/** What a metric alarm looks at; `undefined` for alarms on expressions, logs and other alarms (AWS.md 14.5). Throws what AWS throws. */
export async function describeMetric(aws: Aws, alarm: string): Promise<AlarmMetric | undefined> {
  const answer = await aws.call('cloudwatch:DescribeAlarms', { AlarmNames: [alarm] })
  const found = answer.MetricAlarms?.find(({ AlarmName }) => AlarmName === alarm)
  const stat = found?.ExtendedStatistic ?? found?.Statistic
  if (!found?.Namespace || !found.MetricName || !stat || !found.Period) return undefined
  return {
    name: `${found.MetricName} (${stat})`,
    namespace: found.Namespace,
    metric: found.MetricName,
    dimensions: (found.Dimensions ?? []).flatMap(({ Name, Value }) =>
      Name === undefined || Value === undefined ? [] : [{ Name, Value }],
    ),
    stat,
    periodS: found.Period,
    ...(found.Threshold === undefined ? {} : { threshold: found.Threshold }),
  }
}

/** Its values between two times, oldest first, in periods long enough for one answer (AWS.md 14.6). Throws what AWS throws. */
export async function readMetric(
  aws: Aws,
  { name, namespace, metric, dimensions, stat, periodS, threshold }: AlarmMetric,
  fromMs: number,
  untilMs: number,
): Promise<Curve> {
  const least = Math.ceil((untilMs - fromMs) / 1_000 / MAX_POINTS)
  const period = Math.max(periodS, Math.ceil(least / 60) * 60)
  const query: NonNullable<Calls['cloudwatch:GetMetricData']['input']['MetricDataQueries']>[number] = {
    Id: 'curve',
    MetricStat: {
      Metric: { Namespace: namespace, MetricName: metric, Dimensions: [...dimensions] },
      Period: period,
      Stat: stat,
    },
  }
  const answer = await aws.call('cloudwatch:GetMetricData', {
    StartTime: new Date(fromMs),
    EndTime: new Date(untilMs),
    ScanBy: 'TimestampAscending',
    MetricDataQueries: [query],
  })
  const [result] = answer.MetricDataResults ?? []
  const values = result?.Values ?? []
  const points = (result?.Timestamps ?? []).flatMap((at, index) => {
    const value = values[index]
    return value === undefined ? [] : [{ atMs: at.getTime(), value }]
  })
  return { name, ...(threshold === undefined ? {} : { threshold }), points }
}
