import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import type { LineCounter, Node, Pair, Scalar, YAMLMap } from 'yaml'
import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import type { DiagnosticCode } from './diagnostics.ts'
import { MAX_DEPTH } from './limits.ts'
import { rangeOf } from './places.ts'
import { ambiguity, clearSpelling } from './yaml-versions.ts'

/** A file while it is read. */
export interface Reading {
  readonly text: string
  /** Offsets of what was complained about already. */
  readonly poisoned: Set<number>
  /** Offsets are those of the text. */
  readonly add: (
    code: DiagnosticCode,
    start: number,
    end: number,
    message: string,
    suggestion?: string,
  ) => void
  readonly lineCounter: LineCounter
}

/** Line and column of an offset, both from 1. */
export function placeOf(lineCounter: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lineCounter.linePos(offset)
  return line === 0 ? { line: 1, column: 1 } : { line, column: col }
}

/** The plain value of a node; reports what files must not contain on the way. */
export function plainValue(node: Node | null | undefined, depth: number, reading: Reading): Json {
  if (node === null || node === undefined) return null
  const [start, end] = rangeOf(node)
  if (isAlias(node)) {
    reading.add(
      'ALIAS',
      start,
      end,
      `the alias *${node.source.slice(0, 40)} makes the file mean more than it shows`,
      'Write the value out.',
    )
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
    reading.add(
      'ALIAS',
      at,
      at + node.anchor.length + 1,
      `the anchor &${node.anchor.slice(0, 40)} is not allowed`,
      'Write the value out where it is used.',
    )
  }
  if (node.tag !== undefined) {
    const before = reading.text.slice(Math.max(0, start - 200), start)
    const at = start - (/![^\s,[\]{}]*\s*$/.exec(before)?.[0].length ?? 0)
    reading.add(
      'TAG',
      at,
      start,
      `the tag ${quoted(node.tag)} is not allowed`,
      'Leave it out; quotes make a text of anything.',
    )
    reading.poisoned.add(start)
  }
}

function scalarValue(node: Scalar, start: number, end: number, reading: Reading): Json {
  const source = node.source ?? ''
  const problem = node.type === 'PLAIN' ? ambiguity(source) : undefined
  if (problem !== undefined) {
    reading.add('AMBIGUOUS_SCALAR', start, end, `${quoted(source)} ${problem}`, clearSpelling(source))
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
      reading.add(
        'DUPLICATE_KEY',
        start,
        end,
        `${quoted(key)} stands here a second time; first at ${line}:${column}`,
        'Keep one of them.',
      )
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
    reading.add(
      'AMBIGUOUS_SCALAR',
      start,
      end,
      `the key ${quoted(text)} ${problem}`,
      `Put it in quotes: "${text}"`,
    )
  }
  return text
}
