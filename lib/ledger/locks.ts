import type { Json } from '../json.ts'
import type { Storage } from './storage.ts'

/** The last change of a target that an undo may put back; who changes the target next inherits `before` from it. */
export interface Outstanding {
  /** The target's label: a lock may stand over several, such as the records of one weighted group. */
  readonly target?: string
  readonly before: Json
  readonly after: Json
  /** The execution whose undo would put it back. */
  readonly by: string
  /** The executions on whose change it was built: their undo is part of this one's. */
  readonly over?: readonly string[]
  /** It was built on a value that nobody of us had set: whoever changed the target before it cannot be put back any more. */
  readonly replaced?: true
}

interface LockBody {
  readonly key: string
  /** The stream that holds it, and the incident in which that stream's records stand. */
  readonly owner: string
  readonly incidentId: string
  readonly expiresAtMs: number
  readonly releasedAtMs?: number
  /** When a change under it was last known to be made, by whomever. */
  readonly changedAtMs?: number
  /** The token of the first take since the owner holds it without a break; absent where that is the item's own. */
  readonly sinceToken?: number
  readonly outstanding?: Outstanding
  /** Outstanding changes of other targets under the same lock. */
  readonly others?: readonly Outstanding[]
}

/** A lock that is ours. The token is a counter: a late write of anybody before us misses. */
export interface HeldLock {
  readonly key: string
  readonly token: number
  readonly outstanding?: Outstanding
  /** Outstanding changes of other targets under the same lock: they go back with it as they are. */
  readonly others?: readonly Outstanding[]
  /** When a change under it was last known to be made: goes back with it. */
  readonly changedAtMs?: number
  /** The target may have been changed while we looked: observe it again. */
  readonly observeAgain: boolean
  /**
   * It was held already, by another worker of the same stream or by this one: who finds that there is nothing to do leaves
   * it, since the other may be at its change.
   */
  readonly shared?: true
}

export type TakeResult =
  | { readonly is: 'held'; readonly lock: HeldLock }
  | { readonly is: 'busy'; readonly owner: string; readonly incidentId: string; readonly expiresAtMs: number }
  /** It is free, but until then reads may still show what stood before the last change under it. */
  | { readonly is: 'settling'; readonly untilMs: number }

/** An observation made before the take still counts when the lock has been free for so long (CORE.md 1.7). */
const QUIET_MS = 60_000

const pkOf = (key: string) => `LOCK#${key}`

/** What an owner that never gave the lock back has left: its changes under it since that token, on top of what stood there. */
export type LeftBehind = (
  owner: { readonly stream: string; readonly incidentId: string },
  sinceToken: number,
  outstanding: readonly Outstanding[],
) => Promise<readonly Outstanding[]>

function bodyOf(item: { readonly body: string }): LockBody {
  return JSON.parse(item.body) as LockBody
}

/**
 * Takes or renews the lock on a target. `mayStealFrom` decides about an expired lock whose owner never released it: it may
 * be stolen only when the owner's stream has no open intent. `leftBehind` then reads from that stream what its release
 * would have written (CORE.md 1.8).
 */
export async function takeLock(
  storage: Storage,
  wanted: {
    readonly key: string
    readonly owner: string
    readonly incidentId: string
    readonly expiresAtMs: number
    readonly target?: string
    /** How long reads of the target may be behind a change (`timing.staleMs`). */
    readonly staleMs: number
    /** When its owner itself last changed what is under it, as far as its own records tell. */
    readonly changedAtMs?: number
  },
  nowMs: number,
  mayStealFrom: (owner: string, incidentId: string) => Promise<boolean>,
  leftBehind: LeftBehind = async (_owner, _sinceToken, outstanding) => outstanding,
): Promise<TakeResult> {
  const body = {
    key: wanted.key,
    owner: wanted.owner,
    incidentId: wanted.incidentId,
    expiresAtMs: wanted.expiresAtMs,
  }
  const first = await storage.put(
    { pk: pkOf(wanted.key), sk: 'LOCK', version: 1, body: JSON.stringify(body) },
    { is: 'absent' },
  )
  if (first.is === 'put') return { is: 'held', lock: { key: wanted.key, token: 1, observeAgain: false } }
  let existing = first.existing
  for (;;) {
    const old = bodyOf(existing)
    const busy = {
      is: 'busy',
      owner: old.owner,
      incidentId: old.incidentId,
      expiresAtMs: old.expiresAtMs,
    } as const
    if (old.releasedAtMs === undefined && old.owner !== wanted.owner) {
      if (old.expiresAtMs > nowMs || !(await mayStealFrom(old.owner, old.incidentId))) return busy
    }
    const changedAtMs = lastChange(old, wanted)
    if (nowMs < changedAtMs + wanted.staleMs) return { is: 'settling', untilMs: changedAtMs + wanted.staleMs }
    const seen = existing.version ?? 0
    const sinceToken = old.sinceToken ?? seen
    const stood = [...(old.outstanding === undefined ? [] : [old.outstanding]), ...(old.others ?? [])]
    const left =
      old.releasedAtMs === undefined
        ? await leftBehind({ stream: old.owner, incidentId: old.incidentId }, sinceToken, stood)
        : stood
    const kept = {
      ...sorted(left, wanted.target),
      ...(old.changedAtMs === undefined ? {} : { changedAtMs: old.changedAtMs }),
    }
    // An older worker of the same execution does not shorten what a younger one has taken.
    const held =
      old.releasedAtMs === undefined && old.owner === wanted.owner
        ? { sinceToken, expiresAtMs: Math.max(old.expiresAtMs, wanted.expiresAtMs) }
        : {}
    const answer = await storage.put(
      {
        pk: pkOf(wanted.key),
        sk: 'LOCK',
        version: seen + 1,
        body: JSON.stringify({ ...body, ...held, ...kept }),
      },
      { is: 'version', equals: seen },
    )
    if (answer.is === 'put') {
      const quiet = old.releasedAtMs !== undefined && nowMs - old.releasedAtMs > QUIET_MS
      const isShared = old.releasedAtMs === undefined && old.owner === wanted.owner && old.expiresAtMs > nowMs
      const lock = { key: wanted.key, token: seen + 1, observeAgain: !quiet, ...kept }
      return { is: 'held', lock: isShared ? { ...lock, shared: true } : lock }
    }
    existing = answer.existing
  }
}

/** Of an owner that never gave it back nothing is known but that it changed nothing after the lock was over. */
function lastChange(
  old: LockBody,
  wanted: { readonly owner: string; readonly changedAtMs?: number },
): number {
  const isStolen = old.releasedAtMs === undefined && old.owner !== wanted.owner
  return Math.max(old.changedAtMs ?? 0, wanted.changedAtMs ?? 0, isStolen ? old.expiresAtMs : 0)
}

/** The target's own outstanding change, and those of others. */
function sorted(
  all: readonly Outstanding[],
  target: string | undefined,
): Pick<HeldLock, 'outstanding' | 'others'> {
  const isOwn = (one: Outstanding) =>
    one.target === undefined || target === undefined || one.target === target
  const outstanding = all.find(isOwn)
  const others = all.filter((one) => !isOwn(one))
  return { ...(outstanding === undefined ? {} : { outstanding }), ...(others.length === 0 ? {} : { others }) }
}

/**
 * Gives the lock back, after the result is on record; conditional on our token, so it misses when somebody stole it.
 * `outstanding` replaces what stood there; `undefined` leaves none.
 */
export async function releaseLock(
  storage: Storage,
  lock: Pick<HeldLock, 'key' | 'token' | 'others' | 'changedAtMs'>,
  owner: { readonly stream: string; readonly incidentId: string },
  nowMs: number,
  outstanding: Outstanding | undefined,
): Promise<void> {
  const body: LockBody = {
    key: lock.key,
    owner: owner.stream,
    incidentId: owner.incidentId,
    expiresAtMs: nowMs,
    releasedAtMs: nowMs,
    ...(outstanding === undefined ? {} : { outstanding }),
    ...(lock.others === undefined ? {} : { others: lock.others }),
    ...(lock.changedAtMs === undefined ? {} : { changedAtMs: lock.changedAtMs }),
  }
  await storage.put(
    { pk: pkOf(lock.key), sk: 'LOCK', version: lock.token + 1, body: JSON.stringify(body) },
    { is: 'version', equals: lock.token },
  )
}

/** Whether this execution's change of the target is still the one that an undo would put back. */
export async function outstandingOn(storage: Storage, key: string): Promise<Outstanding | undefined> {
  const item = await storage.get(pkOf(key), 'LOCK')
  return item && bodyOf(item).outstanding
}
