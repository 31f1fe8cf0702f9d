import type { Json } from '../json.ts'
import { at, firstText, listAt, membersOf, numberAt, textAt, type Members } from './read.ts'
import type { Signal } from './signal.ts'

/** CloudWatch looks back at most a week; anything longer is not from CloudWatch, and would hold a cooldown for ever. */
const MAX_WINDOW_MS = 7 * 86_400_000

const STATES: { readonly [word: string]: 'alarm' | 'ok' | 'insufficient-data' } = {
  ALARM: 'alarm',
  // The console's words, which find their way into templates.
  IN_ALARM: 'alarm',
  OK: 'ok',
  INSUFFICIENT_DATA: 'insufficient-data',
}

/** Our word for `ALARM`, `OK`, `INSUFFICIENT_DATA`; `undefined` for any other. */
export function alarmStateOf(word: string | undefined): 'alarm' | 'ok' | 'insufficient-data' | undefined {
  const key =
    word
      ?.trim()
      .toUpperCase()
      .replace(/[\s-]+/g, '_') ?? ''
  return Object.hasOwn(STATES, key) ? STATES[key] : undefined
}

export interface Measured {
  readonly value: number | undefined
  readonly threshold: number | undefined
  readonly windowMs: number | undefined
}

/**
 * What the alarm measured, from `reasonData`, else from the configuration (or SNS's `Trigger`), else from the sentence.
 * All of it is optional: Metrics Insights, PromQL and hand-set states carry no data (AWS.md 14.1).
 */
export function measuredOf(
  reasonData: Json | undefined,
  settings: Json | undefined,
  sentence: string,
): Measured {
  const data = dataOf(reasonData)
  const value = lastValue(data) ?? numberIn(sentence, /datapoints?[^[]{0,120}\[\s{0,4}([-+0-9.eE]{1,32})/)
  return {
    value,
    threshold:
      numberAt(data, 'threshold') ??
      bandEdge(data, value) ??
      numberAt(settings, 'Threshold') ??
      numberAt(settings, 'threshold') ??
      numberIn(sentence, /threshold \(([-+0-9.eE]{1,32})\)/),
    windowMs: windowOf(data, settings, sentence),
  }
}

/** `reasonData` is JSON in a string; where it is broken, the alarm stands without it. */
export function dataOf(reasonData: Json | undefined): Members | undefined {
  if (typeof reasonData !== 'string') return membersOf(reasonData)
  try {
    return membersOf(JSON.parse(reasonData) as Json)
  } catch {
    return undefined
  }
}

/** `recentDatapoints` runs from old to new; `evaluatedDatapoints` and the sentence run from new to old. */
function lastValue(data: Members | undefined): number | undefined {
  const recent = listAt(data, 'recentDatapoints')?.filter((point) => typeof point === 'number')
  if (recent && recent.length > 0) return recent.at(-1)
  const evaluated = listAt(data, 'evaluatedDatapoints')?.find(
    (point) => typeof at(point, 'value') === 'number',
  )
  return numberAt(evaluated, 'value')
}

/** The edge of an anomaly band that was crossed, else its upper one. */
function bandEdge(data: Members | undefined, value: number | undefined): number | undefined {
  const upper = listAt(data, 'recentUpperThresholds')?.at(-1)
  const lower = listAt(data, 'recentLowerThresholds')?.at(-1)
  if (typeof lower === 'number' && value !== undefined && value < lower) return lower
  return typeof upper === 'number' ? upper : typeof lower === 'number' ? lower : undefined
}

function windowOf(
  data: Members | undefined,
  settings: Json | undefined,
  sentence: string,
): number | undefined {
  const period = numberAt(data, 'period') ?? numberAt(settings, 'Period') ?? longestPeriod(settings)
  if (period === undefined || period <= 0) return undefined
  const periods =
    numberAt(settings, 'EvaluationPeriods') ??
    numberAt(settings, 'evaluationPeriods') ??
    numberIn(sentence, /out of the last (\d{1,6}) datapoint/) ??
    // Of an alarm to which missing data is breaching; beside it no datapoint is told that could be counted.
    numberIn(sentence, /no datapoints were received for (\d{1,6}) period/i) ??
    listAt(data, 'evaluatedDatapoints')?.length ??
    listAt(data, 'recentDatapoints')?.length ??
    1
  return Math.min(Math.round(period * Math.max(1, periods) * 1000), MAX_WINDOW_MS)
}

/** The period stands in `metricStat` for a metric and beside the expression for Metrics Insights; SNS writes it in capitals. */
function longestPeriod(settings: Json | undefined): number | undefined {
  const metrics = listAt(settings, 'metrics') ?? listAt(settings, 'Metrics') ?? []
  const periods = metrics
    .slice(0, 500)
    .map(
      (metric) =>
        numberAt(metric, 'metricStat', 'period') ??
        numberAt(metric, 'MetricStat', 'Period') ??
        numberAt(metric, 'period') ??
        numberAt(metric, 'Period'),
    )
    .filter((period) => period !== undefined)
  return periods.length === 0 ? undefined : Math.max(...periods)
}

function numberIn(sentence: string, shape: RegExp): number | undefined {
  const found = shape.exec(sentence.slice(0, 4000))?.[1]
  const number = found === undefined ? Number.NaN : Number(found)
  return Number.isFinite(number) ? number : undefined
}

/**
 * Events keep coming while an alarm's actions are muted, suppressed or switched off, so a consumer of events has to look
 * for it itself (AWS.md 14.1, 14.3). `holder` is the `detail` of an event or the `alarmData` of a direct call.
 */
export function silencedOf(holder: Json | undefined): Signal['silenced'] | undefined {
  const mute = membersOf(at(holder, 'muteDetail')) ?? membersOf(at(holder, 'MuteDetail'))
  if (mute && Object.keys(mute).length > 0) {
    const rule = textAt(mute, 'mutedByArn')?.split(':alarm-mute-rule:').at(-1)
    const until = textAt(mute, 'muteWindowEnd')
    return {
      by: 'muted',
      reason: `muted by ${rule ? `rule ${rule}` : 'a mute rule'}${until ? ` until ${until}` : ''}`,
    }
  }
  const by = firstText(holder, ['state', 'actionsSuppressedBy'], ['ActionsSuppressedBy'])
  if (by !== undefined && by.toLowerCase() !== 'none') {
    const why = firstText(holder, ['state', 'actionsSuppressedReason'], ['ActionsSuppressedReason'])
    return { by: 'suppressed', reason: why ?? `actions suppressed by ${by}` }
  }
  if (at(holder, 'configuration', 'actionsEnabled') === false) {
    return { by: 'muted', reason: "the alarm's actions are disabled" }
  }
  return undefined
}
