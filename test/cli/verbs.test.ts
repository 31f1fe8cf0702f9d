import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recordHash } from '../../lib/ledger/chain.ts'
import { answered, fakeStack, problem, type FakeStack } from './fake-stack.ts'
import { firebreak, plain, type FakeOptions } from './terminal.ts'

// Each verb against canned answers: what is asked, what is shown, how it ends.

const INCIDENT_ID = 'inc-4k2m9x7p0qzr'
const EXECUTION = `${INCIDENT_ID}-8f3k2a`
const HOSTILE = 'evil\u001b[2J\u001b]0;owned\u0007 \u009b31m\u202etxt\r\nsecond\u200b line'
// oxlint-disable-next-line no-control-regex -- none may reach the terminal
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e]/

let stack: FakeStack
beforeEach(async () => (stack = await fakeStack()))
afterEach(async () => stack.close())

const run = async (args: readonly string[], more: Partial<FakeOptions> = {}) =>
  firebreak(args, { cwd: stack.folder, ...more })
const asked = () => stack.requests.map(({ body }) => body)

function bundle(
  streams: { readonly [stream: string]: readonly (readonly unknown[])[] },
  incidentId = INCIDENT_ID,
) {
  const records = Object.entries(streams).flatMap(([stream, list]) => {
    let prev = ''
    return list.map((entries, seq) => {
      const atMs = 1_795_000_000_000 + seq * 1_000
      const hash = recordHash(prev, stream, seq, atMs, JSON.stringify(entries))
      const record = { v: 1, stream, seq, atMs, prev, hash, entries }
      prev = hash
      return record
    })
  })
  return { format: 'firebreak.records/1', incidentId, records }
}

const engine = { is: 'engine', worker: 'w' }
const header = {
  executionId: EXECUTION,
  incidentId: INCIDENT_ID,
  key: 'k',
  runbook: 'api-5xx-spike',
  runbookHash: 'h',
  service: 'api',
  severity: 'sev2',
  mode: 'auto',
  occasion: { is: 'manual', by: 'ada', via: 'cli', key: 'k', reason: 'r' },
  actor: engine,
}
const opened = {
  kind: 'incident.opened',
  incidentId: INCIDENT_ID,
  key: 'k',
  title: HOSTILE,
  service: 'api',
  severity: 'sev2',
  keepOpenMs: 0,
  detectedAtMs: 1_795_000_000_000,
  reason: HOSTILE,
  actor: engine,
}
const finished = (outcome: string, reason = 'so it is') => ({
  kind: 'execution.finished',
  outcome,
  reason,
  actor: engine,
})
const started = { kind: 'execution.started', ...header }

describe('decisions', () => {
  test.each([
    [['approve', EXECUTION], { verb: 'approve', id: EXECUTION }],
    [
      ['approve', EXECUTION, '--step', 'rollback', '--digest', 'abc', '--reason', 'ok'],
      { verb: 'approve', id: EXECUTION, subject: 'rollback', digest: 'abc', reason: 'ok' },
    ],
    [['deny', EXECUTION, '--reason', 'no'], { verb: 'deny', id: EXECUTION, reason: 'no' }],
    [['abort', EXECUTION, '--reason', 'enough'], { verb: 'abort', id: EXECUTION, reason: 'enough' }],
    [['ack', INCIDENT_ID], { verb: 'ack', id: INCIDENT_ID }],
    [['ack', INCIDENT_ID, '--note', 'mine'], { verb: 'ack', id: INCIDENT_ID, note: 'mine' }],
    [['note', INCIDENT_ID, 'a', 'b'], { verb: 'note', id: INCIDENT_ID, note: 'a b' }],
    [['mitigate', INCIDENT_ID, '--reason', 'x'], { verb: 'mitigate', id: INCIDENT_ID, reason: 'x' }],
    [['resolve', INCIDENT_ID, '--reason', 'x'], { verb: 'resolve', id: INCIDENT_ID, reason: 'x' }],
    [['pause-all', '--reason', 'x', '--confirm=all'], { verb: 'pause-all', reason: 'x' }],
    [['resume-all', '--confirm=all'], { verb: 'resume-all' }],
    [
      ['pause', '--service', 'api', '--reason', 'x', '--confirm=api'],
      { verb: 'pause', scope: { is: 'service', name: 'api' }, reason: 'x' },
    ],
    [
      ['pause', '--account', '012345678901', '--reason', 'x', '--confirm=012345678901'],
      { verb: 'pause', scope: { is: 'account', name: '012345678901' }, reason: 'x' },
    ],
    [
      ['resume', '--account', '012345678901', '--confirm=012345678901'],
      { verb: 'resume', scope: { is: 'account', name: '012345678901' } },
    ],
    [
      ['resume', '--runbook', 'spike', '--confirm=spike'],
      { verb: 'resume', scope: { is: 'runbook', name: 'spike' } },
    ],
  ])('%j is asked as the person at the keyboard', async (args, request) => {
    stack.answer(() => answered({ text: HOSTILE }))
    const ran = await run(args)
    expect(asked()).toEqual([{ ...request, by: { name: 'ada', via: 'cli' } }])
    expect(ran.exit).toBe(0)
    expect(ran.out).toContain('evil txt second line')
    expect(ran.out + ran.err).not.toMatch(CONTROL)
    const json = await run([...args, '--json'])
    expect(json.json()).toMatchObject({ format_version: '1.0', text: HOSTILE })
    expect(json.out).not.toMatch(CONTROL)
  })

  test.each([
    ['abort', EXECUTION],
    ['mitigate', INCIDENT_ID],
    ['resolve', INCIDENT_ID],
    ['note', INCIDENT_ID],
    ['pause-all', '--confirm=all'],
    ['pause', '--service', 'api', '--confirm=api'],
    ['run', 'api'],
  ])('%s without its reason is a usage error, and nothing is asked', async (...args) => {
    expect(await run(args)).toMatchObject({ exit: 2, out: '' })
    expect(asked()).toEqual([])
  })

  test.each([
    [[]],
    [['--service', 'api', '--runbook', 'spike']],
    [['--account', '123456789012', '--service', 'api']],
    [['--account', 'api']],
    [['--account', '12345678901']],
    [['--service', '']],
    [['--runbook', 'x\u001b[31m']],
    [['--service', 'x'.repeat(65)]],
  ])('pause and resume name exactly one account, service or runbook, not %j', async (scope) => {
    for (const verb of [['pause', '--reason', 'x'], ['resume']]) {
      const ran = await run([...verb, ...scope, '--confirm=api'])
      expect(ran).toMatchObject({ exit: 2, out: '' })
      expect(ran.err).not.toMatch(CONTROL)
    }
    expect(asked()).toEqual([])
  })

  test.each([
    '',
    '../../etc/passwd',
    'inc-UPPER1234567',
    `${INCIDENT_ID}x`,
    "inc-'; drop table",
    'inc-4k2m9x7p0qzr\u001b[31m',
    'x'.repeat(100_000),
    '{}',
  ])('a hostile id is refused before anything is asked: %j', async (id) => {
    for (const args of [
      ['show', id],
      ['watch', id],
      ['timeline', id],
      ['approve', id],
      ['note', id, 'x'],
      ['export', id],
    ]) {
      const ran = await run(args)
      expect(ran.exit).toBe(2)
      expect(ran.err.length).toBeLessThan(600)
      expect(ran.err).not.toMatch(CONTROL)
    }
    expect(asked()).toEqual([])
  })
})

describe('watch', () => {
  const watch = async (outcome: readonly unknown[], args: readonly string[] = ['--exit-status']) => {
    stack.answer(() => answered(bundle({ incident: [[opened]], [EXECUTION]: [[started], outcome] })))
    return run(['watch', EXECUTION, ...args])
  }
  const failed = (code: string) => ({ kind: 'step.failed', step: 's', code, reason: 'r', actor: engine })
  const approval = {
    kind: 'approval.requested',
    subject: 'plan',
    round: 1,
    by: 'sre',
    digest: 'd1',
    steps: [],
    expiresAtMs: 9e12,
    onTimeout: 'stop',
    actor: engine,
  }
  const denied = {
    kind: 'step.denied',
    subject: 'plan',
    digest: 'd1',
    actor: { is: 'person', name: 'bob', via: 'slack' },
  }

  test.each([
    ['succeeded', [finished('succeeded')], 0],
    ['skipped', [finished('skipped')], 0],
    ['failed', [finished('failed')], 1],
    ['aborted', [finished('aborted')], 1],
    ['stopped', [{ kind: 'execution.stopped', reason: 'poison', actor: engine }], 1],
    ['a denied plan', [approval, denied, finished('skipped')], 5],
    [
      'an expired plan',
      [
        approval,
        { kind: 'approval.expired', subject: 'plan', onTimeout: 'stop', actor: engine },
        finished('skipped'),
      ],
      5,
    ],
    ['a step that nobody approved', [failed('denied'), finished('failed')], 5],
    ['a failed step', [failed('terminal'), finished('failed')], 1],
  ] as const)('--exit-status of %s', async (_what, outcome, exit) => {
    expect((await watch(outcome)).exit).toBe(exit)
    expect((await watch(outcome, [])).exit).toBe(0)
  })

  test('a refused execution has ended, with 5', async () => {
    stack.answer(() =>
      answered(
        bundle({
          incident: [[opened]],
          [EXECUTION]: [[{ kind: 'execution.refused', ...header, code: 'cooldown', reason: 'cooling down' }]],
        }),
      ),
    )
    const ran = await run(['watch', EXECUTION, '--exit-status'])
    expect(ran.exit).toBe(5)
    expect(ran.out).toContain('refused, cooling down')
  })

  test('--timeout ends it with 5, and says so', async () => {
    const ran = await watch([], ['--timeout', '30s'])
    expect(ran.exit).toBe(5)
    expect(ran.err).toContain('has not ended')
    expect(stack.requests.length).toBeGreaterThan(5)
  })

  test('Ctrl-C ends the watching and not the execution, with 130', async () => {
    stack.answer(() => answered(bundle({ incident: [[opened]], [EXECUTION]: [[started]] })))
    const ran = await run(['watch', EXECUTION], { interruptAt: 3, tty: true })
    expect(ran.exit).toBe(130)
    expect(ran.err).toContain('The execution goes on')
    expect(ran.out.endsWith('\u001b[?25h')).toBe(true)
  })

  test('looks that fail now and then are borne, a stack that stays away is not', async () => {
    let looks = 0
    const good = answered(bundle({ incident: [[opened]], [EXECUTION]: [[started], [finished('succeeded')]] }))
    stack.answer(() => (++looks < 4 ? { status: 502, text: 'bad gateway' } : good))
    const ran = await run(['watch', EXECUTION])
    expect(ran.exit).toBe(0)
    expect(ran.out).toContain('no answer (3 of 5)')
    stack.answer(() => ({ status: 502, text: 'bad gateway' }))
    expect((await run(['watch', EXECUTION])).exit).toBe(3)
    stack.answer(() => problem('not-found', 'there is no incident'))
    expect((await run(['watch', EXECUTION])).exit).toBe(1)
  })

  test('an execution that is not among the records is not found', async () => {
    stack.answer(() => answered(bundle({ incident: [[opened]] })))
    const ran = await run(['watch', EXECUTION])
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain(`there is no execution ${EXECUTION}`)
  })

  test('the steps that are still to come are those that the stack tells of, and are asked for once', async () => {
    const frames = async (shown: unknown): Promise<string> => {
      stack.answer((_path, { verb }) =>
        answered(verb === 'show' ? shown : bundle({ incident: [[opened]], [EXECUTION]: [[started]] })),
      )
      return plain((await run(['watch', EXECUTION, '--timeout', '3s'], { tty: true })).out)
    }
    const steps = ['scale_out', 'check']
    expect(await frames({ streams: [{ stream: EXECUTION, steps }] })).toMatch(/├─ ○ scale_out[^]*└─ ○ check/)
    expect(stack.requests.filter(({ body }) => (body as { verb: string }).verb === 'show')).toHaveLength(1)
    // One that does not tell them is no reason to stop.
    expect(await frames({ streams: [{ stream: EXECUTION }] })).not.toContain('○')
    expect(await frames('nonsense')).not.toContain('○')
  })

  test('the steps that are still to come are asked for again where no answer came', async () => {
    let times = 0
    stack.answer((_path, { verb }) => {
      if (verb !== 'show') return answered(bundle({ incident: [[opened]], [EXECUTION]: [[started]] }))
      return ++times === 1
        ? { status: 502, text: 'bad gateway' }
        : answered({ streams: [{ stream: EXECUTION, steps: ['scale_out'] }] })
    })
    const ran = await run(['watch', EXECUTION, '--timeout', '3s'], { tty: true })
    expect(plain(ran.out)).toContain('└─ ○ scale_out')
    expect(times).toBe(2)
  })

  test('a check of an execution that was aborted is not under way any more', async () => {
    const checking = { kind: 'step.checking', actor: engine, step: 'check', untilMs: 9e12 }
    const ran = await watch([checking, finished('aborted', 'enough')])
    expect(ran.out).toContain('check skipped: not finished')
    expect(ran.out).not.toContain('measuring')
  })

  test('what this version cannot read does not stop it', async () => {
    stack.answer(() =>
      answered(
        bundle({
          incident: [[opened, { kind: 'incident.teleported', actor: engine }]],
          [EXECUTION]: [
            [started, 7, null],
            [{ kind: 'step.applied', step: 's' }, finished('succeeded')],
          ],
        }),
      ),
    )
    expect((await run(['watch', EXECUTION, '--exit-status'])).exit).toBe(0)
  })

  test('with --json every line is an object, and nothing else is on standard output', async () => {
    const ran = await watch([failed('terminal'), finished('failed', HOSTILE)], ['--json'])
    const lines = ran.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { [name: string]: unknown })
    expect(lines[0]).toMatchObject({ format_version: '1.0', stream: EXECUTION })
    expect(lines).toContainEqual(expect.objectContaining({ step: { id: 's', state: 'failed', text: 'r' } }))
    expect(ran.out).not.toMatch(CONTROL)
  })

  test('no control character of the record reaches the terminal', async () => {
    stack.answer(() =>
      answered(
        bundle({
          incident: [[opened]],
          [EXECUTION]: [
            [started],
            [
              { kind: 'step.skipped', step: HOSTILE, code: 'already', reason: HOSTILE, actor: engine },
              finished('succeeded', HOSTILE),
            ],
          ],
        }),
      ),
    )
    for (const tty of [false, true]) {
      const ran = await run(['watch', EXECUTION], { tty })
      expect(plain(ran.out)).toContain('evil txt second line')
      expect(plain(ran.out)).not.toMatch(CONTROL)
      expect(ran.out).not.toContain('\u001b]0;')
      expect(ran.out).not.toContain('\u001b[2J')
    }
  })
})

describe('reading', () => {
  const summary = {
    title: HOSTILE,
    service: 'api',
    severity: 'sev1',
    openedAtMs: Date.parse('2026-11-23T09:00:00Z'),
  }

  /** A list, and beside it the status that it asks for. */
  const listed = (incidents: readonly unknown[], status: object = { control: { is: 'running' } }) =>
    stack.answer((_path, body) => answered(body.verb === 'status' ? status : incidents))

  test('list asks for what was asked for, and shows a table', async () => {
    listed([
      { incidentId: INCIDENT_ID, status: 'open', summary },
      { incidentId: 'inc-b', status: 'resolved' },
    ])
    const ran = await run(['list', '--limit', '2', '--before', '5'])
    expect(asked()).toContainEqual({ verb: 'list', limit: 2, beforeMs: 5 })
    expect(ran.out).toContain(
      `${INCIDENT_ID}  open      sev1      api      2026-11-23 09:00:00Z, 30 m 00 s ago  evil txt second line`,
    )
    expect(ran.out).not.toMatch(CONTROL)
    expect((await run(['list', '--status', 'open', '--json'])).json()).toMatchObject({
      incidents: [{ incidentId: INCIDENT_ID }],
      next_before: null,
    })
  })

  test.each(['0', '101', '1.5', '-1', 'ten', ''])('list --limit %j is a usage error', async (limit) => {
    expect((await run(['list', `--limit=${limit}`])).exit).toBe(2)
  })

  test('an empty list is no data and no error', async () => {
    listed([])
    expect(await run(['list'])).toMatchObject({ exit: 0, out: '', err: 'no incidents\n' })
    expect(await run(['list', '-q'])).toMatchObject({ exit: 0, out: '', err: '' })
  })

  test('list and status name every pause, by whom and why, also of a stack that knows only one', async () => {
    const pause = { by: HOSTILE, reason: HOSTILE, sinceMs: 0 }
    const whole = { is: 'paused', ...pause }
    listed([], {
      mode: 'auto',
      control: whole,
      paused: [
        { scope: { is: 'all' }, ...pause },
        { scope: { is: 'service', name: 'api' }, ...pause },
        { scope: { is: 'account', name: '123456789012' }, ...pause },
      ],
    })
    for (const verb of [['list', '-q'], ['status']]) {
      const ran = await run(verb)
      const shown = ran.out + ran.err
      expect(shown).toMatch(/PAUSED by evil/)
      expect(shown).toContain('PAUSED service api by evil')
      expect(shown).toContain('PAUSED account 123456789012 by evil')
      expect(shown).toContain(' since 1970-01-01 00:00:00Z: evil')
      expect(shown).not.toMatch(CONTROL)
    }
    listed([], { mode: 'auto', control: whole })
    expect((await run(['list', '--json'])).json()).toMatchObject({ paused: [{ scope: { is: 'all' } }] })
  })

  test('approvals shows what is asked with the command that answers it, and nothing where nothing is', async () => {
    stack.answer(() =>
      answered({
        approvals: [
          {
            incidentId: INCIDENT_ID,
            executionId: `${INCIDENT_ID}-p3v8ad`,
            subject: 'rollback',
            by: HOSTILE,
            digest: '9c1f04a7b2de',
            expiresAtMs: 0,
            quorum: 2,
            approvedBy: ['ann'],
            steps: [{ step: 'rollback', target: 'api', summary: HOSTILE, is: 'change', reversible: true }],
          },
        ],
      }),
    )
    const ran = await run(['approvals'])
    expect(asked()).toEqual([{ verb: 'approvals' }])
    expect(ran.out).toContain('until 1970-01-01 00:00:00Z, 1 of 2 people so far (ann)')
    expect(ran.out).toContain(
      `  firebreak approve ${INCIDENT_ID}-p3v8ad --step rollback --digest 9c1f04a7b2de`,
    )
    expect(ran.out).not.toMatch(CONTROL)
    expect((await run(['approvals', '--json'])).json()).toMatchObject({
      approvals: [{ subject: 'rollback' }],
    })
    stack.answer(() => answered({ approvals: [] }))
    expect(await run(['approvals'])).toMatchObject({
      exit: 0,
      out: '',
      err: 'nothing waits for a decision\n',
    })
  })

  test('hooks tells what was not delivered, and sends it again', async () => {
    const address = `${INCIDENT_ID}-p3v8ad/2.0`
    const failure = {
      hook: 'tickets',
      incidentId: INCIDENT_ID,
      address,
      reason: HOSTILE,
      attempts: 8,
      atMs: 0,
    }
    stack.answer(() => answered({ failures: [failure] }))
    const ran = await run(['hooks', 'failures'])
    expect(ran.out).toMatch(new RegExp(`tickets +${INCIDENT_ID} +${address} +1970-01-01 00:00:00Z +8 +evil`))
    expect(ran.out).not.toMatch(CONTROL)
    stack.answer(() => answered({ text: 'it is sent again' }))
    expect(await run(['hooks', 'replay', 'tickets', INCIDENT_ID, address])).toMatchObject({ exit: 0 })
    expect(asked().at(-1)).toMatchObject({
      verb: 'hook-replay',
      hook: 'tickets',
      incidentId: INCIDENT_ID,
      address,
    })
    expect((await run(['hooks', 'replay', 'tickets'])).exit).toBe(2)
  })

  test('why tells a verdict on a signal, and the reasons of executions', async () => {
    stack.answer(() =>
      answered({
        is: 'signal',
        signalId: 's',
        name: HOSTILE,
        state: 'alarm',
        stateAtMs: 0,
        code: 'unmatched',
        reason: HOSTILE,
        atMs: 0,
      }),
    )
    const signal = await run(['why', 'sig-1'])
    expect(signal.out).toContain(
      'evil txt second line alarm at 1970-01-01 00:00:00Z started nothing\n  unmatched: ',
    )
    expect(signal.out).not.toMatch(CONTROL)
    stack.answer(() =>
      answered({
        is: 'executions',
        reasons: [
          {
            stream: EXECUTION,
            status: { is: 'refused', code: 'rate', reason: 'too many' },
            place: 'policy.yaml:3',
          },
        ],
      }),
    )
    expect((await run(['why', EXECUTION])).out).toBe(`${EXECUTION} refused, rate: too many (policy.yaml:3)\n`)
  })

  test('why tells what an accepted signal led to, and what else is on record of it', async () => {
    const accepted = (effect: string, rest: object = {}) => {
      stack.answer(() =>
        answered({
          is: 'accepted',
          signalId: 's',
          name: HOSTILE,
          state: 'alarm',
          stateAtMs: 0,
          incidentId: INCIDENT_ID,
          effect,
          atMs: 0,
          reasons: [],
          ...rest,
        }),
      )
    }
    const told = async () => {
      const ran = await run(['why', 'sig-1'])
      expect(ran.out).not.toMatch(CONTROL)
      return ran.out
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/evil.*line/, 'evil'))
    }
    const reasons = [
      {
        stream: EXECUTION,
        status: { is: 'refused', code: 'flapping', reason: HOSTILE },
        place: 'spike.yaml:3',
      },
    ]
    accepted('recurred', { reasons, verdict: { code: 'stale', reason: HOSTILE } })
    expect(await told()).toEqual([
      `evil alarm at 1970-01-01 00:00:00Z joined ${INCIDENT_ID} as a new onset`,
      `${EXECUTION} refused, flapping: evil (spike.yaml:3)`,
      'beside it, stale: evil',
    ])
    const line = (words: string) => `evil alarm at 1970-01-01 00:00:00Z ${words}`
    accepted('opened')
    expect(await told()).toEqual([line(`opened ${INCIDENT_ID}`), '  no execution of it is on record'])
    accepted('attached')
    expect(await told()).toEqual([
      line(`joined ${INCIDENT_ID}, whose alarm stood already, and started nothing`),
    ])
    accepted('cleared')
    expect(await told()).toEqual([line(`cleared ${INCIDENT_ID}`)])
  })

  test('why tells the rules that had a say, and of a runbook what would stop it now', async () => {
    const rule = { reason: HOSTILE, place: 'policy.yaml:9' }
    const decision = {
      stream: EXECUTION,
      atMs: 0,
      status: { is: 'running' },
      mode: 'approve',
      capped: rule,
      held: HOSTILE,
      steps: [{ step: 's', is: 'failed', code: 'guardrail', ...rule }],
    }
    stack.answer(() =>
      answered({
        is: 'runbook',
        runbook: 'spike',
        service: 'api',
        mode: { mode: 'approve', ...rule },
        now: [
          { rule: 'kill switch', verdict: 'passed', reason: 'not paused' },
          { rule: 'freeze', verdict: 'failed', ...rule },
        ],
        decisions: [decision],
      }),
    )
    const ran = await run(['why', 'spike'])
    expect(ran.out).not.toMatch(CONTROL)
    const lines = ran.out.split('\n')
    expect(lines.map((line) => line.replace(/evil.*line/, 'evil'))).toEqual([
      'spike on service api, mode approve: evil (policy.yaml:9)',
      '  ✔ kill switch: not paused',
      '  ✖ freeze: evil (policy.yaml:9)',
      `1970-01-01 00:00:00Z ${EXECUTION} running`,
      '  mode approve: evil (policy.yaml:9)',
      '  held: evil',
      '  s failed, guardrail: evil (policy.yaml:9)',
      '',
    ])
  })

  test('timeline of a record that does not hold says so by its exit code', async () => {
    const good = bundle({ incident: [[opened]] })
    stack.answer(() => answered(good))
    const ran = await run(['timeline', INCIDENT_ID])
    expect(ran.exit).toBe(0)
    expect(ran.out).not.toMatch(CONTROL)
    const [record] = good.records
    stack.answer(() => answered({ ...good, records: [{ ...record, hash: '0' }] }))
    expect((await run(['timeline', INCIDENT_ID])).exit).toBe(1)
    expect((await run(['timeline', INCIDENT_ID, '--format', 'md', '--json'])).exit).toBe(2)
    expect((await run(['timeline', INCIDENT_ID, '--format', 'xml'])).exit).toBe(2)
  })

  test('a time that no calendar has does not crash a list', async () => {
    listed([{ incidentId: INCIDENT_ID, status: 'open', summary: { ...summary, openedAtMs: 1e300 } }])
    expect((await run(['list'])).exit).toBe(0)
  })
})

describe('run', () => {
  const plan = {
    format: 'firebreak.plan/1',
    runbook: 'api',
    service: 'api',
    mode: { mode: 'auto' },
    guardrails: [],
    steps: [],
    onResolved: null,
  }

  test('that the person knows of a freeze is handed on', async () => {
    stack.answer((_path, body) => (body['verb'] === 'plan' ? answered(plan) : { status: 502, text: 'gone' }))
    await run(['run', 'api', '--reason', 'x', '--despite-freeze'])
    expect(asked().at(-1)).toMatchObject({ verb: 'run', despiteFreeze: true })
    await run(['run', 'api', '--reason', 'x'])
    expect(asked().at(-1)).not.toHaveProperty('despiteFreeze')
  })

  test('an answer that was lost leaves the key with which a repeat is harmless', async () => {
    stack.answer((_path, body) => (body['verb'] === 'plan' ? answered(plan) : { status: 502, text: 'gone' }))
    const ran = await run(['run', 'api', '--reason', 'x'])
    expect(ran.exit).toBe(3)
    const key = /key ([0-9a-f-]{36})/.exec(ran.err)?.[1] ?? 'none'
    expect(ran.err).toContain(`Repeat it with --key ${key}`)
    expect(asked().at(-1)).toMatchObject({ verb: 'run', key, runbook: 'api', reason: 'x' })
  })

  test('a plan shows what the references of a step came to, and from what', async () => {
    const forecast = {
      step: 'scale_out',
      target: 'ECS service prod/api',
      summary: 'desired 6 -> 11',
      is: 'change',
      reversible: true,
      values: { 'service.ecs.desired': 6, 'params.to': 11 },
    }
    const steps = [{ forecast, action: 'scale_out ecs', notes: [], permissions: [] }]
    stack.answer(() => answered({ ...plan, steps }))
    const { out } = await run(['plan', 'api'])
    expect(out).toContain('service.ecs.desired = 6\n      params.to = 11\n')
  })

  test('a mode that there is none of is a usage error', async () => {
    expect((await run(['run', 'api', '--reason', 'x', '--mode', 'yolo'])).exit).toBe(2)
    expect(asked()).toEqual([])
  })
})

describe('verify', () => {
  const write = (name: string, value: unknown) =>
    writeFileSync(join(stack.folder, name), typeof value === 'string' ? value : JSON.stringify(value))
  const good = bundle({
    incident: [[opened], [{ kind: 'incident.noted', note: 'n', actor: engine }]],
    [EXECUTION]: [[started], [finished('succeeded')]],
  })
  const heads = Object.fromEntries(good.records.map(({ stream, hash }) => [stream, hash]))

  test('a good file holds, offline, also against its head hashes', async () => {
    write('good.json', good)
    const ran = await run([
      'verify',
      'good.json',
      '--head',
      `incident=${heads['incident']}`,
      '--head',
      `${EXECUTION}=${heads[EXECUTION]}`,
    ])
    expect(ran).toMatchObject({ exit: 0, err: '' })
    expect(ran.out).toContain(`consistent: 4 records in 2 streams of ${INCIDENT_ID}`)
    expect((await run(['verify', 'good.json'])).err).toContain('only a head hash proves')
    expect((await run(['verify', 'good.json', '--json'])).json()).toMatchObject({ is: 'consistent', heads })
    expect(stack.requests).toEqual([])
  })

  test.each([
    [
      'an altered entry',
      (records: unknown[]) =>
        records.map((one, i) =>
          i === 1
            ? { ...(one as object), entries: [{ kind: 'incident.noted', note: 'other', actor: engine }] }
            : one,
        ),
      'incident/1',
    ],
    ['a record that is missing', (records: unknown[]) => records.filter((_one, i) => i !== 0), 'incident/0'],
    [
      'an altered time',
      (records: unknown[]) => records.map((one, i) => (i === 2 ? { ...(one as object), atMs: 5 } : one)),
      `${EXECUTION}/0`,
    ],
    ['a record twice', (records: unknown[]) => [...records, records[0]], 'incident/0'],
    [
      'a stream of another incident',
      (records: unknown[]) => [...records, { ...(records[0] as object), stream: 'inc-000000000000-000000' }],
      'inc-000000000000-000000/0',
    ],
    ['no records at all', () => [], 'incident/0'],
  ])('%s is found, and the first broken record named', async (_what, edit, address) => {
    write('bad.json', { ...good, records: edit(good.records) })
    const ran = await run(['verify', 'bad.json'])
    expect(ran.exit).toBe(1)
    expect(ran.out).toContain(`BROKEN at ${address}: `)
    expect((await run(['verify', 'bad.json', '--json'])).json()).toMatchObject({ is: 'broken', address })
  })

  test('records that were cut off are found by a head hash', async () => {
    write('cut.json', {
      ...good,
      records: good.records.filter(({ stream, seq }) => stream !== 'incident' || seq === 0),
    })
    expect((await run(['verify', 'cut.json'])).exit).toBe(0)
    const ran = await run(['verify', 'cut.json', '--head', `incident=${heads['incident']}`])
    expect(ran.exit).toBe(1)
    expect(ran.out).toContain('BROKEN at incident/1')
  })

  test.each([
    '',
    '{',
    'null',
    '[]',
    '{"format":"other"}',
    '{"format":"firebreak.records/1","incidentId":"x","records":[{}]}',
    `{"a":${'['.repeat(50_000)}`,
  ])('a file that is no bundle fails the verification: %#', async (text) => {
    write('no.json', text)
    const ran = await run(['verify', 'no.json'])
    expect(ran.exit).toBe(1)
    expect(ran.err).toContain('is not what `firebreak export` writes')
  })

  test('entries that are nested beyond measure break the chain, not the program', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
    write(
      'deep.json',
      `{"format":"firebreak.records/1","incidentId":"${INCIDENT_ID}","records":[{"stream":"incident","seq":0,"atMs":0,"prev":"","hash":"x","entries":[${deep}]}]}`,
    )
    expect((await run(['verify', 'deep.json'])).exit).toBe(1)
  })

  test('a head hash without the form of one, and a file that there is none of, are usage errors', async () => {
    write('good.json', good)
    expect((await run(['verify', 'good.json', '--head', 'incident=xyz'])).exit).toBe(2)
    expect((await run(['verify', 'nowhere.json'])).exit).toBe(2)
    expect((await run(['verify', '.'])).exit).toBe(2)
  })

  test('an export to standard output is JSON that verifies', async () => {
    stack.answer(() => answered(good))
    const ran = await run(['export', INCIDENT_ID])
    write('out.json', ran.out)
    expect(ran.out).not.toMatch(CONTROL)
    expect(await run(['verify', 'out.json'])).toMatchObject({ exit: 0 })
    expect((await run(['export', INCIDENT_ID, '-o', 'no/such/folder.json'])).exit).toBe(2)
    expect((await run(['export', INCIDENT_ID, '-o', 'b.json', '--json'])).json()).toMatchObject({
      written: 'b.json',
      records: 4,
      heads,
    })
  })
})

describe('replay', () => {
  const fixtures = fileURLToPath(new URL('../fixtures/events', import.meta.url))
  const runbooks = fileURLToPath(new URL('../../runbooks', import.meta.url))
  const write = (name: string, text: string) => writeFileSync(join(stack.folder, name), text)
  const alarm = JSON.stringify({
    version: '0',
    id: 'e1',
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account: '123456789012',
    time: '2026-03-09T02:14:08Z',
    region: 'eu-west-1',
    resources: ['arn:aws:cloudwatch:eu-west-1:123456789012:alarm:api-5xx-spike'],
    detail: {
      alarmName: 'api-5xx-spike',
      state: { value: 'ALARM', reason: 'x', timestamp: '2026-03-09T02:14:07.412+0000' },
      previousState: { value: 'OK', timestamp: '2026-03-09T02:00:00.000+0000' },
      configuration: {},
    },
  })

  test('dry, it says what the event would open and start', async () => {
    write('event.json', alarm)
    const ran = await run(['replay', 'event.json', '--dry', '--runbooks', runbooks])
    expect(ran.exit).toBe(0)
    expect(ran.out).toMatch(
      /signal alarm api-5xx-spike[^]*opens incident inc-[0-9a-z]{12} of service api\n {2}starts api-5xx-spike as inc-[0-9a-z]{12}-[0-9a-z]{6}, mode \w+/,
    )
    expect(stack.requests).toEqual([])
    const json = await run(['replay', 'event.json', '--dry', '--json'])
    expect(json.json()).toMatchObject({
      dry: true,
      parts: [{ is: 'signal', would: [expect.stringContaining('no runbooks at hand')] }],
    })
    rmSync(join(stack.folder, '.firebreak'), { recursive: true })
    expect((await run(['replay', 'event.json'])).err).toContain('Nothing was handed in')
  })

  test('with a stack, it is handed to it as it is', async () => {
    write('event.json', alarm)
    stack.answer(() => ({
      body: {
        parts: [
          { is: 'accepted', signalId: 'sig-1', effect: 'opened', incidentId: INCIDENT_ID },
          { is: 'ignored', code: 'x', reason: HOSTILE },
        ],
      },
    }))
    const ran = await run(['replay', 'event.json'])
    expect(stack.requests).toMatchObject([{ path: '/ingest', body: JSON.parse(alarm) as unknown }])
    expect(ran.out).toContain(`sig-1 opened ${INCIDENT_ID}`)
    expect(ran.out).not.toMatch(CONTROL)
    stack.answer(() => ({ body: { parts: [{ is: 'exploded' }] } }))
    expect((await run(['replay', 'event.json'])).exit).toBe(3)
  })

  test('what is too large is refused here, since only its beginning was read', async () => {
    write('event.json', JSON.stringify({ pad: 'x'.repeat(1024 * 1024) }))
    const ran = await run(['replay', 'event.json'])
    expect(ran).toMatchObject({ exit: 1, err: 'Nothing was handed in and nothing was changed.\n' })
    expect(ran.out).toContain('refused too-large')
    expect(stack.requests).toEqual([])
  })

  test('what is no regular file is said in words', async () => {
    expect((await run(['replay', '.'])).err).toContain('. cannot be read: it is not a regular file')
  })

  test('a refused event ends with 1, a missing or a doubled argument with 2', async () => {
    write('event.json', '{"nobody":"knows"}')
    expect((await run(['replay', 'event.json', '--dry'])).exit).toBe(1)
    expect((await run(['replay', 'nowhere.json', '--dry'])).exit).toBe(2)
    expect((await run(['replay'])).exit).toBe(2)
    expect((await run(['replay', 'event.json', '--check', '.'])).exit).toBe(2)
  })

  test('--check says what each payload of a folder became; a refused one is an answer', async () => {
    const ran = await run(['replay', '--check', fixtures])
    expect(ran.exit).toBe(0)
    expect(ran.out).toMatch(/\d+ files: \d+ signals, \d+ ignored, \d+ refused\n$/)
    expect(ran.out).not.toMatch(CONTROL)
    expect((await run(['replay', '--check', fixtures, '--deny-refused'])).exit).toBe(1)
    const json = await run(['replay', '--check', fixtures, '--json'])
    expect(json.json()).toMatchObject({ unreadable: [], files: expect.any(Array) as unknown[] })
  })

  test('--check of nothing, or of a folder that there is none of, ends with 1', async () => {
    mkdirSync(join(stack.folder, 'empty'))
    expect((await run(['replay', '--check', 'empty'])).exit).toBe(1)
    expect((await run(['replay', '--check', 'nowhere'])).exit).toBe(1)
  })

  test('--check reads the UTF-16 that PowerShell writes', async () => {
    mkdirSync(join(stack.folder, 'wide'))
    writeFileSync(join(stack.folder, 'wide/event.json'), Buffer.from(`\uFEFF${alarm}`, 'utf16le'))
    expect((await run(['replay', '--check', 'wide'])).out).toContain('1 file: 1 signals')
  })

  test('--check reads folders in it, odd names and odd bytes', async () => {
    mkdirSync(join(stack.folder, 'in/deeper'), { recursive: true })
    write('in/deeper/a\u001b[31m.json', alarm)
    writeFileSync(join(stack.folder, 'in/bytes.txt'), Buffer.from([0xff, 0xfe, 0, 0, 0x80]))
    write('in/huge.json', `[${'1,'.repeat(1_000_000)}1]`)
    write('in/other.yaml', 'not looked at')
    const ran = await run(['replay', '--check', 'in'])
    expect(ran.exit).toBe(0)
    expect(ran.out).toContain('3 files: 1 signals')
    expect(ran.out).not.toMatch(CONTROL)
  })
})

describe('lint', () => {
  const write = (files: { readonly [name: string]: string }) => {
    const folder = mkdtempSync(join(tmpdir(), 'firebreak-cli-'))
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(folder, name, '..'), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    return folder
  }
  const shipped = (name: string) =>
    readFileSync(fileURLToPath(new URL(`../../runbooks/${name}`, import.meta.url)), 'utf8')
  const settings = {
    'runbooks/services.yaml': shipped('services.yaml'),
    'runbooks/oncall.yaml': shipped('oncall.yaml'),
    'runbooks/policy.yaml': shipped('policy.yaml'),
  }
  const bad =
    '- alert: api-5xx-spike\n  actions:\n    - scale_uot: ecs service api +50%\n    - notify: oncall@nobody\n'

  test('good runbooks end with 0, bad ones with 1 and every mistake', async () => {
    const cwd = write({ ...settings, 'runbooks/a.yaml': shipped('api-5xx-spike.yaml') })
    expect(await firebreak(['lint'], { cwd })).toMatchObject({ exit: 0, out: '' })
    writeFileSync(join(cwd, 'runbooks/a.yaml'), bad)
    const ran = await firebreak(['lint'], { cwd })
    expect(ran.exit).toBe(1)
    expect(ran.out).toMatch(/runbooks\/a\.yaml:3:\d+ UNKNOWN_ACTION/)
    expect(ran.out).toMatch(/runbooks\/a\.yaml:4:\d+ UNKNOWN_TEAM/)
    expect((await firebreak(['lint', '--json'], { cwd })).json()).toMatchObject({
      format_version: '1.0',
      valid: false,
      error_count: 2,
    })
    rmSync(cwd, { recursive: true })
  })

  test('a named file is read with the settings beside it, or above it', async () => {
    const cwd = write({ ...settings, 'runbooks/examples/rich.yaml': shipped('examples/api-5xx-rich.yaml') })
    const ran = await firebreak(['lint', 'runbooks/examples/rich.yaml', '--json'], { cwd })
    expect(ran.json()).toMatchObject({
      valid: true,
      files: [
        'runbooks/examples/rich.yaml',
        'runbooks/services.yaml',
        'runbooks/oncall.yaml',
        'runbooks/policy.yaml',
      ],
    })
    expect((await firebreak(['lint', 'examples'], { cwd: join(cwd, 'runbooks') })).exit).toBe(0)
    rmSync(cwd, { recursive: true })
  })

  test('--expand prints the long form, which is good in its turn', async () => {
    const cwd = write({ ...settings, 'runbooks/a.yaml': shipped('api-5xx-spike.yaml') })
    const ran = await firebreak(['lint', '--expand'], { cwd })
    writeFileSync(join(cwd, 'runbooks/a.yaml'), ran.out)
    expect(await firebreak(['lint', '--expand'], { cwd })).toMatchObject({ exit: 0, out: ran.out })
    rmSync(cwd, { recursive: true })
  })

  test('what cannot be read at all is a usage error', async () => {
    const cwd = write({ 'runbooks/readme.txt': 'x' })
    expect((await firebreak(['lint'], { cwd })).exit).toBe(2)
    expect((await firebreak(['lint', 'nowhere.yaml'], { cwd })).exit).toBe(2)
    expect((await firebreak(['lint', '--runbooks', 'nowhere'], { cwd })).exit).toBe(2)
    expect((await firebreak(['lint', '--json', '--format', 'github'], { cwd })).exit).toBe(2)
    rmSync(cwd, { recursive: true })
  })

  test('warnings are problems only where they are denied', async () => {
    const twice = shipped('examples/api-5xx-rich.yaml')
    const cwd = write({
      ...settings,
      'runbooks/a.yaml': twice,
      'runbooks/b.yaml': twice.replace('runbook: api-5xx-spike', 'runbook: another'),
    })
    const ran = await firebreak(['lint'], { cwd })
    expect(ran.out).toContain('OVERLAPPING_TRIGGERS (warning)')
    expect(ran.exit).toBe(0)
    expect((await firebreak(['lint', '--deny-warnings'], { cwd })).exit).toBe(1)
    rmSync(cwd, { recursive: true })
  })

  const FORMS: readonly (readonly [string, RegExp])[] = [
    ['github', /^(::(error|warning) file=[^:\n]*::[^\n]*\n)+$/],
    ['sarif', /^\{\n {2}"\$schema"[^]*"version": "2\.1\.0"[^]*\}\n$/],
    ['junit', /^<\?xml[^>]*>(?:[^&]|&(?:amp|lt|gt|quot|#10);)*<\/testsuites>\n$/],
    ['json', /^\{\n {2}"format_version": "1\.0"[^]*\}\n$/],
    ['text', /NOT_TEXT/],
  ]
  test.each(FORMS)('--format %s bears hostile names and texts', async (format, form) => {
    const cwd = write({
      ...settings,
      'runbooks/a&<"%,\u001b[31m\n:x.yaml': `- alert: "<&]]>"\n  acti\u0007ons: [::error::x, "%0A"]\n`,
    })
    const ran = await firebreak(['lint', '--format', format], { cwd })
    expect(ran.exit).toBe(1)
    expect(ran.out).not.toMatch(CONTROL)
    expect(ran.out).toMatch(form)
    rmSync(cwd, { recursive: true })
  })

  test('schema prints what editors read, and writes it beside the runbooks', async () => {
    const cwd = write(settings)
    const printed = await firebreak(['schema'], { cwd })
    expect(printed.json()).toHaveProperty('$schema')
    expect(await firebreak(['schema', '--write'], { cwd })).toMatchObject({ exit: 0, out: '' })
    expect(readFileSync(join(cwd, 'runbooks/schema.json'), 'utf8')).toBe(printed.out)
    expect((await firebreak(['schema', '--write', '--runbooks', 'nowhere'], { cwd })).exit).toBe(2)
    rmSync(cwd, { recursive: true })
  })
})
