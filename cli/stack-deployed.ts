import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { describe } from '../lib/errors.ts'
import type { IngestResult } from '../lib/ingest.ts'
import { EXIT, Failure, Interrupted } from './exit.ts'
import { printable } from './output.ts'
import { readIngested, readResult, strange } from './stack-local.ts'
import type { Stack, StackOptions } from './stack.ts'

/** The functions' own timeout is 30 s. */
const ANSWER_TIMEOUT_MS = 40_000
const CONNECT_TIMEOUT_MS = 5_000

/**
 * A stack in AWS, by its name or by its function's. It is asked by invoking its functions, so IAM decides who may ask.
 * Account and region come from the SDK's standard settings.
 */
export function deployedStack(name: string | { readonly function: string }, options: StackOptions): Stack {
  const label = typeof name === 'string' ? `stack ${name}` : `function ${name.function}`
  const commandFunction = typeof name === 'string' ? `${name}-command` : name.function
  const client = new LambdaClient({
    // Every request may be repeated: a start has its key, a decision its condition, an event its derived ids.
    maxAttempts: 2,
    requestHandler: { requestTimeout: ANSWER_TIMEOUT_MS, connectionTimeout: CONNECT_TIMEOUT_MS },
  })
  const ingest = async (event: unknown): Promise<IngestResult> => {
    // In a list it is an event, never the batch of a queue.
    const answer = await invoke(
      client,
      commandFunction.replace(/-command$/, '-ingest'),
      [event],
      options.signal,
    )
    return readIngested(answer, label)
  }
  return {
    kind: 'deployed',
    label,
    command: async (request) =>
      readResult(await invoke(client, commandFunction, request, options.signal), label),
    // A function of another name has no neighbour that could be told by its own.
    ...(commandFunction.endsWith('-command') ? { ingest } : {}),
  }
}

async function invoke(
  client: LambdaClient,
  functionName: string,
  payload: unknown,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  try {
    const command = new InvokeCommand({
      FunctionName: functionName,
      Payload: Buffer.from(JSON.stringify(payload)),
    })
    const answer = await client.send(command, signal ? { abortSignal: signal } : {})
    const text = Buffer.from(answer.Payload ?? []).toString('utf8')
    if (answer.FunctionError !== undefined) throw failedInside(functionName, text)
    try {
      return text === '' ? undefined : (JSON.parse(text) as unknown)
    } catch {
      throw strange(functionName, text)
    }
  } catch (error) {
    if (error instanceof Failure) throw error
    if (signal?.aborted) throw new Interrupted()
    throw failureOf(functionName, error)
  }
}

function failedInside(functionName: string, text: string): Failure {
  return new Failure(
    EXIT.internal,
    'stack-failed',
    `${functionName} failed: ${printable(text).slice(0, 300)}`,
    {
      remedy: `Read its log: aws logs tail /aws/lambda/${functionName}`,
    },
  )
}

const NOT_WHO =
  /^(ExpiredToken|UnrecognizedClient|InvalidSignature|SignatureDoesNotMatch|InvalidClientTokenId|IncompleteSignature|MissingAuthenticationToken|InvalidAccessKeyId|AuthFailure|OptInRequired)/

/** What the SDK threw, as the setting that is to be changed. */
function failureOf(functionName: string, error: unknown): Failure {
  const { name, message } = error instanceof Error ? error : { name: 'Unknown', message: String(error) }
  const auth = (code: string, what: string, remedy: string): Failure =>
    new Failure(EXIT.auth, code, what, { cause: error, remedy })
  if (/region is missing/i.test(message)) {
    return auth(
      'no-region',
      'no AWS region is set',
      'Set AWS_REGION to the region of the stack, or AWS_PROFILE to a profile that has one.',
    )
  }
  if (name.startsWith('AccessDenied')) {
    return auth(
      'access-denied',
      `AWS does not let you invoke ${functionName}: ${message}`,
      `Ask for lambda:InvokeFunction on ${functionName}, or set AWS_PROFILE to a profile that has it.`,
    )
  }
  if (NOT_WHO.test(name)) {
    return auth(
      'credentials',
      `AWS does not accept the credentials: ${name}: ${message}`,
      'Log in again (aws sso login), or set AWS_PROFILE to another profile.',
    )
  }
  if (/Credentials|TokenProvider|SSO/.test(name)) {
    return auth(
      'credentials',
      `no AWS credentials were found: ${message}`,
      'Set AWS_PROFILE, or log in with `aws sso login`.',
    )
  }
  if (name === 'ResourceNotFoundException') {
    return new Failure(
      EXIT.usage,
      'no-stack',
      `there is no function ${functionName} in this account and region`,
      {
        cause: error,
        remedy: 'Check the name given as --stack, AWS_REGION and AWS_PROFILE.',
      },
    )
  }
  if (name === 'RequestTooLargeException' || name === 'RequestEntityTooLargeException') {
    return new Failure(EXIT.usage, 'too-large', `AWS refused the request: it is too large (${message})`, {
      cause: error,
    })
  }
  return new Failure(EXIT.internal, 'unreachable', `${functionName} cannot be invoked: ${describe(error)}`, {
    cause: error,
    remedy: 'Check the network, AWS_REGION, and AWS_ENDPOINT_URL where one is set.',
  })
}
