import { effectiveMode } from '../../lib/guardrails.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  BOB,
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
import { apiStack, chainOf, effectsOf, entriesOf, MINUTE_MS, shippedCatalogue, START_AT_MS } from './world.ts'

const STEPS = '- scale_out: { ecs: api, by: 50% }\n- route53_weight: { record: canary, weight: 0 }'

/** Deployment policy says approve, the runbook auto: the lesser holds. */
function inMode(mode: 'shadow' | 'approve' | 'auto', steps = STEPS, head = '') {
  return catalogueOf([runbookText(steps, head)], {
    policy: (text) => text.replace(/^mode: .*$/m, `mode: ${mode}`),
  })
}

const ASKING =
  '- scale_out: { ecs: api, by: 50% }\n  approve: { by: sre, timeout: 5m, on_timeout: TIMEOUT }\n- route53_weight: { record: canary, weight: 0 }'

async function asked(stack: Stack): Promise<{ id: string; digest: string; subject: string }> {
  const last = (await entriesOfKind(stack, 'approval.requested')).at(-1)
  if (!last) throw new Error('nothing was asked')
  return { id: last.stream, digest: last.digest, subject: last.subject }
}

async function outcome(stack: Stack): Promise<{ outcome: string; reason: string } | undefined> {
  return (await entriesOfKind(stack, 'execution.finished'))[0]
}

function weight(stack: Stack): number | undefined {
  const zone = Object.values(stack.account.world.zones)[0]
  return zone?.records.find((record) => record.SetIdentifier === 'canary')?.Weight
}

describe('shadow', () => {
  test('records the plan with absolute values, ends, and makes no call that changes anything', async () => {
    const stack = calmStack(inMode('shadow'))
    fire(stack)
    await play(stack, 30)
    const [plan] = await entriesOfKind(stack, 'plan.recorded')
    expect(plan?.steps).toMatchObject([
      { step: 'scale_out', is: 'change', summary: 'desired 6 -> 9' },
      { step: 'route53_weight', is: 'change', summary: 'weight 10 -> 0' },
    ])
    expect(await outcome(stack)).toMatchObject({
      outcome: 'skipped',
      reason: expect.stringContaining('shadow'),
    })
    expect(stack.account.calls.filter((call) => call.mutating)).toEqual([])
    expect(stack.account.inbox).toEqual([])
  })

  test('the policy of a service caps what the runbook and the policy allow', async () => {
    const catalogue = catalogueOf([runbookText(STEPS)], {
      policy: (text) => text.replace('max_capacity: 60', 'max_capacity: 60\n    mode: shadow'),
    })
    const stack = calmStack(catalogue)
    fire(stack)
    await play(stack, 5)
    expect(stack.account.calls.filter((call) => call.mutating)).toEqual([])
    expect(effectiveMode(catalogue, catalogue.runbooks[0]!)).toMatchObject({
      mode: 'shadow',
      place: expect.stringMatching(/^policy\.yaml:\d+$/),
    })
  })
})

describe('approve', () => {
  async function asking(): Promise<{ stack: Stack; id: string; digest: string }> {
    const stack = calmStack(inMode('approve'))
    fire(stack)
    await play(stack, 2)
    return { stack, ...(await asked(stack)) }
  }

  test('pages the approver with the changes and does nothing until a person approves', async () => {
    const { stack, id, digest } = await asking()
    expect(pagesOf(stack)).toEqual([expect.stringMatching(/approve the plan of .*desired 6 -> 9/)])
    await play(stack, 5)
    expect(effectsOf(stack)).toEqual({})
    expect(await stack.command({ verb: 'approve', id, digest, by: ANN })).toMatchObject({ is: 'answer' })
    await play(stack, 2)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1, 'route53:ChangeResourceRecordSets': 1 })
    expect((await entriesOfKind(stack, 'step.approved'))[0]?.actor).toEqual({ is: 'person', ...ANN })
  })

  test('an approval is acted on at once, not when the wait was to end', async () => {
    const { stack, id } = await asking()
    const atMs = stack.account.now()
    await stack.command({ verb: 'approve', id, by: ANN })
    await play(stack, 1)
    expect(
      stack.account.calls.find((call) => call.mutating && call.name === 'ecs:UpdateService')?.atMs,
    ).toBeLessThanOrEqual(atMs + 2_000)
  })

  test('a denial changes nothing and is told', async () => {
    const { stack, id } = await asking()
    await stack.command({ verb: 'deny', id, by: ANN, reason: 'we are deploying' })
    await play(stack, 30)
    expect(effectsOf(stack)).toEqual({})
    expect(await outcome(stack)).toMatchObject({
      outcome: 'skipped',
      reason: 'the plan was denied by ann: we are deploying',
    })
  })

  test('silence changes nothing: after the time a person is paged and it ends', async () => {
    const { stack } = await asking()
    await play(stack, 40)
    expect(effectsOf(stack)).toEqual({})
    expect(await outcome(stack)).toMatchObject({ outcome: 'skipped' })
    expect((await entriesOfKind(stack, 'execution.escalated')).map((entry) => entry.reason)).toEqual([
      expect.stringContaining('approve the plan'),
      expect.stringContaining('nobody approved the plan in time'),
    ])
  })

  test("a digest that is not the plan's is refused and changes nothing", async () => {
    const { stack, id } = await asking()
    expect(await stack.command({ verb: 'approve', id, digest: 'abcdefabcdef', by: ANN })).toMatchObject({
      is: 'problem',
      code: 'changed',
    })
    await play(stack, 5)
    expect(effectsOf(stack)).toEqual({})
  })

  test('the second decider is told who was first', async () => {
    const { stack, id } = await asking()
    await stack.command({ verb: 'deny', id, by: ANN })
    expect(await stack.command({ verb: 'approve', id, by: BOB })).toMatchObject({
      is: 'problem',
      code: 'nothing-asked',
      message: expect.stringContaining('denied already, by ann'),
    })
    await play(stack, 5)
    expect(effectsOf(stack)).toEqual({})
  })

  test('of two that decide in the same moment one counts, and the other is told', async () => {
    const { stack, id } = await asking()
    const answers = await Promise.all([
      stack.command({ verb: 'deny', id, by: ANN }),
      stack.command({ verb: 'approve', id, by: BOB }),
    ])
    expect(answers.map((answer) => answer.is).toSorted()).toEqual(['answer', 'problem'])
  })

  test('a plan whose outcome was changed meanwhile by somebody else is asked about once more, then a person must act', async () => {
    const { stack, id } = await asking()
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 8 })
    await stack.command({ verb: 'approve', id, by: ANN })
    await play(stack, 1)
    expect(desired(stack)).toBe(8)
    expect(await asked(stack)).toMatchObject({ subject: 'scale_out' })
    expect(pagesOf(stack).at(-1)).toMatch(/desired 8 -> 12/)
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 10 })
    await stack.command({ verb: 'approve', id, by: ANN })
    await play(stack, 5)
    expect(desired(stack)).toBe(10)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ step: 'scale_out', code: 'human' }])
    // What was approved and stands as it was is done.
    expect(weight(stack)).toBe(0)
  })

  test('a plan that stands is not asked about again, also where a step asks for itself; it is done under its lock (G5)', async () => {
    const stack = calmStack(inMode('approve', ASKING.replace('TIMEOUT', 'skip')))
    fire(stack)
    await play(stack, 2)
    await stack.command({ verb: 'approve', id: (await asked(stack)).id, by: ANN })
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'approval.requested')).toHaveLength(1)
    expect(
      (await entriesOfKind(stack, 'step.intended')).filter((entry) => entry.step === 'scale_out'),
    ).toMatchObject([{ locks: { 'ecs/123456789012/eu-west-1/prod/api': expect.any(Number) } }])
    expect(desired(stack)).toBe(9)
  })
})

describe('a step that asks', () => {
  async function asking(onTimeout: string): Promise<{ stack: Stack; id: string }> {
    const stack = calmStack(inMode('auto', ASKING.replace('TIMEOUT', onTimeout)))
    fire(stack)
    await play(stack, 2)
    expect(desired(stack)).toBe(6)
    return { stack, id: (await asked(stack)).id }
  }

  test('is done when approved, and the later step follows', async () => {
    const { stack, id } = await asking('stop')
    await stack.command({ verb: 'approve', id, subject: 'scale_out', by: ANN })
    await play(stack, 2)
    expect(desired(stack)).toBe(9)
    expect(weight(stack)).toBe(0)
  })

  test('is asked about once more where its outcome changed, then a person must act', async () => {
    const { stack, id } = await asking('stop')
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 8 })
    await stack.command({ verb: 'approve', id, by: ANN })
    await play(stack, 1)
    expect(desired(stack)).toBe(8)
    expect(pagesOf(stack).at(-1)).toMatch(/desired 8 -> 12 \(the plan has changed/)
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 10 })
    await stack.command({ verb: 'approve', id, by: ANN })
    await play(stack, 5)
    expect(desired(stack)).toBe(10)
    expect(await entriesOfKind(stack, 'approval.requested')).toHaveLength(2)
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ step: 'scale_out', code: 'human' }])
  })

  test.each([
    ['skip', 0, 1],
    ['stop', 10, 2],
    ['escalate', 0, 2],
  ])('silence never applies it: on_timeout %s', async (onTimeout, canary, pages) => {
    const { stack } = await asking(onTimeout)
    await play(stack, 20)
    expect(desired(stack)).toBe(6)
    expect(weight(stack)).toBe(canary)
    expect(await entriesOfKind(stack, 'execution.escalated')).toHaveLength(pages)
  })

  test('is skipped when denied, and the rest goes on', async () => {
    const { stack, id } = await asking('stop')
    await stack.command({ verb: 'deny', id, by: ANN, reason: 'no' })
    await play(stack, 2)
    expect(desired(stack)).toBe(6)
    expect(weight(stack)).toBe(0)
    expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([
      { step: 'scale_out', code: 'unapproved', reason: 'denied by ann: no' },
    ])
  })
})

describe('the rich runbook', () => {
  const catalogue = shippedCatalogue('auto', 'examples/api-5xx-rich.yaml')

  test('runs from alarm to resolved: hold-down, when, parallel, approval, check, undo', async () => {
    const stack = apiStack({ catalogue })
    expect(
      await stack.runUntil(START_AT_MS + 15 * MINUTE_MS, async () =>
        stack.account.inbox.some((page) => page.subject.includes('approve rollback')),
      ),
    ).toBe(true)
    const ask = await asked(stack)
    expect(ask.subject).toBe('rollback')
    await stack.command({ verb: 'approve', id: ask.id, digest: ask.digest, by: ANN })
    // We mitigate, people remediate: somebody takes the bad version off the canary, or its weight would hurt again.
    await play(stack, 3)
    stack.account.act({ is: 'set-task-definition', service: 'prod/api-canary', taskDefinition: 'api:41' })
    await stack.runUntil(START_AT_MS + 90 * MINUTE_MS)
    const entries = await entriesOf(stack)
    expect(
      entries.filter((entry) => entry.kind === 'execution.finished').map((entry) => entry['outcome']),
    ).toEqual(['succeeded', 'succeeded'])
    expect(entries.find((entry) => entry.kind === 'step.waiting')).toMatchObject({ step: 'hold-down' })
    expect(entries.find((entry) => entry.kind === 'step.intended' && entry.step === 'canary')).toMatchObject({
      values: { 'service.canary.weight': 10 },
    })
    expect(entries.find((entry) => entry.kind === 'step.checked')).toMatchObject({
      verdict: { verdict: 'passed' },
    })
    expect(effectsOf(stack)['codedeploy:CreateDeployment']).toBe(1)
    expect(desired(stack)).toBe(6)
    expect(weight(stack)).toBe(10)
    expect(await chainOf(stack)).toBe('consistent')
  })

  test('goes on without the rollback when nobody approves, and escalates', async () => {
    const stack = apiStack({ catalogue })
    await stack.runUntil(START_AT_MS + 40 * MINUTE_MS)
    const entries = await entriesOf(stack)
    expect(entries.find((entry) => entry.kind === 'approval.expired')).toMatchObject({
      subject: 'rollback',
      onTimeout: 'escalate',
    })
    expect(effectsOf(stack)['codedeploy:CreateDeployment']).toBeUndefined()
    expect(
      entries.filter((entry) => entry.kind === 'execution.escalated').map((entry) => entry['reason']),
    ).toEqual(expect.arrayContaining([expect.stringContaining('nobody approved it in time')]))
  })
})
