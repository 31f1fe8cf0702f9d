import type { Context } from 'aws-lambda'
import { handler as advance } from '../handlers/advance.ts'
import { handler as command } from '../handlers/command.ts'
import { handler as http } from '../handlers/http.ts'
import { handler as ingest } from '../handlers/ingest.ts'
import { handler as outbox } from '../handlers/outbox.ts'
import { handler as sweep } from '../handlers/sweep.ts'
import { provide } from '../handlers/wiring.ts'
import { watched } from '../lib/ledger/watched.ts'
import { dynamodbStorage } from '../lib/ledger/dynamodb.ts'
import { silentMetrics } from '../lib/metrics.ts'
import type { Ports } from '../lib/ports.ts'
import { systemRandom } from '../lib/random.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { secretReader } from '../lib/secrets.ts'
import { embeddedClient } from './dynamodb-endpoint.ts'
import { remoteAccount, remoteClock } from './wire.ts'

/*
 * A worker: what a Lambda environment is in a deployed stack, here a process of its own, so that it can really be killed.
 * It runs the same handlers with the same events; only the ports differ. It talks to the local stack by IPC.
 */

/** What the local stack tells a worker. */
export type ToWorker =
  | {
      readonly is: 'init'
      readonly endpoint: string
      readonly tableName: string
      readonly catalogue: Catalogue
      readonly nowMs: number
    }
  | {
      readonly is: 'invoke'
      readonly id: number
      readonly name: FunctionName
      readonly event: unknown
      readonly nowMs: number
      readonly timeoutMs: number
    }
  | { readonly is: 'answer'; readonly id: number; readonly text: string }

/** What a worker tells the local stack. */
export type FromWorker =
  | { readonly is: 'ready' }
  | { readonly is: 'done'; readonly id: number; readonly result: unknown }
  | { readonly is: 'failed'; readonly id: number; readonly message: string }
  /** A call of the account, as `Account.serve` takes it. */
  | { readonly is: 'ask'; readonly id: number; readonly text: string }
  | {
      readonly is: 'send'
      readonly id: number
      readonly to: 'work' | 'outbox'
      readonly body: string
      readonly delayMs: number
    }
  | {
      readonly is: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly message: string
      readonly fields: unknown
    }

export type FunctionName = 'ingest' | 'advance' | 'sweep' | 'command' | 'http' | 'outbox'

/** The embedded database has no stream: the worker says itself what it has put, so much later. */
const STREAM_LAG_MS = 1_000

let asked = 0
const answers = new Map<number, (text: string) => void>()

function tell(message: FromWorker): void {
  process.send?.(message)
}

async function ask(request: (id: number) => FromWorker): Promise<string> {
  const id = ++asked
  return new Promise((resolve) => {
    answers.set(id, resolve)
    tell(request(id))
  })
}

const clock = remoteClock({ startAtMs: 0, elapsedMs: () => performance.now() })
const account = remoteAccount((text) => ask((id) => ({ is: 'ask', id, text })), clock)

function init(message: Extract<ToWorker, { is: 'init' }>): void {
  clock.sync(message.nowMs)
  const say = (level: 'info' | 'warn' | 'error') => (text: string, fields?: object) =>
    tell({ is: 'log', level, message: text, fields: plain(fields) })
  const log = { info: say('info'), warn: say('warn'), error: say('error'), begin: () => {} }
  const metrics = { ...silentMetrics, flush: async () => {} }
  const storage = dynamodbStorage({ tableName: message.tableName, client: embeddedClient(message.endpoint) })
  const ports: Ports = {
    clock,
    random: systemRandom,
    storage:
      (message.catalogue.slack ?? message.catalogue.hooks)
        ? watched(
            storage,
            (incidentId) => void sendTo('outbox', { v: 1, is: 'tell', incidentId }, STREAM_LAG_MS),
          )
        : storage,
    queue: { send: async (work, delayMs) => sendTo('work', work, delayMs) },
    outbox: { send: async (told, delayMs) => sendTo('outbox', told, delayMs) },
    aws: account.aws,
    http: account.http,
    secret: secretReader(account.aws({}), process.env, clock),
    log,
    metrics,
  }
  provide({ app: { ports, catalogue: message.catalogue }, log, metrics })
  tell({ is: 'ready' })
}

async function sendTo(to: 'work' | 'outbox', body: object, delayMs: number): Promise<void> {
  await ask((id) => ({ is: 'send', id, to, body: JSON.stringify(body), delayMs }))
}

function plain(fields: object | undefined): unknown {
  if (fields === undefined) return {}
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value instanceof Error ? String(value) : value]),
  )
}

async function invoke(message: Extract<ToWorker, { is: 'invoke' }>): Promise<void> {
  clock.sync(message.nowMs)
  const deadlineMs = message.nowMs + message.timeoutMs
  const context = {
    awsRequestId: `local-${message.id}`,
    functionName: message.name,
    getRemainingTimeInMillis: () => deadlineMs - clock.now(),
  } as Context
  try {
    tell({ is: 'done', id: message.id, result: await run(message, context) })
  } catch (error) {
    tell({
      is: 'failed',
      id: message.id,
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    })
  }
}

async function run(message: Extract<ToWorker, { is: 'invoke' }>, context: Context): Promise<unknown> {
  const event = message.event as never
  switch (message.name) {
    case 'ingest':
      return ingest(event, context)
    case 'advance':
      return advance(event, context)
    case 'sweep':
      return sweep(event, context)
    case 'command':
      return command(event, context)
    case 'http':
      return http(event, context)
    case 'outbox':
      return outbox(event, context)
  }
}

process.on('message', (message: ToWorker) => {
  switch (message.is) {
    case 'init':
      init(message)
      return
    case 'invoke':
      void invoke(message)
      return
    case 'answer':
      answers.get(message.id)?.(message.text)
      answers.delete(message.id)
  }
})

// The parent is gone, and nothing that this process does has a purpose any more.
process.on('disconnect', () => process.exit(0))
