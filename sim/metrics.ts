import type { Calls } from '../lib/aws/aws.ts'
import { canonical } from '../lib/json.ts'
import type { Answer } from './calls.ts'
import { need, refuse } from './refusal.ts'
import type { MetricPoint, MetricSeries, Sim, World } from './world.ts'

/** Points are kept for a day at one a minute. */
const MAX_POINTS = 1_440
const MAX_QUERIES = 500
const MAX_DATAPOINTS = 100_800
/** Bins of percentiles are 5 % wide. */
const BIN = Math.log(1.05)

type Dimensions = { readonly [name: string]: string }

/** Adds one sample to the period that the present time falls into; the newest period is therefore incomplete. */
export function putMetric(
  world: World,
  metric: { namespace: string; name: string; dimensions: Dimensions; periodMs: number },
  sample: { sum: number; count: number; min: number; max: number },
  values: readonly { value: number; count: number }[] = [],
): void {
  const key = keyOf(metric.namespace, metric.name, metric.dimensions)
  const series: MetricSeries = (world.metrics[key] ??= { ...metric, points: [] })
  // A tick stands for the second before it.
  const atMs = Math.floor((world.nowMs - 1) / series.periodMs) * series.periodMs
  let point = series.points.at(-1)
  if (point?.atMs !== atMs) {
    point = { atMs, sum: 0, count: 0, min: sample.min, max: sample.max }
    series.points.push(point)
    if (series.points.length > MAX_POINTS) series.points.shift()
  }
  point.sum += sample.sum
  point.count += sample.count
  point.min = Math.min(point.min, sample.min)
  point.max = Math.max(point.max, sample.max)
  for (const { value, count } of values) {
    const bin = String(Math.round(Math.log(value) / BIN))
    point.bins ??= {}
    point.bins[bin] = (point.bins[bin] ?? 0) + count
  }
}

/** Values per period in [startMs, endMs), oldest first; periods without data are left out. */
export function readMetric(
  world: World,
  metric: { namespace: string; name: string; dimensions: Dimensions },
  range: { startMs: number; endMs: number; periodMs: number; stat: string },
): { atMs: number; value: number }[] {
  const series = world.metrics[keyOf(metric.namespace, metric.name, metric.dimensions)]
  if (!series || range.periodMs < series.periodMs) return []
  const groups = new Map<number, MetricPoint[]>()
  for (const point of series.points) {
    const atMs = Math.floor(point.atMs / range.periodMs) * range.periodMs
    if (atMs < range.startMs || atMs >= range.endMs) continue
    groups.set(atMs, [...(groups.get(atMs) ?? []), point])
  }
  return [...groups].map(([atMs, points]) => ({ atMs, value: statistic(points, range.stat) }))
}

function statistic(points: readonly MetricPoint[], stat: string): number {
  const total = (pick: (point: MetricPoint) => number) => points.reduce((sum, point) => sum + pick(point), 0)
  switch (stat) {
    case 'Sum':
      return total((point) => point.sum)
    case 'SampleCount':
      return total((point) => point.count)
    case 'Average':
      return total((point) => point.sum) / total((point) => point.count)
    case 'Minimum':
      return Math.min(...points.map((point) => point.min))
    case 'Maximum':
      return Math.max(...points.map((point) => point.max))
    default:
      return percentile(points, stat)
  }
}

function percentile(points: readonly MetricPoint[], stat: string): number {
  const share = Number(/^p(\d{1,2}(?:\.\d+)?)$/.exec(stat)?.[1]) / 100
  if (!(share >= 0)) throw validation(`The value ${stat} for parameter Stat is not supported.`)
  const bins = new Map<number, number>()
  for (const point of points) {
    for (const [bin, count] of Object.entries(point.bins ?? {})) {
      bins.set(Number(bin), (bins.get(Number(bin)) ?? 0) + count)
    }
  }
  const sorted = [...bins].sort(([a], [b]) => a - b)
  const wanted = sorted.reduce((sum, [, count]) => sum + count, 0) * share
  let seen = 0
  for (const [bin, count] of sorted) {
    seen += count
    if (seen >= wanted) return Math.exp(bin * BIN)
  }
  return Math.max(...points.map((point) => point.max))
}

export function getMetricData(
  sim: Sim,
  input: Calls['cloudwatch:GetMetricData']['input'],
): Answer<'cloudwatch:GetMetricData'> {
  const { world } = sim
  const missing = (name: string) => () =>
    refuse('MissingRequiredParameterException', `The parameter ${name} is required.`)
  const queries = need(input.MetricDataQueries, missing('MetricDataQueries'))
  const startMs = need(input.StartTime, missing('StartTime')).getTime()
  const endMs = need(input.EndTime, missing('EndTime')).getTime()
  if (!(startMs < endMs)) throw validation('The parameter StartTime must be less than the parameter EndTime.')
  if (queries.length === 0 || queries.length > MAX_QUERIES) {
    throw validation(`MetricDataQueries must have 1 to ${MAX_QUERIES} members.`)
  }
  const ascending = input.ScanBy === 'TimestampAscending'
  const size = Math.min(
    input.MaxDatapoints ?? MAX_DATAPOINTS,
    world.faults.pageSize['cloudwatch:GetMetricData'] ?? MAX_DATAPOINTS,
  )
  const from = input.NextToken === undefined ? 0 : Number(input.NextToken)
  if (!Number.isInteger(from)) throw refuse('InvalidNextToken', 'The next token is invalid.')
  let more = false
  const results = queries.map((query) => {
    const all = readQuery(world, query, startMs, endMs)
    if (!ascending) all.reverse()
    const page = all.slice(from, from + size)
    const partial = from + size < all.length
    more ||= partial
    return {
      Id: query.Id ?? '',
      Label: query.Label ?? query.MetricStat?.Metric?.MetricName ?? '',
      Timestamps: page.map((point) => new Date(point.atMs)),
      Values: page.map((point) => point.value),
      StatusCode: partial ? ('PartialData' as const) : ('Complete' as const),
    }
  })
  return {
    MetricDataResults: results.filter((_, index) => queries[index]?.ReturnData !== false),
    Messages: [],
    ...(more ? { NextToken: String(from + size) } : {}),
  }
}

function readQuery(
  world: World,
  query: NonNullable<Calls['cloudwatch:GetMetricData']['input']['MetricDataQueries']>[number],
  startMs: number,
  endMs: number,
): { atMs: number; value: number }[] {
  if (!/^[a-z]\w*$/.test(query.Id ?? '')) {
    throw validation(`The value ${query.Id} for parameter Id must begin with a lower-case letter.`)
  }
  const stat = query.MetricStat
  if (!stat) throw validation('This account computes no expressions: ask for a metric.')
  const period = stat.Period ?? 0
  if (!(period === 10 || period === 20 || period === 30 || (period > 0 && period % 60 === 0))) {
    throw validation(`The value ${period} for parameter Period is not valid: 10, 20, 30 or a multiple of 60.`)
  }
  const dimensions = Object.fromEntries(
    (stat.Metric?.Dimensions ?? []).map((dimension) => [dimension.Name ?? '', dimension.Value ?? '']),
  )
  return readMetric(
    world,
    { namespace: stat.Metric?.Namespace ?? '', name: stat.Metric?.MetricName ?? '', dimensions },
    {
      // CloudWatch rounds the start down to the period.
      startMs: Math.floor(startMs / (period * 1000)) * period * 1000,
      endMs,
      periodMs: period * 1000,
      stat: stat.Stat ?? '',
    },
  )
}

function keyOf(namespace: string, name: string, dimensions: Dimensions): string {
  return `${namespace}|${name}|${canonical(dimensions)}`
}

function validation(message: string): Error {
  return refuse('ValidationError', message)
}
