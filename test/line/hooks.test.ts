import { createHmac } from 'node:crypto'
import { addNote } from '../../lib/decide.ts'
import type { HttpRequest } from '../../lib/http.ts'
import { entrySchema } from '../../lib/ledger/entry.ts'
import { listFailures } from '../../lib/ledger/hooks.ts'
import { ENTRY_KINDS } from '../../lib/runbook/hooks.ts'
import type { Stack } from '../../sim/stack.ts'
import { compile } from '../runbook/fixtures.ts'
import { ANN, calmStack, catalogueOf, desired, fire, play, runbookText } from './calm.ts'
import { onlyIncident } from './world.ts'

const KEY = Buffer.alloc(32, 7)
const URL_OF = 'https://audit.example.com/firebreak'

interface Delivered extends HttpRequest {
  readonly atMs: number
}

/** A stack with one hook; what it is sent, and what it answers by turns (200 at last). */
function hookedStack(over: object = {}, statuses: readonly number[] = []) {
  const hook = {
    url: URL_OF,
    secret: 'ssm:/hook',
    events: ['incident.opened', 'execution.finished', 'incident.noted'],
    ...over,
  }
  const catalogue = {
    ...catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]),
    hooks: { audit: hook },
  }
  const stack = calmStack(catalogue)
  stack.account.world.parameters['/hook'] = { value: `whsec_${KEY.toString('base64')}`, secure: true }
  const sent: Delivered[] = []
  const left = [...statuses]
  const { http } = stack.app.ports
  const post = http.post.bind(http)
  Object.assign(http, {
    post: async (request: HttpRequest) => {
      if (new URL(request.url).host !== 'audit.example.com') return post(request)
      sent.push({ ...request, atMs: stack.account.now() })
      const status = left.shift() ?? 200
      if (status === 0) throw new Error('no answer')
      return { status, headers: {}, body: '' }
    },
  })
  return { stack, sent }
}

const typesOf = (sent: readonly Delivered[]) =>
  sent.map(({ body }) => (JSON.parse(body) as { readonly type: string }).type)

async function opened(stack: Stack, minutes = 3): Promise<string> {
  fire(stack)
  await play(stack, minutes)
  return onlyIncident(stack)
}

test('what is put on record is told once, in order, signed as Standard Webhooks says', async () => {
  const { stack, sent } = hookedStack()
  await opened(stack)
  expect(typesOf(sent)).toEqual(['incident.opened', 'execution.finished'])
  const [{ headers, body }] = sent as [Delivered]
  const id = headers['webhook-id'] ?? ''
  const seconds = headers['webhook-timestamp'] ?? ''
  const signature = createHmac('sha256', KEY).update(`${id}.${seconds}.${body}`).digest('base64')
  expect(headers['webhook-signature']).toBe(`v1,${signature}`)
  expect(JSON.parse(body)).toMatchObject({
    type: 'incident.opened',
    timestamp: '2026-11-23T09:00:00.000Z',
    data: { incident: { service: 'api', severity: 'sev2' }, address: 'incident/0.0', who: 'cloudwatch' },
  })
  expect(Buffer.byteLength(body)).toBeLessThan(20_000)
})

test('what is not taken is sent again after 5 s, 5 m, 30 m and 2 h, under the same id', async () => {
  const { stack, sent } = hookedStack({ events: ['incident.opened'] }, [500, 0, 429, 503])
  await opened(stack, 3 * 60)
  const [first] = sent as [Delivered]
  expect(sent.map(({ atMs }) => Math.round((atMs - first.atMs) / 1_000))).toEqual([0, 5, 305, 2_105, 9_305])
  expect(new Set(sent.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect(await listFailures(stack.storage, 10)).toEqual([])
})

test('after the last attempt it is a failure that is listed, and can be sent again', async () => {
  const { stack, sent } = hookedStack(
    { events: ['incident.opened'] },
    Array.from({ length: 10 }, () => 500),
  )
  const id = await opened(stack, 77 * 60)
  expect(sent).toHaveLength(10)
  const listed = await stack.command({ verb: 'hook-failures' })
  expect(listed).toMatchObject({
    answer: {
      failures: [
        { hook: 'audit', incidentId: id, address: 'incident/0.0', reason: 'answered 500', attempts: 10 },
      ],
    },
  })
  const again = { verb: 'hook-replay', hook: 'audit', incidentId: id, address: 'incident/0.0', by: ANN }
  expect(await stack.command(again)).toMatchObject({ is: 'answer' })
  await play(stack, 1)
  expect(sent).toHaveLength(11)
  expect(await stack.command({ ...again, hook: 'other' })).toMatchObject({ is: 'problem', code: 'not-found' })
  expect(await stack.command({ ...again, address: 'incident/99.0' })).toMatchObject({
    is: 'problem',
    code: 'not-found',
  })
}, 120_000)

test('what a hook is not told of cannot be sent to it again either', async () => {
  const { stack, sent } = hookedStack({ events: ['incident.noted'] }, [])
  const id = await opened(stack)
  const again = { verb: 'hook-replay', hook: 'audit', incidentId: id, address: 'incident/0.0', by: ANN }
  expect(await stack.command(again)).toMatchObject({ is: 'problem', code: 'not-found' })
  await play(stack, 1)
  expect(sent).toHaveLength(0)
})

test('an endpoint that is gone is not asked again, until it has another address', async () => {
  const { stack, sent } = hookedStack({ events: ['incident.opened', 'incident.noted'] }, [410])
  const id = await opened(stack)
  await addNote(stack.app, id, ANN, 'hello')
  await play(stack, 1)
  expect(sent).toHaveLength(1)
  expect((await listFailures(stack.storage, 10)).map(({ reason }) => reason)).toEqual([
    'the endpoint has said that it is gone',
    'answered 410',
  ])
  Object.assign(stack.app.catalogue.hooks?.['audit'] ?? {}, { url: `${URL_OF}/new` })
  await addNote(stack.app, id, ANN, 'hello again')
  await play(stack, 1)
  expect(sent).toHaveLength(2)
})

test.each([
  'https://10.0.0.7/x',
  'https://169.254.169.254/latest/meta-data',
  'https://[::1]/x',
  'https://localhost/x',
])('nothing is posted to %s', async (url) => {
  const { stack, sent } = hookedStack({ url })
  await opened(stack)
  expect(sent).toEqual([])
  expect(stack.account.inbox.filter(({ via }) => via === 'webhook')).toEqual([])
  expect((await listFailures(stack.storage, 10))[0]?.reason).toContain('is not a public address')
})

test('a hook that does not answer delays no mitigation', async () => {
  const { stack } = hookedStack(
    {},
    Array.from({ length: 50 }, () => 0),
  )
  fire(stack)
  await play(stack, 0.2)
  expect(desired(stack)).toBe(9)
})

test('a hook is told of its services only', async () => {
  const { stack, sent } = hookedStack({ services: ['other'] })
  await opened(stack)
  expect(sent).toEqual([])
})

test.each<[what: string, text: string, code: string]>([
  [
    'a secret that is written out',
    'audit: { url: "https://a.example.com", secret: whsec_abc }',
    'LITERAL_SECRET',
  ],
  ['an address without https', 'audit: { url: "http://a.example.com", secret: "env:A" }', 'BAD_FORMAT'],
  [
    'a service that there is not',
    'audit: { url: "https://a.example.com", secret: "env:A", services: [shop] }',
    'UNKNOWN_SERVICE',
  ],
  [
    'a kind that is none',
    'audit: { url: "https://a.example.com", secret: "env:A", events: [everything] }',
    'WRONG_VALUE',
  ],
])('%s in hooks.yaml is a mistake', (_what, text, code) => {
  expect(compile({ path: 'hooks.yaml', text }).diagnostics.map((one) => one.code)).toContain(code)
})

test('a hook may ask for every kind of entry that there is', () => {
  const kinds = entrySchema.options.flatMap((option) => [...option.shape.kind.values])
  expect([...ENTRY_KINDS].toSorted()).toEqual(kinds.toSorted())
})
