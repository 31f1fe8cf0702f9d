import type { ApplyContext, Change } from '../../lib/actions/action.ts'
import { scaleOutEcs as action } from '../../lib/actions/scale-out-ecs.ts'
import type { CallName } from '../../lib/aws/aws.ts'
import type { EcsTarget } from '../../lib/ecs/act.ts'
import type { ScaleState } from '../../lib/ecs/scaling.ts'
import { awsError, scriptedAws } from './conformance.ts'
import { ecsService, ecsWorld, type EcsWorldState } from './ecs-world.ts'

const NOW_MS = Date.UTC(2026, 10, 22, 14, 0, 0)
const PUT = 'application-autoscaling:PutScheduledAction'
const REGISTER = 'application-autoscaling:RegisterScalableTarget'
const DELETE = 'application-autoscaling:DeleteScheduledAction'

/** The service prod/api under a step that expires in 6 h. */
async function expiring(start: Partial<EcsWorldState>, params: object = {}) {
  const world = ecsWorld(start)
  const aws = scriptedAws(world)
  const wanted = action.params.parse({ ecs: 'api', by: '50%', expires_in: '6h', ...params })
  const found = action.target(wanted, ecsService)
  if (found.is === 'missing') throw new Error(found.message)
  const context = { aws, nowMs: NOW_MS, marker: '', attempt: 1 } as unknown as ApplyContext
  const observe = () => action.observe(found.target, context)
  const plan = action.plan(wanted, found.target, await observe(), undefined as never)
  const changed = () => aws.calls.filter((name) => !/:Describe/.test(name))
  return { world, aws, target: found.target, context, observe, plan, changed }
}

async function changing(start: Partial<EcsWorldState>, params: object = {}) {
  const staged = await expiring(start, params)
  const { plan, target } = staged
  if (plan.is !== 'change') throw new Error(plan.reason)
  const change: Change<EcsTarget, ScaleState> = { target, ...plan }
  return { ...staged, plan, change }
}

const FLOOR = { floor: { min: 2, max: 40 } }

test('the switch is put before the floor is raised, and puts back what stood there, in whole seconds of UTC', async () => {
  const { world, change, context, changed } = await changing(FLOOR)
  await action.apply(change, { ...context, nowMs: NOW_MS + 1 })
  expect(changed()).toEqual([PUT, REGISTER])
  expect(world.state.scheduled).toEqual({ schedule: 'at(2026-11-22T20:00:01)', min: 2 })
})

test('where an earlier change is outstanding the switch goes back to what stood before that (G7)', async () => {
  const { world, change, context } = await changing({ floor: { min: 9, max: 40 }, desired: 9 })
  const undoTo = { desired: 6, floor: { min: 2, max: 30 }, context: null }
  await action.apply(change, { ...context, undoTo })
  expect(world.state.scheduled).toMatchObject({ min: 2, max: 30 })
})

test('the plan says that it expires, and that AWS compares nothing', async () => {
  const { plan } = await changing(FLOOR)
  expect(plan.summary).toBe('desired 6 -> 9, floor 2 -> 9, expires in 6h')
  expect(plan.notes).toEqual([expect.stringContaining('over whatever stands there by then')])
})

test('a service without a scalable target is refused, and none is registered', async () => {
  const { plan, changed } = await expiring({ floor: null })
  expect(plan).toMatchObject({
    is: 'refused',
    reason: expect.stringContaining('has no scalable target') as string,
  })
  expect(changed()).toEqual([])
})

test('without expires_in nothing of it is read, called or allowed', async () => {
  const wanted = action.params.parse({ ecs: 'api', by: '50%' })
  const found = action.target(wanted, ecsService)
  if (found.is === 'missing') throw new Error(found.message)
  const allowed = action.permissions(found.target).flatMap(({ actions }) => actions)
  expect(allowed.filter((name) => name.includes('ScheduledAction'))).toEqual([])
})

test.each([PUT, REGISTER] as const)(
  'a lost answer of %s is observed as it is, and the repeat lands once',
  async (lost) => {
    const { world, aws, change, context, observe } = await changing(FLOOR)
    const call = aws.call.bind(aws)
    const losing = async (name: CallName, input: never) => {
      const answer = await call(name, input)
      if (name === lost) throw awsError('TimeoutError')
      return answer
    }
    await expect(action.apply(change, { ...context, aws: { call: losing } as never })).rejects.toMatchObject({
      name: 'TimeoutError',
    })
    const where = action.locate(change, await observe(), { marker: '' })
    expect(where.at).toBe(lost === PUT ? 'before' : 'after')
    await action.apply(change, context)
    expect(world.state).toMatchObject({ desired: 9, floor: { min: 9 }, scheduled: { min: 2 } })
  },
)

test('where AWS refuses the change its switch does not stay behind', async () => {
  const { world, aws, change, context } = await changing(FLOOR)
  const call = aws.call.bind(aws)
  const refusing = async (name: CallName, input: never) => {
    if (name === REGISTER) throw awsError('ValidationException', 400)
    return call(name, input)
  }
  await expect(action.apply(change, { ...context, aws: { call: refusing } as never })).rejects.toThrow(
    'ValidationException',
  )
  expect(world.state).toMatchObject({ floor: { min: 2 }, scheduled: null })
})

test('the way back ends with the switch, and a crash before that is no end', async () => {
  const { world, change, context, observe, changed } = await changing(FLOOR)
  await action.apply(change, context)
  const back = action.undo?.(change, change.after, await observe(), 100)
  if (back?.is !== 'change') throw new Error('nothing is put back')
  world.state.floor = { min: 2, max: 40 }
  const last = { target: change.target, ...back }
  expect(action.locate(last, await observe(), { marker: '' }).at).toBe('before')
  await action.apply(last, context)
  expect(changed()).toEqual([PUT, REGISTER, REGISTER, DELETE])
  expect(action.locate(last, await observe(), { marker: '' }).at).toBe('after')
  expect(action.undo?.(change, change.after, await observe(), 100)).toMatchObject({ is: 'done' })
})

test('where the floor is back already only the switch is taken away, and that is verified', async () => {
  const { world, change, context, observe, changed } = await changing(FLOOR)
  await action.apply(change, context)
  world.state.floor = { min: 2, max: 40 }
  const back = action.undo?.(change, change.after, await observe(), 100)
  if (back?.is !== 'change') throw new Error('the switch stays')
  const last = { target: change.target, ...back }
  expect(action.locate(last, await observe(), { marker: '' }).at).toBe('before')
  expect(await action.verify(last, {}, context)).toMatchObject({ verdict: 'inconclusive' })
  await action.apply(last, context)
  expect(changed()).toEqual([PUT, REGISTER, DELETE])
  expect(await action.verify(last, {}, context)).toMatchObject({ verdict: 'passed' })
})
