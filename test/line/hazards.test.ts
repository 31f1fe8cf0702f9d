import { command } from '../../lib/command.ts'
import { ingest } from '../../lib/ingest.ts'
import { readClaims } from '../../lib/ledger/claims.ts'
import { readHead, readHeads } from '../../lib/ledger/head.ts'
import { StorageError, type Item } from '../../lib/ledger/storage.ts'
import type { App } from '../../lib/ports.ts'
import { mortalPorts } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  allEntries,
  ANN,
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

/* Hazards of starts, locks and stops that were found once by reading against the design; undo has its own file. */

const SCALE = '- scale_out: { ecs: api, by: 50% }'

interface Gate {
  readonly passed: Promise<void>
  open(): void
}

function gate(): Gate {
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
  return (await allEntries(stack)).map((entry) => ('step' in entry ? `${entry.kind} ${entry.step}` : entry.kind))
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
  'execution.escalated',
  'step.intended page-1',
  'step.applied page-1',
]

test('an execution whose every look kills its worker is stopped on record, paged, and gives claim and lock to the next one (G4)', async () => {
  const { stack, heal } = poisonedStack('after')
  fire(stack)
  await play(stack, 60)
  expect(await kindsOf(stack)).toEqual(STOPPED)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ step: 'scale_out', attempt: 1, code: 'unknown' }])
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
  let answered = ''
  const answer = ingest(app, transition(stack.account, 'ALARM'), turnOf(stack)).then(
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
  const written = (await allEntries(stack)).length
  const calls = stack.account.calls.length
  for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => void setImmediate(resolve))
  expect([(await allEntries(stack)).length, stack.account.calls.length]).toEqual([written, calls])
})

test('two drains of one weighted group, side by side, never leave all its weights 0 (G5)', async () => {
  const services = (text: string) =>
    text.replace(/^(\s*)canary: (.*)set: canary \}/m, (line, indent, rest) => `${line}\n${indent}stable: ${rest}set: stable }`)
  const drains = [
    '- parallel:',
    '    - { id: a, route53_weight: { record: canary, weight: 0 } }',
    '    - { id: b, route53_weight: { record: stable, weight: 0 } }',
  ].join('\n')
  const stack = calmStack(catalogueOf([runbookText(drains)], { services }))
  const weights = () =>
    (stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records ?? []).flatMap((record) => record.Weight ?? [])
  expect(weights()).toEqual([10, 90])
  fire(stack)
  await play(stack, 5)
  expect(weights()).toEqual([0, 90])
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { step: 'b', reason: expect.stringContaining('the other sets (canary) have weight 0 too') },
  ])
  expect(pagesOf(stack)).toHaveLength(1)
})

test('two scale-outs of one service, side by side, begin one after the other: the second sees the first, and undo restores the start (G5, G7)', async () => {
  const both = '- parallel:\n    - { id: a, scale_out: { ecs: api, by: 50% } }\n    - { id: b, scale_out: { ecs: api, by: 2 } }'
  const stack = calmStack(catalogueOf([runbookText(both, 'on_resolved: { undo: [a, b], after: 5m, step: 100% }')]))
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(11)
  expect((await entriesOfKind(stack, 'step.intended')).map((entry) => [entry.step, entry.change.summary, entry.locks])).toEqual([
    ['a', 'desired 6 -> 9', { 'ecs/prod/api': 1 }],
    ['b', 'desired 9 -> 11', { 'ecs/prod/api': expect.any(Number) }],
  ])
  const order = (await kindsOf(stack)).filter((kind) => /^step\.(intended|applied)/.test(kind))
  expect(order).toEqual(['step.intended a', 'step.applied a', 'step.intended b', 'step.applied b'])
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toEqual([])
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
  const second = ingest(repeat.app, event, turnOf(stack))
  await repeat.there.passed
  live.go.open()
  await first
  repeat.go.open()
  await second
  await stack.command({ verb: 'resume-all', by: ANN })
  const [started] = await entriesOfKind(stack, 'execution.started')
  const executionId = started?.executionId ?? 'none'
  const claim = { executionId, startedAtMs: START_AT_MS }
  expect(await readClaims(stack.storage, 'service:api')).toEqual([{ ...claim, cooldownMs: 600_000 }])
  expect(await readClaims(stack.storage, 'all')).toEqual([{ ...claim, cooldownMs: 0 }])
  await play(stack, 10)
  expect(await entriesOfKind(stack, 'execution.refused')).toEqual([])
  expect(desired(stack)).toBe(9)
  expect(await readClaims(stack.storage, 'service:api')).toEqual([
    { ...claim, cooldownMs: 600_000, endedAtMs: START_AT_MS + 170_000 },
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
  expect(await sentAfter(20)).toEqual(await sentAfter(0))
  expect((await sentAfter(20)).sent).toBeLessThanOrEqual(5)
})

test('a target stays locked while the outcome of a change of it is in doubt (G5)', async () => {
  const undo = 'on_resolved: { undo: [scale_out], after: 1m }'
  const stack = calmStack(
    catalogueOf([runbookText(SCALE, undo), runbookText(SCALE, `triggers: [{ alarm: other }]\n${undo}`, 'second')]),
  )
  let lost = false
  let blind = true
  stack.account.onCall({
    after(call) {
      if (call.name !== 'ecs:UpdateService' || lost) return
      lost = true
      throw new Error('socket hang up')
    },
    before(call) {
      if (call.name === 'ecs:DescribeServices' && lost && blind) throw new Error('socket hang up')
    },
  })
  fire(stack)
  await play(stack, 0.3)
  const [first] = await entriesOfKind(stack, 'step.unsettled')
  const lock = await stack.storage.get('LOCK#ecs/prod/api', 'LOCK')
  expect(JSON.parse(lock?.body ?? '{}')).toMatchObject({ owner: first?.stream })
  expect(JSON.parse(lock?.body ?? '{}')).not.toHaveProperty('releasedAtMs')
  blind = false
  await stack.command({ verb: 'run', runbook: 'second', key: 'k', by: ANN, reason: 'slow' })
  await play(stack, 2)
  expect((await kindsOf(stack)).filter((kind) => /^step\.(intended|applied|waiting)/.test(kind))).toEqual([
    'step.intended scale_out',
    'step.waiting scale_out',
    'step.applied scale_out',
    'step.intended scale_out',
    'step.applied scale_out',
  ])
  expect(desired(stack)).toBe(14)
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toEqual([])
})

test('an approval of an execution that was aborted, or has ended, is refused and records nothing', async () => {
  const stack = calmStack(
    catalogueOf([runbookText(`${SCALE}\n  approve: { by: sre, timeout: 10m, on_timeout: skip }`)]),
  )
  fire(stack)
  await play(stack, 1)
  const [started] = await entriesOfKind(stack, 'execution.started')
  const id = started?.executionId
  await stack.command({ verb: 'abort', id, by: ANN, reason: 'no' })
  expect(await stack.command({ verb: 'approve', id, by: BOB })).toMatchObject({ is: 'problem', code: 'ended' })
  await play(stack, 1)
  expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'aborted' }])
  expect(await stack.command({ verb: 'approve', id, by: BOB })).toMatchObject({ is: 'problem', code: 'ended' })
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
  expect(unborn).toMatchObject({ headSeq: -1, order: { runbook: 'spike', key: 'k' } })
  expect(unborn?.dueAtMs).toBe(0)
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
  expect(await readHead(stack.storage, incidentId, unborn?.stream ?? '')).toMatchObject({ status: 'succeeded' })
  expect(await readHead(stack.storage, incidentId, unborn?.stream ?? '')).not.toHaveProperty('dueAtMs')
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.refused')).toEqual([])
  expect(desired(stack)).toBe(14)
  expect(await incidentsOf(stack)).toHaveLength(2)
})
