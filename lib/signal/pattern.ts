import type { Json } from '../json.ts'
import {
  checkPattern,
  isChoice,
  isTextMatcher,
  listOf,
  MAX_DEPTH,
  type Pattern,
  type TextMatcher,
} from './pattern-check.ts'
import { membersOf } from './read.ts'

export { checkPattern, type PatternProblem } from './pattern-check.ts'

/**
 * Whether the event matches, as EventBridge defines it: all fields of the pattern, any value of each list; an array in the
 * event matches by any of its elements. `prefix`, `suffix`, `wildcard`, `equals-ignore-case`, `anything-but`, `numeric`,
 * `exists` and `$or`. A pattern that `checkPattern` objects to matches nothing. Never throws; no regular expressions, so
 * that no pattern is slow. Source: Amazon EventBridge user guide, "Comparison operators for use in event patterns".
 */
export function matchPattern(pattern: Pattern, event: unknown): boolean {
  return checkPattern(pattern).length === 0 && matchFields(pattern, event as Json | undefined, 0)
}

function matchFields(pattern: Pattern, event: Json | undefined, depth: number): boolean {
  if (depth > MAX_DEPTH * 2) return false
  // Fields of one object belong together: an array of objects matches where one element has all of them.
  if (Array.isArray(event) && event.length > 0)
    return (event as readonly Json[]).some((element) => matchFields(pattern, element, depth + 1))
  const fields = membersOf(event)
  return Object.entries(pattern).every(([name, wanted]) => {
    if (name === '$or' && isChoice(wanted))
      return wanted.some((choice) => matchFields(choice, event, depth + 1))
    const value = fields && Object.hasOwn(fields, name) ? fields[name] : undefined
    return Array.isArray(wanted)
      ? matchValues(wanted as readonly Json[], value)
      : matchFields(wanted as Pattern, value, depth + 1)
  })
}

function matchValues(matchers: readonly Json[], value: Json | undefined): boolean {
  const leaves = leavesOf(value)
  return matchers.some((matcher) => {
    const exists = membersOf(matcher)?.['exists']
    if (typeof exists === 'boolean') return exists === leaves.length > 0
    return leaves.some((leaf) => matchLeaf(matcher, leaf))
  })
}

/** Objects are no leaves, so that `exists` speaks of values only, as in EventBridge. */
function leavesOf(value: Json | undefined): readonly Json[] {
  if (value === undefined) return []
  if (Array.isArray(value))
    return (value as readonly Json[]).filter((one) => typeof one !== 'object' || one === null)
  return membersOf(value) ? [] : [value]
}

function matchLeaf(matcher: Json, leaf: Json): boolean {
  const rule = membersOf(matcher)
  if (!rule) return matcher === leaf
  const [kind, wanted] = Object.entries(rule)[0] ?? []
  if (kind === undefined || wanted === undefined) return false
  if (kind === 'anything-but') return !anyOf(wanted, leaf)
  if (kind === 'numeric') return typeof leaf === 'number' && inRange(wanted, leaf)
  return isTextMatcher(kind) && matchText(kind, wanted, leaf)
}

/** What `anything-but` excludes: a value, a list of values, or a text matcher with one or a list. */
function anyOf(excluded: Json, leaf: Json): boolean {
  const rule = membersOf(excluded)
  if (!rule) return listOf(excluded).some((one) => one === leaf)
  const [kind, wanted] = Object.entries(rule)[0] ?? []
  return (
    kind !== undefined &&
    isTextMatcher(kind) &&
    listOf(wanted ?? null).some((one) => matchText(kind, one, leaf))
  )
}

function matchText(kind: TextMatcher, wanted: Json, leaf: Json): boolean {
  if (typeof leaf !== 'string') return false
  const folded = membersOf(wanted)?.['equals-ignore-case']
  const sought = typeof folded === 'string' ? folded.toLowerCase() : wanted
  const text = typeof folded === 'string' ? leaf.toLowerCase() : leaf
  if (typeof sought !== 'string') return false
  if (kind === 'prefix') return text.startsWith(sought)
  if (kind === 'suffix') return text.endsWith(sought)
  if (kind === 'equals-ignore-case') return text.toLowerCase() === sought.toLowerCase()
  return matchWildcard(sought, text)
}

function inRange(comparison: Json, value: number): boolean {
  const terms = listOf(comparison)
  for (let i = 0; i + 1 < terms.length; i += 2) {
    const bound = terms[i + 1]
    if (typeof bound !== 'number' || !compare(terms[i], value, bound)) return false
  }
  return terms.length >= 2
}

function compare(operator: Json | undefined, value: number, bound: number): boolean {
  switch (operator) {
    case '=':
      return value === bound
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    default:
      return false
  }
}

/** The literal runs between the stars, each found at its first place: nothing is ever tried twice. */
function matchWildcard(wildcard: string, text: string): boolean {
  const runs = runsOf(wildcard)
  const first = runs[0] ?? ''
  if (runs.length === 1) return text === first
  const last = runs.at(-1) ?? ''
  const end = text.length - last.length
  if (!text.startsWith(first) || end < first.length || !text.endsWith(last)) return false
  let from = first.length
  for (const run of runs.slice(1, -1)) {
    const found = text.indexOf(run, from)
    if (found < 0 || found + run.length > end) return false
    from = found + run.length
  }
  return true
}

/** `\*` is a star and `\\` a backslash that stand for themselves. */
function runsOf(wildcard: string): readonly string[] {
  const runs = ['']
  for (let i = 0; i < wildcard.length; i++) {
    const sign = wildcard[i] ?? ''
    const next = wildcard[i + 1]
    if (sign === '*') runs.push('')
    else if (sign === '\\' && (next === '*' || next === '\\')) runs[runs.length - 1] += wildcard[++i] ?? ''
    else runs[runs.length - 1] += sign
  }
  return runs
}
