import type { Signal } from '../signal/signal.ts'
import { shardOf } from './head.ts'
import type { Item, PutResult, Storage } from './storage.ts'

/**
 * One item per dedup key, never deleted: the state of the alarm as its own times tell it, and what an accepted change of
 * state has not been carried out yet (CORE.md 1.2).
 */
export interface Open {
  readonly key: string
  readonly service: string
  readonly state: 'alarm' | 'ok'
  /** The source's time of the newest accepted signal; anything at or before it is a duplicate or late. */
  readonly stateAtMs: number
  /** The incident opened last; empty while there was none. */
  readonly incidentId: string
  /** The newest transition into ALARM; 0 while there was none. */
  readonly onsetAtMs: number
  readonly clearedAtMs?: number
  readonly keepOpenMs: number
  /** A person closed the incident: the next onset opens a new one, whatever keep-open says. */
  readonly closed?: boolean
  /** Times of the latest transitions, newest last: flapping is told by them. */
  readonly changes: readonly number[]
  /** By signal id. */
  readonly pending: { readonly [signalId: string]: Pending }
  /** When the sweep should carry out what is pending; absent when nothing is. */
  readonly dueAtMs?: number
  /** How often the sweep has tried. */
  readonly wakes: number
  readonly version: number
}

/** An accepted change of state whose records may not all exist yet. */
export interface Pending {
  readonly signal: Signal
  readonly is: 'opened' | 'recurred' | 'cleared' | 'attached'
  readonly incidentId: string
  readonly executions: readonly { readonly runbook: string; readonly executionId: string }[]
  /** Until then the worker that has taken it on is at it. Absent in items of versions that knew one time for all of them. */
  readonly dueAtMs?: number
}

function openItem(open: Open): Item {
  return {
    pk: `OPEN#${open.key}`,
    sk: 'OPEN',
    version: open.version,
    body: JSON.stringify(open),
    ...(open.dueAtMs === undefined
      ? {}
      : { due: { shard: `OPEN#${shardOf(open.key)}`, atMs: open.dueAtMs } }),
  }
}

export function openOf(item: Item): Open {
  return JSON.parse(item.body) as Open
}

/** Puts OPEN where nothing stood; a conflict carries what stands there, so a duplicate costs this one write. */
export async function firstOpen(storage: Storage, open: Open): Promise<PutResult> {
  return storage.put(openItem({ ...open, version: 1 }), { is: 'absent' })
}

/** Replaces exactly the version that was seen. */
export async function replaceOpen(storage: Storage, seen: Open, next: Open): Promise<PutResult> {
  return storage.put(openItem({ ...next, version: seen.version + 1 }), {
    is: 'version',
    equals: seen.version,
  })
}

export async function readOpen(storage: Storage, key: string): Promise<Open | undefined> {
  const item = await storage.get(`OPEN#${key}`, 'OPEN')
  return item && openOf(item)
}

/** Keys whose pending changes are due. */
export async function dueOpens(
  storage: Storage,
  beforeMs: number,
  limit: number,
  shards: readonly string[],
): Promise<readonly Open[]> {
  const pages = await Promise.all(shards.map((shard) => storage.dueBefore(`OPEN#${shard}`, beforeMs, limit)))
  return pages.flat().map(openOf)
}
