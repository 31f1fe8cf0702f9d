import { incidentPk } from './records.ts'
import type { Item, Storage } from './storage.ts'

/** How far the records of an incident were handed to hooks: the last number of each stream. */
export interface HookCursor {
  readonly version: number
  readonly told: { readonly [stream: string]: number }
}

const CURSOR = 'HOOKED'

export async function readCursor(storage: Storage, incidentId: string): Promise<HookCursor | undefined> {
  const item = await storage.get(incidentPk(incidentId), CURSOR)
  return item && (JSON.parse(item.body) as HookCursor)
}

/** `false` where somebody else was quicker: then they have handed on what we have. */
export async function putCursor(
  storage: Storage,
  incidentId: string,
  before: HookCursor | undefined,
  told: HookCursor['told'],
): Promise<boolean> {
  const version = (before?.version ?? 0) + 1
  const body = JSON.stringify({ version, told } satisfies HookCursor)
  const item: Item = { pk: incidentPk(incidentId), sk: CURSOR, version, body }
  const result = await storage.put(
    item,
    before ? { is: 'version', equals: before.version } : { is: 'absent' },
  )
  return result.is === 'put'
}

/** What could not be delivered, and can be sent again. */
export interface HookFailure {
  readonly hook: string
  readonly incidentId: string
  /** Of the entry. */
  readonly address: string
  readonly reason: string
  readonly attempts: number
  readonly atMs: number
}

const FAILURES = 'HOOKFAIL#0'

export async function putFailure(storage: Storage, failure: HookFailure): Promise<void> {
  const { incidentId, hook, address, atMs } = failure
  await storage.put(
    {
      pk: incidentPk(incidentId),
      sk: `HOOKFAIL#${hook}#${address}`,
      version: failure.attempts,
      body: JSON.stringify(failure),
      list: { shard: FAILURES, atMs },
    },
    { is: 'version-below', limit: Number.MAX_SAFE_INTEGER },
  )
}

/** The newest first. */
export async function listFailures(storage: Storage, limit: number): Promise<readonly HookFailure[]> {
  return (await storage.listed(FAILURES, limit)).map(({ body }) => JSON.parse(body) as HookFailure)
}

/** An endpoint has said that it is gone (410): it is not asked any more, until it has another address. */
export async function putGone(storage: Storage, hook: string, url: string): Promise<void> {
  const item: Item = { pk: `HOOK#${hook}`, sk: 'GONE', version: 1, body: JSON.stringify({ url }) }
  await storage.put(item, { is: 'version-below', limit: Number.MAX_SAFE_INTEGER })
}

export async function isGone(storage: Storage, hook: string, url: string): Promise<boolean> {
  const item = await storage.get(`HOOK#${hook}`, 'GONE')
  return item !== undefined && (JSON.parse(item.body) as { readonly url: string }).url === url
}
