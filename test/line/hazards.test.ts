import { command } from '../../lib/command.ts'
import { mitigated } from '../../lib/incident-stream.ts'
import { ingest } from '../../lib/ingest.ts'
import { readClaims } from '../../lib/ledger/claims.ts'
import { readHead, readHeads, shards } from '../../lib/ledger/head.ts'
import { dueOpens } from '../../lib/ledger/open.ts'
import { StorageError, type Item } from '../../lib/ledger/storage.ts'
import type { App } from '../../lib/ports.ts'
import { sweep } from '../../lib/sweep.ts'
import { mortalPorts } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  allEntries,
  ANN,
  asAlarmAction,
  BOB,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  incidentsOf,
  pagesOf,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'
import { effectsOf, onlyIncident, START_AT_MS } from './world.ts'

/* Hazards of starts, stops and people's words that a review found once; those of targets are beside this file. */

const SCALE = '- scale_out: { ecs: api, by: 50% }'

function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

/** The same engine for one invocation, where each put first goes by a test. */
function appWhosePuts(stack: Stack, before: (item: Item) => Promise<void>): App {
  const { ports } = stack.app
  const storage: App['ports']['storage'] = {
    ...ports.storage,
    put: async (item, condition) => {
      await before(item)
      return ports.storage.put(item, condition)
    },
  }
  return { ...stack.app, ports: { ...ports, storage } }
}

async function kindsOf(stack: Stack): Promise<readonly string[]> {
  return (await allEntries(stack)).map((entry) =>
    'step' in entry ? `${entry.kind} ${entry.step}` : entry.kind,
  )
}

/** The worker dies at its change, and again at each look at the target, until the test heals it. */
function poisonedStack(when: 'before' | 'after'): { readonly stack: Stack; heal(): void } {
  let poisoned = false
  let healed = false
  const stack = calmStack(catalogueOf([runbookText(SCALE, 'cooldown: 5m')]), {
    diesAt: (point) => {
      if (healed) return false
      if (!poisoned && point.name === 'ecs:UpdateService' && point.when === when) return (poisoned = true)
      return poisoned && point.name === 'ecs:DescribeServices' && point.when === 'before'
    },
  })
  return { stack, heal: () => void (healed = true) }
}

const STOPPED = [
  'execution.started',
  'step.intended scale_out',
  'incident.opened',
  'step.failed scale_out',
  'execution.stopped',
  'execution.escalated execution',
  'step.intended page-1',
  'step.applied page-1',
]

test('an execution whose every look kills its worker is stopped on record, paged, and gives claim and lock to the next one (G4)', async () => {
  const { stack, heal } = poisonedStack('after')
  fire(stack)
  await play(stack, 60)
  expect(await kindsOf(stack)).toEqual(STOPPED)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { step: 'scale_out', attempt: 1, code: 'unknown' },
  ])
  expect(pagesOf(stack)).toEqual([
    expect.stringMatching(
      /^\[sev2\] api: inc-\w+-\w+ was stopped: it was woken 10 times and wrote nothing; the outcome of scale_out is not known$/,
    ),
  ])
  const heads = await readHeads(stack.storage, await onlyIncident(stack))
  expect(heads.map((head) => [head.status, head.dueAtMs])).toEqual([
    ['stopped', undefined],
    ['open', undefined],
  ])
  heal()
  fire(stack, 'OK')
  await play(stack, 60)
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.refused')).toEqual([])
  expect((await entriesOfKind(stack, 'step.intended')).map((entry) => entry.change.summary)).toEqual([
    'desired 6 -> 9',
    expect.stringContaining('page sre'),
    'desired 9 -> 14',
  ])
  expect(desired(stack)).toBe(14)
  expect(pagesOf(stack)).toHaveLength(1)
})

test('after an execution was stopped none of its effects begins, also when its workers live again (G3)', async () => {
  const { stack, heal } = poisonedStack('before')
  fire(stack)
  const stopped = async () => (await entriesOfKind(stack, 'execution.stopped')).length > 0
  expect(await play(stack, 60, stopped)).toBe(true)
  heal()
  await play(stack, 60)
  expect(await kindsOf(stack)).toEqual(STOPPED)
  expect(effectsOf(stack)).toEqual({})
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toHaveLength(1)
})

test('a signal is not answered while one of its starts is under way, whatever became of the others (G3)', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText('- route53_weight: { record: canary, weight: 0 }', '', 'first'),
      runbookText(SCALE, '', 'second'),
    ]),
  )
  const reached = gate()
  const frozen = gate()
  stack.account.onCall({
    async before(call) {
      if (call.name !== 'ecs:UpdateService') return
      reached.open()
      await frozen.passed
    },
  })
  const app = appWhosePuts(stack, async (item) => {
    if (!item.pk.startsWith('RUNBOOK') || !item.body.includes('"first"')) return
    await reached.passed
    throw new StorageError('throttled')
  })
  const { detail, ...event } = transition(stack.account, 'ALARM')
  // An alarm whose window nobody tells, as a composite alarm's, has no cooldown of its own: both runbooks start.
  const { configuration: _configuration, ...windowless } = detail
  let answered = ''
  const answer = ingest(app, asAlarmAction({ ...event, detail: windowless }), turnOf(stack)).then(
    () => (answered = 'done'),
    (error: Error) => (answered = error.message),
  )
  await reached.passed
  // The refused put has long been answered by then: all I/O here is in memory.
  for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => void setImmediate(resolve))
  expect(answered).toBe('')
  frozen.open()
  await answer
  expect(answered).toContain('throttled')
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  // Nothing was left running behind the answer.
  const written = (await allEntries(stack)).length
  const calls = stack.account.calls.length
  for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => void setImmediate(resolve))
  expect([(await allEntries(stack)).length, stack.account.calls.length]).toEqual([written, calls])
})

test('a repeat of a start that is refused leaves the claim of the live start alone (G6)', async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE, 'hold_down: 2m\ncooldown: 10m')]))
  const held = () => {
    const there = gate()
    const go = gate()
    const app = appWhosePuts(stack, async (item) => {
      if (!/^REC#inc-.*#000000$/.test(item.sk)) return
      there.open()
      await go.passed
    })
    return { there, go, app }
  }
  const [live, repeat] = [held(), held()]
  const event = transition(stack.account, 'ALARM')
  const first = ingest(live.app, event, turnOf(stack))
  await live.there.passed
  await stack.command({ verb: 'pause-all', by: ANN, reason: 'audit' })
  // The live start is slow: its delivery comes again once its worker should have ended.
  stack.account.advance(60_000)
  const second = ingest(repeat.app, event, turnOf(stack))
  await repeat.there.passed
  live.go.open()
  await first
  repeat.go.open()
  await second
  await stack.command({ verb: 'resume-all', by: ANN })
  const [started] = await entriesOfKind(stack, 'execution.started')
  const claim = { executionId: started?.executionId, startedAtMs: START_AT_MS }
  expect(await readClaims(stack.storage, 'service:api')).toEqual([{ ...claim, cooldownMs: 600_000 }])
  expect(await readClaims(stack.storage, 'all')).toEqual([{ ...claim, cooldownMs: 0 }])
  await play(stack, 10)
  expect(await entriesOfKind(stack, 'execution.refused')).toEqual([])
  expect(desired(stack)).toBe(9)
  expect(await readClaims(stack.storage, 'service:api')).toEqual([
    { ...claim, cooldownMs: 600_000, endedAtMs: START_AT_MS + 180_000 },
  ])
})

test('notes on an incident that waits add no messages beyond their own', async () => {
  const sentAfter = async (notes: number) => {
    const stack = calmStack(
      catalogueOf([
        runbookText(`${SCALE}\n- wait: 13m`, 'on_resolved: { undo: [scale_out], after: 1m }\nkeep_open: 2m'),
      ]),
    )
    fire(stack)
    await play(stack, 1)
    fire(stack, 'OK')
    await play(stack, 0.2)
    const id = await onlyIncident(stack)
    for (let number = 0; number < notes; number++)
      await stack.command({ verb: 'note', id, by: ANN, note: `note ${number}` })
    const { send } = stack.work
    let sent = 0
    Object.assign(stack.work, {
      send: (body: string, delayMs?: number) => {
        sent++
        return send(body, delayMs)
      },
    })
    await play(stack, 5)
    return { sent, queued: stack.work.waiting.length }
  }
  expect(await sentAfter(0)).toEqual({ sent: 5, queued: 2 })
  expect(await sentAfter(20)).toEqual({ sent: 5, queued: 2 })
})

test('an approval of an execution that was aborted, or has ended, is refused and records nothing', async () => {
  const stack = calmStack(
    catalogueOf([runbookText(`${SCALE}\n  approve: { by: sre, timeout: 10m, on_timeout: skip }`)]),
  )
  fire(stack)
  await play(stack, 1)
  const id = (await entriesOfKind(stack, 'execution.started'))[0]?.executionId
  await stack.command({ verb: 'abort', id, by: ANN, reason: 'no' })
  expect(await stack.command({ verb: 'approve', id, by: BOB })).toMatchObject({
    is: 'problem',
    code: 'ended',
  })
  await play(stack, 1)
  expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'aborted' }])
  expect(await stack.command({ verb: 'approve', id, by: BOB })).toMatchObject({
    is: 'problem',
    code: 'ended',
  })
  await play(stack, 20)
  expect(await entriesOfKind(stack, 'step.approved')).toEqual([])
  expect(effectsOf(stack)).toEqual({})
  expect((await kindsOf(stack)).at(-1)).toBe('execution.finished')
})

test("a person's start that died before its first record is carried on by the sweep, and then holds nobody up (G4)", async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE, 'cooldown: 5m')]))
  let points = 0
  let records = 0
  // The incident's first record is written, the execution's is not.
  const ports = mortalPorts(
    stack.app.ports,
    () => ++points,
    (point) => point.name === 'put REC' && point.when === 'before' && ++records === 2,
    () => undefined,
  )
  const request = { verb: 'run', runbook: 'spike', key: 'k', by: ANN, reason: 'slow' }
  await expect(command({ ...stack.app, ports }, request, turnOf(stack))).rejects.toThrow('put REC')
  const incidentId = await onlyIncident(stack)
  const [unborn] = (await readHeads(stack.storage, incidentId)).filter((head) => head.stream !== 'incident')
  expect(unborn).toMatchObject({ headSeq: -1, order: { runbook: 'spike', key: 'manual/ann/k' } })
  expect(unborn?.dueAtMs).toBe(START_AT_MS + 47_000)
  await play(stack, 30)
  expect(desired(stack)).toBe(9)
  expect(await kindsOf(stack)).toEqual([
    'incident.opened',
    'execution.started',
    'step.intended scale_out',
    'step.applied scale_out',
    'step.verified scale_out',
    'execution.finished',
  ])
  expect(await readHead(stack.storage, incidentId, unborn?.stream ?? '')).toMatchObject({
    status: 'succeeded',
  })
  expect(await readHead(stack.storage, incidentId, unborn?.stream ?? '')).not.toHaveProperty('dueAtMs')
  // The first sweep after what its dead worker might still have done.
  expect((await entriesOfKind(stack, 'execution.started'))[0]?.atMs).toBe(START_AT_MS + 60_000)
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.refused')).toEqual([])
  expect(desired(stack)).toBe(14)
  expect(await incidentsOf(stack)).toHaveLength(2)
})

test('a sweep that carries out what a dead worker has accepted leaves alone what a live one is at (G6)', async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE)]), { wired: false })
  const { promise: never } = Promise.withResolvers<void>()
  const onset = transition(stack.account, 'ALARM')
  // Both hang where their records begin; the first one's time is over when the sweep comes.
  const hangs = () => appWhosePuts(stack, async ({ sk }) => (sk.startsWith('REC#') ? never : undefined))
  void ingest(hangs(), onset, turnOf(stack))
  await stack.runUntil(stack.account.now() + 40_000)
  void ingest(hangs(), transition(stack.account, 'OK'), turnOf(stack))
  await new Promise(setImmediate)
  await sweep(stack.app, turnOf(stack))
  const [due] = await dueOpens(stack.storage, Infinity, 10, shards)
  expect(Object.values(due?.pending ?? {}).map(({ is }) => is)).toEqual(['cleared'])
  expect(await entriesOfKind(stack, 'incident.opened')).toHaveLength(1)
  expect(await entriesOfKind(stack, 'incident.cleared')).toEqual([])
  // Once its time is over as well, the next sweep carries it out.
  await play(stack, 3)
  expect(await entriesOfKind(stack, 'incident.cleared')).toHaveLength(1)
})

test('a signal that is delivered again once its worker is dead is carried out by one, however near the sweep is (G6)', async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE)]), { wired: false })
  const { promise: never } = Promise.withResolvers<void>()
  const hangs = () => appWhosePuts(stack, async ({ sk }) => (sk.startsWith('REC#') ? never : undefined))
  const onset = transition(stack.account, 'ALARM')
  void ingest(hangs(), onset, turnOf(stack))
  await new Promise(setImmediate)
  stack.account.advanceTo(stack.account.now() + 40_000)
  void ingest(hangs(), onset, turnOf(stack))
  await new Promise(setImmediate)
  await sweep(stack.app, turnOf(stack))
  expect(await ingest(stack.app, onset, turnOf(stack))).toMatchObject({ parts: [{ code: 'duplicate' }] })
  expect(await allEntries(stack)).toEqual([])
  await play(stack, 3)
  expect(desired(stack)).toBe(9)
})

test('an incident that is mitigated while its clearing is recorded is put back in its time (G4, G7)', async () => {
  const undo = 'keep_open: 1h\non_resolved: { undo: [scale_out], after: 30m, step: 100% }'
  const stack = calmStack(catalogueOf([runbookText(SCALE, undo)]), { wired: false })
  await ingest(stack.app, transition(stack.account, 'ALARM'), turnOf(stack))
  await play(stack, 5)
  const [{ incidentId } = { incidentId: '' }] = await entriesOfKind(stack, 'incident.opened')
  const { storage } = stack
  const late: (() => Promise<unknown>)[] = []
  const slow: App['ports']['storage'] = {
    ...storage,
    put: async (item, condition) => {
      if (item.sk !== 'HEAD#incident') return storage.put(item, condition)
      late.push(async () => storage.put(item, condition))
      return { is: 'put' }
    },
  }
  const mitigation = {
    kind: 'incident.mitigated',
    actor: { is: 'engine', worker: 'w' },
    reason: 'a check has passed',
  } as const
  // Between the record of the clearing and the turn that makes HEAD due by it.
  const app: App = {
    ...stack.app,
    ports: {
      ...stack.app.ports,
      storage: {
        ...storage,
        put: async (item, condition) => {
          const answer = await storage.put(item, condition)
          if (item.body.includes('incident.cleared'))
            await mitigated(
              { ...stack.app, ports: { ...stack.app.ports, storage: slow } },
              incidentId,
              mitigation,
            )
          return answer
        },
      },
    },
  }
  await ingest(app, transition(stack.account, 'OK'), turnOf(stack))
  for (const put of late) await put()
  expect(desired(stack)).toBe(9)
  await play(stack, 40)
  expect(desired(stack)).toBe(6)
})
