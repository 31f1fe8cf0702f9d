import type * as z from 'zod'
import type { AnyAction, ReferenceType } from '../actions/action.ts'
import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import type { DiagnosticCode } from './diagnostics.ts'
import { checkExpression, evaluateExpression, expressionReads } from './expressions.ts'
import type { Declared, Facts } from './expressions.ts'
import { parseForm } from './issues.ts'
import type { ActionStep } from './runbook.ts'

/** One mistake in a reference; 0-based offsets in the text of the value. */
export interface ReferenceProblem {
  readonly code: DiagnosticCode
  readonly message: string
  readonly start: number
  readonly end: number
  readonly suggestion?: string | undefined
}

const OPENING = '${'

/** Whether a value is a reference or was meant to have one inside; such a text is never taken for itself. */
export function hasReference(value: unknown): boolean {
  return typeof value === 'string' && value.includes(OPENING)
}

/** The expression of a reference; `undefined` where the reference is not the whole value, or says nothing. */
export function expressionOf(text: string): string | undefined {
  const expression = text.startsWith(OPENING) && text.endsWith('}') ? text.slice(OPENING.length, -1) : ''
  return expression.trim() === '' ? undefined : expression
}

/** The value of which `expressionOf` gives this expression. */
export function writeReference(expression: string): string {
  return `${OPENING}${expression}}`
}

const TYPE_WORDS: { readonly [type in ReferenceType]: string } = {
  string: 'a text',
  int: 'a whole number',
  double: 'a number',
  bool: 'true or false',
}

/**
 * What is wrong with a reference, found without running it: its form, its expression, and whether the parameter takes what
 * it gives. Without `declared`, which only a known service has, its form alone is looked at.
 */
export function checkReference(
  text: string,
  types: readonly ReferenceType[],
  declared: Declared | undefined,
): readonly ReferenceProblem[] {
  const expression = expressionOf(text)
  if (expression === undefined) return [badForm(text)]
  if (!declared) return []
  const checked = checkExpression(expression, declared, 'a reference')
  if (checked.is === 'wrong') {
    // What begins and ends as one reference is two where a second opens in between.
    if (checked.problems.some(({ code }) => code === 'EXPRESSION_SYNTAX') && expression.includes(OPENING))
      return [badForm(text)]
    return checked.problems.map((problem) => ({
      ...problem,
      start: problem.start + OPENING.length,
      end: problem.end + OPENING.length,
    }))
  }
  if (types.some((type) => type === checked.type)) return []
  const wanted = types.map((type) => TYPE_WORDS[type]).join(' or ')
  const given = Object.hasOwn(TYPE_WORDS, checked.type)
    ? TYPE_WORDS[checked.type as ReferenceType]
    : `a ${checked.type}`
  return [
    {
      code: 'REFERENCE_TYPE',
      message: `this parameter takes ${wanted}, the reference gives ${given}`,
      start: OPENING.length,
      end: OPENING.length + expression.length,
      suggestion:
        checked.type === 'double' && types.includes('int')
          ? 'int(...) drops what stands behind the point.'
          : undefined,
    },
  ]
}

function badForm(text: string): ReferenceProblem {
  const empty = /^\$\{\s*\}$/.test(text)
  return {
    code: 'REFERENCE_FORM',
    message: empty
      ? 'this reference says nothing'
      : `a reference is the whole value, from ${OPENING} to }: text is never put together from parts`,
    start: text.indexOf(OPENING),
    end: text.length,
    suggestion: 'Write one expression, such as "${service.ecs.desired + 3}"; CEL joins texts by +.',
  }
}

type References = NonNullable<ActionStep['references']>

/** The paths of the facts that the references name, each once. */
export function referencesRead(references: References): readonly string[] {
  return [...new Set(Object.values(references).flatMap(expressionReads))]
}

/** The parameters with what their references came to, and all values that this was decided on. */
export type Resolved =
  | { readonly is: 'params'; readonly params: unknown; readonly values: { readonly [path: string]: Json } }
  | { readonly is: 'bad'; readonly reason: string }

/**
 * Evaluates a step's references on the facts as read, and holds the result against the action's schema, as if it had stood
 * in the file. Throws `ExpressionError` where one has no value.
 */
export function resolveReferences(
  action: AnyAction,
  params: ActionStep['params'],
  references: References,
  facts: Facts,
): Resolved {
  const resolved: { [name: string]: Json } = {}
  const read: { [path: string]: Json } = {}
  for (const [name, expression] of Object.entries(references)) {
    const { value, values } = evaluateExpression(expression, facts)
    resolved[name] = value
    Object.assign(read, values)
  }
  const parsed = parseForm(action.params as z.ZodType, { ...params, ...resolved })
  if (parsed.is === 'value') {
    const given = Object.entries(resolved).map(([name, value]) => [`params.${name}`, value] as const)
    return { is: 'params', params: parsed.value, values: { ...read, ...Object.fromEntries(given) } }
  }
  const wrong = parsed.problems.map(({ message }) => message).join('; ')
  const from = Object.entries(references).map(
    ([name, one]) => `${name} is ${shown(resolved[name])} by ${one}`,
  )
  const on = Object.entries(read).map(([path, value]) => `${path} = ${shown(value)}`)
  return { is: 'bad', reason: `${wrong} (${[...from, ...on].join(', ')})` }
}

function shown(value: Json | undefined): string {
  return typeof value === 'string' ? quoted(value) : JSON.stringify(value)
}
