import { ingest } from '../../lib/ingest.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ALARM,
  ANN,
  calmStack,
  catalogueOf,
  entriesOfKind,
  fire,
  incidentsOf,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'

const SCALE = '- scale_out: { ecs: api, by: 1 }'

/** Every rule on a line of its own, so that its place is told apart from all others. */
function bookOf(head: string, steps = SCALE): string {
  return runbookText(steps, head)
}

const lineIn = (text: string, wanted: string) =>
  text.split('\n').findIndex((line) => line.trimStart().startsWith(wanted)) + 1

async function why(stack: Stack, id: string): Promise<unknown> {
  const answered = (await stack.command({ verb: 'why', id })) as { readonly answer?: unknown }
  return answered.answer
}

async function onlyIncidentId(stack: Stack): Promise<string> {
  return (await incidentsOf(stack))[0]?.split(' ')[0] ?? 'none'
}

/** Fires, clears and fires again, so many minutes apart. */
async function twice(catalogue: Catalogue, minutes = 3): Promise<Stack> {
  const stack = calmStack(catalogue)
  fire(stack)
  await play(stack, minutes)
  fire(stack, 'OK')
  await play(stack, minutes)
  fire(stack)
  await play(stack, minutes)
  return stack
}

describe('every refusal names file and line of its rule', () => {
  test('a cooldown, in the runbook', async () => {
    const text = bookOf('cooldown: 30m')
    const stack = await twice(catalogueOf([text]))
    const place = `runbook-1.yaml:${lineIn(text, 'cooldown:')}`
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown', place }])
    expect(await why(stack, await onlyIncidentId(stack))).toMatchObject({
      is: 'executions',
      reasons: expect.arrayContaining([
        expect.objectContaining({ status: expect.objectContaining({ code: 'cooldown' }), place }),
      ]),
    })
  })

  test('a cooldown that is left to its default: the line of the name, also of a short runbook', () => {
    const short = '- alert: api-slow\n  actions: [{ scale_out: ecs service api +1 }]\n'
    const second = `${short}- alert: api-down\n  mode: shadow\n  actions: [{ scale_out: ecs service api +1 }]\n`
    const places = (mode: number, rest: number) => ({
      mode: `runbook-1.yaml:${mode}`,
      cooldown: `runbook-1.yaml:${rest}`,
      flapping: `runbook-1.yaml:${rest}`,
      retryBudget: `runbook-1.yaml:${rest}`,
    })
    expect(catalogueOf([second]).places).toEqual({ 'api-slow': places(1, 1), 'api-down': places(4, 3) })
  })

  test('flapping, in the runbook', async () => {
    const text = bookOf('flapping: { changes: 2, within: 1h }')
    const stack = await twice(catalogueOf([text]))
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      { code: 'flapping', place: `runbook-1.yaml:${lineIn(text, 'flapping:')}` },
    ])
  })

  test.each<[string, string, string, string]>([
    ['the limit of all', 'executions_per_hour: 1', 'executions_per_hour: 1', 'rate'],
    [
      'that of the service',
      'services:\n  api:\n    executions_per_hour: 1',
      'executions_per_hour: 1',
      'rate',
    ],
    [
      'that of the runbook',
      'runbooks:\n  spike:\n    executions_per_hour: 1',
      'executions_per_hour: 1',
      'rate',
    ],
    ['a freeze', 'freeze:\n  - { name: day, from: "09:01", until: "23:00" }', '- { name: day', 'freeze'],
  ])('%s, in the policy', async (_what, lines, rule, code) => {
    const text = `mode: auto\nescalate_to: oncall@sre\n${lines}\n`
    const stack = await twice(catalogueOf([bookOf('')], { policy: () => text }))
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      { code, place: `policy.yaml:${lineIn(text, rule)}` },
    ])
  })
})

describe('why answers for', () => {
  test('a mode of the runbook itself, with its line', async () => {
    const text = bookOf('mode: shadow')
    const stack = calmStack(catalogueOf([text]))
    fire(stack)
    await play(stack, 3)
    expect(await why(stack, await onlyIncidentId(stack))).toMatchObject({
      reasons: [
        {
          status: { outcome: 'skipped' },
          mode: 'shadow',
          capped: {
            reason: "the runbook's mode is shadow",
            place: `runbook-1.yaml:${lineIn(text, 'mode:')}`,
          },
        },
      ],
    })
  })

  test('a step that its condition left out, and one that a guardrail forbade', async () => {
    const steps = `${SCALE}\n  when: service.ecs.desired > 100\n- { id: much, scale_out: { ecs: api, by: 50% } }`
    const stack = calmStack(catalogueOf([bookOf('', steps)], { policy: (text) => `max_share: 10%\n${text}` }))
    fire(stack)
    await play(stack, 5)
    expect(await why(stack, await onlyIncidentId(stack))).toMatchObject({
      reasons: [
        {
          steps: [
            {
              step: 'scale_out',
              is: 'skipped',
              code: 'condition',
              reason: expect.stringContaining('desired > 100'),
            },
            { step: 'much', is: 'failed', code: 'guardrail', place: 'policy.yaml:1' },
          ],
        },
      ],
    })
  })

  test('an execution that a pause holds now, and no more once it is lifted', async () => {
    const stack = calmStack(catalogueOf([bookOf('', `- wait: 2m\n${SCALE}`)]))
    fire(stack)
    await play(stack, 1)
    const scope = { is: 'service', name: 'api' } as const
    await stack.command({ verb: 'pause', scope, by: ANN, reason: 'audit' })
    await play(stack, 5)
    const id = await onlyIncidentId(stack)
    expect(await why(stack, id)).toMatchObject({
      reasons: [{ status: { is: 'running' }, held: 'service api is paused by ann: audit' }],
    })
    await stack.command({ verb: 'resume', scope, by: ANN })
    await play(stack, 5)
    expect(await why(stack, id)).not.toHaveProperty(['reasons', 0, 'held'])
  })

  test.each([
    ['unmatched', 'disk-full', (_stack: Stack) => undefined],
    ['muted', ALARM, (stack: Stack) => stack.account.act({ is: 'mute', alarm: ALARM, forMs: 10 * 60_000 })],
  ])('a signal that is %s', async (code, alarm, prepare) => {
    const stack = calmStack(catalogueOf([bookOf('')]), { alarms: [ALARM, 'disk-full'] })
    prepare(stack)
    const { parts } = await ingest(stack.app, transition(stack.account, 'ALARM', alarm), turnOf(stack))
    const [part] = parts
    const signalId = part?.is === 'verdict' ? part.signalId : 'none'
    expect(await why(stack, signalId)).toMatchObject({ is: 'signal', name: alarm, code })
  })

  test('a runbook: what would stop it now, and its latest decisions first', async () => {
    const text = bookOf('cooldown: 30m')
    const catalogue = catalogueOf([text, runbookText(SCALE, 'triggers: [{ alarm: other }]', 'other')], {
      policy: (policy) => `${policy}\nfreeze:\n  - { name: evening, from: "18:00", until: "20:00" }\n`,
    })
    const stack = await twice(catalogue)
    const cooldown = `runbook-1.yaml:${lineIn(text, 'cooldown:')}`
    expect(await why(stack, 'spike')).toMatchObject({
      is: 'runbook',
      runbook: 'spike',
      mode: { mode: 'auto' },
      now: [
        { rule: 'kill switch', verdict: 'passed' },
        { rule: 'freeze', verdict: 'passed' },
        {
          rule: 'cooldown and rate',
          verdict: 'failed',
          reason: expect.stringMatching(/^the cooldown of service:api lasts \d+ s more$/),
          place: cooldown,
        },
      ],
      decisions: [
        { runbook: 'spike', status: { is: 'refused', code: 'cooldown' }, place: cooldown },
        { runbook: 'spike', status: { is: 'finished', outcome: 'succeeded' } },
      ],
    })
    await stack.command({ verb: 'pause', scope: { is: 'runbook', name: 'spike' }, by: ANN, reason: 'audit' })
    await play(stack, 9 * 60)
    expect(await why(stack, 'spike')).toMatchObject({
      now: [
        { verdict: 'failed', reason: 'runbook spike is paused by ann: audit' },
        { verdict: 'failed', reason: expect.stringContaining('evening freezes until 2026-11-23 20:00') },
        { verdict: 'passed' },
      ],
    })
    expect(await why(stack, 'other')).toMatchObject({ decisions: [] })
  })

  test.each([
    ['spikes', 'no runbook has this name'],
    ['sig-000000000000', 'none of the newest 200 incidents has it'],
    ['inc-000000000000', 'nothing is on record'],
  ])('nothing, where there is no such thing as %s', async (id, words) => {
    const stack = calmStack(catalogueOf([bookOf('')]))
    fire(stack)
    await play(stack, 3)
    expect(await stack.command({ verb: 'why', id })).toMatchObject({
      is: 'problem',
      code: 'not-found',
      message: expect.stringContaining(words),
    })
  })
})
