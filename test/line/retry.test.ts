import type { CallName } from '../../lib/aws/aws.ts'
import { refuseNext, throttle } from '../../sim/faults.ts'
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
} from './calm.ts'
import { effectsOf } from './world.ts'

const RETRY = 'retry: { attempts: 8, backoff: 1s, max_backoff: 1s }'
const SCALE = `- scale_out: { ecs: api, by: 50% }\n  ${RETRY}`
const DRAIN = `- route53_weight: { record: canary, weight: 0 }\n  ${RETRY}`
const BOTH = `- parallel:\n${`${SCALE}\n${DRAIN}`.replaceAll(/^/gm, '    ')}`

const CALLS: readonly CallName[] = ['ecs:UpdateService', 'route53:ChangeResourceRecordSets']

function stackOf(steps: string, head: string): Stack {
  return calmStack(catalogueOf([runbookText(steps, head)]))
}

function throttleAll(stack: Stack): void {
  for (const call of CALLS) throttle(stack.account.world, call, 1_000)
}

/** Attempts that were made again, over all steps. */
async function repeatsIn(stack: Stack): Promise<number> {
  const intents = await entriesOfKind(stack, 'step.intended')
  return intents.filter((entry) => entry.attempt > 1 && entry.change.target.locks.length > 0).length
}

describe('the retry budget', () => {
  test('counts over all steps: when it is used up a step that would be tried again has failed, with reason and place', async () => {
    const text = runbookText(`${SCALE}\n${DRAIN}`, 'retry_budget: 3')
    const place = `runbook-1.yaml:${text.split('\n').indexOf('retry_budget: 3') + 1}`
    const stack = calmStack(catalogueOf([text]))
    throttleAll(stack)
    fire(stack)
    await play(stack, 10)
    expect(CALLS.map((call) => stack.account.count(call))).toEqual([4, 1])
    const failed = await entriesOfKind(stack, 'step.failed')
    expect(failed).toMatchObject([
      { step: 'scale_out', attempt: 4, code: 'exhausted', place },
      { step: 'route53_weight', attempt: 1, code: 'exhausted', place },
    ])
    expect(failed[1]?.reason).toContain('has repeated 3 attempts, and its retry budget is 3')
    // At once, with AWS's own reason, and not only when its turn would have come.
    expect(failed[1]?.reason).toContain('Rate exceeded')
    expect(pagesOf(stack)).toHaveLength(2)
  })

  test('is not exceeded by steps that are tried again together', async () => {
    const stack = stackOf(BOTH, 'retry_budget: 3')
    throttleAll(stack)
    fire(stack)
    await play(stack, 10)
    expect(await repeatsIn(stack)).toBe(3)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
      { code: 'exhausted' },
      { code: 'exhausted' },
    ])
  })

  test('holds for outcomes that are unknown as well: they are observed, and not repeated (G3)', async () => {
    const stack = stackOf(SCALE, 'retry_budget: 0')
    refuseNext(stack.account.world, 'ecs:UpdateService', {
      name: 'InternalFailure',
      message: '',
      status: 500,
    })
    fire(stack)
    await play(stack, 10)
    expect(stack.account.count('ecs:UpdateService')).toBe(1)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
      { attempt: 1, code: 'exhausted', reason: expect.stringContaining('the change is not there') },
    ])
  })

  test('says nothing about a change that is found to be there', async () => {
    const stack = stackOf(SCALE, 'retry_budget: 0')
    refuseNext(stack.account.world, 'ecs:UpdateService', {
      name: 'InternalFailure',
      message: '',
      status: 500,
      when: 'after',
    })
    fire(stack)
    await play(stack, 10)
    expect(desired(stack)).toBe(9)
    expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
  })

  test('is not spent on pages, nor do pages fall under it', async () => {
    const stack = stackOf(`- notify: { to: oncall@sre }\n  ${RETRY}\n${SCALE}`, 'retry_budget: 1')
    for (let left = 0; left < 3; left++)
      throttle(stack.account.world, left === 2 ? 'ecs:UpdateService' : 'sns:Publish', 1)
    stack.account.world.faults.http['events.eu.pagerduty.com'] = { status: 503, body: '', times: 2 }
    fire(stack)
    await play(stack, 10)
    const intents = await entriesOfKind(stack, 'step.intended')
    expect(intents.filter((entry) => entry.step === 'notify').length).toBe(3)
    expect(pagesOf(stack)).toHaveLength(1)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  })
})

describe('an attempt that AWS has certainly not carried out', () => {
  async function pausedLong(): Promise<Stack> {
    const stack = stackOf(SCALE, 'on_resolved: { undo: [] }')
    throttle(stack.account.world, 'ecs:UpdateService', 1)
    fire(stack)
    await stack.runUntil(stack.account.now() + 100)
    await stack.command({ verb: 'pause-all', by: ANN, reason: 'let us look first' })
    await play(stack, 30)
    return stack
  }

  test('is repeated after a pause that was longer than the step may take, though the first look fails', async () => {
    const stack = await pausedLong()
    throttle(stack.account.world, 'ecs:DescribeServices', 1)
    await stack.command({ verb: 'resume-all', by: ANN })
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
    expect(desired(stack)).toBe(9)
  })

  test('has failed as exhausted, not as unknown, when it could not be looked at for as long as the step may take', async () => {
    const stack = await pausedLong()
    throttle(stack.account.world, 'ecs:DescribeServices', 10_000)
    await stack.command({ verb: 'resume-all', by: ANN })
    await play(stack, 8)
    expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
    await play(stack, 10)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
      { code: 'exhausted', reason: expect.stringContaining('it could not be tried again for 600 s') },
    ])
  })
})
