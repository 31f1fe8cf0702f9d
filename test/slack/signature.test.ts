import { isSignedBySlack } from '../../web/slack/signature.ts'
import { chatStack, fromSlack, type } from './workspace.ts'

/** The example of Slack's own documentation ("Verifying requests from Slack"), whose signature is printed there. */
const SECRET = '8f742231b10e8888abcd99yyyzzz85a5'
const SIGNED = {
  timestamp: '1531420618',
  signature: 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
  body: [
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V',
    'channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=',
    'response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN',
    'trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  ].join('&'),
}
const AT_MS = 1_531_420_618_000

test('the example of the documentation is signed', () => {
  expect(isSignedBySlack(SECRET, SIGNED, AT_MS)).toBe(true)
})

test.each<[what: string, secret: string, signed: typeof SIGNED, nowMs: number]>([
  ['with another secret', `${SECRET}.`, SIGNED, AT_MS],
  ['with another body', SECRET, { ...SIGNED, body: `${SIGNED.body}&x=1` }, AT_MS],
  ['at another time', SECRET, { ...SIGNED, timestamp: '1531420619' }, AT_MS],
  ['six minutes later', SECRET, SIGNED, AT_MS + 360_000],
  ['six minutes before', SECRET, SIGNED, AT_MS - 360_000],
  ['without a time', SECRET, { ...SIGNED, timestamp: '' }, AT_MS],
  ['with a time that is none', SECRET, { ...SIGNED, timestamp: '1e400' }, AT_MS],
  ['without a signature', SECRET, { ...SIGNED, signature: '' }, AT_MS],
  ['with a short signature', SECRET, { ...SIGNED, signature: 'v0=a211' }, AT_MS],
  [
    'with a signature of another version',
    SECRET,
    { ...SIGNED, signature: SIGNED.signature.replace('v0', 'v1') },
    AT_MS,
  ],
])('the same %s is not', (_what, secret, signed, nowMs) => {
  expect(isSignedBySlack(secret, signed, nowMs)).toBe(false)
})

test.each(['/slack/commands', '/slack/interactions', '/slack/events'])(
  '%s takes nothing that Slack has not signed, or that is old',
  async (path) => {
    const stack = chatStack()
    for (const signed of [
      { secret: 'x'.repeat(32) },
      { ageS: 301 },
      { ageS: -301 },
      { headers: { 'x-slack-signature': 'v0=' } },
    ]) {
      const answer = await fromSlack(stack, path, 'team_id=T0123456789&text=pause+all+now', signed)
      expect(answer).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    }
    expect(stack.outbox.waiting).toEqual([])
  },
)

test('a signature is of the text as it came, and not of what was read of it', async () => {
  const stack = chatStack()
  // The same form in another order, with other spaces.
  const body = 'text=list&user_id=U0ANN&team_id=T0123456789&trigger_id=t+1&response_url='
  expect((await fromSlack(stack, '/slack/commands', body)).status).toBe(200)
})

test('another workspace is refused, though Slack signs for it too', async () => {
  const stack = chatStack()
  expect(await type(stack, 'list', { team: 'T9999999999' })).toMatchObject({
    status: 403,
    body: { code: 'forbidden' },
  })
  expect(stack.outbox.waiting).toEqual([])
})

test('without a slack.yaml there is no such address', async () => {
  const stack = chatStack()
  const { slack: _slack, ...catalogue } = stack.app.catalogue
  const bare = { ...stack, app: { ...stack.app, catalogue } }
  expect((await type(bare, 'list')).status).toBe(404)
})
