import { RetryableError, TerminalError } from '../errors.ts'

/** What the SDK threw, reduced to what decides. */
export interface AwsFailure {
  /** AWS's exception name, such as `ServiceNotFoundException`. */
  readonly name: string
  readonly message: string
  /** HTTP status; absent when no answer arrived. */
  readonly status?: number
  readonly requestId?: string
}

/** Throttling goes by many names (AWS.md 0.4). */
const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'SlowDown',
  'PriorRequestNotComplete',
  'ConcurrentUpdateException',
  'ProvisionedThroughputExceededException',
])

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
  return THROTTLED.has(failure.name)
}

/**
 * Turns what a call threw into what the engine must do: throttled is retryable; any other answer with a 4xx status means
 * that AWS refused and changed nothing, which is terminal; everything else (no answer, 5xx) is thrown as it is and
 * therefore means "outcome unknown".
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
