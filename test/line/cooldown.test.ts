import { ingest } from '../../lib/ingest.ts'
import { addMetricAlarm } from '../../sim/alarms.ts'
import type { Stack } from '../../sim/stack.ts'
import type { AlarmState } from '../../sim/world.ts'
import {
  asAlarmAction,
  calmStack,
  catalogueOf,
  entriesOfKind,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'
import { MINUTE_MS } from './world.ts'

const SLOW = 'api-slow'
const SCALE = '- scale_out: { ecs: api, by: 1 }'

function textOf(cooldown: string): string {
  return runbookText(SCALE, `triggers: [{ alarm: ${SLOW} }]\ncooldown: ${cooldown}`)
}

/** A stack with an alarm that decides on so many periods of so many minutes. */
function slowStack(texts: readonly string[], minutes: number, periods = 1): Stack {
  const stack = calmStack(catalogueOf(texts), { alarms: [] })
  addMetricAlarm(
    stack.account.world,
    SLOW,
    {
      namespace: 'Test',
      metric: 'Nothing',
      dimensions: {},
      statistic: 'Sum',
      periodMs: minutes * MINUTE_MS,
      evaluationPeriods: periods,
      datapointsToAlarm: periods,
      threshold: 100,
      comparison: 'GreaterThanThreshold',
      missing: 'ignore',
    },
    { state: { value: 'OK', reason: 'quiet', atMs: 0 } },
  )
  return stack
}

/** By the direct alarm action, which tells a period of the configuration and asks CloudWatch for nothing. */
async function act(stack: Stack, state: AlarmState): Promise<void> {
  await ingest(stack.app, asAlarmAction(transition(stack.account, state, SLOW)), turnOf(stack))
  await play(stack, 3)
}

/** Fires, clears after three minutes, and fires again so many minutes after the execution has ended. */
async function recur(stack: Stack, minutes: number): Promise<void> {
  await act(stack, 'ALARM')
  await act(stack, 'OK')
  const [finished] = await entriesOfKind(stack, 'execution.finished')
  await stack.runUntil((finished?.atMs ?? 0) + minutes * MINUTE_MS)
  await act(stack, 'ALARM')
}

const refusals = async (stack: Stack) => entriesOfKind(stack, 'execution.refused')
const starts = async (stack: Stack) => entriesOfKind(stack, 'execution.started')

const lineOf = (text: string, wanted: string) =>
  text.split('\n').findIndex((line) => line.trimStart().startsWith(wanted)) + 1

describe('a cooldown is never shorter than the alarm looks back', () => {
  test('a recurrence within the window is refused, and the alarm is named in place of the line of the runbook', async () => {
    const stack = slowStack([textOf('0s')], 60)
    await recur(stack, 59)
    expect(await refusals(stack)).toMatchObject([
      {
        code: 'cooldown',
        reason: `the cooldown of service:api lasts 60 s more; alarm ${SLOW} looks back 3600 s, longer than the runbook's own cooldown`,
        place: `alarm ${SLOW}`,
      },
    ])
    expect(await starts(stack)).toHaveLength(1)
  })

  test('once the window is over it starts', async () => {
    const stack = slowStack([textOf('0s')], 60)
    await recur(stack, 60)
    expect(await refusals(stack)).toEqual([])
    expect(await starts(stack)).toHaveLength(2)
  })

  test('a second runbook of the alarm is refused beside the first, by the window as well', async () => {
    const stack = slowStack([textOf('0s'), textOf('0s').replace('spike', 'other')], 60)
    await act(stack, 'ALARM')
    expect(await refusals(stack)).toMatchObject([
      {
        code: 'cooldown',
        reason: expect.stringMatching(/ is running for service:api; alarm api-slow looks back 3600 s/),
        place: `alarm ${SLOW}`,
      },
    ])
  })

  test('a runbook with the longer cooldown decides itself, by its line', async () => {
    const text = textOf('2h')
    const stack = slowStack([text], 60)
    await recur(stack, 61)
    expect(await refusals(stack)).toMatchObject([
      {
        code: 'cooldown',
        reason: 'the cooldown of service:api lasts 3540 s more',
        place: `runbook-1.yaml:${lineOf(text, 'cooldown:')}`,
      },
    ])
  })
})
