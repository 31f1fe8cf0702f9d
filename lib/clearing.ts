import { stateOf } from './execution/state.ts'
import { calmSince } from './guardrails.ts'
import { readOpen, type Open } from './ledger/open.ts'
import { actor } from './perform.ts'
import { writeDuration } from './runbook/fields.ts'
import type { Runbook } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'

/** Whether an undo may take its next step. */
export type Clearing = { readonly is: 'clear' } | NotClear

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
  if (state === 'alarm') return { is: 'not-clear', reason: 'the alarm stands again', troubled: true }
  const calmAtMs = calmSince(flapping, changes)
  const untilMs = Math.max(clearedAtMs, calmAtMs) + afterMs
  if (nowMs >= untilMs) return { is: 'clear' }
  const stay = `stay clear for ${afterMs / 1000} s`
  const flaps = nowMs < calmAtMs
  const often = `it has changed its state more than ${flapping.changes} times within ${writeDuration(flapping.withinMs)}`
  const reason = flaps
    ? `the alarm flaps: ${often}, and must come to rest and ${stay}`
    : `the alarm must ${stay}`
  return { is: 'not-clear', reason, untilMs, troubled: flaps }
}

/** Reads whether the undo of this session may go on. */
export async function clearingFor(session: Session): Promise<Clearing> {
  const { header, pinned } = session
  if (header.kind !== 'undo.started') throw new Error('only an undo waits for its alarm')
  if (header.atOnce) return { is: 'clear' }
  const { storage, clock } = session.app.ports
  const open = await readOpen(storage, header.key)
  if (!open) return { is: 'clear' }
  const { flapping } = pinned.runbook
  return clearingOf(open, { afterMs: header.afterMs, flapping }, clock.now())
}

/** Says once what an undo waits for; while that goes on it polls, without a write. While the alarm stands nothing is said: the timeline shows that it does. */
export function waitToClear(session: Session, step: string, { reason, untilMs }: NotClear): void {
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
