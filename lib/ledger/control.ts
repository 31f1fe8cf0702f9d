import type { Pinned } from '../runbook/runbook.ts'
import type { Item, Storage } from './storage.ts'

/** Why a signal started nothing; asked for by `firebreak why`. */
export interface SignalVerdict {
  readonly signalId: string
  readonly name: string
  readonly state: string
  readonly stateAtMs: number
  readonly code: string
  readonly reason: string
  readonly atMs: number
}

/** What an idempotency key stands for. */
export interface KeyBody {
  readonly fingerprint: string
  readonly incidentId: string
  readonly executionId: string
  readonly atMs: number
}

/** The first verdict on a signal stands. */
export async function writeSignalVerdict(storage: Storage, verdict: SignalVerdict): Promise<void> {
  await storage.put(
    { pk: `SIGNAL#${verdict.signalId}`, sk: 'SIGNAL', body: JSON.stringify(verdict) },
    { is: 'absent' },
  )
}

export async function readSignalVerdict(
  storage: Storage,
  signalId: string,
): Promise<SignalVerdict | undefined> {
  const item = await storage.get(`SIGNAL#${signalId}`, 'SIGNAL')
  return item && (JSON.parse(item.body) as SignalVerdict)
}

/** Pins a runbook and what it resolved to, before `started`; the same hash is the same content, so a repeat is harmless. */
export async function pinRunbook(storage: Storage, hash: string, pinned: Pinned): Promise<void> {
  const body = textOf.get(pinned) ?? JSON.stringify(pinned)
  textOf.set(pinned, body)
  await storage.put({ pk: `RUNBOOK#${hash}`, sk: 'RUNBOOK', body }, { is: 'absent' })
}

/** What a hash names never changes, so a process reads it once. */
const pinnedOnce = new WeakMap<Storage, Map<string, Pinned>>()

/** One version of a runbook has one text, whichever table it is pinned in: the proof pins the same ones in a million of tables. */
const textOf = new WeakMap<Pinned, string>()
const parsedOnce = new Map<string, Pinned>()

/** What the item of a pinned runbook says. */
export function pinnedIn({ body }: Pick<Item, 'body'>): Pinned {
  const pinned = parsedOnce.get(body) ?? (JSON.parse(body) as Pinned)
  parsedOnce.set(body, pinned)
  return pinned
}

/** Throws where the pinned runbook is missing: it is put before the first record that names it. */
export async function readPinned(storage: Storage, hash: string): Promise<Pinned> {
  const known = pinnedOnce.get(storage) ?? new Map<string, Pinned>()
  pinnedOnce.set(storage, known)
  const cached = known.get(hash)
  if (cached) return cached
  const item = await storage.get(`RUNBOOK#${hash}`, 'RUNBOOK')
  if (!item) throw new Error(`the pinned runbook ${hash} is missing`)
  const pinned = pinnedIn(item)
  known.set(hash, pinned)
  return pinned
}

const keyPk = (caller: string, key: string) => `KEY#${caller}#${key}`

/** What an idempotency key stands for, where it was used. */
export async function readKey(storage: Storage, caller: string, key: string): Promise<KeyBody | undefined> {
  const item = await storage.get(keyPk(caller, key), 'KEY')
  return item && (JSON.parse(item.body) as KeyBody)
}

/** Claims an idempotency key; the answer is what the key stands for, ours or an earlier one's. */
export async function claimKey(
  storage: Storage,
  caller: string,
  key: string,
  body: KeyBody,
): Promise<KeyBody> {
  const item = { pk: keyPk(caller, key), sk: 'KEY', body: JSON.stringify(body) }
  const answer = await storage.put(item, { is: 'absent' })
  return answer.is === 'put' ? body : (JSON.parse(answer.existing.body) as KeyBody)
}
