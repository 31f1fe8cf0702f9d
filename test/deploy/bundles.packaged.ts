import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { BUNDLES, bundleSizes, loadedWith } from '../../deploy/sizes.ts'
import { createTable } from '../../lib/ledger/dynamodb-table.ts'
import { startEmbeddedDynamodb, type EmbeddedDynamodb } from '../../sim/dynamodb.ts'

// The packaged functions, run as they are against an endpoint that is given by the standard settings only.

const TABLE = 'firebreak-packaged'
const SETTINGS = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' }

let dynamodb: EmbeddedDynamodb

beforeAll(async () => {
  dynamodb = await startEmbeddedDynamodb()
  const credentials = { accessKeyId: 'x', secretAccessKey: 'x' }
  const client = new DynamoDBClient({ endpoint: dynamodb.endpoint, region: 'eu-west-1', credentials })
  await createTable(client, TABLE)
  client.destroy()
}, 30_000)

afterAll(async () => dynamodb.close())

interface Invoked {
  readonly answer: unknown
  readonly loaded: readonly string[]
  readonly log: string
}

async function invoke(name: string, event: unknown): Promise<Invoked> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['test/deploy/invoke.ts', `${BUNDLES}/${name}.mjs`, JSON.stringify(event)],
    {
      env: {
        ...SETTINGS,
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
        // Nobody listens there: a call to any other service fails at once.
        AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
        FIREBREAK_TABLE: TABLE,
        FIREBREAK_WORK_QUEUE_URL: 'http://127.0.0.1:9/queue',
        FIREBREAK_OUTBOX_URL: 'http://127.0.0.1:9/outbox',
        POWERTOOLS_SERVICE_NAME: 'firebreak-packaged',
        POWERTOOLS_METRICS_NAMESPACE: 'Firebreak',
      },
    },
  )
  const lines = stdout.trimEnd().split('\n')
  return {
    ...(JSON.parse(lines.at(-1) ?? '') as Pick<Invoked, 'answer' | 'loaded'>),
    log: `${lines.slice(0, -1).join('\n')}\n${stderr}`,
  }
}

const record = (messageId: string, body: string) => ({
  messageId,
  body,
  attributes: { ApproximateReceiveCount: '1' },
})

test('ingest refuses what nobody can read, on record, and publishes that it did', async () => {
  const { answer, log } = await invoke('ingest', { Records: [record('m1', '{"half')] })
  expect(answer).toEqual({ batchItemFailures: [] })
  expect(log).toContain('"SignalsRefused":1')
  expect(log).toContain('"requestId":"request-1"')
}, 30_000)

test('ingest takes an alarm that names it as its action', async () => {
  const { answer, log } = await invoke('ingest', {
    source: 'aws.cloudwatch',
    alarmArn: 'arn:aws:cloudwatch:eu-west-1:123456789012:alarm:nobody-cares',
    accountId: '123456789012',
    time: '2026-11-22T10:04:11.123+0000',
    region: 'eu-west-1',
    alarmData: {
      alarmName: 'nobody-cares',
      state: { value: 'ALARM', reason: 'Threshold Crossed', timestamp: '2026-11-22T10:04:11.123+0000' },
      previousState: { value: 'OK', timestamp: '2026-11-22T10:00:11.123+0000' },
      configuration: { metrics: [] },
    },
  })
  // Whoever invokes it by hand is told; an alarm does not read it.
  expect(answer).toMatchObject({ parts: [{ is: 'verdict', code: 'unmatched' }] })
  expect(log).not.toContain('"level":"ERROR"')
}, 30_000)

test('advance hands a message that is none back to the queue', async () => {
  const { answer } = await invoke('advance', { Records: [record('m1', 'no JSON')] })
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] })
}, 30_000)

test('the sweep of an empty table finds nothing and says so, so that its alarm knows that it ran', async () => {
  const { answer, log } = await invoke('sweep', {})
  expect(answer).toEqual({ woken: 0, overdue: 0, carriedOut: 0, stopped: 0, reconciled: 0 })
  expect(log).toContain('"ExecutionsOverdue":0')
}, 30_000)

test('command answers the command line with the packaged runbooks', async () => {
  expect((await invoke('command', { verb: 'list' })).answer).toEqual({ is: 'answer', answer: [] })
  expect((await invoke('command', { verb: 'dance' })).answer).toMatchObject({
    is: 'problem',
    code: 'bad-request',
  })
}, 30_000)

test('http describes the API to everybody, and tells nobody anything else', async () => {
  const eventOf = (path: string) => ({
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers: {},
    requestContext: { domainName: 'api.example.com', requestId: 'r', http: { method: 'GET', path } },
    isBase64Encoded: false,
  })
  const described = (await invoke('http', eventOf('/openapi.json'))).answer as { readonly body: string }
  expect(JSON.parse(described.body)).toMatchObject({ openapi: '3.1.0' })
  expect((await invoke('http', eventOf('/v1/incidents'))).answer).toMatchObject({ statusCode: 401 })
}, 30_000)

test('a cold start loads the entry and what it imports statically, and no client that is not asked for', async () => {
  const { loaded } = await invoke('sweep', {})
  const names = loaded.map((file) => file.replace(/^.*\//, ''))
  expect(names).toEqual(expect.arrayContaining([...loadedWith(BUNDLES, 'sweep.mjs')]))
  expect(names.filter((name) => /\.(ecs|route53|codedeploy|ses|sns|ssm|cloudwatch)-/.test(name))).toEqual([])
}, 30_000)

test('no function is larger than 1.6 MB, and a cold start loads 700 kB at most', () => {
  expect(bundleSizes().map(({ name }) => name)).toEqual([
    'advance',
    'command',
    'http',
    'ingest',
    'outbox',
    'sweep',
  ])
  for (const { name, bytes, startBytes } of bundleSizes()) {
    expect([name, bytes <= 1_600_000]).toEqual([name, true])
    expect([name, startBytes <= 700_000]).toEqual([name, true])
  }
})
