import { randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { NOBODY } from '../lib/access.ts'
import { COOKIE } from '../web/page/visitor.ts'
import { sha256 } from '../lib/ids.ts'
import type { Catalogue, TokenGrant } from '../lib/runbook/runbook.ts'
import type { LocalStack } from '../sim/local.ts'
import type { OutsideAct } from '../sim/outside.ts'
import { PAGE_HEADERS } from '../web/page/document.ts'
import { fakeSlack, type FakeSlack } from './fake-slack.ts'
import { DEV_FILE } from './stack-local.ts'

/** The door of a local stack: on the loopback interface, for whoever can read the token in the folder. */
export interface LocalServer {
  readonly url: string
  close(): Promise<void>
}

const MAX_BODY_BYTES = 1024 * 1024

/** A token for the door of one local stack; by the API it may do everything, for as long as that stack runs. */
export function localToken(holder: string): { readonly token: string; readonly grant: TokenGrant } {
  const token = randomBytes(24).toString('base64url')
  return { token, grant: { name: holder, role: 'admin', sha256: sha256(token), expiresAtMs: FAR_MS } }
}

/** The API of a local stack also takes its own token. */
export function withGrant(catalogue: Catalogue, grant: TokenGrant): Catalogue {
  const { access = NOBODY } = catalogue
  return { ...catalogue, access: { ...access, tokens: [grant, ...access.tokens] } }
}

/** The last time that a Date can tell. */
const FAR_MS = 8.64e15

/** Serves a local stack and writes `.firebreak/dev.json`, by which every other command finds it. */
export async function serveLocal(
  stack: LocalStack,
  options: { readonly cwd: string; readonly port: number; readonly token: string },
): Promise<LocalServer> {
  const { token } = options
  const chat = fakeSlack(stack.account, async ({ path, headers, body }) => {
    const event = eventOf({ url: path, method: 'POST', headers: { host: '127.0.0.1', ...headers } }, body)
    const result = (await stack.invoke('http', event)) as APIGatewayProxyStructuredResultV2
    return { status: result.statusCode ?? 200, text: result.body ?? '' }
  })
  const server = createServer((request, response) => {
    void answer({ stack, token, chat }, request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const file = join(options.cwd, DEV_FILE)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ url, pid: process.pid, token })}\n`, { mode: 0o600 })
  return {
    url,
    async close() {
      rmSync(file, { force: true })
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

interface Door {
  readonly stack: LocalStack
  readonly token: string
  readonly chat: FakeSlack
}

async function answer(
  { stack, token, chat }: Door,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // A page elsewhere whose name is made to lead here is none of ours.
  if (!/^(?:127\.0\.0\.1|localhost)(?::\d+)?$/.test(request.headers.host ?? '')) {
    response.writeHead(421).end()
    return
  }
  const opened = openedBy(request, token)
  if (opened) {
    response.writeHead(303, opened).end()
    return
  }
  if (isOfTheChat(request)) return serveChat(chat, token, request, response)
  if (!isOfTheDoor(request)) return serveApi(stack, request, response)
  const say = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  try {
    if (!isOurs(request, token)) return say(401, { message: 'the bearer token is missing or wrong' })
    if (request.method !== 'POST') return say(405, { message: 'only POST is answered' })
    const text = await bodyOf(request)
    if (text === undefined) return say(413, { message: `a body may have ${MAX_BODY_BYTES} bytes` })
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      return say(400, { message: 'the body is not JSON' })
    }
    switch (request.url) {
      case '/command':
        return say(200, await stack.invoke('command', body))
      case '/ingest':
        // In a list it is an event, never the batch of a queue.
        return say(200, await stack.invoke('ingest', [body]))
      case '/act':
        return say(...acted(stack, body))
      case '/account':
        return say(200, stack.account.save().world)
      default:
        return say(404, { message: `there is no ${request.url}` })
    }
  } catch (error) {
    say(500, { message: error instanceof Error ? error.message : String(error) })
  }
}

/** What the command line asks of the stack itself; everything else is the application's, as behind API Gateway. */
function isOfTheDoor({ url = '' }: IncomingMessage): boolean {
  return /^\/(?:command|ingest|act|account)$/.test(url)
}

/** The address that a local stack prints: whoever opens it is signed in with the stack's own token. */
export function openAddress(url: string, token: string): string {
  return `${url}/open/${token}`
}

function openedBy({ url = '', method }: IncomingMessage, token: string): OutgoingHttpHeaders | undefined {
  const given = Buffer.from(url)
  const wanted = Buffer.from(openAddress('', token))
  if (method !== 'GET' || given.length !== wanted.length || !timingSafeEqual(given, wanted)) return undefined
  return {
    location: '/',
    'set-cookie': `${COOKIE}=${token}; HttpOnly; SameSite=Lax; Path=/`,
    'cache-control': 'no-store',
  }
}

/** As API Gateway would, to the very handler that it invokes. */
async function serveApi(
  stack: LocalStack,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    // Throws where the client goes away amid its request.
    const body = await bodyOf(request)
    if (body === undefined) {
      response.writeHead(413).end()
      return
    }
    const result = (await stack.invoke('http', eventOf(request, body))) as APIGatewayProxyStructuredResultV2
    response.writeHead(result.statusCode ?? 200, {
      ...result.headers,
      ...(result.cookies === undefined ? {} : { 'set-cookie': result.cookies }),
    } as OutgoingHttpHeaders)
    response.end(Buffer.from(result.body ?? '', result.isBase64Encoded ? 'base64' : 'utf8'))
  } catch (error) {
    // As API Gateway answers for a function that failed.
    response.writeHead(502, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ message: error instanceof Error ? error.message : String(error) }))
  }
}

function isOfTheChat({ url = '' }: IncomingMessage): boolean {
  return url === '/fake-slack' || url.startsWith('/fake-slack/')
}

/** A chat that is none, for whoever has opened the stack's own address; as everywhere, a form must come from its page. */
async function serveChat(
  chat: FakeSlack,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { url = '', method, headers } = request
  const isKnown = (headers.cookie ?? '').split(/; */).includes(`${COOKIE}=${token}`)
  if (!isKnown) {
    response.writeHead(303, { location: '/' }).end()
    return
  }
  if (method === 'GET') {
    response.writeHead(200, PAGE_HEADERS).end(chat.page())
    return
  }
  if (headers.origin !== `http://${headers.host}`) {
    response.writeHead(403).end()
    return
  }
  const form = new URLSearchParams((await bodyOf(request).catch(() => '')) ?? '')
  const done = await chat.act(url, form)
  response.writeHead(done ? 303 : 404, { location: '/fake-slack' }).end()
}

type Asked = Pick<IncomingMessage, 'url' | 'method' | 'headers'>

function eventOf(request: Asked, body: string): object {
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s)
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  )
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query,
    headers,
    requestContext: {
      domainName: request.headers.host ?? '127.0.0.1',
      requestId: randomUUID(),
      http: { method: request.method ?? 'GET', path },
    },
    ...(body === '' ? {} : { body }),
    isBase64Encoded: false,
  }
}

/** What the account refuses was asked wrongly: its message says what there is. */
function acted(stack: LocalStack, body: unknown): readonly [status: number, body: unknown] {
  try {
    stack.account.act(body as OutsideAct)
    return [200, { text: 'done' }]
  } catch (error) {
    return [400, { message: error instanceof Error ? error.message : String(error) }]
  }
}

function isOurs(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
