import { never } from '../errors.ts'
import type { Entry } from '../ledger/entry.ts'
import type { Step } from '../runbook/runbook.ts'
import {
  dueOf,
  isPage,
  letsPass,
  mayPass,
  messagesFirst,
  othersCommand,
  pageCommand,
  patience,
} from './lanes.ts'
import type { Group } from './program.ts'
import { nextPage } from './paging.ts'
import { HOLD_DOWN, WHOLE_PLAN, isSettled, stateOf, type Execution, type StepState } from './state.ts'
import { firstStuck, soonEnough, STUCK_AFTER_MS } from './stuck.ts'

/** What is to be done now. Deciding is here, doing is in `advance.ts`. */
export type Command =
  /** Nothing, for ever. */
  | { readonly is: 'done' }
  /** Another worker is at it, or may still be; look again then. */
  | { readonly is: 'leave'; readonly untilMs: number }
  /** Observe these, whose outcome is not known or whose next attempt is due; then record, try again or give up. */
  | { readonly is: 'recover'; readonly steps: readonly string[] }
  /** Observe, plan, intend and apply; or ask for approval, or begin to wait or check. */
  | { readonly is: 'begin'; readonly steps: readonly string[] }
  /** Make the plan of all steps: to be recorded in shadow mode, to be approved in approve mode. */
  | { readonly is: 'forecast' }
  /** The hold-down is over: does the alarm still stand? */
  | { readonly is: 'end-hold' }
  /** Facts that follow from time and record alone. */
  | { readonly is: 'record'; readonly entries: readonly Entry[] }
  /** Measure; wake again soon, by `wakeAtMs` at the latest where something else falls due. */
  | {
      readonly is: 'poll'
      readonly verify: readonly string[]
      readonly checks: readonly string[]
      readonly wakeAtMs?: number
    }
  | { readonly is: 'wait'; readonly untilMs: number }

/** Facts without who records them. */
export type Draft = { [K in Entry['kind']]: Omit<Extract<Entry, { kind: K }>, 'actor'> }[Entry['kind']]

export type RecordFacts = (...entries: readonly Draft[]) => Command

/** The next command for a state at a time. Pure. `worker` is who asks, and stands as the actor of recorded facts. */
export function next(
  execution: Execution,
  program: readonly Group[],
  worker: string,
  nowMs: number,
): Command {
  const { status } = execution
  const record: RecordFacts = (...entries) => ({
    is: 'record',
    entries: entries.map((entry) => ({ ...entry, actor: { is: 'engine', worker } })),
  })
  const held = othersCommand(execution, worker, nowMs)
  if (held) return held
  const pages = pageCommand(execution, nowMs)
  if (pages) return pages
  const stuck = firstStuck(execution, program, nowMs)
  if (stuck) {
    const reason = `${stuck.id} has not come to an end for ${STUCK_AFTER_MS / 1000} s: ${stuck.reason}`
    return record({ ...escalation(execution, stuck.id, reason), stuck: true })
  }
  switch (status.is) {
    case 'absent':
    case 'stopped':
    case 'finished':
    case 'refused':
      return patience(execution, nowMs) ?? { is: 'done' }
    case 'running':
      break
    default:
      never(status)
  }
  if (execution.aborted) {
    const unsettled = [...execution.steps]
      .filter(([, state]) => state.is === 'again' || state.is === 'open')
      .map(([id]) => id)
    if (unsettled.length > 0) return soonEnough(execution, program, dueOf(execution, unsettled, nowMs))
    return record({ kind: 'execution.finished', outcome: 'aborted', reason: execution.aborted.reason })
  }
  const again = [...execution.steps].filter(([id, state]) => state.is === 'again' && !isPage(execution, id))
  const due = again.filter(([, state]) => state.is === 'again' && state.dueAtMs <= nowMs).map(([id]) => id)
  if (due.length > 0) return { is: 'recover', steps: messagesFirst(program, due) }
  if (execution.header?.kind === 'paging.started') return nextPage(execution, execution.header, nowMs, record)
  const hold = execution.steps.get(HOLD_DOWN)
  if (hold?.is === 'waiting')
    return hold.wakeAtMs <= nowMs ? { is: 'end-hold' } : { is: 'wait', untilMs: hold.wakeAtMs }
  const gate = modeGate(execution, nowMs, record)
  if (gate) return gate
  return soonEnough(execution, program, work(execution, program, nowMs, record))
}

/** Shadow records the plan and ends; approve asks for the whole plan before its first step. */
function modeGate(execution: Execution, nowMs: number, record: RecordFacts): Command | undefined {
  const { header } = execution
  if (header?.kind !== 'execution.started' || header.mode === 'auto') return undefined
  const approval = execution.approvals.get(WHOLE_PLAN)
  if (!approval) return { is: 'forecast' }
  switch (approval.is) {
    case 'approved':
      return undefined
    case 'asked':
      if (nowMs < approval.expiresAtMs) return { is: 'wait', untilMs: approval.expiresAtMs }
      return record({ kind: 'approval.expired', subject: WHOLE_PLAN, onTimeout: approval.onTimeout })
    case 'denied':
      return record({
        kind: 'execution.finished',
        outcome: 'skipped',
        reason: `the plan was denied by ${approval.by}${approval.reason === '' ? '' : `: ${approval.reason}`}`,
      })
    case 'expired':
      if (approval.onTimeout === 'escalate' && !hasPageFor(execution, WHOLE_PLAN)) {
        return record(
          escalation(execution, WHOLE_PLAN, 'nobody approved the plan in time; nothing was changed'),
        )
      }
      return record({
        kind: 'execution.finished',
        outcome: 'skipped',
        reason: 'nobody approved the plan in time',
      })
    default:
      return never(approval)
  }
}

/** Works through the groups in order, then waits for verdicts, then ends. */
function work(execution: Execution, program: readonly Group[], nowMs: number, record: RecordFacts): Command {
  const wakes: number[] = []
  const checks: string[] = []
  const halt = haltedBy(execution, program)
  let passing = false
  for (const group of program) {
    const unsettled = group.filter((step) => !isSettled(stateOf(execution, step.id)))
    if (unsettled.length === 0) continue
    if (passing && !unsettled.every(mayPass)) break
    const ready: string[] = []
    for (const step of group) {
      const state = stateOf(execution, step.id)
      if (state.is === 'pending' && halt !== undefined) {
        return record(...skipRest(execution, program, halt))
      }
      const command = stepCommand(execution, step, state, nowMs, record)
      if (command.is === 'ready') ready.push(step.id)
      else if (command.is === 'wake') wakes.push(command.atMs)
      else if (command.is === 'check') checks.push(step.id)
      else if (command.is !== 'settled') return command
    }
    if (ready.length > 0) return { is: 'begin', steps: messagesFirst(program, ready) }
    passing = unsettled.every((step) => letsPass(step, stateOf(execution, step.id)))
    if (!passing) break
  }
  const verify = program
    .flat()
    .map((step) => step.id)
    .filter((id) => isUnverified(stateOf(execution, id)))
  if (verify.length > 0 || checks.length > 0) {
    return { is: 'poll', verify, checks, ...(wakes.length > 0 ? { wakeAtMs: Math.min(...wakes) } : {}) }
  }
  if (wakes.length > 0) return { is: 'wait', untilMs: Math.min(...wakes) }
  const pending = execution.pages
    .filter((page) => !isSettled(stateOf(execution, page.id)))
    .map((page) => page.id)
  if (pending.length > 0) return dueOf(execution, pending, nowMs)
  return record({ kind: 'execution.finished', ...outcomeOf(execution, program) })
}

type StepCommand =
  | Command
  | { readonly is: 'ready' }
  | { readonly is: 'settled' }
  | { readonly is: 'check' }
  | { readonly is: 'wake'; readonly atMs: number }

function stepCommand(
  execution: Execution,
  step: Step,
  state: StepState,
  nowMs: number,
  record: RecordFacts,
): StepCommand {
  switch (state.is) {
    case 'pending':
      if (state.notBeforeMs !== undefined && nowMs < state.notBeforeMs)
        return { is: 'wake', atMs: state.notBeforeMs }
      return approvalCommand(execution, step, nowMs, record)
    case 'waiting':
      if (nowMs < state.wakeAtMs) return { is: 'wake', atMs: state.wakeAtMs }
      return record({ kind: 'step.waited', step: step.id, waitId: state.waitId })
    case 'again':
      return { is: 'wake', atMs: state.dueAtMs }
    case 'open':
      // Our own page, still on its way: its answer is gathered before the turn ends.
      return { is: 'wake', atMs: state.leaseUntilMs }
    case 'checking':
      return { is: 'check' }
    case 'applied':
    case 'checked':
    case 'waited':
    case 'skipped':
    case 'failed':
      return { is: 'settled' }
    default:
      return never(state)
  }
}

function approvalCommand(execution: Execution, step: Step, nowMs: number, record: RecordFacts): StepCommand {
  const approval = execution.approvals.get(step.id)
  if (!approval) return { is: 'ready' }
  switch (approval.is) {
    case 'approved':
      return { is: 'ready' }
    case 'asked':
      if (nowMs < approval.expiresAtMs) return { is: 'wake', atMs: approval.expiresAtMs }
      return record({ kind: 'approval.expired', subject: step.id, onTimeout: approval.onTimeout })
    case 'denied': {
      const reason = `denied by ${approval.by}${approval.reason === '' ? '' : `: ${approval.reason}`}`
      return record({ kind: 'step.skipped', step: step.id, code: 'unapproved', reason })
    }
    case 'expired':
      return record(...expiry(execution, step, approval.onTimeout))
    default:
      return never(approval)
  }
}

/** Silence never applies a change; it only decides how loudly we do not. */
function expiry(execution: Execution, step: Step, onTimeout: 'skip' | 'stop' | 'escalate'): readonly Draft[] {
  const reason = 'nobody approved it in time; it was not applied'
  switch (onTimeout) {
    case 'skip':
      return [{ kind: 'step.skipped', step: step.id, code: 'unapproved', reason }]
    case 'stop':
      return [
        { kind: 'step.failed', step: step.id, code: 'denied', reason },
        escalation(execution, step.id, `${step.id}: ${reason}; the execution stops`),
      ]
    case 'escalate':
      return [
        { kind: 'step.skipped', step: step.id, code: 'unapproved', reason },
        escalation(execution, step.id, `${step.id}: ${reason}`),
      ]
    default:
      return never(onTimeout)
  }
}

/** A page of the engine's own: numbered, so that its id, and with it its key, is derived. */
export function escalation(
  execution: Pick<Execution, 'pages'>,
  step: string,
  reason: string,
  to = '',
): Omit<Extract<Entry, { kind: 'execution.escalated' }>, 'actor'> {
  return { kind: 'execution.escalated', page: `page-${execution.pages.length + 1}`, to, reason, step }
}

function hasPageFor(execution: Execution, subject: string): boolean {
  return execution.pages.some((page) => page.step === subject && page.reason.includes('in time'))
}

/** The failed step after which nothing more is tried; `undefined` where work goes on. */
function haltedBy(execution: Execution, program: readonly Group[]): Step | undefined {
  return program.flat().find((step) => {
    const state = stateOf(execution, step.id)
    const failed = state.is === 'failed' || (state.is === 'checked' && state.verdict.verdict !== 'passed')
    if (!failed) return false
    if (state.is === 'failed' && state.code === 'denied') return true
    return step.onFailure !== 'continue'
  })
}

function skipRest(execution: Execution, program: readonly Group[], halt: Step): readonly Draft[] {
  return program
    .flat()
    .filter((step) => stateOf(execution, step.id).is === 'pending')
    .map(
      (step) =>
        ({
          kind: 'step.skipped',
          step: step.id,
          code: 'stopped',
          reason: `${halt.id} failed and its on_failure is ${halt.onFailure}`,
        }) as const,
    )
}

function isUnverified(state: StepState): boolean {
  return state.is === 'applied' && !state.message && state.verdict === undefined
}

function outcomeOf(
  execution: Execution,
  program: readonly Group[],
): { outcome: 'succeeded' | 'failed'; reason: string } {
  const bad = program.flat().flatMap((step) => {
    const state = stateOf(execution, step.id)
    if (state.is === 'failed') return [`${step.id} failed: ${state.reason}`]
    if (state.is === 'checked' && state.verdict.verdict !== 'passed') {
      return [`${step.id} ${state.verdict.verdict}: ${state.verdict.reason}`]
    }
    if (state.is === 'applied' && state.verdict && state.verdict.verdict !== 'passed') {
      return [`${step.id} was applied, but verify ${state.verdict.verdict}: ${state.verdict.reason}`]
    }
    return []
  })
  if (bad.length > 0) return { outcome: 'failed', reason: bad.join('; ') }
  const applied = program.flat().filter((step) => stateOf(execution, step.id).is === 'applied').length
  return { outcome: 'succeeded', reason: `${applied} of ${program.flat().length} steps applied a change` }
}
