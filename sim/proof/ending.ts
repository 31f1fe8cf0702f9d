import { fold } from '../../lib/execution/fold.ts'
import type { Execution } from '../../lib/execution/state.ts'
import { stepsOf, type Pinned } from '../../lib/runbook/runbook.ts'
import type { Deployment } from '../applications.ts'
import { brokenChains, looseEnds } from '../loose-ends.ts'
import { watchLateness, type Delay } from './lateness.ts'
import { watchPagings } from './pagings.ts'
import type { Standing, Touched } from './standing.ts'
import { alarmOf, keysUnder, stampedOf, type Told, type WorkerLife } from './told.ts'
import { watchValues } from './values.ts'

/** What a run has come to. */
export interface Ending {
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
  readonly delays: readonly Delay[]
}

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
  watchLateness(seen, wrong)
  watchPagings(seen, wrong)
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
