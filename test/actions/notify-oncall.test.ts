import type { ApplyContext, Occasion } from '../../lib/actions/action.ts'
import { notifyOncall } from '../../lib/actions/notify-oncall.ts'
import { RetryableError, TerminalError } from '../../lib/errors.ts'
import type { HttpAnswer, HttpRequest } from '../../lib/http.ts'
import type { Channel, Service } from '../../lib/runbook/runbook.ts'
import { awsError, scriptedAws, testAction, type World } from './conformance.ts'

const service: Service = { name: 'api', alarms: [], severity: 'sev2', records: {}, metrics: {} }
const PAGERDUTY: Channel = { is: 'pagerduty', routingKey: 'env:PAGERDUTY', region: 'us' }
const SLACK: Channel = { is: 'slack', token: 'env:SLACK', channel: 'C1' }
const SNS: Channel = { is: 'sns', topicArn: 'arn:aws:sns:eu-west-1:123456789012:oncall' }
const SECRET = 'R0123456789ABCDEF0123456789ABCDE'

function pagerduty(): World {
  const pages: string[] = []
  return {
    answers: {},
    snapshot: () => pages,
    settle: () => undefined,
    http: {
      post: ({ body }) => {
        pages.push(body)
        return Promise.resolve({ status: 202, headers: {}, body: '{"status":"success","dedup_key":"k"}' })
      },
    },
  }
}

testAction(notifyOncall, {
  service,
  params: { to: 'oncall@sre' },
  shorthand: ' oncall@sre ',
  alwaysHasTarget: true,
  badShorthands: [
    { text: '', part: '' },
    { text: 'sre', part: 'sre' },
    { text: ' @sre', part: '@sre' },
    { text: 'oncall@', part: 'oncall@' },
    { text: 'oncall@sre now', part: 'oncall@sre now' },
    { text: 'pager@sre', part: 'pager@sre' },
  ],
  badParams: [
    {},
    { to: 'sre' },
    { to: 'oncall@s re' },
    { to: 'oncall@sre', message: '' },
    { to: 'oncall@sre', message: 'x'.repeat(501) },
  ],
  worlds: { 'PagerDuty answers': pagerduty },
  occasion: { teams: { sre: { name: 'sre', channels: [PAGERDUTY] } } },
  secret: () => Promise.resolve(SECRET),
})

const OCCASION: Occasion = {
  incidentId: 'inc-0123456789ab',
  executionId: 'inc-0123456789ab-cdefgh',
  stepId: 'notify',
  runbook: 'api-5xx-spike',
  service: 'api',
  severity: 'sev1',
  reason: 'Threshold Crossed: 3 datapoints',
  onsetAtMs: Date.UTC(2026, 10, 22, 14, 0, 0),
  nowMs: Date.UTC(2026, 10, 22, 14, 1, 0),
  teams: { sre: { name: 'sre', channels: [PAGERDUTY, SLACK, SNS] } },
  alarm: 'api-5xx-spike',
}

function planned(occasion: Partial<Occasion> = {}, message?: string) {
  const params = { to: 'oncall@sre', ...(message === undefined ? {} : { message }) }
  const found = notifyOncall.target(params, service)
  if (found.is !== 'target') throw new Error(found.message)
  const plan = notifyOncall.plan(params, found.target, { is: 'unsent' }, { ...OCCASION, ...occasion })
  if (plan.is !== 'change' || plan.after.is !== 'page') throw new Error(JSON.stringify(plan))
  return { change: { target: found.target, ...plan }, page: plan.after.page }
}

const ok: Partial<HttpAnswer> = { status: 202, body: '{"dedup_key":"k"}' }

/** Answers by host; what is not named is not answered. */
function context(
  byHost: { readonly [host: string]: Partial<HttpAnswer> },
  sns?: () => object,
): ApplyContext & { sent: HttpRequest[] } {
  const sent: HttpRequest[] = []
  return {
    sent,
    aws: scriptedAws({
      answers: sns ? { 'sns:Publish': sns } : {},
      snapshot: () => null,
      settle: () => undefined,
    }),
    nowMs: OCCASION.nowMs,
    marker: 'firebreak/x/y',
    attempt: 1,
    secret: () => Promise.resolve(SECRET),
    http: {
      post: (request) => {
        sent.push(request)
        const answer = byHost[new URL(request.url).hostname]
        if (!answer) return Promise.reject(new Error(`no answer; the header was "Bearer ${SECRET}"`))
        return Promise.resolve({ status: 200, headers: {}, body: '', ...answer })
      },
    },
  }
}

test('the page on record holds everything that is sent, names its secrets only, and is the same at each attempt', () => {
  const { change, page } = planned({}, 'Look at the canary first.')
  expect(page).toMatchObject({
    key: 'inc-0123456789ab:1:1:cdefgh-notify',
    summary: '[sev1] api: Threshold Crossed: 3 datapoints',
  })
  expect(page.text.split('\n')).toEqual([
    'Look at the canary first.',
    '',
    'Incident inc-0123456789ab (sev1) of service api',
    'Since 2026-11-22T14:00:00.000Z',
    'Reason: Threshold Crossed: 3 datapoints',
    'Alarm: api-5xx-spike',
    'Runbook api-5xx-spike, execution inc-0123456789ab-cdefgh, step notify',
  ])
  expect(change.after).toMatchObject({ channels: [PAGERDUTY, SLACK, SNS] })
  expect(planned({ nowMs: OCCASION.nowMs + 60_000 }, 'Look at the canary first.').change).toEqual(change)
  expect(change.summary).toBe('page sre by pagerduty, then slack, then sns')
})

test('hostile texts stay on their line and within their limits, and the key is safe in a header', () => {
  const reason = `a\u0000b\r\nSubject: x\u2028${'\u{1f525}'.repeat(5_000)}`
  const { page } = planned({ reason, stepId: 'x\r\nwebhook-id: y', alarm: 'a\nb' }, 'm')
  expect(page.key).toMatch(/^inc-0123456789ab:1:1:[0-9a-f]{16}$/)
  expect(page.summary).toMatch(/^\[sev1\] api: a b Subject: x /)
  expect(page.summary.length).toBeLessThanOrEqual(200)
  expect(page.text.length).toBeLessThanOrEqual(4_000)
  expect(page.text).toContain('Alarm: a b')
  expect(page.text.isWellFormed() && page.summary.isWellFormed()).toBe(true)
})

test('a team that nobody can be reached by is refused, and names from the prototype are no teams', () => {
  const plan = (team: string, teams: Occasion['teams']) =>
    notifyOncall.plan(
      { to: `oncall@${team}` },
      { team, locks: [], label: '' },
      { is: 'unsent' },
      { ...OCCASION, teams },
    )
  expect(plan('db', OCCASION.teams)).toMatchObject({
    is: 'refused',
    reason: 'oncall.yaml has no team "db"; it has: sre',
  })
  expect(plan('sre', { sre: { name: 'sre', channels: [] } })).toMatchObject({
    is: 'refused',
    reason: expect.stringContaining('no channels'),
  })
  expect(plan('constructor', OCCASION.teams)).toMatchObject({ is: 'refused' })
})

test('the first channel that accepts ends it', async () => {
  const where = context({ 'events.pagerduty.com': ok })
  expect(await notifyOncall.apply(planned().change, where)).toEqual({
    operationId: 'pagerduty/k',
    detail: 'accepted by pagerduty',
  })
  expect(where.sent).toHaveLength(1)
})

test('a channel that refuses, and one that does not answer, are passed over and named', async () => {
  const where = context(
    { 'events.pagerduty.com': { status: 400, body: '{"message":"Event object is invalid"}' } },
    () => ({ MessageId: 'm-1' }),
  )
  const receipt = await notifyOncall.apply(planned().change, where)
  expect(receipt.operationId).toBe('sns/m-1')
  expect(receipt.detail).toMatch(
    /before it pagerduty answered 400: Event object is invalid; slack no answer, the outcome is unknown/,
  )
})

test('no reason carries a secret, also where the port itself puts it into its error', async () => {
  const receipt = await notifyOncall.apply(
    planned().change,
    context({}, () => ({ MessageId: 'm-1' })),
  )
  expect(receipt.detail).toContain('Bearer ***')
  expect(JSON.stringify(receipt)).not.toContain(SECRET)
})

test('when no channel accepts, another attempt is made and every reason is told', async () => {
  const where = context(
    {
      'events.pagerduty.com': { status: 503 },
      'slack.com': { body: '{"ok":false,"error":"channel_not_found"}' },
    },
    () => Promise.reject(awsError('NotFoundException', 404)),
  )
  const error: unknown = await notifyOncall.apply(planned().change, where).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RetryableError)
  expect(String(error)).toMatch(
    /no channel of sre accepted.*pagerduty answered 503; slack channel_not_found; sns NotFoundException/,
  )
})

test('when every channel refuses for good, the step fails at once', async () => {
  const where = context(
    { 'events.pagerduty.com': { status: 400 }, 'slack.com': { body: '{"ok":false,"error":"invalid_auth"}' } },
    () => Promise.reject(awsError('AuthorizationErrorException', 403)),
  )
  await expect(notifyOncall.apply(planned().change, where)).rejects.toThrow(TerminalError)
})

test('a limit of every channel sets the wait', async () => {
  const limited = { status: 429, headers: { 'retry-after': '30' } }
  const { change } = planned({ teams: { sre: { name: 'sre', channels: [PAGERDUTY, SLACK] } } })
  const where = context({
    'events.pagerduty.com': limited,
    'slack.com': { ...limited, headers: { 'retry-after': '7' } },
  })
  await expect(notifyOncall.apply(change, where)).rejects.toMatchObject({
    name: 'RetryableError',
    retryAfterMs: 7_000,
  })
})

test('a page tells whoever is paged the time of their own zone beside UTC', () => {
  const page = (timeZone?: string) => {
    const ann = { channels: [SNS], ...(timeZone === undefined ? {} : { timeZone }) }
    const rota = { levels: [{ page: 'ann', forMs: 0 }] as const, schedules: {}, people: { ann } }
    return planned({ teams: { sre: { name: 'sre', channels: [], rota } } }).page.text
  }
  expect(page('America/New_York')).toContain(
    'Since 2026-11-22T14:00:00.000Z (2026-11-22 09:00 in America/New_York)\n',
  )
  expect(page()).toContain('Since 2026-11-22T14:00:00.000Z\n')
})
