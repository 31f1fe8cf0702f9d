import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { foldIncident } from '../../../lib/incident.ts'
import { fold } from '../../../lib/execution/fold.ts'
import type { ChainRecord } from '../../../lib/ledger/chain.ts'
import { entrySchema } from '../../../lib/ledger/entry.ts'
import { memoryStorage } from '../../../lib/ledger/memory.ts'
import { incidentPk, loadIncident, type Stream } from '../../../lib/ledger/records.ts'

/** One file of the corpus: the records of one run, and the states that they were folded to when they were recorded. */
export interface Recorded {
  /** `v1/shadow-plan`. */
  readonly name: string
  readonly text: string
  readonly states: unknown
}

/** Where the files are; the README beside them says what they are for. */
export const CORPUS = new URL('../../fixtures/ledger/', import.meta.url)

export function corpus(): readonly Recorded[] {
  const folder = fileURLToPath(CORPUS)
  return globSync('v*/*.ndjson', { cwd: folder })
    .toSorted()
    .map((path) => {
      const name = path.replace(/\.ndjson$/, '')
      const read = (ending: string) => readFileSync(`${folder}${name}${ending}`, 'utf8')
      return { name, text: read('.ndjson'), states: JSON.parse(read('.states.json')) as unknown }
    })
}

/** The records of a file by incident, as an export bundle has them. */
export function recordsIn(text: string): ReadonlyMap<string, readonly ChainRecord[]> {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => {
      const { incidentId, stream, record } = JSON.parse(line) as {
        readonly incidentId: string
        readonly stream: string
        readonly record: Omit<ChainRecord, 'stream'>
      }
      return { incidentId, record: { stream, ...record } }
    })
  const byIncident = Map.groupBy(lines, ({ incidentId }) => incidentId)
  return new Map([...byIncident].map(([incidentId, own]) => [incidentId, own.map(({ record }) => record)]))
}

/** The streams of a file, read by the ledger itself from a storage that holds exactly its records. */
export async function streamsIn(text: string): Promise<readonly Stream[]> {
  const storage = memoryStorage()
  for (const line of text.trim().split('\n')) {
    const { incidentId, stream, record } = JSON.parse(line) as {
      readonly incidentId: string
      readonly stream: string
      readonly record: { readonly seq: number }
    }
    const sk = `REC#${stream}#${String(record.seq).padStart(6, '0')}`
    await storage.put({ pk: incidentPk(incidentId), sk, body: JSON.stringify(record) }, { is: 'absent' })
  }
  const streams = await Promise.all([...recordsIn(text).keys()].map((id) => loadIncident(storage, id)))
  return streams.flat()
}

/** What the streams came to, record by record, as plain JSON: maps are objects, sets are lists. */
export function statesOf(streams: readonly Stream[]): unknown {
  const states = Object.fromEntries(
    streams.map((stream) => [
      `${stream.incidentId} ${stream.stream}`,
      {
        headSeq: stream.headSeq,
        headHash: stream.headHash,
        // The state after each record; the header is the stream's first entry and stands there already.
        after: Array.from({ length: stream.headSeq + 1 }, (_unused, seq) => {
          const entries = stream.entries.filter((entry) => entry.seq <= seq)
          if (stream.stream === 'incident') return foldIncident(entries)
          const { header: _header, ...execution } = fold(entries)
          return execution
        }),
      },
    ]),
  )
  const plain = (_name: string, value: unknown) => {
    if (value instanceof Map) return Object.fromEntries(value)
    return value instanceof Set ? [...value] : value
  }
  return JSON.parse(JSON.stringify(states, plain)) as unknown
}

/** Every kind of entry that the schema knows. */
const schemaKinds: readonly string[] = entrySchema.options.flatMap((option) => [...option.shape.kind.values])

/** The kinds that the schema knows and the folder of this version lacks; what another version wrote does not stand in for them. */
export function kindsMissingIn(version: number): readonly string[] {
  const known = new Set(
    corpus()
      .filter(({ name }) => name.startsWith(`v${version}/`))
      .flatMap(({ text }) => [...recordsIn(text).values()].flat())
      .flatMap(({ entries }) => entries.map((entry) => (entry as { readonly kind: string }).kind)),
  )
  return schemaKinds.filter((kind) => !known.has(kind))
}
