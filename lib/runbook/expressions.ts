import { Duration, Environment } from '@marcbachmann/cel-js/evaluator'
import { describe } from '../errors.ts'
import type { Json } from '../json.ts'
import { factProbes } from '../probes/index.ts'
import type { FieldType } from '../probes/probe.ts'
import { refused, tree, undeclared } from './expression-rules.ts'
import type { Declared, ExpressionProblem } from './expression-rules.ts'
import { called, childrenOf, factPath, namesIn } from './expression-tree.ts'
import type { ExpressionNode } from './expression-tree.ts'
import { quoted } from './diagnostics.ts'
import { MAX_EXPRESSION_LENGTH } from './limits.ts'

export type { Declared, ExpressionProblem }

/** What was read for an expression, by the same paths. Durations are milliseconds. */
export interface Facts {
  readonly [path: string]: { readonly [field: string]: Json }
}

/** An expression could not be evaluated. The step then fails with this reason; it is never taken for `false`, 0 or nothing. */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

/** What every expression may read: what started the execution. Steps before it add `steps.<id>`, probes add the rest. */
export const alwaysDeclared: Declared = {
  alarm: { name: 'string', state: 'string', value: 'double', threshold: 'double', reason: 'string' },
  incident: { id: 'string', severity: 'string' },
  service: { name: 'string' },
}

/** What `steps.<id>` offers. */
export const stepFields: Declared[string] = { state: 'string' }

/** Far more than 500 characters can sensibly say, and small enough that no expression takes a millisecond. */
const LIMITS = { maxAstNodes: 200, maxDepth: 25, maxListElements: 50, maxMapEntries: 20, maxCallArguments: 8 }

/** What is known of an expression that was not run: its mistakes; without any, CEL's name of the type of what it gives. */
export type CheckedExpression =
  | { readonly is: 'wrong'; readonly problems: readonly ExpressionProblem[] }
  | { readonly is: 'right'; readonly type: string }

/**
 * Checks an expression without running it: syntax, names and fields that are not declared, types, and what is refused
 * (`matches` can hang on a hostile pattern, `dyn` and computed keys escape the type check, nested loops take polynomial
 * time). `what` is how messages call it.
 */
export function checkExpression(expression: string, declared: Declared, what: string): CheckedExpression {
  const wrong = (...problems: readonly ExpressionProblem[]) => ({ is: 'wrong', problems }) as const
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    return wrong({
      code: 'EXPRESSION_TOO_LONG',
      message: `${what} has at most ${MAX_EXPRESSION_LENGTH} characters, this has ${expression.length}`,
      start: 0,
      end: expression.length,
      suggestion: 'Split the step in two, each with a part of it.',
    })
  }
  const parsed = parse(environmentFor(declared), expression)
  if (parsed.is === 'problem') return wrong(parsed.problem)
  const forbidden = [...refused(parsed.ast, false), ...badLiterals(parsed.ast)]
  const unknown = namesIn(parsed.ast).flatMap((found) => undeclared(found, declared))
  // What stands inside something forbidden goes away with it.
  const outside = unknown.filter(
    ({ start }) => !forbidden.some((outer) => start >= outer.start && start < outer.end),
  )
  if (forbidden.length + outside.length > 0) return wrong(...forbidden, ...outside)
  const checked = parsed.check()
  return checked.valid
    ? { is: 'right', type: typeWords(checked.type ?? 'unknown') }
    : wrong(fromLibrary('EXPRESSION_TYPE', checked.error, expression))
}

/**
 * The paths of the facts that an expression names, each once: `service.canary` for `service.canary.weight > 0`.
 * Throws `ExpressionError` where it cannot be parsed.
 */
export function expressionReads(expression: string): readonly string[] {
  const parsed = parse(new Environment({ limits: LIMITS, unlistedVariablesAreDyn: true }), expression)
  if (parsed.is === 'problem')
    throw new ExpressionError(`${quoted(expression)} cannot be read: ${parsed.problem.message}`)
  return [...new Set(namesIn(parsed.ast).map((found) => factPath(found.steps)))]
}

/**
 * The value of an expression and, to be recorded beside the decision, each field that it names with its value
 * (`service.canary.weight`). Types are those of `declared`, else of the probes, else those of the values. Throws
 * `ExpressionError` where a fact is missing or the evaluation fails, also where the rest would decide without it.
 */
export function evaluateExpression(
  expression: string,
  facts: Facts,
  declared: Declared = {},
): { value: Json; values: { [path: string]: Json } } {
  const failed = (why: string): ExpressionError =>
    new ExpressionError(`${quoted(expression)} could not be evaluated: ${why}`)
  if (expression.length > MAX_EXPRESSION_LENGTH)
    throw failed(`it has more than ${MAX_EXPRESSION_LENGTH} characters`)
  const types = typesOf(facts, declared)
  const parsed = parse(environmentFor(types), expression)
  if (parsed.is === 'problem') throw failed(parsed.problem.message)
  const [problem] = refused(parsed.ast, false)
  if (problem) throw failed(problem.message)
  const values: { [path: string]: Json } = {}
  for (const { steps } of namesIn(parsed.ast)) {
    const path = factPath(steps)
    const fact = Object.hasOwn(facts, path) ? facts[path] : undefined
    if (!fact) throw failed(`${path} was not read`)
    const field = steps.at(-1)?.name ?? ''
    const read = Object.hasOwn(fact, field) ? fact[field] : undefined
    if (read === undefined || read === null) throw failed(`${path} has no ${field}`)
    values[`${path}.${field}`] = read
  }
  let value: unknown
  try {
    value = parsed.evaluate(contextOf(facts, types))
  } catch (error) {
    throw failed(summaryOf(error) ?? describe(error))
  }
  const plain = plainValue(value)
  if (plain === undefined)
    throw failed('what it gives is no text, no exact number, and neither true nor false')
  return { value: plain, values }
}

/** CEL's integers have 64 bits: one that a number cannot hold exactly is no value, rather than one beside it. */
function plainValue(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  if (typeof value !== 'bigint') return undefined
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : undefined
}

type ParsedExpression =
  | { is: 'problem'; problem: ExpressionProblem }
  | {
      is: 'expression'
      ast: ExpressionNode
      check: () => { valid: boolean; type?: string; error?: unknown }
      evaluate: (context: Record<string, unknown>) => unknown
    }

function parse(environment: Environment, expression: string): ParsedExpression {
  try {
    const parsed = environment.parse(expression)
    return {
      is: 'expression',
      ast: parsed.ast as unknown as ExpressionNode,
      check: () => parsed.check(),
      evaluate: (context) => parsed(context) as unknown,
    }
  } catch (error) {
    return { is: 'problem', problem: fromLibrary('EXPRESSION_SYNTAX', error, expression) }
  }
}

/** Integers mix with doubles: `alarm.value + 1 > 2` means what it says. `<` and its kin the library has already. */
const ARITHMETIC: { readonly [operator: string]: (a: number, b: number) => number } = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
}

function environmentFor(declared: Declared): Environment {
  const environment = new Environment({ limits: LIMITS })
  for (const [operator, compute] of Object.entries(ARITHMETIC)) {
    const mixed = (a: number | bigint, b: number | bigint): number => compute(Number(a), Number(b))
    environment
      .registerOperator(`int ${operator} double: double`, mixed)
      .registerOperator(`double ${operator} int: double`, mixed)
  }
  // Registers `!=` and the other order with it.
  environment.registerOperator(
    'int == double',
    (a: number | bigint, b: number | bigint) => Number(a) === Number(b),
  )
  for (const [name, schema] of Object.entries(tree(declared))) {
    // A schema is a mapping of mappings and type names, as deep as the paths are.
    environment.registerVariable({ name, schema })
  }
  return environment
}

/** The declared types of the facts; a whole number stands for an int only where nothing says that it is a double. */
function typesOf(facts: Facts, declared: Declared): Declared {
  return Object.fromEntries(
    Object.entries(facts).map(([path, fields]) => {
      const probe = factProbes.find((candidate) =>
        Object.keys(fields).every((field) => Object.hasOwn(candidate.fields, field)),
      )
      const known = { ...probe?.fields, ...alwaysDeclared[path], ...declared[path] }
      return [
        path,
        Object.fromEntries(
          Object.entries(fields).map(([field, value]) => [field, typeOf(value, known[field])]),
        ),
      ]
    }),
  )
}

function typeOf(value: Json, declared: FieldType | undefined): FieldType {
  if (declared === 'int' && typeof value === 'number' && !Number.isSafeInteger(value)) return 'double'
  if (declared !== undefined) return declared
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'number') return Number.isSafeInteger(value) ? 'int' : 'double'
  return 'string'
}

interface Values {
  [name: string]: unknown
}

function contextOf(facts: Facts, types: Declared): Values {
  const root = Object.create(null) as Values
  for (const [path, fields] of Object.entries(facts)) {
    let node = root
    for (const name of path.split('.')) node = (node[name] ??= Object.create(null) as Values) as Values
    for (const [field, value] of Object.entries(fields)) node[field] = celValue(value, types[path]?.[field])
  }
  return root
}

function celValue(value: Json, type: FieldType | undefined): unknown {
  if (typeof value !== 'number') return value
  if (type === 'duration') return Duration.fromMilliseconds(value)
  return type === 'int' ? BigInt(value) : value
}

/** `duration("60x")` has the right type and would fail only in the night it is needed. */
function badLiterals(node: ExpressionNode): ExpressionProblem[] {
  const own = badLiteral(node)
  return own ? [own] : childrenOf(node).flatMap(badLiterals)
}

function badLiteral(node: ExpressionNode): ExpressionProblem | undefined {
  const call = called(node)
  const [argument, second] = call?.args ?? []
  if (!call || call.on || second || argument?.op !== 'value' || typeof argument.args !== 'string')
    return undefined
  if (call.name !== 'duration' && call.name !== 'timestamp') return undefined
  try {
    new Environment().evaluate(`${call.name}(${JSON.stringify(argument.args)})`)
    return undefined
  } catch {
    const example = call.name === 'duration' ? 'duration("60m")' : 'timestamp("2026-01-31T12:00:00Z")'
    return {
      code: 'EXPRESSION_TYPE',
      message: `${quoted(argument.args)} is not a ${call.name}`,
      start: node.start,
      end: node.end,
      suggestion: `Write it like ${example}.`,
    }
  }
}

function fromLibrary(
  code: 'EXPRESSION_SYNTAX' | 'EXPRESSION_TYPE',
  error: unknown,
  expression: string,
): ExpressionProblem {
  const range =
    typeof error === 'object' && error !== null && 'range' in error
      ? (error.range as { start: number; end: number } | undefined)
      : undefined
  const start = Math.min(range?.start ?? 0, expression.length)
  const summary = (summaryOf(error) ?? describe(error)).slice(0, 200)
  const durationHint = /\bduration [<>=!+-]|[<>=!+-] duration\b/.test(summary)
    ? { suggestion: 'Compare a duration with a duration: duration("60m").' }
    : {}
  return {
    code,
    message: typeWords(`${summary.slice(0, 1).toLowerCase()}${summary.slice(1)}`),
    start,
    end: Math.max(start + 1, Math.min(range?.end ?? expression.length, expression.length)),
    ...durationHint,
  }
}

function summaryOf(error: unknown): string | undefined {
  return typeof error === 'object' &&
    error !== null &&
    'summary' in error &&
    typeof error.summary === 'string'
    ? typeWords(error.summary)
    : undefined
}

function typeWords(text: string): string {
  return text
    .replaceAll('google.protobuf.Duration', 'duration')
    .replace('EOF', 'end of the expression')
    .replaceAll('$', '')
}
