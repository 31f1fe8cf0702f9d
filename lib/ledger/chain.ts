import { sha256 } from '../ids.ts'

/** A record as an export holds it: the entries' exact text counts, so they stay unparsed values of JSON. */
export interface ChainRecord {
  readonly stream: string
  readonly seq: number
  readonly atMs: number
  readonly prev: string
  readonly hash: string
  readonly entries: readonly unknown[]
}

export type ChainVerdict =
  | {
      readonly is: 'consistent'
      readonly streams: number
      readonly records: number
      readonly heads: { readonly [stream: string]: string }
    }
  | { readonly is: 'broken'; readonly address: string; readonly reason: string }

/** The hash covers the record's place, time and exact text, and through `prev` everything before it. */
export function recordHash(
  prev: string,
  stream: string,
  seq: number,
  atMs: number,
  entriesText: string,
): string {
  return sha256(`${prev}\n${stream}\n${seq}\n${atMs}\n${entriesText}`)
}

/**
 * Checks numbering and hashes of every stream, offline. It proves that what is there is consistent; that nothing was cut
 * off at the end is proved only against head hashes that were exported earlier (`heads`).
 */
export function verifyChain(
  records: readonly ChainRecord[],
  heads: { readonly [stream: string]: string } = {},
): ChainVerdict {
  const byStream = Map.groupBy(records, (record) => record.stream)
  const found: { [stream: string]: string } = {}
  for (const [stream, unsorted] of byStream) {
    const ordered = unsorted.toSorted((a, b) => a.seq - b.seq)
    const broken = firstBroken(stream, ordered)
    if (broken) return broken
    found[stream] = ordered.at(-1)?.hash ?? ''
  }
  const stranger = strangeStream(byStream)
  if (stranger) return stranger
  for (const [stream, expected] of Object.entries(heads)) {
    const hashes = (byStream.get(stream) ?? []).map((record) => record.hash)
    if (!hashes.includes(expected)) {
      return {
        is: 'broken',
        address: `${stream}/${hashes.length}`,
        reason: `no record has the expected head hash ${expected}: records are missing at the end`,
      }
    }
  }
  return { is: 'consistent', streams: byStream.size, records: records.length, heads: found }
}

/** Every stream's first entry names its incident; a stream of another incident is consistent in itself, but not here. */
function strangeStream(byStream: ReadonlyMap<string, readonly ChainRecord[]>): ChainVerdict | undefined {
  let known: string | undefined
  for (const [stream, records] of byStream) {
    const first = records.find((record) => record.seq === 0)?.entries[0]
    const incidentId =
      typeof first === 'object' && first !== null && 'incidentId' in first
        ? String(first.incidentId)
        : undefined
    if (incidentId !== undefined && known !== undefined && incidentId !== known) {
      return {
        is: 'broken',
        address: `${stream}/0`,
        reason: `it belongs to ${incidentId}, the others to ${known}`,
      }
    }
    known ??= incidentId
  }
  return undefined
}

function firstBroken(stream: string, ordered: readonly ChainRecord[]): ChainVerdict | undefined {
  let prev = ''
  for (const [index, record] of ordered.entries()) {
    const address = `${stream}/${record.seq}`
    if (record.seq < index) return { is: 'broken', address, reason: `record ${record.seq} is there twice` }
    if (record.seq !== index) {
      return {
        is: 'broken',
        address: `${stream}/${index}`,
        reason: `record ${index} is missing; the next one is ${record.seq}`,
      }
    }
    if (record.prev !== prev)
      return { is: 'broken', address, reason: 'it does not follow the record before it' }
    const hash = recordHash(prev, stream, record.seq, record.atMs, JSON.stringify(record.entries))
    if (hash !== record.hash)
      return { is: 'broken', address, reason: 'its content does not have its hash: an entry was altered' }
    prev = record.hash
  }
  return undefined
}
