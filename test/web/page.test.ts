import { createHash } from 'node:crypto'
import { acknowledge, addNote } from '../../lib/decide.ts'
import { asksFor, calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from '../line/calm.ts'
import { onlyIncident } from '../line/world.ts'
import { PAGE_ROUTES } from '../../web/page/routes.ts'
import { ask, type Asked } from './asked.ts'

const COOKIE = { cookie: 'firebreak=t-ann' }
const FROM_HERE = { origin: 'http://localhost', 'sec-fetch-site': 'same-origin' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const EVIL = `<script>alert(1)</script>"'&<img src=x onerror=alert(1)>`

async function opened(title?: string) {
  const stack = calmStack(
    catalogueOf([runbookText('- wait: 20m')]),
    title === undefined ? {} : { alarms: [title] },
  )
  fire(stack)
  await play(stack, 1)
  return { stack, id: await onlyIncident(stack) }
}

/** Sends a form as a browser would. */
const form = (texts: { readonly [name: string]: string }, asked: Asked = {}): Asked => ({
  ...asked,
  method: 'POST',
  body: new URLSearchParams(texts).toString(),
  headers: { ...COOKIE, ...FROM_HERE, ...FORM, ...asked.headers },
})

test.each(['/', '/services', '/run', '/incidents/inc-000000000000'])(
  '%s is shown to nobody unknown',
  async (path) => {
    const { stack } = await opened()
    const answer = await ask(stack, path, { role: 'nobody' })
    expect(answer.status).toBe(401)
    expect(answer.text).toContain('Sign in')
    expect(answer.text).not.toContain('api-5xx')
  },
)

test('a token in the form becomes a cookie that no script can read, and leads back', async () => {
  const { stack, id } = await opened()
  const answer = await ask(stack, '/sign-in', {
    ...form({ token: 't-ann', to: `/incidents/${id}` }, { role: 'nobody' }),
    headers: { ...FROM_HERE, ...FORM },
  })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, `/incidents/${id}`])
  expect(answer.headers.get('set-cookie')).toMatch(
    /^firebreak=t-ann; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/,
  )
})

test.each([
  '//evil.example.com',
  '/\\evil.example.com',
  'https://evil.example.com',
  '/sign-in',
  'javascript:alert(1)',
])('whoever signs in is not led to %s', async (to) => {
  const { stack } = await opened()
  const answer = await ask(stack, '/sign-in', form({ token: 't-ann', to }, { role: 'nobody' }))
  expect(answer.headers.get('location')).toBe('/')
})

test('a token that is unknown signs nobody in', async () => {
  const { stack } = await opened()
  const answer = await ask(stack, '/sign-in', form({ token: 'guess' }, { role: 'nobody' }))
  expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null])
})

describe('a form', () => {
  test.each<[what: string, headers: { readonly [name: string]: string }]>([
    ['from another site', { origin: 'https://evil.example.com' }],
    ['of another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
    ['from nowhere', { origin: 'null' }],
  ])('%s is refused, whatever the cookie', async (_what, headers) => {
    const { stack, id } = await opened()
    const answer = await ask(stack, `/incidents/${id}/ack`, form({}, { headers }))
    expect(answer.status).toBe(403)
    expect(await entriesOfKind(stack, 'incident.acknowledged')).toEqual([])
  })

  test('that is sent twice from one view notes once, with who it was', async () => {
    const { stack, id } = await opened()
    for (let times = 0; times < 2; times++)
      expect((await ask(stack, `/incidents/${id}/note`, form({ text: 'hello', key: 'page 7' }))).status).toBe(
        303,
      )
    expect(await entriesOfKind(stack, 'incident.noted')).toMatchObject([
      { note: 'hello', actor: { is: 'person', name: 'ann', via: 'page' } },
    ])
  })

  test.each<
    [path: string, texts: { readonly [name: string]: string }, role: 'reader' | 'responder', status: number]
  >([
    ['ack', {}, 'reader', 403],
    ['resolve', { text: 'x' }, 'reader', 403],
    ['note', {}, 'responder', 400],
    ['note', { text: 'x'.repeat(2_000) }, 'responder', 400],
  ])('to %s with %j as a %s is answered by %d', async (path, texts, role, status) => {
    const { stack, id } = await opened()
    expect((await ask(stack, `/incidents/${id}/${path}`, form(texts, { role }))).status).toBe(status)
  })

  test('of another type than a form is refused', async () => {
    const { stack, id } = await opened()
    const answer = await ask(
      stack,
      `/incidents/${id}/ack`,
      form({}, { headers: { 'content-type': 'application/json' } }),
    )
    expect(answer.status).toBe(415)
  })

  test('to approve holds only for the plan that was shown', async () => {
    const stack = calmStack(asksFor('30m'))
    fire(stack)
    await play(stack, 1)
    const [asked] = await entriesOfKind(stack, 'approval.requested')
    const path = `/executions/${asked?.stream}/approve`
    expect((await ask(stack, path, form({ subject: 'scale_out', digest: 'other' }))).status).toBe(409)
    expect((await ask(stack, path, form({ subject: 'scale_out', digest: asked?.digest ?? '' }))).status).toBe(
      303,
    )
    expect(await entriesOfKind(stack, 'step.approved')).toHaveLength(1)
  })

  test('starts a runbook once, however often it is sent', async () => {
    const stack = calmStack(catalogueOf([runbookText('- wait: 20m')]))
    const sent = form({ runbook: 'spike', key: 'k-1', reason: 'by hand', mode: '' })
    const [first, second] = [await ask(stack, '/run', sent), await ask(stack, '/run', sent)]
    expect([first.status, second.headers.get('location')]).toEqual([303, first.headers.get('location')])
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(1)
  })
})

test('what came from outside is text on every page, and never markup', async () => {
  const { stack, id } = await opened()
  await addNote(stack.app, id, { name: EVIL, via: 'cli' }, EVIL)
  await acknowledge(stack.app, id, { name: EVIL, via: 'cli' }, EVIL)
  for (const path of [
    '/',
    `/incidents/${id}`,
    `/incidents/${id}?only=failed`,
    '/services',
    `/?service=${encodeURIComponent(EVIL)}`,
  ]) {
    const { text, status } = await ask(stack, path, { headers: COOKIE })
    expect(status).toBeLessThan(500)
    expect(text).not.toContain('<script>alert')
    expect(text).not.toContain('<img')
  }
})

test('the policy of a page allows its own style and script, and nothing else', async () => {
  const { stack, id } = await opened()
  const { text, headers } = await ask(stack, `/incidents/${id}`, { headers: COOKIE })
  const policy = headers.get('content-security-policy') ?? ''
  const hashOf = (tag: string) =>
    createHash('sha256')
      .update(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(text)?.[1] ?? '')
      .digest('base64')
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain(`style-src 'sha256-${hashOf('style')}'`)
  expect(policy).toContain(`script-src 'sha256-${hashOf('script')}'`)
  expect(policy).not.toContain('unsafe')
  expect(text).not.toMatch(/ style=| on\w+=/)
})

test('a page that has not changed is not sent again', async () => {
  const { stack, id } = await opened()
  const first = await ask(stack, `/incidents/${id}`, { headers: COOKIE })
  const again = await ask(stack, `/incidents/${id}`, {
    headers: { ...COOKIE, 'if-none-match': first.headers.get('etag') ?? '' },
  })
  expect([again.status, again.text]).toEqual([304, ''])
})

test('what is out of reach is not there', async () => {
  const { stack, id } = await opened()
  const answer = await ask(stack, `/incidents/${id}`, { headers: COOKIE, services: ['other'] })
  expect(answer.status).toBe(404)
  expect((await ask(stack, '/', { headers: COOKIE, services: ['other'] })).text).not.toContain(id)
})

test.each(['json', 'md', 'csv', 'ndjson', 'cloudevents'])('the timeline is to be had as %s', async (name) => {
  const { stack, id } = await opened()
  expect((await ask(stack, `/incidents/${id}/timeline.${name}`, { headers: COOKIE })).status).toBe(200)
  expect((await ask(stack, `/incidents/${id}/timeline.exe`, { headers: COOKIE })).status).toBe(404)
})

test('every route of a page has something that answers it', async () => {
  const { stack, id } = await opened()
  for (const route of PAGE_ROUTES) {
    const [method = '', path = ''] = route.split(' ')
    const address = path
      .replace(/:file\{.*\}/, 'timeline.md')
      .replace(':id', id)
      .replace(':link', 'x')
    const { status } = await ask(stack, address, {
      method,
      headers: { ...COOKIE, ...FROM_HERE, ...FORM },
      ...(method === 'POST' ? { body: 'a=b' } : {}),
    })
    expect([route, status < 500 && status !== 404]).toEqual([route, true])
  }
})

test('an incident with a thousand entries is a page under 100 kB, and each entry has an address that stays', async () => {
  const { stack, id } = await opened()
  for (let count = 0; count < 1_000; count++)
    await addNote(stack.app, id, { name: 'bob', via: 'cli' }, `note ${count} ${'word '.repeat(40)}`)
  const latest = await ask(stack, `/incidents/${id}`, { headers: COOKIE })
  expect(latest.text.length).toBeLessThan(100_000)
  expect(latest.text).toContain('note 999 ')
  expect(latest.text).not.toContain('note 500 ')
  const earlier = /href="([^"]+)">\d+ earlier entries/.exec(latest.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const before = await ask(stack, earlier, { headers: COOKIE })
  expect(before.text.length).toBeLessThan(100_000)
  // Nothing is left out between the two, and nothing is told twice.
  const told = (text: string): readonly string[] => [...text.matchAll(/note (\d+) /g)].map(([, n]) => n ?? '')
  expect(Number(told(before.text).at(-1))).toBe(Number(told(latest.text)[0]) - 1)
  expect(before.text).toMatch(/\d+ later entries/)
  const link =
    /href="([^"]+)"><time[^>]*>[^<]*<\/time><\/a>(?:(?!<\/tr>).)*note 999 /s.exec(latest.text)?.[1] ?? ''
  const [path = '', anchor = ''] = link.replaceAll('&amp;', '&').split('#')
  for (let count = 1_000; count < 1_200; count++)
    await addNote(stack.app, id, { name: 'bob', via: 'cli' }, `note ${count} `)
  const later = await ask(stack, path, { headers: COOKIE })
  expect(later.text).toContain(`id="${anchor}"`)
  expect(later.text).toContain('note 999 ')
})

test('the filters of the list work with what a form leaves empty', async () => {
  const { stack, id } = await opened()
  for (const [query, isThere] of [
    ['?status=&service=', true],
    ['?status=open&service=', true],
    ['?status=&service=api', true],
    ['?status=resolved&service=', false],
  ] as const) {
    const answer = await ask(stack, `/${query}`, { headers: COOKIE })
    expect([answer.status, answer.text.includes(id)]).toEqual([200, isThere])
  }
})

test('one service is paused and resumed by a form; whoever reaches another one is not told of it', async () => {
  const { stack } = await opened()
  const pause = { is: 'service', name: 'api', reason: 'a secret acquisition' }
  expect((await ask(stack, '/pause', form(pause))).status).toBe(303)
  expect((await ask(stack, '/', { headers: COOKIE })).text).toContain('a secret acquisition')
  const other = await ask(stack, '/', { role: 'admin', services: ['shop'], headers: COOKIE })
  expect(other.text).not.toContain('a secret acquisition')
  expect((await ask(stack, '/pause', form({ ...pause, name: 'apj' }))).status).toBe(404)
  expect((await ask(stack, '/resume', form({ is: 'service', name: 'api' }))).status).toBe(303)
  expect((await ask(stack, '/', { headers: COOKIE })).text).not.toContain('a secret acquisition')
})

test('a timeline as a file is kept by nobody on the way', async () => {
  const { stack, id } = await opened()
  const answer = await ask(stack, `/incidents/${id}/timeline.csv`, { headers: COOKIE })
  expect(answer.headers.get('cache-control')).toBe('private, no-cache')
})

test('an incident that came back has no owner any more, and can be acknowledged again', async () => {
  const stack = calmStack(catalogueOf([runbookText('- wait: 20m', 'keep_open: 30m')]))
  fire(stack)
  await play(stack, 1)
  const id = await onlyIncident(stack)
  const page = async () => (await ask(stack, `/incidents/${id}`, { headers: COOKIE })).text
  expect(await page()).toContain('>Acknowledge</button>')
  await acknowledge(stack.app, id, { name: 'bob', via: 'cli' })
  expect(await page()).not.toContain('>Acknowledge</button>')
  fire(stack, 'OK')
  await play(stack, 1)
  fire(stack)
  await play(stack, 1)
  expect(await page()).toContain('>Acknowledge</button>')
})
