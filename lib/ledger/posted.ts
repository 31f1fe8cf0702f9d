import { incidentPk } from './records.ts'
import type { Item, Storage } from './storage.ts'

/** The one message that tells an incident in a chat: where it stands, and what it shows. */
export interface Posted {
  readonly incidentId: string
  readonly version: number
  readonly channel: string
  /** Its name in the channel; absent while it is being posted for the first time. */
  readonly ts?: string
  /** Until then nobody else posts or edits it: somebody is at it, or Slack has asked for so much patience. */
  readonly claimedUntilMs?: number
  /** It is somebody who is at it, and is soon done. */
  readonly isBusy?: true
  /** How many records it tells: who knows of fewer does not put it back. */
  readonly records: number
  /** Of what it shows: where that is the same, nothing is sent. */
  readonly hash: string
  readonly atMs: number
  /** What was said in its thread, each thing once. */
  readonly said: readonly string[]
}

const SK = 'POSTED#slack'

export async function readPosted(storage: Storage, incidentId: string): Promise<Posted | undefined> {
  const item = await storage.get(incidentPk(incidentId), SK)
  return item && (JSON.parse(item.body) as Posted)
}

/** Puts it in the place of the one that was seen; `false` where somebody else was quicker. */
export async function putPosted(
  storage: Storage,
  before: Posted | undefined,
  next: Omit<Posted, 'version'>,
): Promise<Posted | false> {
  const version = (before?.version ?? 0) + 1
  const posted: Posted = { ...next, version }
  const item: Item = { pk: incidentPk(next.incidentId), sk: SK, version, body: JSON.stringify(posted) }
  const result = await storage.put(
    item,
    before ? { is: 'version', equals: before.version } : { is: 'absent' },
  )
  return result.is === 'put' ? posted : false
}
