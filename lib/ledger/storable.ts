import { StorageError, type Item } from './storage.ts'

/*
 * What DynamoDB refuses is refused before it is sent, by every storage alike: a body that is too large would otherwise
 * come back as a validation error that names neither the item nor its size, and the memory storage would take it.
 * Numbers: "Constraints in Amazon DynamoDB" (item 400 KB, partition key 2,048 bytes, sort key 1,024 bytes).
 */

export const MAX_ITEM_BYTES = 409_600
export const MAX_PARTITION_KEY_BYTES = 2_048
export const MAX_SORT_KEY_BYTES = 1_024

/** DynamoDB needs at most 21 bytes for a number. */
const NUMBER_BYTES = 21

/** `putId` and a UUID: by it a put that the client repeated recognises its own item. */
const PUT_ID_BYTES = 5 + 36

/** The size that DynamoDB charges and limits: attribute names and values in UTF-8, numbers at their most. */
export function itemBytes(item: Item): number {
  let bytes = PUT_ID_BYTES + named('pk', item.pk) + named('sk', item.sk) + named('body', item.body)
  if (item.recordId !== undefined) bytes += named('recordId', item.recordId)
  if (item.version !== undefined) bytes += 'version'.length + NUMBER_BYTES
  if (item.due) bytes += named('dueShard', item.due.shard) + 'dueAtMs'.length + NUMBER_BYTES
  if (item.list) bytes += named('listShard', item.list.shard) + 'listAtMs'.length + NUMBER_BYTES
  return bytes
}

/** Throws `StorageError` for a key that no table can hold. */
export function checkKey(pk: string, sk: string): void {
  checkText('partition key', pk, 1, MAX_PARTITION_KEY_BYTES)
  checkText('sort key', sk, 1, MAX_SORT_KEY_BYTES)
}

/** Throws `StorageError` for a query that no table answers. An empty prefix is the whole partition. */
export function checkPrefix(pk: string, sortKeyPrefix: string): void {
  checkText('partition key', pk, 1, MAX_PARTITION_KEY_BYTES)
  checkText('sort-key prefix', sortKeyPrefix, 0, MAX_SORT_KEY_BYTES)
}

/** Throws `StorageError` naming key and size for an item that the table cannot hold, or would hold changed. */
export function checkItem(item: Item): void {
  checkKey(item.pk, item.sk)
  if (!item.body.isWellFormed())
    throw new StorageError(`the body of ${keyText(item.pk, item.sk)} is not well-formed Unicode`)
  if (item.due) checkText('due shard', item.due.shard, 1, MAX_PARTITION_KEY_BYTES)
  if (item.list) checkText('list shard', item.list.shard, 1, MAX_PARTITION_KEY_BYTES)
  checkNumber('version', item.version, item)
  checkNumber('due.atMs', item.due?.atMs, item)
  checkNumber('list.atMs', item.list?.atMs, item)
  const bytes = itemBytes(item)
  if (bytes > MAX_ITEM_BYTES) {
    throw new StorageError(
      `${keyText(item.pk, item.sk)} is ${bytes} bytes; DynamoDB holds at most ${MAX_ITEM_BYTES} in one item. ` +
        'Nothing was written. Split the entries over several records or cut the largest value.',
    )
  }
}

/** A key as messages show it: quoted, so that control characters cannot forge a log line, and cut to a readable length. */
export function keyText(pk: string, sk: string): string {
  return JSON.stringify(`${pk} ${sk}`.slice(0, 200))
}

function named(name: string, value: string): number {
  return name.length + Buffer.byteLength(value)
}

function checkNumber(name: string, value: number | undefined, { pk, sk }: Item): void {
  if (value !== undefined && !Number.isSafeInteger(value))
    throw new StorageError(`${name} of ${keyText(pk, sk)} must be a safe integer, not ${value}`)
}

function checkText(what: string, text: string, least: number, most: number): void {
  // A lone surrogate has no UTF-8 form: it would be stored as another character, and two keys could become one.
  if (!text.isWellFormed()) throw new StorageError(`the ${what} is not well-formed Unicode`)
  const bytes = Buffer.byteLength(text)
  if (bytes < least) throw new StorageError(`the ${what} is empty`)
  if (bytes > most) {
    throw new StorageError(
      `the ${what} ${JSON.stringify(text.slice(0, 80))} is ${bytes} bytes; at most ${most} fit`,
    )
  }
}
