import type { Item, Storage } from './storage.ts'

/**
 * One item for each AWS service, account and region whose calls go unanswered. Nothing reads or writes it while all is well:
 * it is touched only by a step that has just met an outage, and by one that was held up by it.
 */
interface Breaker {
  /** Times of outages that were met while it is closed, within the window. */
  readonly failures: readonly number[]
  readonly open?: {
    readonly sinceMs: number
    readonly untilMs: number
    readonly coolOffMs: number
    readonly reason: string
    /** The one stream that tries, and until when it may be at it. */
    readonly probe?: { readonly by: string; readonly untilMs: number }
  }
}

export type BreakerAnswer =
  | { readonly is: 'closed' }
  /** It was open and the cool-off is over: this stream, and no other, may try. */
  | { readonly is: 'probe' }
  | {
      readonly is: 'open'
      readonly sinceMs: number
      /** Not to be asked again before. */
      readonly untilMs: number
      readonly reason: string
    }

/** So many outages within the window open it: more than one lost packet, and less than the attempts of two steps. */
export const OPENS_AFTER = 3
export const WINDOW_MS = 120_000
/** How long nobody tries; doubles with each probe that fails. */
export const COOL_OFF_MS = 30_000
export const MAX_COOL_OFF_MS = 240_000

const pkOf = (key: string) => `BREAKER#${key}`

/**
 * A call of this stream was not answered, or answered by the service's own trouble. `opens`: the breaker does not wait for
 * further ones, since the step has no attempts left for them.
 */
export async function noteOutage(
  storage: Storage,
  key: string,
  met: { readonly by: string; readonly reason: string; readonly opens?: boolean },
  nowMs: number,
): Promise<BreakerAnswer> {
  return change(storage, key, ({ failures, open }) => {
    if (open && nowMs < open.untilMs && open.probe?.by !== met.by) return { answer: answerOf(open) }
    if (open) {
      // A probe failed, or somebody who did not know has tried after the cool-off.
      const coolOffMs = Math.min(MAX_COOL_OFF_MS, 2 * open.coolOffMs)
      const again = { sinceMs: open.sinceMs, untilMs: nowMs + coolOffMs, coolOffMs, reason: met.reason }
      return { next: { failures: [], open: again }, answer: answerOf(again) }
    }
    const recent = [...failures.filter((atMs) => atMs > nowMs - WINDOW_MS), nowMs]
    if (recent.length < OPENS_AFTER && !met.opens)
      return { next: { failures: recent }, answer: { is: 'closed' } }
    const opened = {
      sinceMs: nowMs,
      untilMs: nowMs + COOL_OFF_MS,
      coolOffMs: COOL_OFF_MS,
      reason: met.reason,
    }
    return { next: { failures: [], open: opened }, answer: answerOf(opened) }
  })
}

/** Asks for a stream that it has held up: may it go on? Of all that ask after the cool-off one may, until `untilMs`. */
export async function askBreaker(
  storage: Storage,
  key: string,
  asking: { readonly by: string; readonly untilMs: number },
  nowMs: number,
): Promise<BreakerAnswer> {
  return change(storage, key, ({ open }) => {
    if (!open) return { answer: { is: 'closed' } }
    if (nowMs < open.untilMs) return { answer: answerOf(open) }
    if (open.probe && open.probe.by !== asking.by && nowMs < open.probe.untilMs)
      return { answer: { ...answerOf(open), untilMs: open.probe.untilMs } }
    const probe = { by: asking.by, untilMs: asking.untilMs }
    return { next: { failures: [], open: { ...open, probe } }, answer: { is: 'probe' } }
  })
}

/** The service has answered the stream that probed it. */
export async function closeBreaker(storage: Storage, key: string): Promise<void> {
  await change(storage, key, ({ open }) =>
    open ? { next: { failures: [] }, answer: { is: 'closed' } } : { answer: { is: 'closed' } },
  )
}

function answerOf({ sinceMs, untilMs, reason }: NonNullable<Breaker['open']>) {
  return { is: 'open', sinceMs, untilMs, reason } as const
}

interface Decided {
  /** Absent: nothing changes, and nothing is written. */
  readonly next?: Breaker
  readonly answer: BreakerAnswer
}

async function change(
  storage: Storage,
  key: string,
  decide: (breaker: Breaker) => Decided,
): Promise<BreakerAnswer> {
  let existing = await storage.get(pkOf(key), 'BREAKER')
  for (;;) {
    const decided = decide(existing ? (JSON.parse(existing.body) as Breaker) : { failures: [] })
    if (decided.next === undefined) return decided.answer
    const version = existing?.version ?? 0
    const item: Item = {
      pk: pkOf(key),
      sk: 'BREAKER',
      version: version + 1,
      body: JSON.stringify(decided.next),
    }
    const answer = await storage.put(item, existing ? { is: 'version', equals: version } : { is: 'absent' })
    if (answer.is === 'put') return decided.answer
    existing = answer.existing
  }
}
