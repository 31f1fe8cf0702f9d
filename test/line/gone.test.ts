import { command } from '../../lib/command.ts'
import { readClaims } from '../../lib/ledger/claims.ts'
import { readHead } from '../../lib/ledger/head.ts'
import { CrashError, mortalPorts, type Point } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  deployOver,
  desired,
  entriesOfKind,
  fire,
  play,
  runbookText,
  turnOf,
  verdictOn,
} from './calm.ts'

/* A newer version has taken a runbook away that was just being started. */

const SPIKE = runbookText('- scale_out: { ecs: api, by: 50% }', 'cooldown: 5m')
const OTHER = catalogueOf([runbookText('- notify: { to: oncall@sre }', 'cooldown: 5m', 'another')])

/** The same, with a window of its account as well. */
const LIMITED = catalogueOf([SPIKE], {
  policy: (text) => `${text}\naccounts: { "123456789012": { executions_per_hour: 5 } }\n`,
})

/** Its worker dies after an I/O of that name, the first or another one. */
function deadAfter(name: string, nth = 1): (point: Point) => boolean {
  let count = 0
  return (point) => point.name === name && point.when === 'after' && ++count === nth
}

const SCOPES = ['service:api', 'account:123456789012', 'all']
const claimsOn = async (stack: Stack) =>
  (await Promise.all(SCOPES.map(async (scope) => readClaims(stack.storage, scope)))).flat()

describe('an alarm whose start died', () => {
  test('before its first record leaves its place in the limits, with a verdict that says why (G6)', async () => {
    const before = calmStack(LIMITED, { diesAt: deadAfter('put RUNBOOK') })
    fire(before)
    await before.runUntil(before.account.now() + 1_000)
    expect(await claimsOn(before)).toHaveLength(3)
    const after = deployOver(before, OTHER)
    await play(after, 10)
    expect(await claimsOn(after)).toEqual([])
    const [opened] = await entriesOfKind(after, 'incident.opened')
    expect(await verdictOn(after, opened?.signal?.signalId ?? '')).toMatchObject({
      code: 'runbook-gone',
      reason: expect.stringMatching(/^runbook spike is not deployed any more; inc-\S+ was not started$/),
    })
    // And what is deployed now may start at once.
    fire(after, 'OK')
    await play(after, 1)
    fire(after)
    await play(after, 2)
    expect(await entriesOfKind(after, 'execution.refused')).toEqual([])
    expect((await entriesOfKind(after, 'execution.started')).map((entry) => entry.runbook)).toEqual([
      'another',
    ])
  })

  test('after its first record goes on by the runbook that it has pinned, and no verdict denies it (G4)', async () => {
    const before = calmStack(catalogueOf([SPIKE]), { diesAt: deadAfter('put REC', 2) })
    fire(before)
    await before.runUntil(before.account.now() + 1_000)
    const after = deployOver(before, OTHER)
    await play(after, 10)
    expect(desired(after)).toBe(9)
    expect((await entriesOfKind(after, 'execution.finished')).map((entry) => entry.outcome)).toEqual([
      'succeeded',
    ])
    const [opened] = await entriesOfKind(after, 'incident.opened')
    expect(await verdictOn(after, opened?.signal?.signalId ?? '')).toBeUndefined()
  })
})

describe('a start by hand', () => {
  const request = { verb: 'run', runbook: 'spike', key: 'k-1', by: ANN, reason: 'the site is slow' } as const

  /** Ann starts the runbook, and the function dies before the first record. */
  async function startedAndDied(stack: Stack): Promise<void> {
    const ports = mortalPorts(
      stack.app.ports,
      () => 0,
      deadAfter('put RUNBOOK'),
      () => undefined,
    )
    const dying = command({ ...stack.app, ports }, request, turnOf(stack))
    await expect(dying).rejects.toThrow(CrashError)
  }

  test('that died before its first record is told by its incident, once, and leaves its place in the limits (G6)', async () => {
    const before = calmStack(LIMITED)
    await startedAndDied(before)
    expect(await claimsOn(before)).toHaveLength(3)
    const [opened] = await entriesOfKind(before, 'incident.opened')
    const after = deployOver(before, OTHER)
    await play(after, 30)
    const [claimed] = await entriesOfKind(after, 'incident.noted')
    expect(claimed).toMatchObject({
      actor: { is: 'engine' },
      note: expect.stringMatching(
        /^runbook spike is not deployed any more; inc-\S+ was not started, asked for by ann$/,
      ),
    })
    expect(await entriesOfKind(after, 'incident.noted')).toHaveLength(1)
    expect(await claimsOn(after)).toEqual([])
    const executionId = /inc-\S+/.exec(claimed?.note ?? '')?.[0] ?? ''
    expect(await readHead(after.storage, opened?.incidentId ?? '', executionId)).toMatchObject({
      status: 'refused',
      headSeq: -1,
    })
    expect(await after.command(request)).toMatchObject({ is: 'problem', code: 'not-found' })
  })

  test('that has begun answers a repeat of its key as before, and another request with the key with a refusal (G1)', async () => {
    const before = calmStack(catalogueOf([SPIKE]))
    const first = await before.command(request)
    const after = deployOver(before, OTHER)
    expect(await after.command(request)).toEqual(first)
    expect(await after.command({ ...request, reason: 'another' })).toMatchObject({ code: 'key-reused' })
    expect(await after.command({ ...request, key: 'k-2' })).toMatchObject({ code: 'not-found' })
    await play(after, 5)
    expect(await entriesOfKind(after, 'execution.started')).toHaveLength(1)
  })
})
