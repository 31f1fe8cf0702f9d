import type { Storage } from './storage.ts'

/** How often each kind of item was written and read. Kinds are CORE.md 1.1's: REC, HEAD, OPEN, LOCK, CONTROL ... */
export interface Operations {
  /** Puts that were sent, the conflicts among them included: DynamoDB charges both. */
  readonly puts: { readonly [kind: string]: number }
  readonly conflicts: { readonly [kind: string]: number }
  readonly gets: { readonly [kind: string]: number }
  /** By the partition's kind and the sort-key prefix: `INC REC`. */
  readonly queries: { readonly [kind: string]: number }
  readonly due: number
  readonly listed: number
}

export interface CountingStorage extends Storage {
  /** A copy of the counts so far. */
  operations(): Operations
  reset(): void
}

/** Counts what passes through, whatever the storage: the bench's figures are the same code's on every store. */
export function countingStorage(storage: Storage): CountingStorage {
  let counts = zero()
  return {
    async put(item, condition) {
      count(counts.puts, kindOf(item.pk, item.sk))
      const result = await storage.put(item, condition)
      if (result.is === 'conflict') count(counts.conflicts, kindOf(item.pk, item.sk))
      return result
    },
    async get(pk, sk) {
      count(counts.gets, kindOf(pk, sk))
      return storage.get(pk, sk)
    },
    async query(pk, sortKeyPrefix) {
      count(counts.queries, `${prefixOf(pk)} ${prefixOf(sortKeyPrefix)}`.trim())
      return storage.query(pk, sortKeyPrefix)
    },
    async dueBefore(shard, atMs, limit) {
      counts.due++
      return storage.dueBefore(shard, atMs, limit)
    },
    async listed(shard, limit, beforeMs) {
      counts.listed++
      return storage.listed(shard, limit, beforeMs)
    },
    operations: () => structuredClone(counts),
    reset() {
      counts = zero()
    },
  }
}

type Tally = { [kind: string]: number }

function zero() {
  const none = (): Tally => ({})
  return { puts: none(), conflicts: none(), gets: none(), queries: none(), due: 0, listed: 0 }
}

function count(tally: Tally, kind: string): void {
  tally[kind] = (tally[kind] ?? 0) + 1
}

/** Within an incident's partition the sort key tells the kind; elsewhere the partition does. */
function kindOf(pk: string, sk: string): string {
  return pk.startsWith('INC#') ? prefixOf(sk) : prefixOf(pk)
}

function prefixOf(key: string): string {
  return key.split('#', 1)[0] ?? ''
}
