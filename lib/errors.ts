/*
 * Errors are named by what the engine must do. Anything else that is thrown while a change is applied means that the
 * outcome is unknown: the engine then observes before it does anything (CORE.md 1.5).
 */

/** AWS refused for now and nothing was changed (throttled, busy): another attempt may be made. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError'
  readonly retryAfterMs: number | undefined
  constructor(message: string, options?: { cause?: unknown; retryAfterMs?: number }) {
    super(message, { cause: options?.cause })
    this.retryAfterMs = options?.retryAfterMs
  }
}

/** AWS refused for good and nothing was changed (not found, invalid, forbidden): the step has failed. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, { cause: options?.cause })
  }
}

/** The engine must not decide this alone: a person is paged with the message as the reason. Nothing was changed. */
export class NeedsHumanError extends Error {
  override readonly name = 'NeedsHumanError'
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, { cause: options?.cause })
  }
}

/** What the engine makes of anything that was thrown. */
export type Outcome =
  | { readonly is: 'retryable'; readonly reason: string; readonly retryAfterMs?: number }
  | { readonly is: 'terminal'; readonly reason: string }
  | { readonly is: 'needs-human'; readonly reason: string }
  | { readonly is: 'unknown'; readonly reason: string }

export function outcomeOf(error: unknown): Outcome {
  if (error instanceof RetryableError) {
    return error.retryAfterMs === undefined
      ? { is: 'retryable', reason: error.message }
      : { is: 'retryable', reason: error.message, retryAfterMs: error.retryAfterMs }
  }
  if (error instanceof TerminalError) return { is: 'terminal', reason: error.message }
  if (error instanceof NeedsHumanError) return { is: 'needs-human', reason: error.message }
  return { is: 'unknown', reason: describe(error) }
}

/** One line about anything that was thrown: the error's name and message. */
export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** Closes an exhaustive switch: a new member of the union becomes a type error here. Prints the tag, not `[object Object]`. */
export function never(value: never): never {
  throw new Error(`unexpected ${JSON.stringify(value)}`)
}
