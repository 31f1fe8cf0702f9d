import type { Command } from './next.ts'
import type { Group, ProgramStep } from './program.ts'
import { isMessageChange, isSettled, stateOf, type Execution, type StepState } from './state.ts'

/*
 * Pages have a lane of their own beside the mitigations of the same stream: a page begins before and beside a mitigation,
 * whatever holds that up, and its answer is gathered later, so that a channel that hangs holds up no mitigation.
 */

export function isPage(execution: Execution, id: string): boolean {
  return execution.pages.some((page) => page.id === id)
}

/**
 * What other workers have left open, or still have in their hands. A worker's lease protects its calls; only after it, and
 * after the time in which an effect may still be unseen, do we look. A page has no effect to be seen, so it is sent again
 * as soon as the lease is over. `undefined`: nothing of others holds us up.
 */
export function othersCommand(execution: Execution, worker: string, nowMs: number): Command | undefined {
  const open = [...execution.steps].flatMap(([id, state]) =>
    state.is === 'open' && state.worker !== worker && isLive(execution, id) ? [{ id, state }] : [],
  )
  if (open.length === 0) return undefined
  const leasedUntilMs = Math.max(...open.map(({ state }) => state.leaseUntilMs))
  const freeAtMs = (one: (typeof open)[number]) => one.state.leaseUntilMs + one.state.settleMs
  const firstMs = Math.min(...open.map(freeAtMs))
  if (nowMs < leasedUntilMs) return { is: 'leave', untilMs: Math.max(leasedUntilMs, firstMs) }
  const pages = open.filter(({ id, state }) => isPage(execution, id) || isMessageChange(state.change))
  if (pages.length > 0) return { is: 'recover', steps: pages.map(({ id }) => id) }
  const page = pageCommand(execution, nowMs)
  if (page) return page
  const due = open.filter((one) => freeAtMs(one) <= nowMs)
  return due.length > 0
    ? { is: 'recover', steps: due.map(({ id }) => id) }
    : { is: 'leave', untilMs: firstMs }
}

/** Of a stopped execution only its pages are still worked on; what it left open, a person was told of. */
function isLive(execution: Execution, id: string): boolean {
  return execution.status.is !== 'stopped' || isPage(execution, id)
}

/** The engine's own pages go out whatever else is the matter, also from a refused or failed execution. */
export function pageCommand(execution: Execution, nowMs: number): Command | undefined {
  const fresh = execution.pages
    .filter((page) => stateOf(execution, page.id).is === 'pending')
    .map((page) => page.id)
  if (fresh.length > 0) return { is: 'begin', steps: fresh }
  const due = execution.pages.filter((page) => {
    const state = stateOf(execution, page.id)
    return state.is === 'again' && state.dueAtMs <= nowMs
  })
  return due.length > 0 ? { is: 'recover', steps: due.map((page) => page.id) } : undefined
}

/** Waits for pages that are still to be tried again. */
export function patience(execution: Execution, nowMs: number): Command | undefined {
  const waiting = execution.pages
    .filter((page) => stateOf(execution, page.id).is === 'again')
    .map((page) => page.id)
  return waiting.length > 0 ? dueOf(execution, waiting, nowMs) : undefined
}

/** Recovers what is due of these, or waits for the first of them. */
export function dueOf(execution: Execution, ids: readonly string[], nowMs: number): Command {
  const dueAtMs = (id: string) => {
    const state = stateOf(execution, id)
    if (state.is === 'open') return state.leaseUntilMs
    return state.is === 'again' ? state.dueAtMs : nowMs
  }
  const due = ids.filter((id) => stateOf(execution, id).is !== 'open' && dueAtMs(id) <= nowMs)
  return due.length > 0
    ? { is: 'recover', steps: due }
    : { is: 'wait', untilMs: Math.min(...ids.map(dueAtMs)) }
}

/** Messages are prepared in no time, changes are locked and observed first: where both are due, the messages go ahead. */
export function messagesFirst(program: readonly Group[], ids: readonly string[]): readonly string[] {
  const messages = program.flat().filter((step) => step.message && ids.includes(step.id))
  return messages.length > 0 ? messages.map((step) => step.id) : ids
}

/**
 * A message that was tried, and a change that the outage of a control plane holds up, hold up no mitigation behind them,
 * unless the runbook makes the rest depend on them.
 */
export function letsPass(step: ProgramStep, state: StepState): boolean {
  if (isSettled(state)) return true
  if (step.onFailure !== 'continue') return false
  if (step.message === true) return state.is === 'open' || state.is === 'again'
  return (state.is === 'pending' || state.is === 'again') && state.breaker !== undefined
}

/** Only a mitigation goes ahead of what is still under way, and only one that does not ask what became of it. */
export function mayPass(step: ProgramStep): boolean {
  if (step.is !== 'action') return false
  const expressions = [step.when ?? '', ...Object.values(step.references ?? {})]
  return !expressions.some((expression) => /\bsteps\b/.test(expression))
}
