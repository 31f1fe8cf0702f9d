/** What AWS answers when it refuses, in the shape that the SDK throws. The account adds the request id. */
export function refuse(name: string, message: string, status = 400, more: object = {}): Error {
  const error = new Error(message)
  error.name = name
  return Object.assign(error, {
    $fault: status >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode: status, attempts: 1, totalRetryDelay: 0 },
    ...more,
  })
}

/** The value, or the refusal that AWS gives for a member that must be there. */
export function need<T>(value: T | undefined | null, error: () => Error): T {
  if (value === undefined || value === null || value === '') throw error()
  return value
}
