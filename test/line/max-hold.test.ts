import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  HOUR_MS,
  incidentsOf,
  pagesOf,
  play,
  runbookText,
  transition,
} from './calm.ts'
import { chainOf } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'

/** Added capacity that goes back 5 min after the alarm has cleared; `hold` is what the runbook says about holding it. */
function held(hold = '', options: Parameters<typeof calmStack>[1] = {}): Stack {
  const undo = `on_resolved: { undo: [scale_out], after: 5m, step: 100%${hold === '' ? '' : `, max_hold: ${hold}`} }`
  return calmStack(catalogueOf([runbookText(SCALE, undo)]), options)
}

const HOUR = 60
const HELD_PAGE = /has been held for .* is not put back: the alarm stands/

async function appliedAtMs(stack: Stack): Promise<number> {
  const [applied] = await entriesOfKind(stack, 'step.applied')
  return applied?.atMs ?? Number.NaN
}

test('an alarm that nobody clears for two days: a person is called once, a day after the change, and it is held on (G4, G7)', async () => {
  const stack = held()
  fire(stack)
  await play(stack, 24 * HOUR - 5)
  expect(pagesOf(stack)).toEqual([])
  await play(stack, 10)
  expect(pagesOf(stack)).toEqual([expect.stringMatching(HELD_PAGE)])
  const [page] = await entriesOfKind(stack, 'execution.escalated')
  expect((page?.atMs ?? 0) - (await appliedAtMs(stack))).toBeGreaterThanOrEqual(24 * HOUR_MS)
  expect((page?.atMs ?? 0) - (await appliedAtMs(stack))).toBeLessThan(24 * HOUR_MS + 60_000)
  await play(stack, 24 * HOUR)
  expect(pagesOf(stack)).toHaveLength(1)
  expect(desired(stack)).toBe(9)
  fire(stack, 'OK')
  await play(stack, 15)
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toHaveLength(1)
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/ resolved$/)])
  expect(await chainOf(stack)).toBe('consistent')
}, 120_000)

test('then: undo puts it back in slow steps while the alarm stands', async () => {
  const stack = held('{ for: 2h, then: undo }')
  fire(stack)
  await play(stack, 2 * HOUR - 1)
  expect(desired(stack)).toBe(9)
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toEqual([])
  expect(await entriesOfKind(stack, 'undo.started')).toMatchObject([
    { reason: 'it has been held for max_hold' },
  ])
})

test.each([
  ['{ for: 2h, then: undo }', 6, 0],
  ['2h', 9, 1],
])(
  'max_hold: %s happens also where the queue loses every message but those of the sweep (G4)',
  async (hold, tasks, pages) => {
    const stack = held(hold)
    const { send } = stack.app.ports.queue
    const sent = new Set<string>()
    Object.assign(stack.app.ports.queue, {
      send: async (message: Parameters<typeof send>[0], delayMs: number) => {
        const name = `${message.stream} ${message.minSeq} ${Math.floor(stack.account.now() / HOUR_MS)}`
        if (sent.has(name)) await send(message, delayMs)
        sent.add(name)
      },
    })
    fire(stack)
    await play(stack, 2 * HOUR + 30)
    expect(desired(stack)).toBe(tasks)
    expect(pagesOf(stack)).toHaveLength(pages)
  },
)

test('max_hold also ends where every worker dies until later than that before anything has begun', async () => {
  let untilMs = 0
  const stack: Stack = held('{ for: 1m, then: undo }', {
    diesAt: ({ name, when }) => name === 'put RUNBOOK' && when === 'before' && stack.account.now() < untilMs,
  })
  untilMs = stack.account.now() + 150_000
  fire(stack)
  await play(stack, 2.5)
  expect(stack.crashes.length).toBeGreaterThan(1)
  await play(stack, 1.25)
  expect(desired(stack)).toBe(9)
  await play(stack, 6)
  expect(desired(stack)).toBe(6)
})

test.each(['before', 'after'] as const)(
  'a worker that dies %s any I/O around the end of max_hold calls the person all the same, with one key (G3, G4)',
  async (when) => {
    const points: { readonly ordinal: number; readonly atMs: number }[] = []
    const run = async (dies?: number) => {
      const stack: Stack = held('30m', {
        diesAt: (point) => {
          if (dies === undefined) points.push({ ordinal: point.ordinal, atMs: stack.account.now() })
          return point.ordinal === dies && point.when === when
        },
      })
      const fromMs = stack.account.now()
      fire(stack)
      await play(stack, 45)
      return { stack, fromMs }
    }
    const { fromMs } = await run()
    const around = points.filter(({ atMs }) => Math.abs(atMs - fromMs - 0.5 * HOUR_MS) < 90_000)
    const ordinals = [...new Set(around.map(({ ordinal }) => ordinal))]
    expect(ordinals.length).toBeGreaterThan(20)
    for (const ordinal of ordinals) {
      const { stack } = await run(ordinal)
      expect(stack.crashes).toHaveLength(1)
      const keys = new Set(
        stack.account.inbox.map(({ body }) => /inc-[0-9a-z]{12}:\d+:\d+:[\w-]+/.exec(body)?.[0]),
      )
      expect(keys.size).toBe(1)
      expect(pagesOf(stack)[0]).toMatch(HELD_PAGE)
      expect(desired(stack)).toBe(9)
      expect(await entriesOfKind(stack, 'execution.escalated')).toHaveLength(1)
    }
  },
  300_000,
)

test('an undo that has begun, and whose alarm stands again, calls a person as well', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(
        SCALE,
        'on_resolved: { undo: [scale_out], after: 5m, step: 50%, max_hold: 1h }\nkeep_open: 30m\ncooldown: 90m',
      ),
    ]),
  )
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 5.5)
  expect(desired(stack)).toBe(7)
  fire(stack)
  await play(stack, 40)
  const before = pagesOf(stack).length
  await play(stack, 30)
  expect(pagesOf(stack).slice(before)).toEqual([expect.stringMatching(HELD_PAGE)])
  expect(desired(stack)).toBe(7)
})

test('a person has resolved the incident and the alarm never cleared: called, and an OK that no event told of is still found (G4)', async () => {
  const stack = held('1h')
  fire(stack)
  await play(stack, 5)
  const [incidentId = ''] = (await incidentsOf(stack)).map((line) => line.split(' ')[0])
  await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'it is over' })
  await play(stack, 90)
  expect(pagesOf(stack)).toEqual([expect.stringMatching(HELD_PAGE)])
  transition(stack.account, 'OK')
  await play(stack, 20)
  expect(desired(stack)).toBe(6)
})

test('what a person started by hand, without an alarm, is not put back until somebody resolves the incident', async () => {
  const stack = held('1h')
  await stack.command({ verb: 'run', runbook: 'spike', key: 'k1', by: ANN, reason: 'load test' })
  await play(stack, 70)
  expect(desired(stack)).toBe(9)
  expect(pagesOf(stack)).toEqual([expect.stringMatching(/nobody has resolved the incident/)])
  const [incidentId = ''] = (await incidentsOf(stack)).map((line) => line.split(' ')[0])
  await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'done' })
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
})

test('then: undo also where the change was built on that of an earlier incident of the same alarm', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(
        SCALE,
        'on_resolved: { undo: [scale_out], after: 30m, max_hold: { for: 1h, then: undo } }\nkeep_open: 1m',
      ),
    ]),
  )
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 10)
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(14)
  expect(await incidentsOf(stack)).toHaveLength(2)
  await play(stack, 90)
  expect(desired(stack)).toBe(6)
})
