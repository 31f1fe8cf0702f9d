import type { CallName } from '../../lib/aws/aws.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { advanceHead, readHeads } from '../../lib/ledger/head.ts'
import { StorageError } from '../../lib/ledger/storage.ts'
import { workFor } from '../../lib/queue.ts'
import { sweep } from '../../lib/sweep.ts'
import { failHttp, refuseNext, throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import {
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
import { chainOf, effectsOf, MINUTE_MS, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const ROLLBACK = '- rollback: { codedeploy: api, to: last-success }'

interface Case {
  readonly action: string
  readonly steps: string
  readonly call: CallName
  readonly autoscaling?: boolean
  /** `finished`: version 42 is live; `active`: it is being deployed. */
  readonly release?: 'finished' | 'active'
}

/** Each action in each of its ways to change something. */
const CASES: readonly Case[] = [
  { action: 'scale_out by UpdateService', steps: SCALE, call: 'ecs:UpdateService' },
  {
    action: 'scale_out by a floor',
    steps: SCALE,
    call: 'application-autoscaling:RegisterScalableTarget',
    autoscaling: true,
  },
  { action: 'route53_weight', steps: DRAIN, call: 'route53:ChangeResourceRecordSets' },
  {
    action: 'rollback by a deployment',
    steps: ROLLBACK,
    call: 'codedeploy:CreateDeployment',
    release: 'finished',
  },
  { action: 'rollback by a stop', steps: ROLLBACK, call: 'codedeploy:StopDeployment', release: 'active' },
]

function stackFor(one: Pick<Case, 'steps' | 'autoscaling' | 'release'>, head = ''): Stack {
  const stack = calmStack(catalogueOf([runbookText(one.steps, head)]), {
    demo: { guarded: false, ...(one.autoscaling ? { autoscaling: true } : {}) },
  })
  if (one.release) {
    stack.account.act({
      is: 'deploy',
      application: 'api',
      group: 'api-prod',
      taskDefinition: 'api:42',
      description: 'release 42',
    })
    stack.account.advance(one.release === 'finished' ? 90_000 : 10_000)
  }
  return stack
}

/** The answer of the next call of this name is lost: before it arrives, or after it took effect. */
function loseAnswer(stack: Stack, name: CallName, when: 'before' | 'after', times = 1): void {
  let left = times
  const lose = (call: { readonly name: string }) => {
    if (call.name !== name || left === 0) return
    left--
    throw new Error('socket hang up')
  }
  stack.account.onCall(when === 'before' ? { before: lose } : { after: lose })
}

async function outcomes(stack: Stack): Promise<readonly string[]> {
  return (await entriesOfKind(stack, 'execution.finished')).map((entry) => entry.outcome)
}

test.each(CASES)(
  'throttled, $action is tried again after a backoff that is on record, and takes effect once (G3)',
  async (one) => {
    const stack = stackFor(one)
    throttle(stack.account.world, one.call, 2)
    fire(stack)
    await play(stack, 40)
    const retried = await entriesOfKind(stack, 'step.retried')
    expect(retried).toHaveLength(2)
    for (const entry of retried) expect(entry.retryAtMs).toBeGreaterThan(entry.atMs - 1)
    expect((await entriesOfKind(stack, 'step.intended')).map((entry) => entry.attempt)).toEqual([1, 2, 3])
    expect(effectsOf(stack)).toEqual({ [one.call]: 1 })
    expect(await outcomes(stack)).toEqual(['succeeded'])
  },
)

test('attempts have a limit: then the step has failed and a person is paged', async () => {
  const stack = stackFor({ steps: SCALE })
  throttle(stack.account.world, 'ecs:UpdateService', 100)
  fire(stack)
  await play(stack, 30)
  expect(stack.account.count('ecs:UpdateService')).toBe(3)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { code: 'exhausted', reason: expect.stringContaining('attempt 3 of 3') },
  ])
  expect(pagesOf(stack)).toEqual([expect.stringContaining('scale_out failed')])
  expect(await outcomes(stack)).toEqual(['failed'])
})

test.each(CASES)(
  'an answer that was lost after the effect: $action is observed, never repeated (G3)',
  async (one) => {
    const stack = stackFor(one)
    loseAnswer(stack, one.call, 'after')
    fire(stack)
    await play(stack, 40)
    expect(stack.account.count(one.call)).toBe(1)
    expect(await entriesOfKind(stack, 'step.unsettled')).toHaveLength(1)
    expect(await entriesOfKind(stack, 'step.applied')).toMatchObject([
      { recovered: expect.stringContaining('observed') },
    ])
    expect(await outcomes(stack)).toEqual(['succeeded'])
    expect(stack.account.inbox).toEqual([])
  },
)

test.each(CASES)(
  'an answer that was lost before the effect: $action is observed, then repeated exactly once (G3)',
  async (one) => {
    const stack = stackFor(one)
    loseAnswer(stack, one.call, 'before')
    fire(stack)
    await play(stack, 40)
    expect(stack.account.count(one.call)).toBe(2)
    expect(effectsOf(stack)).toEqual({ [one.call]: 1 })
    const intents = await entriesOfKind(stack, 'step.intended')
    // "+50 %" was resolved once: every attempt has the change of the first (G2).
    expect(intents.map((entry) => JSON.stringify(entry.change))).toEqual([
      JSON.stringify(intents[0]?.change),
      JSON.stringify(intents[0]?.change),
    ])
    expect(await outcomes(stack)).toEqual(['succeeded'])
  },
)

test.each(CASES)('a 5xx after the effect: $action is observed, never repeated (G3)', async (one) => {
  const stack = stackFor(one)
  refuseNext(stack.account.world, one.call, {
    name: 'InternalFailure',
    message: 'oops',
    status: 500,
    when: 'after',
  })
  fire(stack)
  await play(stack, 40)
  expect(stack.account.count(one.call)).toBe(1)
  expect(await outcomes(stack)).toEqual(['succeeded'])
})

test('an unknown outcome is looked at no sooner than a call can last and a list can lag (G3)', async () => {
  const stack = stackFor({ steps: SCALE })
  loseAnswer(stack, 'ecs:UpdateService', 'before')
  fire(stack)
  await play(stack, 5)
  const [unsettled] = await entriesOfKind(stack, 'step.unsettled')
  const [, second] = await entriesOfKind(stack, 'step.intended')
  expect((unsettled?.observeAtMs ?? 0) - (unsettled?.atMs ?? 0)).toBeGreaterThanOrEqual(10_000)
  expect(second?.atMs).toBeGreaterThanOrEqual(unsettled?.observeAtMs ?? Infinity)
})

test('somebody else changed the target while the outcome was unknown: it is left alone and a person is paged (G3)', async () => {
  const stack = stackFor({ steps: SCALE })
  loseAnswer(stack, 'ecs:UpdateService', 'before')
  fire(stack)
  await stack.runUntil(START_AT_MS + 2_000)
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
  await play(stack, 10)
  expect(desired(stack)).toBe(20)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'conflict' }])
  expect(pagesOf(stack)).toEqual([expect.stringContaining('scale_out failed')])
  expect(effectsOf(stack)).toEqual({})
})

test('somebody else changed the record between observation and call: Route 53 refuses, it is left alone (G3)', async () => {
  const stack = stackFor({ steps: DRAIN })
  stack.account.onCall({
    before(call) {
      if (call.name !== 'route53:ChangeResourceRecordSets') return
      const record = stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records.find(
        (other) => other.SetIdentifier === 'canary',
      )
      if (record) record.Weight = 50
    },
  })
  fire(stack)
  await play(stack, 10)
  expect(effectsOf(stack)).toEqual({})
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'terminal' }])
  expect(pagesOf(stack)).toHaveLength(1)
})

test('PriorRequestNotComplete of Route 53 is waited for', async () => {
  const stack = stackFor({ steps: DRAIN })
  const zone = stack.account.world.zones['Z0123456789ABCDEFGHIJ']
  if (zone) zone.busyUntilMs = START_AT_MS + 1_000
  fire(stack)
  await play(stack, 10)
  expect(await entriesOfKind(stack, 'step.retried')).toMatchObject([
    { reason: expect.stringContaining('PriorRequestNotComplete') },
  ])
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
  expect(await outcomes(stack)).toEqual(['succeeded'])
})

test('a deployment that somebody starts at the same moment makes ours wait or follow, never a second one (G3)', async () => {
  const stack = stackFor({ steps: ROLLBACK, release: 'finished' })
  let started = false
  stack.account.onCall({
    before(call) {
      if (call.name !== 'codedeploy:CreateDeployment' || started) return
      started = true
      stack.account.act({
        is: 'deploy',
        application: 'api',
        group: 'api-prod',
        taskDefinition: 'api:41',
        description: 'by hand',
      })
    },
  })
  fire(stack)
  await play(stack, 40)
  const ours = Object.values(stack.account.world.deployments).filter((deployment) =>
    deployment.description.startsWith('firebreak/'),
  )
  expect(ours.length).toBeLessThanOrEqual(1)
  expect(await outcomes(stack)).toHaveLength(1)
})

describe('on_failure', () => {
  const steps = (how: string) =>
    `${DRAIN}\n- id: broken\n  scale_out: { ecs: api, by: 50% }\n  on_failure: ${how}\n- rollback: { codedeploy: api, to: last-success }`
  const broken = (how: string) => {
    const stack = stackFor({ steps: steps(how), release: 'finished' })
    refuseNext(stack.account.world, 'ecs:UpdateService', {
      name: 'AccessDeniedException',
      message: 'not authorized to perform ecs:UpdateService',
      status: 403,
    })
    fire(stack)
    return stack
  }
  const weight = (stack: Stack) =>
    stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records.find(
      (record) => record.SetIdentifier === 'canary',
    )?.Weight

  test('continue: the next mitigation is still tried, a person is paged, and the outcome is failed', async () => {
    const stack = broken('continue')
    await play(stack, 40)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
      { step: 'broken', code: 'terminal', reason: expect.stringContaining('AccessDenied') },
    ])
    expect(effectsOf(stack)).toMatchObject({
      'route53:ChangeResourceRecordSets': 1,
      'codedeploy:CreateDeployment': 1,
    })
    expect(pagesOf(stack)).toEqual([expect.stringContaining('broken failed')])
    expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('broken failed') },
    ])
  })

  test.each(['stop', 'escalate'])(
    '%s: nothing more is tried, a person is paged, and the rest is skipped on record',
    async (how) => {
      const stack = broken(how)
      await play(stack, 40)
      expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
      expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([
        { step: 'rollback', code: 'stopped' },
      ])
      expect(pagesOf(stack)).toEqual([expect.stringContaining('broken failed')])
      expect(await outcomes(stack)).toEqual(['failed'])
      expect(weight(stack)).toBe(0)
    },
  )

  test('undo: what was changed is put back at once, while the alarm still stands', async () => {
    const stack = broken('undo')
    await play(stack, 10)
    expect(weight(stack)).toBe(10)
    expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 2 })
    expect(await outcomes(stack)).toEqual(['failed', 'succeeded'])
    fire(stack, 'OK')
    await play(stack, 60)
    expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 2 })
  })
})

describe('paging', () => {
  const PAGE = '- notify: { to: oncall@sre }'

  test('where PagerDuty fails the next channel is tried', async () => {
    const stack = stackFor({ steps: PAGE })
    failHttp(stack.account.world, 'events.eu.pagerduty.com', { status: 500, times: 5 })
    fire(stack)
    await play(stack, 5)
    expect(stack.account.inbox.map((message) => message.via)).toEqual(['sns'])
    expect(await entriesOfKind(stack, 'step.applied')).toMatchObject([
      { receipt: { detail: expect.stringContaining('accepted by sns; before it') } },
    ])
  })

  test('a page whose answer was lost is sent again under the same key: twice is better than never', async () => {
    const stack = stackFor({ steps: PAGE })
    failHttp(stack.account.world, 'events.eu.pagerduty.com', { status: 0, times: 1 })
    refuseNext(stack.account.world, 'sns:Publish', {
      name: 'InternalFailure',
      message: '',
      status: 500,
      when: 'after',
    })
    fire(stack)
    await play(stack, 10)
    expect(stack.account.inbox.map((message) => message.via)).toEqual(['sns', 'pagerduty'])
    expect(await outcomes(stack)).toEqual(['succeeded'])
  })

  test('where every channel fails it is retried, then the failure is on record and counted, and nothing else is held up', async () => {
    const counted: string[] = []
    const stack = stackFor({ steps: `${PAGE}\n${SCALE}` })
    const metrics: Metrics = { ...stack.app.ports.metrics, count: (name) => void counted.push(name) }
    Object.assign(stack.app.ports, { metrics })
    failHttp(stack.account.world, 'events.eu.pagerduty.com', { status: 503, times: 1_000 })
    throttle(stack.account.world, 'sns:Publish', 1_000)
    fire(stack)
    await play(stack, 30)
    expect(stack.account.inbox).toEqual([])
    expect(desired(stack)).toBe(9)
    const failed = await entriesOfKind(stack, 'step.failed')
    expect(failed.map((entry) => [entry.step, entry.code])).toEqual([
      ['notify', 'exhausted'],
      ['page-1', 'exhausted'],
    ])
    expect(counted).toContain('PagesFailed')
    expect(await outcomes(stack)).toEqual(['failed'])
  })

  test('a failing page does not hold up the next mitigation', async () => {
    const stack = stackFor({ steps: `${SCALE}\n${DRAIN}` })
    refuseNext(stack.account.world, 'ecs:UpdateService', {
      name: 'AccessDeniedException',
      message: '',
      status: 403,
    })
    failHttp(stack.account.world, 'events.eu.pagerduty.com', { status: 503, times: 1_000 })
    throttle(stack.account.world, 'sns:Publish', 1_000)
    fire(stack)
    await stack.runUntil(START_AT_MS + 3_000)
    expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
  })
})

test('a change that does not land is told: verify is inconclusive after its time, a person is paged, the outcome is failed (G9)', async () => {
  const stack = stackFor({ steps: `${SCALE}\n  timeout: 3m` })
  stack.account.act({ is: 'set-room', service: SERVICE, tasks: 7 })
  fire(stack)
  await play(stack, 20)
  const [verified] = await entriesOfKind(stack, 'step.verified')
  expect(verified?.verdict.verdict).not.toBe('passed')
  expect(pagesOf(stack)).toEqual([expect.stringContaining('is not verified')])
  expect(await outcomes(stack)).toEqual(['failed'])
})

test('a verification that cannot be read is inconclusive after its time, never passed (G9)', async () => {
  const stack = stackFor({ steps: `${SCALE}\n  timeout: 2m` })
  stack.account.onCall({
    before(call) {
      if (call.name === 'ecs:DescribeServices' && stack.account.effects('ecs:UpdateService') > 0)
        throw new Error('socket hang up')
    },
  })
  fire(stack)
  await play(stack, 10)
  expect((await entriesOfKind(stack, 'step.verified')).map((entry) => entry.verdict.verdict)).toEqual([
    'inconclusive',
  ])
  expect(await outcomes(stack)).toEqual(['failed'])
})

describe('check', () => {
  const check = (what: string) => `- check: { ${what}, samples: 3, every: 30s, within: 4m }`

  test.each([
    ['no data of a metric', 'metric: errors, below: 10', 'inconclusive'],
    ['an alarm without data', 'alarm: ok', 'inconclusive'],
    ['an alarm that stands', 'alarm: ok', 'failed'],
    ['an alarm that cannot be read', 'alarm: ok', 'error'],
  ])('%s is never passed (G9)', async (what, question, expected) => {
    const stack = stackFor({ steps: check(question) })
    fire(stack)
    await stack.runUntil(START_AT_MS + 5_000)
    if (what === 'an alarm without data') fire(stack, 'INSUFFICIENT_DATA')
    if (what === 'an alarm that cannot be read')
      throttle(stack.account.world, 'cloudwatch:DescribeAlarms', 1_000)
    await play(stack, 10)
    expect((await entriesOfKind(stack, 'step.checked')).map((entry) => entry.verdict.verdict)).toEqual([
      expected,
    ])
    expect(await entriesOfKind(stack, 'incident.mitigated')).toEqual([])
    expect(pagesOf(stack)).toEqual([expect.stringContaining(`check ${expected}`)])
    expect(await outcomes(stack)).toEqual(['failed'])
  })

  test('passes after as many good samples in a row, and marks the incident as mitigated', async () => {
    const stack = stackFor({ steps: check('alarm: ok') })
    fire(stack)
    await play(stack, 1.2)
    fire(stack, 'OK')
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'step.checked')).toMatchObject([{ verdict: { verdict: 'passed' } }])
    expect((await entriesOfKind(stack, 'step.checked'))[0]?.samples).toHaveLength(3)
    expect(await entriesOfKind(stack, 'incident.mitigated')).toHaveLength(1)
    expect(await outcomes(stack)).toEqual(['succeeded'])
    expect(await chainOf(stack)).toBe('consistent')
  })

  test('does not count what a worker has sampled that died before the check was on record (G9)', async () => {
    const stack = stackFor({ steps: check('alarm: ok') })
    fire(stack)
    await play(stack, 0.5)
    const [begun] = await entriesOfKind(stack, 'step.checking')
    if (!begun) throw new Error('nothing is checked')
    fire(stack, 'OK')
    const okAtMs = stack.account.now()
    // Its message was sent before the record that was never put, and bears the samples.
    const sample = { verdict: 'passed', reason: 'the alarm was OK', atMs: begun.atMs - 10_000 }
    const { queue } = stack.app.ports
    const [header] = await entriesOfKind(stack, 'execution.started')
    if (!header) throw new Error('nothing was started')
    const stream = { incidentId: header.incidentId, stream: header.executionId }
    await queue.send({ ...workFor(stream, 0, okAtMs), polls: { check: [sample, sample] } }, 0)
    await play(stack, 5)
    const [checked] = await entriesOfKind(stack, 'step.checked')
    expect(checked?.verdict.verdict).toBe('passed')
    expect((checked?.atMs ?? 0) - okAtMs).toBeGreaterThanOrEqual(60_000)
  })
})

test('a capacity above the ceiling is refused with the place of the rule, and a person is paged (G6)', async () => {
  const stack = calmStack(
    catalogueOf([runbookText(SCALE)], {
      policy: (text) =>
        text.replace('max_capacity: 60', 'max_capacity: 8').replace(/^mode: .*$/m, 'mode: auto'),
    }),
  )
  fire(stack)
  await play(stack, 5)
  expect(effectsOf(stack)).toEqual({})
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    {
      code: 'guardrail',
      reason: expect.stringContaining('9 would exceed the ceiling of 8'),
      place: expect.stringMatching(/^policy\.yaml:\d+$/),
    },
  ])
  expect(pagesOf(stack)).toHaveLength(1)
})

test("a target that cannot be read is looked at again until the step's time is over, then fails on record", async () => {
  const stack = stackFor({ steps: `${SCALE}\n  timeout: 2m` })
  throttle(stack.account.world, 'ecs:DescribeServices', 10_000)
  fire(stack)
  await play(stack, 10)
  expect(effectsOf(stack)).toEqual({})
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { code: 'unreadable', reason: expect.stringContaining('looked 9 times') },
  ])
  expect(stack.account.now()).toBeGreaterThan(START_AT_MS + 9 * MINUTE_MS)
})

test('a stream that was woken in vain is woken again, though the store does not answer about it just then (G4)', async () => {
  const stack = stackFor({ steps: `- wait: 10m\n${SCALE}` })
  fire(stack)
  await play(stack, 1)
  const [started] = await entriesOfKind(stack, 'execution.started')
  const heads = await readHeads(stack.storage, started?.incidentId ?? '')
  const head = heads.find(({ stream }) => stream === started?.executionId)
  if (!head) throw new Error('nothing was started')
  const nowMs = stack.account.now()
  await advanceHead(stack.storage, { ...head, wakes: 1, dueAtMs: nowMs - 1_000 })
  const before = stack.work.waiting.length
  const query = () => Promise.reject(new StorageError('no answer'))
  const ports = { ...stack.app.ports, storage: { ...stack.storage, query } }
  const swept = await sweep({ ...stack.app, ports }, { workerId: 'sweep', deadlineMs: nowMs + 30_000 })
  expect(swept).toMatchObject({ woken: 1, overdue: 1 })
  expect(stack.work.waiting).toHaveLength(before + 1)
})
