import type { Json } from '../json.ts'
import type { EntryOf, Header, Stamped } from '../ledger/entry.ts'
import type { Level, TimelineChange, Why } from '../timeline.ts'
import { valueLines } from './words.ts'

/** What one entry says to people. */
export interface Told {
  readonly text: string
  readonly level: Level
  readonly step?: string
  readonly attempt?: number
  readonly why?: Why
  readonly change?: TimelineChange
  readonly requestId?: string
  readonly operationId?: string
  /** How a result is known that no answer of AWS brought. */
  readonly recovered?: string
}

/** What must be remembered of a stream to put its later entries into words: an entry does not repeat what stands before it. */
export interface Telling {
  header?: Header
  readonly steps: Map<string, Tried>
  /** Whom the engine's own pages call, by the page's id. */
  readonly pages: Map<string, string>
  /** What is asked about, by the approval's subject. */
  readonly asked: Map<string, Asked>
}

interface Asked {
  readonly digest: string
  readonly quorum: number
  /** Who has approved it so far. */
  readonly approvedBy: readonly string[]
}

interface Tried {
  readonly intent: EntryOf<'step.intended'>
  /** Where the attempt stands; of the three doubts the first stays, whatever is found on a later look. */
  readonly is: 'open' | 'settled' | 'worker-gone' | 'no-answer' | 'not-taken'
}

export function newTelling(): Telling {
  return { steps: new Map(), pages: new Map(), asked: new Map() }
}

/** Remembers an entry after it was told. */
export function remember(telling: Telling, entry: Stamped): void {
  switch (entry.kind) {
    case 'execution.started':
    case 'execution.refused':
    case 'undo.started':
    case 'paging.started':
      telling.header = entry
      return
    case 'execution.escalated':
      telling.pages.set(entry.page, entry.to)
      return
    case 'approval.requested':
      telling.asked.set(entry.subject, {
        digest: entry.digest,
        quorum: entry.quorum ?? 1,
        approvedBy: [],
      })
      return
    case 'step.approved': {
      const asked = telling.asked.get(entry.subject)
      if (asked?.digest !== entry.digest) return
      const approvedBy = [...asked.approvedBy, entry.actor.is === 'person' ? entry.actor.name : '']
      if (approvedBy.length < asked.quorum) telling.asked.set(entry.subject, { ...asked, approvedBy })
      else telling.asked.delete(entry.subject)
      return
    }
    case 'step.denied':
    case 'approval.expired':
      telling.asked.delete(entry.subject)
      return
    case 'step.intended':
      telling.steps.set(entry.step, { intent: entry, is: 'open' })
      return
    case 'worker.tookover':
      // The new worker looks at everything that the one before it has left open.
      for (const step of telling.steps.keys()) doubt(telling, step, 'worker-gone')
      return
    case 'step.unsettled':
      doubt(telling, entry.step, 'no-answer')
      return
    case 'step.retried':
      doubt(telling, entry.step, 'not-taken')
      return
    case 'step.applied': {
      // Its change is still spoken of when it is verified.
      const tried = telling.steps.get(entry.step)
      if (tried) telling.steps.set(entry.step, { ...tried, is: 'settled' })
      return
    }
    default:
      return
  }
}

function doubt(telling: Telling, step: string, why: 'worker-gone' | 'no-answer' | 'not-taken'): void {
  const tried = telling.steps.get(step)
  if (tried?.is === 'open') telling.steps.set(step, { ...tried, is: why })
}

/** The reasons of an entry; nothing where it gives none. */
export function because(parts: {
  readonly reason?: string | undefined
  readonly values?: { readonly [name: string]: Json } | undefined
  readonly notes?: readonly (string | undefined)[] | undefined
  readonly place?: string | undefined
}): { readonly why?: Why } {
  const values = valueLines(parts.values)
  const notes = (parts.notes ?? []).filter((note) => note !== undefined && note !== '') as readonly string[]
  const why: Why = {
    ...(parts.reason === undefined || parts.reason === '' ? {} : { reason: parts.reason }),
    ...(values.length === 0 ? {} : { values }),
    ...(notes.length === 0 ? {} : { notes }),
    ...(parts.place === undefined ? {} : { place: parts.place }),
  }
  return Object.keys(why).length === 0 ? {} : { why }
}
