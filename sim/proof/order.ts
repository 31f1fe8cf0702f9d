import type { Entry } from '../../lib/ledger/entry.ts'
import { findAction } from '../../lib/actions/index.ts'
import type { Pinned, Step } from '../../lib/runbook/runbook.ts'
import { isUndo, type Told } from './told.ts'

/** Steps with the number of their group, from 0: those of one group are parallel. */
type Places = ReadonlyMap<string, { readonly step: Step; readonly group: number }>

export interface OrderWatch {
  /** An entry was put on record, after the others of its record that stand before it. */
  judge(told: Told, entry: Entry, address: string): void
  /** A step acts, and these of its stream have acted before. */
  acts(told: Told, step: string, before: Iterable<string>): void
}

/** Holds steps against the order of the runbook that was pinned (CORE.md 2, check 2). */
export function watchOrder(pinned: ReadonlyMap<string, Pinned>, wrong: (what: string) => void): OrderWatch {
  const known = new Map<string, Places>()

  function placesOf({ entries: [first] }: Told): Places | undefined {
    if (first?.entry.kind !== 'execution.started') return undefined
    const { runbookHash } = first.entry
    const places = known.get(runbookHash) ?? placesIn(pinned.get(runbookHash))
    known.set(runbookHash, places)
    return places
  }

  /** A step begins: all that stand before its group are done with, by what is on record. */
  function begins(told: Told, id: string, address: string): void {
    const places = placesOf(told)
    const own = places?.get(id)
    if (!places || !own) return
    for (const [other, { step, group }] of places) {
      if (group >= own.group || isDone(told, other) || isPassed(told, step, own.step)) continue
      wrong(`${address}: ${id} begins, and ${other} before it has not come to an end (check 2)`)
    }
  }

  return {
    judge(told, entry, address) {
      switch (entry.kind) {
        case 'step.intended':
          if (entry.attempt === 1) begins(told, entry.step, address)
          return
        case 'step.waiting':
        case 'step.checking':
          begins(told, entry.step, address)
          return
        case 'approval.requested':
          begins(told, entry.subject, address)
          return
        default:
      }
    },
    acts(told, id, before) {
      const places = isUndo(told) ? undefined : placesOf(told)
      const own = places?.get(id)
      if (!places || !own || isHeldUp(told, id)) return
      for (const other of before)
        if ((places.get(other)?.group ?? 0) > own.group)
          wrong(`${told.stream}: ${id} acts after ${other}, which comes later (check 2)`)
    },
  }
}

function placesIn(pinned: Pinned | undefined): Places {
  const nodes = pinned?.runbook.steps ?? []
  return new Map(
    nodes.flatMap((node, group) =>
      (node.is === 'parallel' ? node.steps : [node]).map((step) => [step.id, { step, group }] as const),
    ),
  )
}

const RESULTS: ReadonlySet<Entry['kind']> = new Set([
  'step.applied',
  'step.failed',
  'step.skipped',
  'step.waited',
  'step.checked',
])

function isDone({ entries }: Told, step: string): boolean {
  return entries.some(({ entry }) => RESULTS.has(entry.kind) && 'step' in entry && entry.step === step)
}

/** What the breaker of its service holds up lets later steps pass. */
function isHeldUp({ entries }: Told, step: string): boolean {
  return entries.some(
    ({ entry }) => 'breaker' in entry && 'step' in entry && entry.step === step && entry.breaker,
  )
}

/** A change goes ahead of a page that is under way, and of what a breaker holds up, unless it is to depend on them. */
function isPassed(told: Told, step: Step, by: Step): boolean {
  if (step.is !== 'action' || step.onFailure !== 'continue' || by.is !== 'action') return false
  if (findAction(step.action)?.effect !== 'message') return isHeldUp(told, step.id)
  return told.first.has(step.id)
}
