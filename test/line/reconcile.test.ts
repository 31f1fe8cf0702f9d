import { command } from '../../lib/command.ts'
import { countingStorage } from '../../lib/ledger/counting.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import { throttle } from '../../sim/faults.ts'
import { CrashError, mortalPorts } from '../../sim/mortal.ts'
import {
  ANN,
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

const UNDONE = () =>
  catalogueOf([
    runbookText('- scale_out: { ecs: api, by: 50% }', 'on_resolved: { undo: [scale_out], after: 5m }'),
  ])

test('an OK that never arrived is found by the sweep, and everything that hangs on it goes on (G4)', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  transition(stack.account, 'OK')
  await play(stack, 30)
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/ resolved$/)])
  expect(desired(stack)).toBe(6)
})

test('it is found behind any number of incidents that stand or are over, some sweeps later (G4)', async () => {
  const names = Array.from({ length: 120 }, (_unused, index) => `api-${index}`)
  const catalogue = catalogueOf([runbookText('- wait: 1s', 'triggers: [{ alarm: "api-*" }]')])
  const stack = calmStack(catalogue, { alarms: names })
  const [first = '', ...others] = names
  fire(stack, 'ALARM', first)
  await play(stack, 1)
  for (const name of others) fire(stack, 'ALARM', name)
  for (const name of others.slice(60)) fire(stack, 'OK', name)
  await play(stack, 6)
  transition(stack.account, 'OK', first)
  await play(stack, 10)
  const cleared = await entriesOfKind(stack, 'incident.cleared')
  expect(cleared).toHaveLength(others.slice(60).length + 1)
})

test('an ALARM that never arrived keeps what was added, and it is said once why (G7)', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 2)
  transition(stack.account, 'ALARM')
  await play(stack, 30)
  expect(desired(stack)).toBe(9)
  const waits = (await entriesOfKind(stack, 'step.waiting')).filter((entry) => entry.blocked)
  expect(waits.map(({ reason }) => reason)).toEqual([
    'CloudWatch says that the alarm stands, though no event told so',
  ])
  fire(stack, 'OK')
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
})

test('where CloudWatch does not answer, an undo goes by what was told', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  throttle(stack.account.world, 'cloudwatch:DescribeAlarms', 1_000)
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})

test('the event that comes after all says the same signal once more, which changes nothing (G1)', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 5)
  const late = transition(stack.account, 'OK')
  await play(stack, 3)
  expect(await entriesOfKind(stack, 'incident.cleared')).toHaveLength(1)
  stack.deliver(late)
  await play(stack, 3)
  expect(await entriesOfKind(stack, 'incident.cleared')).toHaveLength(1)
})

test('an alarm that still stands, or has only just cleared, is left alone', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 20)
  expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/ open$/)])
  expect(await entriesOfKind(stack, 'incident.cleared')).toEqual([])
})

test('a question that CloudWatch does not answer holds nothing up', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 5)
  transition(stack.account, 'OK')
  const deaf = stack.account.onCall({
    before(call) {
      if (call.name === 'cloudwatch:DescribeAlarms') throw new Error('no answer')
    },
  })
  await play(stack, 10)
  expect(await entriesOfKind(stack, 'incident.cleared')).toEqual([])
  deaf()
  await play(stack, 3)
  expect(await entriesOfKind(stack, 'incident.cleared')).toHaveLength(1)
})

test('a person resolves while the alarm stands: the OK that never arrived is found, and what was added is put back (G4)', async () => {
  const stack = calmStack(UNDONE())
  fire(stack)
  await play(stack, 5)
  const [incidentId = ''] = (await incidentsOf(stack)).map((line) => line.split(' ')[0])
  await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'it is over' })
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  transition(stack.account, 'OK')
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})

test('a person resolves while the alarm stands: its incident looks in now and then, and is woken by the OK (G4)', async () => {
  const storage = countingStorage(memoryStorage())
  const stack = calmStack(UNDONE(), { storage })
  fire(stack)
  await play(stack, 5)
  const [incidentId = ''] = (await incidentsOf(stack)).map((line) => line.split(' ')[0])
  await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'it is over' })
  await play(stack, 5)
  storage.reset()
  await play(stack, 120)
  expect(desired(stack)).toBe(9)
  // Once in ten minutes.
  expect(storage.operations().puts).toEqual({ HEAD: 12 })
  fire(stack, 'OK')
  await play(stack, 7)
  expect(desired(stack)).toBe(6)
})

test('a later incident, resolved by a person, holds the alarm: the earlier one is put back all the same (G4)', async () => {
  // The second onset starts nothing: its execution is refused by the cooldown.
  const stack = calmStack(
    catalogueOf([
      runbookText(
        '- scale_out: { ecs: api, by: 50% }',
        'cooldown: 1h\nkeep_open: 1m\non_resolved: { undo: [scale_out], after: 5m }',
      ),
    ]),
  )
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 3)
  fire(stack)
  await play(stack, 1)
  const later = (await incidentsOf(stack)).find((line) => line.endsWith(' open'))?.split(' ')[0] ?? ''
  await stack.command({ verb: 'resolve', id: later, by: ANN, reason: 'it is over' })
  transition(stack.account, 'OK')
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})

test('an undo under way waits for the alarm of a later incident that a person has resolved: its lost OK is found (G4)', async () => {
  const undo = 'on_resolved: { undo: [scale_out], after: 1m, step: 25%, every: 2m }'
  const stack = calmStack(
    catalogueOf([runbookText('- scale_out: { ecs: api, by: 50% }', `cooldown: 1h\nkeep_open: 10s\n${undo}`)]),
  )
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 1.5)
  expect(desired(stack)).toBe(8)
  fire(stack)
  await play(stack, 3)
  const later = (await incidentsOf(stack)).find((line) => line.endsWith(' open'))?.split(' ')[0] ?? ''
  await stack.command({ verb: 'resolve', id: later, by: ANN, reason: 'it is over' })
  transition(stack.account, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
})

test('a clearing that is recorded under a later incident ends its own all the same (G4)', async () => {
  let armed = false
  const runbook = runbookText('- scale_out: { ecs: api, by: 50% }', 'cooldown: 1h\nkeep_open: 10s')
  const stack = calmStack(catalogueOf([runbook]), {
    // The worker that takes the clearing dies once it stands in OPEN; the sweep carries it out a minute later.
    diesAt: ({ name, when }) => {
      const dies = armed && name === 'put REC' && when === 'before'
      if (dies) armed = false
      return dies
    },
  })
  fire(stack)
  await play(stack, 3)
  armed = true
  fire(stack, 'OK')
  await play(stack, 0.4)
  fire(stack)
  await play(stack, 10)
  const states = (await incidentsOf(stack)).map((line) => line.split(' ').at(-1))
  expect(new Set(states)).toEqual(new Set(['open', 'resolved']))
})

describe('a start that died before its first record, and is carried out when the alarm is over,', () => {
  function dyingStart() {
    let died = false
    return calmStack(UNDONE(), {
      diesAt: ({ name, when }) => {
        const dies = !died && name === 'ecs:DescribeServices' && when === 'before'
        died ||= dies
        return dies
      },
    })
  }

  test('changes nothing when the alarm has cleared, and says so (G4, G6)', async () => {
    const stack = dyingStart()
    fire(stack)
    await play(stack, 0)
    fire(stack, 'OK')
    await play(stack, 30)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cleared' }])
    expect(desired(stack)).toBe(6)
    expect(await incidentsOf(stack)).toEqual([expect.stringMatching(/ resolved$/)])
  })

  test('changes nothing when a person has resolved the incident (G4, G6)', async () => {
    const stack = dyingStart()
    fire(stack)
    await play(stack, 0)
    const [incidentId = ''] = (await incidentsOf(stack)).map((line) => line.split(' ')[0])
    await stack.command({ verb: 'resolve', id: incidentId, by: ANN, reason: 'a false alarm' })
    await play(stack, 10)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cleared' }])
    expect(desired(stack)).toBe(6)
  })

  test('still acts while the alarm stands', async () => {
    const stack = dyingStart()
    fire(stack)
    await play(stack, 10)
    expect(desired(stack)).toBe(9)
  })
})

test.each(['put REC', 'put OPEN', 'put HEAD'])(
  'a person whose resolve dies at %s is still obeyed: the next onset opens an incident of its own (G4)',
  async (where) => {
    const stack = calmStack(catalogueOf([runbookText('- notify: { to: oncall@sre }', 'keep_open: 30m')]))
    fire(stack)
    await play(stack, 5)
    const [incidentId = ''] = (await incidentsOf(stack)).map((line) => line.split(' ')[0])
    const deaths: string[] = []
    const ports = mortalPorts(
      stack.app.ports,
      () => 0,
      ({ name, when }) => name === where && when === 'after',
      (what) => void deaths.push(what),
    )
    const asked = { verb: 'resolve', id: incidentId, by: ANN, reason: 'it is over' }
    await expect(command({ ...stack.app, ports }, asked, turnOf(stack))).rejects.toThrow(CrashError)
    expect(deaths).toHaveLength(1)
    await play(stack, 2)
    fire(stack, 'OK')
    await play(stack, 2)
    fire(stack)
    await play(stack, 2)
    expect(await incidentsOf(stack)).toHaveLength(2)
  },
)
