import { describe, TerminalError } from '../errors.ts'
import type { Verdict } from '../verdict.ts'

/**
 * The verdict where a measurement threw. A refusal (not found, forbidden) stays one: `error`. Anything else (throttled,
 * no answer, an answer that lacks what was asked) may be better next time: `inconclusive`, and never health (G9).
 */
export function unreadable(error: unknown): Verdict {
  return error instanceof TerminalError
    ? { verdict: 'error', reason: error.message }
    : { verdict: 'inconclusive', reason: `could not be read now: ${describe(error)}` }
}
