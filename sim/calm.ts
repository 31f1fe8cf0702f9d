import type { Account } from './account.ts'
import { emitAlarmEvent } from './alarm-event.ts'
import { addMetricAlarm } from './alarms.ts'
import { apiBadCanary, type DemoOptions } from './scenarios.ts'
import type { AlarmState, SimEvent } from './world.ts'

/*
 * The demo's account on a quiet day: no load, nothing scripted, and alarms that change only when somebody says so. It plays
 * hours in milliseconds.
 */

export const CALM_ALARM = 'api-5xx-spike'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** The account without load and script, and with alarms that hold the state that a test gives them. */
export function calmAccount(demo: DemoOptions, alarms: readonly string[] = [CALM_ALARM]): Account {
  const account = apiBadCanary(demo)
  const { world } = account
  world.script.length = 0
  world.sites = {}
  world.alarms = {}
  for (const name of alarms) addStillAlarm(account, name)
  return account
}

export function addStillAlarm(account: Account, name: string): void {
  addMetricAlarm(
    account.world,
    name,
    {
      namespace: 'Test',
      metric: 'Nothing',
      dimensions: {},
      statistic: 'Sum',
      periodMs: MINUTE_MS,
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
      threshold: 100,
      comparison: 'GreaterThanThreshold',
      // Without data such an alarm stays as it is.
      missing: 'ignore',
    },
    { state: { value: 'OK', reason: 'quiet', atMs: account.now() - DAY_MS } },
  )
}

/** The alarm goes over into a state, and CloudWatch writes its event; the test decides who gets it. */
export function transition(account: Account, state: AlarmState, name = CALM_ALARM): SimEvent {
  const alarm = account.world.alarms[name]
  if (!alarm) throw new Error(`no alarm ${name}`)
  const previous = alarm.state
  alarm.state = { value: state, reason: `test: ${state}`, atMs: account.now() }
  let event: SimEvent | undefined
  emitAlarmEvent({ world: account.world, emit: (emitted) => (event = emitted) }, alarm, previous)
  if (!event) throw new Error('no event')
  return event
}

/** The direct alarm action's payload of the same transition (AWS.md 14.3). */
export function asAlarmAction(event: SimEvent): object {
  const { alarmName, ...detail } = event.detail as { alarmName: string; [name: string]: unknown }
  return {
    source: 'aws.cloudwatch',
    alarmArn: event.resources[0],
    accountId: event.account,
    time: event.time,
    region: event.region,
    alarmData: { alarmName, ...detail },
  }
}
