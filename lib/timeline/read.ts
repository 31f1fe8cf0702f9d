import * as z from 'zod'
import { never } from '../errors.ts'
import { nameOf } from '../execution/fold.ts'
import { ENTRY_VERSION, entrySchema, type Actor, type EntryKind, type Stamped } from '../ledger/entry.ts'
import { tell } from './sentences.ts'
import { newTelling, remember, type Told } from './telling.ts'
import { isTime } from './words.ts'

/** What an exported record must be for its entries to be looked at. `v` is missing in what was written before it existed. */
const recordSchema = z.object({
  v: z.number().exactOptional(),
  stream: z.string(),
  seq: z.int().min(0),
  atMs: z.number().refine(isTime),
  prev: z.string(),
  hash: z.string(),
  entries: z.array(z.unknown()),
})

/** A record as far as it can be read. */
export interface ReadRecord {
  readonly stream: string
  readonly seq: number
  readonly atMs: number | undefined
  readonly entries: readonly unknown[]
  /** Why its entries cannot be looked at. */
  readonly trouble?: string
  /** It is not even a record, so no hash can be checked. */
  readonly malformed: boolean
}

export function readRecord(record: unknown, position: number): ReadRecord {
  const parsed = recordSchema.safeParse(record)
  if (!parsed.success) {
    const { stream, seq, atMs } = (typeof record === 'object' && record !== null ? record : {}) as {
      [name: string]: unknown
    }
    return {
      stream: typeof stream === 'string' ? stream : 'unknown',
      seq: typeof seq === 'number' ? seq : position,
      atMs: typeof atMs === 'number' && isTime(atMs) ? atMs : undefined,
      entries: [],
      trouble: 'it does not have the form of a record',
      malformed: true,
    }
  }
  const { v = ENTRY_VERSION, stream, seq, atMs, entries } = parsed.data
  const newer = v > ENTRY_VERSION
  return {
    stream,
    seq,
    atMs,
    entries: newer ? [] : entries,
    malformed: false,
    ...(newer
      ? {
          trouble: `it was written by a newer version of Firebreak (${v}; this one reads up to ${ENTRY_VERSION})`,
        }
      : {}),
  }
}

/** One fact of a stream, with its words and the time by which it is merged with other streams. */
export interface Placed extends Told {
  readonly address: string
  readonly stream: string
  readonly kind: EntryKind | 'unreadable'
  readonly who: string
  readonly atMs: number
  readonly orderMs: number
  readonly entry?: Stamped
}

/** Every entry with its words, stream by stream. */
export function tellRecords(records: readonly ReadRecord[]): readonly Placed[] {
  const ordered = records.toSorted((a, b) => a.seq - b.seq)
  return [...Map.groupBy(ordered, (record) => record.stream).values()].flatMap(tellStream)
}

function tellStream(records: readonly ReadRecord[]): readonly Placed[] {
  const telling = newTelling()
  let orderMs = records.find((record) => record.atMs !== undefined)?.atMs ?? 0
  return records.flatMap((record) => {
    const { stream, seq, trouble } = record
    const atMs = record.atMs ?? orderMs
    orderMs = Math.max(orderMs, atMs)
    const place = { stream, atMs, orderMs }
    if (trouble !== undefined)
      return [{ ...place, address: `${stream}/${seq}`, ...unreadable('record', trouble) }]
    return record.entries.map((raw, index): Placed => {
      const address = `${stream}/${seq}.${index}`
      const parsed = entrySchema.safeParse(raw)
      if (!parsed.success) return { ...place, address, ...unreadable('entry', troubleOf(raw)) }
      const entry: Stamped = { ...parsed.data, atMs, stream, seq, address }
      const told = tell(entry, telling)
      remember(telling, entry)
      return { ...place, address, entry, kind: entry.kind, who: whoOf(entry.actor), ...told }
    })
  })
}

function unreadable(
  what: 'record' | 'entry',
  trouble: string,
): Told & { readonly kind: 'unreadable'; readonly who: string } {
  return {
    kind: 'unreadable',
    who: 'unknown',
    level: 'attention',
    text: `This ${what} cannot be read: ${trouble}.`,
    why: {
      notes: ['it is left out of everything that is derived here; a newer version of Firebreak may read it'],
    },
  }
}

function troubleOf(raw: unknown): string {
  const kind: unknown = typeof raw === 'object' && raw !== null && 'kind' in raw ? raw.kind : undefined
  if (typeof kind !== 'string') return 'it does not have the form of an entry'
  const known = kinds.has(kind)
  return known ? `"${kind}" lacks what this version expects of it` : `this version does not know "${kind}"`
}

const kinds: ReadonlySet<string> = new Set(
  entrySchema.options.flatMap((option) => [...option.shape.kind.values]),
)

/** A person with the surface, the engine, or a source of signals. */
export function whoOf(actor: Actor): string {
  switch (actor.is) {
    case 'person':
      return `${actor.name} (${actor.via})`
    case 'engine':
    case 'signal':
      return nameOf(actor)
    default:
      return never(actor)
  }
}
