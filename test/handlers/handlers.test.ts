import { jest } from '@jest/globals'
import type { Context, SQSBatchResponse } from 'aws-lambda'
import type { App, Turn } from '../../lib/ports.ts'
import type { LogFields } from '../../lib/log.ts'

// The handlers with everything beneath them replaced: what they parse, whom they call, what they answer.

const calls: { readonly name: string; readonly input: unknown; readonly turn: Turn | undefined }[] = []
const lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[] =
  []
let flushes = 0
/** What the called function does with its input; may be replaced by a test. */
let perform: (input: unknown) => Promise<unknown> = async () => ({})

const write = (level: string) => (message: string, fields?: LogFields) =>
  void lines.push({ level, message, fields })
const log = {
  info: write('info'),
  warn: write('warn'),
  error: write('error'),
  begin: (id: string) => write('begin')(id),
}
const ids = ['worker-1', 'worker-2', 'worker-3'].values()
const app = {
  ports: {
    clock: { now: () => Date.now() },
    random: { id: () => ids.next().value ?? 'worker-n', fraction: () => 0 },
  },
} as unknown as App

function stub(name: string) {
  return {
    [name]: async (_app: App, input: unknown, turn?: Turn) => {
      calls.push({ name, input, turn })
      return perform(input)
    },
  }
}

jest.unstable_mockModule('../../handlers/wiring.ts', () => ({
  wired: async () => ({ app, log, metrics: { flush: () => void flushes++ } }),
}))
for (const name of ['ingest', 'advance', 'sweep', 'command']) {
  jest.unstable_mockModule(`../../lib/${name}.ts`, () => stub(name))
}

const ingest = (await import('../../handlers/ingest.ts')).handler
const advance = (await import('../../handlers/advance.ts')).handler
const sweep = (await import('../../handlers/sweep.ts')).handler
const command = (await import('../../handlers/command.ts')).handler

const context = (remainingMs = 30_000) =>
  ({ awsRequestId: 'request-1', getRemainingTimeInMillis: () => remainingMs }) as unknown as Context

const batch = (...bodies: readonly string[]) =>
  ({
    Records: bodies.map((body, i) => ({
      messageId: `m${i + 1}`,
      body,
      attributes: { ApproximateReceiveCount: '1' },
    })),
  }) as unknown as Parameters<typeof advance>[0]

beforeEach(() => {
  calls.length = 0
  lines.length = 0
  flushes = 0
  perform = async () => ({})
})

test('ingest takes every message of a batch, each as a worker of its own', async () => {
  expect(await ingest(batch('{"id":1}', '{"id":2}'), context())).toEqual({ batchItemFailures: [] })
  expect(calls.map(({ name, input }) => [name, input])).toEqual([
    ['ingest', { id: 1 }],
    ['ingest', { id: 2 }],
  ])
  expect(new Set(calls.map(({ turn }) => turn?.workerId)).size).toBe(2)
})

test('only the messages that threw are delivered again, and the log names them', async () => {
  perform = async (input) => {
    if ((input as { id: number }).id === 2) throw new Error('the table does not answer')
  }
  const answer = (await ingest(batch('{"id":1}', '{"id":2}', '{"id":3}'), context())) as SQSBatchResponse
  expect(answer.batchItemFailures).toEqual([{ itemIdentifier: 'm2' }])
  expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
    'message m2 was not taken and will be delivered again: Error: the table does not answer',
  ])
})

test('a body that is no JSON reaches ingest as it is, so that it is refused on record', async () => {
  await ingest(batch('{"half'), context())
  expect(calls.map(({ input }) => input)).toEqual(['{"half'])
})

test.each([[{ source: 'aws.cloudwatch', alarmData: {} }], ['text'], [null], [{ Records: 'no list' }]])(
  'an event that is no batch is ingested as a whole: %j',
  async (event) => {
    perform = async () => ({ parts: [{ is: 'ignored', code: 'quiet', reason: 'nothing' }] })
    // What became of it is answered, for whoever invokes by hand.
    expect(await ingest(event, context())).toEqual({
      parts: [{ is: 'ignored', code: 'quiet', reason: 'nothing' }],
    })
    expect(calls.map(({ input }) => input)).toEqual([event])
  },
)

test('a direct event that could not be taken fails the invocation, so that Lambda repeats it', async () => {
  perform = async () => {
    throw new Error('the table does not answer')
  }
  await expect(ingest({ source: 'aws.cloudwatch' }, context())).rejects.toThrow('the table does not answer')
  expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  expect(flushes).toBe(1)
})

test('an answer is given only when the last message has ended, since nothing may run on in a frozen process', async () => {
  const ended: unknown[] = []
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => (release = resolve))
  perform = async (input) => {
    if (input === 1) throw new Error('at once')
    await slow
    ended.push(input)
  }
  const answer = ingest(batch('1', '2'), context())
  await new Promise(setImmediate)
  expect(ended).toEqual([])
  release()
  expect(await answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }] })
  expect(ended).toEqual([2])
})

test('no answer is given in advance of the deadline', async () => {
  let release = (): void => {}
  const slow = new Promise<void>((resolve) => (release = resolve))
  perform = async () => slow
  // With so little time left, middy by its default would give up at once.
  const answer = sweep({}, context(1)).then(
    () => 'answered',
    () => 'given up',
  )
  setTimeout(() => release(), 20)
  expect(await answer).toBe('answered')
})

test('advance gives each stream its turn, which ends when Lambda kills the process', async () => {
  const message = { v: 1, incidentId: 'inc-1', stream: 'inc-1-x', minSeq: 0, sentAtMs: 1 }
  const before = Date.now()
  expect(await advance(batch(JSON.stringify(message), 'no JSON'), context(20_000))).toEqual({
    batchItemFailures: [{ itemIdentifier: 'm2' }],
  })
  expect(calls.map(({ input }) => input)).toEqual([message])
  expect(calls[0]?.turn?.deadlineMs).toBeGreaterThanOrEqual(before + 20_000)
  expect(calls[0]?.turn?.deadlineMs).toBeLessThanOrEqual(Date.now() + 20_000)
})

test('sweep and command answer what the function of the same name answers', async () => {
  perform = async (input) => ({ got: input })
  expect(await sweep({}, context())).toEqual({ got: calls[0]?.input })
  expect(await command({ verb: 'list', args: {} }, context())).toEqual({ got: { verb: 'list', args: {} } })
  expect(flushes).toBe(2)
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['begin', 'request-1'],
    ['begin', 'request-1'],
  ])
})
