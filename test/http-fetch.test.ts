import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fetchHttp, MAX_ANSWER_BYTES } from '../lib/http-fetch.ts'

let server: Server
let base: string
let handle: (request: IncomingMessage, response: ServerResponse, body: string) => void
let seen = 0

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => (text += String(chunk)))
    request.on('end', () => {
      seen++
      handle(request, response, text)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  seen = 0
})
afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const post = (path = '/hook', timeoutMs = 5_000) =>
  fetchHttp().post({ url: base + path, headers: { 'X-Signature': 'abc' }, body: '{"a":"ü"}', timeoutMs })

test('a request arrives as written, and an answer of any status is returned', async () => {
  let got: unknown
  handle = (request, response, body) => {
    got = [request.method, request.url, request.headers['x-signature'], body]
    response.writeHead(503, { 'Retry-After': '7', 'X-Id': 'Q1' }).end('busy')
  }
  expect(await post()).toMatchObject({
    status: 503,
    headers: { 'retry-after': '7', 'x-id': 'Q1' },
    body: 'busy',
  })
  expect(got).toEqual(['POST', '/hook', 'abc', '{"a":"ü"}'])
})

test('a redirect is an answer and is not followed', async () => {
  handle = (_request, response) => response.writeHead(307, { location: `${base}/elsewhere` }).end()
  expect(await post()).toMatchObject({ status: 307, headers: { location: `${base}/elsewhere` }, body: '' })
  expect(seen).toBe(1)
})

test('an endless answer is read up to 64 KiB', async () => {
  handle = (_request, response) => {
    response.writeHead(200)
    const more = () => {
      while (!response.destroyed && response.write('é'.repeat(5_000)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  const { body } = await post()
  expect(Buffer.byteLength(body)).toBe(MAX_ANSWER_BYTES)
})

test('a character that the limit cuts is left out', async () => {
  handle = (_request, response) => response.end('x' + 'é'.repeat(40_000))
  const { body } = await post()
  expect(body).toBe('x' + 'é'.repeat((MAX_ANSWER_BYTES - 2) / 2))
})

test.each(['before the answer', 'within the body'])('time is over %s: the message says so', async (when) => {
  handle = (_request, response) => {
    if (when === 'within the body') response.writeHead(200).write('half')
  }
  await expect(post('/hook', 200)).rejects.toThrow(`POST ${base}: no complete answer within 200 ms`)
})

test('a failure names the reason and the origin, but not the secret path', async () => {
  handle = (request) => request.socket.destroy()
  const error: unknown = await post('/services/T0/SECRET?token=SECRET').catch((thrown: unknown) => thrown)
  expect(String(error)).toContain(`POST ${base}: `)
  expect(String(error)).not.toContain('SECRET')
  expect(String(error)).not.toContain('fetch failed')
})

test.each(['data:text/plain,hi', 'file:///etc/passwd', 'not an address', '/relative'])(
  '%s is refused',
  async (url) => {
    const sent = fetchHttp().post({ url, headers: {}, body: '', timeoutMs: 100 })
    await expect(sent).rejects.toThrow('needs an http or https address')
  },
)
