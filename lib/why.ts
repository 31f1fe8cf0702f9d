import { fold } from './execution/fold.ts'
import { isEnded } from './execution/state.ts'
import { effectiveMode, frozenBy } from './guardrails.ts'
import { incidentIdOf } from './ids.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import { readSignalVerdict } from './ledger/control.ts'
import { listIncidents, readHeads, type Head } from './ledger/head.ts'
import { pausedBy, pauseText, readControl, type Control } from './ledger/kill-switch.ts'
import { load } from './ledger/records.ts'
import type { App } from './ports.ts'
import type { Runbook } from './runbook/runbook.ts'
import { startVerdicts } from './start-verdicts.ts'

export type Why =
  | { readonly is: 'answer'; readonly answer: unknown }
  | { readonly is: 'unknown'; readonly reason: string }

/** How far back a runbook's decisions are looked for, and how many of them are told. */
const RECENT_INCIDENTS = 50
const MAX_DECISIONS = 10

/** Why did it run, or not? For a signal's id, an execution's or an incident's, or a runbook's name. */
export async function why(app: App, wanted: string): Promise<Why> {
  const { storage } = app.ports
  const verdict = await readSignalVerdict(storage, wanted)
  if (verdict) return { is: 'answer', answer: { is: 'signal', ...verdict } }
  const runbook = app.catalogue.runbooks.find((candidate) => candidate.runbook === wanted)
  if (runbook) return { is: 'answer', answer: await whyRunbook(app, runbook) }
  const incidentId = incidentIdOf(wanted)
  if (incidentId === undefined) {
    const reason = `no verdict is on record for "${wanted}", and no runbook has this name: a signal that started something is found under its incident`
    return { is: 'unknown', reason }
  }
  const [heads, control] = await Promise.all([readHeads(storage, incidentId), readControl(storage)])
  const streams = heads.filter((head) => wanted === incidentId || head.stream === wanted)
  const reasons = await decisionsOf(app, streams, control)
  if (reasons.length === 0) return { is: 'unknown', reason: `nothing is on record for "${wanted}"` }
  return { is: 'answer', answer: { is: 'executions', reasons } }
}

/** What became of one execution or undo, and the rules that had a say in it. */
interface Told {
  readonly stream: string
  readonly atMs: number
  readonly runbook: string
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
    header.kind === 'execution.refused' || isEnded(execution) ? undefined : pausedBy(control, header)
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
    status: { ...status },
    mode: header.mode,
    steps,
    ...(header.kind === 'execution.refused' && header.place !== undefined ? { place: header.place } : {}),
    ...(header.kind === 'execution.started' && header.capped ? { capped: header.capped } : {}),
    ...(pause ? { held: pauseText(pause) } : {}),
  }
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
