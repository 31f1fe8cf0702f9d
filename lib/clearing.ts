import { stateOf } from './execution/state.ts'
import { calmSince } from './guardrails.ts'
import { incidentIdOf } from './ids.ts'
import { foldIncident } from './incident.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import type { EntryOf } from './ledger/entry.ts'
import { readOpen, type Open } from './ledger/open.ts'
import { actor, escalate } from './perform.ts'
import { awsOf } from './ports.ts'
import { describeAlarm } from './probes/alarm-state.ts'
import { load } from './ledger/records.ts'
import { writeDuration } from './runbook/fields.ts'
import type { Runbook } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** Whether an undo may take its next step. */
export type Clearing = { readonly is: 'clear' } | NotClear

/** What no event will tell is asked again after so long, without a write. */
const OTHERS_POLL_MS = 60_000

const CLEAR = { is: 'clear' } as const

type UndoStarted = EntryOf<'undo.started'>

export interface NotClear {
  readonly is: 'not-clear'
  readonly reason: string
  /** When it will be clear, if nothing happens; absent while the alarm stands. */
  readonly untilMs?: number
  /** It is no mere matter of `after`: the alarm stands, or it flaps. */
  readonly troubled: boolean
}

/** What an undo asks of its alarm. */
interface Asked {
  readonly afterMs: number
  readonly flapping: Runbook['flapping']
}

/** An alarm that flaps counts as standing: `after` counts from when it has come to rest (CORE.md 1.8). Pure. */
export function clearingOf(
  { state, clearedAtMs = 0, changes }: Pick<Open, 'state' | 'clearedAtMs' | 'changes'>,
  { afterMs, flapping }: Asked,
  nowMs: number,
): Clearing {
  if (state === 'alarm') return { is: 'not-clear', reason: 'the alarm stands', troubled: true }
  const calmAtMs = calmSince(flapping, changes)
  const untilMs = Math.max(clearedAtMs, calmAtMs) + afterMs
  if (nowMs >= untilMs) return CLEAR
  const stay = `stay clear for ${afterMs / 1000} s`
  const flaps = nowMs < calmAtMs
  const often = `it has changed its state more than ${flapping.changes} times within ${writeDuration(flapping.withinMs)}`
  const reason = flaps
    ? `the alarm flaps: ${often}, and must come to rest and ${stay}`
    : `the alarm must ${stay}`
  return { is: 'not-clear', reason, untilMs, troubled: flaps }
}

/** Reads whether the undo of this session may go on with this step. */
export async function clearingFor(session: Session, step: string): Promise<Clearing> {
  const { header } = session
  if (header.kind !== 'undo.started') throw new Error('only an undo waits for its alarm')
  const own = await ownClearing(session, header)
  const { over = [] } = header.items.find((item) => item.step === step) ?? {}
  return own.is === 'not-clear' ? own : clearingOver(session, header, over)
}

/** What was built on the change of another execution is held for as long as that one's alarm needs it, whatever `max_hold` says. */
async function clearingOver(
  session: Session,
  { incidentId: own, key: ownKey, afterMs }: UndoStarted,
  over: readonly string[],
): Promise<Clearing> {
  const { storage, clock } = session.app.ports
  const incidents = new Set(over.flatMap((id) => incidentIdOf(id) ?? []))
  incidents.delete(own)
  for (const incidentId of incidents) {
    const { entries } = await load(storage, incidentId, INCIDENT_STREAM)
    const incident = foldIncident(entries)
    // An earlier incident of the same alarm needs no other answer than the own one.
    const open =
      incident === undefined || incident.key === ownKey ? undefined : await readOpen(storage, incident.key)
    const { flapping } = session.pinned.runbook
    const clearing = open
      ? clearingOf(await asItIs(session, open, incident?.title ?? ''), { afterMs, flapping }, clock.now())
      : CLEAR
    if (clearing.is === 'clear') continue
    const reason = `it was built on what was changed for ${incidentId}: ${clearing.reason}`
    // Its own alarm is clear, so the timeline would not show what it waits for.
    return { ...clearing, reason, untilMs: clearing.untilMs ?? clock.now() + OTHERS_POLL_MS }
  }
  return CLEAR
}

/**
 * OPEN, with the state of the alarm as CloudWatch has it: the sweep looks for a lost OK only where the alarm's own incident
 * waits for one, and that may be over (CORE.md 1.9).
 */
async function asItIs({ app, pinned, header }: Session, open: Open, alarmName: string): Promise<Open> {
  if (open.state !== 'alarm' || !open.key.startsWith('cloudwatch/')) return open
  const service = app.catalogue.services[open.service] ?? pinned.service
  try {
    const alarm = await describeAlarm(awsOf(app.ports, service, header.executionId), alarmName)
    if (alarm?.state !== 'ok' || alarm.updatedAtMs === undefined) return open
    return { ...open, state: 'ok', clearedAtMs: alarm.updatedAtMs }
  } catch {
    return open
  }
}

async function ownClearing(session: Session, header: UndoStarted): Promise<Clearing> {
  const { flapping, onResolved } = session.pinned.runbook
  if (header.atOnce || (isOverdue(session) && onResolved?.maxHold?.atEnd === 'undo')) return CLEAR
  const { storage, clock } = session.app.ports
  const open = await readOpen(storage, header.key)
  if (open) {
    const told = clearingOf(open, { afterMs: header.afterMs, flapping }, clock.now())
    return told.is === 'clear' ? standsUnheard(session, header) : told
  }
  // Without an alarm it is clear once a person says so, which is what begins an undo in time.
  return isOverdue(session) && !(await isResolved(session))
    ? { is: 'not-clear', reason: 'nobody has resolved the incident', troubled: true }
    : CLEAR
}

/**
 * An alarm may have come again without an event of it: CloudWatch is asked before anything is taken back. Where it does not
 * answer, what was told counts (CORE.md 1.9).
 */
async function standsUnheard(session: Session, { occasion, executionId }: UndoStarted): Promise<Clearing> {
  if (occasion.is !== 'alarm' || occasion.signal.source !== 'cloudwatch') return CLEAR
  const { app, pinned } = session
  try {
    const alarm = await describeAlarm(awsOf(app.ports, pinned.service, executionId), occasion.signal.name)
    if (alarm?.state !== 'alarm') return CLEAR
  } catch {
    return CLEAR
  }
  const untilMs = app.ports.clock.now() + OTHERS_POLL_MS
  const reason = 'CloudWatch says that the alarm stands, though no event told so'
  return { is: 'not-clear', reason, untilMs, troubled: true }
}

function isOverdue({ header, app }: Session): boolean {
  const heldUntilMs = header.kind === 'undo.started' ? header.heldUntilMs : undefined
  return heldUntilMs !== undefined && app.ports.clock.now() >= heldUntilMs
}

async function isResolved({ app, header }: Session): Promise<boolean> {
  const { entries } = await load(app.ports.storage, header.incidentId, INCIDENT_STREAM)
  return foldIncident(entries)?.status === 'resolved'
}

/** What a page about a change that is held for too long is about. */
const MAX_HOLD = 'max_hold'

/** Calls a person, once, where an undo has waited beyond `max_hold` for an alarm that stands or flaps. */
export function callWhereOverdue(session: Session, { reason, troubled }: NotClear): void {
  const { header, execution, pinned } = session
  if (header.kind !== 'undo.started' || !troubled || !isOverdue(session)) return
  if (execution.pages.some((page) => page.step === MAX_HOLD)) return
  const { forMs = 0 } = pinned.runbook.onResolved?.maxHold ?? {}
  const held = header.items.map(({ step, change }) => `${step} (${change.target.label}, ${change.summary})`)
  escalate(
    session,
    MAX_HOLD,
    `${held.join(', ')} has been held for ${writeDuration(forMs)} and is not put back: ${reason}; it goes back when that is over`,
  )
}

/** Says once what an undo waits for; while that goes on it polls, without a write. While the alarm stands nothing is said: the timeline shows that it does. */
export function waitToClear(session: Session, step: string, notClear: NotClear): void {
  callWhereOverdue(session, notClear)
  const { reason, untilMs } = notClear
  const state = stateOf(session.execution, step)
  if (untilMs === undefined || (state.is === 'pending' && state.blockedBy === reason)) return
  note(session, {
    kind: 'step.waiting',
    actor: actor(session),
    step,
    waitId: session.app.ports.random.id(),
    wakeAtMs: untilMs,
    reason,
    blocked: true,
  })
}
