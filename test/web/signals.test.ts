import { asAlarmAction } from '../../sim/calm.ts'
import {
  calmStack,
  catalogueOf,
  entriesOfKind,
  incidentsOf,
  play,
  runbookText,
  transition,
} from '../line/calm.ts'
import { ask } from './asked.ts'

const stackOf = () => calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }')]))
const send = (stack: ReturnType<typeof stackOf>, body: unknown, over: object = {}) =>
  ask(stack, '/v1/signals', { body, role: 'responder', ...over })

test('an event that is sent starts what its alarm triggers, and is told what became of it', async () => {
  const stack = stackOf()
  const { status, body } = await send(stack, transition(stack.account, 'ALARM'))
  expect([status, body]).toEqual([
    202,
    { parts: [expect.objectContaining({ is: 'accepted', effect: 'opened' })] },
  ])
  await play(stack, 1)
  expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(1)
})

test('sent again, or by another path, it starts nothing (G1)', async () => {
  const stack = stackOf()
  const event = transition(stack.account, 'ALARM')
  await send(stack, event)
  await play(stack, 1)
  expect((await send(stack, event)).body).toMatchObject({ parts: [{ is: 'verdict', code: 'duplicate' }] })
  await send(stack, asAlarmAction(event))
  expect(await incidentsOf(stack)).toHaveLength(1)
  expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(1)
})

test.each([
  ['no JSON', '{"half', 'not-json'],
  ['an object that no parser knows', '{"a":1}', 'unknown-source'],
  ['a number', '7', 'unknown-source'],
])('%s is refused on record, and the sender need not send it again', async (_what, body, code) => {
  const answered = await send(stackOf(), body)
  expect([answered.status, answered.body]).toMatchObject([202, { parts: [{ is: 'verdict', code }] }])
})

test.each([
  ['nothing', ' ', 400, 'bad-request'],
  ['more than a mebibyte', `"${'x'.repeat(1024 * 1024)}"`, 413, 'too-large'],
])('%s is not taken', async (_what, body, status, code) => {
  expect(await send(stackOf(), body)).toMatchObject({ status, body: { code } })
})

test.each([
  ['a reader', { role: 'reader' }, 403],
  ['somebody who is limited to some services', { role: 'admin', services: ['api'] }, 403],
  ['nobody', { role: 'nobody' }, 401],
] as const)('%s may not send any', async (_who, over, status) => {
  const stack = stackOf()
  expect((await send(stack, transition(stack.account, 'ALARM'), over)).status).toBe(status)
  expect(await incidentsOf(stack)).toEqual([])
})

test('an alert of a mebibyte but one is taken, where a request of a person may have 64 kB', async () => {
  const stack = stackOf()
  const body = JSON.stringify({ a: 'x'.repeat(1_000_000) })
  expect((await send(stack, body)).status).toBe(202)
  expect((await ask(stack, '/v1/executions', { body, key: 'k' })).status).toBe(413)
})
