import { parseEvent } from '../../lib/signal/parse.ts'
import type { Parsed, Signal } from '../../lib/signal/signal.ts'

const receivedAtMs = Date.parse('2026-03-09T02:14:08Z')
const timestamp = '2026-03-09T02:14:07.412+0000'

function alarm(detail: object, envelope: object = {}): Parsed {
  const event = {
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    resources: ['arn:aws:cloudwatch:eu-central-1:210987654321:alarm:api'],
    detail: { alarmName: 'api', ...detail },
    ...envelope,
  }
  const parsed = parseEvent(event, { receivedAtMs })
  expect(parsed).toHaveLength(1)
  return parsed[0] as Parsed
}

function signal(detail: object, envelope: object = {}): Signal {
  const parsed = alarm(detail, envelope)
  if (parsed.is !== 'signal') throw new Error(JSON.stringify(parsed))
  return parsed.signal
}

test('muted, suppressed and switched-off alarms say so, and only for the state that they are in', () => {
  const mutedByArn = 'arn:aws:cloudwatch:eu-central-1:210987654321:alarm-mute-rule:patching'
  expect(signal({ state: { value: 'ALARM', timestamp }, muteDetail: { mutedByArn } }).silenced).toEqual({
    by: 'muted',
    reason: 'muted by rule patching',
  })
  expect(signal({ state: { value: 'ALARM', timestamp, actionsSuppressedBy: 'Alarm' } }).silenced).toEqual({
    by: 'suppressed',
    reason: 'actions suppressed by Alarm',
  })
  expect(
    signal({ state: { value: 'ALARM', timestamp }, configuration: { actionsEnabled: false } }).silenced?.by,
  ).toBe('muted')
  const before = { value: 'ALARM', timestamp, actionsSuppressedBy: 'WaitPeriod' }
  expect(
    signal({ state: { value: 'ALARM', timestamp }, previousState: before, muteDetail: null }).silenced,
  ).toBeUndefined()
})

test('a change of nothing but suppression keeps the state, and its own time', () => {
  const later = '2026-03-09T02:16:07.412+0000'
  expect(
    signal({ state: { value: 'ALARM', timestamp: later }, previousState: { value: 'ALARM', timestamp } }),
  ).toMatchObject({
    state: 'alarm',
    previousState: 'alarm',
    stateAtMs: 1_773_022_567_412,
  })
})

test.each([
  ['reasonData', { reasonData: '{"period":300,"recentDatapoints":[1,2.5],"threshold":2}' }, 2.5, 2, 600_000],
  [
    'its evaluated datapoints, newest first',
    {
      reasonData:
        '{"period":60,"threshold":2,"evaluatedDatapoints":[{"timestamp":"x"},{"value":3},{"value":4}]}',
    },
    3,
    2,
    180_000,
  ],
  [
    'the sentence',
    {
      reason:
        'Threshold Crossed: 2 out of the last 5 datapoints [9.5 (09/03/26 02:13:00), 8.0 (x)] were greater than the threshold (7.5)',
    },
    9.5,
    7.5,
    undefined,
  ],
  [
    'the sentence about data that did not come',
    {
      reason:
        'Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as [Breaching].',
      reasonData: '{"period":300,"recentDatapoints":[],"threshold":1}',
    },
    undefined,
    1,
    900_000,
  ],
  [
    'the lower edge of a band',
    {
      reasonData:
        '{"period":60,"recentDatapoints":[0],"recentLowerThresholds":[1],"recentUpperThresholds":[4]}',
    },
    0,
    1,
    60_000,
  ],
  ['nothing at all', { reason: 'test', reasonData: '{"broken' }, undefined, undefined, undefined],
  [
    'values that are no numbers',
    { reasonData: '{"period":"x","recentDatapoints":["NaN",null],"threshold":{}}' },
    undefined,
    undefined,
    undefined,
  ],
  [
    'a period without end',
    { reasonData: '{"period":1e300,"recentDatapoints":[1],"threshold":1}' },
    1,
    1,
    604_800_000,
  ],
])('value, threshold and window come from %s', (_where, state, value, threshold, windowMs) => {
  const found = signal({ state: { value: 'ALARM', timestamp, ...state } })
  expect([found.value, found.threshold, found.windowMs]).toEqual([value, threshold, windowMs])
})

test('the window falls back to the periods of the configuration', () => {
  const metrics = [{ metricStat: { period: 60 } }, { expression: 'm1', period: 300 }, null]
  expect(
    signal({ state: { value: 'ALARM', timestamp }, configuration: { metrics, evaluationPeriods: 2 } })
      .windowMs,
  ).toBe(600_000)
})

test('names and reasons lose control characters and are cut, and a lone surrogate does not survive', () => {
  const found = signal({
    alarmName: `a\u0007b\u202Ec\n${'x'.repeat(600)}`,
    state: { value: 'ALARM', timestamp, reason: `r\u001b[2J\ud800${'y'.repeat(5000)}` },
  })
  expect(found.name).toBe(`abc${'x'.repeat(252)}`)
  expect(found.reason).toHaveLength(1000)
  expect(found.reason.isWellFormed()).toBe(true)
  expect(found.reason.startsWith('r [2J\ufffdyyy')).toBe(true)
})

test('an event of more than 64 KiB is still a signal, only without the event', () => {
  expect(signal({ state: { value: 'ALARM', timestamp } }).event).toBeDefined()
  const big = signal({ state: { value: 'ALARM', timestamp }, alarmTags: { a: 'x'.repeat(70_000) } })
  expect(big).toMatchObject({ state: 'alarm', name: 'api' })
  expect(big.event).toBeUndefined()
})

test('what cannot be known is named in the refusal', () => {
  const cases: [Parsed, string][] = [
    [alarm({ alarmName: ' ', state: { value: 'ALARM', timestamp } }, { resources: [] }), 'missing-name'],
    [alarm({ state: {} }), 'missing-state'],
    [alarm({ state: { value: 'BAD', timestamp } }), 'unknown-state'],
    [alarm({ state: { value: 'ALARM', timestamp: '2026-13-40' } }), 'missing-time'],
  ]
  for (const [parsed, code] of cases) expect(parsed).toMatchObject({ is: 'refused', code })
})

test('a time far ahead is never stored: the next best time counts, at last the arrival', () => {
  const state = { value: 'ALARM', timestamp: '9000-01-01T00:00:00Z' }
  expect(signal({ state }, { time: '2026-03-09T02:14:07Z' }).stateAtMs).toBe(1_773_022_447_000)
  expect(signal({ state }).stateAtMs).toBe(receivedAtMs)
})

test('a key that would be too long for the table ends in its hash, and differs from its neighbours', () => {
  const keyOf = (last: string) => {
    const payload = {
      receiver: 'r',
      alerts: [
        {
          status: 'firing',
          startsAt: timestamp,
          fingerprint: `${'f'.repeat(3000)}${last}`,
          labels: { alertname: 'x' },
        },
      ],
    }
    const [parsed] = parseEvent(payload, { receivedAtMs })
    return parsed?.is === 'signal' ? parsed.signal.key : ''
  }
  expect(Buffer.byteLength(keyOf('a'))).toBeLessThan(1500)
  expect(keyOf('a')).not.toBe(keyOf('b'))
})
