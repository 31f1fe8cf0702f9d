import type { Json } from '../json.ts'
import { quoted } from './diagnostics.ts'
import { checkExpression, evaluateExpression, ExpressionError } from './expressions.ts'
import type { Declared, ExpressionProblem, Facts } from './expressions.ts'

/** What is wrong with a condition, found without running it. A right one gives true or false, and an empty list. */
export function checkCondition(expression: string, declared: Declared): readonly ExpressionProblem[] {
  const checked = checkExpression(expression, declared, 'a condition')
  if (checked.is === 'wrong') return checked.problems
  if (checked.type === 'bool') return []
  return [
    {
      code: 'EXPRESSION_TYPE',
      message: `a condition must be true or false, this is ${checked.type}`,
      start: 0,
      end: expression.length,
      suggestion: 'Compare it with something: <, <=, ==, !=, >= or >.',
    },
  ]
}

/** Whether a condition holds, and on which values; throws `ExpressionError` where that cannot be said. */
export function evaluateCondition(
  expression: string,
  facts: Facts,
  declared: Declared = {},
): { value: boolean; values: { [path: string]: Json } } {
  const { value, values } = evaluateExpression(expression, facts, declared)
  if (typeof value !== 'boolean')
    throw new ExpressionError(`the condition ${quoted(expression)} is neither true nor false`)
  return { value, values }
}
