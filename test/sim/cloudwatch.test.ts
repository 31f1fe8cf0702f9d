import { createAccount } from '../../sim/account.ts'
import { stateFor } from '../../sim/alarm-state.ts'
import { addCompositeAlarm, addMetricAlarm } from '../../sim/alarms.ts'
import { evaluateRule } from '../../sim/composite.ts'
import { putMetric } from '../../sim/metrics.ts'
import type { AlarmState, MetricAlarmKind, SimEvent } from '../../sim/world.ts'
import { START_MS } from './small-account.ts'

const KIND = {
  namespace: 'Test',
  metric: 'Errors',
  dimensions: { Service: 'api' },
  statistic: 'Sum',
  periodMs: 60_000,
  evaluationPeriods: 2,
  datapointsToAlarm: 2,
  threshold: 50,
  comparison: 'GreaterThanThreshold',
  missing: 'notBreaching',
} as const

function accountWithAlarm(kind: Partial<MetricAlarmKind> = {}) {
  const account = createAccount({ startAtMs: START_MS })
  addMetricAlarm(account.world, 'api-errors', { ...KIND, ...kind }, { description: 'Too many errors.' })
  const events: SimEvent[] = []
  account.onEvent((event) => events.push(event))
  /** One minute with this many errors, none of them where it is undefined. */
  const minute = (errors?: number) => {
    account.advance(30_000)
    if (errors !== undefined) {
      const metric = { namespace: 'Test', name: 'Errors', dimensions: { Service: 'api' }, periodMs: 60_000 }
      putMetric(account.world, metric, { sum: errors, count: 1, min: errors, max: errors })
    }
    account.advance(30_000)
  }
  const state = () => account.world.alarms['api-errors']?.state.value
  return { account, aws: account.aws({}), events, minute, state }
}

/** The rows of the CloudWatch user guide's two tables: X breaches, 0 does not, - is missing; oldest first. */
test.each([
  // 3 out of 3
  ['0-X-X', 3, 'OK', 'OK', 'OK', 'OK'],
  ['0----', 3, 'OK', 'OK', 'OK', 'OK'],
  ['-----', 3, 'INSUFFICIENT_DATA', 'retained', 'ALARM', 'OK'],
  ['0XX-X', 3, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['--X--', 3, 'ALARM', 'retained', 'ALARM', 'OK'],
  ['----X', 3, 'retained', 'retained', 'ALARM', 'OK'],
  // 2 out of 3
  ['0-X-X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['00X0X', 2, 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
  ['0-X--', 2, 'OK', 'OK', 'ALARM', 'OK'],
  ['----0', 2, 'OK', 'OK', 'ALARM', 'OK'],
  ['---X-', 2, 'ALARM', 'retained', 'ALARM', 'OK'],
] as const)(
  '%s with %i of 3: missing %s, ignore %s, breaching %s, notBreaching %s',
  (row, needed, ...expected) => {
    const range = row
      .split('')
      .map((mark, index) =>
        mark === '-' ? { atMs: index * 60_000 } : { atMs: index * 60_000, value: mark === 'X' ? 99 : 1 },
      )
    const outcome = (missing: MetricAlarmKind['missing'], current: AlarmState) =>
      stateFor(
        { ...KIND, is: 'metric', metricId: 'm', evaluationPeriods: 3, datapointsToAlarm: needed, missing },
        range,
        current,
      )
    const states = (['missing', 'ignore', 'breaching', 'notBreaching'] as const).map((missing) => {
      const [fromOk, fromAlarm] = [outcome(missing, 'OK'), outcome(missing, 'ALARM')]
      return fromOk === fromAlarm ? fromOk : 'retained'
    })
    expect(states).toEqual(expected)
  },
)

test('an alarm of 2 out of 3 fires at the second breach, though not in a row, and clears when one of the three is left', () => {
  const { minute, state } = accountWithAlarm({ evaluationPeriods: 3 })
  // A minute is judged shortly after its end, so in the minute that follows.
  const seen = [90, 1, 90, 1, 1].map((errors) => {
    minute(errors)
    return state()
  })
  expect(seen).toEqual(['OK', 'OK', 'OK', 'ALARM', 'OK'])
})

test('a metric alarm sends the same event as CloudWatch, member by member', () => {
  const { events, minute, account } = accountWithAlarm()
  ;[1, 1, 90, 60.5, 1].forEach(minute)
  account.advance(15_000)
  const event = events.find((each) => shown(each).value === 'ALARM')
  expect(shapeOf(event)).toEqual(METRIC_ALARM_EVENT)
  const [state, previousState] = [shown(event), shown(event, 'previousState')]
  expect(dataOf(state)).toEqual(REASON_DATA)
  expect(event).toMatchObject({
    time: '2026-11-23T14:04:10Z',
    resources: ['arn:aws:cloudwatch:eu-west-1:123456789012:alarm:api-errors'],
  })
  expect(state.timestamp).toBe('2026-11-23T14:04:10.000+0000')
  expect(state.reason).toBe(
    'Threshold Crossed: 2 out of the last 2 datapoints [60.5 (23/11/26 14:03:00), 90.0 (23/11/26 14:02:00)] were greater than the threshold (50.0) (minimum 2 datapoints for OK -> ALARM transition).',
  )
  expect(state.reasonData).toContain('"recentDatapoints":[90.0,60.5],"threshold":50.0')
  expect(previousState.value).toBe('OK')
  const clear = shown(events.at(-1))
  expect(clear.reason).toBe(
    'Threshold Crossed: 1 out of the last 2 datapoints [1.0 (23/11/26 14:04:00)] was not greater than the threshold (50.0) (minimum 1 datapoint for ALARM -> OK transition).',
  )
})

const STATE = { reason: 'string', reasonData: 'string', timestamp: 'string', value: 'string' }

/** Members and kinds of a single-metric alarm's event, from the example in CloudWatch's user guide. */
const METRIC_ALARM_EVENT = {
  version: 'string',
  id: 'string',
  'detail-type': 'string',
  source: 'string',
  account: 'string',
  time: 'string',
  region: 'string',
  resources: ['string'],
  detail: {
    alarmName: 'string',
    configuration: {
      description: 'string',
      metrics: [
        {
          id: 'string',
          metricStat: {
            metric: { dimensions: 'dimensions', name: 'string', namespace: 'string' },
            period: 'number',
            stat: 'string',
          },
          returnData: 'boolean',
        },
      ],
    },
    previousState: STATE,
    state: STATE,
  },
}

const REASON_DATA = [
  'version',
  'queryDate',
  'startDate',
  'statistic',
  'period',
  'recentDatapoints',
  'threshold',
]

interface Shown {
  readonly value: string
  readonly reason: string
  readonly reasonData: string
  readonly timestamp: string
}

function shown(event: SimEvent | undefined, member = 'state'): Shown {
  return event?.detail[member] as unknown as Shown
}

function dataOf(state: Shown): string[] {
  return Object.keys(JSON.parse(state.reasonData) as object)
}

/** The names of all members with the kinds of their values; dimensions and other open maps by their kind only. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, name === 'dimensions' ? 'dimensions' : shapeOf(member)]),
  )
}

test('no data is told in words of its own: treated as good, or not known', () => {
  const good = accountWithAlarm()
  good.minute(1)
  good.minute()
  good.minute()
  expect(good.account.world.alarms['api-errors']?.state.reason).toContain('Threshold Crossed: ')
  const silent = accountWithAlarm({ missing: 'missing' })
  silent.minute(1)
  for (let i = 0; i < 5; i++) silent.minute()
  const state = shown(silent.events.at(-1))
  expect(state).toMatchObject({
    value: 'INSUFFICIENT_DATA',
    reason: 'Insufficient Data: 2 datapoints were unknown.',
  })
  expect(dataOf(state)).toContain('evaluatedDatapoints')
})

test('events are sent while actions are disabled or muted, and say so where CloudWatch does', async () => {
  const { account, aws, events, minute } = accountWithAlarm()
  minute(1)
  account.act({ is: 'set-alarm-actions', alarm: 'api-errors', enabled: false })
  account.act({ is: 'mute', alarm: 'api-errors', forMs: 3_600_000 })
  ;[1, 90, 90, 1].forEach(minute)
  expect(events.find((event) => shown(event).value === 'ALARM')?.detail['muteDetail']).toMatchObject({
    mutedByArn: expect.stringContaining(':alarm-mute-rule:'),
  })
  const { MetricAlarms } = await aws.call('cloudwatch:DescribeAlarms', { AlarmNames: ['api-errors'] })
  expect(MetricAlarms?.[0]?.ActionsEnabled).toBe(false)
})

test('composite alarms follow their children, and are described only when their type is named', async () => {
  const { account, aws, events, minute } = accountWithAlarm()
  addCompositeAlarm(account.world, 'api-down', 'ALARM("api-errors") AND NOT ALARM(maintenance)')
  ;[90, 90, 1].forEach(minute)
  expect(account.world.alarms['api-down']?.state.value).toBe('ALARM')
  const composite = events.find(
    (event) => event.detail['alarmName'] === 'api-down' && shown(event).value === 'ALARM',
  )
  expect(composite?.detail['configuration']).toEqual({
    alarmRule: 'ALARM("api-errors") AND NOT ALARM(maintenance)',
  })
  const names = { AlarmNames: ['api-down'] }
  expect((await aws.call('cloudwatch:DescribeAlarms', names)).CompositeAlarms).toEqual([])
  const named = await aws.call('cloudwatch:DescribeAlarms', { ...names, AlarmTypes: ['CompositeAlarm'] })
  expect(named.CompositeAlarms?.[0]).toMatchObject({ AlarmName: 'api-down', StateValue: 'ALARM' })
})

test.each([
  ['ALARM(a) OR ALARM(b) AND ALARM(b)', true],
  ['(ALARM(a) OR ALARM(b)) AND ALARM(b)', false],
  ['NOT OK(a) AND NOT INSUFFICIENT_DATA("a")', true],
  ['ALARM(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:a) AND TRUE', true],
  ['FALSE', false],
])('the rule %s is %s where only a is in alarm', (rule, value) => {
  expect(evaluateRule(rule, (name) => (name === 'a' ? 'ALARM' : 'OK')).value).toBe(value)
})

test('a rule that cannot be read is an error that shows where', () => {
  expect(() => evaluateRule('ALARM(a) XOR ALARM(b)', () => 'OK')).toThrow('XOR')
  expect(() => evaluateRule('(ALARM(a)', () => 'OK')).toThrow('parenthesis')
})

test('metric data comes newest first, page by page, with the present minute incomplete and empty minutes left out', async () => {
  const { account, aws, minute } = accountWithAlarm()
  ;[10, undefined, 30].forEach(minute)
  account.advance(20_000)
  const metric = { namespace: 'Test', name: 'Errors', dimensions: { Service: 'api' }, periodMs: 60_000 }
  putMetric(account.world, metric, { sum: 4, count: 1, min: 4, max: 4 })
  const query = (more: object) =>
    aws.call('cloudwatch:GetMetricData', {
      StartTime: new Date(START_MS),
      EndTime: new Date(START_MS + 240_000),
      MetricDataQueries: [
        {
          Id: 'm1',
          MetricStat: {
            Metric: {
              Namespace: 'Test',
              MetricName: 'Errors',
              Dimensions: [{ Name: 'Service', Value: 'api' }],
            },
            Period: 60,
            Stat: 'Sum',
          },
        },
      ],
      ...more,
    })
  const all = (await query({})).MetricDataResults?.[0]
  expect([all?.Values, all?.StatusCode]).toEqual([[4, 30, 10], 'Complete'])
  // The end is exclusive.
  const ended = await query({ EndTime: new Date(START_MS + 180_000), ScanBy: 'TimestampAscending' })
  expect(ended.MetricDataResults?.[0]?.Values).toEqual([10, 30])
  const page = await query({ MaxDatapoints: 2 })
  expect([page.MetricDataResults?.[0]?.StatusCode, page.NextToken]).toEqual(['PartialData', '2'])
  const rest = await query({ MaxDatapoints: 2, NextToken: page.NextToken })
  expect([rest.MetricDataResults?.[0]?.Values, rest.NextToken]).toEqual([[10], undefined])
})
