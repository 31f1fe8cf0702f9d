import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { ingest } from '../../lib/ingest.ts'
import { readClaims } from '../../lib/ledger/claims.ts'
import { StorageError } from '../../lib/ledger/storage.ts'
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
  transition,
  turnOf,
} from './calm.ts'
import { effectsOf } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 1 }'

/** The lines of the shipped policy, and these behind them. */
function limited(lines: string, head = ''): Catalogue {
  return catalogueOf([runbookText(SCALE, head)], { policy: (text) => `${text}\n${lines}\n` })
}

/** The alarm goes off so many times, each ten minutes after the one before. */
async function recurring(catalogue: Catalogue, times: number) {
  const stack = calmStack(catalogue)
  for (let time = 1; time <= times; time++) {
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 5)
  }
  return stack
}

describe('a limit of one runbook', () => {
  test('refuses the start beyond it, with its own line (G6)', async () => {
    const catalogue = limited('runbooks:\n  spike:\n    mode: auto\n    executions_per_hour: 2')
    const stack = await recurring(catalogue, 3)
    const place = catalogue.policy.places['runbooks.spike.executionsPerHour']
    const mode = catalogue.policy.places['runbooks.spike.mode']
    expect(Number(place?.split(':')[1])).toBe(Number(mode?.split(':')[1]) + 1)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      {
        code: 'rate',
        reason: '2 executions of runbook:spike were started within the last hour; the limit is 2',
        place,
      },
    ])
    expect(effectsOf(stack)['ecs:UpdateService']).toBe(2)
  })

  test('is one more write only where it is set', async () => {
    const counted = async (lines: string) => {
      const stack = await recurring(limited(lines), 1)
      return (await readClaims(stack.storage, 'runbook:spike')).length
    }
    expect(await counted('')).toBe(0)
    expect(await counted('runbooks: { spike: { executions_per_hour: 5 } }')).toBe(1)
  })

  test('counts a person and does not hold a person back', async () => {
    const stack = await recurring(limited('runbooks: { spike: { executions_per_hour: 1 } }'), 1)
    const by = { verb: 'run', runbook: 'spike', by: ANN, reason: 'again' } as const
    await stack.command({ ...by, key: 'k1' })
    await play(stack, 5)
    expect(effectsOf(stack)['ecs:UpdateService']).toBe(2)
    expect(await readClaims(stack.storage, 'runbook:spike')).toHaveLength(2)
  })

  test('takes no place for a start that another window refused', async () => {
    const catalogue = limited('runbooks: { spike: { executions_per_hour: 5 } }', 'cooldown: 30m')
    const stack = await recurring(catalogue, 2)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
    expect(await readClaims(stack.storage, 'runbook:spike')).toHaveLength(1)
  })
})

test('a place that a slower worker claims when the refusal is on record already is given back (G6)', async () => {
  const stack = await recurring(limited('', 'cooldown: 30m'), 1)
  const event = transition(stack.account, 'ALARM')
  const { storage } = stack
  const reached = Promise.withResolvers<void>()
  const recorded = Promise.withResolvers<void>()
  const put: typeof storage.put = async (item, condition) => {
    if (item.pk === 'LIMIT#all') {
      reached.resolve()
      await recorded.promise
    }
    return storage.put(item, condition)
  }
  const slow = { ...stack.app, ports: { ...stack.app.ports, storage: { ...storage, put } } }
  const first = ingest(slow, event, turnOf(stack))
  await reached.promise
  await play(stack, 3)
  expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
  recorded.resolve()
  await first
  expect(await readClaims(storage, 'all')).toHaveLength(1)
})

test('a start whose worker dies with its first record keeps its place in the limits, and acts in it (G6)', async () => {
  const stack = calmStack(catalogueOf([runbookText('- scale_out: { ecs: api, to: 6 }')]))
  const { storage } = stack
  const put: typeof storage.put = async (item, condition) => {
    if (item.sk.startsWith('REC#inc-')) throw new StorageError('its worker is gone')
    return storage.put(item, condition)
  }
  const dying = { ...stack.app, ports: { ...stack.app.ports, storage: { ...storage, put } } }
  const event = transition(stack.account, 'ALARM')
  // There is nothing to do, so that it would end in this turn.
  await expect(ingest(dying, event, turnOf(stack))).rejects.toThrow('its worker is gone')
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 4 })
  const claimed: unknown[] = []
  stack.account.onCall({
    before: async ({ name }) => {
      if (name === 'ecs:UpdateService') claimed.push(await readClaims(storage, 'service:api'))
    },
  })
  await play(stack, 10)
  expect(effectsOf(stack)['ecs:UpdateService']).toBe(1)
  expect(claimed).toEqual([[expect.not.objectContaining({ endedAtMs: expect.any(Number) as number })]])
  expect(await readClaims(storage, 'service:api')).toMatchObject([
    { endedAtMs: expect.any(Number) as number },
  ])
})

test('a mode of one runbook caps it, and says so with its line', async () => {
  const catalogue = limited('runbooks: { spike: { mode: shadow } }')
  const stack = await recurring(catalogue, 1)
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    {
      mode: 'shadow',
      capped: {
        reason: "the policy's mode for runbook spike is shadow",
        place: catalogue.policy.places['runbooks.spike.mode'],
      },
    },
  ])
  expect(effectsOf(stack)).toEqual({})
})

const DRAIN = '- route53_weight: { record: canary, weight: 0 }'

/** Several steps under the shipped policy and these lines in front of it. */
function bounded(lines: string, steps: string): Catalogue {
  return catalogueOf([runbookText(steps)], { policy: (text) => `${lines}\n${text}` })
}

test('a step beyond max_share fails with the rule and its line, pages, and the next is tried', async () => {
  const stack = calmStack(bounded('max_share: 40%', `- scale_out: { ecs: api, by: 50% }\n${DRAIN}`))
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    {
      step: 'scale_out',
      code: 'guardrail',
      place: 'policy.yaml:1',
      reason: '50% of the 6 tasks of ECS service prod/api would exceed the limit of 40% (policy.yaml:1)',
    },
  ])
  expect(pagesOf(stack)).toEqual([expect.stringContaining('would exceed the limit of 40%')])
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
})

test('two steps that together move more than max_share: the second fails', async () => {
  const twice = '- scale_out: { ecs: api, by: 2 }\n- { id: more, scale_out: { ecs: api, by: 2 } }'
  const stack = calmStack(bounded('max_share: 50%', twice))
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([{ step: 'more', code: 'guardrail' }])
  expect(desired(stack)).toBe(8)
})

test('a second incident counts what the first has added and not yet put back', async () => {
  const text = runbookText(
    '- scale_out: { ecs: api, by: 50% }',
    'on_resolved: { undo: [scale_out], after: 1h }',
  )
  const stack = calmStack(catalogueOf([text], { policy: (policy) => `max_share: 100%\n${policy}` }))
  for (let time = 1; time <= 2; time++) {
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 10)
  }
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { code: 'guardrail', reason: expect.stringContaining('133.4% of the 6 tasks') },
  ])
  expect(desired(stack)).toBe(9)
})

test.each([
  ['one after the other', `${SCALE}\n${DRAIN}`],
  ['together', `- parallel:\n    ${SCALE}\n    ${DRAIN}`],
])('max_targets holds for steps that begin %s', async (_how, steps) => {
  const stack = calmStack(bounded('max_targets: 1', steps))
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    {
      step: 'route53_weight',
      code: 'guardrail',
      place: 'policy.yaml:1',
      reason: expect.stringContaining('would be target 2 of the execution; the limit is 1'),
    },
  ])
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
})

test('max_targets counts two records of one weighted group, which share a lock', async () => {
  const records = (text: string) =>
    text.replace(/^( +canary: )(.*)$/m, (line) => `${line}\n${line.replaceAll('canary', 'stable')}`)
  const steps = `${DRAIN}\n- { id: raise, route53_weight: { record: stable, weight: 50 } }`
  const catalogue = catalogueOf([runbookText(steps)], {
    policy: (text) => `max_targets: 1\n${text}`,
    services: records,
  })
  const stack = calmStack(catalogue)
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { step: 'raise', code: 'guardrail', reason: expect.stringContaining('would be target 2') },
  ])
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
})

test('the plan counts the steps before, and says which rule stops which step', async () => {
  const stack = calmStack(bounded('max_targets: 1\nmax_share: 60%', `${SCALE}\n${DRAIN}`))
  expect(await stack.command({ verb: 'plan', runbook: 'spike' })).toMatchObject({
    answer: {
      steps: [
        {
          forecast: { is: 'change' },
          guardrails: [
            { rule: 'max_capacity', verdict: 'passed' },
            { rule: 'max_share', verdict: 'passed', place: 'policy.yaml:2' },
            { rule: 'max_targets', verdict: 'passed', place: 'policy.yaml:1' },
          ],
        },
        {
          forecast: { is: 'refused' },
          guardrails: [{ rule: 'max_share' }, { rule: 'max_targets', verdict: 'failed' }],
        },
      ],
    },
  })
})

describe('require_approval', () => {
  test.each<[string, string, string | undefined]>([
    ['of its service', '{ services: [api] }', 'service api'],
    ['of its severity', '{ severities: [sev1, sev2] }', 'sev2'],
    ['of one of its actions', '{ actions: [rollback, scale_out] }', 'scale_out'],
    [
      'of both at once',
      '{ services: [api], severities: [sev2], actions: [scale_out] }',
      'service api, sev2, scale_out',
    ],
    ['of another severity', '{ severities: [sev1] }', undefined],
    ['of its service and another severity', '{ services: [api], severities: [sev1] }', undefined],
    ['of an action that it has not', '{ actions: [rollback] }', undefined],
  ])('%s asks, with the rule and its line: %s', async (_what, rule, subject) => {
    const catalogue = limited(`require_approval:\n  - ${rule}`)
    const stack = calmStack(catalogue)
    fire(stack)
    await play(stack, 5)
    const [started] = await entriesOfKind(stack, 'execution.started')
    const place = catalogue.policy.places['requireApproval.0']
    expect(started?.capped).toEqual(
      subject === undefined ? undefined : { reason: `an approval is required for ${subject}`, place },
    )
    expect(place).toMatch(/^policy\.yaml:\d+$/)
    expect(desired(stack)).toBe(subject === undefined ? 7 : 6)
  })

  test('lets it act once a person has approved the plan, and holds for a start by hand', async () => {
    const stack = calmStack(limited('require_approval: [{ actions: [scale_out] }]'))
    const run = { verb: 'run', runbook: 'spike', key: 'k', by: ANN, reason: 'x', mode: 'auto' } as const
    expect(await stack.command(run)).toMatchObject({ answer: { mode: 'approve' } })
    await play(stack, 1)
    expect(desired(stack)).toBe(6)
    const [asked] = await entriesOfKind(stack, 'approval.requested')
    await stack.command({ verb: 'approve', id: asked?.stream ?? '', by: ANN })
    await play(stack, 5)
    expect(desired(stack)).toBe(7)
  })

  test('allows nothing: what the policy only records is only recorded', async () => {
    const catalogue = catalogueOf([runbookText(SCALE, 'mode: shadow')], {
      policy: (text) => `${text}\nrequire_approval: [{ services: [api] }]\n`,
    })
    const stack = await recurring(catalogue, 1)
    expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([{ mode: 'shadow' }])
  })
})
