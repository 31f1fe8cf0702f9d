/** What a line is about. A state change names its incident, execution, step and attempt, as far as it has them. */
export interface LogFields {
  readonly incident?: string
  readonly execution?: string
  readonly step?: string
  readonly attempt?: number
  readonly error?: unknown
  readonly [name: string]: unknown
}

/** Diagnostics for developers, one JSON line each; may be lost, never evidence (the ledger is). */
export interface Log {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** Says nothing: for the simulator and the tests. */
export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} }

/** A log of a Lambda function, whose lines also name the invocation. */
export interface FunctionLog extends Log {
  /** Every line from now on bears this request's id. */
  begin(requestId: string): void
}

/**
 * Writes through Powertools Logger to standard output. Service and least level come from the standard variables
 * (POWERTOOLS_SERVICE_NAME, POWERTOOLS_LOG_LEVEL). Powertools is loaded here and not with this file, so that whoever
 * needs only the interface does not wait for it.
 */
export async function createLog(): Promise<FunctionLog> {
  const { Logger } = await import('@aws-lambda-powertools/logger')
  const logger = new Logger()
  return {
    begin: (requestId) => logger.appendKeys({ requestId }),
    info: (message, fields) => logger.info(message, { ...fields }),
    warn: (message, fields) => logger.warn(message, { ...fields }),
    error: (message, fields) => logger.error(message, { ...fields }),
  }
}
