import type { Json } from './json.ts'

/**
 * A judgement. `failed`: measured and bad. `error`: could not be measured. `inconclusive`: no data, too few samples or
 * still in progress; silence is never health (G9).
 */
export interface Verdict {
  readonly verdict: 'passed' | 'failed' | 'inconclusive' | 'error'
  /** Composed where the judgement is made, with its numbers: "running 6 of 9". */
  readonly reason: string
  /** What was measured. */
  readonly values?: { readonly [name: string]: Json }
}

const WORST_FIRST = ['failed', 'error', 'inconclusive', 'passed'] as const

/** The worst of several verdicts; of none, `inconclusive`. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  for (const level of WORST_FIRST) {
    const found = verdicts.find((verdict) => verdict.verdict === level)
    if (found) return found
  }
  return { verdict: 'inconclusive', reason: 'nothing was measured' }
}
