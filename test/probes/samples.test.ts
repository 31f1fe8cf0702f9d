import type { Calls } from '../../lib/aws/aws.ts'
import { describeAlarm, sampleAlarm } from '../../lib/probes/alarm-state.ts'
import { sampleCheck } from '../../lib/probes/index.ts'
import type { CheckStep, Service } from '../../lib/runbook/runbook.ts'
import type { Signal } from '../../lib/signal/signal.ts'
import { type Answers, awsError, scriptedAws } from '../actions/conformance.ts'

const MINUTE_MS = 60_000
const NOON_MS = Date.UTC(2026, 10, 22, 12, 0, 0)
/** 30 s into a minute. */
const NOW_MS = NOON_MS + 30_000

const service: Service = {
  name: 'api',
  alarms: ['api-5xx-*', 'api-latency'],
  severity: 'sev2',
  records: {},
  metrics: {
    errors: {
      namespace: 'AWS/ApplicationELB',
      name: 'HTTPCode_Target_5XX_Count',
      dimensions: { LoadBalancer: 'app/api/1' },
      stat: 'Sum',
      periodMs: MINUTE_MS,
    },
  },
}
const signal: Signal = {
  signalId: 'sig-1',
  source: 'cloudwatch',
  via: 'eventbridge',
  key: 'cloudwatch/1/r/api-5xx-spike',
  name: 'api-5xx-spike',
  state: 'alarm',
  stateAtMs: NOON_MS,
  reason: '',
}

const awsWith = (answers: Answers) => scriptedAws({ answers, snapshot: () => null, settle: () => undefined })
const alarms = (answer: object): Answers => ({ 'cloudwatch:DescribeAlarms': () => answer })

describe('the state of the alarm', () => {
  test.each([
    ['OK', 'passed'],
    ['ALARM', 'failed'],
    ['INSUFFICIENT_DATA', 'inconclusive'],
  ])('%s is %s, for metric, composite and log alarms', async (StateValue, verdict) => {
    for (const kind of ['MetricAlarms', 'CompositeAlarms', 'LogAlarms']) {
      const aws = awsWith(
        alarms({
          [kind]: [
            { AlarmName: 'other', StateValue: 'OK' },
            { AlarmName: 'api-5xx-spike', StateValue },
          ],
        }),
      )
      expect(await sampleAlarm(aws, 'api-5xx-spike')).toMatchObject({
        verdict,
        values: { alarm: 'api-5xx-spike' },
      })
    }
  })

  test.each([
    ['is not there', alarms({ MetricAlarms: [] }), 'there is no alarm'],
    ['has no state', alarms({ MetricAlarms: [{ AlarmName: 'api-5xx-spike' }] }), 'without its state'],
    ['is not answered', {}, 'could not be read'],
    [
      'is refused',
      { 'cloudwatch:DescribeAlarms': () => Promise.reject(awsError('AccessDenied', 403)) },
      'AccessDenied',
    ],
  ] as const)('an alarm that %s is an error and never health', async (_name, answers, words) => {
    expect(await sampleAlarm(awsWith(answers), 'api-5xx-spike')).toMatchObject({
      verdict: 'error',
      reason: expect.stringContaining(words),
    })
  })

  test('all three kinds of alarm are asked for', async () => {
    let input: Calls['cloudwatch:DescribeAlarms']['input'] | undefined
    await sampleAlarm(awsWith({ 'cloudwatch:DescribeAlarms': (asked) => ((input = asked), {}) }), 'x')
    expect(input).toEqual({ AlarmNames: ['x'], AlarmTypes: ['MetricAlarm', 'CompositeAlarm', 'LogAlarm'] })
  })

  test.each([
    [{ Period: 60, EvaluationPeriods: 3 }, 180_000],
    [
      {
        Metrics: [{ MetricStat: { Period: 60 } }, { Period: 300 }, { Expression: 'm1/m2' }],
        EvaluationPeriods: 2,
      },
      600_000,
    ],
    [{ EvaluationPeriods: 2 }, undefined],
  ])('an alarm with %j looks back %s ms', async (more, windowMs) => {
    const alarm = {
      AlarmName: 'a',
      StateValue: 'OK',
      ActionsEnabled: false,
      StateUpdatedTimestamp: new Date(5),
      StateTransitionedTimestamp: new Date(3),
      ...more,
    }
    const found = await describeAlarm(awsWith(alarms({ MetricAlarms: [alarm] })), 'a')
    expect(found).toEqual({
      name: 'a',
      state: 'ok',
      actionsEnabled: false,
      reason: '',
      updatedAtMs: 3,
      ...(windowMs === undefined ? {} : { windowMs }),
    })
  })

  test('a check looks at the alarm that fired, or at those that the service names exactly', async () => {
    const asked: string[] = []
    const aws = awsWith({
      'cloudwatch:DescribeAlarms': ({ AlarmNames = [] }) => {
        asked.push(...AlarmNames)
        return { MetricAlarms: [{ AlarmName: AlarmNames[0], StateValue: 'OK' }] }
      },
    })
    const question = { is: 'alarm', state: 'ok' } as const
    expect(await sampleCheck(question, service, signal, { aws, nowMs: NOW_MS })).toMatchObject({
      verdict: 'passed',
    })
    expect(await sampleCheck(question, service, undefined, { aws, nowMs: NOW_MS })).toMatchObject({
      verdict: 'passed',
    })
    expect(asked).toEqual(['api-5xx-spike', 'api-latency'])
    const globs = { ...service, alarms: ['api-*'] }
    expect(await sampleCheck(question, globs, undefined, { aws, nowMs: NOW_MS })).toMatchObject({
      verdict: 'inconclusive',
    })
  })
})

type Probe = Extract<CheckStep['probe'], { is: 'metric' }>
const below: Probe = { is: 'metric', metric: 'errors', comparison: 'below', than: 5 }

/** Minutes after noon and their values, as CloudWatch gives them. */
function data(points: readonly (readonly [minute: number, value: number])[], StatusCode = 'Complete') {
  return {
    MetricDataResults: [
      {
        Id: 'm',
        StatusCode,
        Timestamps: points.map(([minute]) => new Date(NOON_MS + minute * MINUTE_MS)),
        Values: points.map(([, value]) => value),
      },
    ],
  }
}

describe('a metric', () => {
  function sample(answer: object | (() => object), question: Probe = below, sinceMs?: number) {
    const aws = awsWith({
      'cloudwatch:GetMetricData': () => (typeof answer === 'function' ? (answer as () => object)() : answer),
    })
    return sampleCheck(question, service, signal, {
      aws,
      nowMs: NOW_MS,
      ...(sinceMs === undefined ? {} : { sinceMs }),
    })
  }

  test('is asked for in whole periods that have ended', async () => {
    let input: Calls['cloudwatch:GetMetricData']['input'] | undefined
    const aws = awsWith({ 'cloudwatch:GetMetricData': (asked) => ((input = asked), {}) })
    await sampleCheck(below, service, signal, { aws, nowMs: NOW_MS })
    expect(input).toMatchObject({
      StartTime: new Date(NOON_MS - 4 * MINUTE_MS),
      EndTime: new Date(NOON_MS - MINUTE_MS),
      MetricDataQueries: [
        {
          MetricStat: {
            Metric: {
              Namespace: 'AWS/ApplicationELB',
              MetricName: 'HTTPCode_Target_5XX_Count',
              Dimensions: [{ Name: 'LoadBalancer', Value: 'app/api/1' }],
            },
            Period: 60,
            Stat: 'Sum',
          },
        },
      ],
    })
  })

  test('is judged by its newest complete datapoint, in whatever order they come', async () => {
    const expected = {
      verdict: 'passed',
      values: { metric: 'errors', value: 2, than: 5, atMs: NOON_MS - 2 * MINUTE_MS },
    }
    expect(
      await sample(
        data([
          [-2, 2],
          [-3, 90],
        ]),
      ),
    ).toMatchObject(expected)
    expect(
      await sample(
        data([
          [-3, 90],
          [-2, 2],
        ]),
      ),
    ).toMatchObject(expected)
    // The minute that has just ended still gets late data.
    expect(
      await sample(
        data([
          [-1, 900],
          [-2, 2],
        ]),
      ),
    ).toMatchObject(expected)
  })

  test.each([
    ['below', 4, 'passed'],
    ['below', 5, 'failed'],
    ['at_most', 5, 'passed'],
    ['at_most', 6, 'failed'],
    ['above', 6, 'passed'],
    ['above', 5, 'failed'],
    ['at_least', 5, 'passed'],
    ['at_least', 4, 'failed'],
  ] as const)('%s 5: %i has %s', async (comparison, value, verdict) => {
    expect(await sample(data([[-2, value]]), { ...below, comparison })).toMatchObject({ verdict })
  })

  test.each([
    ['no datapoint', data([])],
    ['no result', {}],
    ['nothing but old data', data([[-9, 1]])],
    ['something else than a number', data([[-2, Number.NaN]])],
  ])('with %s is inconclusive, never health', async (_name, answer) => {
    expect(await sample(answer)).toMatchObject({ verdict: 'inconclusive' })
  })

  test('counts only from periods that began after the change', async () => {
    const changedAtMs = NOON_MS - 2.5 * MINUTE_MS
    expect(await sample(data([[-3, 90]]), below, changedAtMs)).toMatchObject({ verdict: 'inconclusive' })
    expect(
      await sample(
        data([
          [-3, 90],
          [-2, 1],
        ]),
        below,
        changedAtMs,
      ),
    ).toMatchObject({ verdict: 'passed' })
    expect(await sample(data([[-2, 1]]), below, NOON_MS - 1.5 * MINUTE_MS)).toMatchObject({
      verdict: 'inconclusive',
      reason: expect.stringContaining('no complete 60 s period'),
    })
  })

  test('is read page by page', async () => {
    const pages = [{ ...data([[-4, 9]], 'PartialData'), NextToken: 'next' }, data([[-2, 1]])]
    expect(await sample(() => pages.shift() ?? {})).toMatchObject({ verdict: 'passed', values: { value: 1 } })
    expect(await sample({ ...data([[-2, 1]], 'PartialData') })).toMatchObject({ verdict: 'error' })
    expect(await sample({ ...data([[-2, 1]]), NextToken: 'for ever' })).toMatchObject({ verdict: 'error' })
  })

  test.each(['InternalError', 'Forbidden'])(
    'that CloudWatch answers with %s could not be measured',
    async (status) => {
      expect(await sample(data([[-2, 1]], status))).toMatchObject({
        verdict: 'error',
        reason: expect.stringContaining(status),
      })
    },
  )

  test('that is unknown, or that cannot be read, is an error', async () => {
    expect(await sample(data([[-2, 1]]), { ...below, metric: 'constructor' })).toMatchObject({
      verdict: 'error',
    })
    const aws = awsWith({ 'cloudwatch:GetMetricData': () => Promise.reject(awsError('Throttling', 400)) })
    expect(await sampleCheck(below, service, signal, { aws, nowMs: NOW_MS })).toMatchObject({
      verdict: 'error',
    })
  })
})
