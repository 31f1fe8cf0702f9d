import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sqsQueue } from '../lib/queue-sqs.ts'
import type { Queue, WorkMessage } from '../lib/queue.ts'

const MESSAGE: WorkMessage = {
  v: 1,
  incidentId: 'inc-aaaaaaaaaaaa',
  stream: 'inc-aaaaaaaaaaaa-bbbbbb',
  minSeq: 3,
  sentAtMs: 1_790_000_000_000,
  polls: { check: [0.01, null] },
}

let server: Server
let queue: Queue
let requests: Record<string, unknown>[] = []
let status = 200

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += String(chunk)))
    request.on('end', () => {
      const input = JSON.parse(text) as Record<string, unknown>
      requests.push(input)
      const MD5OfMessageBody = createHash('md5').update(String(input['MessageBody'])).digest('hex')
      const body =
        status === 200
          ? { MessageId: 'm1', MD5OfMessageBody }
          : { __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'gone' }
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
  queue = sqsQueue({ url: `${endpoint}/1/work`, client: { endpoint, region: 'local', credentials } })
})
beforeEach(() => {
  requests = []
  status = 200
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

test('a message goes out as JSON, in the group of its incident', async () => {
  await queue.send(MESSAGE, 0)
  expect(requests).toHaveLength(1)
  expect(requests[0]).toMatchObject({ MessageGroupId: 'inc-aaaaaaaaaaaa', DelaySeconds: 0 })
  expect(String(requests[0]?.['QueueUrl'])).toMatch(/\/1\/work$/)
  expect(JSON.parse(String(requests[0]?.['MessageBody']))).toEqual(MESSAGE)
})

test.each([
  [-5, 0],
  [0, 0],
  [1, 1],
  [999, 1],
  [1_000, 1],
  [1_001, 2],
  [899_001, 900],
  [900_000, 900],
  [10_000_000, 900],
])(
  'a delay of %d ms is %d whole seconds: never early, never above what SQS allows',
  async (delayMs, seconds) => {
    await queue.send(MESSAGE, delayMs)
    expect(requests[0]?.['DelaySeconds']).toBe(seconds)
  },
)

test('a refusal names the stream and what SQS said', async () => {
  status = 400
  await expect(queue.send(MESSAGE, 0)).rejects.toThrow(/inc-aaaaaaaaaaaa-bbbbbb .*QueueDoesNotExist: gone/)
})
