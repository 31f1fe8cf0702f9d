import { openApprovalsIn, type OpenApproval } from './execution/approvals.ts'
import { fold } from './execution/fold.ts'
import { isMessageChange, stateOf } from './execution/state.ts'
import { listIncidents } from './ledger/head.ts'
import type { EntryOf } from './ledger/entry.ts'
import { loadIncident, loadRecords } from './ledger/records.ts'
import type { App } from './ports.ts'
import { timelineOf, type StepSummary, type TimelineRow } from './timeline.ts'

/** Lists that people ask for beside the incidents themselves. All of them only read. */

/** A runbook as somebody who may start it needs to know it. */
export interface ListedRunbook {
  readonly runbook: string
  readonly service: string
  readonly summary: string
  readonly severity: string
  readonly mode: string
  readonly steps: number
}

export function listRunbooks(
  { catalogue }: App,
  services: readonly string[] | undefined,
): readonly ListedRunbook[] {
  return catalogue.runbooks
    .filter(({ service }) => services?.includes(service) ?? true)
    .map(({ runbook, service, summary, severity, mode, steps }) => ({
      runbook,
      service,
      summary,
      severity,
      mode,
      steps: steps.length,
    }))
}

/** What is asked of people and can still be answered, with where it was asked. */
export interface ListedApproval extends OpenApproval {
  readonly incidentId: string
  readonly executionId: string
}

/** More incidents than these do not stand at once; of a storm the newest are asked. */
const MAX_OPEN = 100

/** Every open question of the newest incidents that stand, those that expire first at the front. */
export async function listApprovals(
  { ports }: App,
  services: readonly string[] | undefined,
): Promise<readonly ListedApproval[]> {
  const heads = await listIncidents(ports.storage, MAX_OPEN)
  const standing = heads.filter(
    ({ status, summary }) =>
      status !== 'resolved' && (services === undefined || services.includes(summary?.service ?? '')),
  )
  const nowMs = ports.clock.now()
  const found = await Promise.all(
    standing.map(async ({ incidentId }) =>
      (await loadIncident(ports.storage, incidentId)).flatMap(({ stream, entries }) =>
        openApprovalsIn(entries, nowMs).map((open) => ({ incidentId, executionId: stream, ...open })),
      ),
    ),
  )
  return found.flat().toSorted((a, b) => a.expiresAtMs - b.expiresAtMs)
}

/** One page: whom it was meant for, by which key, and what became of it. */
export interface ListedPage {
  readonly stream: string
  readonly step: string
  readonly summary: string
  readonly attempt: number
  readonly state: 'sent' | 'under way' | 'to be tried again' | 'failed' | 'skipped'
  readonly reason?: string
  readonly atMs: number
}

/** Every page of an incident, oldest first. `undefined` where there is no such incident. */
export async function listPages(
  { ports }: App,
  incidentId: string,
): Promise<readonly ListedPage[] | undefined> {
  const streams = await loadIncident(ports.storage, incidentId)
  if (streams.length === 0) return undefined
  return streams
    .flatMap(({ stream, entries }) => {
      const execution = fold(entries)
      const last = new Map<string, EntryOf<'step.intended'> & { readonly atMs: number }>()
      for (const entry of entries)
        if (entry.kind === 'step.intended' && isMessageChange(entry.change)) last.set(entry.step, entry)
      return [...last.values()].map(({ step, change, attempt, atMs }): ListedPage => {
        const state = stateOf(execution, step)
        const told = { stream, step, summary: change.summary, attempt, atMs }
        if (state.is === 'applied') return { ...told, state: 'sent' }
        if (state.is === 'failed' || state.is === 'skipped')
          return { ...told, state: state.is, reason: state.reason }
        return state.is === 'again'
          ? { ...told, state: 'to be tried again', reason: state.reason }
          : { ...told, state: 'under way' }
      })
    })
    .toSorted((a, b) => a.atMs - b.atMs)
}

/** The entries of an incident, or of one of its streams, in words; the newest last. */
export async function listEntries(
  { ports }: App,
  incidentId: string,
  stream?: string,
): Promise<readonly TimelineRow[] | undefined> {
  const { incident, rows } = timelineOf(await loadRecords(ports.storage, incidentId))
  if (!incident) return undefined
  return stream === undefined ? rows : rows.filter((row) => row.stream === stream)
}

/** The steps of one execution, undo or paging that have come to something. */
export async function listSteps(
  { ports }: App,
  incidentId: string,
  stream: string,
): Promise<readonly StepSummary[] | undefined> {
  const { executions } = timelineOf(await loadRecords(ports.storage, incidentId))
  return executions.find(({ executionId }) => executionId === stream)?.steps
}
