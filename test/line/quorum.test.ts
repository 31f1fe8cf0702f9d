import type { Decision, Person } from '../../lib/decide.ts'
import type { Stack } from '../../sim/stack.ts'
import { ANN, BOB, calmStack, catalogueOf, desired, entriesOfKind, fire, play, runbookText } from './calm.ts'

const EVE = { name: 'eve', via: 'slack' }
const LEADS = 'arn:aws:sns:eu-west-1:123456789012:leads'
const SCALE = '- scale_out: { ecs: api, by: 50% }'

function asking(rules: string): Stack {
  return calmStack(catalogueOf([runbookText(`${SCALE}\n  approve: { by: sre, timeout: 5m, ${rules} }`)]))
}

async function decide(stack: Stack, verb: 'approve' | 'deny', by: Person, over: object = {}) {
  const [{ stream: id } = { stream: '' }] = await entriesOfKind(stack, 'execution.started')
  return stack.command({ verb, id, by, ...over })
}

const refusedAs = (code: Extract<Decision, { is: 'refused' }>['code'], message: string) => ({
  is: 'problem',
  code,
  message: expect.stringContaining(message),
})

test('a step that takes two people is done when two different ones have approved, and not before', async () => {
  const stack = asking('quorum: 2')
  fire(stack)
  await play(stack, 1)
  expect(await decide(stack, 'approve', ANN)).toMatchObject({
    answer: { text: expect.stringMatching(/^approved scale_out .*; 1 of the 2 it takes$/) },
  })
  await play(stack, 1)
  expect(desired(stack)).toBe(6)
  expect(await decide(stack, 'approve', BOB)).toMatchObject({
    answer: { text: expect.stringMatching(/^approved scale_out \(plan [0-9a-f]+\)$/) },
  })
  await play(stack, 1)
  expect(desired(stack)).toBe(9)
})

test('the same person is one, by whichever surface, and is told so', async () => {
  const stack = asking('quorum: 2')
  fire(stack)
  await play(stack, 1)
  await decide(stack, 'approve', ANN)
  expect(await decide(stack, 'approve', { ...ANN, via: 'slack' })).toEqual(
    refusedAs('nothing-asked', 'ann has approved scale_out already; it takes 2 different people'),
  )
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
  expect(await entriesOfKind(stack, 'approval.expired')).toHaveLength(1)
})

test('one who denies decides, however many have approved', async () => {
  const stack = asking('quorum: 3')
  fire(stack)
  await play(stack, 1)
  await decide(stack, 'approve', ANN)
  await decide(stack, 'approve', BOB)
  await decide(stack, 'deny', EVE)
  expect(await decide(stack, 'approve', { name: 'dan', via: 'cli' })).toEqual(
    refusedAs('nothing-asked', 'denied already, by eve'),
  )
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
})

test('two who approve at the same moment are both heard', async () => {
  const stack = asking('quorum: 2')
  fire(stack)
  await play(stack, 1)
  await Promise.all([decide(stack, 'approve', ANN), decide(stack, 'approve', BOB)])
  await play(stack, 1)
  expect(desired(stack)).toBe(9)
})

async function startedByAnn(): Promise<Stack> {
  const stack = asking('not_self: true')
  await stack.command({ verb: 'run', runbook: 'spike', key: 'k', by: ANN, reason: 'slow' })
  await play(stack, 1)
  return stack
}

test('whoever has started it may not approve it, and somebody else may', async () => {
  const stack = await startedByAnn()
  expect(await decide(stack, 'approve', ANN)).toEqual(
    refusedAs('forbidden', 'ann has started it: somebody else must approve'),
  )
  await play(stack, 1)
  expect(desired(stack)).toBe(6)
  expect(await decide(stack, 'approve', BOB)).toMatchObject({ is: 'answer' })
  await play(stack, 1)
  expect(desired(stack)).toBe(9)
})

test('whoever has started it may deny it', async () => {
  const stack = await startedByAnn()
  expect(await decide(stack, 'deny', ANN)).toMatchObject({ is: 'answer' })
  expect(await decide(stack, 'approve', BOB)).toMatchObject({ is: 'problem' })
  await play(stack, 1)
  expect(desired(stack)).toBe(6)
})

test('nobody has started what an alarm starts: anybody may approve it', async () => {
  const stack = asking('not_self: true')
  fire(stack)
  await play(stack, 1)
  expect(await decide(stack, 'approve', ANN)).toMatchObject({ is: 'answer' })
})

test('a runbook says how its whole plan is asked for, and of whom', async () => {
  const oncall = (text: string) => `${text}\nleads:\n  channels: [{ sns: { topic_arn: "${LEADS}" } }]\n`
  const text = runbookText(
    SCALE,
    'mode: approve\napprove: { by: leads, quorum: 2, timeout: 2m, on_timeout: stop }',
  )
  const stack = calmStack(catalogueOf([text], { oncall }))
  stack.account.world.topics.push(LEADS)
  fire(stack)
  await play(stack, 1)
  expect(await entriesOfKind(stack, 'approval.requested')).toMatchObject([
    { subject: 'plan', by: 'leads', quorum: 2, onTimeout: 'stop' },
  ])
  expect(await entriesOfKind(stack, 'execution.escalated')).toMatchObject([{ to: 'oncall@leads' }])
  await decide(stack, 'approve', ANN)
  await play(stack, 5)
  // One of two in time is nobody.
  expect(desired(stack)).toBe(6)
  expect(await entriesOfKind(stack, 'execution.finished')).toHaveLength(1)
  expect(stack.account.inbox.map(({ to }) => to)).toContain(LEADS)
})
