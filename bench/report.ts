import { isMet, type Line, type Section, type Spread } from './figures.ts'

/** Where and when it was measured. */
export interface Machine {
  readonly cores: number
  readonly node: string
  readonly at: string
  /** Average of the last minute when the bench began. */
  readonly load: number
}

/** The sections as people read them. A goal that is missed says so. */
export function renderText(sections: readonly Section[]): string {
  return sections.map(renderSection).join('\n\n')
}

function renderSection(section: Section): string {
  const rows = section.lines.map((line) => [line.what, figureText(line), goalText(line), line.note ?? ''])
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => (column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  )
  return [
    `${section.name}: ${section.title}`,
    ...lines,
    ...(section.skipped === undefined ? [] : [`  skipped: ${section.skipped}`]),
  ].join('\n')
}

function figureText({ figure, unit }: Line): string {
  const text = typeof figure === 'number' ? numberText(figure) : spreadText(figure)
  return unit === '' ? text : `${text} ${unit}`
}

function spreadText({ median, min, max, runs }: Spread): string {
  return `${numberText(median)} (${numberText(min)} to ${numberText(max)}, ${runs} runs)`
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en')
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1)
}

function goalText(line: Line): string {
  if (!line.goal) return ''
  const bound =
    line.goal.is === 'at-most'
      ? `goal at most ${numberText(line.goal.value)}`
      : `goal ${numberText(line.goal.value)}`
  return `${bound}: ${isMet(line) ? 'met' : 'MISSED'}`
}

/** The same for scripts: every line with `met`, where it has a goal. */
export function renderJson(machine: Machine, sections: readonly Section[]): string {
  const judged = sections.map((section) => ({
    ...section,
    lines: section.lines.map((line) => ({ ...line, ...(line.goal ? { met: isMet(line) } : {}) })),
  }))
  return JSON.stringify({ machine, sections: judged }, undefined, 2)
}
