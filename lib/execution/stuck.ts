import type { Command } from './next.ts'
import type { Group } from './program.ts'
import { stateOf, type Execution } from './state.ts'

/**
 * A mitigation that has not come to an end for so long is told to a person, whatever pages of the runbook still stand
 * behind it. The usual retries of a throttled call are over by then.
 */
export const STUCK_AFTER_MS = 120_000

interface Stuck {
  readonly id: string
  readonly sinceMs: number
  readonly reason: string
}

/** The first mitigation that has been under way for too long and of which nobody was told. */
export function firstStuck(
  execution: Execution,
  program: readonly Group[],
  nowMs: number,
): Stuck | undefined {
  return untold(execution, program).find((one) => one.sinceMs + STUCK_AFTER_MS <= nowMs)
}

/** The same command, but no later than when somebody would have to be told that a step is stuck. */
export function soonEnough(execution: Execution, program: readonly Group[], command: Command): Command {
  const atMs = Math.min(...untold(execution, program).map((one) => one.sinceMs + STUCK_AFTER_MS))
  if (!Number.isFinite(atMs)) return command
  switch (command.is) {
    case 'wait':
      return { ...command, untilMs: Math.min(command.untilMs, atMs) }
    case 'poll':
      return { ...command, wakeAtMs: Math.min(command.wakeAtMs ?? Infinity, atMs) }
    default:
      return command
  }
}

/** An undo is slow by design, and nobody waits for it. */
function untold(execution: Execution, program: readonly Group[]): readonly Stuck[] {
  if (execution.header?.kind !== 'execution.started' || execution.status.is !== 'running') return []
  return program.flat().flatMap((step) => {
    const told = execution.pages.some((page) => page.step === step.id && page.stuck)
    if (told || step.message) return []
    const state = stateOf(execution, step.id)
    if (state.is === 'again') return [{ id: step.id, sinceMs: state.begunAtMs, reason: state.reason }]
    if (state.is !== 'pending' || state.putOffSince === undefined) return []
    return [{ id: step.id, sinceMs: state.putOffSince.atMs, reason: state.putOffSince.reason }]
  })
}
