import { frozenBy } from '../../lib/guardrails.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
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
import { effectsOf, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 5m }'

/** Service api is of sev2; every test begins on Monday, 2026-11-23, 09:00 UTC, which is 10:00 in Berlin. */
function frozen(rules: readonly string[], head = ''): Catalogue {
  return catalogueOf([runbookText(SCALE, head)], {
    policy: (text) => `${text}\nfreeze:\n${rules.map((rule) => `  - ${rule}`).join('\n')}\n`,
  })
}

/** Where the rule of that index stands: behind the shipped policy's lines. */
function placeOf(catalogue: Catalogue, index = 0): string {
  return catalogue.policy.places[`freeze.${index}`] ?? 'nowhere'
}

const YEAR_END = '{ name: year-end, from: "2026-11-20", until: "2026-11-30", time_zone: Europe/Berlin }'
const MORNINGS = '{ name: mornings, from: "08:00", until: "12:00", days: [mon], mode: shadow }'

test('a start within a freeze is refused on record, with the rule and its line, and a person is paged (G6)', async () => {
  const catalogue = frozen([YEAR_END])
  const stack = calmStack(catalogue)
  fire(stack)
  await play(stack, 5)
  expect(placeOf(catalogue)).toMatch(/^policy\.yaml:\d+$/)
  expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
    {
      code: 'freeze',
      reason: 'year-end freezes until 2026-12-01 00:00 (Europe/Berlin)',
      place: placeOf(catalogue),
    },
  ])
  expect(effectsOf(stack)).toEqual({})
  expect(pagesOf(stack)).toEqual([expect.stringContaining('year-end freezes')])
})

test('the line is that of the rule itself, also of the second one', () => {
  const { policy } = frozen([YEAR_END, MORNINGS])
  const [first, second] = [0, 1].map((index) => Number(policy.places[`freeze.${index}`]?.split(':')[1]))
  expect(second).toBe((first ?? 0) + 1)
})

test.each(['shadow', 'approve'] as const)('a freeze of mode %s caps the start, and says so', async (mode) => {
  const catalogue = frozen([MORNINGS.replace('shadow', mode)])
  const stack = calmStack(catalogue)
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
    {
      mode,
      capped: { reason: 'mornings freezes until 2026-11-23 12:00 (UTC)', place: placeOf(catalogue) },
    },
  ])
  expect(effectsOf(stack)).toEqual({})
})

test('before and after it everything starts as ever', async () => {
  const stack = calmStack(frozen(['{ name: later, from: "12:00", until: "13:00" }']))
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(9)
  expect(await entriesOfKind(stack, 'execution.started')).not.toHaveProperty([0, 'capped'])
})

test('what was started before goes on, and is put back, within it', async () => {
  const stack = calmStack(frozen(['{ name: soon, from: "09:02", until: "23:00" }'], UNDO))
  fire(stack)
  await play(stack, 1)
  fire(stack, 'OK')
  await play(stack, 40)
  expect(desired(stack)).toBe(6)
  expect(effectsOf(stack)['ecs:UpdateService']).toBeGreaterThan(1)
})

test('a refused start keeps no other runbook of the same alarm out', async () => {
  const books = [runbookText(SCALE), runbookText(DRAIN, 'severity: sev4', 'other')]
  const stack = calmStack(
    catalogueOf(books, {
      policy: (text) => `${text}\nfreeze: [{ name: day, days: [mon], severities: [sev2] }]\n`,
    }),
  )
  fire(stack)
  await play(stack, 5)
  expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'freeze' }])
  expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
})

describe('a person who starts by hand', () => {
  const asked = { verb: 'run', runbook: 'spike', key: 'k', by: ANN, reason: 'customers wait' } as const

  test('is refused within it, and nobody else is called', async () => {
    const stack = calmStack(frozen([YEAR_END]))
    await stack.command(asked)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'freeze' }])
    expect(effectsOf(stack)).toEqual({})
    expect(pagesOf(stack)).toEqual([])
  })

  test.each(['refuse', 'shadow', 'approve'])(
    'may start in spite of a freeze of mode %s, which is recorded',
    async (mode) => {
      const stack = calmStack(frozen([YEAR_END.replace(' }', `, mode: ${mode} }`)]))
      expect(await stack.command({ ...asked, despiteFreeze: true })).toMatchObject({
        answer: { mode: 'auto' },
      })
      await play(stack, 5)
      expect(await entriesOfKind(stack, 'execution.started')).toMatchObject([
        { occasion: { by: 'ann', despiteFreeze: true }, mode: 'auto' },
      ])
      expect(desired(stack)).toBe(9)
    },
  )

  test('with the same key and another word on the freeze asks for something else', async () => {
    const stack = calmStack(frozen([YEAR_END]))
    await stack.command(asked)
    expect(await stack.command({ ...asked, despiteFreeze: true })).toMatchObject({ code: 'key-reused' })
  })

  test('sees it in the plan', async () => {
    const catalogue = frozen([YEAR_END])
    expect(await calmStack(catalogue).command({ verb: 'plan', runbook: 'spike' })).toMatchObject({
      answer: {
        guardrails: expect.arrayContaining([
          {
            rule: 'freeze',
            verdict: 'failed',
            reason: 'year-end freezes until 2026-12-01 00:00 (Europe/Berlin): refuse',
            place: placeOf(catalogue),
          },
        ]),
      },
    })
  })
})

test.each<[string, readonly string[], string | undefined]>([
  ['of its service', ['{ name: a, from: "08:00", until: "12:00", services: [api] }'], 'refuse'],
  ['of its severity', ['{ name: a, from: "08:00", until: "12:00", severities: [sev2, sev3] }'], 'refuse'],
  ['that spares its severity', ['{ name: a, from: "08:00", until: "12:00", severities: [sev3] }'], undefined],
  [
    'where several hold, the strictest',
    [MORNINGS, '{ name: a, from: "08:00", until: "12:00" }', MORNINGS.replace('shadow', 'approve')],
    'refuse',
  ],
  ['of another day', ['{ name: a, days: [tue] }'], undefined],
  ['of its day', ['{ name: a, days: [sun, mon] }'], 'refuse'],
])('a freeze %s', (_what, rules, mode) => {
  const { policy, runbooks } = frozen(rules)
  const [runbook] = runbooks
  if (!runbook) throw new Error('no runbook')
  expect(frozenBy(policy, runbook, START_AT_MS)?.mode).toBe(mode)
})
