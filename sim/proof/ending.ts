import { fold } from '../../lib/execution/fold.ts'
import type { Execution } from '../../lib/execution/state.ts'
import { stepsOf, type Pinned } from '../../lib/runbook/runbook.ts'
import type { Deployment } from '../applications.ts'
import { brokenChains, looseEnds } from '../loose-ends.ts'
import type { Entry } from '../../lib/ledger/entry.ts'
import type { Standing, Touched } from './standing.ts'
import { alarmOf, keysUnder, stampedOf, type Told, type WorkerLife } from './told.ts'
import { watchValues } from './values.ts'

/** What a run has come to. */
export interface Ending {
  /** Wakes were lost on purpose, so that a wait may have ended later. */
  readonly losesWakes: boolean
  readonly standing: Standing
  /** From then on nothing went wrong any more. */
  readonly quietAtMs: number
  /** Alarms that still stand. */
  readonly alarming: ReadonlySet<string>
  /** Every deployment that was made. */
  readonly deployments: readonly Deployment[]
}

export interface Seen {
  readonly streams: ReadonlyMap<string, Told>
  readonly workers: ReadonlyMap<string, WorkerLife>
  readonly pinned: ReadonlyMap<string, Pinned>
  readonly touched: Touched
}

/** CORE.md 1.9: a wait ends by its time, or by when a dead worker's lease has ended, and the sweep's minute. */
const LATE_MS = 75_000
/** The message of a wait is on its way before the wait is on record, so that nobody's death between the two delays it. */
const WOKEN_MS = 30_000
/** A second worker that polls the same stream at that moment may put the sweep off by one more round. */
const TAKEOVER_LATE_MS = 135_000
/** A sweep that carries a start on keeps others away for its own time and the next sweep's. */
const CARRIED_MS = 105_000
/** A lease outlives its worker by 2 s, and its effect may be unseen for 15 s more; messages take whole seconds. */
const AFTER_DEATH_MS = 20_000
/** Workers date their records by clocks that are off by so much. */
const SKEW_MS = 500

/** What can be said only when everything had its time. */
export function watchEnd(seen: Seen, ending: Ending, wrong: (what: string) => void): void {
  for (const told of seen.streams.values()) {
    if (told.stream === 'incident') continue
    const execution = fold(stampedOf(told))
    const mayWait = keysUnder(told, seen.streams).some((key) => ending.alarming.has(alarmOf(key)))
    for (const what of looseEnds(told.stream, execution, mayWait)) wrong(`${what} (check 6)`)
    for (const step of unmentioned(execution, seen.pinned))
      wrong(`${told.stream} has ended, and nothing is on record of ${step} (check 4)`)
  }
  if (!ending.losesWakes) late(seen, wrong)
  for (const what of brokenChains(seen.streams.values())) wrong(`${what} (check 3)`)
  watchValues(seen, ending.standing, wrong)
}

/** Steps of the runbook of which an execution that went through to its end says nothing. */
function unmentioned({ header, status, steps }: Execution, pinned: Seen['pinned']): readonly string[] {
  if (header?.kind !== 'execution.started' || status.is !== 'finished') return []
  if (status.outcome !== 'succeeded' && status.outcome !== 'failed') return []
  const runbook = pinned.get(header.runbookHash)?.runbook ?? { steps: [] }
  return stepsOf(runbook).flatMap(({ id }) => (steps.has(id) ? [] : [id]))
}

function late({ streams, workers }: Seen, wrong: (what: string) => void): void {
  const excused = [...workers].flatMap(([id, life]) => {
    const untilMs = excuseOf(life)
    return untilMs === undefined ? [] : [{ id, beganAtMs: life.beganAtMs, untilMs }]
  })
  /**
   * Whoever wrote what is waited for may have died of it: the wake is on its way by then. Who began after that one may delay
   * it, even before the record: the wake may have overtaken a writer that froze. And whoever has taken it up in time may
   * have been frozen itself.
   */
  const judge = (what: string, author: string, sinceMs: number, byMs: number, told: ToldEntry) => {
    const atMs = Math.min(told.atMs, workers.get(workerOf(told.entry))?.beganAtMs ?? Infinity)
    const fromMs = workers.get(author)?.beganAtMs ?? sinceMs - SKEW_MS
    const excuses = excused.filter(
      ({ id, beganAtMs }) => id !== author && beganAtMs >= fromMs && beganAtMs < atMs,
    )
    const lastMs = Math.max(byMs, ...excuses.map(({ untilMs }) => untilMs))
    if (atMs > lastMs) wrong(`${what} came ${Math.ceil((atMs - lastMs) / 1000)} s too late (check 6)`)
  }
  for (const { stream, entries } of streams.values()) {
    for (const told of entries) {
      const { entry } = told
      if (entry.kind === 'step.waited') {
        const wait = entries.find(
          ({ entry: other }) => other.kind === 'step.waiting' && other.waitId === entry.waitId,
        )
        if (wait?.entry.kind !== 'step.waiting' || wait.entry.blocked) continue
        const what = `${stream}: the end of ${entry.step}`
        judge(what, workerOf(wait.entry), wait.atMs, wait.entry.wakeAtMs + WOKEN_MS, told)
      }
      if (entry.kind === 'worker.tookover') {
        const left = entries.findLast(
          ({ entry: other }) => other.kind === 'step.intended' && other.worker === entry.from,
        )
        if (left?.entry.kind !== 'step.intended') continue
        const { leaseUntilMs, settleMs } = left.entry
        const what = `${stream}: the takeover from ${entry.from}`
        const byMs =
          leaseUntilMs + settleMs + TAKEOVER_LATE_MS + (isStartByHand(left, entries) ? CARRIED_MS : 0)
        judge(what, entry.from, left.atMs, byMs, told)
      }
    }
  }
}

/** HEAD does not tell of the first record of a start by hand where its worker died over it: the sweep carries the start on. */
function isStartByHand({ seq }: ToldEntry, [first]: Told['entries']): boolean {
  return seq === 0 && first?.entry.kind === 'execution.started' && first.entry.occasion.is === 'manual'
}

/** Until when what a worker held up may come: one that died; or one of whose I/Os one failed or froze, and the next sweep makes up for it. */
function excuseOf({ ended, hit, deadlineAtMs, endedAtMs = deadlineAtMs }: WorkerLife): number | undefined {
  if (ended !== 'well') return deadlineAtMs + AFTER_DEATH_MS + LATE_MS
  return hit ? endedAtMs + LATE_MS : undefined
}

type ToldEntry = Told['entries'][number]

function workerOf({ actor }: Entry): string {
  return actor.is === 'engine' ? actor.worker : ''
}
