import { jest } from '@jest/globals'
import { scaleOutEcs } from '../../lib/actions/scale-out-ecs.ts'
import { throttle } from '../../sim/faults.ts'
import { calmStack, catalogueOf, desired, entriesOfKind, fire, pagesOf, play, runbookText } from './calm.ts'
import { effectsOf } from './world.ts'

// No change that ships is of that kind, so the rules are shown on one that is made so: whatever it did, nobody can tell.
beforeAll(() => {
  jest.replaceProperty(scaleOutEcs, 'observable', false)
  jest.spyOn(scaleOutEcs, 'locate').mockReturnValue({ at: 'before' })
})
afterAll(() => {
  jest.restoreAllMocks()
})

const STEPS = '- scale_out: { ecs: api, by: 50% }\n- route53_weight: { record: canary, weight: 0 }'
const CALL = 'ecs:UpdateService'

describe('a change whose effect cannot be observed', () => {
  test('has its result on record at once, before the next step is even looked at (G3)', async () => {
    const told: string[] = []
    const stack = calmStack(catalogueOf([runbookText(STEPS)]))
    stack.account.onCall({ before: (call) => void told.push(call.name) })
    const { storage } = stack.app.ports
    Object.assign(stack.app.ports, {
      storage: {
        ...storage,
        put: async (...[item, condition]: Parameters<typeof storage.put>) => {
          const answer = await storage.put(item, condition)
          if (item.body.includes('"kind":"step.applied"')) told.push('applied')
          return answer
        },
      },
    })
    fire(stack)
    await play(stack, 5)
    const [scaled, drained] = await entriesOfKind(stack, 'step.applied')
    const intents = await entriesOfKind(stack, 'step.intended')
    expect([scaled?.step, drained?.step]).toEqual(['scale_out', 'route53_weight'])
    expect(intents.map((entry) => entry.seq)).toEqual([0, 2])
    expect(scaled?.seq).toBe(1)
    const after = told.slice(told.indexOf(CALL) + 1)
    expect(after[0]).toBe('applied')
    expect(after.some((name) => name.startsWith('route53:'))).toBe(true)
  })

  test('is not repeated when its answer is lost: a person is called at once (G3)', async () => {
    const stack = calmStack(catalogueOf([runbookText(STEPS)]))
    stack.account.onCall({
      after(call) {
        if (call.name === CALL) throw new Error('socket hang up')
      },
    })
    fire(stack)
    await play(stack, 0)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
      {
        step: 'scale_out',
        attempt: 1,
        code: 'unknown',
        reason: 'the outcome is unknown and cannot be observed: Error: socket hang up',
      },
    ])
    await play(stack, 60)
    expect(stack.account.count(CALL)).toBe(1)
    expect(pagesOf(stack)).toEqual([expect.stringContaining('cannot be observed')])
  })

  test.each([
    ['before', 6, 0],
    ['after', 9, 1],
  ] as const)(
    'is not repeated when its worker dies %s it took effect: a person is called once the lease is over (G3)',
    async (when, count, calls) => {
      let died = false
      const stack = calmStack(catalogueOf([runbookText(STEPS)]), {
        diesAt: (point) => {
          const dies = !died && point.name === CALL && point.when === when
          died ||= dies
          return dies
        },
      })
      fire(stack)
      await play(stack, 60)
      expect(await entriesOfKind(stack, 'worker.tookover')).toHaveLength(1)
      expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
        { step: 'scale_out', attempt: 1, code: 'unknown' },
      ])
      const intents = await entriesOfKind(stack, 'step.intended')
      expect(intents.filter((entry) => entry.step === 'scale_out')).toHaveLength(1)
      expect(stack.account.count(CALL)).toBe(calls)
      expect(desired(stack)).toBe(count)
      expect(pagesOf(stack)).toEqual([expect.stringContaining('cannot be observed')])
    },
  )

  test('is made again where AWS has certainly not made it', async () => {
    const stack = calmStack(catalogueOf([runbookText(STEPS)]))
    throttle(stack.account.world, CALL, 1)
    fire(stack)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'step.retried')).toMatchObject([{ step: 'scale_out', attempt: 1 }])
    expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
    expect(effectsOf(stack)).toEqual({ [CALL]: 1, 'route53:ChangeResourceRecordSets': 1 })
  })
})
