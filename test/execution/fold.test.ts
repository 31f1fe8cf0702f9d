import * as fc from 'fast-check'
import { fold, foldOn, nameOf } from '../../lib/execution/fold.ts'
import { isEnded, isSettled, stateOf, type StepState } from '../../lib/execution/state.ts'
import type { Entry, Stamped } from '../../lib/ledger/entry.ts'
import {
  ann,
  applied,
  at,
  capacity,
  cloudwatch,
  header,
  intended,
  passed,
  w1,
  w2,
} from '../timeline/parts.ts'
import { approvals, byHand, spike } from '../timeline/scenarios.ts'
import { stamped } from '../timeline/streams.ts'
import { stampedStream } from './program.ts'

const started: Entry = { kind: 'execution.started', actor: w1, ...header }
const retried: Entry = {
  kind: 'step.retried',
  actor: w1,
  step: 's',
  attempt: 1,
  reason: 'throttled',
  retryAtMs: at(30),
}
const unsettled: Entry = {
  kind: 'step.unsettled',
  actor: w1,
  step: 's',
  attempt: 1,
  reason: 'no answer',
  observeAtMs: at(40),
}
const attempt = {
  attempt: 1,
  begunAtMs: at(0),
  uncounted: 0,
  action: 'change thing',
  change: capacity,
  locks: { 'ecs/prod/api': 4 },
  undoTo: { desired: 6 },
  last: true,
}
const intent = intended('s', capacity, 0, { locks: { 'ecs/prod/api': 4 } })
const undo = (everyMs: number): Entry => ({
  kind: 'undo.started',
  actor: w1,
  ...header,
  items: [{ step: 's', action: 'change thing', change: capacity }],
  afterMs: 0,
  stepPercent: 50,
  everyMs,
  reason: '',
})

/** Each step's state after these entries, all put at the onset. */
const TABLE: readonly (readonly [sentence: string, entries: readonly Entry[], state: StepState])[] = [
  ['a step of which nothing is on record is pending', [started], { is: 'pending', putOff: 0 }],
  [
    'an intent opens it',
    [started, intent],
    { is: 'open', ...attempt, worker: 'w-1', leaseUntilMs: at(32), settleMs: 5_000 },
  ],
  [
    'what an undo goes back to may be older than the change',
    [started, intended('s', capacity, 0, { undoTo: { desired: 4 } })],
    expect.objectContaining({ is: 'open', undoTo: { desired: 4 } }),
  ],
  [
    'a result closes it',
    [started, intent, applied('s')],
    { is: 'applied', ...attempt, receipt: { requestId: 'req-s' }, atMs: at(0), message: false },
  ],
  [
    'a verdict stands beside the result',
    [
      started,
      intent,
      applied('s'),
      { kind: 'step.verified', actor: w1, step: 's', verdict: passed('landed') },
    ],
    {
      is: 'applied',
      ...attempt,
      receipt: { requestId: 'req-s' },
      atMs: at(0),
      message: false,
      verdict: { verdict: 'passed', reason: 'landed', values: {} },
    },
  ],
  ['a result without an intent changes nothing', [started, applied('s')], { is: 'pending', putOff: 0 }],
  [
    'a verdict without a result changes nothing',
    [started, intent, { kind: 'step.verified', actor: w1, step: 's', verdict: passed('') }],
    expect.objectContaining({ is: 'open' }),
  ],
  [
    'a refusal of AWS for now is tried again',
    [started, intent, retried],
    { is: 'again', ...attempt, why: 'retried', reason: 'throttled', dueAtMs: at(30), sinceMs: at(0) },
  ],
  [
    'no answer is observed',
    [started, intent, unsettled],
    { is: 'again', ...attempt, why: 'unsettled', reason: 'no answer', dueAtMs: at(40), sinceMs: at(0) },
  ],
  [
    'what was found when observing closes it',
    [started, intent, unsettled, applied('s', { recovered: 'observed' })],
    expect.objectContaining({ is: 'applied' }),
  ],
  [
    'a further intent opens it again',
    [started, intent, retried, intended('s', capacity, 31, { attempt: 2, actor: w2 })],
    expect.objectContaining({ is: 'open', attempt: 2, worker: 'w-2' }),
  ],
  [
    'a failure ends it',
    [started, intent, { kind: 'step.failed', actor: w1, step: 's', code: 'terminal', reason: 'no' }],
    { is: 'failed', code: 'terminal', reason: 'no' },
  ],
  [
    'a skip ends it',
    [started, { kind: 'step.skipped', actor: w1, step: 's', code: 'already', reason: 'it is 9' }],
    { is: 'skipped', code: 'already', reason: 'it is 9' },
  ],
  [
    'a wait is what the step is for',
    [started, { kind: 'step.waiting', actor: w1, step: 's', waitId: 'x', wakeAtMs: at(9), reason: 'r' }],
    { is: 'waiting', waitId: 'x', wakeAtMs: at(9), reason: 'r' },
  ],
  [
    'and is over at its end',
    [
      started,
      { kind: 'step.waiting', actor: w1, step: 's', waitId: 'x', wakeAtMs: at(9), reason: 'r' },
      { kind: 'step.waited', actor: w1, step: 's', waitId: 'x' },
    ],
    { is: 'waited' },
  ],
  [
    'a blocked step has not begun; how often is counted',
    [
      started,
      {
        kind: 'step.waiting',
        actor: w1,
        step: 's',
        waitId: 'x',
        wakeAtMs: at(9),
        reason: 'r',
        blocked: true,
      },
      {
        kind: 'step.waiting',
        actor: w1,
        step: 's',
        waitId: 'y',
        wakeAtMs: at(24),
        reason: 'r',
        blocked: true,
      },
    ],
    {
      is: 'pending',
      notBeforeMs: at(24),
      blockedBy: 'r',
      putOff: 2,
      putOffSince: { atMs: at(0), reason: 'r' },
    },
  ],
  [
    'a check measures until its end',
    [started, { kind: 'step.checking', actor: w1, step: 's', untilMs: at(600) }],
    { is: 'checking', sinceMs: at(0), untilMs: at(600) },
  ],
  [
    'and has a verdict then',
    [
      started,
      { kind: 'step.checking', actor: w1, step: 's', untilMs: at(600) },
      { kind: 'step.checked', actor: w1, step: 's', verdict: { verdict: 'error', reason: 'x' }, samples: [] },
    ],
    { is: 'checked', verdict: { verdict: 'error', reason: 'x' } },
  ],
  [
    'an undo knows the value that we set last',
    [undo(60_000)],
    { is: 'pending', lastSet: { desired: 9 }, putOff: 0 },
  ],
  [
    'a slow step sets the next one a time and a value to compare with',
    [
      undo(60_000),
      intended('s', { ...capacity, before: { desired: 9 }, after: { desired: 7 } }, 0, { last: false }),
      applied('s'),
    ],
    { is: 'pending', lastSet: { desired: 7 }, notBeforeMs: at(60), putOff: 0 },
  ],
  [
    'a blocked undo keeps the value that we set last',
    [
      undo(60_000),
      {
        kind: 'step.waiting',
        actor: w1,
        step: 's',
        waitId: 'x',
        wakeAtMs: at(9),
        reason: 'r',
        blocked: true,
      },
    ],
    {
      is: 'pending',
      lastSet: { desired: 9 },
      notBeforeMs: at(9),
      blockedBy: 'r',
      putOff: 1,
      putOffSince: { atMs: at(0), reason: 'r' },
    },
  ],
]

test.each(TABLE)('%s', (_sentence, entries, state) => {
  expect(stateOf(fold(stampedStream([at(0), ...entries])), 's')).toEqual(state)
})

describe('the execution as a whole', () => {
  test('since when an outcome has been in doubt is kept over any number of looks', () => {
    const entries = stampedStream(
      [at(0), started, intent],
      [at(1), unsettled],
      [at(2), { ...unsettled }],
      [at(3), unsettled],
    )
    expect(stateOf(fold(entries), 's')).toMatchObject({ is: 'again', sinceMs: at(1) })
  })

  test('a decision counts once, and only on the plan that was asked about', () => {
    const asked: Entry = {
      kind: 'approval.requested',
      actor: w1,
      subject: 's',
      round: 2,
      by: 'sre',
      digest: 'd2',
      steps: [],
      expiresAtMs: at(9),
      onTimeout: 'skip',
    }
    const approve = (digest: string): Entry => ({ kind: 'step.approved', actor: ann, subject: 's', digest })
    const approvalAfter = (...entries: readonly Entry[]) =>
      fold(stampedStream([at(0), started, ...entries])).approvals.get('s')
    expect(approvalAfter(approve('d2'))).toBeUndefined()
    expect(approvalAfter(asked, approve('d1'))).toMatchObject({ is: 'asked' })
    expect(approvalAfter(asked, approve('d2'))).toEqual({ is: 'approved', round: 2, digest: 'd2', by: 'ann' })
    expect(
      approvalAfter(asked, approve('d2'), {
        kind: 'approval.expired',
        actor: w1,
        subject: 's',
        onTimeout: 'skip',
      }),
    ).toMatchObject({ is: 'approved' })
    expect(
      approvalAfter(asked, { kind: 'step.denied', actor: ann, subject: 's', digest: 'd2' }, approve('d2')),
    ).toEqual({ is: 'denied', by: 'ann', reason: '' })
  })

  test('an approval holds when so many different people have given it as its quorum says', () => {
    const asked = (quorum?: number): Entry => ({
      kind: 'approval.requested',
      actor: w1,
      subject: 's',
      round: 1,
      by: 'sre',
      digest: 'd1',
      steps: [],
      expiresAtMs: at(9),
      onTimeout: 'skip',
      ...(quorum === undefined ? {} : { quorum }),
    })
    const by = (name: string): Entry => ({
      kind: 'step.approved',
      actor: { is: 'person', name, via: 'cli' },
      subject: 's',
      digest: 'd1',
    })
    const approvalAfter = (...entries: readonly Entry[]) =>
      fold(stampedStream([at(0), started, ...entries])).approvals.get('s')
    expect(approvalAfter(asked(2), by('ann'), by('ann'))).toMatchObject({ is: 'asked', approvedBy: ['ann'] })
    expect(approvalAfter(asked(2), by('ann'), by('bob'))).toMatchObject({ is: 'approved', by: 'ann and bob' })
    expect(approvalAfter(asked(2), by('ann'), asked(2), by('bob'))).toMatchObject({ is: 'asked' })
  })

  test('an approval of whoever has started it does not count where the question says so, whoever let it in', () => {
    const startedByAnn: Entry = {
      ...started,
      occasion: { is: 'manual', by: 'ann', key: 'k', reason: 'r' },
    } as Entry
    const asked: Entry = {
      kind: 'approval.requested',
      actor: w1,
      subject: 's',
      round: 1,
      by: 'sre',
      digest: 'd1',
      steps: [],
      expiresAtMs: at(9),
      onTimeout: 'skip',
      notSelf: true,
    }
    const own: Entry = { kind: 'step.approved', actor: ann, subject: 's', digest: 'd1' }
    expect(fold(stampedStream([at(0), startedByAnn, asked, own])).approvals.get('s')).toMatchObject({
      is: 'asked',
    })
  })

  test('pages are numbered by their order and know what they are about', () => {
    const page = (id: string): Entry => ({
      kind: 'execution.escalated',
      actor: w1,
      page: id,
      to: 'oncall@sre',
      reason: 'r',
      step: 's',
    })
    expect(fold(stampedStream([at(0), started, page('page-1'), page('page-2')])).pages).toEqual([
      { id: 'page-1', to: 'oncall@sre', reason: 'r', step: 's' },
      { id: 'page-2', to: 'oncall@sre', reason: 'r', step: 's' },
    ])
  })

  test('facts of the incident say nothing about an execution', () => {
    const before = fold(stampedStream([at(0), started]))
    expect(fold(stampedStream([at(0), started, { kind: 'incident.noted', actor: ann, note: 'x' }]))).toEqual(
      before,
    )
  })

  test('an actor is called by name, by the product, or by its source', () => {
    expect([ann, w1, cloudwatch].map(nameOf)).toEqual(['ann', 'firebreak', 'cloudwatch'])
  })
})

describe('every prefix of a stream that was really written', () => {
  const streams = [spike, approvals, byHand].flatMap((records) => [
    ...Map.groupBy(stamped(records()), (entry) => entry.stream).values(),
  ])

  test('folds; what is settled stays settled, and what has ended stays ended', () => {
    for (const entries of streams) {
      let settled: ReadonlySet<string> = new Set()
      let ended = false
      for (let length = 0; length <= entries.length; length++) {
        const execution = fold(entries.slice(0, length))
        const now = new Set(
          [...execution.steps].filter(([, state]) => isSettled(state)).map(([step]) => step),
        )
        expect([...settled].filter((step) => !now.has(step))).toEqual([])
        expect(ended && !isEnded(execution)).toBe(false)
        settled = now
        ended = isEnded(execution)
      }
    }
  })
})

test('going on from a state makes what folding from the beginning makes, and leaves that state alone', () => {
  const entries: readonly Stamped[] = [spike, approvals, byHand].flatMap((records) => stamped(records()))
  fc.assert(
    fc.property(fc.shuffledSubarray([...entries]), fc.nat({ max: entries.length }), (some, cut) => {
      const before = fold(some.slice(0, cut))
      expect(foldOn(before, some.slice(cut))).toEqual(fold(some))
      expect(before).toEqual(fold(some.slice(0, cut)))
    }),
  )
})

test('entries in whatever order never make it throw', () => {
  const entries: readonly Stamped[] = [spike, approvals, byHand].flatMap((records) => stamped(records()))
  fc.assert(
    fc.property(fc.shuffledSubarray([...entries]), (some) => {
      fold(some)
    }),
  )
})
