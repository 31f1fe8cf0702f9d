import { gunzipSync } from 'node:zlib'
import type { Json } from '../json.ts'
import { MAX_TEXT_BYTES, type Delivery } from './delivery.ts'
import { plainOf } from './plain.ts'
import { refused } from './outcome.ts'
import type { Parsed } from './signal.ts'

/** A text's values: one, or one a line; `bad` says which lines could not be read. */
export type Read =
  | { readonly is: 'values'; readonly values: readonly Json[]; readonly bad: readonly Parsed[] }
  | { readonly is: 'refused'; readonly parsed: Parsed }

/** The values of a text: JSON, JSON lines, or a form. Refused, with the reason, where it is none of them. */
export function readText(text: string, delivery: Delivery): Read {
  const bytes = Buffer.byteLength(text)
  if (bytes > MAX_TEXT_BYTES) {
    return no('too-large', `${bytes} bytes are more than the ${MAX_TEXT_BYTES} that an event may have`)
  }
  delivery.budget.bytes -= bytes
  if (delivery.budget.bytes < 0) return no('too-large', 'the parts of this delivery are too large together')
  const bare = text.replace(/^\uFEFF+/, '').trim()
  if (bare === '') return no('empty', 'there is nothing in it')
  const whole = jsonOf(bare)
  if ('value' in whole)
    return whole.value === undefined ? no('too-large', 'it has too many values') : values(whole.value)
  const form = formOf(bare)
  if (form) return values(form)
  return linesOf(bare) ?? no('not-json', `neither JSON nor a form: ${whole.reason}`)
}

function values(value: Json): Read {
  return { is: 'values', values: [value], bad: [] }
}

function no(code: string, reason: string): Read {
  return { is: 'refused', parsed: refused(code, reason) }
}

function jsonOf(text: string): { readonly value: Json | undefined } | { readonly reason: string } {
  try {
    return { value: plainOf(JSON.parse(text)) }
  } catch (error) {
    // Only the place: the message of V8 quotes the text, which may hold a secret.
    const place = /position \d+( \(line \d+ column \d+\))?/.exec(
      error instanceof Error ? error.message : '',
    )?.[0]
    return { reason: place ? `not JSON at ${place}` : 'its JSON ends too early or does not begin' }
  }
}

/** The smallest event that says anything has some 100 bytes, and a text at most 1 MiB. */
const MAX_LINES = 10_000

/** Archives and delivery streams write one event a line, or glue events together without a separator. */
function linesOf(text: string): Read | undefined {
  // Inside a string a quote would be escaped, so that this is never found in one.
  const pieces = text.split(/\n(?=\{)|(?<=\})(?=\{"[A-Za-z-])/)
  if (pieces.length > MAX_LINES) return no('too-many', `more than ${MAX_LINES} events in one text`)
  if (pieces.length < 2 || !text.startsWith('{')) return undefined
  const good: Json[] = []
  const bad: Parsed[] = []
  for (const [index, piece] of pieces.entries()) {
    const one = jsonOf(piece)
    if ('value' in one && one.value !== undefined) good.push(one.value)
    else
      bad.push(
        refused(
          'not-json',
          `event ${index + 1} of ${pieces.length}: ${'reason' in one ? one.reason : 'too many values'}`,
        ),
      )
  }
  // A single broken event has lines as well; only where some piece stands on its own are the others events.
  return good.length === 0 ? undefined : { is: 'values', values: good, bad }
}

/** A form body, as Slack posts it: `payload=<json>`, or the fields of a command. A later field of a name wins nothing. */
function formOf(text: string): Json | undefined {
  if (text.length > 200_000 || !/^[A-Za-z0-9_.+%-]{1,60}=/.test(text) || /[\s{}"<>]/.test(text))
    return undefined
  const fields = new Map<string, Json>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (name !== '__proto__' && !fields.has(name)) fields.set(name, value.toWellFormed())
    if (fields.size > 200) break
  }
  return Object.fromEntries(fields)
}

const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/

/** The text that Base64 stands for, inflated where it is gzip; `undefined` where it is not Base64 of UTF-8 text. */
export function textOfBase64(text: string): string | undefined {
  const bare = text.replace(/\s+/g, '')
  if (bare.length > MAX_TEXT_BYTES * 2 || !BASE64.test(bare)) return undefined
  let bytes: Uint8Array = Buffer.from(bare, 'base64')
  try {
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = gunzipSync(bytes, { maxOutputLength: MAX_TEXT_BYTES })
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** True for a text that begins as JSON or as a form does; says which of two readings of a body is meant. */
export function looksReadable(text: string): boolean {
  return /^\uFEFF?\s*[{["]/.test(text) || formOf(text.trim()) !== undefined
}
