import type { Change } from './actions/action.ts'
import { fold } from './execution/fold.ts'
import type { Json } from './json.ts'
import { readPinned } from './ledger/control.ts'
import type { Entry, EntryOf, Header, Heritage } from './ledger/entry.ts'
import type { Outstanding } from './ledger/locks.ts'
import { load } from './ledger/records.ts'
import type { Pinned } from './runbook/runbook.ts'
import type { Session } from './session.ts'

/** A change that was applied, as far as the next one on its target must know of it. */
export interface AppliedChange {
  readonly step: string
  readonly change: Change
  readonly undoTo: Json
  readonly heritage?: Heritage
  /** Undo only: this change ended the way back. */
  readonly last: boolean
}

/**
 * What a later change of the same target must know of this one: what an undo will put back, and whose. A change that
 * nobody undoes hands on the duty that it found, with the value that stands now (CORE.md 1.8).
 */
export function afterChange(
  header: Header,
  pinned: Pinned,
  applied: AppliedChange,
  found: Outstanding | undefined,
): Outstanding | undefined {
  const { step, change, undoTo, heritage, last } = applied
  // The slow steps of an undo go on with what the execution had inherited, or had not.
  const isUndo = header.kind === 'undo.started'
  const over = isUndo ? found?.over : heritage?.over
  const replaced = isUndo ? found?.replaced : heritage?.replaces
  const own = {
    target: change.target.label,
    before: undoTo,
    after: change.after,
    by: header.executionId,
    ...(over === undefined ? {} : { over }),
    ...(replaced === undefined ? {} : { replaced }),
  }
  // What stands on the lock no more is not put there again by the way back.
  if (isUndo) return last || !found ? undefined : own
  if (pinned.runbook.onResolved?.undo.includes(step)) return own
  // A duty that somebody else's value has ended is handed on to nobody.
  return heritage?.replaces ? undefined : found && { ...found, after: change.after }
}

/**
 * What stands outstanding under a lock whose owner never gave it back: what stood there before, and on top the changes
 * that the owner's stream has on record under it. Without this a crash between a result and its release would make the
 * next undo stop one change too early.
 */
export async function leftBehind(
  session: Session,
  owner: { readonly stream: string; readonly incidentId: string },
  lock: { readonly key: string; readonly sinceToken: number },
  stood: readonly Outstanding[],
): Promise<readonly Outstanding[]> {
  const own = owner.stream === session.stream.stream
  const { storage } = session.app.ports
  const stream = own ? session.stream : await load(storage, owner.incidentId, owner.stream)
  const entries: readonly Entry[] = own ? [...stream.entries, ...session.buffer] : stream.entries
  const header = own ? session.header : fold(stream.entries).header
  if (!header) return stood
  const pinned = own ? session.pinned : await readPinned(storage, header.runbookHash)
  let left = stood
  const intended = new Map<string, EntryOf<'step.intended'>>()
  for (const entry of entries) {
    if (entry.kind === 'step.intended') {
      if ((entry.locks?.[lock.key] ?? 0) >= lock.sinceToken) intended.set(entry.step, entry)
      else intended.delete(entry.step)
    }
    const intent = entry.kind === 'step.applied' ? intended.get(entry.step) : undefined
    if (!intent) continue
    const { step, change, heritage, last = true } = intent
    const undoTo = intent.undoTo ?? change.before
    const applied = { step, change, undoTo, last, ...(heritage === undefined ? {} : { heritage }) }
    const isOfTarget = (one: Outstanding) => one.target === undefined || one.target === change.target.label
    const after = afterChange(header, pinned, applied, left.find(isOfTarget))
    left = [...left.filter((one) => !isOfTarget(one)), ...(after === undefined ? [] : [after])]
  }
  return left
}
