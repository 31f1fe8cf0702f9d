import { createHmac } from 'node:crypto'
import { OPERATIONS } from '../../web/operations.ts'
import { createWeb } from '../../web/web.ts'
import { requestOf, resultOf } from '../../web/gateway.ts'
import { sha256 } from '../../lib/ids.ts'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { entriesOfKind, fire, play, turnOf } from '../line/calm.ts'
import { onlyIncident } from '../line/world.ts'
import { chatStack, SIGNING } from '../slack/workspace.ts'

/** As many as are asked for on a pull request; `FUZZ=1000000` sends more. */
const REQUESTS = Number(process.env['FUZZ'] ?? 100_000)

/** The same requests each time: a failure names its number. */
function dice(seed: number): {
  readonly to: (n: number) => number
  readonly pick: <T>(list: readonly T[]) => T
} {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 4_294_967_296
  }
  return {
    to: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)]!,
  }
}

const WORDS = [
  '',
  ' ',
  '.',
  '..',
  '/',
  '//',
  '\\',
  '%',
  '%2f',
  '%00',
  '%ff',
  '\u0000',
  '\u202e',
  '\ud800',
  '{',
  '}',
  '[]',
  '{}',
  'null',
  '"',
  "'",
  '<script>',
  '=1+1',
  '__proto__',
  'constructor',
  'toString',
  '-1',
  '1e999',
  'NaN',
  '9007199254740993',
  '~',
  '#',
  '?',
  '&',
  'inc-000000000000',
  'true',
  '\u{1f525}',
  'a'.repeat(300),
  'x'.repeat(5_000),
  '../../etc/passwd',
  '${jndi:ldap://x}',
  '\r\nx: y',
]

const HEADERS = [
  'authorization',
  'cookie',
  'idempotency-key',
  'content-type',
  'accept',
  'if-none-match',
  'origin',
  'sec-fetch-site',
  'x-slack-signature',
  'x-slack-request-timestamp',
  'x-slack-retry-num',
  'content-length',
]

interface Sent {
  method: string
  path: string
  query: string
  headers: { [name: string]: string }
  body: string | undefined
  base64: boolean
}

test(`${REQUESTS} mutated requests to the API, the pages and the addresses of Slack are all answered, and none by 500`, async () => {
  const stack = chatStack('- wait: 20m\n- scale_out: { ecs: api, by: 50% }', 'mode: approve')
  fire(stack)
  await play(stack, 1)
  const incident = await onlyIncident(stack)
  const [started] = await entriesOfKind(stack, 'execution.started')
  const execution = started?.executionId ?? ''
  const errors: string[] = []
  const access = {
    tokens: [
      { name: 'ann', role: 'admin' as const, sha256: sha256('t-ann'), expiresAtMs: Number.MAX_SAFE_INTEGER },
    ],
    principals: [],
    signedIn: { nameClaim: 'sub', grants: [] },
  }
  const log = { ...stack.app.ports.log, error: (message: string) => void errors.push(message) }
  const app = { ports: { ...stack.app.ports, log }, catalogue: { ...stack.app.catalogue, access } }
  const web = createWeb()
  const { to, pick } = dice(20_261_129)
  const seeds = seedsOf(incident, execution, stack.account.now())
  const statuses = new Map<number, number>()
  for (let index = 0; index < REQUESTS; index++) {
    const sent = structuredClone(pick(seeds))
    for (let changes = to(4); changes > 0; changes--) mutate(sent, to, pick)
    // Some of what is changed is signed again: Slack, too, sends what nobody expects.
    if (sent.path.startsWith('/slack/') && to(2) === 0) sign(sent)
    const status = await answered(web, app, () => turnOf(stack), sent).catch((error: unknown) => {
      throw new Error(`request ${index} threw: ${JSON.stringify(sent).slice(0, 500)}`, { cause: error })
    })
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    if (status >= 500)
      throw new Error(
        `request ${index} was answered by ${status} (${errors.at(-1)}): ${JSON.stringify(sent).slice(0, 800)}`,
      )
  }
  // It got everywhere: there were answers, refusals of every kind, and things that were done.
  for (const status of [200, 202, 303, 400, 401, 403, 404, 405, 409, 413, 415])
    expect([status, statuses.has(status)]).toEqual([status, true])
  expect(errors).toEqual([])
}, 600_000)

function sign(sent: Sent): void {
  const timestamp = sent.headers['x-slack-request-timestamp'] ?? ''
  const digest = createHmac('sha256', SIGNING)
    .update(`v0:${timestamp}:${sent.body ?? ''}`)
    .digest('hex')
  sent.headers['x-slack-signature'] = `v0=${digest}`
}

async function answered(
  web: ReturnType<typeof createWeb>,
  app: Parameters<ReturnType<typeof createWeb>['fetch']>[1] extends infer Served
    ? Served extends { app: infer A }
      ? A
      : never
    : never,
  turn: () => ReturnType<typeof turnOf>,
  { method, path, query, headers, body, base64 }: Sent,
): Promise<number> {
  const event = {
    version: '2.0',
    rawPath: path,
    rawQueryString: query,
    headers,
    requestContext: {
      domainName: 'api.example.com',
      requestId: 'r',
      stage: '$default',
      http: { method, path },
    },
    ...(body === undefined ? {} : { body: base64 ? Buffer.from(body).toString('base64') : body }),
    isBase64Encoded: base64,
  } as unknown as APIGatewayProxyEventV2
  const request = requestOf(event)
  // The handler answers it by 400.
  if (!request) return 400
  const result = await resultOf(await web.fetch(request, { app, turn, requestId: 'r' }))
  return result.statusCode ?? 200
}

/** One request that is taken for each operation, page and address of Slack. */
function seedsOf(incident: string, execution: string, nowMs: number): readonly Sent[] {
  const base = { query: '', base64: false, body: undefined }
  const bearer = { authorization: 'Bearer t-ann' }
  const api = OPERATIONS.map(({ method, path, example, needsKey }): Sent => ({
    ...base,
    method: method.toUpperCase(),
    path: path
      .replace('/executions/{id}', `/executions/${execution}`)
      .replace('{id}', incident)
      .replace('{name}', 'spike'),
    headers: {
      ...bearer,
      ...(example ? { 'content-type': 'application/json' } : {}),
      ...(needsKey ? { 'idempotency-key': 'k' } : {}),
    },
    body: example && JSON.stringify(example),
  }))
  const cookie = {
    cookie: 'firebreak=t-ann',
    origin: 'https://api.example.com',
    'sec-fetch-site': 'same-origin',
  }
  const pages = [
    '/',
    '/services',
    '/run',
    '/run',
    `/incidents/${incident}`,
    `/incidents/${incident}/timeline.csv`,
    '/sign-in',
    '/openapi.json',
    '/problems/conflict',
    '/v1/incidents',
    `/v1/incidents/${incident}/timeline`,
    '/ack/x~y',
  ].map((path): Sent => ({
    ...base,
    method: 'GET',
    path,
    headers: { ...cookie, ...bearer },
    query: path === '/run' ? 'runbook=spike' : '',
  }))
  const forms = [
    [`/incidents/${incident}/note`, 'text=hello&key=k'],
    [`/incidents/${incident}/ack`, ''],
    [`/executions/${execution}/approve`, 'subject=plan&digest=0123456789ab'],
    ['/run', 'runbook=spike&key=k&reason=r&mode=shadow'],
    ['/pause-all', 'reason=r'],
    ['/sign-in', 'token=t-ann&to=/'],
  ].map(([path = '', body = '']): Sent => ({
    ...base,
    method: 'POST',
    path,
    body,
    headers: { ...cookie, 'content-type': 'application/x-www-form-urlencoded' },
  }))
  const slack = {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': String(Math.floor(nowMs / 1_000)),
  }
  const payload = (over: object) =>
    new URLSearchParams({
      payload: JSON.stringify({
        team: { id: 'T0123456789' },
        user: { id: 'U0ANN' },
        trigger_id: 't',
        response_url: 'https://hooks.slack.com/x',
        ...over,
      }),
    }).toString()
  const chat = [
    [
      '/slack/commands',
      `team_id=T0123456789&user_id=U0ANN&trigger_id=t&response_url=https%3A%2F%2Fhooks.slack.com%2Fx&text=status`,
    ],
    ['/slack/commands', `team_id=T0123456789&user_id=U0ANN&trigger_id=t&text=run+spike`],
    [
      '/slack/interactions',
      payload({ type: 'block_actions', actions: [{ action_id: 'approve', value: '{}' }] }),
    ],
    [
      '/slack/interactions',
      payload({
        type: 'view_submission',
        view: {
          callback_id: 'run',
          private_metadata: '{"runbook":"spike"}',
          state: { values: { reason: { reason: { value: 'r' } } } },
        },
      }),
    ],
    ['/slack/events', '{"type":"url_verification","challenge":"c"}'],
  ].map(([path = '', body = '']): Sent => {
    const sent: Sent = { ...base, method: 'POST', path, body, headers: { ...slack } }
    sign(sent)
    return sent
  })
  const signal: Sent = {
    ...base,
    method: 'POST',
    path: '/v1/signals',
    headers: { ...bearer, 'content-type': 'application/json' },
    body: '{"status":"firing","alerts":[]}',
  }
  return [...api, ...pages, ...forms, ...chat, ...chat, signal]
}

function mutate(sent: Sent, to: (n: number) => number, pick: <T>(list: readonly T[]) => T): void {
  switch (to(9)) {
    case 0:
      sent.method = pick(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'])
      return
    case 1: {
      const parts = sent.path.split('/')
      parts[to(parts.length)] = pick(WORDS)
      sent.path = parts.join('/')
      return
    }
    case 2:
      sent.query = `${sent.query}&${pick(['limit', 'cursor', 'status', 'service', 'format', 'only', 'runbook', 'to', 'x'])}=${pick(WORDS)}`
      return
    case 3:
      sent.headers[pick(HEADERS)] = pick(WORDS)
      return
    case 4: {
      const { [pick(Object.keys(sent.headers))]: _gone, ...rest } = sent.headers
      sent.headers = rest
      return
    }
    case 5:
      sent.body = broken(sent.body ?? '', to, pick)
      return
    case 6:
      sent.body = jsonBroken(sent.body ?? '', pick)
      return
    case 7:
      sent.base64 = !sent.base64
      return
    case 8:
      if (to(60) === 0) sent.body = 'x'.repeat(pick([65_537, 1_048_577]))
      else sent.body = pick(WORDS)
  }
}

/** A piece of the text is taken out, doubled, or becomes something else. */
function broken(text: string, to: (n: number) => number, pick: <T>(list: readonly T[]) => T): string {
  const from = to(text.length + 1)
  const until = from + to(20)
  return text.slice(0, from) + pick([pick(WORDS), text.slice(from, until).repeat(2), '']) + text.slice(until)
}

/** One member of the JSON is of another type than expected. */
function jsonBroken(text: string, pick: <T>(list: readonly T[]) => T): string {
  try {
    const value = JSON.parse(text) as { [name: string]: unknown }
    const name = pick(Object.keys(value))
    value[name] = pick<unknown>([null, 0, -1, 1.5, true, [], {}, [[]], { is: 'all' }, ...WORDS])
    return JSON.stringify(value)
  } catch {
    return `{"${pick(WORDS)}":`
  }
}
