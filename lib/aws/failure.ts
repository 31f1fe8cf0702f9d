import { never, RetryableError, TerminalError } from '../errors.ts'
import { serviceOfCall, type CallName } from './aws.ts'
import { meaningOf } from './refusals.ts'

/** What the SDK threw, reduced to what decides. */
export interface AwsFailure {
  /** AWS's exception name, such as `ServiceNotFoundException`. */
  readonly name: string
  readonly message: string
  /** HTTP status; absent when no answer arrived. */
  readonly status?: number
  readonly requestId?: string
}

export function awsFailure(error: unknown): AwsFailure {
  if (!(error instanceof Error)) return { name: 'Unknown', message: String(error) }
  const metadata = (error as { $metadata?: { httpStatusCode?: number; requestId?: string } }).$metadata
  return {
    name: error.name,
    message: error.message,
    ...(metadata?.httpStatusCode === undefined ? {} : { status: metadata.httpStatusCode }),
    ...(metadata?.requestId === undefined ? {} : { requestId: metadata.requestId }),
  }
}

/** AWS refused for now, and says so: nothing was changed. */
export function isThrottled(failure: AwsFailure): boolean {
  return meaningOf(failure.name) === 'throttled'
}

/**
 * Whether the service itself did not answer: no answer at all, its own error, or its own word for it. Throttling is none:
 * the service is well, and backoff answers it.
 */
export function isOutage(failure: AwsFailure, service: string): boolean {
  const meaning = meaningOf(failure.name, service)
  if (meaning === 'outage') return true
  if (meaning !== undefined) return false
  return failure.status === undefined || failure.status >= 500
}

/**
 * Turns what a read threw into what the engine must do: throttled is retryable; any other answer with a 4xx status is
 * terminal, since a read changes nothing; everything else (no answer, 5xx) is thrown as it is.
 */
export function rethrow(error: unknown, doing: string): never {
  const failure = awsFailure(error)
  const message = `${doing}: ${failure.name}: ${failure.message}`
  if (isThrottled(failure)) throw new RetryableError(message, { cause: error })
  if (failure.status !== undefined && failure.status >= 400 && failure.status < 500) {
    throw new TerminalError(message, { cause: error })
  }
  throw error
}

/**
 * Turns what a changing call threw into what the engine must do, by the table of its service: throttled and busy are
 * retryable, refused is terminal. A name that the table does not have, or no answer, or AWS's own trouble, is thrown as it
 * is and therefore means "outcome unknown": nobody has told that nothing was changed (CORE.md 1.5).
 */
export function rethrowChange(error: unknown, doing: string, call: CallName): never {
  const failure = awsFailure(error)
  const message = `${doing}: ${failure.name}: ${failure.message}`
  const meaning = meaningOf(failure.name, serviceOfCall(call))
  switch (meaning) {
    case 'throttled':
    case 'busy':
      throw new RetryableError(message, { cause: error })
    case 'refused':
      // A refusal has a status; without one the name was made on this side of the wire.
      if (failure.status === undefined || failure.status >= 500) throw error
      throw new TerminalError(message, { cause: error })
    case 'outage':
    case undefined:
      throw error
    default:
      return never(meaning)
  }
}
