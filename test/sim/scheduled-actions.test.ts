import { addScalableTarget } from '../../sim/autoscaling.ts'
import { calmAccount } from '../line/calm.ts'
import { START_AT_MS } from '../line/world.ts'

const PUT = 'application-autoscaling:PutScheduledAction'
const ON = {
  ServiceNamespace: 'ecs',
  ResourceId: 'service/prod/api',
  ScalableDimension: 'ecs:service:DesiredCount',
  ScheduledActionName: 'back',
} as const
const HOUR_MS = 3_600_000
const inAnHour = `at(${new Date(START_AT_MS + HOUR_MS).toISOString().slice(0, 19)})`

function account() {
  const one = calmAccount()
  const target = addScalableTarget(one.world, 'prod/api', { min: 9, max: 20 })
  return { one, target, aws: one.aws({}) }
}

const listed = async ({ aws }: ReturnType<typeof account>) =>
  (await aws.call('application-autoscaling:DescribeScheduledActions', { ServiceNamespace: 'ecs' }))
    .ScheduledActions

test('a one-time action sets the range at its time, lists until then, and compares nothing', async () => {
  const all = account()
  await all.aws.call(PUT, {
    ...ON,
    Schedule: inAnHour,
    ScalableTargetAction: { MinCapacity: 4, MaxCapacity: 5 },
  })
  expect(await listed(all)).toMatchObject([{ ScheduledActionName: 'back', Schedule: inAnHour }])
  all.target.min = 12
  all.one.advance(HOUR_MS - 1_000)
  expect(all.target).toMatchObject({ min: 12, max: 20 })
  all.one.advance(2_000)
  expect(all.target).toMatchObject({ min: 4, max: 5 })
  expect(all.one.world.services['prod/api']?.desired).toBe(5)
  expect(await listed(all)).toEqual([])
})

test('a second of the same name replaces the first, and a deleted one never runs', async () => {
  const all = account()
  await all.aws.call(PUT, { ...ON, Schedule: inAnHour, ScalableTargetAction: { MinCapacity: 4 } })
  await all.aws.call(PUT, { ...ON, Schedule: inAnHour, ScalableTargetAction: { MinCapacity: 6 } })
  expect(await listed(all)).toHaveLength(1)
  await all.aws.call('application-autoscaling:DeleteScheduledAction', ON)
  all.one.advance(2 * HOUR_MS)
  expect(all.target.min).toBe(9)
  await expect(all.aws.call('application-autoscaling:DeleteScheduledAction', ON)).rejects.toMatchObject({
    name: 'ObjectNotFoundException',
  })
})

test('it does not run while scheduled scaling is suspended, and is not made up for', async () => {
  const all = account()
  await all.aws.call(PUT, { ...ON, Schedule: inAnHour, ScalableTargetAction: { MinCapacity: 4 } })
  all.target.suspended.ScheduledScalingSuspended = true
  all.one.advance(2 * HOUR_MS)
  all.target.suspended.ScheduledScalingSuspended = false
  all.one.advance(HOUR_MS)
  expect(all.target.min).toBe(9)
})

test.each([
  ['a time that is over', { Schedule: 'at(2020-01-01T00:00:00)' }, 'ValidationException'],
  ['what is no schedule', { Schedule: 'at(tomorrow)' }, 'ValidationException'],
  ['neither a floor nor a ceiling', { ScalableTargetAction: {} }, 'ValidationException'],
  ['a service without a scalable target', { ResourceId: 'service/prod/web' }, 'ObjectNotFoundException'],
])('%s is refused', async (_what, input, name) => {
  const { aws } = account()
  const right = { ...ON, Schedule: inAnHour, ScalableTargetAction: { MinCapacity: 4 } }
  await expect(aws.call(PUT, { ...right, ...input })).rejects.toMatchObject({ name })
})
