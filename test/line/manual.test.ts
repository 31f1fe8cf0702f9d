import { command, type CommandResult } from '../../lib/command.ts'
import { INCIDENT_STREAM } from '../../lib/incident-stream.ts'
import { openHead, readHead, readHeads } from '../../lib/ledger/head.ts'
import { CrashError, mortalPorts } from '../../sim/mortal.ts'
import { WORKER_MS, type Stack } from '../../sim/stack.ts'
import {
  ANN,
  BOB,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  incidentsOf,
  play,
  runbookText,
} from './calm.ts'
import { effectsOf, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const BOOKS = [
  runbookText(SCALE, 'on_resolved: { undo: [scale_out], after: 5m }'),
  runbookText('- notify: { to: oncall@sre }', 'triggers: [{ alarm: never }]', 'call'),
]

function stackOf(mode = 'auto'): Stack {
  return calmStack(catalogueOf(BOOKS, { policy: (text) => text.replace(/^mode: .*$/m, `mode: ${mode}`) }))
}

function run(stack: Stack, over: object = {}): Promise<CommandResult> {
  return stack.command({
    verb: 'run',
    runbook: 'spike',
    key: 'k-1',
    by: ANN,
    reason: 'the site is slow',
    ...over,
  })
}

function answerOf(result: CommandResult): {
  readonly incidentId: string
  readonly executionId: string
  readonly mode: string
  readonly [name: string]: unknown
} {
  if (result.is !== 'answer') throw new Error(result.message)
  return result.answer as unknown as ReturnType<typeof answerOf>
}

test('a start by hand opens an incident of its own where none is open, and says who and why (G1)', async () => {
  const stack = stackOf()
  const { incidentId, executionId } = answerOf(await run(stack))
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  expect(await incidentsOf(stack)).toEqual([`${incidentId} open`])
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    { executionId, occasion: { is: 'manual', by: 'ann', via: 'cli', reason: 'the site is slow' } },
  ])
  expect(await entriesOfKind(stack, 'incident.opened')).toMatchObject([
    { actor: { is: 'person', name: 'ann' } },
  ])
})

test('a start by hand joins the open incident of the service (G1)', async () => {
  const stack = stackOf()
  fire(stack)
  await play(stack, 5)
  const { incidentId } = answerOf(await run(stack, { runbook: 'call' }))
  await play(stack, 5)
  expect(await incidentsOf(stack)).toEqual([`${incidentId} open`])
  expect((await entriesOfKind(stack, 'execution.finished')).map((entry) => entry.outcome)).toEqual([
    'succeeded',
    'succeeded',
  ])
})

test('an incident of which only HEAD is there yet is not joined: nothing on record tells whose alarm an undo would ask (G7)', async () => {
  const stack = stackOf()
  await openHead(stack.storage, {
    incidentId: 'inc-0123456789ab',
    stream: INCIDENT_STREAM,
    headSeq: 0,
    status: 'open',
    wakes: 0,
    summary: { title: 'api-5xx-spike', service: 'api', severity: 'sev2', openedAtMs: START_AT_MS },
  })
  const { incidentId } = answerOf(await run(stack, { runbook: 'call' }))
  expect(incidentId).not.toBe('inc-0123456789ab')
  expect(await incidentsOf(stack)).toContain(`${incidentId} open`)
})

test('the same key twice is one execution and the same answer, at the same time or much later (G1)', async () => {
  const stack = stackOf()
  const answers = await Promise.all([run(stack), run(stack), run(stack)])
  await play(stack, 5)
  answers.push(await run(stack))
  fire(stack)
  await play(stack, 30)
  answers.push(await run(stack))
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(
    (await entriesOfKind(stack, 'execution.started')).filter((entry) => entry.occasion.is === 'manual'),
  ).toHaveLength(1)
})

test('a repeat of the key after all is over leaves nothing due (G4)', async () => {
  const undo = 'on_resolved: { undo: [scale_out], after: 5m, max_hold: { for: 6h, then: undo } }'
  const stack = calmStack(catalogueOf([runbookText(SCALE, undo)]))
  const { incidentId } = answerOf(await run(stack))
  await play(stack, 5)
  await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'it is over' })
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  await run(stack)
  await play(stack, 20)
  expect(await readHead(stack.storage, incidentId, INCIDENT_STREAM)).not.toHaveProperty('dueAtMs')
})

test('the same key of another person is another start', async () => {
  const stack = stackOf()
  const first = answerOf(await run(stack, { runbook: 'call' }))
  const second = answerOf(await run(stack, { runbook: 'call', by: BOB }))
  expect(second.executionId).not.toBe(first.executionId)
})

test('the same key for something else is refused, and nothing is started (G1)', async () => {
  const stack = stackOf()
  await run(stack)
  await play(stack, 5)
  const effects = effectsOf(stack)
  expect(await run(stack, { reason: 'another' })).toMatchObject({ is: 'problem', code: 'key-reused' })
  expect(await run(stack, { runbook: 'call' })).toMatchObject({ is: 'problem', code: 'key-reused' })
  await play(stack, 5)
  expect(effectsOf(stack)).toEqual(effects)
})

test('the policy caps the mode, a person may ask for less, and the answer says which it is', async () => {
  const capped = stackOf('shadow')
  expect(answerOf(await run(capped, { mode: 'auto' })).mode).toBe('shadow')
  await play(capped, 5)
  expect(effectsOf(capped)).toEqual({})
  const less = stackOf('auto')
  expect(answerOf(await run(less, { mode: 'shadow' })).mode).toBe('shadow')
  await play(less, 5)
  expect(effectsOf(less)).toEqual({})
  expect(await entriesOfKind(less, 'plan.recorded')).toHaveLength(1)
})

test('a start by hand while everything is paused is refused on record (G6)', async () => {
  const stack = stackOf()
  await stack.command({ verb: 'pause-all', by: BOB, reason: 'audit' })
  const { executionId } = answerOf(await run(stack))
  await play(stack, 5)
  expect(effectsOf(stack)).toEqual({})
  expect(await stack.command({ verb: 'why', id: executionId })).toMatchObject({
    answer: { reasons: [{ status: { is: 'refused', code: 'paused' } }] },
  })
})

test("a cooldown holds back no person, but a person's execution holds back the next alarm (G6)", async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE, 'cooldown: 15m')]))
  fire(stack)
  await play(stack, 5)
  await run(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(14)
  fire(stack, 'OK')
  await play(stack, 7)
  fire(stack)
  await play(stack, 3)
  expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
})

test('what a person started is put back after a person has resolved the incident (G7)', async () => {
  const stack = stackOf()
  const { incidentId } = answerOf(await run(stack))
  await play(stack, 20)
  expect(desired(stack)).toBe(9)
  await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'over' })
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
  expect(await incidentsOf(stack)).toEqual([`${incidentId} resolved`])
})

test('what is started under a key that an incident had got which is resolved by now is put back as well (G7)', async () => {
  const stack = stackOf()
  fire(stack)
  await play(stack, 5)
  const request = { verb: 'run', runbook: 'spike', key: 'k-1', by: ANN, reason: 'the site is slow' }
  const ports = mortalPorts(
    stack.app.ports,
    () => 0,
    ({ name, when }) => name === 'put KEY' && when === 'after',
    () => {},
  )
  const turn = { workerId: 'dies', deadlineMs: stack.account.now() + WORKER_MS }
  await expect(command({ ...stack.app, ports }, request, turn)).rejects.toThrow(CrashError)
  fire(stack, 'OK')
  await play(stack, 30)
  expect(await incidentsOf(stack)).toEqual([expect.stringContaining(' resolved')])
  expect(desired(stack)).toBe(6)
  await run(stack)
  expect(desired(stack)).toBe(9)
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})

test('whoever repeats a start by hand has its own time for it, before anybody ends it', async () => {
  const stack = stackOf()
  const dying = async (workerId: string) => {
    const ports = mortalPorts(
      stack.app.ports,
      () => 0,
      ({ name, when }) => name === 'put LOCK' && when === 'before',
      () => {},
    )
    const turn = { workerId, deadlineMs: stack.account.now() + WORKER_MS }
    const request = { verb: 'run', runbook: 'spike', key: 'k-1', by: ANN, reason: 'the site is slow' }
    await expect(command({ ...stack.app, ports }, request, turn)).rejects.toThrow(CrashError)
    const [opened] = await entriesOfKind(stack, 'incident.opened')
    const heads = await readHeads(stack.storage, opened?.incidentId ?? '')
    const { dueAtMs } = heads.find(({ stream }) => stream !== INCIDENT_STREAM) ?? {}
    expect(dueAtMs).toBeGreaterThan(turn.deadlineMs)
  }
  await dying('first')
  stack.account.advance(WORKER_MS - 1_000)
  await dying('second')
})

test('a runbook that there is not is named, with those that there are', async () => {
  expect(await run(stackOf(), { runbook: 'spikes' })).toMatchObject({
    is: 'problem',
    code: 'not-found',
    message: expect.stringContaining('spike, call'),
  })
})

test('why answers for a signal, an execution and an incident', async () => {
  const stack = stackOf()
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 30)
  const [started] = await entriesOfKind(stack, 'execution.started')
  if (started?.occasion.is !== 'alarm') throw new Error('no start')
  expect(await stack.command({ verb: 'why', id: started.stream })).toMatchObject({
    answer: {
      is: 'executions',
      reasons: [{ stream: started.stream, status: { is: 'finished', outcome: 'succeeded' } }],
    },
  })
  expect(await stack.command({ verb: 'why', id: started.incidentId })).toMatchObject({
    answer: { is: 'executions' },
  })
  stack.deliver({ Records: 'not a list' })
  await play(stack, 1)
  expect(await stack.command({ verb: 'why', id: 'sig-nothing' })).toMatchObject({
    is: 'problem',
    code: 'not-found',
  })
})

test('why answers for a signal that started nothing', async () => {
  const stack = calmStack(catalogueOf(BOOKS), { alarms: ['api-5xx-spike', 'disk-full'] })
  fire(stack, 'ALARM', 'disk-full')
  await play(stack, 1)
  const item = (await stack.command({ verb: 'list' })) as { readonly answer: readonly unknown[] }
  expect(item.answer).toEqual([])
})
