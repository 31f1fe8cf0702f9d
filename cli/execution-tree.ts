import { never } from '../lib/errors.ts'
import { fold } from '../lib/execution/fold.ts'
import { WHOLE_PLAN, type ApprovalState, type Execution, type StepState } from '../lib/execution/state.ts'
import type { Stamped } from '../lib/ledger/entry.ts'
import { timeText } from './output.ts'
import type { TreeModel, TreeState, TreeStep } from './tree.ts'

/** How an execution ended, or that it has not. */
export type Ending =
  | { readonly is: 'running' }
  /** Asks a person: `subject` is a step's id, or `plan`. */
  | {
      readonly is: 'asking'
      readonly subject: string
      readonly digest: string
      readonly by: string
      readonly expiresAtMs: number
    }
  | {
      readonly is: 'ended'
      readonly outcome: 'succeeded' | 'failed' | 'aborted' | 'skipped' | 'stopped' | 'refused' | 'denied'
      readonly reason: string
    }

export function endingOf(entries: readonly Stamped[]): Ending {
  const { status, approvals, steps } = fold(entries)
  switch (status.is) {
    case 'finished': {
      const plan = approvals.get(WHOLE_PLAN)?.is
      const noPlan = status.outcome === 'skipped' && (plan === 'denied' || plan === 'expired')
      const noStep =
        status.outcome === 'failed' &&
        [...steps.values()].some((step) => step.is === 'failed' && step.code === 'denied')
      return { is: 'ended', outcome: noPlan || noStep ? 'denied' : status.outcome, reason: status.reason }
    }
    case 'stopped':
      return { is: 'ended', outcome: 'stopped', reason: status.reason }
    case 'refused':
      return { is: 'ended', outcome: 'refused', reason: status.reason }
    case 'absent':
    case 'running':
      return askingOf(approvals)
    default:
      return never(status)
  }
}

function askingOf(approvals: Execution['approvals']): Ending {
  for (const [subject, approval] of approvals) {
    if (approval.is === 'asked') return { ...approval, is: 'asking', subject }
  }
  return { is: 'running' }
}

/** One execution or undo as a tree. `program` names the steps that are still to come, where it is known. */
export function treeOf(
  entries: readonly Stamped[],
  nowMs: number,
  program: readonly string[] = [],
): TreeModel {
  const execution = fold(entries)
  const ids = [
    ...new Set([
      ...program,
      ...forecastIds(entries),
      ...execution.approvals.keys(),
      ...execution.steps.keys(),
    ]),
  ]
  return {
    title: titleOf(execution, entries),
    steps: ids.map((id) =>
      stepOf(
        id,
        execution,
        entries.filter((entry) => subjectOf(entry) === id),
        nowMs,
      ),
    ),
  }
}

function titleOf(execution: Execution, entries: readonly Stamped[]): string {
  const { header } = execution
  const stream = entries[0]?.stream ?? ''
  if (!header) return `${stream}: starting`
  if (header.kind === 'paging.started')
    return `paging ${header.team} ${stream}: ${statusText(execution, entries)}`
  const what = header.kind === 'undo.started' ? `undo of ${header.runbook}` : header.runbook
  return `${what} on ${header.service} (${header.mode}) ${stream}: ${statusText(execution, entries)}`
}

function statusText(execution: Execution, entries: readonly Stamped[]): string {
  const ending = endingOf(entries)
  switch (ending.is) {
    case 'ended':
      return `${ending.outcome}${ending.reason === '' ? '' : `, ${ending.reason}`}`
    case 'asking':
      return `asks ${ending.by} about ${ending.subject}`
    case 'running':
      return execution.aborted ? `aborted by ${execution.aborted.by}` : 'running'
    default:
      return never(ending)
  }
}

/** Steps that a recorded or requested plan names. */
function forecastIds(entries: readonly Stamped[]): readonly string[] {
  return entries.flatMap((entry) =>
    entry.kind === 'plan.recorded' || entry.kind === 'approval.requested'
      ? entry.steps.map((step) => step.step)
      : [],
  )
}

function subjectOf(entry: Stamped): string | undefined {
  return 'step' in entry ? entry.step : 'subject' in entry ? entry.subject : undefined
}

function stepOf(id: string, execution: Execution, entries: readonly Stamped[], nowMs: number): TreeStep {
  const state = execution.steps.get(id)
  const approval = execution.approvals.get(id)
  if (approval && (!state || (state.is === 'pending' && approval.is !== 'approved')))
    return { id, ...approvalText(approval) }
  if (!state) return { id, ...unbegun(execution) }
  const began = entries.find(
    (entry) =>
      entry.kind === 'step.intended' || entry.kind === 'step.checking' || entry.kind === 'step.waiting',
  )
  const ended = SETTLED.has(state.is) ? entries.at(-1)?.atMs : undefined
  const attempt = 'attempt' in state ? state.attempt : undefined
  const shown = shownState(state, execution, entries)
  return {
    id,
    ...shown,
    ...(attempt === undefined ? {} : { attempt }),
    ...(began && shown.state !== 'pending' && shown.state !== 'skipped'
      ? { durationMs: Math.max(0, (ended ?? nowMs) - began.atMs) }
      : {}),
  }
}

/** A check or a wait ends with its execution. A page does not: a refused execution still calls people. */
function shownState(state: StepState, execution: Execution, entries: readonly Stamped[]): Shown {
  const isOver = execution.status.is === 'finished' || execution.status.is === 'stopped'
  return isOver && (state.is === 'checking' || state.is === 'waiting')
    ? { state: 'skipped', text: 'not finished' }
    : stateText(state, entries)
}

const SETTLED: ReadonlySet<StepState['is']> = new Set(['applied', 'checked', 'waited', 'skipped', 'failed'])

interface Shown {
  readonly state: TreeState
  readonly text: string
}

function unbegun({ status }: Execution): Shown {
  return status.is === 'running' || status.is === 'absent'
    ? { state: 'pending', text: '' }
    : { state: 'skipped', text: 'not begun' }
}

function approvalText(approval: ApprovalState): Shown {
  switch (approval.is) {
    case 'asked':
      return {
        state: 'waiting',
        text: `waits for ${approval.by} until ${clockText(approval.expiresAtMs)}, plan ${approval.digest}${soFar(approval)}`,
      }
    case 'approved':
      return { state: 'done', text: `approved by ${approval.by}` }
    case 'denied':
      return {
        state: 'skipped',
        text: `denied by ${approval.by}${approval.reason === '' ? '' : `: ${approval.reason}`}`,
      }
    case 'expired':
      return { state: 'skipped', text: 'nobody decided in time' }
    default:
      return never(approval)
  }
}

function soFar({ quorum, approvedBy }: Extract<ApprovalState, { is: 'asked' }>): string {
  if (quorum === 1) return ''
  const names = approvedBy.length === 0 ? '' : ` (${approvedBy.join(', ')})`
  return `, ${approvedBy.length} of ${quorum} approved${names}`
}

function stateText(state: StepState, entries: readonly Stamped[]): Shown {
  switch (state.is) {
    case 'pending':
      return {
        state: state.putOff > 0 ? 'waiting' : 'pending',
        text: state.putOff > 0 ? lastReason(entries) : '',
      }
    case 'waiting':
      return { state: 'waiting', text: `${state.reason}, until ${clockText(state.wakeAtMs)}` }
    case 'open':
      return { state: 'running', text: `${state.change.target.label}: ${state.change.summary}` }
    case 'again':
      return state.why === 'retried'
        ? { state: 'waiting', text: `to be tried again at ${clockText(state.dueAtMs)}: ${state.reason}` }
        : {
            state: 'waiting',
            text: `outcome unknown, to be observed at ${clockText(state.dueAtMs)}: ${state.reason}`,
          }
    case 'applied':
      return appliedText(state, entries)
    case 'checking':
      return { state: 'running', text: `measuring, until ${clockText(state.untilMs)} at most` }
    case 'checked':
      return {
        state: state.verdict.verdict === 'passed' ? 'done' : 'failed',
        text: `${state.verdict.verdict}: ${state.verdict.reason}`,
      }
    case 'waited':
      return { state: 'done', text: 'waited' }
    case 'skipped':
      return { state: 'skipped', text: state.reason }
    case 'failed':
      return { state: 'failed', text: state.reason }
    default:
      return never(state)
  }
}

function appliedText(state: Extract<StepState, { is: 'applied' }>, entries: readonly Stamped[]): Shown {
  const applied = entries.findLast((entry) => entry.kind === 'step.applied')
  const what = `${state.change.target.label}: ${state.change.summary}`
  if (state.verdict && state.verdict.verdict !== 'passed') {
    return {
      state: 'failed',
      text: `${what}, but verify is ${state.verdict.verdict}: ${state.verdict.reason}`,
    }
  }
  const verified = state.verdict ? ', verified' : ''
  if (applied?.recovered !== undefined)
    return { state: 'recovered', text: `${what}${verified}, recovered: ${applied.recovered}` }
  return { state: 'done', text: `${what}${verified}` }
}

/** The time of day: a countdown would make every look at it news. */
function clockText(atMs: number): string {
  return timeText(atMs).slice(11)
}

function lastReason(entries: readonly Stamped[]): string {
  const last = entries.findLast((entry) => entry.kind === 'step.waiting')
  return last?.reason ?? ''
}
