import type { Json } from '../lib/json.ts'
import { breaches, type Datapoint } from './alarm-state.ts'
import { nextUuid } from './chance.ts'
import type { Alarm, AlarmState, Comparison, MetricAlarmKind, Sim, StateOfAlarm, World } from './world.ts'

/*
 * The payload of `CloudWatch Alarm State Change`, word for word as CloudWatch writes it (AWS.md 14.1), so that whatever
 * reads it here reads it there.
 */

const WORDS: { readonly [comparison in Comparison]: string } = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
}

export function alarmArn(world: World, name: string): string {
  return `arn:aws:cloudwatch:${world.region}:${world.account}:alarm:${name}`
}

/** CloudWatch's sentence about a transition. `window` is the evaluation periods, oldest first. */
export function reasonOf(kind: MetricAlarmKind, to: AlarmState, window: readonly Datapoint[]): string {
  const total = kind.evaluationPeriods
  if (to === 'INSUFFICIENT_DATA')
    return `Insufficient Data: ${plural(total, 'datapoint')} ${were(total)} unknown.`
  const real = window.filter((point) => point.value !== undefined)
  if (real.length === 0) {
    const how = kind.missing === 'breaching' ? 'Breaching' : 'NonBreaching'
    const missing = `${plural(total, 'missing datapoint')} ${were(total)} treated as [${how}]`
    return `Threshold Crossed: no datapoints were received for ${plural(total, 'period')} and ${missing}.`
  }
  const alarming = to === 'ALARM'
  const telling = real.filter((point) => breaches(kind, point.value ?? 0) === alarming).reverse()
  const minimum = alarming ? kind.datapointsToAlarm : kind.evaluationPeriods - kind.datapointsToAlarm + 1
  const values = telling.map((point) => `${double(point.value ?? 0)} (${shortTime(point.atMs)})`).join(', ')
  const relation = `${were(telling.length)}${alarming ? '' : ' not'} ${WORDS[kind.comparison]} the threshold (${double(kind.threshold)})`
  const transition = alarming ? 'OK -> ALARM' : 'ALARM -> OK'
  return (
    `Threshold Crossed: ${telling.length} out of the last ${plural(total, 'datapoint')} [${values}] ${relation} ` +
    `(minimum ${plural(minimum, 'datapoint')} for ${transition} transition).`
  )
}

/** JSON text. Whole numbers keep their `.0`, which `JSON.stringify` cannot write. */
export function reasonDataOf(
  kind: MetricAlarmKind,
  to: AlarmState,
  window: readonly Datapoint[],
  queryMs: number,
): string {
  const real = window.filter((point) => point.value !== undefined)
  const start = (real[0] ?? window[0])?.atMs ?? queryMs
  const members = [
    '"version":"1.0"',
    `"queryDate":"${stamp(queryMs)}"`,
    ...(to === 'INSUFFICIENT_DATA' ? [] : [`"startDate":"${stamp(start)}"`]),
    `"statistic":"${kind.statistic}"`,
    `"period":${kind.periodMs / 1000}`,
    `"recentDatapoints":[${real.map((point) => double(point.value ?? 0)).join(',')}]`,
    `"threshold":${double(kind.threshold)}`,
  ]
  if (to === 'INSUFFICIENT_DATA') {
    const unknown = window.toReversed().map((point) => `{"timestamp":"${stamp(point.atMs)}"}`)
    members.push(`"evaluatedDatapoints":[${unknown.join(',')}]`)
  }
  return `{${members.join(',')}}`
}

/** Sends the event; it is sent as well while actions are disabled, muted or suppressed (AWS.md 14.1). */
export function emitAlarmEvent(sim: Sim, alarm: Alarm, previous: StateOfAlarm): void {
  const { world } = sim
  const muted = alarm.mute && alarm.mute.fromMs <= world.nowMs && world.nowMs < alarm.mute.untilMs
  sim.emit({
    version: '0',
    id: nextUuid(world, 'event'),
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account: world.account,
    time: new Date(world.nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    region: world.region,
    resources: [alarmArn(world, alarm.name)],
    detail: {
      alarmName: alarm.name,
      configuration: configurationOf(world, alarm),
      previousState: stateShape(previous),
      state: { ...stateShape(alarm.state), ...suppression(world, alarm) },
      ...(alarm.mute && muted
        ? {
            muteDetail: {
              mutedByArn: alarm.mute.arn,
              muteWindowStart: stamp(alarm.mute.fromMs),
              muteWindowEnd: stamp(alarm.mute.untilMs),
            },
          }
        : {}),
    },
  })
}

function configurationOf(world: World, alarm: Alarm): { readonly [name: string]: Json } {
  const description = alarm.description === undefined ? {} : { description: alarm.description }
  const kind = alarm.kind
  if (kind.is === 'composite') {
    return {
      ...description,
      alarmRule: kind.rule,
      ...(kind.suppressor === undefined
        ? {}
        : {
            actionsSuppressor: alarmArn(world, kind.suppressor),
            actionsSuppressorWaitPeriod: 120,
            actionsSuppressorExtensionPeriod: 180,
          }),
    }
  }
  return {
    ...description,
    metrics: [
      {
        id: kind.metricId,
        metricStat: {
          metric: { dimensions: kind.dimensions, name: kind.metric, namespace: kind.namespace },
          period: kind.periodMs / 1000,
          stat: kind.statistic,
        },
        returnData: true,
      },
    ],
  }
}

function suppression(world: World, alarm: Alarm): { readonly [name: string]: Json } {
  const suppressor = alarm.kind.is === 'composite' ? alarm.kind.suppressor : undefined
  if (suppressor === undefined || world.alarms[suppressor]?.state.value !== 'ALARM') return {}
  return { actionsSuppressedBy: 'Alarm', actionsSuppressedReason: 'Actions suppressed by Alarm' }
}

function stateShape(state: StateOfAlarm): { readonly [name: string]: Json } {
  return {
    reason: state.reason,
    ...(state.reasonData === undefined ? {} : { reasonData: state.reasonData }),
    timestamp: stamp(state.atMs),
    value: state.value,
  }
}

/** `2026-11-22T10:04:11.123+0000`. */
function stamp(atMs: number): string {
  return new Date(atMs).toISOString().replace('Z', '+0000')
}

/** `22/11/26 10:04:00`. */
function shortTime(atMs: number): string {
  const text = new Date(atMs).toISOString()
  return `${text.slice(8, 10)}/${text.slice(5, 7)}/${text.slice(2, 4)} ${text.slice(11, 19)}`
}

/** A number as Java prints it: `612.0`. */
function double(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were'
}
