import type { CallName } from '../../lib/aws/aws.ts'
import { countingStorage } from '../../lib/ledger/counting.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import { throttle } from '../../sim/faults.ts'
import type { Stack, StackOptions } from '../../sim/stack.ts'
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
import { chainOf, effectsOf, MINUTE_MS, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const KEY = 'ecs/123456789012/eu-west-1'

function stackOf(steps: string, head = '', options: Pick<StackOptions, 'storage'> = {}): Stack {
  return calmStack(catalogueOf([runbookText(steps, head)]), options)
}

/** Until a time no call of that name is answered; answers how many were made. */
function outage(stack: Stack, calls: readonly CallName[], untilMs: number): () => number {
  let made = 0
  stack.account.onCall({
    before(call) {
      if (!calls.includes(call.name) || stack.account.now() >= untilMs) return
      made++
      throw new Error('socket hang up')
    },
  })
  return () => made
}

async function heldUp(stack: Stack): Promise<readonly string[]> {
  const kinds = ['step.waiting', 'step.retried', 'step.unsettled'] as const
  const entries = await Promise.all(kinds.map(async (kind) => entriesOfKind(stack, kind)))
  return entries.flat().flatMap((entry) => (entry.breaker === undefined ? [] : [entry.reason]))
}

const END_MS = START_AT_MS + 4 * MINUTE_MS

test('the outage of a control plane uses up no attempt: the step waits, and does its change once the service answers', async () => {
  const stack = stackOf(SCALE)
  const made = outage(stack, ['ecs:UpdateService'], END_MS)
  fire(stack)
  await play(stack, 20)
  expect(desired(stack)).toBe(9)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  expect(made()).toBeGreaterThan(3)
  expect(made()).toBeLessThan(8)
  expect((await heldUp(stack))[0]).toContain(`the breaker of ${KEY} is open since 2026-11-23T09:00:`)
  expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
  expect(await chainOf(stack)).toBe('consistent')
  // It is closed again.
  const item = await stack.storage.get(`BREAKER#${KEY}`, 'BREAKER')
  expect(JSON.parse(item?.body ?? '')).toEqual({ failures: [] })
})

test.each([1, 2])('also of a step that has no more than %d', async (attempts) => {
  const stack = stackOf(`${SCALE}\n  retry: { attempts: ${attempts} }`)
  outage(stack, ['ecs:UpdateService'], END_MS)
  fire(stack)
  await play(stack, 20)
  expect(desired(stack)).toBe(9)
  expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
})

describe('Route 53, which has one control plane for every region', () => {
  const GLOBAL_KEY = 'route53/123456789012/global'
  /** The same service in another region, with a name of its own. */
  const webOf = (services: string) =>
    services.slice(services.indexOf('\napi:')).replaceAll('api', 'web').replace('eu-west-1', 'us-east-1')

  test('has one breaker for the account, whatever the region of the service', async () => {
    const stack = stackOf(DRAIN)
    outage(stack, ['route53:ChangeResourceRecordSets'], END_MS)
    fire(stack)
    await play(stack, 20)
    expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
    expect((await heldUp(stack))[0]).toContain(`the breaker of ${GLOBAL_KEY} is open since 2026-11-23T09:00:`)
    expect(await stack.storage.get('BREAKER#route53/123456789012/eu-west-1', 'BREAKER')).toBeUndefined()
  })

  test('and one that it has opened holds up a service of another region at its first outage', async () => {
    const stack = calmStack(
      catalogueOf([runbookText(DRAIN), runbookText(DRAIN, 'service: web\ntriggers: []', 'other')], {
        services: (text) => `${text}\n${webOf(text)}`,
      }),
    )
    const [zone] = Object.values(stack.account.world.zones)
    const weighted = (zone?.records ?? []).filter((record) => record.SetIdentifier !== undefined)
    zone?.records.push(...weighted.map((record) => ({ ...record, Name: 'web.example.com.' })))
    const made = outage(stack, ['route53:ChangeResourceRecordSets'], START_AT_MS + 60 * MINUTE_MS)
    fire(stack)
    await stack.runUntil(START_AT_MS + 30_000)
    const before = made()
    await stack.command({ verb: 'run', runbook: 'other', key: 'k', by: ANN, reason: 'drain it' })
    const [, other] = await entriesOfKind(stack, 'execution.started')
    const unsettled = await entriesOfKind(stack, 'step.unsettled')
    expect(unsettled.filter(({ stream }) => stream === other?.executionId)).toMatchObject([
      { attempt: 1, breaker: GLOBAL_KEY },
    ])
    expect(made() - before).toBe(1)
  })
})

test('a target that cannot be observed for the outage is put off by the breaker, and then changed', async () => {
  const stack = stackOf(SCALE)
  outage(stack, ['ecs:DescribeServices', 'ecs:UpdateService'], END_MS)
  fire(stack)
  await play(stack, 20)
  expect(desired(stack)).toBe(9)
  const waits = await entriesOfKind(stack, 'step.waiting')
  expect(waits.filter((entry) => entry.breaker === KEY).length).toBeGreaterThan(1)
  expect((await entriesOfKind(stack, 'step.intended')).map((entry) => entry.attempt)).toContain(1)
})

test.each([
  ['behind it', `${SCALE}\n${DRAIN}`],
  ['beside it', `- parallel:\n    ${SCALE}\n    ${DRAIN}`],
])('a mitigation %s that goes to another service goes on', async (_where, steps) => {
  const stack = stackOf(steps)
  outage(stack, ['ecs:UpdateService'], END_MS)
  fire(stack)
  await stack.runUntil(START_AT_MS + 90_000)
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
  await play(stack, 20)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1, 'route53:ChangeResourceRecordSets': 1 })
})

test('where the rest depends on it nothing behind it begins', async () => {
  const stack = stackOf(`${SCALE}\n  on_failure: stop\n${DRAIN}`)
  outage(stack, ['ecs:UpdateService'], END_MS)
  fire(stack)
  await stack.runUntil(END_MS)
  expect(effectsOf(stack)).toEqual({})
})

test('a further step of the same service is held up without a call', async () => {
  const stack = stackOf(`${SCALE}\n- id: more\n  scale_out: { ecs: api, by: 50% }`)
  const made = outage(stack, ['ecs:UpdateService'], END_MS)
  fire(stack)
  await stack.runUntil(START_AT_MS + 45_000)
  expect(made()).toBe(3)
  const waits = await entriesOfKind(stack, 'step.waiting')
  expect(waits).toMatchObject([{ step: 'more', blocked: true, breaker: KEY }])
  await play(stack, 25)
  expect(desired(stack)).toBe(14)
})

test('an outage that outlasts the time of the step ends it, and a person is paged', async () => {
  const stack = stackOf(`${SCALE}\n  timeout: 3m`)
  outage(stack, ['ecs:DescribeServices', 'ecs:UpdateService'], START_AT_MS + 60 * MINUTE_MS)
  fire(stack)
  await play(stack, 20)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { code: 'exhausted', reason: expect.stringContaining(`the breaker of ${KEY} is open`) },
  ])
  expect(pagesOf(stack).at(-1)).toContain('scale_out failed')
  expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'failed' }])
})

test('an unknown outcome that nobody can look at ends as unknown', async () => {
  const stack = stackOf(`${SCALE}\n  timeout: 3m`)
  stack.account.onCall({
    after(call) {
      if (call.name === 'ecs:UpdateService') throw new Error('socket hang up')
    },
    before(call) {
      if (call.name === 'ecs:DescribeServices' && stack.account.count('ecs:UpdateService') > 0)
        throw new Error('socket hang up')
    },
  })
  fire(stack)
  await play(stack, 20)
  expect(stack.account.count('ecs:UpdateService')).toBe(1)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'unknown' }])
})

test('throttling is no outage: attempts have their limit', async () => {
  const stack = stackOf(SCALE)
  throttle(stack.account.world, 'ecs:UpdateService', 100)
  fire(stack)
  await play(stack, 10)
  expect(await heldUp(stack)).toEqual([])
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ code: 'exhausted' }])
})

test('pages are never held up by a breaker', async () => {
  const stack = stackOf('- notify: { to: oncall@sre }')
  outage(stack, ['sns:Publish'], START_AT_MS + 60 * MINUTE_MS)
  stack.account.world.faults.http['events.eu.pagerduty.com'] = { status: 503, body: '', times: 4 }
  fire(stack)
  await play(stack, 10)
  expect(await heldUp(stack)).toEqual([])
  expect(await stack.storage.get('BREAKER#sns/own/own', 'BREAKER')).toBeUndefined()
})

test('while every call is answered no breaker is read or written', async () => {
  const storage = countingStorage(memoryStorage())
  const stack = stackOf(`${SCALE}\n${DRAIN}`, '', { storage })
  fire(stack)
  await play(stack, 10)
  const { puts, gets } = storage.operations()
  expect([...Object.keys(puts), ...Object.keys(gets)]).not.toContain('BREAKER')
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1, 'route53:ChangeResourceRecordSets': 1 })
})
