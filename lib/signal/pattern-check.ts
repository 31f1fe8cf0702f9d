import type { Json } from '../json.ts'
import { membersOf } from './read.ts'

/** A mistake in an EventBridge event pattern. */
export interface PatternProblem {
  readonly code: 'PATTERN_SHAPE' | 'PATTERN_EMPTY' | 'PATTERN_MATCHER' | 'PATTERN_VALUE' | 'PATTERN_LIMIT'
  /** Where, with dots: `detail.state.value`; empty for the pattern itself. */
  readonly path: string
  readonly message: string
}

export type Pattern = { readonly [name: string]: Json }

export const MAX_DEPTH = 20
/** Together with the length of an event (64 KiB) this bounds the work of a match. */
const MAX_PARTS = 1000
const MAX_WILDCARD = 512

const TEXT_MATCHERS = ['prefix', 'suffix', 'equals-ignore-case', 'wildcard'] as const
export type TextMatcher = (typeof TEXT_MATCHERS)[number]

/** All mistakes of an event pattern, for lint. Empty means that `matchPattern` gives it its full meaning. */
export function checkPattern(pattern: unknown): readonly PatternProblem[] {
  const found: PatternProblem[] = []
  const left = { parts: MAX_PARTS }
  const fields = membersOf(pattern as Json | undefined)
  if (!fields)
    return [{ code: 'PATTERN_SHAPE', path: '', message: 'an event pattern is an object of fields' }]
  checkFields(fields, [], 0, left, found)
  if (left.parts < 0)
    found.push({
      code: 'PATTERN_LIMIT',
      path: '',
      message: `a pattern has at most ${MAX_PARTS} fields and values`,
    })
  return found
}

type Found = PatternProblem[]

function checkFields(
  fields: Pattern,
  path: readonly string[],
  depth: number,
  left: { parts: number },
  found: Found,
): void {
  const here = path.join('.')
  const entries = Object.entries(fields)
  if (depth > MAX_DEPTH)
    return void found.push({
      code: 'PATTERN_LIMIT',
      path: here,
      message: `nested more than ${MAX_DEPTH} deep`,
    })
  if (entries.length === 0) {
    return void found.push({
      code: 'PATTERN_EMPTY',
      path: here,
      message: 'no fields: write at least one, or leave it out',
    })
  }
  for (const [name, wanted] of entries) {
    if (--left.parts < 0) return
    const inner = [...path, name]
    const nested = membersOf(wanted)
    if (name === '$or' && isChoice(wanted)) {
      wanted.forEach((choice, index) =>
        checkFields(choice, [...inner, String(index)], depth + 1, left, found),
      )
    } else if (nested) {
      checkFields(nested, inner, depth + 1, left, found)
    } else if (!Array.isArray(wanted)) {
      found.push({
        code: 'PATTERN_SHAPE',
        path: inner.join('.'),
        message: `values stand in a list: [${JSON.stringify(wanted)}]`,
      })
    } else {
      checkValues(wanted as readonly Json[], inner.join('.'), left, found)
    }
  }
}

function checkValues(matchers: readonly Json[], path: string, left: { parts: number }, found: Found): void {
  if (matchers.length === 0)
    found.push({ code: 'PATTERN_EMPTY', path, message: 'an empty list matches nothing' })
  for (const matcher of matchers) {
    if (--left.parts < 0) return
    if (Array.isArray(matcher))
      found.push({ code: 'PATTERN_SHAPE', path, message: 'a list inside a list of values' })
    const rule = membersOf(matcher)
    if (!rule) continue
    const [[kind, wanted] = [], ...more] = Object.entries(rule)
    if (kind === undefined || wanted === undefined || more.length > 0) {
      found.push({
        code: 'PATTERN_MATCHER',
        path,
        message: 'a matcher has exactly one member, such as { prefix: "api-" }',
      })
    } else {
      const message = problemOf(kind, wanted, left)
      if (message) found.push({ ...message, path })
    }
  }
}

type Objection = Pick<PatternProblem, 'code' | 'message'>

function problemOf(kind: string, wanted: Json, left: { parts: number }): Objection | undefined {
  if (kind === 'exists') return typeof wanted === 'boolean' ? undefined : wrong('exists takes true or false')
  if (kind === 'numeric') return numericProblem(wanted)
  if (kind === 'anything-but') return anythingButProblem(wanted, left)
  if (isTextMatcher(kind)) return textProblem(kind, wanted)
  if (kind === 'cidr')
    return { code: 'PATTERN_MATCHER', message: 'cidr is not supported here; compare the address by prefix' }
  const known = [...TEXT_MATCHERS, 'anything-but', 'numeric', 'exists'].join(', ')
  return { code: 'PATTERN_MATCHER', message: `unknown matcher "${kind.slice(0, 40)}"; known are ${known}` }
}

function textProblem(kind: TextMatcher, wanted: Json): Objection | undefined {
  const folded = membersOf(wanted)
  if (folded && (kind === 'prefix' || kind === 'suffix') && Object.keys(folded).length === 1) {
    return typeof folded['equals-ignore-case'] === 'string'
      ? undefined
      : wrong(`${kind} takes a text or { equals-ignore-case: text }`)
  }
  if (typeof wanted !== 'string') return wrong(`${kind} takes a text`)
  if (kind !== 'wildcard')
    return wanted === '' && kind !== 'equals-ignore-case'
      ? wrong(`${kind} takes a text that is not empty`)
      : undefined
  if (wanted.length > MAX_WILDCARD)
    return { code: 'PATTERN_LIMIT', message: `a wildcard has at most ${MAX_WILDCARD} characters` }
  return /(^|[^\\])(\\\\)*\*\*/.test(wanted)
    ? wrong('two stars in a row mean no more than one; EventBridge refuses them')
    : undefined
}

function anythingButProblem(wanted: Json, left: { parts: number }): Objection | undefined {
  const rule = membersOf(wanted)
  if (!rule) {
    const list = listOf(wanted)
    left.parts -= list.length
    if (list.length === 0) return wrong('anything-but takes a value, a list of values or one text matcher')
    return list.every((one) => typeof one === 'string' || typeof one === 'number')
      ? undefined
      : wrong('anything-but takes texts and numbers')
  }
  const [[kind, inner] = [], ...more] = Object.entries(rule)
  if (kind === undefined || inner === undefined || more.length > 0 || !isTextMatcher(kind)) {
    return { code: 'PATTERN_MATCHER', message: `anything-but takes one of ${TEXT_MATCHERS.join(', ')}` }
  }
  const list = listOf(inner)
  left.parts -= list.length
  if (list.length === 0) return wrong(`anything-but ${kind} takes a text or a list of texts`)
  return list.map((one) => textProblem(kind, one)).find((problem) => problem !== undefined)
}

const OPERATORS = new Set<Json>(['=', '<', '<=', '>', '>='])

function numericProblem(wanted: Json): Objection | undefined {
  const terms = Array.isArray(wanted) ? (wanted as readonly Json[]) : []
  const paired = terms.length === 2 || terms.length === 4
  const right =
    paired && terms.every((term, i) => (i % 2 === 0 ? OPERATORS.has(term) : typeof term === 'number'))
  return right ? undefined : wrong('numeric takes [operator, number] or two such pairs: [">", 0, "<=", 5]')
}

function wrong(message: string): Objection {
  return { code: 'PATTERN_VALUE', message }
}

export function listOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [value]
}

export function isTextMatcher(kind: string): kind is TextMatcher {
  return (TEXT_MATCHERS as readonly string[]).includes(kind)
}

/** `$or` with at least two objects; otherwise it is an ordinary field of that name. */
export function isChoice(value: Json): value is readonly Pattern[] {
  return (
    Array.isArray(value) &&
    value.length > 1 &&
    (value as readonly Json[]).every((one) => membersOf(one) !== undefined)
  )
}
