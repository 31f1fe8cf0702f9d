import { Buffer } from 'node:buffer'
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Document, Node, Pair, Scalar, YAMLMap } from 'yaml'
import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import type { Diagnostic, DiagnosticCode } from './diagnostics.ts'
import { MAX_DEPTH, MAX_DIAGNOSTICS_PER_FILE, MAX_FILE_BYTES } from './limits.ts'
import { ambiguity } from './yaml-versions.ts'

export type Path = readonly PropertyKey[]

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

interface Reading {
  readonly text: string
  readonly poisoned: Set<number>
  readonly add: (code: DiagnosticCode, start: number, end: number, message: string, suggestion?: string) => void
  readonly lineCounter: LineCounter
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
  const push = (code: DiagnosticCode, start: number, end: number, message: string, rest: Partial<Diagnostic> = {}): void => {
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

function placeOf(lineCounter: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lineCounter.linePos(offset)
  return line === 0 ? { line: 1, column: 1 } : { line, column: col }
}

/** Anything but tab, line feed and carriage return below space, what UTF-8 decoding leaves of other bytes, and what hides text. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const NOT_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069\ufffd\ufffe\uffff]|\p{Surrogate}/u

function parse(reading: Reading): Document.Parsed | undefined {
  const { text, lineCounter, add } = reading
  if (text.length > MAX_FILE_BYTES || Buffer.byteLength(text) > MAX_FILE_BYTES) {
    add('FILE_TOO_LARGE', 0, 1, `the file has ${Buffer.byteLength(text)} bytes, the limit is ${MAX_FILE_BYTES}`, 'Split it into several files.')
    return undefined
  }
  lineCounter.addNewLine(0)
  for (const found of text.matchAll(/\n/g)) lineCounter.addNewLine(found.index + 1)
  const odd = NOT_TEXT.exec(text)
  if (odd) {
    const code = (text.codePointAt(odd.index) ?? 0).toString(16).toUpperCase().padStart(4, '0')
    const why = code === 'FFFD' ? 'the file is not UTF-8' : `the file holds the control or hidden character U+${code}`
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
    add('YAML_SYNTAX', 0, 1, `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
  return syntaxErrors(document, reading) ? undefined : document
}

function syntaxErrors(document: Document.Parsed, { text, add }: Reading): boolean {
  const exhausted = document.errors.find((error) => error.code === 'RESOURCE_EXHAUSTION')
  if (exhausted) {
    add('TOO_DEEP', exhausted.pos[0], exhausted.pos[0] + 1, `the file is nested deeper than ${MAX_DEPTH} levels`)
    return true
  }
  for (const error of document.errors) {
    const [start, end] = error.pos
    if (error.code === 'MULTIPLE_DOCS') {
      add('MULTIPLE_DOCUMENTS', start, start + 3, 'a second document begins here', 'One file is one document: move it to a file of its own.')
      // Whatever else is wrong lies in the second document.
      return true
    }
    add('YAML_SYNTAX', Math.min(start, text.length), Math.min(end, text.length), sentence(error.message), SYNTAX_HINTS[error.code])
  }
  if (document.errors.length > 0) return true
  if (document.directives?.yaml.explicit === true) {
    const start = Math.max(0, text.search(/^%/m))
    add('DIRECTIVE', start, start + 5, 'a %YAML directive would change how the file is read', 'Leave it out.')
    return true
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    add('EMPTY_FILE', 0, 1, 'the file says nothing', 'Begin with "- alert: <name of the alarm>", or delete the file.')
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

/** The plain value of a node; reports what files must not contain on the way. */
function plainValue(node: Node | null | undefined, depth: number, reading: Reading): Json {
  if (node === null || node === undefined) return null
  const [start, end] = rangeOf(node)
  if (isAlias(node)) {
    reading.add('ALIAS', start, end, `the alias *${node.source.slice(0, 40)} makes the file mean more than it shows`, 'Write the value out.')
    return null
  }
  markup(node, start, reading)
  if (depth > MAX_DEPTH) {
    reading.add('TOO_DEEP', start, start + 1, `the file is nested deeper than ${MAX_DEPTH} levels`)
    return null
  }
  if (isScalar(node)) return scalarValue(node, start, end, reading)
  if (isSeq(node)) return node.items.map((item) => plainValue(item as Node | null, depth + 1, reading))
  if (isMap(node)) return mappingValue(node, depth, reading)
  return null
}

function markup(node: Node, start: number, reading: Reading): void {
  if ('anchor' in node && node.anchor !== undefined) {
    const at = Math.max(0, reading.text.lastIndexOf(`&${node.anchor}`, start))
    reading.add('ALIAS', at, at + node.anchor.length + 1, `the anchor &${node.anchor.slice(0, 40)} is not allowed`, 'Write the value out where it is used.')
  }
  if (node.tag !== undefined) {
    const before = reading.text.slice(Math.max(0, start - 200), start)
    const at = start - (/![^\s,[\]{}]*\s*$/.exec(before)?.[0].length ?? 0)
    reading.add('TAG', at, start, `the tag ${quoted(node.tag)} is not allowed`, 'Leave it out; quotes make a text of anything.')
    reading.poisoned.add(start)
  }
}

function scalarValue(node: Scalar, start: number, end: number, reading: Reading): Json {
  const source = node.source ?? ''
  const problem = node.type === 'PLAIN' ? ambiguity(source) : undefined
  if (problem !== undefined) {
    reading.add('AMBIGUOUS_SCALAR', start, end, `${quoted(source)} ${problem}`, `Put it in quotes: "${source}"`)
    return source
  }
  const value: unknown = node.value
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}

function mappingValue(node: YAMLMap, depth: number, reading: Reading): Json {
  const value: { [key: string]: Json } = {}
  const firsts = new Map<string, number>()
  for (const pair of node.items) {
    const key = keyOf(pair, reading)
    const member = plainValue(pair.value as Node | null, depth + 1, reading)
    if (key === undefined) continue
    const [start, end] = rangeOf(pair.key as Node)
    const first = firsts.get(key)
    if (first !== undefined) {
      const { line, column } = placeOf(reading.lineCounter, first)
      reading.add('DUPLICATE_KEY', start, end, `${quoted(key)} stands here a second time; first at ${line}:${column}`, 'Keep one of them.')
      continue
    }
    firsts.set(key, start)
    value[key] = member
  }
  return value
}

function keyOf(pair: Pair, reading: Reading): string | undefined {
  const key = pair.key as Node | null
  if (key === null || !isScalar(key) || (key.type === 'PLAIN' && (key.source ?? '') === '')) {
    const [start, end] = rangeOf(key ?? (pair.value as Node | null))
    reading.add('BAD_KEY', start, end, 'a key must be a plain word', 'Write "name: value".')
    return undefined
  }
  const [start, end] = rangeOf(key)
  markup(key, start, reading)
  const text = typeof key.value === 'string' ? key.value : (key.source ?? '')
  if (text === '<<') {
    reading.add('ALIAS', start, end, 'the merge key << is not allowed', 'Write the members out.')
    return undefined
  }
  if (text === '__proto__') {
    reading.add('BAD_KEY', start, end, 'the key "__proto__" is not allowed')
    return undefined
  }
  const problem = key.type === 'PLAIN' ? ambiguity(text) : undefined
  if (problem !== undefined) {
    reading.add('AMBIGUOUS_SCALAR', start, end, `the key ${quoted(text)} ${problem}`, `Put it in quotes: "${text}"`)
  }
  return text
}

function rangeOf(node: Node | null | undefined): readonly [number, number] {
  const range = node?.range
  return range ? [range[0], range[1]] : [0, 1]
}

interface Place {
  readonly start: number
  readonly end: number
  readonly node?: Node | undefined
}

/** Where a path leads; where it breaks off, the key or the beginning of the last node on the way. */
function locate(root: Node | undefined, path: Path, onKey: boolean): Place {
  let node: Node | null | undefined = root
  let key: Node | undefined
  for (const [index, step] of path.entries()) {
    const child = childOf(node, step)
    if (!child) {
      if (onKey || node === root || !key) return first(node)
      return placeOfNode(isMap(node) || isSeq(node) ? node : key)
    }
    key = child.key
    node = child.value
    if (index === path.length - 1 && onKey && key) return placeOfNode(key)
  }
  // A key without a value has an empty range: its key shows the place better.
  if (key && (!node || rangeOf(node)[0] === rangeOf(node)[1])) return placeOfNode(key)
  return isMap(node) || isSeq(node) ? { ...first(node), node } : placeOfNode(node)
}

function childOf(node: Node | null | undefined, step: PropertyKey): { key?: Node | undefined; value: Node | null } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    return step < node.items.length ? { value: node.items[step] as Node | null } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find((item) => isScalar(item.key) && (item.key.value === step || item.key.source === step))
  return pair ? { key: pair.key as Node, value: pair.value as Node | null } : undefined
}

function placeOfNode(node: Node | null | undefined): Place {
  const [start, end] = rangeOf(node)
  return isMap(node) || isSeq(node) ? first(node) : { start, end, node: node ?? undefined }
}

/** A list or mapping is pointed at by its first key, since it may fill the whole screen. */
function first(node: Node | null | undefined): Place {
  const [start] = rangeOf(node)
  if (isMap(node) && node.flow !== true) {
    const key = node.items[0]?.key as Node | undefined
    if (key) return { start, end: rangeOf(key)[1] }
  }
  return { start, end: start + 1 }
}

/** Offsets inside a scalar's text hold for the file only where the file spells the text out without escapes or folding. */
function narrow(text: string, place: Place, within: ReportOptions['within']): { start: number; end: number } {
  const { node } = place
  if (!within || !isScalar(node) || typeof node.value !== 'string') return place
  const inner = place.start + (node.type === 'PLAIN' ? 0 : 1)
  if (text.slice(inner, inner + node.value.length) !== node.value) return place
  const start = inner + Math.min(within.start, node.value.length)
  return { start, end: Math.max(start + 1, inner + Math.min(within.end, node.value.length)) }
}
