import { addScalableTarget } from '../../sim/autoscaling.ts'
import { refuseNext, throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  HOUR_MS,
  pagesOf,
  play,
  runbookText,
  SERVICE,
  withShop,
} from './calm.ts'

/* Whose change it is that stands: what others have made meanwhile is not adopted, and what is not ours is not moved, by AWS neither. */

const BOTH = ['api-5xx-spike', 'shop-slow']
const UNDO = 'on_resolved: { undo: [scale_out], after: 5m, step: 100% }'

/** Two services with a runbook each, both on one ECS service. */
function twoOn(first: string, second: string, secondHead = UNDO): Stack {
  return calmStack(
    catalogueOf(
      [
        runbookText(first, UNDO, 'first'),
        runbookText(second, `service: shop\ntriggers: [{ alarm: shop-slow }]\n${secondHead}`, 'second'),
      ],
      {
        services: withShop,
      },
    ),
    { alarms: BOTH },
  )
}

function set(stack: Stack, desiredCount: number): void {
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: desiredCount })
}

test.each(['another execution', 'a person'])(
  'a change that AWS has refused so far, and %s has made meanwhile, is theirs (G7)',
  async (who) => {
    const stack = twoOn(
      '- { id: scale_out, scale_out: { ecs: api, to: 9 }, retry: { attempts: 5, backoff: 10m, max_backoff: 10m } }',
      '- scale_out: { ecs: shop, to: 9 }',
    )
    throttle(stack.account.world, 'ecs:UpdateService', 1)
    fire(stack)
    await play(stack, 1)
    if (who === 'a person') set(stack, 9)
    else fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 14)
    expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([
      {
        step: 'scale_out',
        code: 'already',
        reason: 'the change stands there already, and none of our attempts was carried out',
      },
    ])
    fire(stack, 'OK')
    await play(stack, 30)
    expect(desired(stack)).toBe(9)
    if (who === 'a person') return
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 30)
    expect(desired(stack)).toBe(6)
  },
)

describe("AWS's own expiry", () => {
  test('is taken away also where a later change of ours stands on a value of somebody else (G7)', async () => {
    const stack = twoOn(
      '- scale_out: { ecs: api, by: 50%, expires_in: 6h }',
      '- scale_out: { ecs: shop, by: 50% }',
      '',
    )
    const target = addScalableTarget(stack.account.world, SERVICE, { min: 4, max: 40 })
    fire(stack)
    await play(stack, 5)
    expect(target.min).toBe(9)
    target.min = 12
    set(stack, 12)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 5)
    expect(target.min).toBe(18)
    fire(stack, 'OK')
    await play(stack, 15)
    stack.account.advanceTo(stack.account.now() + 8 * HOUR_MS)
    expect(target.min).toBe(18)
    expect(pagesOf(stack)).toEqual([expect.stringContaining('was left alone')])
  })

  test("is taken away also where a further change on somebody else's value was refused (G7)", async () => {
    const head = `${UNDO.replace('5m', '10m')}\nkeep_open: 30m\ncooldown: 1m`
    const stack = calmStack(
      catalogueOf([runbookText('- scale_out: { ecs: api, by: 50%, expires_in: 6h }', head)]),
    )
    const target = addScalableTarget(stack.account.world, SERVICE, { min: 4, max: 40 })
    fire(stack)
    await play(stack, 5)
    target.min = 12
    set(stack, 12)
    fire(stack, 'OK')
    await play(stack, 3)
    refuseNext(stack.account.world, 'application-autoscaling:PutScheduledAction', {
      name: 'AccessDeniedException',
      message: 'no',
    })
    fire(stack)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'terminal' }])
    fire(stack, 'OK')
    await play(stack, 30)
    stack.account.advanceTo(stack.account.now() + 8 * HOUR_MS)
    expect(target.min).toBe(12)
  })
})

test('a change that AWS refuses takes nothing off the lock: what stood there before is still put back (G7)', async () => {
  const stack = twoOn('- scale_out: { ecs: api, to: 9 }', '- scale_out: { ecs: shop, to: 15 }')
  fire(stack)
  await play(stack, 5)
  set(stack, 12)
  refuseNext(stack.account.world, 'ecs:UpdateService', { name: 'AccessDeniedException', message: 'no' })
  fire(stack, 'ALARM', 'shop-slow')
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'terminal' }])
  set(stack, 9)
  fire(stack, 'OK')
  await play(stack, 30)
  expect(desired(stack)).toBe(6)
})
