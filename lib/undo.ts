import { findAction } from './actions/index.ts'
import { stateOf, type Execution } from './execution/state.ts'
import { undoStreamOf } from './ids.ts'
import { headerFields, type Entry, type EntryOf } from './ledger/entry.ts'
import { openHead } from './ledger/head.ts'
import { append, emptyStream } from './ledger/records.ts'
import type { App } from './ports.ts'
import { workFor } from './queue.ts'
import { stepsOf, type Pinned } from './runbook/runbook.ts'

export interface UndoOrder {
  readonly reason: string
  /** Step ids, or every step that can be undone. */
  readonly steps: readonly string[] | 'all'
  /** How long the alarm must have been clear; `at-once` asks nothing of the alarm and takes no slow steps. */
  readonly after: number | 'at-once'
  /** When `max_hold` ends. */
  readonly heldUntilMs?: number
  readonly worker: string
}

/**
 * Begins the undo of an execution in a stream of its own. A repeat finds the first record there and changes nothing.
 * Answers whether there is anything to put back.
 */
export async function startUndo(
  app: App,
  execution: Execution,
  pinned: Pinned,
  order: UndoOrder,
): Promise<boolean> {
  const { ports } = app
  const { header } = execution
  if (header?.kind !== 'execution.started') return false
  const items = undoItems(execution, pinned, order.steps)
  if (items.length === 0) return false
  const stream = undoStreamOf(header.executionId)
  const nowMs = ports.clock.now()
  const { onResolved } = pinned.runbook
  const entry: Entry = {
    ...headerFields(header),
    kind: 'undo.started',
    actor: { is: 'engine', worker: order.worker },
    items,
    afterMs: order.after === 'at-once' ? 0 : order.after,
    stepPercent: order.after === 'at-once' ? 100 : (onResolved?.stepPercent ?? 100),
    everyMs: onResolved?.everyMs ?? 60_000,
    ...(order.after === 'at-once' ? { atOnce: true } : {}),
    ...(order.heldUntilMs === undefined ? {} : { heldUntilMs: order.heldUntilMs }),
    reason: order.reason,
  }
  await openHead(ports.storage, {
    incidentId: header.incidentId,
    stream,
    headSeq: -1,
    status: 'running',
    wakes: 0,
    dueAtMs: nowMs,
  })
  await append(ports.storage, ports.random, emptyStream(header.incidentId, stream), [entry], nowMs)
  await ports.queue.send(workFor({ incidentId: header.incidentId, stream }, 0, nowMs), 0)
  return true
}

type UndoStarted = EntryOf<'undo.started'>
/** What was applied and can be put back, the last change first. */
function undoItems(
  execution: Execution,
  pinned: Pinned,
  steps: readonly string[] | 'all',
): UndoStarted['items'] {
  const chosen = stepsOf(pinned.runbook).filter((step) => steps === 'all' || steps.includes(step.id))
  return chosen.toReversed().flatMap((step) => {
    const state = stateOf(execution, step.id)
    if (state.is !== 'applied' || findAction(state.action)?.undo === undefined) return []
    const change = { ...state.change, before: state.undoTo }
    const over = state.heritage?.over
    const item = { step: step.id, action: state.action, change, receipt: state.receipt }
    return [over === undefined ? item : { ...item, over }]
  })
}
