import { ingest, type Ingested } from '../../lib/ingest.ts'
import { countingStorage } from '../../lib/ledger/counting.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import { createAccount } from '../../sim/account.ts'
import { createStack, type Stack } from '../../sim/stack.ts'
import {
  ALARM,
  allEntries,
  addStillAlarm,
  asAlarmAction,
  asSns,
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
  verdictOn,
} from './calm.ts'
import { effectsOf, MINUTE_MS, START_AT_MS } from './world.ts'

const STEPS = '- scale_out: { ecs: api, by: 50% }\n- notify: { to: oncall@sre }'
const SCALE = catalogueOf([runbookText(STEPS)])

/** Gives a payload to ingest itself, past the queue. */
async function take(stack: Stack, payload: unknown): Promise<readonly Ingested[]> {
  return (await ingest(stack.app, payload, turnOf(stack))).parts
}

async function onlyPart(stack: Stack, payload: unknown): Promise<Ingested> {
  const parts = await take(stack, payload)
  if (parts.length !== 1 || !parts[0]) throw new Error(`${parts.length} parts`)
  return parts[0]
}

async function started(stack: Stack): Promise<number> {
  return (await entriesOfKind(stack, 'execution.started')).length
}

/** An incident that was opened, worked on, cleared and resolved (keep-open is 5 minutes by default). */
async function pastIncident(): Promise<{ stack: Stack; alarm: object }> {
  const stack = calmStack(SCALE)
  const alarm = fire(stack)
  await play(stack, 10)
  fire(stack, 'OK')
  await play(stack, 20)
  expect((await incidentsOf(stack))[0]).toMatch(/resolved$/)
  return { stack, alarm }
}

test('one transition by EventBridge, alarm action, SNS and redelivery starts one execution (G1)', async () => {
  const stack = calmStack(SCALE)
  const event = fire(stack)
  for (const path of [asAlarmAction(event), asSns(event), event, asSns(event)]) stack.deliver(path)
  await play(stack, 5)
  expect(await started(stack)).toBe(1)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  expect(stack.account.inbox).toHaveLength(1)
})

test.each([0, 1, 2])(
  'whichever path comes first, the same incident is opened (G1): path %s',
  async (first) => {
    const stack = calmStack(SCALE)
    const event = transition(stack.account, 'ALARM')
    const paths = [event, asAlarmAction(event), asSns(event)]
    const ids = new Set<string>()
    for (const payload of [paths[first], ...paths]) {
      const part = await onlyPart(stack, payload)
      if (part.is !== 'ignored') ids.add(part.signalId)
    }
    expect(ids.size).toBe(1)
    expect(await incidentsOf(stack)).toHaveLength(1)
    expect(await started(stack)).toBe(1)
  },
)

test('twenty duplicates cost one conditional write each and nothing else (G1)', async () => {
  const storage = countingStorage(memoryStorage())
  const stack = calmStack(SCALE, { storage })
  const event = fire(stack)
  await play(stack, 2)
  storage.reset()
  for (let copy = 0; copy < 20; copy++) {
    expect(await onlyPart(stack, copy % 2 === 0 ? event : asAlarmAction(event))).toMatchObject({
      is: 'verdict',
      code: 'duplicate',
    })
  }
  expect(storage.operations()).toEqual({
    puts: { OPEN: 20 },
    conflicts: { OPEN: 20 },
    gets: {},
    queries: {},
    due: 0,
    listed: 0,
  })
  expect(stack.work.waiting.filter((message) => message.visibleAtMs <= stack.account.now())).toEqual([])
})

test('a late duplicate of a resolved incident starts nothing and leaves a verdict (G1)', async () => {
  const { stack, alarm } = await pastIncident()
  const before = await allEntries(stack)
  const effects = effectsOf(stack)
  const part = await onlyPart(stack, alarm)
  expect(part).toMatchObject({ is: 'verdict', code: 'stale' })
  await play(stack, 5)
  expect(await allEntries(stack)).toEqual(before)
  expect(effectsOf(stack)).toEqual(effects)
  expect(part.is === 'verdict' && (await verdictOn(stack, part.signalId))).toMatchObject({
    code: 'stale',
    name: ALARM,
  })
})

test('an OK that overtakes its ALARM leaves nothing to start (G1)', async () => {
  const stack = calmStack(SCALE)
  const alarm = transition(stack.account, 'ALARM')
  stack.account.advance(30_000)
  const ok = transition(stack.account, 'OK')
  expect(await onlyPart(stack, ok)).toMatchObject({ code: 'nothing-open' })
  expect(await onlyPart(stack, alarm)).toMatchObject({ code: 'stale' })
  await play(stack, 5)
  expect(await incidentsOf(stack)).toEqual([])
  expect(effectsOf(stack)).toEqual({})
})

test('a recurrence within keep-open joins the incident and starts one more (G1)', async () => {
  const stack = calmStack(catalogueOf([runbookText(STEPS, 'keep_open: 10m')]))
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 5)
  const again = fire(stack)
  stack.deliver(asAlarmAction(again))
  await play(stack, 5)
  expect(await incidentsOf(stack)).toHaveLength(1)
  expect(await entriesOfKind(stack, 'incident.recurred')).toHaveLength(1)
  expect(await started(stack)).toBe(2)
  expect(desired(stack)).toBe(14)
})

test('a recurrence within the cooldown joins and is refused, on record, with the reason (G6)', async () => {
  const stack = calmStack(catalogueOf([runbookText(STEPS, 'keep_open: 10m\ncooldown: 15m')]))
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 2)
  fire(stack)
  await play(stack, 5)
  expect(await started(stack)).toBe(1)
  expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
    { code: 'cooldown', reason: expect.stringMatching(/lasts \d+ s more/) },
  ])
  expect(desired(stack)).toBe(9)
})

test('a recurrence after keep-open is a new incident (G1)', async () => {
  const { stack } = await pastIncident()
  fire(stack)
  await play(stack, 5)
  expect(await incidentsOf(stack)).toHaveLength(2)
  expect(await started(stack)).toBe(2)
})

test('a recurrence after a person closed the incident is a new incident, whatever keep-open says', async () => {
  const stack = calmStack(catalogueOf([runbookText(STEPS, 'keep_open: 60m')]))
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 2)
  const id = (await entriesOfKind(stack, 'incident.opened'))[0]?.incidentId ?? ''
  await stack.command({ verb: 'resolve', id, by: { name: 'ann', via: 'cli' }, reason: 'over' })
  fire(stack)
  await play(stack, 5)
  expect(await incidentsOf(stack)).toHaveLength(2)
})

test('a muted alarm changes nothing and leaves its verdict (G6)', async () => {
  const stack = calmStack(SCALE)
  stack.account.act({ is: 'mute', alarm: ALARM, forMs: 10 * MINUTE_MS })
  const part = await onlyPart(stack, transition(stack.account, 'ALARM'))
  expect(part).toMatchObject({ is: 'verdict', code: 'muted' })
  await play(stack, 5)
  expect(effectsOf(stack)).toEqual({})
  expect(part.is === 'verdict' && (await verdictOn(stack, part.signalId))).toMatchObject({ code: 'muted' })
})

test('an alarm whose mute ends while it still stands is acted on then', async () => {
  const stack = calmStack(SCALE)
  stack.account.act({ is: 'mute', alarm: ALARM, forMs: 2 * MINUTE_MS })
  const event = transition(stack.account, 'ALARM')
  stack.deliver(event)
  await play(stack, 3)
  expect(effectsOf(stack)).toEqual({})
  // When the window is over CloudWatch runs the actions of what is still in state (AWS.md 14.1).
  const { muteDetail: _muted, ...detail } = event.detail
  stack.deliver(asAlarmAction({ ...event, detail }))
  await play(stack, 3)
  expect(desired(stack)).toBe(9)
})

test('a suppressed alarm changes nothing and leaves its verdict (G6)', async () => {
  const stack = calmStack(SCALE)
  const event = transition(stack.account, 'ALARM')
  const state = event.detail['state'] as object
  const suppressed = {
    ...event,
    detail: {
      ...event.detail,
      state: { ...state, actionsSuppressedBy: 'Alarm', actionsSuppressedReason: 'maintenance' },
    },
  }
  expect(await onlyPart(stack, suppressed)).toMatchObject({ is: 'verdict', code: 'suppressed' })
  await play(stack, 5)
  expect(effectsOf(stack)).toEqual({})
})

test('an alarm whose actions are disabled is refused on record, without a page (G6)', async () => {
  const stack = calmStack(SCALE)
  stack.account.act({ is: 'set-alarm-actions', alarm: ALARM, enabled: false })
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'actions-disabled' }])
  expect(effectsOf(stack)).toEqual({})
  expect(stack.account.inbox).toEqual([])
})

test('an alarm that no runbook names leaves a verdict that says so (G6)', async () => {
  const stack = calmStack(SCALE, { alarms: [ALARM, 'disk-full'] })
  const part = await onlyPart(stack, transition(stack.account, 'ALARM', 'disk-full'))
  expect(part).toMatchObject({ is: 'verdict', code: 'unmatched' })
  expect(part.is === 'verdict' && (await verdictOn(stack, part.signalId))).toMatchObject({
    code: 'unmatched',
    name: 'disk-full',
  })
})

test('in a batch the good part is carried out and the bad one is refused on record (G6)', async () => {
  const stack = calmStack(SCALE)
  const good = transition(stack.account, 'ALARM')
  const record = (body: string, messageId: string) => ({
    messageId,
    body,
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:123456789012:signals',
    awsRegion: 'eu-west-1',
  })
  const parts = await take(stack, {
    Records: [record('{"detail-type":', 'm-1'), record(JSON.stringify(good), 'm-2'), record('[]', 'm-3')],
  })
  expect(parts.map((part) => part.is)).toEqual(expect.arrayContaining(['accepted']))
  const refused = parts.find((part) => part.is === 'verdict')
  expect(refused?.is === 'verdict' && (await verdictOn(stack, refused.signalId))).toMatchObject({
    state: 'refused',
  })
  await play(stack, 3)
  expect(desired(stack)).toBe(9)
})

test('a part that could not be carried out fails the whole, whatever became of the others (G4)', async () => {
  const stack = calmStack(SCALE)
  const good = transition(stack.account, 'ALARM')
  const bad = { ...good, detail: { ...(good as { detail: object }).detail, alarmName: 'disk-full' } }
  const storage: typeof stack.storage = {
    ...stack.storage,
    put: async (item, condition) => {
      if (item.body.includes('disk-full')) throw new Error('the table does not answer')
      return stack.storage.put(item, condition)
    },
  }
  const app = { ...stack.app, ports: { ...stack.app.ports, storage } }
  await expect(ingest(app, [bad, good], turnOf(stack))).rejects.toThrow('the table does not answer')
  // It is said at the end: the part behind it was taken all the same.
  expect(await started(stack)).toBe(1)
})

test('a flapping alarm is no longer acted on: refused with the numbers, and a person is paged (G6)', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(
        '- scale_out: { ecs: api, by: +1 }',
        'flapping: { changes: 4, within: 20m }\nkeep_open: 30m',
      ),
    ]),
  )
  for (let round = 0; round < 3; round++) {
    fire(stack)
    await play(stack, 2)
    fire(stack, 'OK')
    await play(stack, 2)
  }
  await play(stack, 15)
  const refused = await entriesOfKind(stack, 'execution.refused')
  expect(refused).toMatchObject([
    { code: 'flapping', reason: expect.stringContaining('5 changes of state within 20 min; the limit is 4') },
  ])
  expect(await started(stack)).toBe(2)
  expect(pagesOf(stack).filter((page) => page.includes('changes of state'))).toHaveLength(1)
})

test('an alarm that comes from OK, though no event told that it had cleared, is a recurrence and is acted on (G1)', async () => {
  const stack = calmStack(catalogueOf([runbookText(STEPS)]))
  fire(stack)
  await play(stack, 5)
  const ok = transition(stack.account, 'OK')
  await play(stack, 0.5)
  fire(stack)
  await play(stack, 2)
  expect(await entriesOfKind(stack, 'incident.recurred')).toHaveLength(1)
  expect(await started(stack)).toBe(2)
  // What comes too late is older than what is known.
  stack.deliver(ok)
  await play(stack, 2)
  expect(await entriesOfKind(stack, 'incident.cleared')).toEqual([])
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/ open$/)])
})

describe('hold-down', () => {
  const HELD = catalogueOf([runbookText(STEPS, 'hold_down: 30s')])

  test('an alarm that clears meanwhile is skipped', async () => {
    const stack = calmStack(HELD)
    fire(stack)
    stack.account.advance(10_000)
    await play(stack, 0.2)
    fire(stack, 'OK')
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([
      { outcome: 'skipped', reason: expect.stringContaining('hold-down') },
    ])
    expect(effectsOf(stack)).toEqual({})
  })

  test('an alarm that lasts is acted on after the wait, not before', async () => {
    const stack = calmStack(HELD)
    fire(stack)
    await stack.runUntil(START_AT_MS + 29_000)
    expect(effectsOf(stack)).toEqual({})
    await stack.runUntil(START_AT_MS + 40_000)
    expect(desired(stack)).toBe(9)
    expect(stack.account.calls.find((call) => call.mutating)?.atMs).toBe(START_AT_MS + 30_000)
  })

  test('an alarm that comes again meanwhile must last anew', async () => {
    const stack = calmStack(catalogueOf([runbookText(STEPS, 'hold_down: 30s\nkeep_open: 5m\ncooldown: 15m')]))
    fire(stack)
    await stack.runUntil(START_AT_MS + 10_000)
    fire(stack, 'OK')
    await stack.runUntil(START_AT_MS + 20_000)
    fire(stack)
    await stack.runUntil(START_AT_MS + 49_000)
    expect(effectsOf(stack)).toEqual({})
    await stack.runUntil(START_AT_MS + 60_000)
    expect(desired(stack)).toBe(9)
  })

  test('what was skipped needs no cooldown: the alarm that comes next is acted on', async () => {
    const stack = calmStack(catalogueOf([runbookText(STEPS, 'hold_down: 30s\ncooldown: 15m')]))
    fire(stack)
    await stack.runUntil(START_AT_MS + 10_000)
    fire(stack, 'OK')
    await play(stack, 2)
    expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'skipped' }])
    fire(stack)
    await play(stack, 2)
    expect(await entriesOfKind(stack, 'execution.refused')).toEqual([])
    expect(desired(stack)).toBe(9)
  })

  test('a worker that dies before it has recorded that keeps the place: an alarm that comes again is acted on once (G6)', async () => {
    let dies = false
    const stack = calmStack(
      catalogueOf([runbookText(STEPS, 'hold_down: 30s\nkeep_open: 5m\ncooldown: 15m')]),
      {
        diesAt: ({ name, when }) => {
          const now = dies && name === 'put REC' && when === 'before'
          dies &&= !now
          return now
        },
      },
    )
    fire(stack)
    await stack.runUntil(START_AT_MS + 10_000)
    fire(stack, 'OK')
    await stack.runUntil(START_AT_MS + 20_000)
    dies = true
    await stack.runUntil(START_AT_MS + 35_000)
    expect(stack.crashes).toHaveLength(1)
    fire(stack)
    await play(stack, 10)
    expect(desired(stack)).toBe(9)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
  })

  test('an event that only occurs is not waited for', async () => {
    const stack = calmStack(
      catalogueOf([runbookText(STEPS, 'hold_down: 30s\ntriggers: [{ pattern: { source: [aws.health] } }]')]),
    )
    stack.deliver({
      version: '0',
      id: '12345678-1234-1234-1234-123456789012',
      'detail-type': 'AWS Health Event',
      source: 'aws.health',
      account: '123456789012',
      time: new Date(START_AT_MS).toISOString(),
      region: 'eu-west-1',
      resources: [],
      detail: {},
    })
    await play(stack, 2)
    expect(desired(stack)).toBe(9)
  })

  test('insufficient data is no recovery: the wait goes on and the step is done (G9)', async () => {
    const stack = calmStack(HELD)
    fire(stack)
    await stack.runUntil(START_AT_MS + 10_000)
    fire(stack, 'INSUFFICIENT_DATA')
    await stack.runUntil(START_AT_MS + 60_000)
    expect(desired(stack)).toBe(9)
  })
})

test('insufficient data clears nothing: the incident stays open and nothing is put back (G9)', async () => {
  const stack = calmStack(catalogueOf([runbookText(STEPS, 'on_resolved: { undo: [scale_out], after: 5m }')]))
  fire(stack)
  await play(stack, 5)
  fire(stack, 'INSUFFICIENT_DATA')
  await play(stack, 60)
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/ open$/)])
  expect(await entriesOfKind(stack, 'signal.attached')).toHaveLength(1)
  expect(desired(stack)).toBe(9)
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
})

test('workers that race for one signal make one execution and one effect (G1, G3)', async () => {
  for (let workers = 2; workers <= 5; workers++) {
    const stack = calmStack(SCALE)
    const event = transition(stack.account, 'ALARM')
    const paths = [event, asAlarmAction(event), asSns(event)]
    await Promise.all(Array.from({ length: workers }, (_, index) => take(stack, paths[index % 3])))
    await play(stack, 5)
    expect(await started(stack)).toBe(1)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
    expect(stack.account.inbox).toHaveLength(1)
    expect(await entriesOfKind(stack, 'incident.opened')).toHaveLength(1)
    expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'succeeded' }])
  }
})

test('a storm of 2,000 signals from 100 alarms makes 100 incidents with one execution each (G1, G4)', async () => {
  const names = Array.from({ length: 100 }, (_, index) => `svc${index}-errors`)
  const catalogue = catalogueOf(
    names.map((name, index) =>
      runbookText(
        '- notify: { to: oncall@sre }',
        `service: svc${index}\ntriggers: [{ alarm: ${name} }]`,
        `book${index}`,
      ),
    ),
    {
      services: (text) =>
        `${text}\n${names.map((name, index) => `svc${index}:\n  alarms: [${name}]\n  severity: sev3`).join('\n')}`,
      policy: (text) =>
        text
          .replace(/^mode: .*$/m, 'mode: auto')
          .replace(/^executions_per_hour: .*$/m, 'executions_per_hour: 1000'),
    },
  )
  const account = createAccount({ startAtMs: START_AT_MS })
  account.world.topics.push('arn:aws:sns:eu-west-1:123456789012:oncall-sre')
  account.world.parameters['/firebreak/pagerduty/sre'] = {
    value: 'e93facc04764012d7bfb002500d5d1a6',
    secure: true,
  }
  for (const name of names) addStillAlarm(account, name)
  const stack = createStack({ account, catalogue })
  const events = names.map((name) => transition(account, 'ALARM', name))
  for (let copy = 0; copy < 20; copy++) {
    for (const event of events)
      stack.deliver(copy % 3 === 0 ? event : copy % 3 === 1 ? asAlarmAction(event) : asSns(event))
  }
  await play(stack, 5)
  expect(await incidentsOf(stack)).toHaveLength(100)
  const finished = await entriesOfKind(stack, 'execution.finished')
  expect(new Set(finished.map((entry) => entry.stream)).size).toBe(100)
  expect(await started(stack)).toBe(100)
  expect(finished.every((entry) => entry.outcome === 'succeeded')).toBe(true)
  expect(account.inbox).toHaveLength(100)
  expect(stack.signals.waiting).toEqual([])
})
