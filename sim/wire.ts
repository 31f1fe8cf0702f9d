import type { Aws, AwsFor, AwsScope, CallName, Calls } from '../lib/aws/aws.ts'
import type { Clock } from '../lib/clock.ts'
import type { Http, HttpAnswer, HttpRequest } from '../lib/http.ts'

/*
 * The account across a process boundary: the parent holds the world, a worker's calls travel as text. The transport (a
 * pipe, an IPC channel, a socket) is somebody else's business: it moves texts and answers each.
 */

/** What a worker asks of the account. */
export type WireRequest =
  | { readonly is: 'aws'; readonly scope: AwsScope; readonly name: CallName; readonly input: unknown }
  | { readonly is: 'http'; readonly request: HttpRequest }
  | { readonly is: 'clock' }

/** What the account answers; `nowMs` is the virtual time of the answer. */
export type WireAnswer =
  | { readonly ok: unknown; readonly nowMs: number }
  | { readonly error: WireError; readonly nowMs: number }

/** What an SDK error is made of. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string }
  readonly $fault?: 'client' | 'server'
  /** Route 53's list of what is wrong in a change batch. */
  readonly messages?: readonly string[]
}

/** Sends a text and gives the text that came back. Rejects where the other side is gone. */
export type Send = (text: string) => Promise<string>

const DATE = '$date'
const BYTES = '$bytes'
const PLAIN = '$plain'

/** JSON text in which dates and bytes keep their type. Members that are `undefined` are left out. */
export function encodeWire(value: unknown): string {
  return JSON.stringify(pack(value)) ?? 'null'
}

/** The value that `encodeWire` was given. Throws a `SyntaxError` on text that is not JSON. */
export function decodeWire(text: string): unknown {
  return unpack(JSON.parse(text))
}

function pack(value: unknown): unknown {
  if (value instanceof Date) return { [DATE]: value.getTime() }
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(pack)
  if (typeof value !== 'object' || value === null) return value
  const packed = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, pack(member)]))
  // An object that looks like one of ours is wrapped, so that it comes out as it went in.
  return [DATE, BYTES, PLAIN].some((name) => name in value) ? { [PLAIN]: packed } : packed
}

function unpack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpack)
  if (typeof value !== 'object' || value === null) return value
  if (DATE in value) return new Date(value[DATE] as number)
  if (BYTES in value) return new Uint8Array(Buffer.from(value[BYTES] as string, 'base64'))
  const members = PLAIN in value ? (value[PLAIN] as object) : value
  return Object.fromEntries(Object.entries(members).map(([name, member]) => [name, unpack(member)]))
}

/** An error as it travels. */
export function packError(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { $metadata, $fault, messages } = error as Partial<WireError>
  return {
    name: error.name,
    message: error.message,
    ...($metadata ? { $metadata: { ...$metadata } } : {}),
    ...($fault ? { $fault } : {}),
    ...(messages ? { messages: [...messages] } : {}),
  }
}

/** An `Error` of the same name, message and metadata. */
export function unpackError(error: WireError): Error {
  const { name, message, ...more } = error
  const made = new Error(message)
  made.name = name
  return Object.assign(made, more)
}

/** The worker's side of `account.serve`: AWS, HTTP and the clock over one transport. */
export function remoteAccount(
  send: Send,
  clock: RemoteClock,
): { readonly aws: AwsFor; readonly http: Http; readonly clock: Clock } {
  const ask = async (request: WireRequest): Promise<unknown> => {
    const answer = decodeWire(await send(encodeWire(request))) as WireAnswer
    clock.sync(answer.nowMs)
    if ('error' in answer) throw unpackError(answer.error)
    return answer.ok
  }
  return {
    aws: (scope) => remoteCalls(scope, ask),
    http: { post: async (request) => (await ask({ is: 'http', request })) as HttpAnswer },
    clock,
  }
}

/** Only AWS, for whoever has clock and HTTP from elsewhere. */
export function remoteAws(send: Send): AwsFor {
  return remoteAccount(send, remoteClock({ startAtMs: 0, elapsedMs: () => 0 })).aws
}

function remoteCalls(scope: AwsScope, ask: (request: WireRequest) => Promise<unknown>): Aws {
  return {
    call: async <K extends CallName>(name: K, input: Calls[K]['input']) =>
      (await ask({ is: 'aws', scope, name, input })) as Calls[K]['output'],
  }
}

export interface RemoteClock extends Clock {
  /** The account's time as just heard; earlier times are ignored. */
  sync(nowMs: number): void
}

/**
 * The account's time in another process: as last heard, plus what has passed here since at `speed`. Never runs back.
 * `elapsedMs` is any steady clock of this process.
 */
export function remoteClock(options: {
  startAtMs: number
  elapsedMs: () => number
  speed?: number
}): RemoteClock {
  const speed = options.speed ?? 1
  let heardMs = options.startAtMs
  let heardAtMs = options.elapsedMs()
  const now = () => Math.floor(heardMs + (options.elapsedMs() - heardAtMs) * speed)
  return {
    now,
    sync: (nowMs) => {
      if (nowMs <= now()) return
      heardMs = nowMs
      heardAtMs = options.elapsedMs()
    },
  }
}
