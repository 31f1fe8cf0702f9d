import { toldBy } from '../../lib/signal/alert-words.ts'
import { parseEvent } from '../../lib/signal/parse.ts'

const receivedAtMs = Date.parse('2026-03-09T02:14:08Z')

function told(payload: unknown): readonly string[] {
  return parseEvent(payload, { receivedAtMs }).map((one) =>
    one.is === 'signal' ? `${one.signal.state} ${one.signal.key}` : one.code,
  )
}

test.each([
  ['FIRING', 'alarm'],
  ['ALERT_FAILURE', 'alarm'],
  ['In alarm', 'alarm'],
  ['UnconfirmedDown', 'alarm'],
  ['incident_created_v2', 'alarm'],
  ['ResolvedCritical', 'ok'],
  ['alert_recovery', 'ok'],
  ['incident.resolved', 'ok'],
  ['Acknowledged', 'none'],
  ['NoData', 'insufficient-data'],
  ['not ok', undefined],
  ['comment created', undefined],
  ['load_balancing_health_alert', undefined],
  ['the database of the shop is down', undefined],
  ['constructor', undefined],
  ['', undefined],
])('the state word "%s" says %s', (word, state) => {
  expect(toldBy(word)).toBe(state)
})

test('an alert of an unknown sender needs a name that speaks of alerts, a name of its own and a state', () => {
  const whole = { alert_name: 'checkout errors', status: 'firing', timestamp: '2026-03-09T02:14:07Z' }
  expect(told(whole)).toEqual(['alarm webhook/name/checkout errors'])
  expect(told({ ...whole, status: 'who knows' })).toEqual(['unknown-source'])
  expect(told({ incident_url: 'u', status: 'firing' })).toEqual(['unknown-source'])
  expect(told({ user_name: 'checkout errors', name: 'x', status: 'firing' })).toEqual(['unknown-source'])
})

test('what CI, tickets, shops and logs say is no alert', () => {
  for (const payload of [
    { status: 'error', message: 'Not Found', code: 404 },
    { action: 'opened', issue: { title: 'Fix the alarm text', state: 'open' }, repository: { name: 'shop' } },
    { object_kind: 'pipeline', object_attributes: { status: 'failed' }, project: { name: 'shop' } },
    { type: 'invoice.payment_failed', data: { object: { status: 'open', name: 'x' } } },
    { severity: 'ERROR', message: 'failed to connect', timestamp: '2026-03-09T02:14:07Z' },
    { action: 'completed', check_run: { name: 'test', status: 'completed', conclusion: 'failure' } },
    { event_type: 'incident.comment_created', incident_id: 'x', comment: { body: 'looking' } },
  ])
    expect(told(payload)).toEqual(['unknown-source'])
})

test('an alert and its end have one key, whatever the sender writes into the title', () => {
  const alert = (title: string, state: string, more: object = {}) => ({ alert: true, title, state, ...more })
  expect(told(alert('[P1] [Triggered] api', 'triggered'))).toEqual(['alarm webhook/name/api'])
  expect(told(alert('[Recovered] api', 'recovered'))).toEqual(['ok webhook/name/api'])
  expect(told(alert('api is down', 'down', { monitorID: 7 }))).toEqual(['alarm webhook/monitorid/7'])
  expect(told(alert('api is up', 'up', { monitor_id: '7' }))).toEqual(['ok webhook/monitorid/7'])
})

test('an end is not dated by the beginning of its problem, and a duration is no date', () => {
  const over = { incident: { name: 'api', status: 'resolved', started_at: '2026-03-09T01:00:00Z' }, time: 42 }
  expect(parseEvent(over, { receivedAtMs })[0]).toMatchObject({ signal: { stateAtMs: receivedAtMs } })
})

test('a page of our own that comes back as an alert starts nothing', () => {
  const page = { event_action: 'trigger', dedup_key: 'inc-0123456789ab/page', payload: { summary: 'api' } }
  expect(told(page)).toEqual(['own-page'])
})

test('what a parser knows for certain goes before a guess about what is around it', () => {
  const alarm = { AlarmName: 'api', NewStateValue: 'ALARM', StateChangeTime: '2026-03-09T02:14:07.412+0000' }
  const relay = { alert: 'relay', status: 'ok', payload: JSON.stringify(alarm) }
  expect(told(relay)).toEqual(['alarm cloudwatch/-/-/api'])
})

test('a payload without a time is dated by its envelope, else by its arrival', () => {
  const sentAt = receivedAtMs - 60_000
  const inQueue = (payload: unknown) => ({
    messageId: '1',
    body: JSON.stringify(payload),
    attributes: { SentTimestamp: String(sentAt) },
  })
  for (const payload of [
    { alert: 'api', status: 'firing' },
    { alert_title: 'api', alert_transition: 'Triggered' },
    { project: 'shop', culprit: 'pay', event: { title: 'TypeError' } },
  ]) {
    expect(parseEvent(payload, { receivedAtMs })[0]).toMatchObject({ signal: { stateAtMs: receivedAtMs } })
    expect(parseEvent(inQueue(payload), { receivedAtMs })[0]).toMatchObject({ signal: { stateAtMs: sentAt } })
  }
})
