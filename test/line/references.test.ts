import { forecastText } from '../../lib/timeline/words.ts'
import { throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  pagesOf,
  play,
  runbookText,
  SERVICE,
} from './calm.ts'
import { chainOf, effectsOf } from './world.ts'

/** The amount is read when the step begins: of two facts, of which only one is about what the step acts on. */
const SCALE =
  '- when: service.ecs.desired > 1\n  scale_out: { ecs: api, to: "${service.ecs.desired + service.canary.weight / 2}" }'

function stackOf(steps: string, options: Parameters<typeof calmStack>[1] = {}, policy = 'auto'): Stack {
  const catalogue = catalogueOf([runbookText(steps)], {
    policy: (text) => text.replace(/^mode: .*$/m, `mode: ${policy}`),
  })
  return calmStack(catalogue, options)
}

function readsOf(stack: Stack): number {
  return stack.account.calls.filter((call) => call.name === 'route53:ListResourceRecordSets').length
}

test('an amount is read when the step begins; what it came to and what it was read from stand beside the intent', async () => {
  const stack = stackOf(SCALE)
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 8 })
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.intended')).toMatchObject([
    {
      change: { summary: 'desired 8 -> 13' },
      values: { 'service.ecs.desired': 8, 'service.canary.weight': 10, 'params.to': 13 },
    },
  ])
  expect(desired(stack)).toBe(13)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  expect(await chainOf(stack)).toBe('consistent')
})

test.each(['before', 'after'] as const)(
  'a worker that dies %s the call leaves the value of the intent to the next, whatever the facts are by then (G2, G3)',
  async (when) => {
    let dead = false
    let reads = 0
    const stack: Stack = stackOf(SCALE, {
      diesAt: (point) => {
        if (dead || point.name !== 'ecs:UpdateService' || point.when !== when) return false
        // From now on the expression would give 26 or more.
        for (const zone of Object.values(stack.account.world.zones))
          for (const record of zone.records) if (record.SetIdentifier === 'canary') record.Weight = 40
        reads = readsOf(stack)
        return (dead = true)
      },
    })
    fire(stack)
    await play(stack, 10)
    expect(stack.crashes).toHaveLength(1)
    expect(readsOf(stack)).toBe(reads)
    for (const intent of await entriesOfKind(stack, 'step.intended'))
      expect(intent).toMatchObject({ step: 'scale_out', change: { after: { desired: 11 } } })
    expect(desired(stack)).toBe(11)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  },
)

test('a refusal for the moment is tried again with the same value', async () => {
  const stack = stackOf(SCALE)
  throttle(stack.account.world, 'ecs:UpdateService', 2)
  fire(stack)
  await play(stack, 5)
  expect((await entriesOfKind(stack, 'step.retried')).length).toBe(2)
  expect((await entriesOfKind(stack, 'step.intended')).map(({ change }) => change.summary)).toEqual([
    'desired 6 -> 11',
    'desired 6 -> 11',
    'desired 6 -> 11',
  ])
  expect(readsOf(stack)).toBe(1)
  expect(desired(stack)).toBe(11)
})

test('the condition and the amount of a step are decided on one reading', async () => {
  const stack = stackOf(
    '- when: service.canary.weight > 0\n  scale_out: { ecs: api, to: "${service.canary.weight}", max: "${service.canary.weight + 1}" }',
  )
  fire(stack)
  await play(stack, 2)
  expect(readsOf(stack)).toBe(1)
  expect(desired(stack)).toBe(10)
})

test('the plan that is approved shows what each reference came to; another outcome is asked about again', async () => {
  const stack = stackOf(SCALE, {}, 'approve')
  fire(stack)
  await play(stack, 2)
  const [asked] = await entriesOfKind(stack, 'approval.requested')
  expect(asked?.steps).toMatchObject([
    {
      is: 'change',
      summary: 'desired 6 -> 11',
      values: { 'service.ecs.desired': 6, 'service.canary.weight': 10, 'params.to': 11 },
    },
  ])
  expect(asked?.steps.map(forecastText)).toEqual([
    'scale_out: ECS service prod/api, desired 6 -> 11; service.ecs.desired = 6, service.canary.weight = 10, params.to = 11 (can be put back)',
  ])
  const id = asked?.stream ?? ''
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 7 })
  await stack.command({ verb: 'approve', id, by: ANN })
  await play(stack, 2)
  expect(effectsOf(stack)).toEqual({})
  expect(pagesOf(stack).at(-1)).toMatch(/desired 7 -> 12/)
  await stack.command({ verb: 'approve', id, by: ANN })
  await play(stack, 2)
  expect(desired(stack)).toBe(12)
})

test('shadow mode records the resolved values, and plan answers them', async () => {
  const stack = stackOf(SCALE, {}, 'shadow')
  const answer = await stack.command({ verb: 'plan', runbook: 'spike' })
  expect(answer).toMatchObject({
    answer: { steps: [{ forecast: { summary: 'desired 6 -> 11', values: { 'params.to': 11 } } }] },
  })
  fire(stack)
  await play(stack, 2)
  expect(await entriesOfKind(stack, 'plan.recorded')).toMatchObject([
    { steps: [{ summary: 'desired 6 -> 11', values: { 'params.to': 11 } }] },
  ])
  expect(effectsOf(stack)).toEqual({})
})

test('a value that the action does not take fails the step with the reason, and pages', async () => {
  const stack = stackOf('- scale_out: { ecs: api, to: "${service.ecs.desired * 1000}" }')
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    {
      code: 'refused',
      reason:
        '"to" must be at most 5000, found the number 6000 (to is 6000 by service.ecs.desired * 1000, service.ecs.desired = 6)',
    },
  ])
  expect(effectsOf(stack)).toEqual({})
  expect(pagesOf(stack)).toHaveLength(1)
})

test('a fact that cannot be read is no 0: it is looked at again until the timeout, then a person is called', async () => {
  const stack = stackOf(
    '- scale_out: { ecs: api, to: "${service.ecs.desired + service.canary.weight}" }\n  timeout: 1m',
  )
  for (const zone of Object.values(stack.account.world.zones))
    zone.records = zone.records.filter((record) => record.SetIdentifier !== 'canary')
  fire(stack)
  await play(stack, 10)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { code: 'unreadable', reason: expect.stringContaining('has no weighted record "canary"') },
  ])
  expect(effectsOf(stack)).toEqual({})
  expect(pagesOf(stack)).toHaveLength(1)
})
