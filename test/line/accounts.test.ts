import { readClaims } from '../../lib/ledger/claims.ts'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import type { Stack } from '../../sim/stack.ts'
import type { SimEvent } from '../../sim/world.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  deployOver,
  desired,
  entriesOfKind,
  incidentsOf,
  play,
  runbookText,
  transition,
} from './calm.ts'
import { effectsOf } from './world.ts'

/*
 * One stack, services in several accounts: `api` and `twin` in OURS, `web` in THEIRS; of `inner` services.yaml names none.
 */

const OURS = '123456789012'
const THEIRS = '210987654321'
const ALARMS = { api: 'api-5xx-spike', twin: 'twin-slow', web: 'web-slow', inner: 'inner-slow' } as const
type Name = keyof typeof ALARMS

const CANARY = '{ zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: canary }'
const SERVICES = `
twin: { account: "${OURS}", region: eu-west-1, ecs: { cluster: prod, service: api } }
web: { account: "${THEIRS}", region: eu-west-1, records: { canary: ${CANARY} } }
inner: { records: { canary: ${CANARY} } }
`
const SCALE = '- scale_out: { ecs: api, by: 1 }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'

/** A runbook for each service, of the same name: those of OURS scale, the others drain the canary. */
function books(before = ''): readonly string[] {
  const stepsOf = { api: SCALE, twin: '- scale_out: { ecs: twin, by: 1 }', web: DRAIN, inner: DRAIN }
  return (Object.keys(ALARMS) as Name[]).map((name) =>
    runbookText(
      `${before}${stepsOf[name]}`,
      `service: ${name}\ntriggers: [{ alarm: ${ALARMS[name]} }]`,
      name,
    ),
  )
}

function placed(policy = '', before = ''): Catalogue {
  return catalogueOf(books(before), {
    services: (text) => `${text}${SERVICES}`,
    policy: (text) => `${text}\n${policy}\n`,
  })
}

const stackOf = (catalogue: Catalogue) => calmStack(catalogue, { alarms: Object.values(ALARMS) })

/** The alarm of a service goes off in the account that the service is in. */
function fire(stack: Stack, name: Name, state: 'ALARM' | 'OK' = 'ALARM'): void {
  const event = transition(stack.account, state, ALARMS[name])
  const there = name === 'web' ? THEIRS : OURS
  stack.deliver(JSON.parse(JSON.stringify(event).replaceAll(OURS, there)) as SimEvent)
}

/** They go off one after the other, and clear. */
async function firing(stack: Stack, ...names: readonly Name[]): Promise<void> {
  for (const name of names) {
    fire(stack, name)
    await play(stack, 4)
    fire(stack, name, 'OK')
    await play(stack, 3)
  }
}

const pause = (stack: Stack, account = OURS) =>
  stack.command({ verb: 'pause', scope: { is: 'account', name: account }, by: ANN, reason: 'audit' })
const resume = (stack: Stack, account = OURS) =>
  stack.command({ verb: 'resume', scope: { is: 'account', name: account }, by: ANN })

const answerOf = async (stack: Stack, request: object): Promise<unknown> =>
  ((await stack.command(request)) as { readonly answer?: unknown }).answer

describe('a pause of one account', () => {
  test('holds every service of it, and none of another account or of none (G6)', async () => {
    const stack = stackOf(placed())
    expect(await pause(stack)).toMatchObject({
      answer: {
        text: `paused: nothing of account ${OURS} is changed until it is resumed; not held, since services.yaml names no account for them: inner`,
      },
    })
    await firing(stack, 'api', 'twin', 'web')
    const reason = `account ${OURS} was paused by ann: audit`
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      { runbook: 'api', code: 'paused', reason },
      { runbook: 'twin', code: 'paused', reason },
    ])
    expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
    await pause(stack, THEIRS)
    await firing(stack, 'inner')
    expect((await entriesOfKind(stack, 'execution.started')).map((entry) => entry.runbook)).toEqual([
      'web',
      'inner',
    ])
  })

  test('is lifted by itself: the other stays, and is named', async () => {
    const stack = stackOf(placed())
    await pause(stack)
    await pause(stack, THEIRS)
    expect(await resume(stack)).toMatchObject({
      answer: { text: `account ${OURS} resumed; still paused: account ${THEIRS} (by ann)` },
    })
    expect(await answerOf(stack, { verb: 'status' })).toMatchObject({
      paused: [{ scope: { is: 'account', name: THEIRS }, by: 'ann', reason: 'audit' }],
    })
    await firing(stack, 'web', 'api')
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  })

  test('that services.yaml does not name is refused, with the one that may be meant', async () => {
    const stack = stackOf(placed())
    expect(await pause(stack, '123456789013')).toMatchObject({
      is: 'problem',
      code: 'not-found',
      message: `services.yaml names no account "123456789013"; did you mean "${OURS}"?`,
    })
    expect(await answerOf(stack, { verb: 'status' })).toMatchObject({ paused: [] })
  })

  test('holds what is under way, by the account that it has pinned, and why names it', async () => {
    const before = stackOf(placed('', '- wait: 2m\n'))
    fire(before, 'api')
    await play(before, 1)
    // A newer version puts the service into another account; what is under way still acts in the first.
    const moved = catalogueOf(books(), {
      services: (text) =>
        `${text.replace(OURS, THEIRS)}${SERVICES.replace('prod, service: api', 'prod, service: twin')}`,
    })
    const after = deployOver(before, moved)
    await pause(after)
    await play(after, 10)
    expect(desired(after)).toBe(6)
    const [incident = ''] = await incidentsOf(after)
    expect(await answerOf(after, { verb: 'why', id: incident.split(' ')[0] })).toMatchObject({
      reasons: [{ status: { is: 'running' }, held: `account ${OURS} is paused by ann: audit` }],
    })
    await resume(after)
    await play(after, 5)
    expect(desired(after)).toBe(7)
  })

  test('is told by why and plan of a runbook in it, and of no other', async () => {
    const stack = stackOf(placed())
    await pause(stack)
    expect(
      await stack.command({ verb: 'pause', scope: { is: 'service', name: 'api' }, by: ANN, reason: 'x' }),
    ).toMatchObject({ answer: { text: 'paused: nothing of service api is changed until it is resumed' } })
    await stack.command({ verb: 'resume', scope: { is: 'service', name: 'api' }, by: ANN })
    const failed = {
      rule: 'kill switch',
      verdict: 'failed',
      reason: `account ${OURS} is paused by ann: audit`,
    }
    expect(await answerOf(stack, { verb: 'why', id: 'twin' })).toMatchObject({
      now: expect.arrayContaining([failed]),
    })
    expect(await answerOf(stack, { verb: 'plan', runbook: 'api' })).toMatchObject({
      guardrails: expect.arrayContaining([failed]),
    })
    for (const id of ['web', 'inner'])
      expect(await answerOf(stack, { verb: 'why', id })).toMatchObject({
        now: expect.arrayContaining([expect.objectContaining({ rule: 'kill switch', verdict: 'passed' })]),
      })
  })
})

describe('a limit of one account', () => {
  const LIMIT = `accounts:\n  "${OURS}":\n    executions_per_hour: 1`
  const PLACE = `accounts.${OURS}.executionsPerHour`

  test('refuses the start beyond it over all its services, with file and line, and none of another account (G6)', async () => {
    const catalogue = placed(LIMIT)
    const place = catalogue.policy.places[PLACE]
    expect(place).toMatch(/^policy\.yaml:\d+$/)
    const stack = stackOf(catalogue)
    await firing(stack, 'api', 'twin', 'web', 'inner')
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([
      {
        runbook: 'twin',
        code: 'rate',
        reason: `1 executions of account:${OURS} were started within the last hour; the limit is 1`,
        place,
      },
    ])
    expect(await readClaims(stack.storage, `account:${THEIRS}`)).toEqual([])
    expect(await answerOf(stack, { verb: 'why', id: 'twin' })).toMatchObject({
      now: expect.arrayContaining([
        expect.objectContaining({
          rule: 'cooldown and rate',
          verdict: 'failed',
          reason: expect.stringContaining(`of account:${OURS}`),
          place,
        }),
      ]),
    })
  })

  test('names its line also where the account stands without quotes', () => {
    const quoted = placed(LIMIT).policy.places[PLACE]
    expect(placed(LIMIT.replaceAll('"', '')).policy.places[PLACE]).toBe(quoted)
  })

  test('is one more write only where it is set', async () => {
    const claimed = async (policy: string) => {
      const stack = stackOf(placed(policy))
      await firing(stack, 'api')
      return (await readClaims(stack.storage, `account:${OURS}`)).length
    }
    expect(await claimed('')).toBe(0)
    expect(await claimed(`accounts: { "${THEIRS}": { executions_per_hour: 5 } }`)).toBe(0)
    expect(await claimed(LIMIT)).toBe(1)
  })

  test('counts a person and does not hold a person back', async () => {
    const stack = stackOf(placed(LIMIT))
    await firing(stack, 'api')
    await stack.command({ verb: 'run', runbook: 'twin', key: 'k1', by: ANN, reason: 'again' })
    await play(stack, 5)
    expect(effectsOf(stack)['ecs:UpdateService']).toBe(2)
    expect(await readClaims(stack.storage, `account:${OURS}`)).toHaveLength(2)
  })

  test('takes no place for a start that another window refused', async () => {
    const stack = stackOf(
      placed(`${LIMIT.replace(': 1', ': 5')}\nrunbooks: { api: { executions_per_hour: 0 } }`),
    )
    await firing(stack, 'api')
    expect(await entriesOfKind(stack, 'execution.refused')).toMatchObject([{ code: 'rate' }])
    expect(await readClaims(stack.storage, `account:${OURS}`)).toEqual([])
  })
})
