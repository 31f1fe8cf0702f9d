import { addNote } from '../../lib/decide.ts'
import { PROBLEMS } from '../../lib/problems.ts'
import { OPERATIONS } from '../../web/operations.ts'
import {
  ANN,
  asking,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  play,
  runbookText,
} from '../line/calm.ts'
import { ask } from './asked.ts'

const stackOf = () => calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]))
const START = { runbook: 'spike', reason: 'the site is slow' }

async function opened() {
  const stack = stackOf()
  fire(stack)
  await play(stack, 1)
  const { body } = await ask(stack, '/v1/incidents')
  const [{ incidentId } = { incidentId: '' }] = body['items'] as readonly { readonly incidentId: string }[]
  return { stack, incidentId }
}

describe('a start', () => {
  test('is accepted, says where to look, and is on record with who and why', async () => {
    const stack = stackOf()
    const { status, headers, body } = await ask(stack, '/v1/executions', { body: START, key: 'k-1' })
    expect([status, headers.get('location')]).toEqual([202, `/v1/executions/${String(body['executionId'])}`])
    await play(stack, 5)
    expect(desired(stack)).toBe(9)
    expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
      { occasion: { is: 'manual', by: 'ann', via: 'api', reason: START.reason, key: 'k-1' } },
    ])
    const shown = await ask(stack, headers.get('location') ?? '')
    expect(shown.body).toMatchObject({ streams: [{ stream: body['executionId'], status: 'succeeded' }] })
  })

  test('that is repeated with its key starts nothing twice, and is answered as before (G1)', async () => {
    const stack = stackOf()
    const first = await ask(stack, '/v1/executions', { body: START, key: 'k-1' })
    const again = await ask(stack, '/v1/executions', { body: START, key: '"k-1"' })
    expect([again.status, again.body]).toEqual([202, first.body])
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(1)
    const other = await ask(stack, '/v1/executions', { body: { ...START, reason: 'another' }, key: 'k-1' })
    expect(other).toMatchObject({ status: 422, body: { code: 'key-reused' } })
  })

  test.each([
    ['without a key', {}, 400, 'key-missing'],
    ['with an empty key', { key: '' }, 400, 'bad-request'],
    ['with a key that no header can show', { key: 'a"b' }, 400, 'bad-request'],
  ])('%s is refused', async (_what, asked, status, code) => {
    const stack = stackOf()
    expect(await ask(stack, '/v1/executions', { body: START, ...asked })).toMatchObject({
      status,
      body: { code },
    })
    expect(await entriesOfKind(stack, 'execution.started')).toEqual([])
  })
})

describe('a decision', () => {
  const approve = { decision: 'approve' }

  test('is one append, and a repeat with its key is answered as the first', async () => {
    const { stack, stream } = await asking('5m')
    const path = `/v1/executions/${stream}/decisions`
    const first = await ask(stack, path, { body: approve, key: 'd-1' })
    expect(first).toMatchObject({ status: 200, body: { text: expect.stringMatching(/^approved scale_out/) } })
    expect((await ask(stack, path, { body: approve, key: 'd-1' })).body).toEqual(first.body)
    expect(await ask(stack, path, { body: { decision: 'deny' }, key: 'd-1' })).toMatchObject({
      status: 422,
      body: { code: 'key-reused' },
    })
    expect(await entriesOfKind(stack, 'step.approved')).toHaveLength(1)
  })

  test('that comes second is told who was first', async () => {
    const { stack, stream } = await asking('5m')
    const path = `/v1/executions/${stream}/decisions`
    await ask(stack, path, { body: approve, key: 'd-1' })
    expect(await ask(stack, path, { body: approve, key: 'd-2' })).toMatchObject({
      status: 409,
      body: { code: 'nothing-asked', detail: 'scale_out was approved already, by ann' },
    })
  })

  test('about another plan than the one that stands there is refused', async () => {
    const { stack, stream } = await asking('5m')
    const body = { decision: 'approve', digest: 'another' }
    expect(await ask(stack, `/v1/executions/${stream}/decisions`, { body, key: 'd-1' })).toMatchObject({
      status: 409,
      body: { code: 'changed' },
    })
    expect(await entriesOfKind(stack, 'step.approved')).toEqual([])
  })
})

test('a note that is sent twice stands on the timeline once; another person may use the same key', async () => {
  const { stack, incidentId } = await opened()
  const path = `/v1/incidents/${incidentId}/notes`
  for (let times = 0; times < 2; times++)
    expect((await ask(stack, path, { body: { note: 'looks like DNS' }, key: 'n-1' })).status).toBe(200)
  await addNote(stack.app, incidentId, { ...ANN, name: 'bob', key: 'n-1' }, 'it is not DNS')
  expect((await entriesOfKind(stack, 'incident.noted')).map(({ note }) => note)).toEqual([
    'looks like DNS',
    'it is not DNS',
  ])
})

test('acknowledge, mitigate, resolve, abort, pause and resume do what the command line does', async () => {
  const { stack, stream } = await asking('5m')
  const incidentId = stream.slice(0, 16)
  const post = async (path: string, body: object) => (await ask(stack, path, { body })).status
  expect(await post('/v1/pauses', { scope: { is: 'service', name: 'api' }, reason: 'enough' })).toBe(200)
  expect((await ask(stack, '/v1/status')).body).toMatchObject({ paused: [{ by: 'ann', reason: 'enough' }] })
  expect(await post('/v1/resumptions', { scope: { is: 'service', name: 'api' } })).toBe(200)
  expect(await post('/v1/pauses', { scope: { is: 'all' }, reason: 'all of it' })).toBe(200)
  expect(await post('/v1/resumptions', { scope: { is: 'all' } })).toBe(200)
  expect(await post(`/v1/incidents/${incidentId}/acknowledgments`, {})).toBe(200)
  expect(await post(`/v1/incidents/${incidentId}/mitigations`, { reason: 'weight is off' })).toBe(200)
  expect(await post(`/v1/executions/${stream}/aborts`, { reason: 'by hand' })).toBe(200)
  expect(await post(`/v1/incidents/${incidentId}/resolutions`, { reason: 'over' })).toBe(200)
  await play(stack, 2)
  const { body } = await ask(stack, `/v1/incidents/${incidentId}`)
  expect(body).toMatchObject({ incident: { status: 'resolved' }, streams: [{ status: 'aborted' }] })
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toMatchObject([
    { actor: { name: 'ann', via: 'api' } },
  ])
})

test('a plan, reasons and records are read, and nothing is changed by it', async () => {
  const { stack, incidentId } = await opened()
  const effects = desired(stack)
  expect((await ask(stack, '/v1/runbooks/spike/plan')).body).toMatchObject({ format: 'firebreak.plan/1' })
  expect((await ask(stack, `/v1/reasons/${incidentId}`)).body).toMatchObject({ is: 'executions' })
  expect((await ask(stack, `/v1/incidents/${incidentId}/records`)).body).toMatchObject({
    format: 'firebreak.records/1',
    incidentId,
  })
  expect(desired(stack)).toBe(effects)
})

test('what has not changed is not sent again', async () => {
  const { stack, incidentId } = await opened()
  const first = await ask(stack, `/v1/incidents/${incidentId}`)
  const etag = first.headers.get('etag') ?? ''
  const again = await ask(stack, `/v1/incidents/${incidentId}`, { headers: { 'if-none-match': etag } })
  expect([again.status, again.text]).toEqual([304, ''])
  await addNote(stack.app, incidentId, ANN, 'something new')
  await ask(stack, `/v1/incidents/${incidentId}/acknowledgments`, { body: {} })
  const changed = await ask(stack, `/v1/incidents/${incidentId}`, { headers: { 'if-none-match': etag } })
  expect(changed.status).toBe(200)
})

describe('what is no request', () => {
  test.each([
    ['a body that is no JSON', '/v1/executions', { body: '{', key: 'k' }, 400, 'bad-request'],
    [
      'a body of another type',
      '/v1/executions',
      { body: 'a=b', key: 'k', headers: { 'content-type': 'text/plain' } },
      415,
      'unsupported-type',
    ],
    [
      'a body without a member',
      '/v1/executions',
      { body: { runbook: 'spike' }, key: 'k' },
      400,
      'bad-request',
    ],
    [
      'a body with a member too many',
      '/v1/executions',
      { body: { ...START, verb: 'abort' }, key: 'k' },
      400,
      'bad-request',
    ],
    [
      'whoever names another person',
      '/v1/executions',
      { body: { ...START, by: ANN }, key: 'k' },
      400,
      'bad-request',
    ],
    [
      'a prototype',
      '/v1/executions',
      { body: '{"__proto__":{"runbook":"spike","reason":"r"}}', key: 'k' },
      400,
      'bad-request',
    ],
    [
      'a body of a megabyte',
      '/v1/executions',
      { body: { ...START, reason: 'x'.repeat(1_000_000) }, key: 'k' },
      413,
      'too-large',
    ],
    [
      'a reason of two thousand characters',
      '/v1/executions',
      { body: { ...START, reason: 'x'.repeat(2_000) }, key: 'k' },
      400,
      'bad-request',
    ],
    [
      'a runbook that there is not',
      '/v1/executions',
      { body: { ...START, runbook: 'no' }, key: 'k' },
      404,
      'not-found',
    ],
    ['an id of nothing', '/v1/incidents/inc-000000000000', {}, 404, 'not-found'],
    [
      'a timeline as a picture',
      '/v1/incidents/inc-000000000000/timeline',
      { headers: { accept: 'image/png' } },
      406,
      'not-acceptable',
    ],
    [
      'a timeline in a format of nothing',
      '/v1/incidents/inc-000000000000/timeline?format=doc',
      {},
      406,
      'not-acceptable',
    ],
    ['a timeline of nothing', '/v1/incidents/inc-000000000000/timeline', {}, 404, 'not-found'],
    ['no id', '/v1/incidents/..%2f..%2fetc', {}, 400, 'bad-request'],
    ['a path of nothing', '/v1/nothing', {}, 404, 'not-found'],
    ['a method of nothing', '/v1/incidents', { method: 'DELETE' }, 405, 'method-not-allowed'],
    ['a limit of nothing', '/v1/incidents?limit=0', {}, 400, 'bad-request'],
    ['a filter of nothing', '/v1/incidents?colour=red', {}, 400, 'bad-request'],
    ['a cursor of nothing', '/v1/incidents?cursor=eyJhdE1zIjoi', {}, 400, 'bad-request'],
    ['a problem of nothing', '/problems/constructor', {}, 404, 'not-found'],
  ])('%s is a problem that says so', async (_what, path, asked, status, code) => {
    const stack = stackOf()
    const answered = await ask(stack, path, asked)
    expect(answered).toMatchObject({
      status,
      body: { status, code, requestId: 'r-1', type: `/problems/${code}` },
    })
    expect(answered.headers.get('content-type')).toBe('application/problem+json')
    expect(await entriesOfKind(stack, 'execution.started')).toEqual([])
    const explained = await ask(stack, String(answered.body['type']), { role: 'nobody' })
    expect(explained.body).toEqual({ code, ...PROBLEMS[code as keyof typeof PROBLEMS] })
  })

  test('an error of the store is a 500 that tells nothing of it, and the log has it', async () => {
    const stack = stackOf()
    const lines: string[] = []
    const { ports } = stack.app
    Object.assign(stack.app, {
      ports: {
        ...ports,
        storage: { ...ports.storage, query: () => Promise.reject(new Error('secret of the store')) },
        log: { ...ports.log, error: (message: string) => void lines.push(message) },
      },
    })
    const answered = await ask(stack, '/v1/incidents/inc-000000000000')
    expect(answered).toMatchObject({ status: 500, body: { code: 'internal' } })
    expect(answered.text).not.toContain('secret')
    expect(lines.join()).toContain('secret of the store')
  })
})

test('the list goes on where it stopped, also among incidents of the same millisecond', async () => {
  const alarms = Array.from({ length: 9 }, (_unused, index) => `api-${index}`)
  const stack = calmStack(
    catalogueOf([runbookText('- notify: { to: oncall@sre }', 'triggers: [{ alarm: "api-*" }]')]),
    { alarms },
  )
  for (const alarm of alarms.slice(0, 6)) fire(stack, 'ALARM', alarm)
  await play(stack, 1)
  for (const alarm of alarms.slice(6)) fire(stack, 'ALARM', alarm)
  await play(stack, 1)
  const whole = (await ask(stack, '/v1/incidents?limit=100')).body['items'] as readonly object[]
  expect(whole).toHaveLength(9)
  const seen: object[] = []
  let path = '/v1/incidents?limit=2&status=open'
  for (let pages = 0; path !== '' && pages < 10; pages++) {
    const { body, headers } = await ask(stack, path)
    seen.push(...(body['items'] as readonly object[]))
    path = /<(.*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1] ?? ''
    expect(body['next'] === null).toBe(path === '')
  }
  expect(seen).toEqual(whole)
  expect((await ask(stack, '/v1/incidents?status=resolved')).body).toEqual({ items: [], next: null })
  expect((await ask(stack, '/v1/incidents?service=other')).body).toEqual({ items: [], next: null })
})

test('the description names every operation, its form and its parameters', async () => {
  const { body } = await ask(stackOf(), '/openapi.json', { role: 'nobody' })
  const paths = body['paths'] as {
    readonly [path: string]: { readonly [method: string]: { readonly operationId: string } }
  }
  for (const { path, method } of OPERATIONS) expect(paths[path]?.[method]).toBeDefined()
  const ids = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  )
  expect(new Set(ids).size).toBe(ids.length)
  expect(paths['/v1/executions']?.['post']).toMatchObject({
    requestBody: {
      content: {
        'application/json': { schema: { required: ['runbook', 'reason'], additionalProperties: false } },
      },
    },
    parameters: [{ name: 'Idempotency-Key', in: 'header', required: true }],
    responses: { 202: {} },
  })
})
