import { acknowledge, addNote } from '../../lib/decide.ts'
import { readPosted } from '../../lib/ledger/posted.ts'
import { tellIncident } from '../../web/slack/tell.ts'
import { ANN, BOB, desired, entriesOfKind, fire, play } from '../line/calm.ts'
import { onlyIncident } from '../line/world.ts'
import { buttonsOf, channelOf, chatStack, threadOf } from './workspace.ts'

test('an incident is one message, edited as it goes on; what must be noticed is said in its thread, once', async () => {
  const stack = chatStack(
    '- scale_out: { ecs: api, by: 50% }\n- check: { alarm: ok, samples: 1, every: 30s, within: 10m }',
  )
  fire(stack)
  await play(stack, 1)
  const [message] = channelOf(stack)
  expect(message?.text).toContain('Open: [sev2] api')
  expect(JSON.stringify(message?.blocks)).toContain('desired 6 -> 9')
  fire(stack, 'OK')
  await play(stack, 20)
  const after = channelOf(stack)
  expect(after).toHaveLength(1)
  expect(after[0]?.edits).toBeGreaterThan(1)
  expect(after[0]?.text).toContain('Resolved: [sev2] api')
  const said = threadOf(stack)
  expect(said.filter((text) => text.startsWith('Mitigated at'))).toHaveLength(1)
  expect(said.filter((text) => text.startsWith('Resolved at'))).toHaveLength(1)
  expect(new Set(said).size).toBe(said.length)
})

test('what is asked has two buttons bound to the plan that is shown, and they go when it is decided', async () => {
  const stack = chatStack(
    '- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 30m, on_timeout: skip }',
  )
  fire(stack)
  await play(stack, 1)
  const [asked] = await entriesOfKind(stack, 'approval.requested')
  const buttons = buttonsOf(channelOf(stack)[0]!)
  expect(buttons.map(({ action_id }) => action_id)).toEqual(['approve', 'deny', 'ack'])
  expect(JSON.parse(buttons[0]?.value ?? '')).toEqual({
    id: asked?.stream,
    subject: 'scale_out',
    digest: asked?.digest,
  })
  const { approve } = await import('../../lib/decide.ts')
  await approve(stack.app, asked?.stream ?? '', ANN, {})
  await play(stack, 3)
  expect(buttonsOf(channelOf(stack)[0]!).map(({ action_id }) => action_id)).not.toContain('approve')
  expect(JSON.stringify(channelOf(stack)[0]?.blocks)).toMatch(
    /scale_out: approved by \*ann\* \(cli\) at <!date/,
  )
  expect(threadOf(stack).some((text) => text.includes('is asked to approve scale_out'))).toBe(true)
})

test('a storm of entries is a few edits, and a change of state is one at once', async () => {
  const stack = chatStack('- wait: 20m')
  fire(stack)
  await play(stack, 1)
  const id = await onlyIncident(stack)
  for (let count = 0; count < 40; count++) {
    await addNote(stack.app, id, { name: 'bob', via: 'cli' }, `note ${count}`)
    await play(stack, 0.05)
  }
  await play(stack, 1)
  expect(channelOf(stack)[0]?.edits).toBeLessThan(15)
  expect(JSON.stringify(channelOf(stack)[0]?.blocks)).toContain('entries')
  await acknowledge(stack.app, id, ANN)
  await play(stack, 0.1)
  expect(JSON.stringify(channelOf(stack)[0]?.blocks)).toContain('ann (cli)')
})

test('where Slack wants to be asked later it is, and not before', async () => {
  const stack = chatStack('- wait: 20m')
  stack.account.world.slack.limited['chat.postMessage'] = { times: 1, retryAfterS: 40 }
  fire(stack)
  await play(stack, 0.5)
  expect(channelOf(stack)).toEqual([])
  expect(stack.account.world.slack.asked['chat.postMessage']).toBe(1)
  await play(stack, 1)
  expect(channelOf(stack)).toHaveLength(1)
})

test('a workspace that does not know plans is shown the steps as text', async () => {
  const stack = chatStack()
  stack.account.world.slack.plans = false
  fire(stack)
  await play(stack, 2)
  const [message] = channelOf(stack)
  expect(message?.blocks.some(({ type: kind }) => kind === 'plan')).toBe(false)
  expect(JSON.stringify(message?.blocks)).toMatch(/● scale_out: ECS service prod\/api desired 6 -&gt; 9/)
})

test.each([0, 500])('Slack that answers %d delays no mitigation and loses no word', async (status) => {
  const stack = chatStack()
  stack.account.world.faults.http['slack.com'] = { times: 6, status, body: '' }
  fire(stack)
  await play(stack, 0.2)
  expect(desired(stack)).toBe(9)
  expect(channelOf(stack)).toEqual([])
  await play(stack, 10)
  expect(channelOf(stack)).toHaveLength(1)
  expect(stack.outbox.deadLetters).toEqual([])
})

test('two who tell at the same time post one message', async () => {
  const stack = chatStack('- wait: 20m')
  fire(stack)
  // Before the stream tells of it.
  await play(stack, 0.01)
  const id = await onlyIncident(stack)
  await Promise.all([tellIncident(stack.app, id), tellIncident(stack.app, id), tellIncident(stack.app, id)])
  await play(stack, 2)
  expect(channelOf(stack)).toHaveLength(1)
})

test('whoever died while posting is followed by another, after its time', async () => {
  const stack = chatStack('- wait: 20m')
  const { http } = stack.app.ports
  const post = http.post.bind(http)
  let deaths = 0
  Object.assign(http, {
    post: async (request: Parameters<typeof post>[0]) => {
      if (request.url.includes('chat.postMessage') && deaths++ === 0)
        throw Object.assign(new Error('gone'), { name: 'CrashError' })
      return post(request)
    },
  })
  fire(stack)
  await play(stack, 3)
  expect(channelOf(stack)).toHaveLength(1)
  expect(await readPosted(stack.storage, await onlyIncident(stack))).toMatchObject({ ts: expect.any(String) })
})

test('of two who edit the message, the slower one does not put back what it knows', async () => {
  const stack = chatStack('- notify: oncall@sre')
  fire(stack)
  await play(stack, 10)
  const id = await onlyIncident(stack)
  const { http } = stack.app.ports
  const post = http.post.bind(http)
  const begun = Promise.withResolvers<void>()
  const goesOn = Promise.withResolvers<void>()
  let updates = 0
  Object.assign(http, {
    post: async (request: Parameters<typeof post>[0]) => {
      if (request.url.includes('chat.update') && updates++ === 0) {
        begun.resolve()
        await goesOn.promise
      }
      return post(request)
    },
  })
  await addNote(stack.app, id, ANN, 'looking')
  const slow = tellIncident(stack.app, id)
  await begun.promise
  await acknowledge(stack.app, id, ANN)
  await tellIncident(stack.app, id)
  goesOn.resolve()
  await slow
  await play(stack, 5)
  expect(buttonsOf(channelOf(stack)[0]!).map(({ action_id }) => action_id)).not.toContain('ack')
  expect(JSON.stringify(channelOf(stack)[0]?.blocks)).toContain('ann (cli)')
})

test('texts from outside mention nobody and link nowhere', async () => {
  const stack = chatStack('- wait: 20m')
  fire(stack)
  await play(stack, 1)
  await acknowledge(stack.app, await onlyIncident(stack), {
    ...BOB,
    name: '<!channel> <https://evil.example.com|click>',
  })
  await play(stack, 1)
  const text = JSON.stringify(stack.account.world.slack.messages)
  expect(text).not.toContain('<!channel>')
  expect(text).not.toContain('<https://evil')
})
