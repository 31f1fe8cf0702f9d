import { throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import { calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from './calm.ts'
import { START_AT_MS } from './world.ts'

const TOPIC = (name: string) => `arn:aws:sns:eu-west-1:123456789012:${name}`
const MONDAY = '2026-11-23'

/** Ann until nine by the clock in Berlin, then Bob. */
const ONCALL = (channels: string) => `
people:
  ann: { channels: [{ sns: { topic_arn: "${TOPIC('ann')}" } }] }
  bob: { channels: [{ sns: { topic_arn: "${TOPIC('bob')}" } }] }
schedules:
  primary:
    time_zone: UTC
    layers: [{ people: [ann, bob], from: "${MONDAY}T08:00", turn: 1h }]
sre: { schedule: primary${channels} }
`

function stackWith(channels = ''): Stack {
  const catalogue = catalogueOf([runbookText('- notify: oncall@sre')], { oncall: () => ONCALL(channels) })
  const stack = calmStack(catalogue)
  stack.account.world.topics.push(TOPIC('ann'), TOPIC('bob'), TOPIC('team'))
  return stack
}

test('whoever is on call when the page is planned is paged, by channels of their own, and is on record with it', async () => {
  const stack = stackWith()
  expect(new Date(START_AT_MS).toISOString()).toBe(`${MONDAY}T09:00:00.000Z`)
  fire(stack)
  await play(stack, 2)
  expect(await entriesOfKind(stack, 'step.intended')).toMatchObject([
    {
      change: {
        after: { person: 'bob', channels: [{ topicArn: TOPIC('bob') }] },
        summary: 'page bob of sre by sns',
      },
    },
  ])
  expect(stack.account.inbox.map(({ to }) => to)).toEqual([TOPIC('bob')])
})

test('where none of theirs accepts it, the channels of the team do', async () => {
  const stack = stackWith(`, channels: [{ sns: { topic_arn: "${TOPIC('team')}" } }]`)
  stack.account.world.topics = stack.account.world.topics.filter((topic) => topic !== TOPIC('bob'))
  fire(stack)
  await play(stack, 2)
  expect(stack.account.inbox.map(({ to }) => to)).toEqual([TOPIC('team')])
})

test('a page that is sent again after a hand-off goes to whoever was on call when it was planned, under its key', async () => {
  const stack = stackWith()
  // Five seconds before Ann's turn.
  stack.account.advance(59 * 60_000 + 55_000)
  throttle(stack.account.world, 'sns:Publish', 2)
  fire(stack)
  await play(stack, 5)
  const intents = await entriesOfKind(stack, 'step.intended')
  expect(intents.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  expect(new Set(intents.map(({ change }) => JSON.stringify(change.after))).size).toBe(1)
  expect(stack.account.inbox.map(({ to, atMs }) => [to, atMs > START_AT_MS + 60 * 60_000])).toEqual([
    [TOPIC('bob'), true],
  ])
})
