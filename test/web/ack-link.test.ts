import { ackPath, pageInLink, readAckLink } from '../../lib/ack-link.ts'
import { calmStack, catalogueOf, entriesOfKind, fire, HOUR_MS, play, runbookText } from '../line/calm.ts'
import { onlyIncident } from '../line/world.ts'
import { ask } from './asked.ts'

const SECRET = 'a secret of thirty-two characters or more'
const CLAIMS = {
  incidentId: 'inc-2y90k4wt62tn',
  team: 'sre',
  person: 'ann.b-c',
  untilMs: 1_795_000_000_000,
  page: pageInLink('inc-2y90k4wt62tn:1:1:tell'),
}

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ann'
const ONCALL = `
people: { ann: { channels: [{ sns: { topic_arn: "${TOPIC}" } }] } }
acknowledge: { url: "https://firebreak.example.com", secret: "ssm:/firebreak/links", expires: 2h }
sre: { levels: [{ page: ann, for: 5m }, { page: ann, for: 5m }] }
`

async function paged() {
  const stack = calmStack(catalogueOf([runbookText('- notify: oncall@sre')], { oncall: () => ONCALL }))
  stack.account.world.topics.push(TOPIC)
  stack.account.world.parameters['/firebreak/links'] = { value: SECRET, secure: true }
  fire(stack)
  await play(stack, 1)
  const path = /https:\/\/firebreak\.example\.com(\/ack\/\S+)/.exec(stack.account.inbox[0]?.body ?? '')?.[1]
  if (path === undefined) throw new Error('there is no link in the page')
  return { stack, path, id: await onlyIncident(stack) }
}

const open = async (stack: Parameters<typeof ask>[0], path: string, method = 'GET') =>
  ask(stack, path, { role: 'nobody', method })

test('a link says what was signed, and is short enough for a text message', () => {
  const path = ackPath(SECRET, CLAIMS)
  const link = readAckLink(path.slice('/ack/'.length))
  expect(link?.claims).toEqual(CLAIMS)
  expect(link?.isSignedWith(SECRET)).toBe(true)
  expect(link?.isSignedWith(`${SECRET}.`)).toBe(false)
  expect(path.length).toBeLessThan(100)
})

test('no character of a link can be changed', () => {
  const text = ackPath(SECRET, CLAIMS).slice('/ack/'.length)
  for (let index = 0; index < text.length; index++) {
    const other = text[index] === 'a' ? 'b' : 'a'
    const link = readAckLink(text.slice(0, index) + other + text.slice(index + 1))
    expect(link?.isSignedWith(SECRET) ?? false).toBe(false)
  }
})

test('a secret that is too short signs nothing', () => {
  expect(() => ackPath('short', CLAIMS)).toThrow('32 characters')
  expect(readAckLink(ackPath(SECRET, CLAIMS).slice(5))?.isSignedWith('')).toBe(false)
})

test('the link of a page acknowledges by its button, and not by being opened; once, for whoever was paged', async () => {
  const { stack, path } = await paged()
  const shown = await open(stack, path)
  expect([shown.status, shown.text.includes('Acknowledge as ann')]).toEqual([200, true])
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toEqual([])
  const pressed = await open(stack, path, 'POST')
  expect([pressed.status, pressed.text.includes('Acknowledged by ann')]).toEqual([200, true])
  const again = await open(stack, path, 'POST')
  expect(again.text).toContain('This link was used')
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toMatchObject([
    { actor: { is: 'person', name: 'ann', via: 'link' } },
  ])
  await play(stack, 30)
  expect(stack.account.inbox).toHaveLength(1)
})

test('the record holds no link and no signature', async () => {
  const { stack, path } = await paged()
  const signature = path.slice(path.lastIndexOf('.') + 1)
  const told = JSON.stringify(await entriesOfKind(stack, 'step.intended'))
  expect(told).toContain('ssm:/firebreak/links')
  expect(told).not.toContain(signature)
})

test('where the secret cannot be read the page goes out without a link', async () => {
  const stack = calmStack(catalogueOf([runbookText('- notify: oncall@sre')], { oncall: () => ONCALL }))
  stack.account.world.topics.push(TOPIC)
  fire(stack)
  await play(stack, 1)
  expect(stack.account.inbox.map(({ body }) => body.includes('/ack/'))).toEqual([false])
})

test('a link that has expired tells nothing and acknowledges nothing', async () => {
  const { stack, path } = await paged()
  await play(stack, (2 * HOUR_MS) / 60_000)
  for (const method of ['GET', 'POST']) {
    const answer = await open(stack, path, method)
    expect([answer.status, answer.text.includes('api-5xx')]).toEqual([410, false])
  }
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toEqual([])
})

test.each([
  ['forged', (path: string) => `${path.slice(0, -22)}${'A'.repeat(22)}`],
  ['of another team', (path: string) => path.replace('~sre~', '~dev~')],
  ['of a team that every object has', (path: string) => path.replace('~sre~', '~constructor~')],
  ['cut off', (path: string) => path.slice(0, -3)],
  ['that is none', () => '/ack/hello'],
  ['of nonsense', () => `/ack/${'~'.repeat(500)}`],
])('a link %s is refused', async (_what, made) => {
  const { stack, path } = await paged()
  for (const method of ['GET', 'POST']) {
    const answer = await open(stack, made(path), method)
    expect([answer.status, answer.text.includes('api-5xx')]).toEqual([410, false])
  }
  expect(await entriesOfKind(stack, 'incident.acknowledged')).toEqual([])
})

test('where the secret cannot be read, a link is of no use, and nothing is said of why', async () => {
  const { stack, path } = await paged()
  Object.assign(stack.app.ports, { secret: async () => Promise.reject(new Error('no such parameter')) })
  const answer = await open(stack, path)
  expect(answer.status).toBeLessThan(500)
  expect(answer.text).toContain('cannot be used')
  expect(answer.text).not.toContain('parameter')
})
