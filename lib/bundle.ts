import { digestFor, runbookHashFor } from './ids.ts'
import type { ChainRecord } from './ledger/chain.ts'

/** What can be wrong with a bundle beside its chain. */
export interface Finding {
  /** Of the entry, or the hash of the runbook. */
  readonly address: string
  readonly reason: string
}

export interface Checked {
  readonly findings: readonly Finding[]
  /** Runbooks whose text has the hash by which the record names it. */
  readonly runbooks: number
  /** Changes that are what somebody had approved. */
  readonly approved: number
}

interface AnyEntry {
  readonly kind?: unknown
  readonly runbookHash?: unknown
  readonly step?: unknown
  readonly subject?: unknown
  readonly digest?: unknown
  readonly change?: {
    readonly target?: { readonly locks?: unknown; readonly label?: unknown }
    readonly after?: unknown
  }
}

/**
 * Holds the runbooks of a bundle against the hashes that the record names, and every change that was made after an approval of its
 * step against the digest of what was approved (CORE.md 1.6). Pure. Nothing is thrown: what cannot be read is left out, since
 * the chain has been judged before.
 */
export function checkBundle(
  records: readonly ChainRecord[],
  runbooks: { readonly [hash: string]: unknown },
): Checked {
  const findings: Finding[] = []
  const named = new Set<string>()
  let approved = 0
  for (const own of Map.groupBy(records, ({ stream }) => stream).values()) {
    let hash = ''
    const asked = new Map<unknown, unknown>()
    const digests = new Map<unknown, unknown>()
    for (const { stream, seq, entries } of own.toSorted((a, b) => a.seq - b.seq))
      for (const [index, entry] of (entries as readonly AnyEntry[]).entries()) {
        if (typeof entry?.runbookHash === 'string') {
          hash = entry.runbookHash
          named.add(hash)
        }
        if (entry?.kind === 'approval.requested') asked.set(entry.subject, entry.digest)
        // One that came for a plan that was not asked about any more counts for nothing.
        if (entry?.kind === 'step.approved' && asked.get(entry.subject) === entry.digest)
          digests.set(entry.subject, entry.digest)
        if (entry?.kind !== 'step.intended' || !digests.has(entry.step)) continue
        if (digestOf(entry, hash) === digests.get(entry.step)) approved++
        else
          findings.push({
            address: `${stream}/${seq}.${index}`,
            reason: `${String(entry.step)} is not what was approved (plan ${String(digests.get(entry.step))})`,
          })
      }
  }
  for (const hash of named) {
    if (!Object.hasOwn(runbooks, hash))
      findings.push({ address: hash, reason: 'the runbook that the record names is not there' })
    else if (runbookHashFor(runbooks[hash]) !== hash)
      findings.push({ address: hash, reason: 'the runbook is not the one that the record names' })
  }
  return { findings, runbooks: named.size, approved }
}

function digestOf({ step, change }: AnyEntry, hash: string): string {
  return digestFor([step, change?.target?.locks, change?.target?.label, change?.after, hash])
}
