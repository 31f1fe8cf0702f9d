import * as z from 'zod'
import { incidentIdOf } from '../lib/ids.ts'
import type { ChainRecord } from '../lib/ledger/chain.ts'
import type { Json } from '../lib/json.ts'
import { entrySchema, type Stamped } from '../lib/ledger/entry.ts'
import { ask, read } from './ask-stack.ts'
import { EXIT, Failure } from './exit.ts'
import { printable } from './output.ts'
import type { Stack } from './stack.ts'

/** The stream that tells the incident itself, beside one for each execution and undo. */
export const INCIDENT = 'incident'

const record = z.looseObject({
  stream: z.string(),
  seq: z.int(),
  atMs: z.number(),
  prev: z.string(),
  hash: z.string(),
  entries: z.array(z.unknown()),
})

/** Everything on record about one incident: what `records` answers, what `export` writes, what `verify` reads. */
export const bundleSchema = z.looseObject({
  format: z.literal('firebreak.records/1'),
  incidentId: z.string(),
  records: z.array(record),
  /** By their hashes; absent in what an older version has written. */
  runbooks: z.record(z.string(), z.unknown()).exactOptional(),
})

export interface Bundle {
  readonly format: 'firebreak.records/1'
  readonly incidentId: string
  readonly records: readonly ChainRecord[]
  readonly runbooks?: { readonly [hash: string]: unknown }
}

/** The records of an incident, or of the incident that an execution belongs to. `raw` is the answer as it came. */
export async function fetchBundle(
  stack: Stack,
  id: string,
): Promise<{ readonly bundle: Bundle; readonly raw: Json }> {
  const raw = await ask(stack, { verb: 'records', id: checkedId(id) })
  return { bundle: read(bundleSchema, raw, stack), raw }
}

/** Refuses what is no id before anything is asked. */
export function checkedId(id: string): string {
  if (incidentIdOf(id) !== undefined) return id
  throw new Failure(
    EXIT.usage,
    'bad-request',
    `"${printable(id).slice(0, 60)}" is not the id of an incident or an execution`,
    {
      remedy: 'Ids look like inc-4k2m9x7p0qzr and inc-4k2m9x7p0qzr-8f3k2a; `firebreak list` shows them.',
    },
  )
}

/** The entries of a stream that this version can read, in order. */
export function entriesOf(records: readonly ChainRecord[], stream: string): readonly Stamped[] {
  return records
    .filter((one) => one.stream === stream)
    .toSorted((a, b) => a.seq - b.seq)
    .flatMap(({ seq, atMs, entries }) =>
      entries.flatMap((entry, index): Stamped[] => {
        const parsed = entrySchema.safeParse(entry)
        return parsed.success
          ? [{ ...parsed.data, atMs, stream, seq, address: `${stream}/${seq}.${index}` }]
          : []
      }),
    )
}

/** Executions and undos, in the order in which they began. */
export function streamsOf(records: readonly ChainRecord[]): readonly string[] {
  const began = records.filter((one) => one.seq === 0 && one.stream !== INCIDENT)
  return began.toSorted((a, b) => a.atMs - b.atMs || (a.stream < b.stream ? -1 : 1)).map((one) => one.stream)
}
