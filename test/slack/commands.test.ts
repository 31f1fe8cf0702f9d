import { desired, entriesOfKind, fire, play } from '../line/calm.ts'
import { readControl } from '../../lib/ledger/kill-switch.ts'
import { onlyIncident } from '../line/world.ts'
import { answersOf, answerTo, channelOf, chatStack, fromSlack, press, type } from './workspace.ts'

test('the help is short and is answered at once, also to strangers', async () => {
  const stack = chatStack()
  for (const user of ['U0ANN', 'U9999']) {
    const { status, body } = await type(stack, 'help', { user })
    expect([status, body['response_type']]).toEqual([200, 'ephemeral'])
    expect(String(body['text']).split('\n').length).toBeLessThanOrEqual(10)
  }
  expect(stack.outbox.waiting).toEqual([])
})

test('who is not in slack.yaml may do nothing else, by command, button or form', async () => {
  const stack = chatStack()
  expect((await type(stack, 'pause all now', { user: 'U9999' })).text).toContain('not among the users')
  await press(stack, 'ack', 'inc-2y90k4wt62tn', { user: 'U9999' })
  await play(stack, 0.1)
  expect(answersOf(stack).map(({ text }) => text)).toEqual([expect.stringContaining('not among the users')])
})

test('a command is acknowledged by one write, and answered afterwards to whoever asked', async () => {
  const stack = chatStack()
  const before = stack.outbox.waiting.length
  const { status, text } = await type(stack, 'status')
  expect([status, text]).toEqual([200, ''])
  expect(stack.outbox.waiting.length - before).toBe(1)
  await play(stack, 0.1)
  expect(answersOf(stack)).toMatchObject([
    { only: 'whoever asked', text: expect.stringContaining('Mode of the policy: *auto*') },
  ])
})

test('a runbook is started once, however often Slack delivers it', async () => {
  const stack = chatStack()
  for (let times = 0; times < 3; times++)
    await type(stack, 'run spike the site is slow', {
      trigger: 'same',
      headers: { 'x-slack-retry-num': String(times) },
    })
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    { occasion: { is: 'manual', by: 'ann', via: 'slack', reason: 'the site is slow' } },
  ])
  expect(desired(stack)).toBe(9)
})

test('a start without a reason opens a form; the form starts it, with whatever was filled in', async () => {
  const stack = chatStack()
  await type(stack, 'run spike', { trigger: 'now' })
  const [opened] = stack.account.world.slack.views
  expect(opened).toMatchObject({
    trigger: 'now',
    view: { callback_id: 'run', title: { text: 'Start a runbook' } },
  })
  const payload = {
    type: 'view_submission',
    team: { id: 'T0123456789' },
    user: { id: 'U0BOB' },
    trigger_id: 'later',
    view: {
      callback_id: 'run',
      private_metadata: opened?.view['private_metadata'],
      state: {
        values: {
          reason: { reason: { type: 'plain_text_input', value: 'the site is slow' } },
          mode: { mode: { type: 'static_select', selected_option: { value: 'shadow' } } },
        },
      },
    },
  }
  const send = (over: object = {}) =>
    fromSlack(
      stack,
      '/slack/interactions',
      new URLSearchParams({ payload: JSON.stringify({ ...payload, ...over }) }).toString(),
    )
  expect((await send({ user: { id: 'U0EVE' } })).body).toMatchObject({ response_action: 'errors' })
  expect(await send()).toMatchObject({ status: 200, text: '' })
  await play(stack, 1)
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    { mode: 'shadow', occasion: { by: 'bob', reason: 'the site is slow' } },
  ])
})

test('a start without a name shows what there is, and a pick opens the form', async () => {
  const stack = chatStack()
  const { body } = await type(stack, 'run')
  expect(JSON.stringify(body['blocks'])).toContain('spike (api)')
  await press(stack, 'pick', 'spike', { selected: true })
  expect(stack.account.world.slack.views).toHaveLength(1)
})

test('where Slack does not open the form in time, it is said what starts it as well', async () => {
  const stack = chatStack()
  stack.account.world.slack.limited['views.open'] = { times: 1, retryAfterS: 1 }
  expect((await type(stack, 'run spike')).text).toContain('`run spike <reason>` starts it as well')
})

test('a plan is shown with a button, and nothing is changed', async () => {
  const stack = chatStack()
  expect(await answerTo(stack, 'plan spike')).toMatch(/desired 6 -&gt; 9.*Run this plan/s)
  expect(desired(stack)).toBe(6)
  expect(await answerTo(stack, 'plan nothing')).toContain('there is no runbook "nothing"')
})

test('decisions are put on record with who made them, and are said in the channel', async () => {
  const stack = chatStack(
    '- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 30m, on_timeout: skip }',
  )
  fire(stack)
  await play(stack, 1)
  expect(await answerTo(stack, 'approve', { user: 'U0BOB' })).toContain('takes the role approver')
  expect(await answerTo(stack, 'approve looks right')).toContain('ann: approved scale_out')
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  expect(await entriesOfKind(stack, 'step.approved')).toMatchObject([
    { actor: { name: 'ann', via: 'slack' }, reason: 'looks right' },
  ])
  expect(answersOf(stack).at(-1)).not.toHaveProperty('only')
})

test('whoever names no incident means the one that is open; where there is none or more, it is said', async () => {
  const stack = chatStack('- wait: 20m')
  expect(await answerTo(stack, 'ack')).toContain('there is no incident')
  fire(stack)
  await play(stack, 1)
  expect(await answerTo(stack, 'ack on it')).toContain('ann: incident.acknowledged')
  expect(await answerTo(stack, 'note the cache was cold')).toContain('ann: incident.noted')
  expect(await answerTo(stack, 'abort by hand now')).toContain('aborted: no further step begins')
  await answerTo(stack, 'run spike a second one')
  await play(stack, 1)
  expect(await answerTo(stack, 'timeline')).toContain('took ownership')
  expect(await answerTo(stack, 'list')).toContain(await onlyIncident(stack))
  expect(await answerTo(stack, 'export')).toContain('https://firebreak.example.com/incidents/')
  expect(await answerTo(stack, 'resolve nothing is left')).toContain('ann:')
})

test('the kill switch is turned on and off from the chat', async () => {
  const stack = chatStack()
  expect(await answerTo(stack, 'pause service api a release', { user: 'U0BOB' })).toContain('bob:')
  expect(await answerTo(stack, 'status')).toContain('Paused: service api, by bob: a release')
  expect(await answerTo(stack, 'resume service api', { user: 'U0BOB' })).toContain('takes the role approver')
  expect(await answerTo(stack, 'resume service api')).toContain('ann:')
  expect(await answerTo(stack, 'status')).toContain('Nothing is paused')
})

test('who is limited to a service sees and changes nothing of others', async () => {
  const stack = chatStack('- wait: 20m')
  fire(stack)
  await play(stack, 1)
  const id = await onlyIncident(stack)
  const user = 'U0SHOP'
  expect(await answerTo(stack, 'list', { user })).toContain('There is no incident')
  for (const text of [`ack ${id}`, `timeline ${id}`, `resolve ${id} x`])
    expect(await answerTo(stack, text, { user })).toContain(`there is no ${id}`)
  expect(await answerTo(stack, 'run spike x', { user })).toContain('may ask only for other')
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toEqual([])
})

test('a click that comes twice decides once, and the second person is told who was first', async () => {
  const stack = chatStack(
    '- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 30m, on_timeout: skip }',
  )
  fire(stack)
  await play(stack, 1)
  const [message] = channelOf(stack)
  const value = JSON.stringify(message).match(
    /"action_id":"approve"[^}]*\}?[^}]*"value":"((?:\\.|[^"\\])*)"/,
  )?.[1]
  const shown = JSON.parse(`"${value}"`) as string
  for (let times = 0; times < 2; times++) await press(stack, 'approve', shown, { trigger: 'same' })
  await press(stack, 'deny', shown, { user: 'U0ANN' })
  await play(stack, 0.2)
  expect(await entriesOfKind(stack, 'step.approved')).toHaveLength(1)
  expect(
    answersOf(stack)
      .map(({ text }) => text)
      .at(-1),
  ).toContain('was approved already, by ann')
})

test('a button of a plan that has changed since decides nothing', async () => {
  const stack = chatStack(
    '- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 30m, on_timeout: skip }',
  )
  fire(stack)
  await play(stack, 1)
  const [asked] = await entriesOfKind(stack, 'approval.requested')
  await press(stack, 'approve', JSON.stringify({ id: asked?.stream, subject: 'scale_out', digest: 'older' }))
  await play(stack, 0.2)
  expect(answersOf(stack).at(-1)?.text).toContain('the plan has changed')
  expect(await entriesOfKind(stack, 'step.approved')).toEqual([])
})

test.each([
  ['no JSON', 'payload=%7B'],
  ['no payload', 'hello=1'],
  ['a list', `payload=${encodeURIComponent('[]')}`],
  ['nothing at all', ''],
])('an interaction that is %s is refused, and nothing is begun', async (_what, body) => {
  const stack = chatStack()
  expect((await fromSlack(stack, '/slack/interactions', body)).status).toBe(400)
  expect(stack.outbox.waiting).toEqual([])
})

test.each([
  ['a button of nobody', { type: 'block_actions', actions: [{ action_id: 'boom', value: 'x' }] }],
  [
    'a value that is none of ours',
    { type: 'block_actions', actions: [{ action_id: 'approve', value: '{"id":7}' }] },
  ],
  [
    'numbers for texts',
    { type: 'block_actions', trigger_id: 7, response_url: {}, actions: [{ action_id: 7, value: [] }] },
  ],
  ['no actions', { type: 'block_actions' }],
  ['another kind', { type: 'message_action' }],
  ['a form of another application', { type: 'view_submission', view: { callback_id: 'other' } }],
])('%s does no harm', async (_what, over) => {
  const stack = chatStack()
  const payload = JSON.stringify({
    team: { id: 'T0123456789' },
    user: { id: 'U0ANN' },
    channel: null,
    ...over,
  })
  expect(
    (await fromSlack(stack, '/slack/interactions', new URLSearchParams({ payload }).toString())).status,
  ).toBe(200)
  await play(stack, 0.1)
  expect(stack.outbox.deadLetters).toEqual([])
})

test('Slack is told that the address is ours', async () => {
  const stack = chatStack()
  const body = JSON.stringify({ type: 'url_verification', challenge: '3eZbrw1aBm2rZgRNFdxV' })
  expect((await fromSlack(stack, '/slack/events', body)).body).toEqual({ challenge: '3eZbrw1aBm2rZgRNFdxV' })
})

test('an answer goes to Slack, and to nowhere else, whatever the request says', async () => {
  const stack = chatStack()
  await stack.app.ports.outbox.send(
    {
      v: 1,
      is: 'asked',
      user: 'U0ANN',
      channel: 'C1',
      key: 'k',
      responseUrl: 'https://evil.example.com/x',
      asked: { is: 'command', text: 'status' },
    },
    0,
  )
  await play(stack, 0.1)
  expect(stack.account.inbox.filter(({ via }) => via === 'webhook')).toEqual([])
})

test('why is told in sentences: what became of an incident, and what would stop a runbook now', async () => {
  const stack = chatStack()
  fire(stack)
  await play(stack, 3)
  const id = await onlyIncident(stack)
  const why = async (wanted: string): Promise<readonly string[]> => {
    await type(stack, `why ${wanted}`)
    await play(stack, 0.1)
    return String(answersOf(stack).at(-1)?.text).split('\n')
  }
  expect((await why(id))[0]).toMatch(new RegExp(`${id}-[a-z0-9]{6} `))
  const [first, ...rules] = await why('spike')
  expect(first).toMatch(/^spike on service api, mode auto/)
  expect(rules.some((line) => /^[✔✖] \w/.test(line))).toBe(true)
  expect((await why('nothing-like-it'))[0]).toContain('no runbook has this name')
})

test('a command that is delivered once more neither resumes what was paused since, nor pauses what was resumed', async () => {
  const stack = chatStack()
  const paused = async () => (await readControl(stack.storage)).is
  const deliver = async (text: string, trigger: string) => {
    await type(stack, text, { trigger })
    await play(stack, 0.1)
  }
  await deliver('pause all first', 'one')
  await deliver('resume all', 'two')
  await deliver('pause all stop now', 'three')
  await deliver('resume all', 'two')
  expect(await paused()).toBe('paused')
  await deliver('resume all', 'four')
  await deliver('pause all stop now', 'three')
  expect(await paused()).toBe('running')
})

test('what waits for a decision is listed, with its buttons', async () => {
  const stack = chatStack(
    '- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 30m, on_timeout: skip }',
  )
  await type(stack, 'approvals')
  await play(stack, 0.1)
  expect(answersOf(stack).at(-1)?.text).toBe('Nothing waits for a decision.')
  fire(stack)
  await play(stack, 1)
  await type(stack, 'approvals')
  await play(stack, 0.1)
  const said = answersOf(stack).at(-1)
  expect(said?.text).toBe('1 to decide')
  expect(JSON.stringify(said)).toMatch(/sre is asked: scale_out.*"action_id":"approve"/)
})

test('whoever does not reach a service is shown no form for its runbooks, and learns of none', async () => {
  const stack = chatStack()
  const { body } = await type(stack, 'run spike', { user: 'U0SHOP' })
  expect(String(body['text'])).toContain('There is no runbook "spike"')
  expect(stack.account.world.slack.views).toEqual([])
})
