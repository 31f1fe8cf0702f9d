import { advance } from '../../lib/advance.ts'
import { ingest } from '../../lib/ingest.ts'
import { verifyChain } from '../../lib/ledger/chain.ts'
import { dueHeads, listIncidents } from '../../lib/ledger/head.ts'
import type { NamedScope } from '../../lib/ledger/kill-switch.ts'
import { loadRecords } from '../../lib/ledger/records.ts'
import { StorageError } from '../../lib/ledger/storage.ts'
import type { App } from '../../lib/ports.ts'
import type { WorkMessage } from '../../lib/queue.ts'
import type { Runbook } from '../../lib/runbook/runbook.ts'
import { sweep } from '../../lib/sweep.ts'
import { refuseNext } from '../../sim/faults.ts'
import type { Point } from '../../sim/mortal.ts'
import { createStack, type Stack } from '../../sim/stack.ts'
import {
  allEntries,
  ANN,
  calmAccount,
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
import { apiStack, chainOf, effectsOf, MINUTE_MS, shippedCatalogue, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 5m }'

async function executionOf(stack: Stack): Promise<string> {
  return (await entriesOfKind(stack, 'execution.started'))[0]?.stream ?? 'none'
}

async function outcomes(stack: Stack): Promise<readonly string[]> {
  return (await entriesOfKind(stack, 'execution.finished')).map((entry) => entry.outcome)
}

const pause = (stack: Stack) => stack.command({ verb: 'pause-all', by: ANN, reason: 'game day' })
const resume = (stack: Stack) => stack.command({ verb: 'resume-all', by: ANN })

describe('the kill switch', () => {
  test('on before the start: refused on record, a person is paged, nothing is changed (G6)', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE)]))
    await pause(stack)
    fire(stack)
    await play(stack, 10)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      { code: 'paused', reason: expect.stringContaining('ann: game day') },
    ])
    expect(effectsOf(stack)).toEqual({})
    expect(pagesOf(stack)).toEqual([expect.stringContaining('paused by ann')])
  })

  test('a start that was refused while it was on does not begin by itself later', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE)]))
    await pause(stack)
    fire(stack)
    await play(stack, 5)
    await resume(stack)
    await play(stack, 30)
    expect(effectsOf(stack)).toEqual({})
  })

  test('on between two steps: nothing is intended until it is off, then the work goes on (G6)', async () => {
    const stack = calmStack(catalogueOf([runbookText(`${SCALE}\n- wait: 2m\n${DRAIN}`)]))
    fire(stack)
    await play(stack, 1)
    await pause(stack)
    await play(stack, 20)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
    expect((await entriesOfKind(stack, 'step.intended')).map((entry) => entry.step)).toEqual(['scale_out'])
    await resume(stack)
    await play(stack, 5)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1, 'route53:ChangeResourceRecordSets': 1 })
    expect(await outcomes(stack)).toEqual(['succeeded'])
  })

  test('holds an attempt that is due again, and an undo (G6)', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE, UNDO)]))
    fire(stack)
    await play(stack, 3)
    await pause(stack)
    fire(stack, 'OK')
    await play(stack, 30)
    expect(desired(stack)).toBe(9)
    await resume(stack)
    await play(stack, 30)
    expect(desired(stack)).toBe(6)
  })

  test('holds a repeat, and closes the attempt that is not there before its lock is let go (G5, G6)', async () => {
    let died = false
    const stack = calmStack(catalogueOf([runbookText(SCALE)]), {
      diesAt: ({ name, when }) => {
        const dies = !died && name === 'ecs:UpdateService' && when === 'before'
        died ||= dies
        return dies
      },
    })
    fire(stack)
    await play(stack, 0)
    await pause(stack)
    await play(stack, 5)
    const lock = await stack.storage.get('LOCK#ecs/123456789012/eu-west-1/prod/api', 'LOCK')
    expect(JSON.parse(lock?.body ?? '{}')).toHaveProperty('releasedAtMs')
    expect(await entriesOfKind(stack, 'step.retried')).toMatchObject([{ step: 'scale_out', attempt: 1 }])
    expect(desired(stack)).toBe(6)
    await resume(stack)
    await play(stack, 5)
    expect(desired(stack)).toBe(9)
  })

  test('holds no page: a person is called while everything is paused', async () => {
    const stack = calmStack(catalogueOf([runbookText(`- wait: 1m\n- notify: { to: oncall@sre }\n${SCALE}`)]))
    fire(stack)
    await play(stack, 0.5)
    await pause(stack)
    await play(stack, 10)
    expect(stack.account.inbox).toHaveLength(1)
    expect(effectsOf(stack)).toEqual({})
  })

  test.each<[NamedScope]>([
    [{ is: 'account', name: '123456789012' }],
    [{ is: 'service', name: 'api' }],
    [{ is: 'runbook', name: 'spike' }],
  ])(
    'of %j alone: a start is refused with who paused it, one under way and its undo wait (G6)',
    async (scope) => {
      const stack = calmStack(catalogueOf([runbookText(SCALE, UNDO)]))
      fire(stack)
      await play(stack, 3)
      await stack.command({ verb: 'pause', scope, by: ANN, reason: 'game day' })
      fire(stack, 'OK')
      await play(stack, 30)
      expect(desired(stack)).toBe(9)
      fire(stack)
      await play(stack, 3)
      expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
        { code: 'paused', reason: `${scope.is} ${scope.name} was paused by ann: game day` },
      ])
      fire(stack, 'OK')
      await stack.command({ verb: 'resume', scope, by: ANN })
      await play(stack, 60)
      expect(desired(stack)).toBe(6)
    },
  )

  test('of one runbook leaves another of the same service free, and changes nothing of its own', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE), runbookText(DRAIN, '', 'other')]))
    await stack.command({ verb: 'pause', scope: { is: 'runbook', name: 'spike' }, by: ANN, reason: 'x' })
    await play(stack, 1)
    fire(stack)
    await play(stack, 5)
    expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
  })

  test.each([
    [{ is: 'service', name: 'apis' }],
    [{ is: 'runbook', name: 'api' }],
    [{ is: 'account', name: '210987654321' }],
    [{ is: 'account', name: 'api' }],
    [{ is: 'all' }],
    [{ is: 'service', name: '' }],
    ['api'],
  ])('of what there is not is refused and pauses nothing: %j', async (scope) => {
    const stack = calmStack(catalogueOf([runbookText(SCALE)]))
    expect(await stack.command({ verb: 'pause', scope, by: ANN, reason: 'x' })).toMatchObject({
      is: 'problem',
    })
    expect(await stack.command({ verb: 'status' })).toMatchObject({ answer: { paused: [] } })
  })

  test('leaves no lock behind that keeps others waiting', async () => {
    const stack = calmStack(catalogueOf([runbookText(`- wait: 1m\n${SCALE}`)]))
    fire(stack)
    await play(stack, 0.5)
    await pause(stack)
    await play(stack, 3)
    const lock = await stack.storage.get('LOCK#ecs/123456789012/eu-west-1/prod/api', 'LOCK')
    expect(lock === undefined || JSON.parse(lock.body)).toMatchObject({ releasedAtMs: expect.any(Number) })
  })
})

/** The same steps each time; an abort lands just before one I/O of the worker. */
const ABORTED = catalogueOf([
  runbookText(
    `${SCALE}\n${DRAIN}\n- notify: { to: oncall@sre }\n- rollback: { codedeploy: api, to: last-success }`,
  ),
])

async function playAborted(ordinal: number): Promise<{ stack: Stack; points: number; aborted: boolean }> {
  const box: { stack?: Stack } = {}
  let points = 0
  let aborted = false
  const abortBefore = async () => {
    points++
    const { stack } = box
    if (points !== ordinal || !stack) return
    const id = await executionOf(stack)
    const answer = await stack.command({ verb: 'abort', id, by: ANN, reason: 'stop it' })
    aborted = answer.is === 'answer'
  }
  const stack = createStack({ account: calmAccount({ guarded: false }), catalogue: ABORTED })
  stack.account.act({ is: 'deploy', application: 'api', group: 'api-prod', taskDefinition: 'api:42' })
  stack.account.advance(90_000)
  box.stack = stack
  const { ports } = stack.app
  // A person's own command goes past the hooks: it uses the ports as they were.
  const hooked: App = {
    catalogue: ABORTED,
    ports: {
      ...ports,
      storage: {
        ...ports.storage,
        put: async (item, condition) => (await abortBefore(), ports.storage.put(item, condition)),
        get: async (pk, sk) => (await abortBefore(), ports.storage.get(pk, sk)),
      },
      aws: (scope) => ({
        call: async (name, input) => (await abortBefore(), ports.aws(scope).call(name, input)),
      }),
      http: { post: async (request) => (await abortBefore(), ports.http.post(request)) },
    },
  }
  await ingest(hooked, transition(stack.account, 'ALARM'), turnOf(stack))
  await play(stack, 40)
  return { stack, points, aborted }
}

test('no step is intended after an abort is on record, wherever it comes, and what was under way has its outcome (G3)', async () => {
  const { points } = await playAborted(0)
  expect(points).toBeGreaterThan(20)
  let landed = 0
  for (let ordinal = 1; ordinal <= points; ordinal++) {
    const { stack, aborted } = await playAborted(ordinal)
    if (!aborted) continue
    landed++
    const entries = (await allEntries(stack)).filter((entry) => entry.stream !== 'incident')
    const at = entries.findIndex((entry) => entry.kind === 'execution.aborted')
    const after = entries.filter((entry) => entry.seq > (entries[at]?.seq ?? Infinity))
    expect(after.filter((entry) => entry.kind === 'step.intended')).toEqual([])
    const intended = entries
      .filter((entry) => entry.kind === 'step.intended')
      .map((entry) => `${entry.step} ${entry.attempt}`)
    const settled = entries
      .filter((entry) => entry.kind === 'step.applied' || entry.kind === 'step.failed')
      .map((entry) => `${entry.step} ${entry.attempt}`)
    // A page's answer is gathered after the change behind it.
    expect(settled.toSorted()).toEqual(intended.toSorted())
    expect(await outcomes(stack)).toEqual(['aborted'])
    expect(await chainOf(stack)).toBe('consistent')
    // Every lock is given back.
    const keys = [
      'ecs/123456789012/eu-west-1/prod/api',
      'route53/Z0123456789ABCDEFGHIJ/api.example.com/A',
      'codedeploy/api/api-prod',
    ]
    const locks = await Promise.all(keys.map((key) => stack.storage.get(`LOCK#${key}`, 'LOCK')))
    expect(locks.filter((lock) => lock && !lock.body.includes('releasedAtMs'))).toEqual([])
  }
  expect(landed).toBeGreaterThan(8)
})

test('an abort while an outcome is unknown: it is observed and recorded, and not tried again (G3)', async () => {
  const told = {
    before: { kind: 'step.skipped', code: 'stopped' },
    after: { kind: 'step.applied', attempt: 1 },
  }
  for (const when of ['before', 'after'] as const) {
    const stack = calmStack(catalogueOf([runbookText(`${SCALE}\n${DRAIN}`)]))
    const lose = (call: { readonly name: string }) => {
      if (call.name === 'ecs:UpdateService') throw new Error('socket hang up')
    }
    stack.account.onCall(when === 'before' ? { before: lose } : { after: lose })
    fire(stack)
    await stack.runUntil(START_AT_MS + 3_000)
    await stack.command({ verb: 'abort', id: await executionOf(stack), by: ANN, reason: 'stop it' })
    await play(stack, 10)
    expect(await outcomes(stack)).toEqual(['aborted'])
    expect(stack.account.count('ecs:UpdateService')).toBe(1)
    const said = (await allEntries(stack)).filter(
      (entry) => entry.kind === 'step.applied' || entry.kind === 'step.skipped',
    )
    expect(said).toMatchObject([told[when]])
  }
})

test("an abort ends a page of the runbook that is being retried, but not the engine's own (G3)", async () => {
  const stack = calmStack(catalogueOf([runbookText('- notify: { to: oncall@sre }')]))
  stack.account.world.faults.http['events.eu.pagerduty.com'] = { status: 503, body: '', times: 1_000 }
  stack.account.world.topics.length = 0
  fire(stack)
  await stack.runUntil(START_AT_MS + 2_000)
  const intents = (await entriesOfKind(stack, 'step.intended')).length
  await stack.command({ verb: 'abort', id: await executionOf(stack), by: ANN, reason: 'we know' })
  await play(stack, 20)
  expect(await entriesOfKind(stack, 'step.intended')).toHaveLength(intents)
  expect(await outcomes(stack)).toEqual(['aborted'])
})

test("a failure that a person's decision overtakes on its way to the record is recorded and pages all the same", async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(
        `- parallel:\n    - route53_weight: { record: canary, weight: 0 }\n      approve: { by: sre, timeout: 5m, on_timeout: skip }\n    - scale_out: { ecs: api, by: 50% }`,
      ),
    ]),
  )
  refuseNext(stack.account.world, 'ecs:UpdateService', {
    name: 'AccessDeniedException',
    message: 'no',
    status: 403,
  })
  stack.account.onCall({
    async before(call) {
      if (call.name === 'ecs:UpdateService')
        await stack.command({ verb: 'approve', id: await executionOf(stack), by: ANN })
    },
  })
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.approved')).toHaveLength(1)
  expect(await entriesOfKind(stack, 'step.failed')).toHaveLength(1)
  expect(pagesOf(stack)).toEqual(expect.arrayContaining([expect.stringContaining('scale_out failed')]))
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
})

test('what has ended, or never began, cannot be aborted, and the person is told', async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE)]))
  await pause(stack)
  fire(stack)
  await play(stack, 2)
  const refused = (await entriesOfKind(stack, 'execution.refused'))[0]?.stream
  expect(await stack.command({ verb: 'abort', id: refused, by: ANN, reason: 'x' })).toMatchObject({
    is: 'problem',
    code: 'ended',
  })
  expect(
    await stack.command({ verb: 'abort', id: 'inc-000000000000-000000', by: ANN, reason: 'x' }),
  ).toMatchObject({ is: 'problem', code: 'not-found' })
})

/**
 * Plays on by sweeps alone: whatever turns and signals send to the queue is lost, and only what the sweep itself sends
 * arrives.
 */
async function playBySweeps(stack: Stack, minutes: number): Promise<void> {
  const { app, account } = stack
  const deaf: App = { ...app, ports: { ...app.ports, queue: { send: async () => {} } } }
  const sent: { atMs: number; message: WorkMessage }[] = []
  const sweeping: App = {
    ...app,
    ports: {
      ...app.ports,
      queue: { send: async (message, delayMs) => void sent.push({ atMs: account.now() + delayMs, message }) },
    },
  }
  const untilMs = account.now() + minutes * MINUTE_MS
  let nextSweepMs = account.now() + MINUTE_MS
  while (account.now() < untilMs) {
    account.advance(1_000)
    for (let signal = stack.signals.receive(); signal; signal = stack.signals.receive()) {
      await ingest(deaf, JSON.parse(signal.body), turnOf(stack))
      stack.signals.acknowledge(signal)
    }
    if (account.now() >= nextSweepMs) {
      nextSweepMs += MINUTE_MS
      await sweep(sweeping, turnOf(stack))
    }
    for (const due of sent.filter((one) => one.atMs <= account.now())) {
      sent.splice(sent.indexOf(due), 1)
      await advance(deaf, due.message, turnOf(stack))
    }
  }
}

test('with every work message lost the sweep alone finishes everything, with every effect once (G4)', async () => {
  // Samples of a check travel in the messages, so a check of several would begin anew each time.
  const catalogue = shippedCatalogue('auto')
  const single = catalogue.runbooks.map((book) => ({
    ...book,
    steps: book.steps.map((step) => (step.is === 'check' ? { ...step, samples: 1 } : step)),
  }))
  const stack = apiStack({ catalogue: { ...catalogue, runbooks: single } })
  await playBySweeps(stack, 120)
  expect(await outcomes(stack)).toEqual(['succeeded', 'succeeded'])
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/resolved$/)])
  expect(desired(stack)).toBe(6)
  expect(effectsOf(stack)).toMatchObject({
    'route53:ChangeResourceRecordSets': 1,
    'codedeploy:CreateDeployment': 1,
  })
})

test('with every work message lost a check of several samples ends inconclusive: a person is called, and nothing hangs (G4, G9)', async () => {
  const stack = apiStack({ catalogue: shippedCatalogue('auto') })
  await playBySweeps(stack, 120)
  const [checked, ...others] = await entriesOfKind(stack, 'step.checked')
  expect(others).toEqual([])
  // The alarm has long been clear, but each sample is the first of a new row.
  const reason = '1 of 3 good samples in a row when the time was over; the last: alarm api-5xx-spike is OK'
  expect(checked?.verdict).toMatchObject({ verdict: 'inconclusive', reason })
  expect(pagesOf(stack)).toContainEqual(expect.stringContaining(`check inconclusive: ${reason}`))
  // What was to be put back is put back, and nobody waits for anything.
  expect(await outcomes(stack)).toEqual(['failed', 'succeeded'])
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/resolved$/)])
  expect(desired(stack)).toBe(6)
  expect(await dueHeads(stack.storage, Infinity, 10)).toEqual([])
})

test('a lost wake costs no more than about a minute: a step after a wait begins within it (G4)', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 5m\n${SCALE}`)]))
  fire(stack)
  await playBySweeps(stack, 10)
  const intended = (await entriesOfKind(stack, 'step.intended'))[0]
  const waiting = (await entriesOfKind(stack, 'step.waiting'))[0]
  expect((intended?.atMs ?? Infinity) - (waiting?.wakeAtMs ?? 0)).toBeLessThanOrEqual(75_000)
})

test("a wait beyond the queue's reach ends on time, without any message in between (G4)", async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 40m\n${SCALE}`)]))
  fire(stack)
  await play(stack, 45)
  const intended = (await entriesOfKind(stack, 'step.intended'))[0]
  expect((intended?.atMs ?? Infinity) - START_AT_MS).toBeLessThanOrEqual(40 * MINUTE_MS + 2_000)
})

describe('a worker that dies between accepting a signal and its records', () => {
  /** OPEN is written, nothing else: the worker dies at the very next I/O. */
  const dying = () => {
    let dead = false
    return (point: Point) => {
      if (dead || point.name !== 'put OPEN' || point.when !== 'after') return false
      dead = true
      return true
    }
  }

  test('loses nothing: the sweep or the redelivery starts it (G4)', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE)]), { diesAt: dying() })
    fire(stack)
    await play(stack, 10)
    expect(stack.crashes).toHaveLength(1)
    expect(desired(stack)).toBe(9)
    expect(await outcomes(stack)).toEqual(['succeeded'])
  })

  test('and an alarm that clears before that is resolved all the same (G4)', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE, UNDO)]), { diesAt: dying() })
    fire(stack)
    await stack.runUntil(START_AT_MS + 15_000)
    fire(stack, 'OK')
    await play(stack, 60)
    expect(stack.crashes).toHaveLength(1)
    expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/resolved$/)])
    expect(desired(stack)).toBe(6)
  })
})

describe('poison', () => {
  /** Taking the lock on the target throws, for ever. */
  const poisoned = (steps: string) => {
    const stack = calmStack(catalogueOf([runbookText(steps, 'cooldown: 15m')]))
    const { storage } = stack.app.ports
    Object.assign(stack.app.ports, {
      storage: {
        ...storage,
        put: async (...[item, condition]: Parameters<typeof storage.put>) => {
          if (item.pk === 'LOCK#ecs/123456789012/eu-west-1/prod/api') throw new Error('poison')
          return storage.put(item, condition)
        },
      },
    })
    return stack
  }

  test('an execution that always throws is stopped after the limit, and a person is paged (G4)', async () => {
    const stack = poisoned(`- wait: 1m\n${SCALE}`)
    fire(stack)
    await play(stack, 60)
    expect(await entriesOfKind(stack, 'execution.stopped')).toMatchObject([
      { reason: expect.stringContaining('wrote nothing') },
    ])
    expect(pagesOf(stack)).toEqual([expect.stringContaining('was stopped')])
    expect(effectsOf(stack)).toEqual({})
  })

  test("and holds no place in its service's limits: the next incident is acted on (G6)", async () => {
    const stack = poisoned(`- wait: 1m\n${SCALE}`)
    fire(stack)
    await play(stack, 60)
    fire(stack, 'OK')
    await play(stack, 30)
    fire(stack)
    await play(stack, 2)
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(2)
  })

  test('nor does it where whoever stopped it died before it was taken out of them (G6)', async () => {
    const stack = poisoned(`- wait: 1m\n${SCALE}`)
    const { storage } = stack.app.ports
    let stopped = false
    let fallen = false
    const put: typeof storage.put = async (item, condition) => {
      if (stopped && !fallen && item.pk.startsWith('LIMIT#')) {
        fallen = true
        throw new StorageError('no answer')
      }
      const answer = await storage.put(item, condition)
      stopped ||= item.body.includes('execution.stopped')
      return answer
    }
    Object.assign(stack.app.ports, { storage: { ...storage, put } })
    fire(stack)
    await play(stack, 60)
    expect(fallen).toBe(true)
    fire(stack, 'OK')
    await play(stack, 30)
    fire(stack)
    await play(stack, 2)
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(2)
  })

  test('a start that always throws is refused after the limit, and a person is paged (G4)', async () => {
    const stack = poisoned(SCALE)
    fire(stack)
    await play(stack, 90)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'poison' }])
    expect(pagesOf(stack)).toEqual([expect.stringContaining('does not act on its own')])
    expect(effectsOf(stack)).toEqual({})
  })
})

describe('takeover', () => {
  /** Worker A makes its call and then freezes; `thaw` lets the answer arrive. */
  function frozen(steps: string, runbook: Partial<Runbook> = {}) {
    const catalogue = catalogueOf([runbookText(steps)])
    const stack = calmStack({
      ...catalogue,
      runbooks: catalogue.runbooks.map((one) => ({ ...one, ...runbook })),
    })
    const ice: { thaw: () => void; thawed: Promise<void> } = { thaw: () => {}, thawed: Promise.resolve() }
    ice.thawed = new Promise((resolve) => (ice.thaw = resolve))
    let frozenNow: () => void = () => {}
    const reached = new Promise<void>((resolve) => (frozenNow = resolve))
    let first = true
    stack.account.onCall({
      async after(call) {
        if (call.name !== 'ecs:UpdateService' || !first) return
        first = false
        frozenNow()
        await ice.thawed
      },
    })
    return { stack, reached, thaw: ice.thaw }
  }

  test("worker B takes over after the lease, by observing; A's late append misses, without a gap in the record (G3, G5)", async () => {
    const { stack, reached, thaw } = frozen(`${SCALE}\n${DRAIN}`)
    const a = ingest(stack.app, transition(stack.account, 'ALARM'), turnOf(stack))
    await reached
    await play(stack, 10)
    expect(await outcomes(stack)).toEqual(['succeeded'])
    const before = await allEntries(stack)
    thaw()
    await a
    await play(stack, 10)
    expect((await allEntries(stack)).filter((entry) => entry.stream !== 'incident')).toEqual(
      before.filter((entry) => entry.stream !== 'incident'),
    )
    expect(await entriesOfKind(stack, 'worker.tookover')).toHaveLength(1)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1, 'route53:ChangeResourceRecordSets': 1 })
    const [head] = await listIncidents(stack.storage, 1)
    expect(verifyChain(await loadRecords(stack.storage, head?.incidentId ?? '')).is).toBe('consistent')
  })

  test("while A's lease lasts nobody else touches anything (G5)", async () => {
    const { stack, reached, thaw } = frozen(`${SCALE}\n${DRAIN}`)
    const event = transition(stack.account, 'ALARM')
    const a = ingest(stack.app, event, turnOf(stack))
    await reached
    // A redelivery repeats the start, and wakes a second worker.
    stack.deliver(event)
    const lease = (await entriesOfKind(stack, 'step.intended'))[0]?.leaseUntilMs ?? 0
    const calls = stack.account.calls.length
    await stack.runUntil(lease - 1_000)
    expect(stack.account.calls).toHaveLength(calls)
    expect(await entriesOfKind(stack, 'worker.tookover')).toEqual([])
    thaw()
    await a
  })
})
