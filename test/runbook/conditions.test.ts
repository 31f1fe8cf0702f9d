import { checkCondition, evaluateCondition } from '../../lib/runbook/conditions.ts'
import { alwaysDeclared, ExpressionError, expressionReads } from '../../lib/runbook/expressions.ts'
import type { Declared, Facts } from '../../lib/runbook/expressions.ts'

const declared: Declared = {
  ...alwaysDeclared,
  'service.canary': { weight: 'int' },
  'service.ecs': { desired: 'int', running: 'int', pending: 'int' },
  deployment: { id: 'string', status: 'string', age: 'duration', creator: 'string' },
  'steps.capacity': { state: 'string' },
  'steps.check-2': { state: 'string' },
}

const facts: Facts = {
  alarm: { name: 'api-5xx', state: 'ALARM', value: 12.5, threshold: 5, reason: 'too many' },
  incident: { id: 'inc-1', severity: 'sev2' },
  service: { name: 'api' },
  'service.canary': { weight: 10 },
  'service.ecs': { desired: 6, running: 5, pending: 1 },
  deployment: { id: 'd-1', status: 'Succeeded', age: 20 * 60_000, creator: 'user' },
  'steps.capacity': { state: 'done' },
  'steps.check-2': { state: 'failed' },
}

const right: readonly (readonly [string, boolean])[] = [
  ['service.canary.weight > 0', true],
  ['service.canary.weight > 0.5', true],
  ['service.canary.weight + 0.5 == 10.5', true],
  ['alarm.value > 12', true],
  ['alarm.value / 2 > alarm.threshold + 1', true],
  ['alarm.threshold == 5', true],
  ['2 * alarm.threshold - 1 >= 9.0', true],
  ['deployment.age < duration("60m")', true],
  ['deployment.age + duration("1h") < duration("60m")', false],
  ['deployment.status == "Succeeded" && !(service.name == "web")', true],
  ['service.ecs.running < service.ecs.desired', true],
  ['service.ecs.running / 2 == 2', true],
  ['steps.capacity.state == "done"', true],
  ['steps["check-2"].state in ["failed", "skipped"]', true],
  ['alarm.name.startsWith("api-") && alarm.name.contains("5xx")', true],
  ['["web", "api"].exists(n, n == service.name)', true],
  ['incident.severity == "sev1" ? true : alarm.state == "OK"', false],
]

test.each(right)('%s passes the check and is %s', (expression, value) => {
  expect(checkCondition(expression, declared)).toEqual([])
  expect(evaluateCondition(expression, facts).value).toBe(value)
})

const wrong: readonly (readonly [string, string, string, string?])[] = [
  ['servce.name == "api"', 'EXPRESSION_UNKNOWN_NAME', 'servce', 'Did you mean "service"?'],
  ['service.canray.weight > 0', 'EXPRESSION_UNKNOWN_FIELD', 'canray', 'Did you mean "canary"?'],
  ['service.canary.wieght > 0', 'EXPRESSION_UNKNOWN_FIELD', 'wieght', 'Did you mean "weight"?'],
  ['service["canray"].weight > 0', 'EXPRESSION_UNKNOWN_FIELD', '"canray"', 'Did you mean "canary"?'],
  ['service.name.first == "a"', 'EXPRESSION_UNKNOWN_FIELD', 'first'],
  ['constructor.name == "a"', 'EXPRESSION_UNKNOWN_NAME', 'constructor'],
  ['service.__proto__ == "a"', 'EXPRESSION_UNKNOWN_FIELD', '__proto__'],
  ['steps.later.state == "done"', 'EXPRESSION_UNKNOWN_FIELD', 'later'],
  ['service.canary', 'EXPRESSION_TYPE', 'service.canary', 'Known here: service.canary.weight.'],
  ['service.canary.weight', 'EXPRESSION_TYPE', 'service.canary.weight'],
  ['service.canary.weight == "0"', 'EXPRESSION_TYPE', 'service.canary.weight == "0"'],
  [
    'deployment.age < 60',
    'EXPRESSION_TYPE',
    'deployment.age < 60',
    'Compare a duration with a duration: duration("60m").',
  ],
  [
    'deployment.age < duration("60x")',
    'EXPRESSION_TYPE',
    'duration("60x")',
    'Write it like duration("60m").',
  ],
  ['service.name.shout()', 'EXPRESSION_TYPE', 'service.name.shout()'],
  ['1 + ', 'EXPRESSION_SYNTAX', ''],
  ['', 'EXPRESSION_SYNTAX', ''],
  ['service.name == "api', 'EXPRESSION_SYNTAX', '"api'],
  [
    'alarm.name.matches("^(a+)+$")',
    'EXPRESSION_FORBIDDEN',
    'alarm.name.matches("^(a+)+$")',
    'Use contains, startsWith or endsWith.',
  ],
  ['true || alarm.name.matches("a")', 'EXPRESSION_FORBIDDEN', 'alarm.name.matches("a")'],
  ['dyn(service.name) == 1', 'EXPRESSION_FORBIDDEN', 'dyn(service.name)'],
  ['service["na" + "me"] == "api"', 'EXPRESSION_FORBIDDEN', 'service["na" + "me"]'],
  ['cel.bind(x, 1, x > 0)', 'EXPRESSION_FORBIDDEN', 'cel.bind(x, 1, x > 0)'],
  ['[1, 2].all(a, [1, 2].all(b, a + b > 0))', 'EXPRESSION_FORBIDDEN', '[1, 2].all(b, a + b > 0)'],
]

test.each(wrong.map(([expression, code, text, suggestion]) => ({ expression, code, text, suggestion })))(
  '$expression is refused before it runs',
  ({ expression, code, text, suggestion }) => {
    const [problem, ...others] = checkCondition(expression, declared)
    expect(others).toEqual([])
    expect(problem?.code).toBe(code)
    expect(expression.slice(problem?.start, problem?.end)).toBe(text)
    expect(suggestion ?? problem?.suggestion).toBe(problem?.suggestion)
  },
)

test('every unknown name is reported, not only the first', () => {
  const problems = checkCondition(
    'servce.name == "a" || alarm.nme == "b" || service.canary.wieght > 0',
    declared,
  )
  expect(problems.map(({ start }) => start)).toEqual([0, 28, 57])
})

test('the facts to read are told by the expression alone', () => {
  expect(
    expressionReads(
      'service.canary.weight > 0 && deployment.age < duration("1h") && service.canary.weight < 9',
    ),
  ).toEqual(['service.canary', 'deployment'])
  expect(
    expressionReads('steps["check-2"].state == service.name || ["a"].exists(n, alarm.name.contains(n))'),
  ).toEqual(['steps.check-2', 'service', 'alarm'])
  expect(() => expressionReads('1 +')).toThrow(ExpressionError)
})

test('what was read is recorded beside the decision', () => {
  expect(evaluateCondition('service.canary.weight > 0 || deployment.age < duration("1h")', facts)).toEqual({
    value: true,
    values: { 'service.canary.weight': 10, 'deployment.age': 1_200_000 },
  })
})

test('a fact that is missing is never taken for false, also where the rest would decide', () => {
  const { deployment: _deployment, ...rest } = facts
  expect(() => evaluateCondition('deployment.age < duration("1h")', rest)).toThrow('deployment was not read')
  expect(() =>
    evaluateCondition('service.canary.weight > 0 || deployment.age < duration("1h")', rest),
  ).toThrow('deployment was not read')
  expect(() => evaluateCondition('service.canary.weight > 0', { 'service.canary': {} })).toThrow(
    'service.canary has no weight',
  )
  expect(() =>
    evaluateCondition('service.canary.weight > 0', { 'service.canary': { weight: null } }),
  ).toThrow(ExpressionError)
  expect(() => evaluateCondition('constructor.name == "x"', facts)).toThrow(ExpressionError)
})

test('a value of another type, and a failure on the way, are errors with a reason', () => {
  expect(() =>
    evaluateCondition('service.canary.weight > 0', { 'service.canary': { weight: 'ten' } }),
  ).toThrow(ExpressionError)
  expect(() =>
    evaluateCondition('1 / service.canary.weight > 0', { 'service.canary': { weight: 0 } }),
  ).toThrow(/division by zero/)
  expect(() => evaluateCondition('service.canary.weight', facts)).toThrow('neither true nor false')
  expect(() => evaluateCondition('alarm.name.matches("^(a+)+$")', facts)).toThrow('matches is refused')
})

test('types can be given where the probes do not know a fact', () => {
  expect(() => evaluateCondition('queue.wait > duration("1m")', { queue: { wait: 90_000 } })).toThrow(
    ExpressionError,
  )
  expect(
    evaluateCondition(
      'queue.wait > duration("1m")',
      { queue: { wait: 90_000 } },
      { queue: { wait: 'duration' } },
    ).value,
  ).toBe(true)
})
