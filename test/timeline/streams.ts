import { recordHash, type ChainRecord } from '../../lib/ledger/chain.ts'
import { stampAll } from '../../lib/ledger/records.ts'
import type { Entry, Stamped } from '../../lib/ledger/entry.ts'

/** One record of a stream: when it was put, and what it says. */
export type Written = readonly [atMs: number, ...entries: readonly Entry[]]

/** A stream as the ledger would have written it: numbered, chained, with its hashes. */
export function stream(name: string, ...written: readonly Written[]): readonly ChainRecord[] {
  return rawStream(name, ...written)
}

/** The same for entries that this version would not write. */
export function rawStream(
  name: string,
  ...written: readonly (readonly [atMs: number, ...entries: readonly unknown[]])[]
): readonly ChainRecord[] {
  let prev = ''
  return written.map(([atMs, ...entries], seq) => {
    const text = JSON.stringify(entries)
    const hash = recordHash(prev, name, seq, atMs, text)
    // Through JSON, as an export is.
    const record = { v: 1, stream: name, seq, atMs, prev, hash, entries: JSON.parse(text) as unknown[] }
    prev = hash
    return record
  })
}

/** The entries of one stream as `fold` takes them. */
export function stamped(records: readonly ChainRecord[]): readonly Stamped[] {
  return records.flatMap((record) =>
    stampAll(record.entries as readonly Entry[], record.stream, record.seq, record.atMs),
  )
}
