import { advance } from '../../lib/advance.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import { INCIDENT_STREAM } from '../../lib/incident-stream.ts'
import { ingest } from '../../lib/ingest.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import { MAX_DELAY_MS, workFor } from '../../lib/queue.ts'
import { createStack, type Stack } from '../../sim/stack.ts'
import {
  ANN,
  addStillAlarm,
  asAlarmAction,
  asking,
  asksFor,
  calmAccount,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  incidentsOf,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'
import { apiStack, chainOf, effectsOf, entriesOf, MINUTE_MS, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 5m, step: 50% }'

test('every message delivered three times, and at odd times: every effect once, one story (G3)', async () => {
  const stack = apiStack()
  const { queue } = stack.app.ports
  let count = 0
  Object.assign(stack.app.ports, {
    queue: {
      send: async (...[message, delayMs]: Parameters<typeof queue.send>) => {
        count++
        // The copies arrive early and late; a copy's own messages are not copied again, or they would only multiply.
        await queue.send(message, delayMs)
        if (count % 3 !== 0) return
        await queue.send(message, Math.max(0, delayMs - 7_000))
        await queue.send(message, Math.min(MAX_DELAY_MS, delayMs + 11_000))
      },
    },
  })
  stack.account.onEvent((event) => stack.deliver(event))
  await stack.runUntil(START_AT_MS + 45 * MINUTE_MS)
  expect(effectsOf(stack)).toMatchObject({
    'ecs:UpdateService': 4,
    'route53:ChangeResourceRecordSets': 1,
    'codedeploy:CreateDeployment': 1,
  })
  const entries = await entriesOf(stack)
  expect(
    entries.filter((entry) => entry.kind === 'execution.finished').map((entry) => entry['outcome']),
  ).toEqual(['succeeded', 'succeeded'])
  expect(stack.account.inbox).toHaveLength(1)
  expect(await chainOf(stack)).toBe('consistent')
})

/** Messages to a stream that are sent within so many minutes. */
async function sentWithin(stack: Stack, minutes: number, stream: string): Promise<number> {
  const { queue } = stack.app.ports
  let count = 0
  const counting = {
    send: async (...[message, delayMs]: Parameters<typeof queue.send>) => {
      if (message.stream === stream) count++
      await queue.send(message, delayMs)
    },
  }
  Object.assign(stack.app.ports, { queue: counting })
  await play(stack, minutes)
  Object.assign(stack.app.ports, { queue })
  return count
}

/** Wakes a stream as sweeps, signals and repeats do, each at another moment. */
async function wakeOften(stack: Stack, incidentId: string, stream: string): Promise<void> {
  for (let wake = 0; wake < 4; wake++)
    await stack.app.ports.queue.send(
      workFor({ incidentId, stream }, 0, stack.account.now()),
      wake * 7_000 + 1_000,
    )
}

test('of the messages that look at one incident again and again, one is left', async () => {
  const stack = calmStack(catalogueOf([runbookText(`${SCALE}\n- wait: 2h`, UNDO)]))
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 10)
  const [started] = await entriesOfKind(stack, 'execution.started')
  if (!started) throw new Error('nothing was started')
  await wakeOften(stack, started.incidentId, INCIDENT_STREAM)
  await play(stack, 3)
  // It is looked at each minute while its execution has not ended.
  expect(await sentWithin(stack, 20, INCIDENT_STREAM)).toBe(20)
})

test('of the messages that poll one execution, one is left', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 2m\n${SCALE}`)]))
  fire(stack)
  await play(stack, 1)
  await stack.command({ verb: 'pause-all', by: ANN, reason: 'a test' })
  await play(stack, 4)
  const [started] = await entriesOfKind(stack, 'execution.started')
  if (!started) throw new Error('nothing was started')
  await wakeOften(stack, started.incidentId, started.executionId)
  await play(stack, 8)
  expect(await sentWithin(stack, 20, started.executionId)).toBe(20)
})

test('of the messages that wait for the same time, one is left', async () => {
  const { stack, stream } = await asking('10m')
  await wakeOften(stack, incidentIdOf(stream) ?? '', stream)
  // The four wakes find that somebody waits already, and send nothing.
  expect(await sentWithin(stack, 5, stream)).toBe(0)
  await play(stack, 6)
  expect(await entriesOfKind(stack, 'approval.expired')).toHaveLength(1)
})

test('who waits for an approval alone is not taken for two', async () => {
  const stack = calmStack(asksFor('10m'))
  const { queue } = stack.app.ports
  const hasty = {
    send: async (...[message, delayMs]: Parameters<typeof queue.send>) =>
      queue.send(message, delayMs > 5 * MINUTE_MS ? delayMs / 2 : delayMs),
  }
  Object.assign(stack.app.ports, { queue: hasty })
  fire(stack)
  await play(stack, 12)
  const [asked] = await entriesOfKind(stack, 'approval.requested')
  const [expired] = await entriesOfKind(stack, 'approval.expired')
  expect((expired?.atMs ?? Infinity) - (asked?.expiresAtMs ?? 0)).toBeLessThan(5_000)
})

test('a message whose record was never written wakes its stream like any other', async () => {
  const { stack, stream, expiresAtMs } = await asking('5m')
  stack.account.advanceTo(expiresAtMs)
  const message = workFor({ incidentId: incidentIdOf(stream) ?? '', stream }, 99, expiresAtMs - 2 * MINUTE_MS)
  await advance(stack.app, message, turnOf(stack))
  expect(await entriesOfKind(stack, 'approval.expired')).toHaveLength(1)
})

test('a message that precedes its record is sent again each time after twice as long, for a minute', async () => {
  const { stack, stream } = await asking('5m')
  const sentAtMs = stack.account.now()
  const delaysS: number[] = []
  const send = async (_message: unknown, delayMs: number) => void delaysS.push(delayMs / 1_000)
  Object.assign(stack.app.ports, { queue: { send } })
  const message = workFor({ incidentId: incidentIdOf(stream) ?? '', stream }, 99, sentAtMs)
  for (let turns = 0; turns < 50; turns++) {
    if ((await advance(stack.app, message, turnOf(stack))).is !== 'early') break
    stack.account.advance((delaysS.at(-1) ?? 0) * 1_000)
  }
  expect(delaysS.slice(0, 6)).toEqual([2, 2, 4, 8, 16, 32])
  expect(stack.account.now() - sentAtMs).toBe(64_000)
})

test('a message that is lost while everything is paused costs a minute, and that of the sweep (G4)', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 1m\n${SCALE}`)]))
  fire(stack)
  await play(stack, 0.5)
  await stack.command({ verb: 'pause-all', by: ANN, reason: 'wait' })
  await play(stack, 4)
  const { queue } = stack.app.ports
  const lost: number[] = []
  Object.assign(stack.app.ports, {
    queue: {
      send: async (...[message, delayMs]: Parameters<typeof queue.send>) =>
        lost.length === 0 ? void lost.push(stack.account.now()) : queue.send(message, delayMs),
    },
  })
  await play(stack, 10, () => lost.length > 0)
  await stack.command({ verb: 'resume-all', by: ANN })
  await play(stack, 10)
  const [intended] = await entriesOfKind(stack, 'step.intended')
  expect((intended?.atMs ?? Infinity) - (lost[0] ?? 0)).toBeLessThanOrEqual(140_000)
})

test('an index that lags behind loses nothing and doubles nothing (G3, G4)', async () => {
  const account = calmAccount()
  const storage = memoryStorage({ indexLag: { clock: account.clock, lagMs: 20_000 } })
  let dead = false
  const stack = createStack({
    account,
    storage,
    catalogue: catalogueOf([
      runbookText(`${SCALE}\n- wait: 3m\n- route53_weight: { record: canary, weight: 0 }`, UNDO),
    ]),
    diesAt: (point) => {
      if (dead || point.name !== 'ecs:UpdateService' || point.when !== 'after') return false
      dead = true
      return true
    },
  })
  fire(stack)
  await play(stack, 15)
  fire(stack, 'OK')
  await play(stack, 30)
  expect(stack.crashes).toHaveLength(1)
  expect(desired(stack)).toBe(6)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 3, 'route53:ChangeResourceRecordSets': 1 })
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/resolved$/)])
})

test('a runbook that was changed while an execution waits changes nothing of it, nor of its undo', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 5m\n${SCALE}`, UNDO)]))
  fire(stack)
  await play(stack, 2)
  Object.assign(stack.app, {
    catalogue: catalogueOf([runbookText('- scale_out: { ecs: api, by: +20 }', 'on_resolved: { undo: [] }')]),
  })
  await play(stack, 10)
  expect(desired(stack)).toBe(9)
  Object.assign(stack.app, {
    catalogue: catalogueOf([runbookText('- notify: { to: oncall@sre }', '', 'other')]),
  })
  fire(stack, 'OK')
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})

test('an approval and its timeout in the same second: one of them counts (G3)', async () => {
  for (const earlyMs of [2_000, 1_000, 0, -1_000]) {
    const stack = calmStack(
      catalogueOf([runbookText(`${SCALE}\n  approve: { by: sre, timeout: 5m, on_timeout: skip }`)]),
    )
    fire(stack)
    await stack.runUntil(START_AT_MS + 5_000)
    const [asked] = await entriesOfKind(stack, 'approval.requested')
    await stack.runUntil((asked?.expiresAtMs ?? 0) - earlyMs)
    const answer = await stack.command({ verb: 'approve', id: asked?.stream, by: ANN })
    await play(stack, 5)
    const approved = (await entriesOfKind(stack, 'step.approved')).length
    const expired = (await entriesOfKind(stack, 'approval.expired')).length
    expect([approved, expired]).toEqual(answer.is === 'answer' ? [1, 0] : [0, 1])
    expect(desired(stack)).toBe(answer.is === 'answer' ? 9 : 6)
  }
})

describe('limits', () => {
  const names = Array.from({ length: 8 }, (_, index) => `svc${index}-errors`)
  const catalogue = catalogueOf(
    names.map((name, index) =>
      runbookText('- wait: 1s', `service: svc${index}\ntriggers: [{ alarm: ${name} }]`, `book${index}`),
    ),
    {
      services: (text) =>
        `${text}\n${names.map((name, index) => `svc${index}:\n  alarms: [${name}]\n  severity: sev3`).join('\n')}`,
      policy: (text) =>
        text
          .replace(/^mode: .*$/m, 'mode: auto')
          .replace('executions_per_hour: 20', 'executions_per_hour: 3'),
    },
  )

  test('a limit over all services holds while all start at once, and every refusal names its place (G6)', async () => {
    const stack = calmStack(catalogue)
    for (const name of names) addStillAlarm(stack.account, name)
    const events = names.map((name) => transition(stack.account, 'ALARM', name))
    await Promise.all(
      events.flatMap((event) => [
        ingest(stack.app, event, turnOf(stack)),
        ingest(stack.app, asAlarmAction(event), turnOf(stack)),
      ]),
    )
    await play(stack, 3)
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(3)
    const refused = await entriesOfKind(stack, 'execution.refused')
    expect(refused).toHaveLength(5)
    for (const entry of refused)
      expect(entry).toMatchObject({ code: 'rate', place: expect.stringMatching(/^policy\.yaml:\d+$/) })
  })

  test('a refused start takes no place: an hour later as many may start again (G6)', async () => {
    const stack = calmStack(catalogue)
    for (const name of names) addStillAlarm(stack.account, name)
    for (const name of names) fire(stack, 'ALARM', name)
    await play(stack, 30)
    for (const name of names) fire(stack, 'OK', name)
    await play(stack, 31)
    for (const name of names) fire(stack, 'ALARM', name)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(6)
  })

  test('two runbooks of one alarm and service: the cooldown lets one act, and the other is refused on record (G6)', async () => {
    const stack = calmStack(
      catalogueOf([runbookText(SCALE, 'cooldown: 5m', 'one'), runbookText(SCALE, 'cooldown: 5m', 'two')]),
    )
    fire(stack)
    await play(stack, 5)
    expect(desired(stack)).toBe(9)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      { code: 'cooldown', reason: expect.stringContaining('is running for service:api') },
    ])
  })
})
