import { createServer, type Server } from 'node:http'
import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fakeStack, type FakeStack } from './fake-stack.ts'
import { firebreak } from './terminal.ts'

// The real SDK client against an endpoint of our own: what is invoked with what, and what its refusals become.

interface Lambda {
  status: number
  headers: { readonly [name: string]: string }
  body: string
  readonly invoked: { readonly name: string; readonly payload: unknown }[]
}
const lambda: Lambda = { status: 200, headers: {}, body: '', invoked: [] }

let server: Server
let folder: FakeStack
const saved = { ...process.env }

beforeAll(async () => {
  folder = await fakeStack()
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const name = /\/functions\/([^/]+)\/invocations/.exec(request.url ?? '')?.[1] ?? ''
      lambda.invoked.push({
        name: decodeURIComponent(name),
        payload: JSON.parse(Buffer.concat(chunks).toString('utf8') || 'null'),
      })
      response.writeHead(lambda.status, lambda.headers)
      response.end(lambda.body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  await folder.close()
  server.closeAllConnections()
  await new Promise<void>((resolve) => server.close(() => resolve()))
})

beforeEach(() => {
  Object.assign(lambda, {
    status: 200,
    headers: {},
    body: JSON.stringify({ is: 'answer', answer: { control: { is: 'running' }, mode: 'shadow' } }),
  })
  lambda.invoked.length = 0
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_LAMBDA: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  })
  delete process.env['AWS_PROFILE']
  delete process.env['AWS_DEFAULT_REGION']
})
afterEach(() => {
  for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name]
  Object.assign(process.env, saved)
})

const run = async (args: readonly string[], env: { readonly [name: string]: string } = {}) =>
  firebreak(args, { cwd: folder.folder, env })

test('a deployed stack is asked by invoking its command function', async () => {
  const ran = await run(['status', '--stack', 'firebreak-prod'])
  expect(ran).toMatchObject({ exit: 0, err: '' })
  expect(ran.out).toContain('stack firebreak-prod: mode shadow')
  expect(lambda.invoked).toEqual([{ name: 'firebreak-prod-command', payload: { verb: 'status' } }])
  await run(['status'], { FIREBREAK_STACK: 'firebreak-dev' })
  await run(['status'], { FIREBREAK_FUNCTION: 'another-function' })
  await run(['status', '--stack', 'named'], { FIREBREAK_STACK: 'firebreak-dev' })
  expect(lambda.invoked.slice(1).map(({ name }) => name)).toEqual([
    'firebreak-dev-command',
    'another-function',
    'named-command',
  ])
  // The stack that runs in the folder was never asked.
  expect(folder.requests).toEqual([])
})

test('an event is handed to the ingest function, as an event and never as a batch', async () => {
  const event = { Records: [{ EventSource: 'aws:sns', Sns: { Message: '{}' } }] }
  writeFileSync(join(folder.folder, 'event.json'), JSON.stringify(event))
  const part = { is: 'accepted', signalId: 'sig-1', effect: 'opened', incidentId: 'inc-1' }
  lambda.body = JSON.stringify({ parts: [part] })
  const ran = await run(['replay', 'event.json', '--stack', 'firebreak-prod', '--yes'])
  expect(ran.out).toContain('sig-1 opened inc-1')
  expect(lambda.invoked).toEqual([{ name: 'firebreak-prod-ingest', payload: [event] }])
  const other = await run(['replay', 'event.json', '--yes'], { FIREBREAK_FUNCTION: 'other' })
  expect(other.exit).toBe(2)
})

const CASES: readonly (readonly [string, Partial<Lambda>, number, RegExp])[] = [
  [
    'access denied',
    refused(403, 'AccessDeniedException', 'User: x is not authorized'),
    4,
    /lambda:InvokeFunction on firebreak-prod-command/,
  ],
  ['an expired token', refused(403, 'ExpiredTokenException', 'expired'), 4, /aws sso login/],
  [
    'unknown credentials',
    refused(403, 'UnrecognizedClientException', 'The security token is invalid'),
    4,
    /AWS_PROFILE/,
  ],
  [
    'no such function',
    refused(404, 'ResourceNotFoundException', 'Function not found'),
    2,
    /no function firebreak-prod-command[^]*AWS_REGION/,
  ],
  ['too large a request', refused(413, 'RequestTooLargeException', 'too large'), 2, /too large/],
  ['throttling', refused(429, 'TooManyRequestsException', 'Rate Exceeded'), 3, /cannot be invoked/],
  [
    'a function that failed',
    {
      headers: { 'x-amz-function-error': 'Unhandled' },
      body: '{"errorType":"Error","errorMessage":"no\\u001b[31mtable"}',
    },
    3,
    /failed: [^]*aws logs tail \/aws\/lambda\/firebreak-prod-command/,
  ],
  ['no JSON', { body: 'hello' }, 3, /what no stack answers: hello/],
  ['nothing', { body: '' }, 3, /what no stack answers: nothing/],
  ['another shape', { body: '{"ok":true}' }, 3, /what no stack answers/],
]

function refused(status: number, type: string, message: string): Partial<Lambda> {
  return {
    status,
    headers: { 'x-amzn-errortype': type },
    body: JSON.stringify({ Message: message, message }),
  }
}

test.each(CASES)('AWS answers with %s', async (_what, answer, exit, message) => {
  Object.assign(lambda, answer)
  const ran = await run(['status', '--stack', 'firebreak-prod'])
  expect(ran.err).toMatch(message)
  expect(ran).toMatchObject({ exit, out: '' })
})

test('without a region or credentials the setting to change is named', async () => {
  delete process.env['AWS_REGION']
  const region = await run(['status', '--stack', 'firebreak-prod'])
  expect(region).toMatchObject({ exit: 4, out: '' })
  expect(region.err).toContain('AWS_REGION')
  process.env['AWS_REGION'] = 'eu-west-1'
  delete process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_SECRET_ACCESS_KEY']
  const credentials = await run(['status', '--stack', 'firebreak-prod'])
  expect(credentials).toMatchObject({ exit: 4, out: '' })
  expect(credentials.err).toContain('AWS_PROFILE')
})

test('an endpoint that cannot be reached is an internal failure, told with the settings to check', async () => {
  process.env['AWS_ENDPOINT_URL_LAMBDA'] = 'http://127.0.0.1:1'
  const ran = await run(['status', '--stack', 'firebreak-prod', '--json'])
  expect(ran.exit).toBe(3)
  expect(ran.json()).toMatchObject({ problem: { code: 'unreachable' } })
  expect(ran.err).toContain('AWS_ENDPOINT_URL')
})
