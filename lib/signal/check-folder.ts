import { isoTime } from '../clock.ts'
import { never } from '../errors.ts'
import { parseText } from './parse.ts'
import type { Parsed } from './signal.ts'

/** One payload file and what each of its parts became. */
export interface CheckedPayload {
  readonly file: string
  readonly outcome: readonly Parsed[]
}

/**
 * What a payload file's text would become, for `firebreak replay --check`. Never throws. `receivedAtMs` dates the few kinds
 * that carry no time of their own; without it those are dated 1970.
 */
export function checkPayload(fileName: string, text: string, receivedAtMs = 0): CheckedPayload {
  return { file: fileName, outcome: parseText(text, { fileName, receivedAtMs }) }
}

/** A line for each part, in columns: file, what it became, which signal or why not; and a count at the end. */
export function renderCheck(results: readonly CheckedPayload[]): string {
  const rows = results.flatMap(({ file, outcome }) =>
    outcome.map((parsed) => [printable(file), became(parsed), because(parsed)] as const),
  )
  const wide = [0, 1].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map(
    ([file, what, why]) => `${file.padEnd(wide[0] ?? 0)}  ${what.padEnd(wide[1] ?? 0)}  ${why}`,
  )
  const all = results.flatMap(({ outcome }) => outcome)
  const count = (is: Parsed['is']) => all.filter((parsed) => parsed.is === is).length
  const files = `${results.length} ${results.length === 1 ? 'file' : 'files'}`
  return [
    ...lines,
    `${files}: ${count('signal')} signals, ${count('ignored')} ignored, ${count('refused')} refused`,
  ].join('\n')
}

function became(parsed: Parsed): string {
  switch (parsed.is) {
    case 'signal':
      return `signal ${parsed.signal.state}`
    case 'ignored':
    case 'refused':
      return `${parsed.is} ${parsed.code}`
    default:
      return never(parsed)
  }
}

function because(parsed: Parsed): string {
  if (parsed.is !== 'signal') return parsed.reason
  const { key, stateAtMs, silenced } = parsed.signal
  return `${key} at ${isoTime(stateAtMs)}${silenced ? `, ${silenced.by}: ${silenced.reason}` : ''}`
}

/** A file's name is somebody else's text; it must not steer the terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?')
}
