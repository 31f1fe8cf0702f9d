import * as z from 'zod'
import { didYouMean, quoted } from './diagnostics.ts'
import type { DiagnosticCode } from './diagnostics.ts'
import type { IssueParams } from './fields.ts'
import { MAX_DIAGNOSTICS_PER_FILE } from './limits.ts'

/** One mistake in a value, before it is known where in the file the value stands. */
export interface Problem extends IssueParams {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

export type Parsed<T> =
  | { readonly is: 'value'; readonly value: T }
  | { readonly is: 'problems'; readonly problems: readonly Problem[] }

/** Parses a value and, where it is wrong, names every mistake with a code, in words and with what to do about it. */
export function parseForm<T>(schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const known = new Map<string, readonly string[]>()
  const result = schema.safeParse(value, {
    // Called once for each issue while the schema that raised it is still at hand; the default message is kept.
    error: (raw) => {
      if (raw.code === 'unrecognized_keys' && raw.inst instanceof z.ZodObject) {
        known.set(JSON.stringify(raw.keys), Object.keys(raw.inst.shape))
      }
      return undefined
    },
  })
  if (result.success) return { is: 'value', value: result.data }
  const { issues } = result.error
  const strange = new Set(
    issues.flatMap((found) => (found.code === 'unrecognized_keys' ? [JSON.stringify(found.path)] : [])),
  )
  const problems = issues.flatMap((found) => problemsOf(found, value, known))
  // Where a key is misspelt, that the right one is missing goes without saying.
  const implied = ({ code, path }: Problem): boolean =>
    (code === 'NO_ACTION' || code === 'MISSING_KEY') && strange.has(JSON.stringify(path))
  return { is: 'problems', problems: problems.filter((problem) => !implied(problem)) }
}

type Known = ReadonlyMap<string, readonly string[]>
type Issue = z.core.$ZodIssue

function problemsOf(found: Issue, root: unknown, known: Known): Problem[] {
  const { path } = found
  switch (found.code) {
    case 'custom':
      return [
        { code: 'WRONG_VALUE', ...(found.params as IssueParams | undefined), path, message: found.message },
      ]
    case 'unrecognized_keys':
      return found.keys
        .slice(0, MAX_DIAGNOSTICS_PER_FILE + 1)
        .map((key) => unknownKey(key, path, known.get(JSON.stringify(found.keys)) ?? []))
    case 'invalid_key':
      return [{ code: 'BAD_FORMAT', path, message: found.issues[0]?.message ?? 'is not a name', onKey: true }]
    case 'invalid_union':
      return fromUnion(found, root, known)
    default:
      return [single(found, valueAt(root, path))]
  }
}

function unknownKey(key: string, path: readonly PropertyKey[], keys: readonly string[]): Problem {
  const suggestion =
    didYouMean(key, keys) ?? (keys.length > 0 ? `Known here: ${keys.join(', ')}.` : undefined)
  return {
    code: 'UNKNOWN_KEY',
    path: [...path, key],
    onKey: true,
    message: `${quoted(key)} is not a key that may stand here`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
}

/** Of the alternatives, the one that the value comes nearest to: not of another type altogether. */
function fromUnion(found: Issue & { code: 'invalid_union' }, root: unknown, known: Known): Problem[] {
  const value = valueAt(root, found.path)
  if (value === undefined) return [missing(found.path)]
  if (found.message !== 'Invalid input')
    return [{ code: 'BAD_FORMAT', path: found.path, message: found.message }]
  const near = found.errors.filter(
    (issues) => !issues.some((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
  )
  const words = found.errors
    .flat()
    .filter((inner) => inner.code === 'invalid_value' && inner.path.length === 0)
  const last = near.at(-1)
  if (!last) {
    const types = found.errors
      .flat()
      .flatMap((inner) => (inner.code === 'invalid_type' ? [typeName(inner.expected)] : []))
    return [
      {
        code: 'WRONG_TYPE',
        path: found.path,
        message: `expected ${[...new Set(types)].join(' or ')}, found ${whatIs(value)}`,
      },
    ]
  }
  const problems = last.flatMap((inner) =>
    problemsOf({ ...inner, path: [...found.path, ...inner.path] }, root, known),
  )
  const options = words.flatMap((inner) => (inner.code === 'invalid_value' ? inner.values.map(String) : []))
  const meant = typeof value === 'string' ? didYouMean(value, options) : undefined
  return meant === undefined ? problems : problems.map((problem) => ({ suggestion: meant, ...problem }))
}

function missing(path: readonly PropertyKey[]): Problem {
  return { code: 'MISSING_KEY', path, message: `"${String(path.at(-1) ?? 'value')}" is missing` }
}

function single(found: Issue, value: unknown): Problem {
  const { path } = found
  const own = /^Invalid |^Too |^Unrecognized /.test(found.message) ? undefined : found.message
  const key = path.findLast((step) => typeof step === 'string')
  const subject = key === undefined ? 'this' : `"${key}"`
  const problem = (code: DiagnosticCode, message: string, suggestion?: string): Problem => ({
    code,
    path,
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
  })
  if (value === undefined) return missing(path)
  if (value === null)
    return problem('WRONG_TYPE', `${subject} has no value`, own === undefined ? undefined : `It ${own}.`)
  switch (found.code) {
    case 'invalid_type':
      if (own !== undefined) return problem('WRONG_TYPE', `${subject} ${own}, found ${whatIs(value)}`)
      return problem(
        'WRONG_TYPE',
        `${subject} expects ${typeName(found.expected)}, found ${whatIs(value)}`,
        found.expected === 'string' && (typeof value === 'number' || typeof value === 'boolean')
          ? `Put it in quotes: "${value}"`
          : undefined,
      )
    case 'invalid_value': {
      const options = found.values.map(String)
      const meant = typeof value === 'string' ? didYouMean(value, options) : undefined
      return problem(
        'WRONG_VALUE',
        `${subject} must be ${options.join(' | ')}, found ${whatIs(value)}`,
        meant,
      )
    }
    case 'invalid_format':
      return problem('BAD_FORMAT', `${subject} ${own ?? 'has the wrong form'}, found ${whatIs(value)}`)
    case 'too_small':
    case 'too_big':
      return problem(...outOfRange(found, subject, value))
    default:
      return problem('WRONG_VALUE', `${subject} is wrong: ${found.message}`)
  }
}

type Sized = Issue & { code: 'too_small' | 'too_big' }

function outOfRange(found: Sized, subject: string, value: unknown): [DiagnosticCode, string] {
  const limit = found.code === 'too_small' ? `at least ${found.minimum}` : `at most ${found.maximum}`
  if (Array.isArray(value)) {
    return [
      found.code === 'too_big' ? 'TOO_MANY' : 'OUT_OF_RANGE',
      `${subject} may have ${limit} entries, it has ${value.length}`,
    ]
  }
  if (typeof value === 'string') {
    return value === ''
      ? ['WRONG_VALUE', `${subject} is empty`]
      : [
          found.code === 'too_big' ? 'TOO_LONG' : 'OUT_OF_RANGE',
          `${subject} may have ${limit} characters, it has ${value.length}`,
        ]
  }
  return ['OUT_OF_RANGE', `${subject} must be ${limit}, found ${whatIs(value)}`]
}

function typeName(expected: string): string {
  const names: { readonly [type: string]: string } = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    object: 'a mapping',
    record: 'a mapping',
    array: 'a list',
  }
  return names[expected] ?? `a value of type ${expected}`
}

function whatIs(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'number') return `the number ${value}`
  return typeof value === 'boolean' ? String(value) : `a ${typeof value}`
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as { [key: PropertyKey]: unknown })[step]
  }
  return value
}
