import { foldIncident, settled, takeOn, transition, type Transition } from '../lib/incident.ts'
import { executionIdFor, incidentIdFor } from '../lib/ids.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import {
  dueOpens,
  firstOpen,
  openOf,
  readOpen,
  replaceOpen,
  type Open,
  type Pending,
} from '../lib/ledger/open.ts'
import { shards } from '../lib/ledger/head.ts'
import type { Runbook, Service } from '../lib/runbook/runbook.ts'
import type { Signal } from '../lib/signal/signal.ts'
import { ann, at, bob, cloudwatch, opened, signal as alarmSignal, w1 } from './timeline/parts.ts'
import { stream, stamped } from './timeline/streams.ts'

const KEEP_OPEN = 300_000
const service: Service = { name: 'api', alarms: ['api-*'], severity: 'sev2', records: {}, metrics: {} }
const runbook: Runbook = {
  runbook: 'api-5xx-spike',
  summary: '',
  service: 'api',
  severity: 'sev2',
  mode: 'auto',
  triggers: [{ is: 'alarm', glob: 'api-*' }],
  holdDownMs: 0,
  cooldownMs: 0,
  keepOpenMs: KEEP_OPEN,
  flapping: { changes: 4, withinMs: 600_000 },
  steps: [],
}
const DUE = at(9_999)

/** A signal of that state, `seconds` after the first onset. */
function signal(state: Signal['state'], seconds: number): Signal {
  return alarmSignal({ signalId: `sig-${state}-${seconds}`, state, stateAtMs: at(seconds) })
}

function move(before: Open | undefined, state: Signal['state'], seconds: number): Transition {
  return transition(before, signal(state, seconds), service, [runbook], DUE)
}

/** OPEN after these changes, each accepted and carried out. */
function after(...changes: readonly (readonly [state: Signal['state'], seconds: number])[]): Open {
  let open: Open | undefined
  for (const [state, seconds] of changes) {
    const moved = move(open, state, seconds)
    if (moved.is !== 'accepted') throw new Error(`${state} at ${seconds} was ${moved.is}`)
    open = settled(moved.open, moved.pending?.signal.signalId ?? '', DUE)
  }
  if (!open) throw new Error('nothing changed')
  return open
}

const effect = (moved: Transition) => (moved.is === 'accepted' ? (moved.pending?.is ?? 'nothing') : moved.is)
const incidentOf = (moved: Transition) => (moved.is === 'accepted' ? moved.open.incidentId : undefined)
const first = incidentIdFor(signal('alarm', 0).key, at(0))

describe('what a signal makes of a dedup key', () => {
  const alarm = after(['alarm', 0])
  const cleared = after(['alarm', 0], ['ok', 100])
  const closed: Open = { ...alarm, closed: true }
  const closedAndClear: Open = { ...cleared, closed: true }
  const flickered = after(['occurred', 0])

  test.each<
    readonly [
      sentence: string,
      before: Open | undefined,
      state: Signal['state'],
      seconds: number,
      effect: string,
    ]
  >([
    ['the first alarm opens an incident', undefined, 'alarm', 0, 'opened'],
    ['the first OK opens nothing', undefined, 'ok', 0, 'nothing'],
    ['missing data opens nothing', undefined, 'insufficient-data', 0, 'nothing'],
    ['an event that only occurs opens an incident', undefined, 'occurred', 0, 'opened'],
    ['the same alarm again is a duplicate', alarm, 'alarm', 0, 'duplicate'],
    ['an older state is stale', alarm, 'ok', -1, 'stale'],
    ['a late duplicate of what was cleared is stale', cleared, 'alarm', 0, 'stale'],
    [
      'a duplicate of the alarm whose incident a person closed is a duplicate',
      closed,
      'alarm',
      0,
      'duplicate',
    ],
    ['an OK clears', alarm, 'ok', 100, 'cleared'],
    ['a second OK changes nothing', cleared, 'ok', 200, 'nothing'],
    ['an alarm while in alarm joins the incident', alarm, 'alarm', 50, 'attached'],
    ['missing data while in alarm joins and clears nothing', alarm, 'insufficient-data', 50, 'attached'],
    ['missing data while clear changes nothing', cleared, 'insufficient-data', 150, 'nothing'],
    [
      'a recurrence within keep-open joins the incident',
      cleared,
      'alarm',
      100 + KEEP_OPEN / 1000 - 1,
      'recurred',
    ],
    ['one at the end of keep-open opens a new one', cleared, 'alarm', 100 + KEEP_OPEN / 1000, 'opened'],
    [
      'a recurrence of what a person closed opens a new one, within keep-open, too',
      closedAndClear,
      'alarm',
      101,
      'opened',
    ],
    ['an event that occurs again within keep-open joins', flickered, 'occurred', 10, 'recurred'],
    ['one that occurs long after opens a new one', flickered, 'occurred', KEEP_OPEN / 1000, 'opened'],
    ['an OK after an event that is over changes nothing', flickered, 'ok', 10, 'nothing'],
  ])('%s', (_sentence, before, state, seconds, expected) => {
    expect(effect(move(before, state, seconds))).toBe(expected)
  })

  test('missing data is not health: the alarm stands, and the OK after it clears', () => {
    const silent = after(['alarm', 0], ['insufficient-data', 50])
    expect(silent).toMatchObject({ state: 'alarm', incidentId: first })
    expect(effect(move(silent, 'ok', 100))).toBe('cleared')
  })

  test('ids are derived from key and onset, so that every delivery derives the same', () => {
    const moved = move(undefined, 'alarm', 0)
    expect(moved).toMatchObject({
      is: 'accepted',
      open: { incidentId: first, onsetAtMs: at(0), keepOpenMs: KEEP_OPEN, dueAtMs: DUE },
      pending: {
        incidentId: first,
        executions: [
          { runbook: 'api-5xx-spike', executionId: executionIdFor(first, 'api-5xx-spike', at(0)) },
        ],
      },
    })
  })

  test('a recurrence keeps the incident and starts its own execution', () => {
    const moved = move(after(['alarm', 0], ['ok', 100]), 'alarm', 150)
    expect(incidentOf(moved)).toBe(first)
    expect(moved.is === 'accepted' && moved.pending?.executions[0]?.executionId).toBe(
      executionIdFor(first, 'api-5xx-spike', at(150)),
    )
  })

  test('a new incident after keep-open has an id of its own', () => {
    expect(incidentOf(move(after(['alarm', 0], ['ok', 100]), 'alarm', 5_000))).toBe(
      incidentIdFor(signal('alarm', 0).key, at(5_000)),
    )
  })

  test('what a person closed stays closed for late signals and is open for the next onset', () => {
    const closedThenClear = after(['alarm', 0], ['ok', 100])
    const moved = move({ ...closedThenClear, closed: true }, 'alarm', 110)
    expect(moved).toMatchObject({ is: 'accepted', open: { state: 'alarm' } })
    expect(moved.is === 'accepted' && moved.open.closed).toBeUndefined()
    expect(incidentOf(moved)).not.toBe(first)
  })

  test('transitions are remembered for flapping, and not without end', () => {
    const changes = Array.from(
      { length: 30 },
      (_unused, index) => [index % 2 === 0 ? 'alarm' : 'ok', index] as const,
    )
    const open = after(...changes)
    expect(open.changes).toHaveLength(20)
    expect(open.changes.at(-1)).toBe(at(29))
    // What only joins is no transition.
    expect(after(['alarm', 0], ['alarm', 1], ['insufficient-data', 2]).changes).toEqual([at(0)])
  })
})

describe('what was accepted and not carried out', () => {
  const accepted = (() => {
    const moved = move(undefined, 'alarm', 0)
    if (moved.is !== 'accepted') throw new Error(moved.is)
    return moved.open
  })()

  test('is repeated by a redelivery of the same signal', () => {
    expect(move(accepted, 'alarm', 0)).toMatchObject({
      is: 'repeat',
      pending: { is: 'opened', incidentId: first },
    })
  })

  test('is repeated even after a later state was accepted', () => {
    const moved = move(accepted, 'ok', 100)
    if (moved.is !== 'accepted') throw new Error(moved.is)
    expect(Object.keys(moved.open.pending)).toEqual(['sig-alarm-0', 'sig-ok-100'])
    expect(move(moved.open, 'alarm', 0)).toMatchObject({ is: 'repeat', pending: { is: 'opened' } })
  })

  test('is due until it is carried out', () => {
    expect(accepted.dueAtMs).toBe(DUE)
    const done = settled(accepted, 'sig-alarm-0', DUE)
    expect(done.pending).toEqual({})
    expect(done).not.toHaveProperty('dueAtMs')
    const both = move(accepted, 'ok', 100)
    if (both.is !== 'accepted') throw new Error(both.is)
    expect(settled(both.open, 'sig-alarm-0', DUE + 1)).toMatchObject({
      dueAtMs: DUE,
      pending: { 'sig-ok-100': { is: 'cleared' } },
    })
    // A version before this one knew one time for all of them.
    const { 'sig-ok-100': { dueAtMs: _due, ...older } = { dueAtMs: 0 } } = both.open.pending
    const before = { ...both.open, pending: { ...both.open.pending, 'sig-ok-100': older as Pending } }
    expect(settled(before, 'sig-alarm-0', DUE + 1)).toHaveProperty('dueAtMs', DUE + 1)
    expect(takeOn(before, DUE - 1, DUE + 9).taken).toMatchObject([{ is: 'cleared' }])
  })

  test('is taken on by a sweep when its own worker has no time any more, and what is later is left alone', () => {
    const later = transition(accepted, signal('ok', 100), service, [runbook], DUE + 60_000)
    if (later.is !== 'accepted') throw new Error(later.is)
    expect(takeOn(later.open, DUE - 1, DUE + 9).taken).toEqual([])
    const { open: next, taken } = takeOn(later.open, DUE, DUE + 90_000)
    expect(taken).toMatchObject([{ signal: { signalId: 'sig-alarm-0' } }])
    expect(next).toMatchObject({ dueAtMs: DUE + 60_000, wakes: later.open.wakes + 1 })
    expect(takeOn(next, DUE + 60_000, DUE + 99_000).taken).toMatchObject([{ is: 'cleared' }])
  })
})

describe('twenty deliveries at once', () => {
  async function deliver(storage: ReturnType<typeof memoryStorage>, one: Signal): Promise<string> {
    let seen: Open | undefined
    for (;;) {
      const moved = transition(seen, one, service, [runbook], DUE)
      if (moved.is !== 'accepted') return moved.is
      const answer = seen
        ? await replaceOpen(storage, seen, moved.open)
        : await firstOpen(storage, moved.open)
      if (answer.is === 'put') return 'accepted'
      seen = openOf(answer.existing)
    }
  }

  test('of one signal are accepted once; the others repeat what is pending', async () => {
    const storage = memoryStorage()
    const results = await Promise.all(Array.from({ length: 20 }, () => deliver(storage, signal('alarm', 0))))
    expect(results.toSorted()).toEqual(['accepted', ...Array<string>(19).fill('repeat')])
    expect(await readOpen(storage, signal('alarm', 0).key)).toMatchObject({ version: 1, incidentId: first })
  })

  test('of twenty transitions in any order leave the newest state and one incident', async () => {
    const storage = memoryStorage()
    const signals = Array.from({ length: 20 }, (_unused, index) =>
      signal(index % 2 === 0 ? 'alarm' : 'ok', index),
    )
    const shuffled = signals.toSorted((a, b) => ((a.stateAtMs * 7) % 19) - ((b.stateAtMs * 7) % 19))
    await Promise.all(shuffled.map((one) => deliver(storage, one)))
    expect(await readOpen(storage, signal('alarm', 0).key)).toMatchObject({ state: 'ok', stateAtMs: at(19) })
  })

  test('what is pending is found by the sweep, and no more when it is carried out', async () => {
    const storage = memoryStorage()
    await deliver(storage, signal('alarm', 0))
    const [due] = await dueOpens(storage, DUE, 10, shards)
    expect(due).toMatchObject({ incidentId: first })
    if (due) await replaceOpen(storage, due, settled(due, 'sig-alarm-0', DUE))
    expect(await dueOpens(storage, DUE, 10, shards)).toEqual([])
  })
})

describe("the incident's own stream", () => {
  const cleared = {
    kind: 'incident.cleared',
    actor: cloudwatch,
    clearedAtMs: at(100),
    signal: signal('ok', 100),
  } as const
  const fold = (...records: Parameters<typeof stream> extends [string, ...infer R] ? R : never) =>
    foldIncident(stamped(stream('incident', ...records)))

  test('is no incident before its first entry', () => {
    expect(foldIncident([])).toBeUndefined()
    expect(fold([at(1), { kind: 'incident.noted', actor: ann, note: 'x' }])).toBeUndefined()
  })

  test('opens, is mitigated once, clears and resolves', () => {
    expect(fold([at(0.7), opened])).toMatchObject({ status: 'open', detectedAtMs: at(0.7), onsetAtMs: at(0) })
    const incident = fold(
      [at(0.7), opened],
      [at(50), { kind: 'incident.mitigated', actor: w1, reason: 'a check' }],
      [at(60), { kind: 'incident.mitigated', actor: bob, reason: 'me, too' }],
      [at(101), cleared],
      [at(401), { kind: 'incident.resolved', actor: w1, how: 'cleared', reason: '' }],
    )
    expect(incident).toMatchObject({
      status: 'resolved',
      mitigatedAtMs: at(50),
      clearedAtMs: at(100),
      resolvedAtMs: at(401),
    })
  })

  test('a recurrence opens it again and takes back that it was clear', () => {
    const incident = fold(
      [at(0.7), opened],
      [at(101), cleared],
      [
        at(200),
        { kind: 'incident.recurred', actor: cloudwatch, onsetAtMs: at(199), signal: signal('alarm', 199) },
      ],
    )
    expect(incident).toMatchObject({ status: 'open' })
    expect(incident).not.toHaveProperty('clearedAtMs')
    expect(incident).not.toHaveProperty('resolvedAtMs')
  })

  test('what an alarm did is ordered by its own times, whenever it is recorded', () => {
    const recurred = {
      kind: 'incident.recurred',
      actor: cloudwatch,
      onsetAtMs: at(199),
      signal: signal('alarm', 199),
    } as const
    const clearedAgain = { ...cleared, clearedAtMs: at(250), signal: signal('ok', 250) }
    const resolved = { kind: 'incident.resolved', actor: w1, how: 'cleared', reason: '' } as const
    expect(
      fold(
        [at(0.7), opened],
        [at(101), cleared],
        [at(251), clearedAgain],
        [at(551), resolved],
        [at(560), recurred],
      ),
    ).toMatchObject({ status: 'resolved', clearedAtMs: at(250) })
    expect(fold([at(0.7), opened], [at(200), recurred], [at(201), cleared])).not.toHaveProperty('clearedAtMs')
    // An older clearing does not take the place of a newer one, or the recurrence between them would open it again.
    expect(
      fold([at(0.7), opened], [at(251), clearedAgain], [at(260), cleared], [at(261), recurred]),
    ).toMatchObject({ clearedAtMs: at(250) })
  })

  test('what a person has closed is not opened again by a recurrence that is recorded late', () => {
    const recurred = (seconds: number) =>
      ({
        kind: 'incident.recurred',
        actor: cloudwatch,
        onsetAtMs: at(seconds),
        signal: signal('alarm', seconds),
      }) as const
    const closed = { kind: 'incident.resolved', actor: bob, how: 'person', reason: '' } as const
    // It was over when a newer one came, or had come before the person looked.
    for (const entries of [
      [[at(0.7), opened] as const, [at(300), recurred(300)] as const, [at(301), closed] as const],
      [[at(0.7), opened] as const, [at(101), cleared] as const, [at(200), closed] as const],
    ])
      expect(fold(...entries, [at(400), recurred(199)])).toMatchObject({
        status: 'resolved',
        resolvedBy: 'person',
      })
    expect(fold([at(0.7), opened], [at(200), closed], [at(400), recurred(201)])).toMatchObject({
      status: 'open',
    })
  })

  test('what is resolved is not made less by a late check', () => {
    expect(
      fold(
        [at(0.7), opened],
        [at(20), { kind: 'incident.resolved', actor: bob, how: 'person', reason: '' }],
        [at(30), { kind: 'incident.mitigated', actor: w1, reason: '' }],
      ),
    ).toMatchObject({ status: 'resolved', resolvedAtMs: at(20) })
  })

  test('knows every signal that it has recorded, so that a repeat adds nothing', () => {
    expect([...(fold([at(0.7), opened], [at(101), cleared])?.signalIds ?? [])]).toEqual([
      'sig-1',
      'sig-ok-100',
    ])
  })
})
