import { styleText } from 'node:util'
import type { ExecutionSummary, Level, Timeline, TimelineRow } from '../lib/timeline.ts'
import { titleOf } from '../lib/timeline/executions.ts'
import { whyLines } from '../lib/timeline/why-lines.ts'
import { durationText, offsetText, timeText } from '../lib/timeline/words.ts'

export interface TextOptions {
  readonly colour: boolean
  /** Columns of the terminal; `Infinity` where lines are not to be broken. */
  readonly width: number
}

/** A mark for each level, so that nothing is told by colour alone. */
const MARKS: { readonly [level in Level]: string } = { info: '·', good: '✓', bad: '✗', attention: '!' }

const COLOURS = { info: 'dim', good: 'green', bad: 'red', attention: 'yellow' } as const

type Style = Parameters<typeof styleText>[0]
type Paint = (style: Style, text: string) => string

const TIME_WIDTH = '02:14:07.412Z'.length
const OFFSET_WIDTH = '+1 h 05 m 09 s'.length
const INDENT = 2 + TIME_WIDTH + 1 + OFFSET_WIDTH + 2
const LEAST_COLUMN = 24

/** The timeline for a terminal or a plain file. Its texts are printable already (`Timeline`), so no escape gets through. */
export function renderTimelineText(timeline: Timeline, options: TextOptions): string {
  const paint: Paint = (style, text) =>
    options.colour ? styleText(style, text, { validateStream: false }) : text
  const lines = [
    ...headerLines(timeline, paint),
    ...timeline.executions.flatMap((execution) => ['', ...executionLines(execution, paint, options.width)]),
    '',
    ...rowsLines(timeline, paint, options.width),
    '',
    ...chainLines(timeline, paint, options.width),
  ]
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`
}

function headerLines({ incident, metrics }: Timeline, paint: Paint): readonly string[] {
  if (!incident) return [paint('bold', 'An incident whose first entry is not on record or cannot be read')]
  const times: readonly (readonly [string, number | undefined, string, number | undefined])[] = [
    ['onset', incident.onsetAtMs, '', undefined],
    ['detected', incident.detectedAtMs, 'TTD', metrics.ttdMs],
    ['acknowledged', incident.acknowledgedAtMs, 'TTA', metrics.ttaMs],
    ['mitigated', incident.mitigatedAtMs, 'TTM', metrics.ttmMs],
    ['resolved', incident.resolvedAtMs, 'TTR', metrics.ttrMs],
  ]
  const status = { open: 'red', mitigated: 'yellow', resolved: 'green' } as const
  return [
    `${paint('bold', incident.title)}  ${incident.severity}  ${paint(status[incident.status], incident.status)}`,
    `${incident.incidentId}  service ${incident.service}  reported by ${incident.reportedBy}`,
    '',
    ...times.map(([name, atMs, metric, ms]) => {
      const at = atMs === undefined ? paint('dim', 'not on record') : timeText(atMs)
      return `  ${name.padEnd(14)}${at}${ms === undefined ? '' : `  ${metric} ${durationText(ms)}`}`
    }),
  ]
}

function executionLines(execution: ExecutionSummary, paint: Paint, width: number): readonly string[] {
  const title = titleOf(execution)
  const longest = Math.max(0, ...execution.steps.map((step) => step.step.length))
  return [
    `${mark(execution.level, paint)} ${paint('bold', title)}  ${execution.outcome}  ${paint('dim', execution.executionId)}`,
    ...indented(execution.reason, 4, width).map((line) => paint('dim', line)),
    ...execution.steps.flatMap((step) => {
      const said = [
        step.state,
        ...(step.change === undefined ? [] : [`${step.target ?? ''}: ${step.change}`]),
        ...(step.attempts > 1 ? [`${step.attempts} attempts`] : []),
        ...(step.recovered === undefined ? [] : [step.recovered]),
        ...(step.level === 'good' || step.reason === undefined ? [] : [step.reason]),
      ]
      const [first = '', ...rest] = wrapped(said.join('; '), Math.max(LEAST_COLUMN, width - 8 - longest))
      const start = `    ${mark(step.level, paint)} ${step.step.padEnd(longest)}  ${first}`
      return [start, ...rest.map((line) => `${' '.repeat(8 + longest)}${line}`)]
    }),
    ...execution.pages.flatMap((page) => {
      const [first = '', ...rest] = wrapped(
        `${page.to} called (${page.state}): ${page.reason}`,
        Math.max(LEAST_COLUMN, width - 6),
      )
      return [`    ${mark(page.level, paint)} ${first}`, ...rest.map((line) => `      ${line}`)]
    }),
  ]
}

/** The date stands once for each day: rows then need only the time. */
function rowsLines({ rows, incident }: Timeline, paint: Paint, width: number): readonly string[] {
  if (rows.length === 0) return ['Nothing is on record.']
  const column = Math.max(LEAST_COLUMN, width - INDENT - 2)
  let day = ''
  return rows.flatMap((row) => {
    const [date = '', time = ''] = timeText(row.atMs).split('T')
    const heading = date === day ? [] : [paint('bold', `${date} (UTC)`)]
    day = date
    const [first = '', ...rest] = wrapped(row.text, column)
    const start = `  ${paint('dim', time.padEnd(TIME_WIDTH))} ${offsetText(row.sinceMs).padStart(OFFSET_WIDTH)}  ${mark(row.level, paint)} `
    const under = [
      ...rest,
      ...detailsOf(row, incident?.incidentId).flatMap((line) =>
        wrapped(line, column - 2).map((part, index) => `${index === 0 ? '- ' : '  '}${part}`),
      ),
    ]
    return [
      ...heading,
      `${start}${row.level === 'info' ? first : paint(COLOURS[row.level], first)}`,
      ...under.map(
        (line) =>
          `${' '.repeat(INDENT + 2)}${line.startsWith('- ') || line.startsWith('  ') ? paint('dim', line) : line}`,
      ),
    ]
  })
}

/** Under each row: who, where it stands on record (without the incident's own id, which stands above), why, and AWS's ids. */
function detailsOf(row: TimelineRow, incidentId: string | undefined): readonly string[] {
  const prefix = `${incidentId ?? ''}-`
  const address = row.address.startsWith(prefix) ? row.address.slice(prefix.length) : row.address
  return [
    `${row.who}, ${address}`,
    ...whyLines(row.why),
    ...(row.requestId === undefined ? [] : [`AWS request ${row.requestId}`]),
    ...(row.operationId === undefined ? [] : [`AWS operation ${row.operationId}`]),
  ]
}

function chainLines({ chain }: Timeline, paint: Paint, width: number): readonly string[] {
  if (chain.is === 'broken') {
    const said = `the record is broken at ${chain.address}: ${chain.reason}`
    return wrapped(said, Math.max(LEAST_COLUMN, width - 2)).map((line, index) =>
      paint('red', `${index === 0 ? MARKS.bad : ' '} ${line}`),
    )
  }
  if (chain.records === 0) return []
  const said = `${chain.records} records in ${chain.streams} streams are consistent; that none is missing at the end is proved only against head hashes that were exported earlier`
  return wrapped(said, Math.max(LEAST_COLUMN, width - 2)).map(
    (line, index) => `${index === 0 ? mark('good', paint) : ' '} ${line}`,
  )
}

function mark(level: Level, paint: Paint): string {
  return paint(COLOURS[level], MARKS[level])
}

function indented(text: string, indent: number, width: number): readonly string[] {
  return text === ''
    ? []
    : wrapped(text, Math.max(LEAST_COLUMN, width - indent)).map((line) => `${' '.repeat(indent)}${line}`)
}

/** Breaks at spaces, and inside a word only where it is longer than a line. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line: string[] = []
  for (const word of text.split(' ')) {
    let rest = Array.from(word)
    if (line.length > 0 && line.length + 1 + rest.length > width) {
      lines.push(line.join(''))
      line = []
    }
    while (rest.length > width) {
      lines.push(rest.slice(0, width).join(''))
      rest = rest.slice(width)
    }
    line = line.length > 0 ? [...line, ' ', ...rest] : rest
  }
  return [...lines, line.join('')]
}
