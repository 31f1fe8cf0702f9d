import {
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  incidentsOf,
  play,
  runbookText,
  transition,
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
