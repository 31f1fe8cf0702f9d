import { fold } from './execution/fold.ts'
import { isEnded, stateOf, type Execution } from './execution/state.ts'
import { undoStreamOf } from './ids.ts'
import { foldIncident, type Incident } from './incident.ts'
import { addToIncident, INCIDENT_STREAM, settleIncidentHead } from './incident-stream.ts'
import { readPinned } from './ledger/control.ts'
import { openOf, readOpen, replaceOpen, type Open } from './ledger/open.ts'
import { load, loadIncident, type Stream } from './ledger/records.ts'
import { wakePagings } from './paging.ts'
import type { App, TurnResult } from './ports.ts'
import { MAX_DELAY_MS, workFor } from './queue.ts'
import type { Pinned } from './runbook/runbook.ts'
import { startUndo } from './undo.ts'

/** HEAD falls due so much later than the message, which keeps the sweep out of its way. */
const GRACE_MS = 10_000

/** An execution that has not ended when its undo falls due is asked again after so long. */
const RUNNING_POLL_MS = 60_000

/** What is woken by others, an undo that is under way or an incident by the clearing of its alarm, looks in now and then. */
const LOOK_IN_MS = 10 * 60_000

/** When an incident wants its next turn: something is due then, or it only is to be looked at. */
interface Due {
  readonly is: 'due' | 'look'
  readonly atMs: number
}

function look(nowMs: number, afterMs: number): Due {
  return { is: 'look', atMs: nowMs + afterMs }
}

/**
 * The incident's own turn: after keep-open it is resolved, and once the alarm has been clear for long enough each
 * execution's undo begins. While the alarm is not clear nothing is due; the next clearing makes it so.
 */
export async function advanceIncident(app: App, incidentId: string): Promise<TurnResult> {
  const { ports } = app
  const { entries } = await load(ports.storage, incidentId, INCIDENT_STREAM)
  const key = foldIncident(entries)?.key
  // Before the streams: a start that is not among them is still pending then, or a signal that wakes us again.
  let open = key === undefined ? undefined : await readOpen(ports.storage, key)
  const streams = await loadIncident(ports.storage, incidentId)
  let own = streams.find((stream) => stream.stream === INCIDENT_STREAM)
  const incident = own && foldIncident(own.entries)
  if (!own || !incident) return { is: 'dropped', reason: 'there is no such incident' }
  if (incident.resolvedBy === 'person') open = await closed(app, open, incidentId)
  const clearAtMs = clearSince(open, incident)
  const nowMs = ports.clock.now()
  const dues: Due[] = []
  const isPaging = streams.some(isUnanswered)
  // Where a later incident holds the alarm, this one is over by its own clearing, whatever the alarm does since.
  const overAtMs = open && open.incidentId !== incidentId ? incident.clearedAtMs : clearAtMs
  if (incident.status !== 'resolved' && overAtMs !== undefined) {
    const resolveAtMs = overAtMs + incident.keepOpenMs
    if (nowMs < resolveAtMs) dues.push({ is: 'due', atMs: resolveAtMs })
    else own = await resolve(app, incident)
  }
  if (isPaging && foldIncident(own.entries)?.status === 'resolved') await wakePagings(ports, incidentId)
  for (const stream of streams) {
    const execution = fold(stream.entries)
    const undo = await undoDue(app, execution, stream, streams)
    const due = undo && (await undoOf(app, undo, clearAtMs))
    if (due) dues.push(due)
    const isUnderWay = execution.header?.kind === 'undo.started' && !isEnded(execution)
    // While an undo is under way its incident stays due: should the alarm stand again and clear without an event, the sweep
    // looks for that only where something is due.
    if (isUnderWay) dues.push(look(nowMs, LOOK_IN_MS))
    if (open?.state !== 'alarm' || (!undo && !isUnderWay)) continue
    // The alarm stands again under a later incident, whose clearing wakes only that one.
    if (open.incidentId !== incidentId) dues.push(look(nowMs, RUNNING_POLL_MS))
    // Its clearing wakes us; should no event tell of it, the sweep looks for that only where something is due.
    else if (incident.status === 'resolved') dues.push(look(nowMs, LOOK_IN_MS))
  }
  // What is still to be started may change something that is to be put back.
  if (open && isStarting(open, incidentId)) dues.push(look(nowMs, RUNNING_POLL_MS))
  const dueAtMs = Math.min(...dues.map(({ atMs }) => atMs))
  if (dueAtMs === Infinity) {
    await settleIncidentHead(ports, own, undefined)
    return { is: 'done' }
  }
  const unsent = dueAtMs - nowMs > MAX_DELAY_MS
  // The message first: should it not leave, ours comes back, and must not find that another looks after its incident.
  if (!unsent) {
    const wake = workFor(own, own.headSeq, nowMs)
    const isDue = dues.some((due) => due.is === 'due' && due.atMs === dueAtMs)
    const message = isDue ? wake : { ...wake, guardUntilMs: dueAtMs + GRACE_MS }
    await ports.queue.send(message, Math.max(0, dueAtMs - nowMs))
  }
  await settleIncidentHead(ports, own, unsent ? dueAtMs : dueAtMs + GRACE_MS, unsent)
  return { is: 'waiting', untilMs: dueAtMs }
}

function isUnanswered({ entries }: Stream): boolean {
  const execution = fold(entries)
  return execution.header?.kind === 'paging.started' && !isEnded(execution)
}

/** The next onset opens an incident of its own, whatever keep-open says. */
async function closed(app: App, seen: Open | undefined, incidentId: string): Promise<Open | undefined> {
  let open = seen
  while (open && open.incidentId === incidentId && !open.closed) {
    const next = { ...open, closed: true }
    const result = await replaceOpen(app.ports.storage, open, next)
    if (result.is === 'put') return { ...next, version: open.version + 1 }
    open = openOf(result.existing)
  }
  return open
}

function isStarting({ pending }: Open, incidentId: string): boolean {
  return Object.values(pending).some((one) => one.incidentId === incidentId && one.executions.length > 0)
}

/** Since when the alarm has been clear; without an alarm, since a person resolved it. */
function clearSince(open: Open | undefined, incident: Incident): number | undefined {
  if (!open) return incident.resolvedAtMs
  return open.state === 'ok' ? (open.clearedAtMs ?? incident.clearedAtMs) : undefined
}

async function resolve(app: App, incident: Incident): Promise<Stream> {
  return addToIncident(app.ports, incident.incidentId, (entries) => {
    const current = foldIncident(entries)
    if (!current || current.status === 'resolved' || current.clearedAtMs === undefined) return []
    const reason = `the alarm has been clear for ${incident.keepOpenMs / 1000} s`
    return [
      { kind: 'incident.resolved', actor: { is: 'engine', worker: 'incident' }, how: 'cleared', reason },
    ]
  })
}

interface UndoDue {
  readonly execution: Execution
  readonly pinned: Pinned
  readonly steps: readonly string[]
  readonly afterMs: number
  /** When `max_hold` ends, counted from the first change that is to be put back, or from the start where there is none yet. */
  readonly heldUntilMs?: number
}

/** What an execution of this incident still has to put back, and has not begun to. */
async function undoDue(
  app: App,
  execution: Execution,
  stream: Stream,
  streams: readonly Stream[],
): Promise<UndoDue | undefined> {
  if (execution.header?.kind !== 'execution.started') return undefined
  const undoStream = undoStreamOf(execution.header.executionId)
  if (streams.some((other) => other.stream === undoStream && other.headSeq >= 0)) return undefined
  const pinned = await readPinned(app.ports.storage, execution.header.runbookHash)
  const { onResolved } = pinned.runbook
  if (!onResolved || onResolved.undo.length === 0) return undefined
  // What is still to be applied is put back as well.
  if (isEnded(execution) && !hasApplied(execution, onResolved.undo)) return undefined
  const { undo: steps, afterMs, maxHold } = onResolved
  if (!maxHold) return { execution, pinned, steps, afterMs }
  const applied = steps.flatMap((step) => {
    const state = stateOf(execution, step)
    return state.is === 'applied' ? [state.atMs] : []
  })
  const sinceMs = applied.length === 0 ? (stream.entries[0]?.atMs ?? 0) : Math.min(...applied)
  return { execution, pinned, steps, afterMs, heldUntilMs: sinceMs + maxHold.forMs }
}

/**
 * Begins an execution's undo where it is due: the alarm has stayed clear, or it is held for too long, and the undo itself
 * then decides what that means. Answers when to look again where it is not due.
 */
async function undoOf(
  app: App,
  { execution, pinned, steps, afterMs, heldUntilMs }: UndoDue,
  clearAtMs: number | undefined,
): Promise<Due | undefined> {
  const nowMs = app.ports.clock.now()
  const clearForMs = clearAtMs === undefined ? Infinity : clearAtMs + afterMs
  const dueAtMs = Math.min(clearForMs, heldUntilMs ?? Infinity)
  if (dueAtMs === Infinity) return undefined
  const again = look(nowMs, RUNNING_POLL_MS)
  if (!isEnded(execution) && dueAtMs <= again.atMs) return again
  if (nowMs < dueAtMs) return { is: 'due', atMs: dueAtMs }
  await startUndo(app, execution, pinned, {
    reason: nowMs < clearForMs ? 'it has been held for max_hold' : 'the alarm has stayed clear',
    steps,
    after: afterMs,
    ...(heldUntilMs === undefined ? {} : { heldUntilMs }),
    worker: 'incident',
  })
  return look(nowMs, LOOK_IN_MS)
}

function hasApplied(execution: Execution, steps: readonly string[]): boolean {
  return steps.some((step) => stateOf(execution, step).is === 'applied')
}
