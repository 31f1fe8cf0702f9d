import type { Random } from '../random.ts'
import { ENTRY_VERSION, entrySchema, type Entry, type Stamped } from './entry.ts'
import { recordHash, type ChainRecord } from './chain.ts'
import { StorageError, UnreadableError, type Item, type Storage } from './storage.ts'

/*
 * A stream is a row of immutable records, numbered from 0 without gaps and hash-chained (CORE.md 1.1, 1.3).
 *
 *   worker A      append seq 4 ──put if absent──► stored               the next put needs seq 5
 *   worker B      append seq 4 ──put if absent──► conflict ──► reads 4 ──► folds again, or goes away
 *   worker A      (answer lost, the SDK repeats) ──► conflict bearing A's own record id ──► a success
 */

/** One record as it is stored. */
export interface LedgerRecord {
  readonly v: number
  readonly stream: string
  readonly seq: number
  readonly recordId: string
  readonly atMs: number
  readonly entries: readonly Entry[]
  /** Hash of the record before it; empty for the first. */
  readonly prev: string
  readonly hash: string
}

/** A stream as far as it was read. `headSeq` is -1 where nothing is on record. */
export interface Stream {
  readonly incidentId: string
  readonly stream: string
  readonly headSeq: number
  readonly headHash: string
  readonly entries: readonly Stamped[]
}

export type AppendResult =
  | { readonly is: 'appended'; readonly stream: Stream }
  /** Somebody else wrote this sequence number first; `stream` is what stands there now. */
  | { readonly is: 'conflict'; readonly stream: Stream }

/** DynamoDB refuses items over 400 KB; a record stays well below, so that keys and indexes fit beside it. */
export const MAX_RECORD_BYTES = 300_000

const SEQ_DIGITS = 6

export function incidentPk(incidentId: string): string {
  return `INC#${incidentId}`
}

function recordSk(stream: string, seq: number): string {
  return `REC#${stream}#${String(seq).padStart(SEQ_DIGITS, '0')}`
}

export function emptyStream(incidentId: string, stream: string): Stream {
  return { incidentId, stream, headSeq: -1, headHash: '', entries: [] }
}

/**
 * Appends one record by one conditional put. Throws `StorageError` when the store does not answer; the record may then
 * be there, and the same worker may append again: its own record is recognised by `recordId`.
 */
export async function append(
  storage: Storage,
  random: Random,
  stream: Stream,
  entries: readonly Entry[],
  atMs: number,
): Promise<AppendResult> {
  const seq = stream.headSeq + 1
  const recordId = random.id()
  const entriesText = JSON.stringify(entries)
  // No character takes more than three bytes of UTF-8 for each of its units, so most texts need no count.
  if (3 * entriesText.length > MAX_RECORD_BYTES) {
    const bytes = Buffer.byteLength(entriesText)
    if (bytes > MAX_RECORD_BYTES) {
      throw new StorageError(
        `record ${stream.stream}/${seq} has ${bytes} bytes; at most ${MAX_RECORD_BYTES} fit`,
      )
    }
  }
  const hash = recordHash(stream.headHash, stream.stream, seq, atMs, entriesText)
  const body = `{"v":${ENTRY_VERSION},"seq":${seq},"atMs":${atMs},"prev":"${stream.headHash}","hash":"${hash}","entries":${entriesText}}`
  const item: Item = { pk: incidentPk(stream.incidentId), sk: recordSk(stream.stream, seq), recordId, body }
  const answer = await putRecognised(storage, item)
  if (answer === 'put') {
    return {
      is: 'appended',
      stream: {
        ...stream,
        headSeq: seq,
        headHash: hash,
        entries: [...stream.entries, ...stampAll(entries, stream.stream, seq, atMs)],
      },
    }
  }
  return { is: 'conflict', stream: await load(storage, stream.incidentId, stream.stream) }
}

/** One repeat after a lost answer: the second put then meets our own record and recognises it. */
async function putRecognised(storage: Storage, item: Item): Promise<'put' | 'conflict'> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await storage.put(item, { is: 'absent' })
      if (answer.is === 'put' || answer.existing.recordId === item.recordId) return 'put'
      return 'conflict'
    } catch (error) {
      if (attempt >= 2 || !(error instanceof StorageError)) throw error
    }
  }
}

/** Reads a whole stream, strongly consistent. */
export async function load(storage: Storage, incidentId: string, stream: string): Promise<Stream> {
  const items = await storage.query(incidentPk(incidentId), `REC#${stream}#`)
  return streamOf(incidentId, stream, items.map(recordOf))
}

/** Reads every stream of an incident by one query. */
export async function loadIncident(storage: Storage, incidentId: string): Promise<readonly Stream[]> {
  const items = await storage.query(incidentPk(incidentId), 'REC#')
  const byStream = Map.groupBy(items.map(recordOf), (record) => record.stream)
  return [...byStream].map(([stream, records]) => streamOf(incidentId, stream, records))
}

/** Every record of an incident exactly as stored: what exports and `verify` work on. Unknown members stay, or no hash would hold. */
export async function loadRecords(storage: Storage, incidentId: string): Promise<readonly ChainRecord[]> {
  const items = await storage.query(incidentPk(incidentId), 'REC#')
  return items.map((item) => ({
    stream: item.sk.split('#')[1] ?? '',
    ...(JSON.parse(item.body) as Omit<ChainRecord, 'stream'>),
  }))
}

function streamOf(incidentId: string, stream: string, records: readonly ReadRecord[]): Stream {
  const last = records.at(-1)
  if (!last) return emptyStream(incidentId, stream)
  const read = unchanged.get(last)
  if (read?.records === records.length) return read.stream
  const entries = records.flatMap((record) => record.stamped)
  const found = { incidentId, stream, headSeq: last.seq, headHash: last.hash, entries }
  unchanged.set(last, { records: records.length, stream: found })
  return found
}

export function stampAll(
  entries: readonly Entry[],
  stream: string,
  seq: number,
  atMs: number,
): readonly Stamped[] {
  return entries.map((entry, index) => ({
    ...entry,
    atMs,
    stream,
    seq,
    address: `${stream}/${seq}.${index}`,
  }))
}

/** A record as it was read. */
interface ReadRecord extends LedgerRecord {
  readonly stamped: readonly Stamped[]
}

/** A stream up to its last record, by that record and how many there are. */
const unchanged = new WeakMap<ReadRecord, { readonly records: number; readonly stream: Stream }>()

/** A record never changes: a storage that hands out the same item again has it parsed once. */
const known = new WeakMap<Item, ReadRecord>()

function recordOf(item: Item): ReadRecord {
  const read = known.get(item) ?? parsed(item)
  known.set(item, read)
  return read
}

/** Parses a stored record. Throws `UnreadableError` with the record's address when it is not one of ours or a newer version's. */
function parsed(item: Item): ReadRecord {
  const [, stream = '', seqText = ''] = item.sk.split('#')
  const address = `${stream}/${Number(seqText)}`
  const body = JSON.parse(item.body) as Omit<LedgerRecord, 'stream' | 'recordId' | 'entries'> & {
    entries: unknown[]
  }
  if (body.v > ENTRY_VERSION) {
    throw new UnreadableError(
      `record ${address} was written by a newer version (${body.v}; this one reads up to ${ENTRY_VERSION}): update Firebreak`,
    )
  }
  const entries = body.entries.map((entry, index) => {
    const read = entrySchema.safeParse(entry)
    if (read.success) return read.data
    throw new UnreadableError(
      `entry ${address}.${index} cannot be read: ${read.error.issues[0]?.message ?? 'malformed'}`,
    )
  })
  const stamped = stampAll(entries, stream, body.seq, body.atMs)
  return { ...body, stream, recordId: item.recordId ?? '', entries, stamped }
}
