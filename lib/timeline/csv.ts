import type { Timeline, TimelineRow } from '../timeline.ts'
import { whyLines } from './why-lines.ts'
import { timeText } from './words.ts'

const COLUMNS: readonly (readonly [name: string, cell: (row: TimelineRow) => string | number | undefined])[] =
  [
    ['at', ({ atMs }) => timeText(atMs)],
    ['seconds_since_detection', ({ sinceMs }) => sinceMs / 1_000],
    ['stream', ({ stream }) => stream],
    ['kind', ({ kind }) => kind],
    ['who', ({ who }) => who],
    ['what', ({ text }) => text],
    ['level', ({ level }) => level],
    ['step', ({ step }) => step],
    ['attempt', ({ attempt }) => attempt],
    ['why', ({ why }) => whyLines(why).join('; ')],
    ['target', ({ change }) => change?.target],
    ['before', ({ change }) => change && JSON.stringify(change.before)],
    ['after', ({ change }) => change && JSON.stringify(change.after)],
    ['aws_request', ({ requestId }) => requestId],
    ['entry', ({ address }) => address],
  ]

/** The rows for a spreadsheet: RFC 4180, UTF-8, a head line; a text that a spreadsheet would calculate is kept a text. */
export function timelineCsv({ rows }: Timeline): string {
  const lines = [
    COLUMNS.map(([name]) => name),
    ...rows.map((row) => COLUMNS.map(([, cell]) => cellOf(cell(row)))),
  ]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

/** Alarms and people write what they like into a record; `=`, `+`, `-` and `@` begin a formula, as do a tab and a return. */
function cellOf(value: string | number | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
