import { createHmac } from 'node:crypto'
import type { Calls } from '../../lib/aws/aws.ts'
import { type ChannelContext, cut, escaped, type Page } from '../../lib/channels/channel.ts'
import { channelPermissions, channelSecrets, sendBy } from '../../lib/channels/index.ts'
import { subject } from '../../lib/channels/sns.ts'
import { forbiddenUrl } from '../../lib/channels/webhook.ts'
import type { HttpAnswer, HttpRequest } from '../../lib/http.ts'
import type { Channel, Severity } from '../../lib/runbook/runbook.ts'
import { type Answers, awsError, scriptedAws } from '../actions/conformance.ts'

const PAGE: Page = {
  key: 'inc-0123456789ab:1:1:notify',
  incidentId: 'inc-0123456789ab',
  executionId: 'inc-0123456789ab-cdefgh',
  runbook: 'api-5xx-spike',
  service: 'api',
  severity: 'sev2',
  onsetAtMs: Date.UTC(2026, 10, 22, 14, 0, 0),
  summary: '[sev2] api: errors',
  text: 'line 1\nline 2',
}
const HOSTILE: Page = {
  ...PAGE,
  summary: '<!channel> & <script>alert(1)</script>',
  text: `<!here> <@U1> <https://evil.example|click> & </pre><script>\n${'<'.repeat(3_900)}`,
}

const PAGERDUTY: Extract<Channel, { is: 'pagerduty' }> = {
  is: 'pagerduty',
  routingKey: 'ssm:/firebreak/pagerduty',
  region: 'us',
}
const SLACK: Channel = { is: 'slack', token: 'env:SLACK', channel: 'C1' }
const SNS: Channel = { is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:oncall' }
const EMAIL: Channel = {
  is: 'email',
  from: 'Firebreak <page@example.com>',
  to: ['a@example.com', 'b@example.com'],
}
const WEBHOOK: Channel = {
  is: 'webhook',
  url: 'https://hooks.example.com/in?t=1',
  secret: 'ssm:/firebreak/hook',
}

const KEY = Buffer.alloc(24, 7)
const SECRET = `whsec_${KEY.toString('base64')}`

function stage(answer: Partial<HttpAnswer> = {}, answers: Answers = {}, secret = SECRET) {
  const sent: HttpRequest[] = []
  const context: ChannelContext = {
    aws: scriptedAws({ answers, snapshot: () => null, settle: () => undefined }),
    nowMs: PAGE.onsetAtMs + 61_500,
    secret: () => Promise.resolve(secret),
    http: {
      post: (request) => {
        sent.push(request)
        return Promise.resolve({ status: 200, headers: {}, body: '', ...answer })
      },
    },
  }
  return { sent, context }
}

const failing = (error: Error) => () => {
  throw error
}

const body = (request: HttpRequest | undefined) =>
  JSON.parse(request?.body ?? 'null') as { [name: string]: unknown }

describe('PagerDuty', () => {
  test('triggers under the key of the page', async () => {
    const { sent, context } = stage({ status: 202, body: '{"status":"success","dedup_key":"theirs"}' })
    expect(await sendBy(PAGERDUTY, PAGE, context)).toEqual({
      channel: 'pagerduty',
      accepted: true,
      id: 'theirs',
    })
    expect(sent[0]?.url).toBe('https://events.pagerduty.com/v2/enqueue')
    expect(body(sent[0])).toMatchObject({
      routing_key: SECRET,
      event_action: 'trigger',
      dedup_key: PAGE.key,
      payload: {
        summary: PAGE.summary,
        source: 'api',
        severity: 'error',
        timestamp: '2026-11-22T14:00:00.000Z',
      },
    })
  })

  test('an account in the EU has a host of its own', async () => {
    const { sent, context } = stage({ status: 202 })
    expect(await sendBy({ ...PAGERDUTY, region: 'eu' }, PAGE, context)).toMatchObject({
      id: PAGE.key,
    })
    expect(sent[0]?.url).toBe('https://events.eu.pagerduty.com/v2/enqueue')
  })

  test.each([
    ['sev1', 'critical'],
    ['sev2', 'error'],
    ['sev3', 'warning'],
    ['sev4', 'info'],
  ] as const)('%s is %s', async (severity: Severity, word) => {
    const { sent, context } = stage({ status: 202 })
    await sendBy(PAGERDUTY, { ...PAGE, severity }, context)
    expect(body(sent[0])).toMatchObject({ payload: { severity: word } })
  })

  test.each([
    [{ status: 200 }, false],
    [{ status: 302 }, false],
    [{ status: 400, body: '{"message":"Event object is invalid","errors":["Length of dedup_key"]}' }, false],
    [{ status: 403 }, false],
    [{ status: 429 }, true],
    [{ status: 500 }, true],
    [{ status: 503, body: '<html>' }, true],
  ])('only 202 is a yes: %j', async (answer, retryable) => {
    expect(await sendBy(PAGERDUTY, PAGE, stage(answer).context)).toMatchObject({ accepted: false, retryable })
  })

  test('what it says about a page that it refuses is told, on one line and without the key', async () => {
    const { context } = stage({
      status: 400,
      body: JSON.stringify({ message: 'bad', errors: [`key ${SECRET}\nis wrong`] }),
    })
    expect(await sendBy(PAGERDUTY, PAGE, context)).toMatchObject({
      reason: 'answered 400: bad: key *** is wrong',
    })
  })
})

describe('Slack', () => {
  test('posts with the text that notifications show', async () => {
    const { sent, context } = stage({ body: '{"ok":true,"channel":"C9","ts":"1.2"}' })
    expect(await sendBy(SLACK, PAGE, context)).toEqual({ channel: 'slack', accepted: true, id: 'C9/1.2' })
    expect(sent[0]?.headers['authorization']).toBe(`Bearer ${SECRET}`)
    expect(body(sent[0])).toMatchObject({
      channel: 'C1',
      text: PAGE.summary,
      parse: 'none',
      unfurl_links: false,
    })
  })

  test('mentions nobody and links nowhere, whatever the texts hold, within its limits', async () => {
    const { sent, context } = stage({ body: '{"ok":true,"ts":"1.2"}' })
    await sendBy(SLACK, { ...HOSTILE, summary: `<!channel>${'<'.repeat(2_000)}` }, context)
    const message = body(sent[0]) as unknown as {
      text: string
      blocks: { text?: { text: string; type: string } }[]
    }
    const [header, section] = message.blocks
    expect(message.text).toMatch(/^&lt;!channel&gt;(&lt;)+$/)
    expect(message.text.length).toBeLessThanOrEqual(3_000)
    expect(header?.text?.type).toBe('plain_text')
    expect(header?.text?.text.length).toBeLessThanOrEqual(150)
    expect(section?.text?.text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/)
    expect(section?.text?.text.length).toBeLessThanOrEqual(3_000)
  })

  test.each([
    [{ body: '{"ok":false,"error":"channel_not_found"}' }, 'channel_not_found', false],
    [{ body: '{"ok":false,"error":"invalid_auth"}' }, 'invalid_auth', false],
    [{ body: '{"ok":false,"error":"ratelimited"}' }, 'ratelimited', true],
    [{ body: '{"ok":false,"error":"internal_error"}' }, 'internal_error', true],
    [{ body: '{"ok":false}' }, 'no reason given', false],
    [{ body: 'Bad Gateway' }, 'answered 200 with something else than JSON of Slack', true],
    [{ body: '[]' }, 'answered 200 with something else than JSON of Slack', true],
    [{ body: '{"ok":"true","ts":"1"}' }, 'answered 200 with something else than JSON of Slack', true],
    [{ status: 429, headers: { 'retry-after': '30' } }, 'answered 429', true],
    [{ status: 500 }, 'answered 500', true],
    [{ status: 404 }, 'answered 404', false],
  ])('%j is a no', async (answer, reason, retryable) => {
    expect(await sendBy(SLACK, PAGE, stage(answer).context)).toMatchObject({
      accepted: false,
      reason,
      retryable,
    })
  })

  test('waits as long as it is told to', async () => {
    const waits = async (value: string) => {
      const sent = await sendBy(
        SLACK,
        PAGE,
        stage({ status: 429, headers: { 'retry-after': value } }).context,
      )
      return 'retryAfterMs' in sent ? sent.retryAfterMs : undefined
    }
    expect(await Promise.all(['30', '9999', 'soon', '-1', ''].map(waits))).toEqual([
      30_000,
      3_600_000,
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('SNS', () => {
  test('publishes with the key, since a standard topic has no deduplication of its own', async () => {
    let input: Calls['sns:Publish']['input'] | undefined
    const { context } = stage({}, { 'sns:Publish': (asked) => ((input = asked), { MessageId: 'm-1' }) })
    expect(await sendBy(SNS, PAGE, context)).toEqual({ channel: 'sns', accepted: true, id: 'm-1' })
    expect(input).toEqual({
      TopicArn: 'arn:aws:sns:eu-west-1:123456789012:oncall',
      Subject: '[sev2] api: errors',
      Message: PAGE.text,
      MessageAttributes: {
        key: { DataType: 'String', StringValue: PAGE.key },
        incident: { DataType: 'String', StringValue: PAGE.incidentId },
        severity: { DataType: 'String', StringValue: 'sev2' },
      },
    })
  })

  test('a FIFO topic recognises a repeated page', async () => {
    let input: Calls['sns:Publish']['input'] | undefined
    const { context } = stage({}, { 'sns:Publish': (asked) => ((input = asked), {}) })
    await sendBy({ is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:oncall.fifo' }, PAGE, context)
    expect(input?.MessageGroupId).toBe(PAGE.incidentId)
    expect(input?.MessageDeduplicationId).toMatch(/^[0-9a-f]{64}$/)
  })

  test.each([
    ['[sev1] api: ok', '[sev1] api: ok'],
    ['a\r\nBcc: x', 'a Bcc: x'],
    ['\u{1f525} fire', 'fire'],
    ['é', 'Firebreak page'],
    ['caf\u00e9', 'caf?'],
    ['x'.repeat(300), 'x'.repeat(100)],
    ['', 'Firebreak page'],
  ])('a subject is one line of at most 100 printable ASCII characters: %j', (summary, expected) => {
    expect(subject(summary)).toBe(expected)
  })

  test.each([
    [awsError('NotFoundException', 404), false],
    [awsError('InvalidParameterException', 400), false],
    [awsError('KMSAccessDeniedException', 400), false],
    [awsError('KMSThrottlingException', 400), true],
    [awsError('ThrottledException', 429), true],
    [awsError('InternalErrorException', 500), true],
    [awsError('TimeoutError'), true],
  ])('%s is a no', async (error, retryable) => {
    const { context } = stage({}, { 'sns:Publish': failing(error) })
    expect(await sendBy(SNS, PAGE, context)).toMatchObject({
      accepted: false,
      retryable,
      reason: expect.stringContaining(error.name),
    })
  })
})

describe('e-mail', () => {
  test('sends plain text, and HTML in which nothing of the texts is markup', async () => {
    let input: Calls['ses:SendEmail']['input'] | undefined
    const { context } = stage({}, { 'ses:SendEmail': (asked) => ((input = asked), { MessageId: 'm-1' }) })
    expect(
      await sendBy(EMAIL, { ...HOSTILE, summary: 'a\r\nBcc: everybody@example.com' }, context),
    ).toMatchObject({ id: 'm-1' })
    const simple = input?.Content?.Simple
    expect(simple?.Subject?.Data).toBe('a Bcc: everybody@example.com')
    expect(simple?.Body?.Html?.Data?.replace(/^<pre [^>]*>|<\/pre>$/g, '')).not.toMatch(/[<>]/)
    expect(simple?.Body?.Text?.Data).toBe(HOSTILE.text)
    expect(input?.Destination?.ToAddresses).toEqual(['a@example.com', 'b@example.com'])
  })

  test.each([0, 51])('%i recipients are refused before anything is sent', async (count) => {
    const { context } = stage()
    const to = Array.from({ length: count }, (_, index) => `p${index}@example.com`)
    expect(await sendBy({ is: 'email', from: 'a@b.c', to }, PAGE, context)).toMatchObject({
      accepted: false,
      retryable: false,
    })
  })

  test.each([
    [awsError('MessageRejected', 400), false],
    [awsError('SendingPausedException', 400), false],
    [awsError('TooManyRequestsException', 429), true],
    [awsError('InternalFailure', 500), true],
  ])('%s is a no', async (error, retryable) => {
    const { context } = stage({}, { 'ses:SendEmail': failing(error) })
    expect(await sendBy(EMAIL, PAGE, context)).toMatchObject({ accepted: false, retryable })
  })
})

describe('a webhook', () => {
  test('is signed over id, time and body as Standard Webhooks says', async () => {
    const { sent, context } = stage({ status: 204 })
    expect(await sendBy(WEBHOOK, PAGE, context)).toEqual({ channel: 'webhook', accepted: true, id: PAGE.key })
    const [request] = sent
    expect(request?.headers['webhook-id']).toBe(PAGE.key)
    expect(request?.headers['webhook-timestamp']).toBe('1795356061')
    const expected = createHmac('sha256', KEY)
      .update(`${PAGE.key}.1795356061.${request?.body}`)
      .digest('base64')
    expect(request?.headers['webhook-signature']).toBe(`v1,${expected}`)
    expect(body(request)).toEqual({
      type: 'page.triggered',
      timestamp: '2026-11-22T14:00:00.000Z',
      data: PAGE,
    })
  })

  test('signs as the published example of the standard does', async () => {
    const { signature } = await import('../../lib/channels/webhook.ts')
    const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
    expect(signature(key, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '1614265330', '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })

  test('two secrets sign side by side while one replaces the other', async () => {
    const other = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
    const { sent, context } = stage({}, {}, `${SECRET} ${other}`)
    await sendBy(WEBHOOK, PAGE, context)
    expect(sent[0]?.headers['webhook-signature']).toMatch(/^v1,\S{44} v1,\S{44}$/)
  })

  test.each(['', 'secret', 'whsec_', 'whsec_c2hvcnQ=', `${SECRET} short`])(
    'the secret %j is too weak to sign with',
    async (secret) => {
      const { sent, context } = stage({}, {}, secret)
      const result = await sendBy(WEBHOOK, PAGE, context)
      expect(result).toMatchObject({
        accepted: false,
        retryable: false,
        reason: expect.stringContaining('ssm:/firebreak/hook'),
      })
      expect(sent).toEqual([])
    },
  )

  test.each([
    [301, false],
    [400, false],
    [410, false],
    [429, true],
    [502, true],
  ])('%i is a no', async (status, retryable) => {
    expect(await sendBy(WEBHOOK, PAGE, stage({ status }).context)).toMatchObject({
      accepted: false,
      retryable,
    })
  })

  test.each([
    'http://hooks.example.com/',
    'ftp://hooks.example.com/',
    'file:///etc/passwd',
    'not a url',
    'https://user:password@hooks.example.com/',
    'https://localhost/',
    'https://api.localhost./',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f.0.0.1/',
    'https://0177.0.0.1/',
    'https://0.0.0.0/',
    'https://10.1.2.3/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
    'https://169.254.169.254/latest/meta-data/',
    'https://100.64.0.1/',
    'https://[::1]/',
    'https://[::]/',
    'https://[::ffff:169.254.169.254]/',
    'https://[::ffff:7f00:1]/',
    'https://[64:ff9b::a9fe:a9fe]/',
    'https://[fd00:ec2::254]/',
    'https://[fe80::1]/',
    'https://[2002:7f00:1::]/',
    'https://[64:ff9b:1::7f00:1]/',
    'https://[::ffff:0:7f00:1]/',
    'https://[2001:0:7f00:1::]/',
    'https://[100::1]/',
    'https://192.0.2.1/',
    'http://127.0.0.1.nip.io/',
    'http://127.0.0.1@evil.example/',
    'http://127.1/',
    'HTTP://127.0.0.1/',
  ])('nothing is sent to %s', async (url) => {
    const { sent, context } = stage()
    expect(await sendBy({ is: 'webhook', url, secret: 'env:HOOK' }, PAGE, context)).toMatchObject({
      accepted: false,
      retryable: false,
    })
    expect(sent).toEqual([])
  })

  test.each([
    'https://hooks.example.com/a?b#c',
    'https://8.8.8.8/',
    'https://[2606:4700::1]/',
    'https://172.32.0.1/',
    'http://127.0.0.1:4000/inbox',
    'http://localhost:4000',
  ])('%s may be written to', (url) => {
    expect(forbiddenUrl(url)).toBeUndefined()
  })
})

test('a channel whose secret cannot be read is passed over with the reason', async () => {
  const { context } = stage()
  const dark = {
    ...context,
    secret: () => Promise.reject(new Error('cannot read the secret ssm:/firebreak/pagerduty: TimeoutError')),
  }
  expect(await sendBy(PAGERDUTY, PAGE, dark)).toMatchObject({
    accepted: false,
    reason: expect.stringContaining('ssm:/firebreak/pagerduty'),
  })
})

test("what a team's channels need is sending and their secrets, each once", () => {
  const team = { name: 'sre', channels: [PAGERDUTY, SLACK, SNS, EMAIL, WEBHOOK, PAGERDUTY] }
  expect(channelSecrets(team)).toEqual(['ssm:/firebreak/pagerduty', 'env:SLACK', 'ssm:/firebreak/hook'])
  expect(channelPermissions(team)).toEqual([
    { actions: ['sns:Publish'], resources: ['arn:aws:sns:eu-west-1:123456789012:oncall'] },
    {
      actions: ['ses:SendEmail'],
      resources: [
        'arn:${Partition}:ses:${Region}:${Account}:identity/example.com',
        'arn:${Partition}:ses:${Region}:${Account}:identity/page@example.com',
      ],
      condition: { StringEquals: { 'ses:FromAddress': 'page@example.com' } },
    },
    {
      actions: ['ssm:GetParameter'],
      resources: [
        'arn:${Partition}:ssm:${Region}:${Account}:parameter/firebreak/pagerduty',
        'arn:${Partition}:ssm:${Region}:${Account}:parameter/firebreak/hook',
      ],
    },
  ])
  expect(channelPermissions({ name: 'x', channels: [SLACK] })).toEqual([])
})

test('a cut never splits a character, and escaping never splits an entity', () => {
  expect(cut('ab\u{1f525}cd', 4)).toBe('ab\u2026')
  expect(cut('ab\u{1f525}c', 5)).toBe('ab\u{1f525}c')
  expect(escaped('a<b', 4)).toBe('a')
  expect(escaped('a<b', 5)).toBe('a&lt;')
})
