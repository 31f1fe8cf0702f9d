import { ingest } from '../../lib/ingest.ts'
import type { Stack } from '../../sim/stack.ts'
import type { AlarmState, SimEvent } from '../../sim/world.ts'
import { ALARM, calmStack, catalogueOf, incidentsOf, play, runbookText, transition, turnOf } from './calm.ts'

const SCALE = '- scale_out: { ecs: api, by: 1 }'

const lineIn = (text: string, wanted: string) =>
  text.split('\n').findIndex((line) => line.trimStart().startsWith(wanted)) + 1

async function why(stack: Stack, id: string): Promise<unknown> {
  const answered = (await stack.command({ verb: 'why', id })) as { readonly answer?: unknown }
  return answered.answer
}

async function onlyIncidentId(stack: Stack): Promise<string> {
  return (await incidentsOf(stack))[0]?.split(' ')[0] ?? 'none'
}

/** Hands the event to the line itself, which answers with the signal's id. */
async function given(stack: Stack, event: SimEvent): Promise<string> {
  const { parts } = await ingest(stack.app, event, turnOf(stack))
  await play(stack, 3)
  const [part] = parts
  return part && part.is !== 'ignored' ? part.signalId : 'none'
}

async function taken(stack: Stack, state: AlarmState, alarm = ALARM): Promise<string> {
  return given(stack, transition(stack.account, state, alarm))
}

describe('why tells of a signal that was accepted', () => {
  test('each execution that it started', async () => {
    const other = runbookText(SCALE, 'mode: shadow', 'other')
    const stack = calmStack(catalogueOf([runbookText(SCALE), other]))
    const signalId = await taken(stack, 'ALARM')
    expect(await why(stack, signalId)).toMatchObject({
      is: 'accepted',
      signalId,
      name: ALARM,
      state: 'alarm',
      incidentId: await onlyIncidentId(stack),
      effect: 'opened',
      reasons: expect.arrayContaining([
        expect.objectContaining({
          runbook: 'spike',
          status: expect.objectContaining({ outcome: 'succeeded' }),
        }),
        expect.objectContaining({
          runbook: 'other',
          status: expect.objectContaining({ code: 'cooldown' }),
        }),
      ]),
    })
  })

  test.each([
    ['cooldown', 'cooldown: 30m', '', 'runbook-1.yaml'],
    ['flapping', 'flapping: { changes: 2, within: 1h }', '', 'runbook-1.yaml'],
    ['rate', '', 'executions_per_hour: 1', 'policy.yaml'],
    ['freeze', '', '- { name: day, from: "09:01", until: "23:00" }', 'policy.yaml'],
  ])('that its start was refused by %s, with the place of the rule', async (code, head, rule, file) => {
    const text = runbookText(SCALE, head)
    const policy = `mode: auto\nescalate_to: oncall@sre\n${code === 'freeze' ? `freeze:\n  ${rule}` : rule}\n`
    const stack = calmStack(catalogueOf([text], { policy: () => policy }))
    await taken(stack, 'ALARM')
    await taken(stack, 'OK')
    const signalId = await taken(stack, 'ALARM')
    const line = head === '' ? lineIn(policy, rule) : lineIn(text, head)
    const answer = await why(stack, signalId)
    // Only what this signal led to: the first one's execution is not its own.
    expect(answer).toMatchObject({
      is: 'accepted',
      effect: 'recurred',
      reasons: [{ status: { is: 'refused', code }, place: `${file}:${line}` }],
    })
  })

  test('that it joined an incident, or cleared it', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE)]))
    await taken(stack, 'ALARM')
    const incidentId = await onlyIncidentId(stack)
    const again = await taken(stack, 'ALARM')
    const clear = await taken(stack, 'OK')
    expect(await why(stack, again)).toMatchObject({ effect: 'attached', incidentId, reasons: [] })
    expect(await why(stack, clear)).toMatchObject({
      effect: 'cleared',
      incidentId,
      state: 'ok',
      reasons: [],
    })
  })

  test('the same where a later delivery of it has left a verdict', async () => {
    const stack = calmStack(catalogueOf([runbookText(SCALE)]))
    const event = transition(stack.account, 'ALARM')
    const signalId = await given(stack, event)
    await taken(stack, 'OK')
    await given(stack, event)
    expect(await why(stack, signalId)).toMatchObject({
      is: 'accepted',
      effect: 'opened',
      reasons: [{ status: { is: 'finished' } }],
      verdict: { code: 'stale' },
    })
  })

  test('also of one that came before many others', async () => {
    const alarms = Array.from({ length: 30 }, (_unused, index) => `api-${index}`)
    const book = runbookText(SCALE, 'triggers: [{ alarm: "api-*" }]')
    const stack = calmStack(catalogueOf([book]), { alarms })
    const ids: string[] = []
    for (const alarm of alarms) ids.push(await taken(stack, 'ALARM', alarm))
    expect(await incidentsOf(stack)).toHaveLength(30)
    expect(await why(stack, ids[0] ?? '')).toMatchObject({
      is: 'accepted',
      name: 'api-0',
      effect: 'opened',
    })
  })
})
