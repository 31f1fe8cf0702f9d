/**
 * What the ledger needs of a database: whole items, one condition a put, strong reads by key, and two sparse indexes.
 * There is no update and no delete, so nothing in the product can edit or remove a record (G8).
 */
export interface Storage {
  /**
   * Puts the whole item if the condition holds. Throws `StorageError` when the answer is lost or the store refuses;
   * then the item may or may not be there. What a client repeats by itself never conflicts with its own first attempt.
   */
  put(item: Item, condition: Condition): Promise<PutResult>
  /** Strongly consistent. */
  get(pk: string, sk: string): Promise<Item | undefined>
  /** Every item of the partition whose sort key begins so, in sort-key order, strongly consistent. */
  query(pk: string, sortKeyPrefix: string): Promise<readonly Item[]>
  /** Items whose `due.atMs` is at or before a time, soonest first; eventually consistent. */
  dueBefore(shard: string, atMs: number, limit: number): Promise<readonly Item[]>
  /** Listed items, newest first; eventually consistent. */
  listed(shard: string, limit: number, beforeMs?: number): Promise<readonly Item[]>
}

export interface Item {
  readonly pk: string
  readonly sk: string
  /** JSON text. */
  readonly body: string
  /** A record's own id, by which a repeated put recognises itself. */
  readonly recordId?: string
  /** What conditions compare: a counter, or the head sequence of HEAD. */
  readonly version?: number
  /** Present only while something is due: puts the item on the sparse due index. */
  readonly due?: IndexEntry
  /** Present on what lists show. */
  readonly list?: IndexEntry
}

export interface IndexEntry {
  readonly shard: string
  readonly atMs: number
}

export type Condition =
  /** No item with this key exists. */
  | { readonly is: 'absent' }
  /** The item exists and has exactly this version. */
  | { readonly is: 'version'; readonly equals: number }
  /** No item exists, or its version is below this one. */
  | { readonly is: 'version-below'; readonly limit: number }

export type PutResult = { readonly is: 'put' } | { readonly is: 'conflict'; readonly existing: Item }

/** The store did not answer, or refused for a reason that is not the condition. The put may have taken effect. */
export class StorageError extends Error {
  override readonly name: string = 'StorageError'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, { cause: options?.cause })
  }
}

/** What is stored cannot be read by this version: asking again does not help. */
export class UnreadableError extends StorageError {
  override readonly name = 'UnreadableError'
}
