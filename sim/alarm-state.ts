import type { AlarmState, MetricAlarmKind } from './world.ts'

/** One period as an alarm sees it; `value` is absent where there was no data. */
export interface Datapoint {
  readonly atMs: number
  readonly value?: number
}

/**
 * The state that a run of periods (oldest first, some beyond the evaluation periods) means: M breaching of N, with
 * missing data treated as the alarm says. Source: CloudWatch user guide, "Configuring how alarms treat missing data".
 */
export function stateFor(
  kind: MetricAlarmKind,
  range: readonly Datapoint[],
  current: AlarmState,
): AlarmState {
  const real = range.filter((point) => point.value !== undefined)
  const recent = real.slice(-kind.evaluationPeriods)
  const filled = kind.evaluationPeriods - recent.length
  const breaching = recent.filter((point) => breaches(kind, point.value ?? 0)).length
  const needed = kind.datapointsToAlarm
  switch (kind.missing) {
    case 'breaching':
      return breaching + filled >= needed ? 'ALARM' : 'OK'
    case 'notBreaching':
      return breaching >= needed ? 'ALARM' : 'OK'
    case 'ignore':
      if (breaching >= needed) return 'ALARM'
      return recent.length > breaching ? 'OK' : current
    case 'missing': {
      if (recent.length === 0) return 'INSUFFICIENT_DATA'
      if (breaching >= needed) return 'ALARM'
      if (breaching < recent.length) return 'OK'
      // Only breaching points, but too few: old enough, and they count as a premature alarm; else nothing is decided yet.
      const oldest = range.findIndex((point) => point.value !== undefined)
      return range.length - oldest >= needed ? 'ALARM' : current
    }
  }
}

/** Whether a value is on the wrong side of the threshold. */
export function breaches(kind: MetricAlarmKind, value: number): boolean {
  switch (kind.comparison) {
    case 'GreaterThanThreshold':
      return value > kind.threshold
    case 'GreaterThanOrEqualToThreshold':
      return value >= kind.threshold
    case 'LessThanThreshold':
      return value < kind.threshold
    case 'LessThanOrEqualToThreshold':
      return value <= kind.threshold
  }
}
