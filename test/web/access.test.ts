import type { ClaimGrant, Role } from '../../lib/runbook/runbook.ts'
import { calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from '../line/calm.ts'
import { ask } from './asked.ts'

const stackOf = () => calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]))
const DAY_MS = 86_400_000

async function opened() {
  const stack = stackOf()
  fire(stack)
  await play(stack, 1)
  const [{ stream } = { stream: '' }] = await entriesOfKind(stack, 'execution.started')
  return { stack, executionId: stream, incidentId: stream.slice(0, 16) }
}

const START = { runbook: 'spike', reason: 'slow' }

/** What is asked, and the least role that may. */
const CASES: readonly [what: string, least: Role, path: (id: string) => string, body?: object][] = [
  ['the list', 'reader', () => '/v1/incidents'],
  ['an incident', 'reader', (id) => `/v1/incidents/${id}`],
  ['its records', 'reader', (id) => `/v1/incidents/${id}/records`],
  ['a plan', 'reader', () => '/v1/runbooks/spike/plan'],
  ['reasons', 'reader', (id) => `/v1/reasons/${id}`],
  ['the status', 'reader', () => '/v1/status'],
  ['a start', 'responder', () => '/v1/executions', START],
  ['an acknowledgment', 'responder', (id) => `/v1/incidents/${id}/acknowledgments`, {}],
  ['a note', 'responder', (id) => `/v1/incidents/${id}/notes`, { note: 'n' }],
  ['a mitigation', 'responder', (id) => `/v1/incidents/${id}/mitigations`, { reason: 'r' }],
  ['a resolution', 'responder', (id) => `/v1/incidents/${id}/resolutions`, { reason: 'r' }],
  ['a pause', 'responder', () => '/v1/pauses', { scope: { is: 'all' }, reason: 'r' }],
  ['a start despite a freeze', 'approver', () => '/v1/executions', { ...START, despiteFreeze: true }],
  ['a resumption', 'approver', () => '/v1/resumptions', { scope: { is: 'all' } }],
]
const ROLES: readonly Role[] = ['reader', 'responder', 'approver', 'admin']

describe.each(CASES)('%s takes the role %s', (_what, least, path, body) => {
  test.each(ROLES)('of a %s', async (role) => {
    const { stack, incidentId } = await opened()
    const { status, body: answer } = await ask(stack, path(incidentId), {
      role,
      key: 'k',
      ...(body ? { body } : {}),
    })
    const may = ROLES.indexOf(role) >= ROLES.indexOf(least)
    expect(may ? [status < 300] : [status, answer['code']]).toEqual(may ? [true] : [403, 'forbidden'])
  })

  test('of somebody known, and nobody else', async () => {
    const { stack, incidentId } = await opened()
    const asked = { role: 'nobody', key: 'k', ...(body ? { body } : {}) } as const
    const answered = await ask(stack, path(incidentId), asked)
    expect(answered).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    expect(answered.headers.get('www-authenticate')).toBe('Bearer')
  })
})

test.each(['approve', 'deny'] as const)('who may %s is an approver', async (decision) => {
  const { stack, executionId } = await opened()
  const path = `/v1/executions/${executionId}/decisions`
  const asked = { body: { decision }, key: 'k' }
  expect((await ask(stack, path, { ...asked, role: 'responder' })).status).toBe(403)
  // Nothing is asked; but that is told to those who may know.
  expect((await ask(stack, path, { ...asked, role: 'approver' })).status).toBe(409)
})

test('whoever is limited to other services sees nothing, changes nothing, and is not told that it is there', async () => {
  const { stack, incidentId, executionId } = await opened()
  const limited = { services: ['web'] } as const
  expect((await ask(stack, '/v1/incidents', limited)).body).toEqual({ items: [], next: null })
  const absent = await ask(stack, '/v1/incidents/inc-000000000000', limited)
  const hidden = await ask(stack, `/v1/incidents/${incidentId}`, limited)
  expect([hidden.status, hidden.body['code']]).toEqual([absent.status, absent.body['code']])
  expect(String(hidden.body['detail']).replace(incidentId, 'X')).toBe(
    String(absent.body['detail']).replace('inc-000000000000', 'X'),
  )
  const abort = { ...limited, body: { reason: 'r' } }
  expect((await ask(stack, `/v1/executions/${executionId}/aborts`, abort)).status).toBe(404)
  expect((await ask(stack, '/v1/executions', { ...limited, body: START, key: 'k' })).status).toBe(403)
  expect(
    (await ask(stack, '/v1/pauses', { ...limited, body: { scope: { is: 'all' }, reason: 'r' } })).status,
  ).toBe(403)
  expect(await entriesOfKind(stack, 'execution.aborted')).toEqual([])
  const own = { services: ['api'] }
  expect((await ask(stack, `/v1/incidents/${incidentId}`, own)).status).toBe(200)
  expect((await ask(stack, '/v1/executions', { ...own, body: START, key: 'k' })).status).toBe(202)
})

test.each([
  ['another token', 'Bearer t-bob'],
  ['its hash', 'Bearer 1f3c0e4e0b5b2f3a'],
  ['another scheme', 'Basic dC1hbm46'],
  ['a token of a kilobyte', `Bearer ${'x'.repeat(1_000)}`],
  ['no token', 'Bearer '],
])('%s is nobody', async (_what, authorization) => {
  const answered = await ask(stackOf(), '/v1/status', { headers: { authorization } })
  expect(answered).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  expect(answered.text).not.toContain('t-bob')
})

test('a token is good until its day is over', async () => {
  const stack = stackOf()
  expect((await ask(stack, '/v1/status')).status).toBe(200)
  const { ports } = stack.app
  const late = {
    ...stack,
    app: { ...stack.app, ports: { ...ports, clock: { now: () => stack.account.now() + DAY_MS } } },
  }
  expect((await ask(late, '/v1/status')).status).toBe(401)
})

test('whoever signs is known by its session, and a principal that nobody has named may nothing', async () => {
  const { stack, incidentId } = await opened()
  const sessions = 'arn:aws:sts::123456789012:assumed-role'
  const path = `/v1/incidents/${incidentId}/acknowledgments`
  const known = await ask(stack, path, { body: {}, principal: `${sessions}/on-call/ann@example.com` })
  expect(known.status).toBe(200)
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toMatchObject([
    { actor: { name: 'ann@example.com', via: 'api' } },
  ])
  const stranger = await ask(stack, path, { body: {}, principal: `${sessions}/build/x` })
  expect(stranger).toMatchObject({ status: 403, body: { code: 'forbidden' } })
})

describe('whoever has signed in with an identity provider', () => {
  const ANN = { sub: 'u-1', email: 'ann@example.com', groups: '[sre on-call]' }
  const ofGroup = { claim: 'groups', has: 'on-call', role: 'responder' } as const

  async function acknowledged(claims: { readonly [claim: string]: string }, grants: readonly ClaimGrant[]) {
    const { stack, incidentId } = await opened()
    const path = `/v1/incidents/${incidentId}/acknowledgments`
    const { status } = await ask(stack, path, { body: {}, claims, grants })
    const [entry] = await entriesOfKind(stack, 'incident.acknowledged')
    return [status, entry?.actor.is === 'person' ? entry.actor.name : undefined]
  }

  test.each<[what: string, grant: ClaimGrant]>([
    ['a member of a list', ofGroup],
    ['a list of one', { claim: 'email', has: 'ann@example.com', role: 'responder' }],
    ['a text', { claim: 'email', is: 'ann@example.com', role: 'responder' }],
    ['a pattern', { claim: 'email', is: '*@example.com', role: 'responder' }],
  ])('may what is granted by %s, and is on record by the claim that is named', async (_what, grant) => {
    expect(await acknowledged(ANN, [grant])).toEqual([200, 'ann@example.com'])
  })

  test.each<[what: string, claims: { readonly [claim: string]: string }, grant: ClaimGrant]>([
    ['another member', { ...ANN, groups: '[sre on-call-readers]' }, ofGroup],
    ['no such claim', { sub: 'u-1', email: 'ann@example.com' }, ofGroup],
    [
      'a text that looks like a list, where a text is asked for',
      { ...ANN, email: '[x ann@example.com]' },
      { claim: 'email', is: 'ann@example.com', role: 'admin' },
    ],
    ['no name', { sub: 'u-1', groups: '[on-call]' }, ofGroup],
    ['a claim of every object', ANN, { claim: 'constructor', is: '*', role: 'admin' }],
  ])('may nothing with %s, whatever token comes along', async (_what, claims, grant) => {
    expect(await acknowledged(claims, [grant])).toEqual([403, undefined])
  })
})

test('a claim that is handed on as a list has its members between spaces, and commas are part of a name', async () => {
  const { bySignIn } = await import('../../lib/access.ts')
  const access = (has: string) => ({
    tokens: [],
    principals: [],
    signedIn: { nameClaim: 'sub', grants: [{ claim: 'groups', has, role: 'admin' as const }] },
  })
  expect(bySignIn(access('ops'), { sub: 'ann', groups: '[sre ops]' })?.role).toBe('admin')
  expect(bySignIn(access('admin'), { sub: 'ann', groups: '[my,admin,friends]' })).toBeUndefined()
})
