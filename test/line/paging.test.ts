import { acknowledge, resolve } from '../../lib/decide.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import type { EntryOf, Stamped } from '../../lib/ledger/entry.ts'
import type { Point } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'
import { abort } from '../../lib/decide.ts'
import { ANN, BOB, calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from './calm.ts'
import { chainOf, MINUTE_MS, onlyIncident, START_AT_MS } from './world.ts'

const TOPIC = (name: string) => `arn:aws:sns:eu-west-1:123456789012:${name}`
const reached = (name: string) => `{ channels: [{ sns: { topic_arn: "${TOPIC(name)}" } }] }`

/** Bob is on call; after five minutes Eve, who is no schedule's; then whoever reads the topic of the team. */
const oncall = (more = '', levels = '[{ page: primary, for: 5m }, { page: eve, for: 10m }]') => `
people: { ann: ${reached('ann')}, bob: ${reached('bob')}, eve: ${reached('eve')} }
schedules:
  primary: { time_zone: UTC, layers: [{ people: [ann, bob], from: "2026-11-23T08:00", turn: 1h }] }
sre:
  levels: ${levels}
  channels: [{ sns: { topic_arn: "${TOPIC('team')}" } }]
${more}
`

interface Setting {
  readonly more?: string
  readonly levels?: string
  readonly steps?: string
  readonly head?: string
  readonly without?: readonly string[]
  readonly diesAt?: (point: Point) => boolean
}

function stackWith({
  more,
  levels,
  steps = '- notify: oncall@sre',
  head,
  without = [],
  diesAt,
}: Setting = {}): Stack {
  const catalogue = catalogueOf([runbookText(steps, head)], { oncall: () => oncall(more, levels) })
  const stack = calmStack(catalogue, diesAt ? { diesAt } : {})
  for (const name of ['ann', 'bob', 'eve', 'team'])
    if (!without.includes(name)) stack.account.world.topics.push(TOPIC(name))
  return stack
}

/** Who was paged, how many minutes after the alarm, and under which key. */
function pagedBy(stack: Stack): readonly (readonly [string, number, string])[] {
  return stack.account.inbox.map((message) => [
    message.to.split(':').at(-1) ?? '',
    Math.floor((message.atMs - START_AT_MS) / MINUTE_MS),
    message.dedupKey?.split(':').slice(1, 3).join(':') ?? '',
  ])
}

async function endings(stack: Stack): Promise<readonly string[]> {
  const finished = await entriesOfKind(stack, 'execution.finished')
  return finished
    .filter(({ stream }) => /\.page-/.test(stream))
    .map(({ outcome, reason }) => `${outcome}: ${reason}`)
}

test('where nobody answers the next level is paged, again and again, and at last the team itself; each page has a key of its own', async () => {
  const stack = stackWith({ more: '  repeat: 1' })
  fire(stack)
  await play(stack, 45)
  expect(pagedBy(stack)).toEqual([
    ['bob', 0, '1:1'],
    ['eve', 5, '2:1'],
    ['bob', 15, '1:2'],
    ['eve', 20, '2:2'],
    ['team', 30, '3:2'],
  ])
  expect(await endings(stack)).toEqual([
    'failed: nobody has acknowledged it, and the escalation policy is at its end',
  ])
  const keys = stack.account.inbox.map(({ dedupKey }) => dedupKey?.split(':')[3])
  expect(new Set(keys).size).toBe(1)
  expect(stack.account.inbox[1]?.body).toContain('Nobody has acknowledged it since 2026-11-23T09:00:')
})

test.each(['acknowledged', 'resolved'])(
  'once it is %s nobody else is paged, and the paging ends at once',
  async (how) => {
    const stack = stackWith()
    fire(stack)
    await play(stack, 4)
    const incident = await onlyIncident(stack)
    if (how === 'acknowledged') await acknowledge(stack.app, incident, ANN)
    else await resolve(stack.app, incident, ANN, 'it is a test')
    await play(stack, 0.2)
    expect(await endings(stack)).toEqual([
      how === 'acknowledged' ? 'succeeded: acknowledged by ann' : 'succeeded: the incident is resolved',
    ])
    await play(stack, 60)
    expect(pagedBy(stack)).toEqual([['bob', 0, '1:1']])
  },
)

test('a person whom no channel reaches is not waited for: the next level is paged at once', async () => {
  const stack = stackWith({
    without: ['bob', 'team'],
    steps: '- notify: oncall@sre\n  retry: { attempts: 1 }',
  })
  fire(stack)
  await play(stack, 2)
  expect(pagedBy(stack)).toEqual([['eve', 0, '2:1']])
})

test('where nobody is on call by the schedule of a level, the channels of the team are used in their stead', async () => {
  const catalogue = catalogueOf([runbookText('- notify: oncall@sre')], { oncall: () => oncall() })
  const stack = calmStack(catalogue)
  stack.account.world.topics.push(TOPIC('bob'), TOPIC('team'))
  const { levels, ...rest } = catalogue.teams['sre']!.rota!
  const nobody = { ...rest.schedules['primary']!, layers: [] }
  Object.assign(catalogue.teams['sre']!, { rota: { ...rest, levels, schedules: { primary: nobody } } })
  fire(stack)
  await play(stack, 1)
  expect(pagedBy(stack)).toEqual([['team', 0, '1:1']])
})

test('who is on call by then is asked when a level is paged, of the files that are deployed by then', async () => {
  const stack = stackWith({
    levels: '[{ page: primary, for: 30m }, { page: primary, for: 40m }]',
    more: '  repeat: 1',
  })
  fire(stack)
  await play(stack, 75)
  // Bob has the hour from nine, Ann the one from ten.
  expect(pagedBy(stack)).toEqual([
    ['bob', 0, '1:1'],
    ['bob', 30, '2:1'],
    ['ann', 70, '1:2'],
  ])
})

test('an acknowledgment times out: where the incident still stands, it is paged again', async () => {
  const stack = stackWith({ more: '  ack_timeout: 20m' })
  fire(stack)
  await play(stack, 4)
  const incident = await onlyIncident(stack)
  await acknowledge(stack.app, incident, ANN)
  await play(stack, 10)
  await acknowledge(stack.app, incident, BOB)
  await play(stack, 19)
  expect(pagedBy(stack)).toEqual([['bob', 0, '1:1']])
  await play(stack, 3)
  expect(pagedBy(stack)).toEqual([
    ['bob', 0, '1:1'],
    ['eve', 34, '2:1'],
  ])
})

/** Who was paged when, without the keys. */
const pagedAt = (stack: Stack) => pagedBy(stack).map(([name, minute]) => `${name} ${minute}`)

test('an acknowledgment after the last page is none by nobody, and where it times out the levels are paged once more', async () => {
  const stack = stackWith({ more: '  ack_timeout: 20m' })
  fire(stack)
  await play(stack, 16)
  await acknowledge(stack.app, await onlyIncident(stack), ANN)
  await play(stack, 19)
  expect(pagedAt(stack)).toEqual(['bob 0', 'eve 5', 'team 15'])
  await play(stack, 60)
  expect(pagedAt(stack).slice(3)).toEqual(['bob 36', 'eve 41', 'team 51'])
  expect(await endings(stack)).toEqual([
    'failed: acknowledged by ann, and not over; the escalation policy is at its end',
  ])
})

test('with a time for acknowledgments, too, a policy that nobody answers has one end', async () => {
  const stack = stackWith({ more: '  ack_timeout: 20m' })
  fire(stack)
  await play(stack, 90)
  expect(pagedAt(stack)).toEqual(['bob 0', 'eve 5', 'team 15'])
  expect(await endings(stack)).toEqual([
    'failed: nobody has acknowledged it, and the escalation policy is at its end',
  ])
})

test('an acknowledgment that nobody was told of counts at the end of the policy', async () => {
  const stack = stackWith({ levels: '[{ page: eve, for: 5m }]' })
  fire(stack)
  await play(stack, 9)
  const { queue } = stack.app.ports
  const send = queue.send.bind(queue)
  Object.assign(queue, { send: async () => {} })
  await acknowledge(stack.app, await onlyIncident(stack), ANN)
  Object.assign(queue, { send })
  await play(stack, 3)
  expect(await endings(stack)).toEqual(['succeeded: acknowledged by ann'])
})

test('a page that has nobody left to page keeps no later one from being repeated', async () => {
  const stack = stackWith({
    steps: '- notify: oncall@sre\n- wait: 24m\n- notify: { to: oncall@sre, message: It still stands. }',
  })
  fire(stack)
  await play(stack, 60)
  expect(pagedAt(stack)).toEqual(['bob 0', 'eve 5', 'team 15', 'bob 24', 'eve 29', 'team 39'])
})

test('what was acknowledged and comes back is paged on at once, and not when the acknowledgment would have timed out', async () => {
  const stack = stackWith({ more: '  ack_timeout: 1h', head: 'keep_open: 30m\ncooldown: 3h' })
  fire(stack)
  await play(stack, 2)
  await acknowledge(stack.app, await onlyIncident(stack), ANN)
  await play(stack, 6)
  fire(stack, 'OK')
  await play(stack, 2)
  expect(pagedAt(stack)).toEqual(['bob 0'])
  fire(stack)
  await play(stack, 1)
  expect(pagedAt(stack)).toEqual(['bob 0', 'eve 10'])
})

test('while the alarm is clear nobody else is paged; when it comes back, it goes on', async () => {
  const stack = stackWith({ head: 'keep_open: 30m' })
  fire(stack)
  await play(stack, 2)
  fire(stack, 'OK')
  await play(stack, 10)
  expect(pagedBy(stack)).toEqual([['bob', 0, '1:1']])
  fire(stack)
  await play(stack, 7)
  // The onset starts the runbook again, and so its page; whoever was not paged before is paged by one of the two.
  expect(pagedBy(stack).map(([name, , key]) => `${name} ${key}`)).toEqual(['bob 1:1', 'bob 1:1', 'eve 2:1'])
})

test('an acknowledgment of what was before a recurrence does not count for it', async () => {
  const stack = stackWith({ head: 'keep_open: 30m' })
  fire(stack)
  await play(stack, 2)
  await acknowledge(stack.app, await onlyIncident(stack), ANN)
  fire(stack, 'OK')
  await play(stack, 10)
  fire(stack)
  await play(stack, 7)
  expect(pagedBy(stack).map(([name]) => name)).toEqual(['bob', 'bob', 'eve'])
})

test('two pages of one incident are both sent, and one of them is repeated', async () => {
  const stack = stackWith({
    steps: '- notify: oncall@sre\n- wait: 2m\n- notify: { to: oncall@sre, message: It still stands. }',
  })
  fire(stack)
  await play(stack, 40)
  expect(pagedBy(stack)).toEqual([
    ['bob', 0, '1:1'],
    ['bob', 2, '1:1'],
    ['eve', 5, '2:1'],
    ['team', 15, '3:1'],
  ])
  const [first, second] = (await endings(stack)).toSorted()
  expect(first).toMatch(/^failed: nobody/)
  expect(second).toMatch(/^skipped: inc-\S+\.page-\w{4} pages sre already$/)
})

test('a page of the engine itself is repeated like one of a runbook', async () => {
  const stack = stackWith({
    steps: '- check: { alarm: ok, samples: 1, every: 30s, within: 1m }\n  on_failure: escalate',
  })
  fire(stack)
  await play(stack, 8)
  expect(pagedBy(stack)).toEqual([
    ['bob', 1, '1:1'],
    ['eve', 6, '2:1'],
  ])
})

test('where each attempt of a page dies before what follows it is begun, the next level is paged all the same', async () => {
  const stack = stackWith({ steps: '- notify: oncall@sre\n  retry: { attempts: 3 }' })
  const { storage } = stack.app.ports
  const put = storage.put.bind(storage)
  let deaths = 0
  Object.assign(storage, {
    put: async (...[item, condition]: Parameters<typeof put>) => {
      if (/^REC#.*\.page-/.test(item.sk) && deaths < 3) {
        deaths++
        throw new Error('gone')
      }
      return put(item, condition)
    },
  })
  fire(stack)
  await play(stack, 30)
  expect(deaths).toBe(3)
  // The engine pages as well, since the step has failed; that goes on by itself.
  const [own] = (await entriesOfKind(stack, 'paging.started')).filter(
    ({ origin }) => origin.step === 'notify',
  )
  const intents = await entriesOfKind(stack, 'step.intended')
  expect(intents.filter(({ stream }) => stream === own?.stream).map(({ step }) => step)).toContain('level-2')
})

test('a paging can be aborted on its own, by its id', async () => {
  const stack = stackWith()
  fire(stack)
  await play(stack, 2)
  const [{ stream }] = (await entriesOfKind(stack, 'paging.started')) as [EntryOf<'paging.started'> & Stamped]
  expect(incidentIdOf(stream)).toBe(await onlyIncident(stack))
  expect(await abort(stack.app, stream, ANN, 'we know')).toMatchObject({ is: 'recorded' })
  await play(stack, 30)
  expect(await endings(stack)).toEqual(['aborted: we know'])
  expect(pagedBy(stack)).toEqual([['bob', 0, '1:1']])
})

const QUICK: Setting = { levels: '[{ page: primary, for: 1m }, { page: eve, for: 1m }]' }

async function problemsOf(stack: Stack, expected: readonly string[]): Promise<readonly string[]> {
  const problems: string[] = []
  const told = [...new Set(pagedBy(stack).map(([name, , key]) => `${name} ${key}`))].toSorted()
  if (told.join() !== expected.join()) problems.push(`paged ${told.join()}`)
  const ended = await endings(stack)
  if (ended.length !== 1) problems.push(`ended ${ended.length} times: ${ended.join()}`)
  if ((await chainOf(stack)) !== 'consistent') problems.push('the chain is broken')
  // A second delivery follows only an outcome that was not known: a crash leaves at most one.
  if (stack.account.inbox.length > expected.length + 1) problems.push(`${stack.account.inbox.length} pages`)
  const intents = await entriesOfKind(stack, 'step.intended')
  const first = new Map<string, number>()
  for (const { change, attempt } of intents) {
    const key = JSON.stringify(change.after)
    first.set(key, (first.get(key) ?? 0) + (attempt === 1 ? 1 : 0))
  }
  if ([...first.values()].some((count) => count !== 1)) problems.push('two first intents of one page')
  return problems
}

async function crashing(
  setting: Setting,
  playOn: (stack: Stack) => Promise<void>,
  expected: readonly string[],
): Promise<readonly string[]> {
  const points: Point[] = []
  const calm = stackWith({ ...setting, diesAt: (point) => (points.push(point), false) })
  await playOn(calm)
  expect(await problemsOf(calm, expected)).toEqual([])
  const found: string[] = []
  for (const { ordinal, name, when } of points) {
    if ((name === 'due' || name === 'list') && ordinal > 12) continue
    const stack = stackWith({
      ...setting,
      diesAt: (point) => point.ordinal === ordinal && point.when === when,
    })
    await playOn(stack)
    for (const problem of await problemsOf(stack, expected))
      found.push(`${when} ${ordinal} ${name}: ${problem}`)
  }
  expect(points.length).toBeGreaterThan(100)
  return found
}

test('a crash at any I/O of a page that nobody answers loses no page and no level, and pages nobody twice but after it', async () => {
  const playOn = async (stack: Stack) => {
    fire(stack)
    await play(stack, 9)
  }
  expect(await crashing(QUICK, playOn, ['bob 1:1', 'eve 2:1', 'team 3:1'])).toEqual([])
}, 600_000)

test('a crash at any I/O before and after an acknowledgment pages nobody after it', async () => {
  const playOn = async (stack: Stack) => {
    fire(stack)
    await play(stack, 8, () => stack.account.inbox.length > 0)
    await play(stack, 0.5)
    await acknowledge(stack.app, await onlyIncident(stack), ANN)
    await play(stack, 20)
  }
  expect(await crashing({}, playOn, ['bob 1:1'])).toEqual([])
}, 600_000)

test('where the queue loses each message once, and only what the sweep sends again arrives, each level is still paged', async () => {
  const stack = stackWith(QUICK)
  const { send } = stack.app.ports.queue
  const lost = new Set<string>()
  Object.assign(stack.app.ports.queue, {
    send: async (message: Parameters<typeof send>[0], delayMs: number) => {
      const name = `${message.stream} ${message.minSeq}`
      if (lost.has(name)) await send(message, delayMs)
      lost.add(name)
    },
  })
  fire(stack)
  await play(stack, 15)
  expect(lost.size).toBe(3)
  expect(pagedBy(stack).map(([name]) => name)).toEqual(['bob', 'eve', 'team'])
})
