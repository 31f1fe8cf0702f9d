import type { Condition, Item, PutResult, Storage } from '../../lib/ledger/storage.ts'

/**
 * A put whose answer is lost, so that DynamoDB's client sends it once more, as `lib/ledger/dynamodb.ts` does: the second one is
 * carried out like any other where its condition holds still or again. Where it does not, and what stands there is what the
 * first one has left, the client knows it by the put's own id, and tells of no conflict. What somebody else has put there
 * since, were it the same to the letter, is a conflict: whether the first one took effect the caller is not told.
 */
export async function putTwice(
  storage: Storage,
  item: Item,
  condition: Condition,
  pause: () => Promise<void>,
): Promise<PutResult> {
  const first = await storage.put(item, condition)
  const left = first.is === 'put' ? await storage.get(item.pk, item.sk) : undefined
  await pause()
  const answer = await storage.put(item, condition)
  // The storage of the proof hands out the very item that was put.
  return answer.is === 'conflict' && answer.existing === left ? { is: 'put' } : answer
}
