import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { requestOf as readRequest, resultOf } from '../../web/gateway.ts'

/** An event of an HTTP API in format 2.0. */
function eventOf(over: object = {}, context: object = {}): APIGatewayProxyEventV2 {
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: '/v1/incidents',
    rawQueryString: 'status=open&status=resolved&service=a%20b',
    headers: { accept: 'application/json', 'x-forwarded-for': '192.0.2.7' },
    requestContext: {
      accountId: '123456789012',
      apiId: 'abcdef0123',
      domainName: 'abcdef0123.execute-api.eu-west-1.amazonaws.com',
      domainPrefix: 'abcdef0123',
      http: {
        method: 'GET',
        path: '/v1/incidents',
        protocol: 'HTTP/1.1',
        sourceIp: '192.0.2.7',
        userAgent: 'curl',
      },
      requestId: 'request-1',
      routeKey: '$default',
      stage: '$default',
      time: '29/Nov/2026:09:00:00 +0000',
      timeEpoch: 1795942800000,
      ...context,
    },
    isBase64Encoded: false,
    ...over,
  }
}

const post = {
  http: { method: 'POST', path: '/', protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'curl' },
}

function requestOf(event: Parameters<typeof readRequest>[0]): Request {
  const request = readRequest(event)
  if (!request) throw new Error('no request can be made of it')
  return request
}

test('method, path, query, headers and cookies', () => {
  const request = requestOf(eventOf({ cookies: ['a=1', 'b=2'] }))
  expect([request.method, request.url]).toEqual([
    'GET',
    'https://abcdef0123.execute-api.eu-west-1.amazonaws.com/v1/incidents?status=open&status=resolved&service=a%20b',
  ])
  expect([request.headers.get('accept'), request.headers.get('cookie')]).toEqual([
    'application/json',
    'a=1; b=2',
  ])
})

test.each([
  ['text', { body: '{"note":"ä"}' }],
  ['base64', { body: Buffer.from('{"note":"ä"}').toString('base64'), isBase64Encoded: true }],
])('a body as %s', async (_what, over) => {
  expect(await requestOf(eventOf(over, post)).json()).toEqual({ note: 'ä' })
})

test.each([
  ['no body', eventOf({}, post)],
  ['a body of null', eventOf({ body: null }, post)],
  ['a GET with a body', eventOf({ body: '{}' })],
])('%s is an empty one', async (_what, event) => {
  expect(await requestOf(event).text()).toBe('')
})

test.each([
  ['//evil.example/v1', 'abcdef0123.execute-api.eu-west-1.amazonaws.com', '//evil.example/v1'],
  ['/v1/../../etc', 'abcdef0123.execute-api.eu-west-1.amazonaws.com', '/etc'],
  ['/v1/incidents/..%2f..', 'abcdef0123.execute-api.eu-west-1.amazonaws.com', '/v1/incidents/..%2f..'],
  ['/v1?x=1#y', 'abcdef0123.execute-api.eu-west-1.amazonaws.com', '/v1%3Fx=1%23y'],
])('a path cannot name another host or carry a query: %s', (rawPath, host, pathname) => {
  const url = new URL(requestOf(eventOf({ rawPath, rawQueryString: '' })).url)
  expect([url.host, url.pathname, url.search, url.hash]).toEqual([host, pathname, '', ''])
})

test('a stage with a name of its own is taken off the path, once', () => {
  const pathOf = (rawPath: string) => new URL(requestOf(eventOf({ rawPath }, { stage: 'prod' })).url).pathname
  expect(['/prod/v1/status', '/v1/status', '/prod/prod/x'].map(pathOf)).toEqual([
    '/v1/status',
    '/v1/status',
    '/prod/x',
  ])
})

test('texts go out as they are, everything else in base64, cookies apart', async () => {
  const headers = new Headers({ 'content-type': 'application/problem+json' })
  headers.append('set-cookie', 'a=1')
  headers.append('set-cookie', 'b=2')
  expect(await resultOf(new Response('{"ä":1}', { status: 404, headers }))).toEqual({
    statusCode: 404,
    headers: { 'content-type': 'application/problem+json' },
    cookies: ['a=1', 'b=2'],
    body: '{"ä":1}',
    isBase64Encoded: false,
  })
  const image = new Response(new Uint8Array([0, 255]), { headers: { 'content-type': 'image/png' } })
  expect(await resultOf(image)).toMatchObject({ body: 'AP8=', isBase64Encoded: true })
  expect(await resultOf(new Response(null, { status: 304 }))).toMatchObject({
    body: '',
    isBase64Encoded: false,
  })
})

test.each([
  ['a header that is no text of Latin letters', { headers: { authorization: '\u{1f525}' } }],
  ['a name of a header that is none', { headers: { 'a b': 'x' } }],
])('%s makes no request', (_what, over) => {
  expect(readRequest(eventOf(over))).toBeUndefined()
})
