import type { AwsFor, CallName } from '../../lib/aws/aws.ts'
import type { Http } from '../../lib/http.ts'
import { refuseNext, throttle } from '../../sim/faults.ts'
import { refuse } from '../../sim/refusal.ts'
import type { Stack } from '../../sim/stack.ts'
import { StorageError } from '../../lib/ledger/storage.ts'
import { ingest } from '../../lib/ingest.ts'
import {
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  pagesOf,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'
import { effectsOf, START_AT_MS } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const NOTIFY = '- notify: { to: oncall@sre }'

const REFUSED = { name: 'AccessDeniedException', message: 'no', status: 403 }

function stackOf(steps: string): Stack {
  return calmStack(catalogueOf([runbookText(steps)]))
}

interface Gate {
  readonly opened: Promise<void>
  open(): void
}

function gate(): Gate {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

/** No channel that is reached by HTTP answers before the gate opens. */
function hangHttp(stack: Stack): Gate {
  const hanging = gate()
  const { http } = stack.app.ports
  const post: Http['post'] = async (request) => {
    await hanging.opened
    return http.post(request)
  }
  Object.assign(stack.app.ports, { http: { post } })
  return hanging
}

/** Calls of that name are answered only once the gate opens. */
function hangAws(stack: Stack, hung: CallName): Gate {
  const hanging = gate()
  const { aws } = stack.app.ports
  const slow: AwsFor = (scope) => ({
    async call(name, input) {
      if (name === hung) await hanging.opened
      return aws(scope).call(name, input)
    },
  })
  Object.assign(stack.app.ports, { aws: slow })
  return hanging
}

/** Lets everything that can go on go on, and asks; no time passes. */
async function comesTrue(holds: () => boolean): Promise<boolean> {
  for (let turns = 0; turns < 200; turns++) {
    if (holds()) return true
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return false
}

describe('a channel that hangs holds up no mitigation', () => {
  test('nor the start of another runbook of the service, when the page is about a start that was refused (G6)', async () => {
    const catalogue = catalogueOf(
      [runbookText(SCALE, '', 'first'), runbookText(DRAIN, 'triggers: [{ alarm: "api-slow" }]', 'second')],
      { policy: (text) => `${text}\nrunbooks: { first: { executions_per_hour: 1 } }` },
    )
    const stack = calmStack(catalogue, { alarms: ['api-5xx-spike', 'api-slow'] })
    fire(stack)
    await play(stack, 10)
    fire(stack, 'OK')
    await play(stack, 20)
    const hanging = hangHttp(stack)
    const refusing = ingest(stack.app, transition(stack.account, 'ALARM'), turnOf(stack))
    // Everything but the page has been answered by then.
    await comesTrue(() => false)
    const starting = ingest(stack.app, transition(stack.account, 'ALARM', 'api-slow'), turnOf(stack))
    const drained = await comesTrue(() => 'route53:ChangeResourceRecordSets' in effectsOf(stack))
    hanging.open()
    await Promise.all([refusing, starting])
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      { runbook: 'first', code: 'rate' },
    ])
    expect(drained).toBe(true)
  })

  test.each([
    ['a page of the runbook before it', `${NOTIFY}\n${SCALE}\n${DRAIN}`, 'ecs:UpdateService'],
    ['a page beside it', `- parallel:\n    ${NOTIFY}\n    ${SCALE}\n    ${DRAIN}`, 'ecs:UpdateService'],
  ])('%s', async (_what, steps, call) => {
    const stack = stackOf(steps)
    const hanging = hangHttp(stack)
    fire(stack)
    const playing = stack.runUntil(START_AT_MS + 60_000)
    const both = () => call in effectsOf(stack) && 'route53:ChangeResourceRecordSets' in effectsOf(stack)
    expect(await comesTrue(both)).toBe(true)
    expect(pagesOf(stack)).toEqual([])
    hanging.open()
    await playing
    expect(pagesOf(stack)).toHaveLength(1)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1, 'route53:ChangeResourceRecordSets': 1 })
  })

  test("the engine's own page", async () => {
    const stack = stackOf(`${SCALE}\n${DRAIN}`)
    refuseNext(stack.account.world, 'ecs:UpdateService', REFUSED)
    const hanging = hangHttp(stack)
    fire(stack)
    const playing = stack.runUntil(START_AT_MS + 60_000)
    expect(await comesTrue(() => 'route53:ChangeResourceRecordSets' in effectsOf(stack))).toBe(true)
    hanging.open()
    await playing
    expect(pagesOf(stack)).toEqual([expect.stringContaining('scale_out failed')])
  })

  test('a mitigation that asks what became of the page waits for it', async () => {
    const stack = stackOf(`${NOTIFY}\n${SCALE}\n  when: steps.notify.state == "applied"`)
    const hanging = hangHttp(stack)
    fire(stack)
    const playing = stack.runUntil(START_AT_MS + 60_000)
    expect(await comesTrue(() => 'ecs:UpdateService' in effectsOf(stack))).toBe(false)
    hanging.open()
    await playing
    expect(desired(stack)).toBe(9)
  })

  test('a page on which the rest depends is waited for', async () => {
    const stack = stackOf(`${NOTIFY}\n  on_failure: stop\n${SCALE}`)
    const hanging = hangHttp(stack)
    fire(stack)
    const playing = stack.runUntil(START_AT_MS + 60_000)
    expect(await comesTrue(() => 'ecs:UpdateService' in effectsOf(stack))).toBe(false)
    hanging.open()
    await playing
    expect(desired(stack)).toBe(9)
  })
})

describe('a mitigation that hangs holds up no page', () => {
  test.each([
    ['while it is observed', 'ecs:DescribeServices'],
    ['while its call is unanswered', 'ecs:UpdateService'],
  ] as const)('of the runbook, beside it, %s', async (_when, call) => {
    const stack = stackOf(`- parallel:\n    ${SCALE}\n    ${NOTIFY}`)
    const hanging = hangAws(stack, call)
    fire(stack)
    const playing = stack.runUntil(START_AT_MS + 60_000)
    expect(await comesTrue(() => pagesOf(stack).length > 0)).toBe(true)
    expect(effectsOf(stack)).toEqual({})
    hanging.open()
    await playing
    expect(desired(stack)).toBe(9)
    expect(pagesOf(stack)).toHaveLength(1)
  })

  test("the engine's own, about another step of the same group", async () => {
    const stack = stackOf(`- parallel:\n    ${SCALE}\n    ${DRAIN}`)
    refuseNext(stack.account.world, 'route53:ChangeResourceRecordSets', REFUSED)
    const hanging = hangAws(stack, 'ecs:UpdateService')
    fire(stack)
    const playing = stack.runUntil(START_AT_MS + 60_000)
    expect(await comesTrue(() => pagesOf(stack).length > 0)).toBe(true)
    expect(effectsOf(stack)).toEqual({})
    hanging.open()
    await playing
    expect(desired(stack)).toBe(9)
    expect(pagesOf(stack)).toEqual([expect.stringContaining('route53_weight failed')])
  })

  test('and no call outlives its turn, though the page beside it cannot be recorded', async () => {
    const stack = stackOf(`- parallel:\n    ${SCALE}\n    ${DRAIN}`)
    refuseNext(stack.account.world, 'route53:ChangeResourceRecordSets', REFUSED)
    const hanging = hangAws(stack, 'ecs:UpdateService')
    const { storage } = stack.app.ports
    let lost = 0
    const put: typeof storage.put = async (item, condition) => {
      if (!item.body.includes('step.failed')) return storage.put(item, condition)
      lost++
      throw new StorageError('no answer')
    }
    Object.assign(stack.app.ports, { storage: { ...storage, put } })
    let isOver = false
    const alarm = transition(stack.account, 'ALARM')
    const ingesting = ingest(stack.app, alarm, turnOf(stack)).finally(() => (isOver = true))
    expect(await comesTrue(() => lost >= 2)).toBe(true)
    expect(await comesTrue(() => isOver)).toBe(false)
    hanging.open()
    await expect(ingesting).rejects.toThrow('no answer')
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  })

  test.each([
    [
      'whose outcome stays unknown',
      (stack: Stack) => {
        refuseNext(stack.account.world, 'ecs:UpdateService', {
          name: 'InternalFailure',
          message: '',
          status: 500,
        })
        stack.account.onCall({
          before(call) {
            if (call.name === 'ecs:DescribeServices' && stack.account.count('ecs:UpdateService') > 0)
              throw refuse('ThrottlingException', 'Rate exceeded')
          },
        })
      },
    ],
    [
      'whose target cannot be read',
      (stack: Stack) => throttle(stack.account.world, 'ecs:DescribeServices', 10_000),
    ],
  ])('that stands behind it in order: a mitigation %s is told of after two minutes', async (_what, harm) => {
    const stack = stackOf(`${SCALE}\n${NOTIFY}`)
    harm(stack)
    fire(stack)
    await stack.runUntil(START_AT_MS + 110_000)
    expect(pagesOf(stack)).toEqual([])
    await stack.runUntil(START_AT_MS + 150_000)
    expect(pagesOf(stack)).toEqual([expect.stringContaining('scale_out has not come to an end for 120 s')])
    expect(await entriesOfKind(stack, 'execution.escalated')).toMatchObject([
      { step: 'scale_out', stuck: true },
    ])
    // Once, and then what it came to.
    await play(stack, 20)
    expect(await entriesOfKind(stack, 'execution.escalated')).toMatchObject([
      { stuck: true },
      { reason: expect.stringContaining('scale_out failed') },
    ])
  })
})
