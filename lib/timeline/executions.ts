import { never } from '../errors.ts'
import { fold } from '../execution/fold.ts'
import { HOLD_DOWN, type Execution, type StepState } from '../execution/state.ts'
import type { Stamped } from '../ledger/entry.ts'
import type { ExecutionSummary, Level, StepSummary, TimelineRow } from '../timeline.ts'

/** What became of each execution, undo and paging, in the order of their beginnings. `rows` bring how steps were recovered. */
export function executionsOf(
  streams: ReadonlyMap<string, readonly Stamped[]>,
  rows: readonly TimelineRow[],
): readonly ExecutionSummary[] {
  return [...streams]
    .flatMap(([stream, entries]) => {
      const summary = summaryOf(
        stream,
        entries,
        rows.filter((row) => row.stream === stream),
      )
      return summary ? [summary] : []
    })
    .toSorted((a, b) => a.startedAtMs - b.startedAtMs)
}

function summaryOf(
  stream: string,
  entries: readonly Stamped[],
  rows: readonly TimelineRow[],
): ExecutionSummary | undefined {
  const execution = fold(entries)
  const [first] = entries
  const { header } = execution
  if (!header || !first) return undefined
  const ended = entries.findLast(
    (entry) =>
      entry.kind === 'execution.finished' ||
      entry.kind === 'execution.stopped' ||
      entry.kind === 'execution.refused',
  )
  const pages = new Set(execution.pages.map((page) => page.id))
  return {
    executionId: stream,
    runbook: header.runbook,
    mode: header.mode,
    undo: header.kind === 'undo.started',
    ...(header.kind === 'paging.started' ? { paging: header.team } : {}),
    startedBy:
      header.occasion.is === 'manual'
        ? `${header.occasion.by} (${header.occasion.via})`
        : header.occasion.signal.name,
    ...outcomeOf(execution),
    startedAtMs: first.atMs,
    ...(ended === undefined ? {} : { endedAtMs: ended.atMs }),
    steps: [...execution.steps]
      .filter(([step]) => !pages.has(step))
      .map(([step, state]) => stepOf(step, state, entries, rows)),
    pages: execution.pages.map((page) => {
      const { text, level } = stateText(execution.steps.get(page.id) ?? { is: 'pending', putOff: 0 })
      return { page: page.id, to: page.to, reason: page.reason, state: text, level }
    }),
  }
}

function outcomeOf({ status, aborted }: Execution): Pick<ExecutionSummary, 'outcome' | 'reason' | 'level'> {
  switch (status.is) {
    case 'finished':
      return {
        outcome: status.outcome,
        reason: status.reason,
        level: { succeeded: 'good', failed: 'bad', aborted: 'attention', skipped: 'info' }[
          status.outcome
        ] as Level,
      }
    case 'refused':
      return { outcome: 'refused', reason: status.reason, level: 'attention' }
    case 'stopped':
      return { outcome: 'stopped', reason: status.reason, level: 'bad' }
    case 'running':
    case 'absent':
      return {
        outcome: 'running',
        reason: aborted ? `aborted by ${aborted.by}: ${aborted.reason}` : '',
        level: 'info',
      }
    default:
      return never(status)
  }
}

function stepOf(
  step: string,
  state: StepState,
  entries: readonly Stamped[],
  rows: readonly TimelineRow[],
): StepSummary {
  const intents = entries
    .filter((entry) => entry.kind === 'step.intended')
    .filter((entry) => entry.step === step)
  const last = intents.at(-1)
  const recovered = rows.findLast((row) => row.step === step && row.recovered !== undefined)?.recovered
  return {
    step: step === HOLD_DOWN ? 'hold-down' : step,
    ...stateWords(state),
    attempts: Math.max(0, ...intents.map((intent) => intent.attempt)),
    ...(last === undefined ? {} : { target: last.change.target.label, change: last.change.summary }),
    ...(recovered === undefined ? {} : { recovered }),
  }
}

function stateWords(state: StepState): Pick<StepSummary, 'state' | 'level' | 'reason'> {
  const { text, level, reason } = stateText(state)
  return { state: text, level, ...(reason === undefined || reason === '' ? {} : { reason }) }
}

/** A step's final state, or the state it is in. */
function stateText(state: StepState): {
  readonly text: string
  readonly level: Level
  readonly reason?: string
} {
  switch (state.is) {
    case 'pending':
      return { text: 'not begun', level: 'info' }
    case 'waiting':
      return { text: 'waiting', level: 'info', reason: state.reason }
    case 'open':
      return { text: 'under way', level: 'info' }
    case 'again':
      return state.why === 'retried'
        ? { text: 'to be tried again', level: 'attention', reason: state.reason }
        : { text: 'outcome not known', level: 'attention', reason: state.reason }
    case 'applied':
      return appliedText(state)
    case 'checking':
      return { text: 'measuring', level: 'info' }
    case 'checked':
      return state.verdict.verdict === 'passed'
        ? { text: 'passed', level: 'good', reason: state.verdict.reason }
        : { text: state.verdict.verdict, level: badness(state.verdict.verdict), reason: state.verdict.reason }
    case 'waited':
      return { text: 'waited', level: 'info' }
    case 'skipped':
      return { text: 'skipped', level: 'info', reason: state.reason }
    case 'failed':
      return { text: 'failed', level: 'bad', reason: state.reason }
    default:
      return never(state)
  }
}

function appliedText(state: Extract<StepState, { is: 'applied' }>): ReturnType<typeof stateText> {
  if (state.message) return { text: 'sent', level: 'good' }
  if (!state.verdict) return { text: 'applied', level: 'good' }
  const { verdict, reason } = state.verdict
  return verdict === 'passed'
    ? { text: 'applied, verified', level: 'good', reason }
    : { text: `applied, verify ${verdict}`, level: badness(verdict), reason }
}

function badness(verdict: 'failed' | 'inconclusive' | 'error'): Level {
  return verdict === 'failed' ? 'bad' : 'attention'
}

/** What a stream is, in a heading. */
export function titleOf({ undo, paging, runbook, mode }: ExecutionSummary): string {
  if (paging !== undefined) return `Paging ${paging} until somebody answers`
  return `${undo ? 'Putting back: ' : ''}${runbook} (${mode})`
}
