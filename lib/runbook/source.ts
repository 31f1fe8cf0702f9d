import { Buffer } from 'node:buffer'
import { isScalar, LineCounter, parseDocument } from 'yaml'
import type { Document } from 'yaml'
import type { Json } from '../json.ts'
import type { Diagnostic, DiagnosticCode } from './diagnostics.ts'
import { MAX_DEPTH, MAX_DIAGNOSTICS_PER_FILE, MAX_FILE_BYTES } from './limits.ts'
import { locate, narrow } from './places.ts'
import type { Path } from './places.ts'
import { placeOf, plainValue } from './plain-value.ts'
import type { Reading } from './plain-value.ts'

/** What a diagnostic points at, and what it says beside its message. */
export interface ReportOptions {
  readonly severity?: 'warning'
  readonly suggestion?: string | undefined
  /** Point at the key itself, not at its value. */
  readonly onKey?: boolean
  /** Offsets inside the text of the scalar. */
  readonly within?: { readonly start: number; readonly end: number } | undefined
}

/** One file: what it says, and where it says it. */
export interface Source {
  readonly path: string
  readonly text: string
  /** Plain values; `undefined` where the file cannot be read as YAML at all, and then `diagnostics` says why. */
  readonly value: Json | undefined
  readonly diagnostics: Diagnostic[]
  /** The line on which the value at this path stands. */
  lineOf(path: Path): number
  /** Adds a diagnostic at the value, or at the nearest that there is. A value already complained about is left alone. */
  report(code: DiagnosticCode, path: Path, message: string, options?: ReportOptions): void
}

/**
 * Reads one YAML file. Nothing that it holds can make this throw: every mistake becomes a diagnostic. What the two
 * versions of YAML read differently is refused, and so is all that makes a file mean more than it shows (anchors, tags,
 * several documents), so that a file means the same to every parser and every reader.
 */
export function readSource(path: string, text: string): Source {
  const diagnostics: Diagnostic[] = []
  const lineCounter = new LineCounter()
  const poisoned = new Set<number>()
  let unlisted = 0
  const push = (
    code: DiagnosticCode,
    start: number,
    end: number,
    message: string,
    rest: Partial<Diagnostic> = {},
  ): void => {
    if (diagnostics.length >= MAX_DIAGNOSTICS_PER_FILE) {
      unlisted += 1
      if (unlisted > 1) return
      code = 'TOO_MANY_PROBLEMS'
      message = `this file has more than ${MAX_DIAGNOSTICS_PER_FILE} problems; mend these first`
      rest = {}
    }
    const from = placeOf(lineCounter, start)
    const to = placeOf(lineCounter, Math.max(end, start + 1))
    diagnostics.push({
      code,
      severity: 'error',
      file: path,
      line: from.line,
      column: from.column,
      endLine: to.line,
      endColumn: to.column,
      message,
      ...rest,
    })
  }
  const reading: Reading = {
    text,
    poisoned,
    lineCounter,
    add: (code, start, end, message, suggestion) => {
      poisoned.add(start)
      push(code, start, end, message, suggestion === undefined ? {} : { suggestion })
    },
  }
  const document = parse(reading)
  const root = document?.contents ?? undefined
  const value = root === undefined ? undefined : plainValue(root, 0, reading)
  return {
    path,
    text,
    value,
    diagnostics,
    lineOf: (at) => placeOf(lineCounter, locate(root, at, false).start).line,
    report: (code, at, message, options = {}) => {
      // Looking up places that will not be listed would take a hostile file minutes.
      if (unlisted > 0) return
      const place = locate(root, at, options.onKey === true)
      if (poisoned.has(place.start)) return
      const { start, end } = narrow(text, place, options.within)
      push(code, start, end, message, {
        severity: options.severity ?? 'error',
        ...(options.suggestion === undefined ? {} : { suggestion: options.suggestion }),
      })
    },
  }
}

/** Anything but tab, line feed and carriage return below space, what UTF-8 decoding leaves of other bytes, and what hides text. */
const NOT_TEXT =
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffd\ufffe\uffff]|\p{Surrogate}/u

function parse(reading: Reading): Document.Parsed | undefined {
  const { text, lineCounter, add } = reading
  if (text.length > MAX_FILE_BYTES || Buffer.byteLength(text) > MAX_FILE_BYTES) {
    add(
      'FILE_TOO_LARGE',
      0,
      1,
      `the file has ${Buffer.byteLength(text)} bytes, the limit is ${MAX_FILE_BYTES}`,
      'Split it into several files.',
    )
    return undefined
  }
  lineCounter.addNewLine(0)
  for (const found of text.matchAll(/\n/g)) lineCounter.addNewLine(found.index + 1)
  const odd = NOT_TEXT.exec(text)
  if (odd) {
    const code = (text.codePointAt(odd.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    const why =
      code === 'FFFD' ? 'the file is not UTF-8' : `the file holds the control or hidden character U+${code}`
    add('NOT_TEXT', odd.index, odd.index + 1, why, 'Save it as plain UTF-8 text.')
    return undefined
  }
  let document: Document.Parsed
  try {
    document = parseDocument(text, {
      version: '1.2',
      schema: 'core',
      merge: false,
      // Duplicates are found in plainValue, which says where the first one stands and takes linear time.
      uniqueKeys: false,
      strict: true,
      prettyErrors: false,
      // Warnings are about tags, which are refused anyway; `silent` would let a second document pass.
      logLevel: 'error',
    })
  } catch (error) {
    add(
      'YAML_SYNTAX',
      0,
      1,
      `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
    return undefined
  }
  return syntaxErrors(document, reading) ? undefined : document
}

function syntaxErrors(document: Document.Parsed, { text, add }: Reading): boolean {
  const exhausted = document.errors.find((error) => error.code === 'RESOURCE_EXHAUSTION')
  if (exhausted) {
    add(
      'TOO_DEEP',
      exhausted.pos[0],
      exhausted.pos[0] + 1,
      `the file is nested deeper than ${MAX_DEPTH} levels`,
    )
    return true
  }
  for (const error of document.errors) {
    const [start, end] = error.pos
    if (error.code === 'MULTIPLE_DOCS') {
      add(
        'MULTIPLE_DOCUMENTS',
        start,
        start + 3,
        'a second document begins here',
        'One file is one document: move it to a file of its own.',
      )
      // Whatever else is wrong lies in the second document.
      return true
    }
    add(
      'YAML_SYNTAX',
      Math.min(start, text.length),
      Math.min(end, text.length),
      sentence(error.message),
      SYNTAX_HINTS[error.code],
    )
  }
  if (document.errors.length > 0) return true
  if (document.directives?.yaml.explicit === true) {
    const start = Math.max(0, text.search(/^%/m))
    add('DIRECTIVE', start, start + 5, 'a %YAML directive would change how the file is read', 'Leave it out.')
    return true
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    add(
      'EMPTY_FILE',
      0,
      1,
      'the file says nothing',
      'Begin with "- alert: <name of the alarm>", or delete the file.',
    )
    return true
  }
  return false
}

const SYNTAX_HINTS: { readonly [code: string]: string } = {
  TAB_AS_INDENT: 'Indent with spaces.',
  BLOCK_AS_IMPLICIT_KEY: 'A value that contains ": " must stand in quotes.',
  BAD_INDENT: 'Give all members of one list or mapping the same indentation.',
  MISSING_CHAR: 'Close the quote or bracket, or put the whole value in quotes.',
}

function sentence(message: string): string {
  const first = message.split('\n')[0] ?? message
  return `not YAML: ${first.slice(0, 1).toLowerCase()}${first.slice(1, 200)}`
}
