import type { Calls } from '../lib/aws/aws.ts'
import { alarmArn, emitAlarmEvent, reasonDataOf, reasonOf } from './alarm-event.ts'
import { stateFor, type Datapoint } from './alarm-state.ts'
import type { Answer } from './calls.ts'
import { evaluateRule } from './composite.ts'
import { nextUuid } from './chance.ts'
import { each } from './each.ts'
import { readMetric } from './metrics.ts'
import { refuse } from './refusal.ts'
import type {
  Alarm,
  AlarmState,
  CompositeAlarmKind,
  MetricAlarmKind,
  Sim,
  StateOfAlarm,
  World,
} from './world.ts'

/** How many periods beyond those it needs an alarm looks back for data, when some are missing. */
const EXTRA_PERIODS = 2
/** The newest period is read this long after its end, so that it is complete. */
const SETTLE_MS = 10_000
const HIGH_RESOLUTION_SETTLE_MS = 2_000
const DESCRIBE_MAX = 100

/** Puts a metric alarm into the account, not yet evaluated. */
export function addMetricAlarm(
  world: World,
  name: string,
  kind: Omit<MetricAlarmKind, 'is' | 'metricId'>,
  options: { description?: string; state?: StateOfAlarm } = {},
): Alarm {
  const alarm: Alarm = {
    name,
    ...(options.description === undefined ? {} : { description: options.description }),
    kind: { ...kind, is: 'metric', metricId: nextUuid(world, 'metric') },
    actionsEnabled: true,
    state: options.state ?? initialState(world),
    updatedAtMs: world.nowMs,
  }
  world.alarms[name] = alarm
  return alarm
}

/** Puts a composite alarm into the account: it follows its rule at once. */
export function addCompositeAlarm(world: World, name: string, rule: string, suppressor?: string): Alarm {
  const alarm: Alarm = {
    name,
    kind: { is: 'composite', rule, ...(suppressor === undefined ? {} : { suppressor }) },
    actionsEnabled: true,
    state: initialState(world),
    updatedAtMs: world.nowMs,
  }
  world.alarms[name] = alarm
  return alarm
}

function initialState(world: World): StateOfAlarm {
  return { value: 'INSUFFICIENT_DATA', reason: 'Unchecked: Initial alarm creation', atMs: world.nowMs }
}

/** Metric alarms are looked at once a period (each minute for longer ones), composites after them. */
export function tickAlarms(sim: Sim): void {
  const { world } = sim
  each(world.alarms, (alarm) => {
    const { kind } = alarm
    if (kind.is !== 'metric') return
    const settleMs = kind.periodMs < 60_000 ? HIGH_RESOLUTION_SETTLE_MS : SETTLE_MS
    const everyMs = Math.min(kind.periodMs, 60_000)
    if ((world.nowMs - settleMs) % everyMs === 0) evaluate(sim, alarm, kind)
  })
  each(world.alarms, (alarm) => {
    if (alarm.kind.is === 'composite') follow(sim, alarm, alarm.kind)
  })
}

/** Whether it stays as it is while there is no data. */
export function isStill({ kind }: Alarm): boolean {
  return kind.is === 'metric' && kind.missing === 'ignore'
}

function evaluate(sim: Sim, alarm: Alarm, kind: MetricAlarmKind): void {
  const { world } = sim
  const endMs = Math.floor(world.nowMs / kind.periodMs) * kind.periodMs
  const periods = kind.evaluationPeriods + EXTRA_PERIODS
  const startMs = endMs - periods * kind.periodMs
  const stat = kind.statistic
  const metric = { namespace: kind.namespace, name: kind.metric, dimensions: kind.dimensions }
  const found = readMetric(world, metric, { startMs, endMs, periodMs: kind.periodMs, stat })
  // Then it stays as it is: the alarms that tests move by hand have no data, and are looked at each minute.
  if (found.length === 0 && kind.missing === 'ignore') return
  const values = new Map(found.map((point) => [point.atMs, point.value]))
  const range: Datapoint[] = Array.from({ length: periods }, (_, index) => {
    const atMs = startMs + index * kind.periodMs
    const value = values.get(atMs)
    return value === undefined ? { atMs } : { atMs, value }
  })
  const next = stateFor(kind, range, alarm.state.value)
  if (next === alarm.state.value) return
  const window = range.slice(-kind.evaluationPeriods)
  const queryMs = world.nowMs - 4
  change(sim, alarm, {
    value: next,
    reason: reasonOf(kind, next, window),
    reasonData: reasonDataOf(kind, next, window, queryMs),
    atMs: world.nowMs,
  })
}

/** A composite follows its children at once; its data names those that decided. */
function follow(sim: Sim, alarm: Alarm, kind: CompositeAlarmKind): void {
  const { world } = sim
  const stateOf = (name: string): AlarmState | undefined => world.alarms[name]?.state.value
  const { value, children } = evaluateRule(kind.rule, stateOf)
  const next: AlarmState = value ? 'ALARM' : 'OK'
  if (next === alarm.state.value) return
  const triggering = children
    .map((name) => world.alarms[name])
    .filter((child) => child !== undefined)
    .filter((child) => !value || child.state.value === 'ALARM')
  const newest = triggering.toSorted((a, b) => b.state.atMs - a.state.atMs)[0] ?? alarm
  change(sim, alarm, {
    value: next,
    reason: `${alarmArn(world, newest.name)} transitioned to ${newest.state.value} at ${longTime(newest.state.atMs)}`,
    reasonData: JSON.stringify({
      triggeringAlarms: triggering.map((child) => ({
        arn: alarmArn(world, child.name),
        state: {
          value: child.state.value,
          timestamp: new Date(child.state.atMs).toISOString().replace('Z', '+0000'),
        },
      })),
    }),
    atMs: world.nowMs,
  })
}

function longTime(atMs: number): string {
  const at = new Date(atMs)
  const day = at.toLocaleString('en-GB', { weekday: 'long', timeZone: 'UTC' })
  const month = at.toLocaleString('en-GB', { month: 'long', timeZone: 'UTC' })
  const clock = at.toISOString().slice(11, 19)
  return `${day} ${String(at.getUTCDate()).padStart(2, '0')} ${month}, ${at.getUTCFullYear()} ${clock} UTC`
}

function change(sim: Sim, alarm: Alarm, state: StateOfAlarm): void {
  const previous = alarm.state
  alarm.state = state
  emitAlarmEvent(sim, alarm, previous)
}

/** Composite alarms are told only when their type is named, even if they are asked for by name. */
export function describeAlarms(
  sim: Sim,
  input: Calls['cloudwatch:DescribeAlarms']['input'],
): Answer<'cloudwatch:DescribeAlarms'> {
  const { world } = sim
  if (input.AlarmNames !== undefined && input.AlarmNamePrefix !== undefined) {
    throw refuse('ValidationError', 'AlarmNames and AlarmNamePrefix cannot both be given.')
  }
  const size = Math.min(
    input.MaxRecords ?? 50,
    world.faults.pageSize['cloudwatch:DescribeAlarms'] ?? DESCRIBE_MAX,
  )
  if (!(size >= 1 && size <= DESCRIBE_MAX))
    throw refuse('ValidationError', `MaxRecords must be 1 to ${DESCRIBE_MAX}.`)
  const types = input.AlarmTypes?.length ? input.AlarmTypes : (['MetricAlarm'] as const)
  const asked = Object.values(world.alarms)
    .filter((alarm) =>
      types.some((type) => (type === 'CompositeAlarm' ? 'composite' : 'metric') === alarm.kind.is),
    )
    .filter((alarm) => input.AlarmNames === undefined || input.AlarmNames.includes(alarm.name))
    .filter((alarm) => alarm.name.startsWith(input.AlarmNamePrefix ?? ''))
    .filter((alarm) => input.StateValue === undefined || alarm.state.value === input.StateValue)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const from = input.NextToken === undefined ? 0 : Number(input.NextToken)
  if (!Number.isInteger(from)) throw refuse('InvalidNextToken', 'The next token is invalid.')
  const page = asked.slice(from, from + size)
  return {
    MetricAlarms: page.flatMap((alarm) =>
      alarm.kind.is === 'metric' ? [metricShape(world, alarm, alarm.kind)] : [],
    ),
    CompositeAlarms: page.flatMap((alarm) =>
      alarm.kind.is === 'composite' ? [compositeShape(world, alarm, alarm.kind)] : [],
    ),
    ...(from + size < asked.length ? { NextToken: String(from + size) } : {}),
  }
}

function commonShape(world: World, alarm: Alarm) {
  return {
    AlarmName: alarm.name,
    AlarmArn: alarmArn(world, alarm.name),
    ...(alarm.description === undefined ? {} : { AlarmDescription: alarm.description }),
    AlarmConfigurationUpdatedTimestamp: new Date(alarm.updatedAtMs),
    ActionsEnabled: alarm.actionsEnabled,
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    StateValue: alarm.state.value,
    StateReason: alarm.state.reason,
    ...(alarm.state.reasonData === undefined ? {} : { StateReasonData: alarm.state.reasonData }),
    StateUpdatedTimestamp: new Date(alarm.state.atMs),
    StateTransitionedTimestamp: new Date(alarm.state.atMs),
  }
}

function metricShape(world: World, alarm: Alarm, kind: MetricAlarmKind) {
  return {
    ...commonShape(world, alarm),
    MetricName: kind.metric,
    Namespace: kind.namespace,
    Statistic: kind.statistic,
    Dimensions: Object.entries(kind.dimensions).map(([Name, Value]) => ({ Name, Value })),
    Period: kind.periodMs / 1000,
    EvaluationPeriods: kind.evaluationPeriods,
    DatapointsToAlarm: kind.datapointsToAlarm,
    Threshold: kind.threshold,
    ComparisonOperator: kind.comparison,
    TreatMissingData: kind.missing,
  }
}

function compositeShape(world: World, alarm: Alarm, kind: CompositeAlarmKind) {
  return {
    ...commonShape(world, alarm),
    AlarmRule: kind.rule,
    ...(kind.suppressor === undefined ? {} : { ActionsSuppressor: kind.suppressor }),
  }
}
