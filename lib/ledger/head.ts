import { sha256 } from '../ids.ts'
import type { Occasion } from './entry.ts'
import { incidentPk } from './records.ts'
import type { Item, Storage } from './storage.ts'

/** One HEAD per stream: what lists and the sweep need without reading records. Rebuildable from the records. */
export interface Head {
  readonly incidentId: string
  readonly stream: string
  /** The last record that this head knows of; -1 before the first. */
  readonly headSeq: number
  /** One word for lists: the incident's or the execution's state. */
  readonly status: string
  /** Absent when nothing is due any more. */
  readonly dueAtMs?: number
  /** A person's start that has no first record yet: enough to carry it on. */
  readonly order?: {
    readonly runbook: string
    readonly key: string
    readonly occasion: Occasion
    readonly mode?: 'shadow' | 'approve' | 'auto'
    /** Where its service names one; absent in what an older version has put. */
    readonly account?: string
  }
  /** What is due lies beyond the queue's reach: no message is on its way, the sweep sends one shortly before. */
  readonly unsent?: true
  /** Wakes by the sweep for an unchanged `headSeq`: poison is counted here. */
  readonly wakes: number
  /** What `list` shows; incidents only. */
  readonly summary?: {
    readonly title: string
    readonly service: string
    readonly severity: string
    readonly openedAtMs: number
  }
}

/** Enough that no single index partition takes all writes of a storm; few enough that a sweep reads them all. */
export const SHARDS = 4

export const shards: readonly string[] = Array.from({ length: SHARDS }, (_unused, index) => String(index))

export function shardOf(id: string): string {
  return String(Number.parseInt(sha256(id).slice(0, 4), 16) % SHARDS)
}

function headItem(head: Head): Item {
  const shard = shardOf(head.incidentId)
  return {
    pk: incidentPk(head.incidentId),
    sk: `HEAD#${head.stream}`,
    version: head.headSeq,
    body: JSON.stringify(head),
    ...(head.dueAtMs === undefined ? {} : { due: { shard: `HEAD#${shard}`, atMs: head.dueAtMs } }),
    ...(head.summary === undefined ? {} : { list: { shard: `INC#${shard}`, atMs: head.summary.openedAtMs } }),
  }
}

export function headOf(item: Item): Head {
  return JSON.parse(item.body) as Head
}

/** HEAD of what nothing wakes any more. */
export function withoutDue(head: Head): Head {
  const { dueAtMs: _due, ...rest } = head
  return rest
}

/** The first HEAD of a stream, before its first record; a repeat leaves what stands there. */
export async function openHead(storage: Storage, head: Head): Promise<void> {
  await storage.put(headItem(head), { is: 'absent' })
}

/**
 * HEAD as of a record, or moved while no further record was written. A writer that knows of fewer records than HEAD does
 * misses, so a late write of a dead worker changes nothing.
 */
export async function advanceHead(storage: Storage, head: Head): Promise<void> {
  await storage.put(headItem(head), { is: 'version-below', limit: head.headSeq + 1 })
}

export async function readHead(
  storage: Storage,
  incidentId: string,
  stream: string,
): Promise<Head | undefined> {
  const item = await storage.get(incidentPk(incidentId), `HEAD#${stream}`)
  return item && headOf(item)
}

export async function readHeads(storage: Storage, incidentId: string): Promise<readonly Head[]> {
  return (await storage.query(incidentPk(incidentId), 'HEAD#')).map(headOf)
}

/** Heads that are due by then, soonest first, so many of each shard. */
export async function dueHeads(storage: Storage, beforeMs: number, limit: number): Promise<readonly Head[]> {
  const pages = await Promise.all(shards.map((shard) => storage.dueBefore(`HEAD#${shard}`, beforeMs, limit)))
  return pages
    .flat()
    .map(headOf)
    .toSorted((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0))
}

/** Incidents, newest first. */
export async function listIncidents(
  storage: Storage,
  limit: number,
  beforeMs?: number,
): Promise<readonly Head[]> {
  const pages = await Promise.all(shards.map((shard) => storage.listed(`INC#${shard}`, limit, beforeMs)))
  return pages
    .flat()
    .map(headOf)
    .toSorted((a, b) => (b.summary?.openedAtMs ?? 0) - (a.summary?.openedAtMs ?? 0))
    .slice(0, limit)
}
