import type { Aws, Calls } from '../aws/aws.ts'
import { isoTime } from '../clock.ts'
import { describe, never } from '../errors.ts'
import type { CheckStep, Metric } from '../runbook/runbook.ts'
import type { SampleProbe } from './probe.ts'

type Question = Extract<CheckStep['probe'], { is: 'metric' }>

/** Later than this after its end a datapoint no longer changes. [E] */
const MAX_LAG_MS = 60_000
/** A newest datapoint older than so many periods is silence, and silence is not health (G9). */
const FRESH_PERIODS = 3
const MAX_PAGES = 10

interface Datapoint {
  readonly atMs: number
  readonly value: number
}

/**
 * The newest complete datapoint of one of the service's metrics, compared with a number (AWS.md 14.6). A datapoint
 * counts when its whole period lies after `sinceMs` and ended long enough ago not to change any more.
 */
export const metricProbe: SampleProbe<Question> = {
  name: 'metric',
  summary: "The newest complete datapoint of one of the service's metrics, compared with a number.",
  permissions: () => [
    {
      actions: ['cloudwatch:GetMetricData'],
      resources: ['*'],
      reason: 'reading metrics knows neither resources nor a namespace condition',
    },
  ],
  async sample(question, service, _signal, { aws, nowMs, sinceMs }) {
    const metric = Object.hasOwn(service.metrics, question.metric)
      ? service.metrics[question.metric]
      : undefined
    if (!metric)
      return {
        verdict: 'error',
        reason: `service ${service.name} has no metric "${question.metric}" in services.yaml`,
      }
    const { periodMs } = metric
    const lagMs = Math.min(periodMs, MAX_LAG_MS)
    const endMs = Math.floor((nowMs - lagMs) / periodMs) * periodMs
    const startMs = Math.max(
      endMs - FRESH_PERIODS * periodMs,
      Math.ceil((sinceMs ?? 0) / periodMs) * periodMs,
    )
    if (startMs >= endMs) {
      return {
        verdict: 'inconclusive',
        reason: `${question.metric}: no complete ${periodMs / 1_000} s period lies after the last change yet`,
      }
    }
    try {
      const answer = await read(aws, metric, startMs, endMs)
      if ('reason' in answer) return { verdict: 'error', reason: `${question.metric}: ${answer.reason}` }
      const [newest] = answer.points
        .filter((point) => point.atMs >= startMs && point.atMs + periodMs <= endMs)
        .sort((a, b) => b.atMs - a.atMs)
      if (!newest) {
        return {
          verdict: 'inconclusive',
          reason: `${question.metric} has no data from ${isoTime(startMs)} to ${isoTime(endMs)}`,
        }
      }
      return judge(question, newest)
    } catch (error) {
      return { verdict: 'error', reason: `${question.metric} could not be read: ${describe(error)}` }
    }
  },
}

function judge(question: Question, { atMs, value }: Datapoint) {
  const good = holds(value, question)
  const words = question.comparison.replace('_', ' ')
  return {
    verdict: good ? ('passed' as const) : ('failed' as const),
    reason: `${question.metric} is ${value}, ${good ? '' : 'not '}${words} ${question.than}`,
    values: { metric: question.metric, value, than: question.than, atMs },
  }
}

function holds(value: number, { comparison, than }: Question): boolean {
  switch (comparison) {
    case 'below':
      return value < than
    case 'at_most':
      return value <= than
    case 'above':
      return value > than
    case 'at_least':
      return value >= than
    default:
      return never(comparison)
  }
}

type Input = Calls['cloudwatch:GetMetricData']['input']

/** All datapoints of the range, every page of them; a reason where CloudWatch says that they are not all there. */
async function read(
  aws: Aws,
  metric: Metric,
  startMs: number,
  endMs: number,
): Promise<{ readonly points: readonly Datapoint[] } | { readonly reason: string }> {
  const query: Input = {
    StartTime: new Date(startMs),
    EndTime: new Date(endMs),
    ScanBy: 'TimestampDescending',
    MetricDataQueries: [
      {
        Id: 'm',
        MetricStat: {
          Metric: {
            Namespace: metric.namespace,
            MetricName: metric.name,
            Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
          },
          Period: metric.periodMs / 1_000,
          Stat: metric.stat,
        },
        ReturnData: true,
      },
    ],
  }
  const points: Datapoint[] = []
  let next: string | undefined
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await aws.call('cloudwatch:GetMetricData', {
      ...query,
      ...(next === undefined ? {} : { NextToken: next }),
    })
    const results = (answer.MetricDataResults ?? []).filter((result) => result.Id === 'm')
    const bad = results.find(({ StatusCode }) => StatusCode === 'InternalError' || StatusCode === 'Forbidden')
    if (bad)
      return {
        reason: `CloudWatch answered ${bad.StatusCode}${bad.Messages?.[0]?.Value ? `: ${bad.Messages[0].Value}` : ''}`,
      }
    for (const { Timestamps = [], Values = [] } of results) {
      for (const [index, time] of Timestamps.entries()) {
        const value = Values[index]
        if (value !== undefined && Number.isFinite(value)) points.push({ atMs: time.getTime(), value })
      }
    }
    next = answer.NextToken
    if (next !== undefined) continue
    const partial = results.some(({ StatusCode }) => StatusCode === 'PartialData')
    return partial
      ? { reason: 'CloudWatch answered with a part of the data and no further page' }
      : { points }
  }
  return { reason: `the answer has more than ${MAX_PAGES} pages` }
}
