import { createAccount } from '../../sim/account.ts'
import { failHttp, throttle } from '../../sim/faults.ts'
import { START_MS } from './small-account.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:oncall'
const PAGER = 'https://events.pagerduty.com/v2/enqueue'

function accountWithPeople() {
  const account = createAccount({ startAtMs: START_MS })
  account.world.topics.push(TOPIC)
  account.world.mailIdentities.push('example.com')
  account.world.parameters['/pager'] = { value: 'secret', secure: true }
  const post = (url: string, body: object, headers = {}) =>
    account.http.post({ url, headers, body: JSON.stringify(body), timeoutMs: 1_000 })
  return { account, aws: account.aws({}), post }
}

test('published and mailed messages lie in the inbox', async () => {
  const { account, aws } = accountWithPeople()
  await aws.call('sns:Publish', { TopicArn: TOPIC, Subject: 'down', Message: 'the api is down' })
  await aws.call('ses:SendEmail', {
    FromEmailAddress: 'Firebreak <firebreak@example.com>',
    Destination: { ToAddresses: ['sre@example.com'] },
    Content: { Simple: { Subject: { Data: 'down' }, Body: { Text: { Data: 'the api is down' } } } },
  })
  expect(account.inbox.map((message) => [message.via, message.subject, message.body])).toEqual([
    ['sns', 'down', 'the api is down'],
    ['email', 'down', 'the api is down'],
  ])
})

test('unknown topics, long subjects, senders that are not verified and unknown parameters are refused', async () => {
  const { account, aws } = accountWithPeople()
  const publish = (input: object) => aws.call('sns:Publish', { TopicArn: TOPIC, Message: 'x', ...input })
  await expect(publish({ TopicArn: `${TOPIC}-2` })).rejects.toMatchObject({ name: 'NotFoundException' })
  await expect(publish({ Subject: 'x'.repeat(101) })).rejects.toMatchObject({
    name: 'InvalidParameterException',
  })
  const mail = aws.call('ses:SendEmail', {
    FromEmailAddress: 'a@example.org',
    Destination: { ToAddresses: ['sre@example.com'] },
    Content: { Simple: { Subject: { Data: 'x' }, Body: {} } },
  })
  await expect(mail).rejects.toMatchObject({ name: 'MessageRejected' })
  await expect(aws.call('ssm:GetParameter', { Name: '/none' })).rejects.toMatchObject({
    name: 'ParameterNotFound',
  })
  expect(account.inbox).toEqual([])
})

test('a secret parameter is readable only with decryption', async () => {
  const { aws } = accountWithPeople()
  const value = async (WithDecryption: boolean) =>
    (await aws.call('ssm:GetParameter', { Name: '/pager', WithDecryption })).Parameter?.Value
  expect(await value(true)).toBe('secret')
  expect(await value(false)).not.toBe('secret')
})

test('a second page with the same key joins the open one, and wakes again only after it was resolved', async () => {
  const { account, post } = accountWithPeople()
  const event = (event_action: string) =>
    post(PAGER, {
      routing_key: 'k'.repeat(32),
      event_action,
      dedup_key: 'inc-1',
      payload: { summary: 'api is down', source: 'api', severity: 'critical' },
    })
  expect(await event('trigger')).toMatchObject({
    status: 202,
    body: expect.stringContaining('"dedup_key":"inc-1"'),
  })
  await event('trigger')
  await event('resolve')
  await event('trigger')
  expect(account.inbox.map((message) => message.interrupts)).toEqual([true, false, true])
})

test('a malformed page is refused with what is wrong in it', async () => {
  const { account, post } = accountWithPeople()
  const answer = await post(PAGER, { routing_key: 'short', event_action: 'trigger' })
  expect([answer.status, account.inbox.length]).toEqual([400, 0])
  expect(JSON.parse(answer.body)).toMatchObject({
    status: 'invalid event',
    errors: expect.arrayContaining([expect.stringContaining('routing_key')]),
  })
})

test('Slack refuses with status 200', async () => {
  const { account, post } = accountWithPeople()
  const url = 'https://slack.com/api/chat.postMessage'
  const message = { channel: 'C1', text: 'api is down (inc-000000000000:1:1:tell)' }
  expect((await post(url, message)).body).toBe('{"ok":false,"error":"not_authed"}')
  expect((await post(url, message, { authorization: 'Bearer xoxb-1' })).body).toContain('"ok":true')
  expect(account.inbox).toHaveLength(1)
})

test('channels fail as they were told to, then work again', async () => {
  const { account, aws, post } = accountWithPeople()
  failHttp(account.world, 'hooks.example.com', { status: 503 })
  expect((await post('https://hooks.example.com/x', {})).status).toBe(503)
  failHttp(account.world, 'hooks.example.com', { status: 0 })
  await expect(post('https://hooks.example.com/x', {})).rejects.toThrow('did not answer')
  expect((await post('https://hooks.example.com/x', {})).status).toBe(200)
  throttle(account.world, 'sns:Publish', 1)
  const publish = () => aws.call('sns:Publish', { TopicArn: TOPIC, Message: 'x' })
  await expect(publish()).rejects.toMatchObject({ name: 'ThrottledException', message: 'Rate exceeded' })
  await expect(publish()).resolves.toMatchObject({ MessageId: expect.any(String) })
})
