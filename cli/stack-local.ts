import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import type { CommandResult } from '../lib/command.ts'
import type { IngestResult } from '../lib/ingest.ts'
import { describe } from '../lib/errors.ts'
import { EXIT, Failure, Interrupted } from './exit.ts'
import { printable } from './output.ts'
import type { Stack, StackOptions } from './stack.ts'

/** Where `firebreak dev` says that it runs, seen from the folder in which it was started. */
export const DEV_FILE = '.firebreak/dev.json'

const devFile = z.object({
  url: z.string().max(200),
  pid: z.int().positive(),
  // It goes into a header.
  token: z.string().regex(/^[\x21-\x7e]{1,500}$/),
})
export type DevFile = z.output<typeof devFile>

/** A `run` works through the first turn before it answers. */
const ANSWER_TIMEOUT_MS = 60_000
/** Far above the records of any incident; a program that answers more than this is not ours. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

const START_ONE = 'Start one in another terminal with `firebreak dev`.'

const result = z.discriminatedUnion('is', [
  // It comes out of JSON, so whatever is there is JSON.
  z.object({ is: z.literal('answer'), answer: z.unknown().refine((value) => value !== undefined) }),
  z.object({ is: z.literal('problem'), code: z.string(), message: z.string() }),
]) as unknown as z.ZodType<CommandResult>

const part = z.discriminatedUnion('is', [
  z.object({ is: z.literal('accepted'), signalId: z.string(), effect: z.string(), incidentId: z.string() }),
  z.object({ is: z.literal('verdict'), signalId: z.string(), code: z.string(), reason: z.string() }),
  z.object({ is: z.literal('ignored'), code: z.string(), reason: z.string() }),
])
const ingested = z.object({ parts: z.array(part) }) as unknown as z.ZodType<IngestResult>

/** Parses what a stack answered to a command. */
export function readResult(value: unknown, label: string): CommandResult {
  const parsed = result.safeParse(value)
  if (parsed.success) return parsed.data
  throw strange(label, JSON.stringify(value) ?? 'nothing')
}

/** Parses what a stack answered to an event. */
export function readIngested(value: unknown, label: string): IngestResult {
  const parsed = ingested.safeParse(value)
  if (parsed.success) return parsed.data
  throw strange(label, JSON.stringify(value) ?? 'nothing')
}

/** The answer makes no sense, so it is shown as it begins. */
export function strange(label: string, text: string): Failure {
  const shown = printable(text.slice(0, 200)).slice(0, 100)
  return new Failure(
    EXIT.internal,
    'strange-answer',
    `${label} answered what no stack answers: ${shown === '' ? 'nothing' : shown}`,
    {
      remedy: 'Another program may use that address, or the stack is of another version.',
    },
  )
}

/** The stack that `firebreak dev` keeps running in this folder; `undefined` where none was started. */
export function runningStack(options: StackOptions): Stack | undefined {
  const found = readDevFile(options.cwd)
  if (!found) return undefined
  if (!isAlive(found.pid)) {
    throw new Failure(
      EXIT.internal,
      'no-stack',
      `the local stack of ${DEV_FILE} has ended (process ${found.pid})`,
      { remedy: START_ONE },
    )
  }
  return stackAt(checkedUrl(found.url), found.token, options)
}

/** A local stack by its address. The token is that of `FIREBREAK_TOKEN`, or of the stack that runs in this folder. */
export function localStack(url: string, options: StackOptions): Stack {
  const base = checkedUrl(url)
  const found = readDevFile(options.cwd)
  const token =
    options.env['FIREBREAK_TOKEN'] ?? (found && checkedUrl(found.url) === base ? found.token : undefined)
  if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) {
    throw new Failure(EXIT.auth, 'no-token', `no token is known for ${base}`, {
      remedy: `Set FIREBREAK_TOKEN to the token in the ${DEV_FILE} of that stack, or run this in the folder where it was started.`,
    })
  }
  return stackAt(base, token, options)
}

function readDevFile(cwd: string): DevFile | undefined {
  let text: string
  try {
    text = readFileSync(join(cwd, DEV_FILE), 'utf8')
  } catch (error) {
    if (
      (error as NodeJS.ErrnoException).code === 'ENOENT' ||
      (error as NodeJS.ErrnoException).code === 'ENOTDIR'
    )
      return undefined
    throw new Failure(EXIT.internal, 'no-stack', `${DEV_FILE} cannot be read: ${describe(error)}`, {
      cause: error,
    })
  }
  try {
    return devFile.parse(JSON.parse(text))
  } catch (error) {
    throw new Failure(EXIT.internal, 'no-stack', `${DEV_FILE} is not what \`firebreak dev\` writes`, {
      cause: error,
      remedy: `Delete it. ${START_ONE}`,
    })
  }
}

/** The token travels in clear, so it goes to this machine only. */
function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const local =
    url && (url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname))
  if (url?.protocol === 'http:' && local && url.username === '' && url.password === '') return url.origin
  throw new Failure(
    EXIT.usage,
    'usage',
    `"${printable(text).slice(0, 100)}" is not the address of a local stack`,
    {
      remedy: 'It looks like http://127.0.0.1:4555. A stack in AWS is named with --stack.',
    },
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The door of the stack that runs in this folder, for what only a local stack can do: change its simulated account. */
export function localDoor(options: StackOptions): (path: string, body: unknown) => Promise<unknown> {
  const found = readDevFile(options.cwd)
  if (found && isAlive(found.pid)) return doorAt(checkedUrl(found.url), found.token, options)
  throw new Failure(EXIT.internal, 'no-stack', 'no local stack runs in this folder', { remedy: START_ONE })
}

function doorAt(
  base: string,
  token: string,
  options: StackOptions,
): (path: string, body: unknown) => Promise<unknown> {
  const label = `the local stack at ${base}`
  return async (path, body) => {
    const text = await exchange(`${base}${path}`, token, JSON.stringify(body), label, options.signal)
    try {
      return JSON.parse(text) as unknown
    } catch {
      throw strange(label, text)
    }
  }
}

function stackAt(base: string, token: string, options: StackOptions): Stack {
  const label = `the local stack at ${base}`
  const post = doorAt(base, token, options)
  return {
    kind: 'local',
    label,
    command: async (request) => readResult(await post('/command', request), label),
    ingest: async (event) => {
      return readIngested(await post('/ingest', event), label)
    },
  }
}

async function exchange(
  url: string,
  token: string,
  body: string,
  label: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body,
      redirect: 'error',
      signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
    })
    const text = await textOf(response, label)
    if (response.status === 401 || response.status === 403) {
      throw new Failure(EXIT.auth, 'not-accepted', `${label} does not accept the token`, {
        remedy: `The token stands in the ${DEV_FILE} of the folder where \`firebreak dev\` was started; run this there.`,
      })
    }
    if (!response.ok) throw refusedWith(response.status, text, label)
    return text
  } catch (error) {
    if (error instanceof Failure) throw error
    if (signal?.aborted) throw new Interrupted()
    if (timeout.aborted) {
      throw new Failure(
        EXIT.internal,
        'unreachable',
        `${label} did not answer within ${ANSWER_TIMEOUT_MS / 1000} s`,
        { cause: error },
      )
    }
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw new Failure(EXIT.internal, 'unreachable', `${label} cannot be reached: ${describe(cause)}`, {
      cause: error,
      remedy: START_ONE,
    })
  }
}

/** The stack's own door says why in `message`; what stands at another program's door may say anything. */
function refusedWith(status: number, text: string, label: string): Failure {
  const parsed = refusal.safeParse(jsonOf(text))
  if (!parsed.success) return strange(label, `status ${status} ${text}`)
  const message = `${label} says: ${printable(parsed.data.message).slice(0, 500)} (status ${status})`
  return status < 500
    ? new Failure(EXIT.usage, 'refused', message)
    : new Failure(EXIT.internal, 'stack-failed', message)
}

const refusal = z.object({ message: z.string() })

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

async function textOf(response: Response, label: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array)
    size += (chunk as Uint8Array).length
    if (size > MAX_ANSWER_BYTES) throw strange(label, `more than ${MAX_ANSWER_BYTES / 1024 / 1024} MB`)
  }
  return Buffer.concat(chunks).toString('utf8')
}
