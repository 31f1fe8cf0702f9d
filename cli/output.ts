import { stripVTControlCharacters, styleText } from 'node:util'
import { isoTime } from '../lib/clock.ts'
import { durationText } from '../lib/timeline/words.ts'
import { fitting, widthOf } from './width.ts'

export type Format = Parameters<typeof styleText>[0]
/** Colours a text, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string

export function painter(colour: boolean): Paint {
  return colour
    ? (format, text) => styleText(format, text, { validateStream: false })
    : (_format, text) => text
}

/** Whether a stream takes colours: per stream, since either may be redirected. `NO_COLOR` and `TERM=dumb` say no. */
export function takesColour(
  isTty: boolean,
  env: { readonly [name: string]: string | undefined },
  asked: boolean,
): boolean {
  if (!asked || env['NO_COLOR'] || env['TERM'] === 'dumb') return false
  const forced = env['FORCE_COLOR']
  return forced === undefined || forced === '' ? isTty : forced !== '0' && forced !== 'false'
}

/*
 * What the ledger holds was written by others: an alarm's name may carry escape sequences that move the cursor, hide text
 * or turn the reading direction.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu
const UNPRINTABLE_IN_LINES = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** One line of foreign text, fit for a terminal: control characters are gone, line ends and tabs are spaces. */
export function printable(text: string): string {
  return stripVTControlCharacters(text.toWellFormed())
    .replace(/[\r\n\t]+/g, ' ')
    .replace(UNPRINTABLE, '')
}

/** A finished text: its own colours stay, every other control character goes, wherever it came from. */
export function lineOf(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the colours that `styleText` writes
  const parts = text.split(/(\u001b\[[0-9;]{0,20}m)/)
  return parts
    .map((part, index) => (index % 2 === 1 ? part : part.replace(UNPRINTABLE_IN_LINES, '')))
    .join('')
}

/** The same for a text of several lines. */
export function printableLines(text: string): string {
  return stripVTControlCharacters(text.toWellFormed()).replace(UNPRINTABLE_IN_LINES, '')
}

/** JSON that is harmless on a terminal, too: `JSON.stringify` leaves C1 and direction characters as they are. */
export function jsonText(value: unknown, indent = 2): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\u007f-\u009f\p{Cf}\u2028\u2029]/gu,
    // Astral ones are two code units, and JSON escapes each.
    (character) =>
      character
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
  )
}

export interface TableOptions {
  readonly paint: Paint
  /** The last column is cut to fit; without it nothing is cut. */
  readonly columns?: number
  readonly indent?: string
  readonly colour?: (row: number, column: number) => Format | undefined
}

/** Columns, aligned by what a terminal shows; every cell is made printable. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  options: TableOptions,
): string[] {
  const { paint, indent = '' } = options
  const cells = rows.map((row) => row.map(printable))
  const widths = heads.map((head, column) =>
    Math.max(widthOf(head), ...cells.map((row) => widthOf(row[column] ?? ''))),
  )
  const last = heads.length - 1
  const before = widthOf(indent) + widths.slice(0, last).reduce((sum, width) => sum + width + 2, 0)
  const room = options.columns === undefined ? Infinity : Math.max(10, options.columns - before)
  const line = (row: readonly string[], format: (column: number) => Format | undefined): string => {
    const parts = row.map((cell, column) => {
      const shown = column === last ? fitting(cell, room) : cell
      const pad = column === last ? '' : ' '.repeat((widths[column] ?? 0) - widthOf(shown))
      const style = format(column)
      return `${style === undefined ? shown : paint(style, shown)}${pad}`
    })
    return `${indent}${parts.join('  ')}`.trimEnd()
  }
  return [
    line(heads, () => 'bold'),
    ...cells.map((row, index) => line(row, (column) => options.colour?.(index, column))),
  ]
}

/** `2026-11-23 15:05:07Z`: always UTC, always with the date. */
export function timeText(atMs: number): string {
  // The range of a date; whatever else a broken answer may hold must not throw.
  if (!(Math.abs(atMs) <= 8.64e15)) return '?'
  return isoTime(atMs)
    .replace('T', ' ')
    .replace(/\.\d+Z$/, 'Z')
}

/** `3 m 20 s ago`. Clocks differ, so a time just ahead of ours is now. */
export function agoText(atMs: number, nowMs: number): string {
  return nowMs - atMs < 1_000 ? 'just now' : `${durationText(nowMs - atMs)} ago`
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
