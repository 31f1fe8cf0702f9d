import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { MUTATING_CALLS, type CallName } from '../lib/aws/aws.ts'
import type { Account } from '../sim/account.ts'
import { startStore } from './store.ts'
import { firedAlarm } from './world.ts'

/** What a cold start of the signal function loads before the first mitigating call leaves it. */
export interface Loaded {
  readonly call: string
  readonly bytes: number
  readonly files: readonly string[]
}

/** Of AWS's JSON protocols: `X-Amz-Target: <this>.<operation>`. */
const TARGETS: { readonly [prefix: string]: string } = {
  GraniteServiceVersion20100801: 'cloudwatch',
  AmazonEC2ContainerServiceV20141113: 'ecs',
  AnyScaleFrontendService: 'application-autoscaling',
}

const TIMEOUT_MS = 30_000

/**
 * Runs the packaged function as it is: real clients, an endpoint that answers their first reads from the simulated
 * account, and the embedded DynamoDB. The list is read when the first changing call arrives; then the process is ended.
 */
export async function loadedBeforeFirstEffect(bundles: string): Promise<Loaded> {
  const { account, event } = firedAlarm()
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-bench-'))
  const store = await startStore()
  const list = join(folder, 'loaded.txt')
  let arrived: (call: string) => void = () => {}
  const first = new Promise<string>((resolve) => (arrived = resolve))
  const endpoint = await answering(account, arrived)
  try {
    allowedToAct(bundles, folder)
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('./invoke-traced.ts', import.meta.url)),
        pathToFileURL(join(folder, 'ingest.mjs')).href,
        JSON.stringify(event),
        list,
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: environment(store.endpoint, store.tableName, endpoint.url),
      },
    )
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const ended = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
    const call = await Promise.race([first, ended.then(() => undefined)])
    clearTimeout(timer)
    if (call === undefined) throw new Error(`the packaged function ended without a changing call\n${errors}`)
    const files = readFileSync(list, 'utf8').trimEnd().split('\n')
    child.kill('SIGKILL')
    await ended
    return {
      call,
      bytes: files.reduce((bytes, file) => bytes + statSync(file).size, 0),
      files: files.map((file) => file.slice(folder.length + 1)),
    }
  } finally {
    endpoint.server.closeAllConnections()
    endpoint.server.close()
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function environment(dynamodb: string, table: string, endpoint: string): NodeJS.ProcessEnv {
  return {
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    AWS_ENDPOINT_URL: endpoint,
    FIREBREAK_TABLE: table,
    FIREBREAK_WORK_QUEUE_URL: `${endpoint}/queue`,
    FIREBREAK_OUTBOX_URL: `${endpoint}/outbox`,
    POWERTOOLS_SERVICE_NAME: 'firebreak-bench',
    POWERTOOLS_METRICS_NAMESPACE: 'Firebreak',
    NODE_NO_WARNINGS: '1',
  }
}

/** A copy of the bundles in which the compiled policy, shipped as `shadow`, says `auto`: a shadow makes no call. */
function allowedToAct(bundles: string, folder: string): void {
  cpSync(bundles, folder, { recursive: true, filter: (file) => !file.endsWith('.map') })
  const entry = join(folder, 'ingest.mjs')
  const text = readFileSync(entry, 'utf8')
  const allowed = text.replace('"policy":{"mode":"shadow"', '"policy":{"mode":"auto"')
  if (!allowed.includes('"policy":{"mode":"auto"'))
    throw new Error('the compiled policy is not where it was in ingest.mjs')
  writeFileSync(entry, allowed)
}

/** Answers reads from the account; tells of the first call that changes something and leaves it unanswered. */
async function answering(
  account: Account,
  arrived: (call: string) => void,
): Promise<{ readonly url: string; readonly server: Server }> {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reply = await answer(account, request)
    if (reply.is === 'changing') {
      arrived(reply.call)
      return
    }
    response.writeHead(reply.status, { 'content-type': 'application/x-amz-json-1.1' })
    response.end(JSON.stringify(reply.body, datesInSeconds))
  }
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

type Reply =
  | { readonly is: 'changing'; readonly call: string }
  | { readonly is: 'answer'; readonly status: number; readonly body: unknown }

async function answer(account: Account, request: IncomingMessage): Promise<Reply> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  const [prefix = '', operation = ''] = String(request.headers['x-amz-target'] ?? '').split('.')
  const call = `${TARGETS[prefix] ?? prefix}:${operation}` as CallName
  if (MUTATING_CALLS.has(call)) return { is: 'changing', call }
  try {
    return { is: 'answer', status: 200, body: await account.aws({}).call(call, JSON.parse(text) as never) }
  } catch (error) {
    return {
      is: 'answer',
      status: 400,
      body: { __type: 'ValidationException', message: `${call}: ${String(error)}` },
    }
  }
}

/** AWS's JSON writes times as seconds. `JSON.stringify` has made text of them before a replacer sees the value. */
function datesInSeconds(this: unknown, key: string, value: unknown): unknown {
  const raw = (this as { [key: string]: unknown })[key]
  return raw instanceof Date ? raw.getTime() / 1_000 : value
}
