import { allDone } from './all-done.ts'
import { fold } from './execution/fold.ts'
import { isEnded } from './execution/state.ts'
import { effectiveMode, frozenBy } from './guardrails.ts'
import { incidentIdOf, isSignalId } from './ids.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import { readPinned, readSignalVerdict } from './ledger/control.ts'
import type { Header, Stamped } from './ledger/entry.ts'
import { listIncidents, readHeads, type Head } from './ledger/head.ts'
import {
  pausedBy,
  pausesOf,
  pauseText,
  readControl,
  type Control,
  type Paused,
} from './ledger/kill-switch.ts'
import { load } from './ledger/records.ts'
import type { Storage } from './ledger/storage.ts'
import type { App } from './ports.ts'
import type { Runbook } from './runbook/runbook.ts'
import type { Signal } from './signal/signal.ts'
import { startVerdicts } from './start-verdicts.ts'

export type Why =
  | { readonly is: 'answer'; readonly answer: unknown }
  | { readonly is: 'unknown'; readonly reason: string }

/** How far back a runbook's decisions are looked for, and how many of them are told. */
const RECENT_INCIDENTS = 50
const MAX_DECISIONS = 10

/**
 * An accepted signal is on record under its incident only: an item to find it by would be one more write for every signal. So
 * the newest incidents are read, so many at a time and no more than these, and only when a person asks.
 */
const SEARCHED_INCIDENTS = 200
const SEARCHED_AT_ONCE = 25

/** Why did it run, or not? For a signal's id, an execution's or an incident's, or a runbook's name. */
export async function why(app: App, wanted: string): Promise<Why> {
  const { storage } = app.ports
  const runbook = app.catalogue.runbooks.find((candidate) => candidate.runbook === wanted)
  if (runbook) return { is: 'answer', answer: await whyRunbook(app, runbook) }
  if (isSignalId(wanted)) return whySignal(app, wanted)
  const incidentId = incidentIdOf(wanted)
  if (incidentId === undefined) {
    const reason = `"${wanted}" is not the id of a signal, an execution or an incident, and no runbook has this name`
    return { is: 'unknown', reason }
  }
  const [heads, control] = await Promise.all([readHeads(storage, incidentId), readControl(storage)])
  const streams = heads.filter((head) => wanted === incidentId || head.stream === wanted)
  const reasons = await decisionsOf(app, streams, control)
  if (reasons.length === 0) return { is: 'unknown', reason: `nothing is on record for "${wanted}"` }
  return { is: 'answer', answer: { is: 'executions', reasons } }
}

/**
 * What a signal led to: nothing, by the verdict on it, or what its incident has on record. A verdict may stand beside that:
 * on a later delivery, or on a start whose runbook was gone.
 */
async function whySignal(app: App, signalId: string): Promise<Why> {
  const { storage } = app.ports
  const [verdict, carried] = await allDone([readSignalVerdict(storage, signalId), findSignal(app, signalId)])
  if (!carried) {
    if (verdict) return { is: 'answer', answer: { is: 'signal', ...verdict } }
    const reason = `no verdict is on record for "${signalId}", and none of the newest ${SEARCHED_INCIDENTS} incidents has it; a signal that has only just come is on record once it is carried out`
    return { is: 'unknown', reason }
  }
  const { incidentId, effect, signal, atMs } = carried
  const [heads, control] = await allDone([readHeads(storage, incidentId), readControl(storage)])
  const reasons = (await decisionsOf(app, heads, control)).filter((one) => one.signalId === signalId)
  const { name, state, stateAtMs } = signal
  return {
    is: 'answer',
    answer: {
      is: 'accepted',
      signalId,
      name,
      state,
      stateAtMs,
      incidentId,
      effect,
      atMs,
      reasons,
      ...(verdict ? { verdict: { code: verdict.code, reason: verdict.reason } } : {}),
    },
  }
}

/** A signal as its incident has it on record. */
interface Carried {
  readonly incidentId: string
  readonly effect: 'opened' | 'recurred' | 'attached' | 'cleared'
  readonly signal: Signal
  readonly atMs: number
}

async function findSignal(app: App, signalId: string): Promise<Carried | undefined> {
  const { storage } = app.ports
  const incidents = await listIncidents(storage, SEARCHED_INCIDENTS)
  for (let from = 0; from < incidents.length; from += SEARCHED_AT_ONCE) {
    const streams = await allDone(
      incidents
        .slice(from, from + SEARCHED_AT_ONCE)
        .map(async ({ incidentId }) => load(storage, incidentId, INCIDENT_STREAM)),
    )
    for (const { incidentId, entries } of streams) {
      // An event that only occurs opens and clears at once: what it did first is what it is told by.
      const [carried] = entries
        .flatMap((entry) => carriedBy(entry, incidentId))
        .filter(({ signal }) => signal.signalId === signalId)
      if (carried) return carried
    }
  }
  return undefined
}

function carriedBy(entry: Stamped, incidentId: string): readonly Carried[] {
  const { atMs } = entry
  switch (entry.kind) {
    case 'incident.opened':
      return entry.signal ? [{ incidentId, effect: 'opened', signal: entry.signal, atMs }] : []
    case 'incident.recurred':
      return [{ incidentId, effect: 'recurred', signal: entry.signal, atMs }]
    case 'signal.attached':
      return [{ incidentId, effect: 'attached', signal: entry.signal, atMs }]
    case 'incident.cleared':
      return [{ incidentId, effect: 'cleared', signal: entry.signal, atMs }]
    default:
      return []
  }
}

/** What became of one execution or undo, and the rules that had a say in it. */
interface Told {
  readonly stream: string
  readonly atMs: number
  readonly runbook: string
  /** What it was started for; absent where a person started it. */
  readonly signalId?: string
  readonly status: object
  /** Of the rule that refused it. */
  readonly place?: string
  readonly mode: string
  /** Why it may not act on its own. */
  readonly capped?: { readonly reason: string; readonly place?: string }
  /** What holds it now. */
  readonly held?: string
  /** Steps that were left out or not allowed, each with its reason. */
  readonly steps: readonly {
    readonly step: string
    readonly is: string
    readonly code: string
    readonly reason: string
    readonly place?: string
  }[]
}

async function decisionsOf(app: App, heads: readonly Head[], control: Control): Promise<readonly Told[]> {
  const told = await Promise.all(
    heads
      .filter((head) => head.stream !== INCIDENT_STREAM)
      .map(async (head) => decisionOf(app, head, control)),
  )
  return told.flatMap((one) => one ?? [])
}

async function decisionOf(app: App, head: Head, control: Control): Promise<Told | undefined> {
  const { entries } = await load(app.ports.storage, head.incidentId, head.stream)
  const execution = fold(entries)
  const { header, status } = execution
  if (!header) return undefined
  const pause =
    header.kind === 'execution.refused' || isEnded(execution)
      ? undefined
      : await heldBy(app.ports.storage, header, control)
  const steps = entries.flatMap((entry) =>
    entry.kind === 'step.skipped' || entry.kind === 'step.failed'
      ? [
          {
            step: entry.step,
            is: entry.kind === 'step.skipped' ? 'skipped' : 'failed',
            code: entry.code,
            reason: entry.reason,
            ...('place' in entry && entry.place !== undefined ? { place: entry.place } : {}),
          },
        ]
      : [],
  )
  return {
    stream: head.stream,
    atMs: entries[0]?.atMs ?? 0,
    runbook: header.runbook,
    ...(header.occasion.is === 'alarm' ? { signalId: header.occasion.signal.signalId } : {}),
    status: { ...status },
    mode: header.mode,
    steps,
    ...(header.kind === 'execution.refused' && header.place !== undefined ? { place: header.place } : {}),
    ...(header.kind === 'execution.started' && header.capped ? { capped: header.capped } : {}),
    ...(pause ? { held: pauseText(pause) } : {}),
  }
}

/** What holds back what is under way. In which account it acts only what it has pinned tells. */
async function heldBy(storage: Storage, header: Header, control: Control): Promise<Paused | undefined> {
  if (pausesOf(control).length === 0) return undefined
  const { service } = await readPinned(storage, header.runbookHash)
  return pausedBy(control, { ...header, account: service.account })
}

/** A runbook's latest decisions, newest first, and what would stop it now. */
async function whyRunbook(app: App, runbook: Runbook): Promise<object> {
  const { ports, catalogue } = app
  const { storage } = ports
  const [now, control, incidents] = await Promise.all([
    startVerdicts(app, runbook),
    readControl(storage),
    listIncidents(storage, RECENT_INCIDENTS),
  ])
  const decisions: Told[] = []
  for (const { incidentId, summary } of incidents) {
    if (decisions.length >= MAX_DECISIONS) break
    if (summary?.service !== runbook.service) continue
    const told = await decisionsOf(app, await readHeads(storage, incidentId), control)
    decisions.push(...told.filter((one) => one.runbook === runbook.runbook))
  }
  const frozen = frozenBy(catalogue.policy, runbook, ports.clock.now())
  return {
    is: 'runbook',
    runbook: runbook.runbook,
    service: runbook.service,
    mode: effectiveMode(catalogue, runbook, frozen),
    now,
    decisions: decisions.toSorted((a, b) => b.atMs - a.atMs).slice(0, MAX_DECISIONS),
  }
}
