import { never } from '../errors.ts'
import type { EntryOf } from '../ledger/entry.ts'
import { dueOf } from './lanes.ts'
import type { Command, RecordFacts } from './next.ts'
import { stateOf, type Execution } from './state.ts'

type PagingStarted = EntryOf<'paging.started'>

/** One page of an escalation policy that is gone through: the id of its step, whom it is for, and the wait behind it. */
export interface Rung {
  readonly step: string
  /** From 1; the team's own channels come after the last level. */
  readonly level: number
  readonly round: number
  /** A schedule or a person; absent: the team's own channels. */
  readonly page?: string
  readonly forMs: number
  /** Only for whoever has acknowledged and let it stand: it comes after the end of the policy. */
  readonly isReminder?: true
}

/** In the order in which they are paged. The first was paged by the step that the paging belongs to. */
export function rungsOf({ levels, repeat, fallback, ackTimeoutMs }: PagingStarted): readonly Rung[] {
  const roundOf = (round: number): readonly Rung[] =>
    levels.map(({ page, forMs }, index) => ({
      step: round === 1 ? `level-${index + 1}` : `level-${index + 1}-round-${round}`,
      level: index + 1,
      round,
      page,
      forMs,
    }))
  const teamAfter = (step: string, rungs: readonly Rung[]): readonly Rung[] => {
    const last = rungs.at(-1)
    if (!fallback || !last) return rungs
    return [...rungs, { step, level: levels.length + 1, round: last.round, forMs: last.forMs }]
  }
  const rounds = Array.from({ length: repeat + 1 }, (_unused, index) => index + 1)
  const policy = teamAfter('team', rounds.flatMap(roundOf))
  if (ackTimeoutMs === undefined) return policy
  const round = repeat + 2
  const reminders = teamAfter(`team-round-${round}`, roundOf(round))
  return [...policy, ...reminders.map((rung): Rung => ({ ...rung, isReminder: true }))]
}

/** Nobody has acknowledged, and nobody is left. */
export const UNANSWERED = 'nobody has acknowledged it, and the escalation policy is at its end'

/**
 * What is to be done now until somebody answers: page the next level when the one before it has had its time, or at once
 * where no channel of that one has accepted the page. Whether somebody has answered is asked before any of it. Pure.
 */
export function nextPage(
  execution: Execution,
  header: PagingStarted,
  nowMs: number,
  record: RecordFacts,
): Command {
  let dueAtMs = header.startedAtMs
  for (const { step, forMs } of rungsOf(header)) {
    const state = stateOf(execution, step)
    switch (state.is) {
      case 'pending': {
        const atMs = Math.max(dueAtMs, state.notBeforeMs ?? 0)
        return nowMs < atMs ? { is: 'wait', untilMs: atMs } : { is: 'begin', steps: [step] }
      }
      case 'open':
      case 'again':
        return dueOf(execution, [step], nowMs)
      case 'applied':
        dueAtMs = state.atMs + forMs
        break
      case 'skipped':
        // The step that it belongs to has sent it.
        dueAtMs = header.startedAtMs + forMs
        break
      case 'failed':
        break
      case 'waiting':
      case 'waited':
      case 'checking':
      case 'checked':
        throw new Error(`${step} is a page and cannot be ${state.is}`)
      default:
        never(state)
    }
  }
  if (nowMs < dueAtMs) return { is: 'wait', untilMs: dueAtMs }
  return record({ kind: 'execution.finished', outcome: 'failed', reason: UNANSWERED })
}
