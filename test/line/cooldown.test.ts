import { ingest } from '../../lib/ingest.ts'
import { claim, readClaims } from '../../lib/ledger/claims.ts'
import { addMetricAlarm } from '../../sim/alarms.ts'
import { throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import type { AlarmState } from '../../sim/world.ts'
import {
  addStillAlarm,
  ALARM,
  asAlarmAction,
  calmStack,
  catalogueOf,
  entriesOfKind,
  fire,
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
  await play(stack, 2)
}

/** By EventBridge, whose event tells the same; CloudWatch is then asked about the alarm, and tells how many periods count. */
async function tell(stack: Stack, state: AlarmState): Promise<void> {
  fire(stack, state, SLOW)
  await play(stack, 2)
}

/** Fires and clears, and does so again so many minutes after the first execution has ended. */
async function recur(stack: Stack, minutes: readonly number[], by = act): Promise<void> {
  await by(stack, 'ALARM')
  await by(stack, 'OK')
  const [finished] = await entriesOfKind(stack, 'execution.finished')
  for (const after of minutes) {
    await stack.runUntil((finished?.atMs ?? 0) + after * MINUTE_MS)
    await by(stack, 'ALARM')
    await by(stack, 'OK')
  }
}

const refusals = async (stack: Stack) => entriesOfKind(stack, 'execution.refused')
const starts = async (stack: Stack) => entriesOfKind(stack, 'execution.started')

const lineOf = (text: string, wanted: string) =>
  text.split('\n').findIndex((line) => line.trimStart().startsWith(wanted)) + 1

describe('a cooldown is never shorter than the alarm looks back', () => {
  test('a recurrence within the window is refused, and the alarm is named in place of the line of the runbook', async () => {
    const stack = slowStack([textOf('0s')], 60)
    await recur(stack, [59])
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
    await recur(stack, [60])
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
    await recur(stack, [61])
    expect(await refusals(stack)).toMatchObject([
      {
        code: 'cooldown',
        reason: 'the cooldown of service:api lasts 3540 s more',
        place: `runbook-1.yaml:${lineOf(text, 'cooldown:')}`,
      },
    ])
  })
})

describe('where the event does not tell how many periods count, CloudWatch does', () => {
  const longer = `alarm ${SLOW} looks back 900 s, longer than the runbook's own cooldown`

  test('and a recurrence is refused by that window', async () => {
    const stack = slowStack([textOf('0s')], 5, 3)
    await recur(stack, [14], tell)
    expect(await refusals(stack)).toMatchObject([
      {
        code: 'cooldown',
        reason: `the cooldown of service:api lasts 60 s more; ${longer}`,
        place: `alarm ${SLOW}`,
      },
    ])
    // It takes no place in the window.
    expect(await readClaims(stack.storage, 'service:api')).toHaveLength(1)
  })

  test('which is asked once for a start, as ever', async () => {
    const stack = slowStack([textOf('0s')], 5, 3)
    await recur(stack, [], tell)
    const asked = stack.account.count('cloudwatch:DescribeAlarms')
    await ingest(stack.app, transition(stack.account, 'ALARM', SLOW), turnOf(stack))
    expect(await refusals(stack)).toHaveLength(1)
    expect(stack.account.count('cloudwatch:DescribeAlarms') - asked).toBe(1)
  })

  test('what is left is counted by the longer of the two, also where the event alone would refuse', async () => {
    const stack = slowStack([textOf('0s')], 5, 3)
    await recur(stack, [4], tell)
    expect(await refusals(stack)).toMatchObject([
      { reason: `the cooldown of service:api lasts 660 s more; ${longer}` },
    ])
  })

  test('once it is over the next one starts', async () => {
    const stack = slowStack([textOf('0s')], 5, 3)
    await recur(stack, [15], tell)
    expect(await refusals(stack)).toEqual([])
    expect(await starts(stack)).toHaveLength(2)
  })

  test('of two runbooks of one alarm the first acts, and the second is refused', async () => {
    const stack = slowStack([textOf('0s'), textOf('0s').replace('spike', 'other')], 5, 3)
    await tell(stack, 'ALARM')
    expect(await starts(stack)).toHaveLength(1)
    expect(await refusals(stack)).toMatchObject([{ reason: expect.stringContaining(longer) }])
  })

  test('a start that it refuses does not make the next one forget what had ended', async () => {
    const stack = slowStack([textOf('0s')], 120, 2)
    await recur(stack, [150, 210], tell)
    expect(await refusals(stack)).toMatchObject([
      { reason: expect.stringContaining('lasts 5400 s more') },
      { reason: expect.stringContaining('lasts 1800 s more') },
    ])
  })

  test('a question that is not answered leaves what the event tells', async () => {
    const stack = slowStack([textOf('0s')], 5, 3)
    throttle(stack.account.world, 'cloudwatch:DescribeAlarms', 1_000)
    await recur(stack, [14], tell)
    expect(await starts(stack)).toHaveLength(2)
  })
})

describe('plan and why say beforehand what a start would be told', () => {
  const limits = (stack: Stack) =>
    Promise.all(
      [
        { verb: 'plan', runbook: 'spike' },
        { verb: 'why', id: 'spike' },
      ].map(async (request) => {
        const { answer } = (await stack.command(request)) as {
          answer: { guardrails?: unknown; now?: unknown }
        }
        const verdicts = (answer.guardrails ?? answer.now) as readonly { rule: string; place?: string }[]
        return verdicts.find(({ rule }) => rule === 'cooldown and rate')
      }),
    )
  const twice = <T>(verdict: T) => [verdict, verdict]

  test.each([
    ['named by its trigger', SLOW],
    ['that has started the last execution, where the trigger is a glob', 'api-*'],
  ])('by the window of the alarm %s', async (_which, glob) => {
    const stack = slowStack([textOf('0s').replace(`alarm: ${SLOW}`, `alarm: "${glob}"`)], 5, 3)
    await recur(stack, [], tell)
    expect(await limits(stack)).toMatchObject(
      twice({
        verdict: 'failed',
        reason: expect.stringMatching(
          /^the cooldown of service:api lasts \d+ s more; alarm api-slow looks back 900 s/,
        ),
        place: `alarm ${SLOW}`,
      }),
    )
    await play(stack, 15)
    expect(await limits(stack)).toMatchObject(
      twice({ verdict: 'passed', reason: 'a start is within the limits' }),
    )
  })

  test('by the window of an alarm that has started nothing yet, where another has', async () => {
    const other = runbookText(SCALE, `triggers: [{ alarm: "${ALARM}" }]`, 'other')
    const stack = slowStack([textOf('0s'), other], 60)
    addStillAlarm(stack.account, ALARM)
    fire(stack)
    await play(stack, 5)
    expect(await limits(stack)).toMatchObject(twice({ verdict: 'failed', place: `alarm ${SLOW}` }))
  })

  test('not by an alarm that starts other runbooks of the service only', async () => {
    const other = runbookText(SCALE, `triggers: [{ alarm: "${ALARM}" }]`)
    const stack = slowStack([textOf('0s').replace('spike', 'slow'), other], 60)
    addStillAlarm(stack.account, ALARM)
    await recur(stack, [], tell)
    expect(await limits(stack)).toMatchObject(twice({ verdict: 'passed' }))
  })

  test('what cannot be asked is said, and the event of the last start still counts', async () => {
    const stack = slowStack([textOf('0s')], 5, 3)
    await recur(stack, [], tell)
    throttle(stack.account.world, 'cloudwatch:DescribeAlarms', 1_000)
    expect(await limits(stack)).toMatchObject(
      twice({ verdict: 'failed', reason: expect.stringContaining('300 s') }),
    )
    await play(stack, 5)
    expect(await limits(stack)).toMatchObject(
      twice({
        verdict: 'passed',
        reason: expect.stringContaining(`within the limits; how far alarm ${SLOW} looks back is not known: `),
      }),
    )
  })

  test('before anything has started nothing is asked', async () => {
    const stack = slowStack([textOf('0s')], 60)
    expect(await limits(stack)).toMatchObject(twice({ verdict: 'passed' }))
    expect(stack.account.count('cloudwatch:DescribeAlarms')).toBe(0)
  })
})

describe('an execution that is under way for days', () => {
  const waits = catalogueOf([runbookText(`- wait: 2d\n${SCALE}`, 'cooldown: 5m\nkeep_open: 1m')])

  test('holds off the next one of its service all the time (G6)', async () => {
    const stack = calmStack(waits)
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 30 * 60)
    fire(stack)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
  })

  test('does not, where its start left nothing but its place in the limits (G6)', async () => {
    const stack = calmStack(waits)
    const rule = { scope: 'service:api', perHour: 9, cooldownMs: 5 * MINUTE_MS }
    await claim(stack.storage, rule, 'inc-0123456789ab-012345', stack.account.now())
    await play(stack, 30)
    fire(stack)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'cooldown' }])
    fire(stack, 'OK')
    await play(stack, 60)
    fire(stack)
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'execution.started')).toHaveLength(1)
  })
})
