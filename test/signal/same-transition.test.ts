import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { matchPattern } from '../../lib/signal/pattern.ts'
import { parseText } from '../../lib/signal/parse.ts'
import type { Signal } from '../../lib/signal/signal.ts'

const receivedAtMs = Date.parse('2026-03-09T02:14:08Z')

function only(file: string): Signal {
  const text = readFileSync(join(import.meta.dirname, '../fixtures/events', file), 'utf8')
  const parsed = parseText(text, { fileName: file, receivedAtMs })[0]
  if (parsed?.is !== 'signal') throw new Error(`${file} became ${JSON.stringify(parsed)}`)
  return parsed.signal
}

/** One transition of api-5xx-spike, by every path that a delivery may take. */
const PATHS = [
  ['eb-alarm--spike.json', 'eventbridge'],
  ['sqs-eventbridge--spike.json', 'eventbridge'],
  ['kinesis--spike.json', 'eventbridge'],
  ['apigw-http--sqs-in-http-base64.json', 'eventbridge'],
  ['eb-put-events--entry.json', 'eventbridge'],
  ['lambda-alarm-action--spike.json', 'alarm-action'],
  ['lambda-destination--failed-spike.json', 'alarm-action'],
  ['sns-http--spike.json', 'sns'],
  ['sns-lambda--spike.json', 'sns'],
  ['sqs-sns--spike.json', 'sns'],
  ['sns-http--no-arn-renamed-region.json', 'sns'],
] as const

test.each(PATHS)('%s is the same transition, come by %s', (file, via) => {
  const signal = only(file)
  expect(signal).toMatchObject({
    signalId: 'sig-vxbjkyrts6pd',
    via,
    key: 'cloudwatch/210987654321/eu-central-1/api-5xx-spike',
    name: 'api-5xx-spike',
    account: '210987654321',
    region: 'eu-central-1',
    state: 'alarm',
    stateAtMs: 1_773_022_447_412,
    value: 7.75,
    threshold: 2,
    windowMs: 180_000,
  })
})

test.each(PATHS)('%s matches a pattern for the EventBridge event, so that the first path decides', (file) => {
  const pattern = {
    source: ['aws.cloudwatch'],
    'detail-type': ['CloudWatch Alarm State Change'],
    account: ['210987654321'],
    region: ['eu-central-1'],
    detail: {
      alarmName: [{ prefix: 'api-' }],
      state: { value: ['ALARM'] },
      previousState: { value: ['OK'] },
    },
  }
  // The entry of PutEvents carries neither account nor previous state.
  const wanted = file.startsWith('eb-put-events') ? { detail: { state: { value: ['ALARM'] } } } : pattern
  expect(matchPattern(wanted, only(file).event)).toBe(true)
})

test('a contributor of a multi-series alarm has a key of its own, the same by all three paths', () => {
  const files = [
    'eb-alarm--contributor.json',
    'lambda-alarm-action--contributor.json',
    'sns-http--contributor.json',
  ]
  const signals = files.map(only)
  expect(new Set(signals.map(({ signalId }) => signalId)).size).toBe(1)
  expect(signals[0]).toMatchObject({
    key: 'cloudwatch/210987654321/eu-central-1/queue-age-by-queue#9f1c22aa07b3d4e5',
    name: 'queue-age-by-queue',
  })
})

test('the ARN decides account and region, and alarmName the name, where a payload contradicts itself', () => {
  const arn = 'arn:aws:cloudwatch:eu-west-1:111122223333:alarm:old name'
  const state = { value: 'ALARM', timestamp: '2026-03-09T02:14:07.412+0000' }
  const texts = [
    {
      source: 'aws.cloudwatch',
      alarmArn: arn,
      accountId: '999988887777',
      region: 'us-east-1',
      alarmData: { alarmName: 'new name', state },
    },
    {
      source: 'aws.cloudwatch',
      'detail-type': 'CloudWatch Alarm State Change',
      account: '999988887777',
      region: 'us-east-1',
      resources: [arn],
      detail: { alarmName: 'new name', state },
    },
    {
      AlarmName: 'new name',
      AWSAccountId: '999988887777',
      Region: 'US East (N. Virginia)',
      AlarmArn: arn,
      NewStateValue: 'ALARM',
      StateChangeTime: state.timestamp,
    },
  ]
  const keys = texts.flatMap((payload) =>
    parseText(JSON.stringify(payload), { fileName: 'x', receivedAtMs }).map((one) =>
      one.is === 'signal' ? one.signal.key : one.code,
    ),
  )
  expect(keys).toEqual(Array<string>(3).fill('cloudwatch/111122223333/eu-west-1/new name'))
})
