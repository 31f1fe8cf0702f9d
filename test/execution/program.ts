import type { Group } from '../../lib/execution/program.ts'
import type { Entry, Stamped } from '../../lib/ledger/entry.ts'
import { stampAll } from '../../lib/ledger/records.ts'
import type { ActionStep, CheckStep, WaitStep } from '../../lib/runbook/runbook.ts'
import { EXECUTION } from '../timeline/parts.ts'

export function action(id: string, over: Partial<ActionStep> = {}): ActionStep {
  return {
    is: 'action',
    id,
    action: 'change thing',
    params: {},
    onFailure: 'continue',
    retry: { attempts: 3, backoffMs: 1_000, maxBackoffMs: 10_000 },
    timeoutMs: 600_000,
    ...over,
  }
}

export function check(id: string, over: Partial<CheckStep> = {}): CheckStep {
  const probe = { is: 'alarm', state: 'ok' } as const
  return {
    is: 'check',
    id,
    probe,
    samples: 3,
    everyMs: 30_000,
    withinMs: 600_000,
    onFailure: 'escalate',
    ...over,
  }
}

export function pause(id: string): WaitStep {
  return { is: 'wait', id, forMs: 60_000, onFailure: 'continue' }
}

/** Capacity, then canary and release together, then is the symptom gone. */
export const PROGRAM: readonly Group[] = [
  [action('capacity')],
  [action('canary'), action('release')],
  [check('check')],
]

/** One record for each list of entries. */
export function stampedStream(
  ...records: readonly (readonly [atMs: number, ...entries: readonly Entry[]])[]
): readonly Stamped[] {
  return records.flatMap(([atMs, ...entries], seq) => stampAll(entries, EXECUTION, seq, atMs))
}
