import { fold } from '../../lib/execution/fold.ts'
import type { Execution } from '../../lib/execution/state.ts'
import type { ChainRecord } from '../../lib/ledger/chain.ts'
import { entrySchema, type EntryOf, type RecordedChange, type Stamped } from '../../lib/ledger/entry.ts'
import { stampAll } from '../../lib/ledger/records.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import type { Subject } from './kills.ts'

/** One stream, read past the code that wrote it. */
export interface Told {
  readonly incidentId: string
  readonly stream: string
  readonly records: readonly ChainRecord[]
  readonly entries: readonly Stamped[]
  readonly execution: Execution
}

/** A change as the record tells it, over all its attempts. */
export interface ToldChange {
  readonly stream: string
  /** Under which the account knows its calls. */
  readonly executionId: string
  readonly step: string
  readonly action: string
  readonly change: RecordedChange
  readonly intendedAtMs: number
  /** `open`: no outcome is on record. */
  outcome: 'open' | 'applied' | 'failed' | 'skipped'
  /** Nothing needed to be called: what was wanted was under way already. */
  receipt?: EntryOf<'step.applied'>['receipt']
}

/** All streams in the table, with every record and entry of each in order. Throws where an entry is not one. */
export function readStreams(items: readonly Item[]): readonly Told[] {
  const records = items
    .filter(({ sk }) => sk.startsWith('REC#'))
    .map(({ pk, sk, body }) => ({
      incidentId: pk.slice('INC#'.length),
      stream: sk.split('#')[1] ?? '',
      ...(JSON.parse(body) as Omit<ChainRecord, 'stream'>),
    }))
    .toSorted((a, b) => a.seq - b.seq)
  return [...Map.groupBy(records, ({ incidentId, stream }) => `${incidentId} ${stream}`).values()].flatMap(
    (own) => {
      const [first] = own
      if (!first) return []
      const { incidentId, stream } = first
      const entries = own.flatMap(({ entries: raw, seq, atMs }) =>
        stampAll(
          raw.map((entry) => entrySchema.parse(entry)),
          stream,
          seq,
          atMs,
        ),
      )
      return [{ incidentId, stream, records: own, entries, execution: fold(entries) }]
    },
  )
}

/** Whether an invocation about that may have worked on the stream: a sweep or a command may on any. */
export function mayConcern(subject: Subject, { incidentId, stream, execution: { header } }: Told): boolean {
  switch (subject.is) {
    case 'nothing':
      return true
    case 'stream':
      return incidentId === subject.incidentId && stream === subject.stream
    case 'signal': {
      if (header?.executionId !== stream || header.occasion.is !== 'alarm') return false
      const { onsetAtMs, signal } = header.occasion
      return onsetAtMs === subject.stateAtMs && signal.name === subject.alarm
    }
  }
}

/** The changes of a stream in the order in which they were intended. An attempt after a retry is the same change. */
export function changesOf({ stream, entries, execution }: Told): readonly ToldChange[] {
  const executionId = execution.header?.executionId
  if (executionId === undefined) return []
  const changes: ToldChange[] = []
  const open = new Map<string, ToldChange>()
  for (const entry of entries) {
    switch (entry.kind) {
      case 'step.intended': {
        if (open.has(entry.step)) break
        const { step, action, change, atMs } = entry
        const made: ToldChange = {
          stream,
          executionId,
          step,
          action,
          change,
          intendedAtMs: atMs,
          outcome: 'open',
        }
        open.set(step, made)
        changes.push(made)
        break
      }
      case 'step.applied':
      case 'step.failed':
      case 'step.skipped': {
        const made = open.get(entry.step)
        open.delete(entry.step)
        if (!made) break
        made.outcome =
          entry.kind === 'step.applied' ? 'applied' : entry.kind === 'step.failed' ? 'failed' : 'skipped'
        if (entry.kind === 'step.applied') made.receipt = entry.receipt
        break
      }
      default:
    }
  }
  return changes
}
