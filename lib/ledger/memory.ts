import type { Clock } from '../clock.ts'
import { never } from '../errors.ts'
import { checkItem, checkKey, checkPrefix, keyText } from './storable.ts'
import {
  StorageError,
  type Condition,
  type IndexEntry,
  type Item,
  type PutResult,
  type Storage,
} from './storage.ts'

/** One use of a storage, as hooks and counters see it. */
export type Operation =
  | { readonly is: 'put'; readonly item: Item; readonly condition: Condition }
  | { readonly is: 'get'; readonly pk: string; readonly sk: string }
  | { readonly is: 'query'; readonly pk: string; readonly sortKeyPrefix: string }
  | { readonly is: 'due'; readonly shard: string }
  | { readonly is: 'listed'; readonly shard: string }

export interface MemoryOptions {
  /** Index reads miss what was put less than `lagMs` ago, as DynamoDB's do. Without it they miss nothing. */
  readonly indexLag?: { readonly clock: Clock; readonly lagMs: number }
  /** Runs before the effect; a throw here is a request that never arrived. */
  before?(operation: Operation): void | Promise<void>
  /** Runs after the effect; a throw here is an answer that was lost. */
  after?(operation: Operation): void | Promise<void>
}

/** The storage's semantics without a database: strong reads by key, whole-item puts, sparse indexes that may lag. */
export function memoryStorage(options: MemoryOptions = {}): Storage {
  const partitions = new Map<string, Map<string, Item>>()
  const index = laggingIndex(options.indexLag)

  async function hooked<T>(operation: Operation, effect: () => T): Promise<T> {
    await options.before?.(operation)
    const answer = effect()
    await options.after?.(operation)
    return answer
  }

  // A promise that nobody needs costs turns of the event loop, and the proof makes millions of these.
  const hasHooks = options.before !== undefined || options.after !== undefined
  const observed = <T>(operation: Operation, effect: () => T): T | Promise<T> =>
    hasHooks ? hooked(operation, effect) : effect()

  return {
    async put(item, condition) {
      checkItem(item)
      return observed({ is: 'put', item, condition }, (): PutResult => {
        const partition = partitions.get(item.pk) ?? new Map<string, Item>()
        const existing = partition.get(item.sk)
        if (!holds(condition, existing)) {
          if (existing) return { is: 'conflict', existing }
          throw new StorageError(
            `${keyText(item.pk, item.sk)} does not exist, so it has no version to replace`,
          )
        }
        const stored = copyOf(item)
        partitions.set(item.pk, partition.set(item.sk, stored))
        if (isIndexed(stored) || (existing && isIndexed(existing))) index.put(stored)
        return { is: 'put' }
      })
    },

    async get(pk, sk) {
      checkKey(pk, sk)
      return observed({ is: 'get', pk, sk }, () => partitions.get(pk)?.get(sk))
    },

    async query(pk, sortKeyPrefix) {
      checkPrefix(pk, sortKeyPrefix)
      return observed({ is: 'query', pk, sortKeyPrefix }, () =>
        [...(partitions.get(pk)?.values() ?? [])]
          .filter((item) => item.sk.startsWith(sortKeyPrefix))
          .sort((a, b) => byBytes(a.sk, b.sk)),
      )
    },

    async dueBefore(shard, atMs, limit) {
      return observed({ is: 'due', shard }, () =>
        index
          .in(shard, (item) => item.due)
          .filter((found) => found.entry.atMs <= atMs)
          .sort((a, b) => a.entry.atMs - b.entry.atMs)
          .slice(0, limit)
          .map((found) => found.item),
      )
    },

    async listed(shard, limit, beforeMs = Infinity) {
      return observed({ is: 'listed', shard }, () =>
        index
          .in(shard, (item) => item.list)
          .filter((found) => found.entry.atMs < beforeMs)
          .sort((a, b) => b.entry.atMs - a.entry.atMs)
          .slice(0, limit)
          .map((found) => found.item),
      )
    },
  }
}

function holds(condition: Condition, existing: Item | undefined): boolean {
  switch (condition.is) {
    case 'absent':
      return existing === undefined
    case 'version':
      return existing?.version === condition.equals && existing.version !== undefined
    case 'version-below':
      return existing === undefined || (existing.version !== undefined && existing.version < condition.limit)
    default:
      return never(condition)
  }
}

/** The items as the indexes see them: every put arrives here after the lag. */
function laggingIndex(lag: MemoryOptions['indexLag']) {
  /** Sparse: an item without an index entry is in no index. */
  const seen = new Map<string, Item>()
  const underWay: { readonly visibleAtMs: number; readonly item: Item }[] = []

  function catchUp(): void {
    const nowMs = lag?.clock.now() ?? Infinity
    while (underWay[0] && underWay[0].visibleAtMs <= nowMs) {
      const { item } = underWay.shift()!
      const key = `${item.pk.length} ${item.pk}${item.sk}`
      if (isIndexed(item)) seen.set(key, item)
      else seen.delete(key)
    }
  }

  return {
    put(item: Item): void {
      underWay.push({ visibleAtMs: lag ? lag.clock.now() + lag.lagMs : 0, item })
      catchUp()
    },
    in(shard: string, entryOf: (item: Item) => IndexEntry | undefined) {
      catchUp()
      const found: { readonly entry: IndexEntry; readonly item: Item }[] = []
      for (const item of seen.values()) {
        const entry = entryOf(item)
        if (entry?.shard === shard) found.push({ entry, item })
      }
      return found
    },
  }
}

/** An item without an index entry is in no index, and leaves one only where it was in it. */
function isIndexed({ due, list }: Item): boolean {
  return due !== undefined || list !== undefined
}

/** The caller keeps its object and may change it; the stored one stays. */
function copyOf(item: Item): Item {
  return Object.freeze({
    ...item,
    ...(item.due ? { due: Object.freeze({ ...item.due }) } : {}),
    ...(item.list ? { list: Object.freeze({ ...item.list }) } : {}),
  })
}

/** DynamoDB sorts strings by their UTF-8 bytes, which differs from JavaScript's order beyond the basic plane. */
function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)]
    if (left !== right) return bytesRank(left) - bytesRank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for characters beyond U+FFFF, so they come after U+E000 to U+FFFF. */
function bytesRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}
