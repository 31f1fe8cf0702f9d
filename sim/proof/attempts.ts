import { canonical } from '../../lib/json.ts'
import type { EntryOf } from '../../lib/ledger/entry.ts'
import type { Pinned } from '../../lib/runbook/runbook.ts'
import { isUndo, type Told } from './told.ts'

/** One attempt to change a target, in the order of the true times, and what is on record of it. */
export interface Attempt {
  readonly told: Told
  readonly entry: EntryOf<'step.intended'>
  readonly putAtMs: number
  came: 'applied' | 'to nothing' | 'unknown'
  /** When that was put on record. */
  cameAtMs: number
}

export function attemptsOf(told: Told): readonly Attempt[] {
  const attempts: Attempt[] = []
  const latest = new Map<string, Attempt>()
  const settle = (step: string, came: Attempt['came'], cameAtMs: number) => {
    const attempt = latest.get(step)
    // What was applied stays so, whatever becomes of the next slow step of an undo.
    if (attempt && (came === 'applied' || attempt.came === 'unknown'))
      Object.assign(attempt, { came, cameAtMs })
  }
  for (const { entry, putAtMs } of told.entries) {
    switch (entry.kind) {
      case 'step.intended': {
        // Nothing is repeated before it was seen not to be there.
        if (entry.attempt > 1) settle(entry.step, 'to nothing', putAtMs)
        const attempt: Attempt = { told, entry, putAtMs, came: 'unknown', cameAtMs: Infinity }
        attempts.push(attempt)
        latest.set(entry.step, attempt)
        break
      }
      case 'step.applied':
        settle(entry.step, 'applied', putAtMs)
        break
      case 'step.retried':
      case 'step.skipped':
        settle(entry.step, 'to nothing', putAtMs)
        break
      case 'step.failed':
        settle(
          entry.step,
          entry.code === 'unknown' || entry.code === 'conflict' ? 'unknown' : 'to nothing',
          putAtMs,
        )
        break
      default:
    }
  }
  return attempts
}

/**
 * The executions whose changes the undo of this one's step puts back as well, the nearest first: it goes back beyond what it
 * found, to what stood before the change below, and so on. Told from the values that were intended and from what came of
 * them, and not from what the engine says of whose they were (ADR 35).
 */
export function changesUnder(
  {
    incidentId,
    stream,
    step,
  }: { readonly incidentId: string; readonly stream: string; readonly step: string },
  streams: ReadonlyMap<string, Told>,
  pinned: ReadonlyMap<string, Pinned>,
): readonly Told[] {
  const changes = [...streams.values()]
    .flatMap((told) => (isChanging(told) ? attemptsOf(told) : []))
    .filter(({ came }) => came === 'applied')
    .toSorted((a, b) => a.putAtMs - b.putAtMs)
  let index = changes.findIndex(
    ({ told, entry }) => told.incidentId === incidentId && told.stream === stream && entry.step === step,
  )
  const under: Told[] = []
  for (let layer = changes[index]; layer && goesBeyond(layer); layer = changes[index]) {
    const { label } = layer.entry.change.target
    // What nobody puts back hands on what it found.
    index = changes.findLastIndex(
      (one, at) => at < index && one.entry.change.target.label === label && isToBePutBack(one, pinned),
    )
    const below = changes[index]
    if (below) under.push(below.told)
  }
  return under
}

function isChanging(told: Told): boolean {
  return told.stream !== 'incident' && !isUndo(told)
}

function goesBeyond({ entry: { change, undoTo = change.before } }: Attempt): boolean {
  return canonical(undoTo) !== canonical(change.before)
}

function isToBePutBack({ told, entry }: Attempt, pinned: ReadonlyMap<string, Pinned>): boolean {
  const header = told.entries[0]?.entry
  if (header?.kind !== 'execution.started') return false
  return pinned.get(header.runbookHash)?.runbook.onResolved?.undo.includes(entry.step) === true
}
