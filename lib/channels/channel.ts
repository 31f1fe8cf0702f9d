import type { ApplyContext, Statement } from '../actions/action.ts'
import type { HttpAnswer } from '../http.ts'
import { describe } from '../errors.ts'
import type { Channel, Severity } from '../runbook/runbook.ts'

/** One page, as every channel gets it. Its texts are untrusted: each channel escapes them for its own format. */
export interface Page {
  /** `incident:level:round:reason`, of letters, digits and `:_-`; a provider that is told twice recognises it. */
  readonly key: string
  readonly incidentId: string
  readonly executionId: string
  readonly runbook: string
  readonly service: string
  readonly severity: Severity
  readonly onsetAtMs: number
  /** One line. */
  readonly summary: string
  /** Everything that the person should read, at most 4,000 characters, lines ended by `\n`. */
  readonly text: string
  /** Where whoever reads it acknowledges. It is worth a signature, and stands on no record. */
  readonly ackUrl?: string
}

/** The text of a page with the link to acknowledge before it, where there is one: in a text message the end may be cut off. */
export function textOf({ text, ackUrl }: Page): string {
  return ackUrl === undefined ? text : `Acknowledge: ${ackUrl}\n\n${text}`
}

/** What sending may use. */
export type ChannelContext = Pick<ApplyContext, 'aws' | 'http' | 'nowMs' | 'secret'>

/** `retryable`: whether the same page might be accepted later. `retryAfterMs` where the provider says when. */
export type Sent =
  | { readonly accepted: true; readonly id: string }
  | {
      readonly accepted: false
      readonly reason: string
      readonly retryable: boolean
      readonly retryAfterMs?: number
    }

/** One way to reach people. One sender is one file in this folder. */
export interface Sender<C extends Channel> {
  readonly kind: C['is']
  /** What sending needs beside the reading of its secrets. */
  permissions(channel: C): readonly Statement[]
  /** The names of the secrets that sending reads. */
  secrets(channel: C): readonly string[]
  /** Sends the page once. A throw means that nobody knows whether it was accepted. */
  send(page: Page, channel: C, context: ChannelContext): Promise<Sent>
}

/** A provider that has not answered by then counts as unanswered; short, so that several fit into one invocation. */
export const SEND_TIMEOUT_MS = 3_000

/** What an HTTP status that is not the provider's yes means: later for 429 and 5xx, never for the rest. */
export function refusal(answer: HttpAnswer, said: string): Sent {
  const later = answer.status === 429 || answer.status >= 500
  const wait = retryAfterMs(answer)
  return {
    accepted: false,
    reason: `answered ${answer.status}${said === '' ? '' : `: ${said}`}`,
    retryable: later,
    ...(later && wait !== undefined ? { retryAfterMs: wait } : {}),
  }
}

/** `Retry-After` in seconds, at most an hour; a date or anything else is left alone. */
export function retryAfterMs(answer: HttpAnswer): number | undefined {
  const seconds = /^\d{1,4}$/.test(answer.headers['retry-after'] ?? '')
    ? Number(answer.headers['retry-after'])
    : undefined
  return seconds === undefined ? undefined : Math.min(seconds, 3_600) * 1_000
}

/** The members of a JSON object; none where the body is something else. */
export function jsonObject(body: string): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Text on one line without control characters, cut with an ellipsis. */
export function oneLine(text: string, limit: number): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is taken out
  return cut(text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim(), limit)
}

/** Text of several lines without other control characters, cut with an ellipsis. */
export function lines(text: string, limit: number): string {
  const split = text.split(/\r\n?|[\n\u2028\u2029]/)
  return cut(split.map((line) => oneLine(line, limit)).join('\n'), limit)
}

/** The first `limit` UTF-16 units, never half a character. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) return text
  const kept = text.slice(0, limit - 1)
  return `${/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept}\u2026`
}

/** `&`, `<` and `>` as HTML and Slack want them, within a limit that counts the escaped text. */
export function escaped(text: string, limit = Number.POSITIVE_INFINITY): string {
  const entities: { readonly [character: string]: string } = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
  let result = ''
  for (const character of text) {
    const next = entities[character] ?? character
    if (result.length + next.length > limit) break
    result += next
  }
  return result
}

/** What was thrown, on one line. */
export function thrown(error: unknown): string {
  return oneLine(describe(error), 300)
}
