import { rungsOf } from '../../lib/execution/paging.ts'
import { pagingStreamOf } from '../../lib/ids.ts'
import type { EntryOf } from '../../lib/ledger/entry.ts'
import { hasEnded, type Told, type WorkerLife } from './told.ts'

interface Seen {
  readonly streams: ReadonlyMap<string, Told>
  readonly workers: ReadonlyMap<string, WorkerLife>
}

type PagingStarted = EntryOf<'paging.started'>
type ToldEntry = Told['entries'][number]

/**
 * A level is paged no later than this after the one before it had its time. Beside the sweep's minute it allows for a dead
 * worker's lease and for what is lost on the way: what comes later than that was forgotten.
 */
const LATE_MS = 6 * 60_000

/** Holds pages that are repeated until somebody answers against what they promise: no level is lost, none comes early, none after an answer. */
export function watchPagings({ streams, workers }: Seen, wrong: (what: string) => void): void {
  for (const told of streams.values()) {
    const header = told.entries[0]?.entry
    if (header?.kind === 'paging.started') watchOne(told, header)
    else for (const { entry } of told.entries) if (entry.kind === 'step.intended') followed(told, entry)
  }

  /** Whoever pages a team that is to answer has begun what follows. */
  function followed(told: Told, { step, change }: EntryOf<'step.intended'>): void {
    if (typeof change.after !== 'object' || change.after === null || !('paging' in change.after)) return
    // A page is sent only when what follows it has begun: one that was left out after an abort was not.
    if (told.entries.some(({ entry }) => entry.kind === 'step.skipped' && entry.step === step)) return
    const stream = pagingStreamOf(told.stream, step)
    if (!streams.has(`${told.incidentId}/${stream}`))
      wrong(`${told.stream}: ${step} pages somebody who is to answer, and there is no ${stream} (check 6)`)
  }

  function watchOne(told: Told, header: PagingStarted): void {
    const answeredAtMs = answersOf(told)
    let dueAtMs = header.startedAtMs
    let putAtMs = told.entries[0]?.putAtMs ?? 0
    for (const [index, { step, forMs }] of rungsOf(header).entries()) {
      const intent = told.entries.find(({ entry }) => entry.kind === 'step.intended' && entry.step === step)
      const result = told.entries.find(
        ({ entry }) => isResult(entry) && 'step' in entry && entry.step === step,
      )
      if (index > 0) {
        if (!intent && !result) return missing(told, header, step, answeredAtMs)
        if (intent) paged(told, step, intent, { dueAtMs, putAtMs, answeredAtMs })
      }
      if (!result) return
      putAtMs = result.putAtMs
      dueAtMs =
        result.entry.kind === 'step.failed' ? 0 : (index === 0 ? header.startedAtMs : result.atMs) + forMs
    }
  }

  function paged(
    told: Told,
    step: string,
    { entry, atMs, putAtMs }: ToldEntry,
    before: { readonly dueAtMs: number; readonly putAtMs: number; readonly answeredAtMs: readonly number[] },
  ): void {
    if (atMs < before.dueAtMs - 2 * SKEW_MS)
      wrong(`${told.stream}: ${step} is paged ${before.dueAtMs - atMs} ms before its time (check 7)`)
    const waited = told.entries.some((one) => one.entry.kind === 'step.waiting' && one.entry.step === step)
    if (!waited && putAtMs > Math.max(before.dueAtMs, before.putAtMs) + LATE_MS)
      wrong(`${told.stream}: ${step} is paged late (check 6)`)
    const beganAtMs = entry.kind === 'step.intended' ? workers.get(entry.worker)?.beganAtMs : undefined
    const answer = before.answeredAtMs.find((answered) => answered < (beganAtMs ?? 0))
    if (answer !== undefined)
      wrong(`${told.stream}: ${step} is paged by a worker that began after the answer (check 7)`)
  }

  /** A level that was not paged: somebody has answered, the incident is over, or another page to the team goes on. */
  function missing(told: Told, { team }: PagingStarted, step: string, answeredAtMs: readonly number[]): void {
    const ended = told.entries.find(({ entry }) => entry.kind === 'execution.finished')
    if (answeredAtMs.length > 0 || told.aborted || ended?.entry.kind !== 'execution.finished') return
    const others = [...streams.values()].some((other) => {
      const theirs = other.entries[0]?.entry
      const isSame = theirs?.kind === 'paging.started' && theirs.team === team
      return isSame && other !== told && other.incidentId === told.incidentId && hasEnded(other)
    })
    if (ended.entry.outcome === 'skipped' && (others || isUnsent(told))) return
    wrong(`${told.stream}: ${step} was never paged, and nobody has answered (check 6)`)
  }

  /** When somebody acknowledged or resolved the incident, by the true time; an answer before a recurrence is none for it. */
  function answersOf({ incidentId }: Told): readonly number[] {
    const own = streams.get(`${incidentId}/incident`)?.entries ?? []
    const recurs = own.some(({ entry }) => entry.kind === 'incident.recurred')
    const answers = own.filter(
      ({ entry }) =>
        entry.kind === 'incident.resolved' || (entry.kind === 'incident.acknowledged' && !recurs),
    )
    return recurs ? answers.slice(-1).map(({ putAtMs }) => putAtMs) : answers.map(({ putAtMs }) => putAtMs)
  }

  /** Its first page was not sent after all: what it belongs to was aborted, or fell to another worker. */
  function isUnsent(told: Told): boolean {
    const header = told.entries[0]?.entry
    if (header?.kind !== 'paging.started') return false
    const origin = streams.get(`${told.incidentId}/${header.origin.stream}`)
    return !origin?.entries.some(
      ({ entry }) => entry.kind === 'step.applied' && entry.step === header.origin.step,
    )
  }
}

/** Workers date their records by clocks that are off by so much. */
const SKEW_MS = 500

function isResult({ kind }: ToldEntry['entry']): boolean {
  return kind === 'step.applied' || kind === 'step.failed' || kind === 'step.skipped'
}
