import { fold } from '../../lib/execution/fold.ts'
import { next, type Command } from '../../lib/execution/next.ts'
import type { Group } from '../../lib/execution/program.ts'
import type { Entry } from '../../lib/ledger/entry.ts'
import { ann, applied, at, capacity, header, intended, page, passed, w1, w2 } from '../timeline/parts.ts'
import { action, check, pause, PROGRAM, stampedStream } from './program.ts'

const T = at(100)
const w9 = { is: 'engine', worker: 'w-9' } as const
/** A message, then a mitigation. */
const TELL_FIRST: readonly Group[] = [[{ ...action('tell'), message: true }], [action('capacity')]]
const started: Entry = { kind: 'execution.started', actor: w1, ...header }
const done = (step: string): readonly Entry[] => [intended(step, capacity, 0), applied(step)]
const verified = (step: string): Entry => ({
  kind: 'step.verified',
  actor: w1,
  step,
  verdict: passed('landed'),
})
const checking: Entry = { kind: 'step.checking', actor: w1, step: 'check', untilMs: at(700) }
const checked = (verdict: 'passed' | 'failed' | 'inconclusive' | 'error'): Entry => ({
  kind: 'step.checked',
  actor: w1,
  step: 'check',
  verdict: { verdict, reason: 'measured' },
  samples: [],
})
const failed = (step: string, code: 'terminal' | 'denied' = 'terminal'): Entry => ({
  kind: 'step.failed',
  actor: w1,
  step,
  code,
  reason: 'no',
})
const escalated = (pageId: string, step: string, reason = 'look at it'): Entry => ({
  kind: 'execution.escalated',
  actor: w1,
  page: pageId,
  to: 'oncall@sre',
  reason,
  step,
})
const asked = (
  subject: string,
  over: { onTimeout?: 'skip' | 'stop' | 'escalate'; seconds?: number } = {},
): Entry => ({
  kind: 'approval.requested',
  actor: w1,
  subject,
  round: 1,
  by: 'sre',
  digest: 'd1',
  steps: [],
  expiresAtMs: at(over.seconds ?? 300),
  onTimeout: over.onTimeout ?? 'skip',
})
const approved = (subject: string, digest = 'd1'): Entry => ({
  kind: 'step.approved',
  actor: ann,
  subject,
  digest,
})
const denied = (subject: string): Entry => ({
  kind: 'step.denied',
  actor: ann,
  subject,
  digest: 'd1',
  reason: 'not now',
})
const expired = (subject: string, onTimeout: 'skip' | 'stop' | 'escalate'): Entry => ({
  kind: 'approval.expired',
  actor: w1,
  subject,
  onTimeout,
})
const aborted: Entry = { kind: 'execution.aborted', actor: ann, reason: 'enough' }
const finished: Entry = { kind: 'execution.finished', actor: w1, outcome: 'succeeded', reason: '' }
const retried = (step: string, seconds: number): Entry => ({
  kind: 'step.retried',
  actor: w1,
  step,
  attempt: 1,
  reason: 'throttled',
  retryAtMs: at(seconds),
})
const unsettled = (step: string, seconds: number): Entry => ({
  kind: 'step.unsettled',
  actor: w1,
  step,
  attempt: 1,
  reason: 'no answer',
  observeAtMs: at(seconds),
})
const waiting = (step: string, seconds: number, blocked = false): Entry => ({
  kind: 'step.waiting',
  actor: w1,
  step,
  waitId: 'x',
  wakeAtMs: at(seconds),
  reason: 'later',
  ...(blocked ? { blocked } : {}),
})
const undoStarted: Entry = {
  kind: 'undo.started',
  actor: w1,
  ...header,
  items: [
    { step: 'canary', action: 'change thing', change: capacity },
    { step: 'capacity', action: 'change thing', change: capacity },
  ],
  afterMs: 0,
  stepPercent: 50,
  everyMs: 60_000,
  reason: 'clear',
}
const UNDO: readonly Group[] = [[action('canary')], [action('capacity')]]
const all = [...done('capacity'), ...done('canary'), ...done('release')]
const allVerified = [verified('capacity'), verified('canary'), verified('release')]

/** What a `record` command says, without who says it. */
function facts(command: Command): unknown {
  if (command.is !== 'record') return command
  return { is: 'record', entries: command.entries.map(({ actor: _actor, ...entry }) => entry) }
}

const record = (...entries: readonly object[]) => ({ is: 'record', entries })
const ending = (outcome: string, reason: string) => record({ kind: 'execution.finished', outcome, reason })

type Row = readonly [
  sentence: string,
  entries: readonly Entry[],
  nowMs: number,
  command: unknown,
  program?: readonly Group[],
]

const TABLE: readonly Row[] = [
  // Beginning and end.
  ['an empty stream asks for nothing', [], T, { is: 'done' }],
  [
    'a refused execution asks for nothing',
    [{ kind: 'execution.refused', actor: w1, ...header, code: 'rate', reason: '' }],
    T,
    { is: 'done' },
  ],
  ['a finished execution asks for nothing', [started, ...all, finished], T, { is: 'done' }],
  [
    'a stopped execution asks for nothing',
    [started, { kind: 'execution.stopped', actor: w1, reason: '' }],
    T,
    { is: 'done' },
  ],
  ['the first group is begun', [started], T, { is: 'begin', steps: ['capacity'] }],
  [
    'a group begins when the one before it is applied, verified or not',
    [started, ...done('capacity')],
    T,
    { is: 'begin', steps: ['canary', 'release'] },
  ],
  [
    'of a parallel group only what has not begun is begun',
    [started, ...done('capacity'), ...done('canary')],
    T,
    { is: 'begin', steps: ['release'] },
  ],
  [
    'a runbook without steps ends at once',
    [started],
    T,
    ending('succeeded', '0 of 0 steps applied a change'),
    [],
  ],

  // Leases and outcomes that are not known.
  [
    'an open intent is left alone while its lease and its settling time last',
    [started, intended('capacity', capacity, 80)],
    T,
    { is: 'leave', untilMs: at(117) },
  ],
  [
    'just before the end of both it is still left alone',
    [started, intended('capacity', capacity, 80)],
    at(117) - 1,
    { is: 'leave', untilMs: at(117) },
  ],
  [
    'at the end of both it is observed',
    [started, intended('capacity', capacity, 80)],
    at(117),
    { is: 'recover', steps: ['capacity'] },
  ],
  [
    'of two open intents the longer lease counts, and both are observed',
    [started, ...done('capacity'), intended('canary', capacity, 60), intended('release', capacity, 90)],
    at(127),
    { is: 'recover', steps: ['canary', 'release'] },
  ],
  [
    'an open intent comes before a page that is to be sent',
    [started, intended('capacity', capacity, 80), escalated('page-1', 'x')],
    T,
    { is: 'leave', untilMs: at(117) },
  ],
  [
    'a page goes out once the lease is over, before the effect of what is open can be seen',
    [started, intended('capacity', capacity, 60), escalated('page-1', 'x')],
    at(93),
    { is: 'begin', steps: ['page-1'] },
  ],
  [
    'a page that a dead worker left open is sent again before the change beside it is observed',
    [
      started,
      intended('capacity', capacity, 60),
      escalated('page-1', 'x'),
      intended('page-1', page, 60, { settleMs: 0 }),
    ],
    at(93),
    { is: 'recover', steps: ['page-1'] },
  ],
  [
    'its own page on its way holds the worker up nowhere',
    [started, escalated('page-1', 'x'), intended('page-1', page, 90, { actor: w9 })],
    T,
    { is: 'begin', steps: ['capacity'] },
  ],
  [
    "another worker's page on its way says that it is at work",
    [started, escalated('page-1', 'x'), intended('page-1', page, 90)],
    T,
    { is: 'leave', untilMs: at(127) },
  ],
  [
    'a message that was tried lets the mitigation behind it pass',
    [started, intended('tell', page, 0), retried('tell', 130)],
    T,
    { is: 'begin', steps: ['capacity'] },
    TELL_FIRST,
  ],
  [
    'but no check',
    [started, intended('tell', page, 0), retried('tell', 130)],
    T,
    { is: 'wait', untilMs: at(130) },
    [TELL_FIRST[0] ?? [], [check('check')]],
  ],
  [
    'of a group the messages begin first',
    [started],
    T,
    { is: 'begin', steps: ['tell'] },
    [[action('capacity'), ...(TELL_FIRST[0] ?? [])]],
  ],
  [
    'an open intent is observed even after an abort',
    [started, intended('capacity', capacity, 0), aborted],
    T,
    { is: 'recover', steps: ['capacity'] },
  ],
  [
    'of a stopped stream nothing but pages is looked at: a person was told of what it left open',
    [started, intended('capacity', capacity, 0), { kind: 'execution.stopped', actor: w2, reason: '' }],
    T,
    { is: 'done' },
  ],
  [
    'what is to be tried again waits for its time',
    [started, intended('capacity', capacity, 0), retried('capacity', 110)],
    T,
    { is: 'wait', untilMs: at(110) },
  ],
  [
    'and is observed when it has come',
    [started, intended('capacity', capacity, 0), retried('capacity', 110)],
    at(110),
    { is: 'recover', steps: ['capacity'] },
  ],
  [
    'a mitigation that has not come to an end for two minutes is told to a person, once',
    [started, intended('capacity', capacity, 0), retried('capacity', 130)],
    at(120),
    {
      is: 'record',
      entries: [
        expect.objectContaining({
          kind: 'execution.escalated',
          page: 'page-1',
          step: 'capacity',
          stuck: true,
        }),
      ],
    },
  ],
  [
    'a step that was put off for two minutes is told as well',
    [started, waiting('capacity', 15, true)],
    at(120),
    {
      is: 'record',
      entries: [expect.objectContaining({ kind: 'execution.escalated', step: 'capacity', stuck: true })],
    },
  ],
  [
    'an outcome that is not known waits until it can be observed',
    [started, intended('capacity', capacity, 0), unsettled('capacity', 110)],
    T,
    { is: 'wait', untilMs: at(110) },
  ],
  [
    'a step beside one that is to be tried again begins without it',
    [started, ...done('capacity'), intended('canary', capacity, 0), retried('canary', 130)],
    T,
    { is: 'begin', steps: ['release'] },
  ],

  // Measuring.
  [
    'what was applied is verified while a check measures',
    [started, ...all, checking],
    T,
    { is: 'poll', verify: ['capacity', 'canary', 'release'], checks: ['check'] },
  ],
  [
    'a check goes on alone',
    [started, ...all, ...allVerified, checking],
    T,
    { is: 'poll', verify: [], checks: ['check'] },
  ],
  [
    'an execution ends only with every verdict',
    [started, ...all, checking, checked('passed')],
    T,
    { is: 'poll', verify: ['capacity', 'canary', 'release'], checks: [] },
  ],
  [
    'and then has succeeded',
    [started, ...all, ...allVerified, checking, checked('passed')],
    T,
    ending('succeeded', '3 of 4 steps applied a change'),
  ],
  [
    'a failed check makes it fail',
    [started, ...all, ...allVerified, checking, checked('failed')],
    T,
    ending('failed', 'check failed: measured'),
  ],
  [
    'silence is not health: an inconclusive check makes it fail',
    [started, ...all, ...allVerified, checking, checked('inconclusive')],
    T,
    ending('failed', 'check inconclusive: measured'),
  ],
  [
    'a change that did not land makes it fail',
    [
      started,
      ...done('capacity'),
      {
        kind: 'step.verified',
        actor: w1,
        step: 'capacity',
        verdict: { verdict: 'failed', reason: 'still 6' },
      },
    ],
    T,
    ending('failed', 'capacity was applied, but verify failed: still 6'),
    [[action('capacity')]],
  ],
  [
    'a message has nothing to verify',
    [started, intended('page', page, 0), applied('page', { message: true })],
    T,
    ending('succeeded', '1 of 1 steps applied a change'),
    [[action('page')]],
  ],
  [
    'measuring wakes for what falls due beside it',
    [
      started,
      ...done('capacity'),
      intended('canary', capacity, 0),
      retried('canary', 115),
      ...done('release'),
    ],
    T,
    { is: 'poll', verify: ['capacity', 'release'], checks: [], wakeAtMs: at(115) },
  ],

  // Waiting.
  [
    'a wait is waited',
    [started, waiting('pause', 160)],
    T,
    { is: 'wait', untilMs: at(160) },
    [[pause('pause')], [action('capacity')]],
  ],
  [
    'and its end is recorded',
    [started, waiting('pause', 160)],
    at(160),
    record({ kind: 'step.waited', step: 'pause', waitId: 'x' }),
    [[pause('pause')], [action('capacity')]],
  ],
  [
    'a step that was put off begins later',
    [started, waiting('capacity', 115, true)],
    T,
    { is: 'wait', untilMs: at(115) },
  ],
  [
    'and is then begun',
    [started, waiting('capacity', 115, true)],
    at(115),
    { is: 'begin', steps: ['capacity'] },
  ],
  ['a hold-down holds everything', [started, waiting('hold-down', 130)], T, { is: 'wait', untilMs: at(130) }],
  ['at its end the alarm is asked for', [started, waiting('hold-down', 130)], at(130), { is: 'end-hold' }],
  [
    'after it the first group begins',
    [
      started,
      waiting('hold-down', 130),
      { kind: 'step.waited', actor: w1, step: 'hold-down', waitId: 'hold-down' },
    ],
    at(130),
    { is: 'begin', steps: ['capacity'] },
  ],

  // Failures.
  [
    'a failed step does not keep the next mitigation from being tried',
    [started, failed('capacity')],
    T,
    { is: 'begin', steps: ['canary', 'release'] },
  ],
  [
    'unless it says so: then the rest is skipped',
    [started, failed('capacity')],
    T,
    record({
      kind: 'step.skipped',
      step: 'canary',
      code: 'stopped',
      reason: 'capacity failed and its on_failure is stop',
    }),
    [[action('capacity', { onFailure: 'stop' })], [action('canary')]],
  ],
  [
    'and the execution has failed',
    [
      started,
      failed('capacity'),
      { kind: 'step.skipped', actor: w1, step: 'canary', code: 'stopped', reason: '' },
    ],
    T,
    ending('failed', 'capacity failed: no'),
    [[action('capacity', { onFailure: 'stop' })], [action('canary')]],
  ],
  [
    'a check that has not passed stops what follows',
    [started, checking, checked('error')],
    T,
    record({
      kind: 'step.skipped',
      step: 'canary',
      code: 'stopped',
      reason: 'check failed and its on_failure is escalate',
    }),
    [[check('check')], [action('canary')]],
  ],
  [
    'a step whose approval said stop stops everything, whatever its on_failure',
    [started, failed('capacity', 'denied')],
    T,
    record(
      {
        kind: 'step.skipped',
        step: 'canary',
        code: 'stopped',
        reason: 'capacity failed and its on_failure is continue',
      },
      {
        kind: 'step.skipped',
        step: 'release',
        code: 'stopped',
        reason: 'capacity failed and its on_failure is continue',
      },
      {
        kind: 'step.skipped',
        step: 'check',
        code: 'stopped',
        reason: 'capacity failed and its on_failure is continue',
      },
    ),
  ],

  // Pages of the engine's own.
  [
    'a page goes out before anything else is begun',
    [started, escalated('page-1', 'x')],
    T,
    { is: 'begin', steps: ['page-1'] },
  ],
  [
    'a page goes out from a refused execution',
    [
      { kind: 'execution.refused', actor: w1, ...header, code: 'paused', reason: '' },
      escalated('page-1', 'start'),
    ],
    T,
    { is: 'begin', steps: ['page-1'] },
  ],
  [
    'a page goes out after an abort',
    [started, aborted, escalated('page-1', 'x')],
    T,
    { is: 'begin', steps: ['page-1'] },
  ],
  [
    'a page goes out from a finished execution',
    [started, finished, escalated('page-1', 'x')],
    T,
    { is: 'begin', steps: ['page-1'] },
  ],
  [
    'a page that is to be tried again holds up nothing',
    [started, escalated('page-1', 'x'), intended('page-1', page, 0), retried('page-1', 130)],
    T,
    { is: 'begin', steps: ['capacity'] },
  ],
  [
    'and is tried when its time has come',
    [started, escalated('page-1', 'x'), intended('page-1', page, 0), retried('page-1', 130)],
    at(130),
    { is: 'recover', steps: ['page-1'] },
  ],
  [
    'an ended execution waits for its pages',
    [started, finished, escalated('page-1', 'x'), intended('page-1', page, 0), retried('page-1', 130)],
    T,
    { is: 'wait', untilMs: at(130) },
  ],
  [
    'an execution does not end before its pages have',
    [
      started,
      ...done('capacity'),
      verified('capacity'),
      escalated('page-1', 'x'),
      intended('page-1', page, 0),
      retried('page-1', 130),
    ],
    T,
    { is: 'wait', untilMs: at(130) },
    [[action('capacity')]],
  ],

  // Aborts.
  ['an abort ends the execution', [started, ...done('capacity'), aborted], T, ending('aborted', 'enough')],
  [
    'but not before an outcome in doubt was observed',
    [started, intended('capacity', capacity, 0), unsettled('capacity', 110), aborted],
    T,
    { is: 'wait', untilMs: at(110) },
  ],
  [
    'which it is at its time',
    [started, intended('capacity', capacity, 0), unsettled('capacity', 110), aborted],
    at(110),
    { is: 'recover', steps: ['capacity'] },
  ],
  [
    'the first abort counts',
    [started, aborted, { ...aborted, reason: 'again' }],
    T,
    ending('aborted', 'enough'),
  ],

  // Modes and approval of the whole plan.
  ['shadow makes the plan', [{ ...started, mode: 'shadow' }], T, { is: 'forecast' }],
  ['approve makes the plan', [{ ...started, mode: 'approve' }], T, { is: 'forecast' }],
  [
    'and waits for a person',
    [{ ...started, mode: 'approve' }, asked('plan')],
    T,
    { is: 'wait', untilMs: at(300) },
  ],
  [
    'approved, it begins',
    [{ ...started, mode: 'approve' }, asked('plan'), approved('plan')],
    T,
    { is: 'begin', steps: ['capacity'] },
  ],
  [
    'approved by another digest, it still waits',
    [{ ...started, mode: 'approve' }, asked('plan'), approved('plan', 'd0')],
    T,
    { is: 'wait', untilMs: at(300) },
  ],
  [
    'denied, it ends',
    [{ ...started, mode: 'approve' }, asked('plan'), denied('plan')],
    T,
    ending('skipped', 'the plan was denied by ann: not now'),
  ],
  [
    'without an answer in time that is recorded',
    [{ ...started, mode: 'approve' }, asked('plan', { onTimeout: 'escalate' })],
    at(300),
    record({ kind: 'approval.expired', subject: 'plan', onTimeout: 'escalate' }),
  ],
  [
    'then a person is called',
    [{ ...started, mode: 'approve' }, asked('plan'), expired('plan', 'escalate')],
    at(300),
    record({
      kind: 'execution.escalated',
      page: 'page-1',
      to: '',
      reason: 'nobody approved the plan in time; nothing was changed',
      step: 'plan',
    }),
  ],
  [
    'then it ends: silence applies nothing',
    [
      { ...started, mode: 'approve' },
      asked('plan'),
      expired('plan', 'escalate'),
      escalated('page-1', 'plan', 'nobody approved the plan in time'),
      intended('page-1', page, 0),
      applied('page-1', { message: true }),
    ],
    at(310),
    ending('skipped', 'nobody approved the plan in time'),
  ],

  // Approval of a step.
  ['a step waits for its approval', [started, asked('capacity')], T, { is: 'wait', untilMs: at(300) }],
  [
    'approved, it is begun',
    [started, asked('capacity'), approved('capacity')],
    T,
    { is: 'begin', steps: ['capacity'] },
  ],
  [
    'a late second decision changes nothing',
    [started, asked('capacity'), approved('capacity'), denied('capacity')],
    T,
    { is: 'begin', steps: ['capacity'] },
  ],
  [
    'denied, it is skipped',
    [started, asked('capacity'), denied('capacity')],
    T,
    record({ kind: 'step.skipped', step: 'capacity', code: 'unapproved', reason: 'denied by ann: not now' }),
  ],
  [
    'without an answer in time that is recorded',
    [started, asked('capacity')],
    at(300),
    record({ kind: 'approval.expired', subject: 'capacity', onTimeout: 'skip' }),
  ],
  [
    'expired with skip, it is skipped',
    [started, asked('capacity'), expired('capacity', 'skip')],
    at(300),
    record({
      kind: 'step.skipped',
      step: 'capacity',
      code: 'unapproved',
      reason: 'nobody approved it in time; it was not applied',
    }),
  ],
  [
    'expired with stop, it fails and a person is called',
    [started, asked('capacity'), expired('capacity', 'stop')],
    at(300),
    record(
      {
        kind: 'step.failed',
        step: 'capacity',
        code: 'denied',
        reason: 'nobody approved it in time; it was not applied',
      },
      {
        kind: 'execution.escalated',
        page: 'page-1',
        to: '',
        reason: 'capacity: nobody approved it in time; it was not applied; the execution stops',
        step: 'capacity',
      },
    ),
  ],
  [
    'expired with escalate, it is skipped and a person is called',
    [started, asked('capacity'), expired('capacity', 'escalate')],
    at(300),
    record(
      {
        kind: 'step.skipped',
        step: 'capacity',
        code: 'unapproved',
        reason: 'nobody approved it in time; it was not applied',
      },
      {
        kind: 'execution.escalated',
        page: 'page-1',
        to: '',
        reason: 'capacity: nobody approved it in time; it was not applied',
        step: 'capacity',
      },
    ),
  ],
  [
    'a step beside one that waits for its approval begins without it',
    [started, ...done('capacity'), asked('canary')],
    T,
    { is: 'begin', steps: ['release'] },
  ],

  // Undo.
  ['an undo begins with the last change', [undoStarted], T, { is: 'begin', steps: ['canary'] }, UNDO],
  [
    'a slow step waits before the next one of the same change',
    [
      undoStarted,
      { kind: 'step.skipped', actor: w1, step: 'canary', code: 'undone', reason: '' },
      intended('capacity', capacity, 0, { last: false }),
      applied('capacity'),
    ],
    at(5),
    { is: 'wait', untilMs: at(60) },
    UNDO,
  ],
  [
    'and goes on then',
    [
      undoStarted,
      { kind: 'step.skipped', actor: w1, step: 'canary', code: 'undone', reason: '' },
      intended('capacity', capacity, 0, { last: false }),
      applied('capacity'),
    ],
    at(60),
    { is: 'begin', steps: ['capacity'] },
    UNDO,
  ],
]

describe('what is to be done now', () => {
  test.each(TABLE.map(([sentence, ...row]) => [sentence, row] as const))('%s', (_sentence, row) => {
    const [entries, nowMs, command, program = PROGRAM] = row
    // Every entry stands in one record, put at the onset.
    expect(facts(next(fold(stampedStream([at(0), ...entries])), program, 'w-9', nowMs))).toEqual(command)
  })

  test('every kind of command occurs in the table', () => {
    const kinds = new Set(TABLE.map(([, , , command]) => (command as { is: string }).is))
    expect([...kinds].toSorted()).toEqual([
      'begin',
      'done',
      'end-hold',
      'forecast',
      'leave',
      'poll',
      'record',
      'recover',
      'wait',
    ])
  })

  test('facts are recorded in the name of the worker that asks', () => {
    const command = next(fold(stampedStream([at(0), started, aborted])), PROGRAM, 'w-9', T)
    expect(command.is === 'record' && command.entries[0]?.actor).toEqual({ is: 'engine', worker: 'w-9' })
  })

  test('never waits for a time that has come, nor does anything else while something is open', () => {
    const wrong: unknown[] = []
    for (const row of TABLE) {
      const [sentence, entries] = row
      const program = row[4] ?? PROGRAM
      for (let length = 0; length <= entries.length; length++) {
        const execution = fold(stampedStream([at(0), ...entries.slice(0, length)]))
        const open = [...execution.steps.values()].some(
          (state) => state.is === 'open' && state.worker !== 'w-9',
        )
        for (const nowMs of [at(0), at(100), at(1_000), at(100_000)]) {
          const command = next(execution, program, 'w-9', nowMs)
          const late = (command.is === 'wait' || command.is === 'leave') && command.untilMs <= nowMs
          const isPage = (id: string) => execution.pages.some((one) => one.id === id)
          const paging = command.is === 'begin' && command.steps.every(isPage)
          const rash =
            open &&
            execution.status.is !== 'stopped' &&
            command.is !== 'leave' &&
            command.is !== 'recover' &&
            !paging
          if (late || rash) wrong.push([sentence, length, nowMs, command])
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('the occasion does not matter to what is decided', () => {
    const manual: Entry = {
      ...header,
      kind: 'execution.started',
      actor: w1,
      occasion: { is: 'manual', by: 'ann', via: 'cli', key: 'k', reason: 'r' },
    }
    expect(next(fold(stampedStream([at(0), manual])), PROGRAM, 'w-9', T)).toEqual({
      is: 'begin',
      steps: ['capacity'],
    })
  })
})
