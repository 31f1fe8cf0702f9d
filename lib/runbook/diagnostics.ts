/** What can be wrong with a file. The list is closed; docs/diagnostics.md explains each, and a test holds the two together. */
export const diagnosticCodes = [
  'FILE_TOO_LARGE',
  'NOT_TEXT',
  'YAML_SYNTAX',
  'EMPTY_FILE',
  'MULTIPLE_DOCUMENTS',
  'DIRECTIVE',
  'TOO_DEEP',
  'DUPLICATE_KEY',
  'BAD_KEY',
  'ALIAS',
  'TAG',
  'AMBIGUOUS_SCALAR',
  'TOO_MANY_PROBLEMS',
  'MISSING_FILE',
  'DUPLICATE_FILE',
  'UNKNOWN_KEY',
  'MISSING_KEY',
  'WRONG_TYPE',
  'WRONG_VALUE',
  'BAD_FORMAT',
  'OUT_OF_RANGE',
  'TOO_LONG',
  'TOO_MANY',
  'NOT_ALLOWED_HERE',
  'LITERAL_SECRET',
  'NO_ACTION',
  'SEVERAL_ACTIONS',
  'UNKNOWN_ACTION',
  'BAD_COMPACT_FORM',
  'EXPRESSION_SYNTAX',
  'EXPRESSION_TYPE',
  'EXPRESSION_UNKNOWN_NAME',
  'EXPRESSION_UNKNOWN_FIELD',
  'EXPRESSION_FORBIDDEN',
  'EXPRESSION_TOO_LONG',
  'REFERENCE_FORM',
  'REFERENCE_TYPE',
  'REFERENCE_NOT_ALLOWED',
  'DUPLICATE_RUNBOOK',
  'DUPLICATE_STEP_ID',
  'UNKNOWN_STEP_ID',
  'NOT_REVERSIBLE',
  'UNKNOWN_ACCOUNT',
  'UNKNOWN_SERVICE',
  'UNKNOWN_RUNBOOK',
  'NO_SERVICE_FOR_ALERT',
  'SEVERAL_SERVICES_FOR_ALERT',
  'MISSING_MEMBER',
  'UNKNOWN_TEAM',
  'UNKNOWN_PERSON',
  'UNKNOWN_SCHEDULE',
  'SCHEDULE_GAP',
  'UNKNOWN_METRIC',
  'OVER_POLICY',
  'OVERLAPPING_TRIGGERS',
] as const

export type DiagnosticCode = (typeof diagnosticCodes)[number]

/** One mistake in one file. Lines and columns count from 1; columns count UTF-16 units, as editors do. */
export interface Diagnostic {
  readonly code: DiagnosticCode
  /** An `error` keeps the catalogue from being made; a `warning` does not. */
  readonly severity: 'error' | 'warning'
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine?: number
  /** The column behind the last character. */
  readonly endColumn?: number
  readonly message: string
  readonly suggestion?: string
}

const SHOWN_COLUMNS = 100

/**
 * The diagnostic as people read it: `file:line:col CODE message`, the source line (at most 100 columns of it), a caret
 * under the mistake and what to do about it. `source` is the text of the file; without it the line is left out.
 */
export function renderDiagnostic(diagnostic: Diagnostic, source?: string): string {
  const { file, line, column, code, severity, message, suggestion } = diagnostic
  const marked = severity === 'warning' ? `${code} (warning)` : code
  const lines = [`${file}:${line}:${column} ${marked} ${message}`]
  const text = source?.split(/\r\n|\r|\n/, line)[line - 1]
  if (text !== undefined && text.trim() !== '') {
    // A mistake far to the right is shown in a window that ends well behind it.
    const from = column <= SHOWN_COLUMNS ? 0 : column - Math.floor(SHOWN_COLUMNS / 2)
    const shown = text.slice(from, from + SHOWN_COLUMNS).replace(UNPRINTABLE, ' ')
    const start = column - 1 - from
    const end =
      diagnostic.endLine !== undefined && diagnostic.endLine > line
        ? text.length - from
        : (diagnostic.endColumn ?? column + 1) - 1 - from
    const width = Math.max(1, Math.min(end, shown.length) - start)
    const gutter = ' '.repeat(String(line).length)
    // A log of the linter must not carry on what should never have been written down.
    const safe =
      code === 'LITERAL_SECRET'
        ? shown.slice(0, start) + '*'.repeat(width) + shown.slice(start + width)
        : shown
    lines.push(
      `  ${gutter} |`,
      `  ${line} | ${safe}`,
      `  ${gutter} | ${' '.repeat(start)}${'^'.repeat(width)}`,
    )
  }
  if (suggestion !== undefined) lines.push(`  = ${suggestion}`)
  return lines.join('\n')
}

// oxlint-disable-next-line no-control-regex -- a hostile file must not move the terminal's cursor
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** Text from a file, made fit for a message: cut, and without characters that move the cursor. */
export function quoted(text: string): string {
  const cut = text.length > 60 ? `${text.slice(0, 60)}…` : text
  return `"${cut.replace(UNPRINTABLE, ' ')}"`
}

/** By file, then by place; the order in which a person mends them. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column,
  )
}

/** `Did you mean "x"?` for the known name nearest to a mistyped one, where one is near enough to be meant. */
export function didYouMean(typed: string, known: Iterable<string>): string | undefined {
  const name = nearest(typed, known)
  return name === undefined ? undefined : `Did you mean "${name}"?`
}

/** The known name with the fewest edits from `typed`: at most a third of its length, and at least one is allowed. */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  if (typed.length > 100) return undefined
  const wanted = typed.toLowerCase().replaceAll('-', '_')
  let best: { name: string; edits: number } | undefined
  for (const name of known) {
    const edits = editDistance(wanted, name.toLowerCase().replaceAll('-', '_'))
    if (
      edits <= Math.max(1, Math.floor(Math.max(wanted.length, name.length) / 3)) &&
      edits < (best?.edits ?? Infinity)
    ) {
      best = { name, edits }
    }
  }
  return best?.name
}

/** Insertions, deletions, replacements and swaps of neighbours (the commonest slip) that turn one text into the other. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, at(beforeLast, j - 2) + 1)
      row.push(edits)
    }
    beforeLast = last
    last = row
  }
  return at(last, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
