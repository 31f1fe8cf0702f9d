import { fold } from '../../lib/execution/fold.ts'
import { stateOf } from '../../lib/execution/state.ts'
import type { Entry } from '../../lib/ledger/entry.ts'
import { stampedOf, type Told, type WorkerLife } from './told.ts'

/** A message that was lost on purpose, or a pause: what is looked at again after it may come until then. */
export interface Delay {
  readonly stream?: string
  readonly fromMs: number
  readonly untilMs: number
}

interface Seen {
  readonly streams: ReadonlyMap<string, Told>
  readonly workers: ReadonlyMap<string, WorkerLife>
  readonly delays: readonly Delay[]
}

type ToldEntry = Told['entries'][number]

/** CORE.md 1.9: a wait ends by its time, or by when a dead worker's lease has ended, and the sweep's minute. */
const LATE_MS = 75_000
/** The message of a wait is on its way before the wait is on record, so that nobody's death between the two delays it. */
const WOKEN_MS = 30_000
/** A second worker that polls the same stream at that moment may put the sweep off by one more round. */
const TAKEOVER_LATE_MS = 135_000
/** What was woken in vain, since the message was lost, the sweep wakes again after 45 s and its minute. */
export const LOST_MS = 135_000
/** While everything is paused it is looked at once a minute. */
export const PAUSED_MS = 60_000 + WOKEN_MS
/** A sweep that carries a start on keeps others away for its own time and the next sweep's. */
const CARRIED_MS = 105_000
/** A lease outlives its worker by 2 s, and its effect may be unseen for 15 s more; messages take whole seconds. */
const AFTER_DEATH_MS = 20_000
/** A message is visible again after six times a worker's time, and taken up within the half minute of a wake. */
const AGAIN_MS = 180_000 + WOKEN_MS
/** Workers date their records by clocks that are off by so much. */
const SKEW_MS = 500

/** Holds what has to happen by a time against when it happened (CORE.md 2, check 6). */
export function watchLateness({ streams, workers, delays }: Seen, wrong: (what: string) => void): void {
  const excused = [...workers].flatMap(([id, life]) => {
    const untilMs = excuseOf(life)
    return untilMs === undefined ? [] : [{ id, ...life, untilMs }]
  })

  /**
   * Whoever wrote what is waited for may have died of it: the wake is on its way by then. Who began after that one may delay
   * it, even before the record: the wake may have overtaken a writer that froze. And whoever has taken it up in time may
   * have been frozen itself.
   */
  function judge(
    stream: string,
    { what, since, byMs, messageLater, isDecision }: Expected,
    told: ToldEntry,
  ): void {
    const atMs = Math.min(told.atMs, workers.get(workerOf(told.entry))?.beganAtMs ?? Infinity)
    const author = since.by ?? workerOf(since.entry)
    const fromMs = workers.get(author)?.beganAtMs ?? since.atMs - SKEW_MS
    const excuses = excused.filter(
      ({ id, beganAtMs }) => (id !== author || messageLater) && beganAtMs >= fromMs && beganAtMs < atMs,
    )
    const held = delays.filter(
      (one) => (one.stream ?? stream) === stream && one.untilMs >= fromMs && one.fromMs < atMs,
    )
    // Who decided died before HEAD told of it, and so did who heard of it first: its message comes once more.
    const isUntold = isDecision && workers.get(author)?.ended !== 'well'
    const until = excuses.map(({ ended, beganAtMs, untilMs }) =>
      isUntold && ended !== 'well' ? beganAtMs + AGAIN_MS : untilMs,
    )
    const lastMs = Math.max(byMs, ...until, ...held.map(({ untilMs }) => untilMs))
    if (atMs > lastMs)
      wrong(`${stream}: ${what} came ${Math.ceil((atMs - lastMs) / 1000)} s too late (check 6)`)
  }

  /** A message leaves before its record with the delay of that moment: who froze in between has it come later by as much. */
  function tookMs(since: ToldEntry): number {
    const author = workers.get(since.by ?? workerOf(since.entry))
    return author ? since.putAtMs - author.beganAtMs : 0
  }

  for (const told of streams.values()) {
    if (told.stream === 'incident') continue
    for (const [index, one] of told.entries.entries()) {
      const expected = expectedBy(told, index, one, tookMs)
      if (expected) judge(told.stream, expected, expected.told ?? one)
    }
  }
}

interface Expected {
  readonly what: string
  /** What it follows from. */
  readonly since: ToldEntry
  readonly byMs: number
  /** Another than the entry itself. */
  readonly told?: ToldEntry
  /** Its message leaves only after it, so that its author's death may delay it as well. */
  readonly messageLater?: true
  /** It is a person's, and HEAD tells of it last. */
  readonly isDecision?: true
}

/** By when an entry, or what follows from it, had to be there. */
function expectedBy(
  told: Told,
  index: number,
  { entry }: ToldEntry,
  tookMs: (since: ToldEntry) => number,
): Expected | undefined {
  const { entries } = told
  switch (entry.kind) {
    case 'step.waited': {
      const since = entries.find(
        ({ entry: other }) => other.kind === 'step.waiting' && other.waitId === entry.waitId,
      )
      if (since?.entry.kind !== 'step.waiting' || since.entry.blocked) return undefined
      const byMs = since.entry.wakeAtMs + tookMs(since) + WOKEN_MS
      return { what: `the end of ${entry.step}`, since, byMs }
    }
    case 'approval.expired': {
      const since = entries.findLast(
        ({ entry: other }, at) =>
          at < index && other.kind === 'approval.requested' && other.subject === entry.subject,
      )
      if (since?.entry.kind !== 'approval.requested') return undefined
      const what = `the end of the time to decide about ${entry.subject}`
      // Whoever asks puts that on record with the page about it, which goes out before the turn ends.
      return { what, since, byMs: since.entry.expiresAtMs + tookMs(since) + WOKEN_MS, messageLater: true }
    }
    case 'worker.tookover': {
      const since = entries.findLast(
        ({ entry: other }) => other.kind === 'step.intended' && other.worker === entry.from,
      )
      if (since?.entry.kind !== 'step.intended') return undefined
      const carriedMs = isStartByHand(since, entries) ? CARRIED_MS : 0
      const byMs = since.entry.leaseUntilMs + since.entry.settleMs + TAKEOVER_LATE_MS + carriedMs
      return { what: `the takeover from ${entry.from}`, since, byMs }
    }
    case 'step.approved': {
      const after = fold(stampedOf({ ...told, entries: entries.slice(0, index + 1) }))
      // It takes more people: nothing follows yet.
      return after.approvals.get(entry.subject)?.is === 'asked' ? undefined : followed(told, index)
    }
    case 'step.denied':
    case 'execution.aborted':
      return followed(told, index)
    default:
      return undefined
  }
}

/** The message of a decision is on its way before the decision is on record; who is at it by then has its time. */
function followed({ entries, ...told }: Told, index: number): Expected | undefined {
  const since = entries[index]
  const next = entries.slice(index + 1).find(({ entry }) => entry.actor.is === 'engine')
  if (!since || !next) return undefined
  const before = fold(stampedOf({ ...told, entries: entries.slice(0, index) }))
  const busyMs = [...before.steps.keys()].map((step) => {
    const state = stateOf(before, step)
    if (state.is === 'open') return state.leaseUntilMs + state.settleMs + TAKEOVER_LATE_MS
    return state.is === 'again' ? state.dueAtMs + WOKEN_MS : 0
  })
  const what = `what follows from ${since.entry.kind} at ${since.seq}`
  const byMs = Math.max(since.putAtMs + WOKEN_MS, ...busyMs)
  return { what, since, byMs, told: next, isDecision: true }
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

function workerOf({ actor }: Entry): string {
  return actor.is === 'engine' ? actor.worker : ''
}
