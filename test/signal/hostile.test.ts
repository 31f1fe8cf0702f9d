import { gzipSync } from 'node:zlib'
import { parseEvent, parseText } from '../../lib/signal/parse.ts'
import type { Parsed } from '../../lib/signal/signal.ts'

const at = { receivedAtMs: Date.parse('2026-03-09T02:14:08Z') }
const file = { fileName: 'x.json', ...at }
const good = {
  'detail-type': 'CloudWatch Alarm State Change',
  source: 'aws.cloudwatch',
  resources: ['arn:aws:cloudwatch:eu-central-1:210987654321:alarm:api'],
  detail: { alarmName: 'api', state: { value: 'ALARM', timestamp: '2026-03-09T02:14:07.412+0000' } },
}

function codes(parsed: readonly Parsed[]): string[] {
  return parsed.map((one) => (one.is === 'signal' ? one.signal.name : one.code))
}

const selfish: { [name: string]: unknown } = { ...good }
selfish['self'] = selfish
const tree: { [name: string]: unknown } = {}
for (let i = 0, here = tree; i < 60; i++) {
  const next = {}
  Object.assign(here, { a: next, b: next })
  here = next
}
const trap = {
  get detail(): never {
    throw new Error('trap')
  },
}
const proxy = new Proxy(
  {},
  {
    ownKeys: () => {
      throw new TypeError('no keys')
    },
  },
)

test.each([
  ['undefined', undefined, ['empty']],
  ['null', null, ['unknown-source']],
  ['a number', 7, ['unknown-source']],
  ['not a number', Number.NaN, ['unknown-source']],
  ['a bigint', 2n ** 80n, ['unknown-source']],
  ['a function', () => 1, ['unknown-source']],
  ['a symbol', Symbol('s'), ['unknown-source']],
  ['a date that is none', new Date(Number.NaN), ['unknown-source']],
  ['a list of nothings', [undefined, null], ['unknown-source', 'unknown-source']],
  ['a sparse list', Array(3), ['unknown-source', 'unknown-source', 'unknown-source']],
  ['a getter that throws', trap, ['unreadable']],
  ['a proxy that throws', proxy, ['unreadable']],
  ['a tree that shares its branches', tree, ['too-large']],
  ['an alarm that contains itself', selfish, ['api']],
  ['an alarm as bytes', new TextEncoder().encode(JSON.stringify(good)), ['api']],
  [
    'an alarm with a bigint, a date and a symbol in it',
    { ...good, x: 1n, time: new Date(0), y: Symbol('y') },
    ['api'],
  ],
  [
    'an alarm with something nested too deep',
    { ...good, x: JSON.parse('['.repeat(5000) + ']'.repeat(5000)) as unknown },
    ['api'],
  ],
  ['an alarm of null prototypes', Object.assign(Object.create(null) as object, good), ['api']],
])('%s is answered, not thrown at', (_what, raw, expected) => {
  expect(codes(parseEvent(raw, at))).toEqual(expected)
})

test('a file of more than 1 MiB is refused by its size', () => {
  const text = JSON.stringify({ ...good, padding: 'x'.repeat(1_048_576) })
  expect(codes(parseText(text, file))).toEqual(['too-large'])
})

test('a text of nothing but brackets is refused', () => {
  expect(codes(parseText('['.repeat(1_000_000), file))).toEqual(['not-json'])
  expect(codes(parseText('['.repeat(500_000) + ']'.repeat(500_000), file))).toHaveLength(1)
})

test('a gzip bomb is refused, and its neighbour in the batch is not lost', () => {
  const bomb = gzipSync(Buffer.alloc(50 * 1_048_576)).toString('base64')
  const record = (data: string) => ({ kinesis: { data } })
  const plain = Buffer.from(JSON.stringify(good)).toString('base64')
  expect(codes(parseEvent({ Records: [record(bomb), record(plain)] }, at))).toEqual(['not-json', 'api'])
})

test('envelopes without end are refused', () => {
  let inside: unknown = good
  for (let i = 0; i < 30; i++) inside = { Records: [{ messageId: '1', body: inside }] }
  expect(codes(parseEvent(inside, at))).toEqual(['too-deep'])
  let lists: unknown = good
  for (let i = 0; i < 30; i++) lists = [lists]
  expect(codes(parseEvent(lists, at))).toEqual(['too-deep'])
})

test('more than 60,000 parts are cut with a word about it, and those before the cut are read', () => {
  const many = Array.from({ length: 70_000 }, (_, i) => (i === 0 ? good : 1))
  const parsed = codes(parseEvent(many, at))
  expect(parsed[0]).toBe('api')
  expect(parsed.at(-1)).toBe('too-many')
  expect(parsed.length).toBeLessThanOrEqual(60_001)
})

test('members that name prototypes change no prototype and do not reach the event', () => {
  const text = `${JSON.stringify(good).slice(0, -1)},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`
  const [parsed] = parseText(text, file)
  if (parsed?.is !== 'signal') throw new Error('no signal')
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
  expect(Object.keys(parsed.signal.event ?? {})).not.toContain('__proto__')
  expect((parsed.signal.event as { polluted?: number }).polluted).toBeUndefined()
})

test('a refusal does not quote the payload, which may hold a secret', () => {
  expect(JSON.stringify(parseText('{"token": "xoxb-secret" oops', file))).not.toContain('secret')
  expect(JSON.stringify(parseText('token=xoxb-secret&command=%2Fgo&team_id=T', file))).not.toContain('secret')
})

test('a state named like a member of every object is no state', () => {
  for (const word of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    const state = { value: word, timestamp: '2026-03-09T02:14:07Z' }
    const alert = { status: word, labels: { alertname: 'x' }, startsAt: '2026-03-09T02:14:07Z' }
    const detail = { application: 'a', deploymentGroup: 'g', state: word }
    const deployment = { 'detail-type': 'CodeDeploy Deployment State-change Notification', detail }
    expect(codes(parseEvent({ ...good, detail: { alarmName: 'api', state } }, at))).toEqual(['unknown-state'])
    expect(codes(parseEvent({ receiver: 'r', alerts: [alert] }, at))).toEqual(['unknown-state'])
    expect(codes(parseEvent(deployment, at))).toEqual(['unknown-state'])
    expect(codes(parseEvent({ ruleName: 'r', state: word }, at))).toEqual(['unknown-state'])
    expect(codes(parseEvent({ event: { event_type: word, data: {} } }, at))).toEqual(['no-change'])
    expect(codes(parseEvent({ action: word, alert: { alertId: '1', message: 'm' } }, at))).toEqual([
      'no-change',
    ])
  }
})

test('wrong arrival times do no harm', () => {
  for (const receivedAtMs of [Number.NaN, Infinity, -1, 0]) {
    expect(parseEvent(good, { receivedAtMs })[0]).toMatchObject({
      is: 'signal',
      signal: { stateAtMs: 1_773_022_447_412 },
    })
  }
})
