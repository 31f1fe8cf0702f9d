import * as fc from 'fast-check'
import * as z from 'zod'
import { actions, findAction } from '../../lib/actions/index.ts'
import { renderDiagnostic } from '../../lib/runbook/diagnostics.ts'
import { expandRunbook } from '../../lib/runbook/expand.ts'
import { ExpressionError } from '../../lib/runbook/expressions.ts'
import type { Facts } from '../../lib/runbook/expressions.ts'
import { runbookJsonSchema } from '../../lib/runbook/json-schema.ts'
import { checkReference, resolveReferences } from '../../lib/runbook/references.ts'
import { staticTarget, withStandIns } from '../../lib/runbook/static-target.ts'
import { compile, compiledRunbook, longForm } from './fixtures.ts'

const steps = (...lines: readonly string[]): string =>
  longForm({ steps: `steps:\n${lines.map((line) => `  - ${line}\n`).join('')}` })

const WHOLE = [
  'scale_out: { ecs: api, to: "${service.ecs.desired + 3}", max: "${service.ecs.desired * 2}" }',
  'scale_out: { ecs: api, by: "${service.ecs.desired - service.ecs.running}" }',
  'scale_out: { ecs: api, by: \'${alarm.value > 100.0 ? "100%" : "50%"}\', raise_max: "${deployment.status == \'Succeeded\'}" }',
  'route53_weight: { record: canary, weight: "${service.canary.weight / 2}" }',
  'notify: { to: oncall@sre, message: "${\'of \' + deployment.creator}" }',
]

describe('lint', () => {
  test('a parameter that is a reference is kept apart from the literals, with its expression', () => {
    const [step] = compiledRunbook(steps(WHOLE[0] ?? '')).steps
    expect(step).toMatchObject({
      params: { ecs: 'api', raise_max: false },
      references: { to: 'service.ecs.desired + 3', max: 'service.ecs.desired * 2' },
    })
    expect((step as { params: object }).params).toEqual({ ecs: 'api', raise_max: false })
  })

  test.each(WHOLE)('%s is right, and its long form means the same', (line) => {
    const runbook = compiledRunbook(steps(line))
    expect(JSON.stringify(runbook.steps)).not.toContain('${')
    expect(compiledRunbook(expandRunbook(runbook))).toEqual(runbook)
  })

  test('a runbook without references has no trace of them', () => {
    const [step] = compiledRunbook(steps('scale_out: ecs service api +50%')).steps
    expect(step).not.toHaveProperty('references')
  })

  test('all mistakes come at once, each with its place, a caret and what to do', () => {
    const { diagnostics, sources } = compile({
      path: 'x.yaml',
      text: steps(
        'scale_out: { ecs: api, to: "${service.ecs.desierd + 3}", max: "${service.ecs.desired * 1.5}" }',
        'route53_weight: { record: canary, weight: "${alarm.name}" }',
        'route53_weight: { record: "${alarm.name}", weight: 0 }',
      ),
    })
    expect(diagnostics.map((one) => renderDiagnostic(one, sources[one.file])).join('\n')).toBe(
      [
        'x.yaml:5:47 EXPRESSION_UNKNOWN_FIELD service.ecs has no field "desierd"',
        '    |',
        '  5 |   - scale_out: { ecs: api, to: "${service.ecs.desierd + 3}", max: "${service.ecs.desired * 1.5}" }',
        '    |                                               ^^^^^^^',
        '  = Did you mean "desired"?',
        'x.yaml:5:70 REFERENCE_TYPE this parameter takes a whole number, the reference gives a number',
        '    |',
        '  5 |   - scale_out: { ecs: api, to: "${service.ecs.desierd + 3}", max: "${service.ecs.desired * 1.5}" }',
        '    |                                                                      ^^^^^^^^^^^^^^^^^^^^^^^^^',
        '  = int(...) drops what stands behind the point.',
        'x.yaml:6:50 REFERENCE_TYPE this parameter takes a whole number, the reference gives a text',
        '    |',
        '  6 |   - route53_weight: { record: canary, weight: "${alarm.name}" }',
        '    |                                                  ^^^^^^^^^^',
        'x.yaml:7:31 REFERENCE_NOT_ALLOWED "record" cannot hold a reference: what a step acts on, its lock and its permissions must be known before anything is read',
        '    |',
        '  7 |   - route53_weight: { record: "${alarm.name}", weight: 0 }',
        '    |                               ^^^^^^^^^^^^^^^',
        '  = Write a literal; of route53_weight, references may stand in: weight.',
      ].join('\n'),
    )
  })

  test('what one reference must be, two and a half are not', () => {
    const form = (text: string) => checkReference(text, ['int'], {}).map(({ code }) => code)
    for (const text of [
      '${',
      '${}',
      '${ \t\n}',
      '$ {1} ${',
      'x${1}',
      '${1}x',
      ' ${1}',
      '${1',
      '${1} ${2}',
      '${"a"}x${"b"}',
      '${${1}}',
      '${1}${',
    ])
      expect([text, form(text)]).toEqual([text, ['REFERENCE_FORM']])
    expect(form('${1}')).toEqual([])
    expect(form('${"}".size() + "${".size()}')).toEqual([])
    expect(form('${1 +}')).toEqual(['EXPRESSION_SYNTAX'])
    expect(form(`\${${'1+'.repeat(250)}1}`)).toEqual(['EXPRESSION_TOO_LONG'])
    expect(form(`\${${'('.repeat(240)}1${')'.repeat(240)}}`)).toEqual(['EXPRESSION_SYNTAX'])
    expect(form('${"a".matches("(a+)+$") ? 1 : 2}')).toEqual(['EXPRESSION_FORBIDDEN'])
    expect(form('${[1, 2]}')).toEqual(['REFERENCE_TYPE'])
    expect(form('${null}')).toEqual(['REFERENCE_TYPE'])
    expect(form('${duration("1m")}')).toEqual(['REFERENCE_TYPE'])
  })

  test('no text makes the check throw, and none passes with the wrong type', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (inner) => {
        for (const text of [inner, `\${${inner}}`, `\${1}${inner}`, `${inner}\${`])
          for (const { start, end } of checkReference(text, ['bool'], {}))
            expect(start).toBeLessThanOrEqual(end)
        expect(checkReference(`\${size(${JSON.stringify(inner)})}`, ['bool'], {})).not.toEqual([])
      }),
      { numRuns: 300 },
    )
  })

  test('a step that stands before may be named, one that comes later not', () => {
    const line = 'notify: { to: oncall@sre, message: "${steps.wait.state}" }'
    expect(compile({ path: 'x.yaml', text: steps('wait: 1m', line) }).diagnostics).toEqual([])
    expect(compile({ path: 'x.yaml', text: steps(line, 'wait: 1m') }).diagnostics).toMatchObject([
      { code: 'EXPRESSION_UNKNOWN_NAME', line: 5 },
    ])
  })

  test('the JSON Schema lets editors write a reference where a number or a truth is expected', () => {
    const accepts = (action: string, name: string, value: unknown): boolean => {
      const shown = JSON.stringify(runbookJsonSchema())
      const found = new Set(
        propertiesIn(JSON.parse(shown)).flatMap((each) =>
          action in each && name in each ? [JSON.stringify(each[name])] : [],
        ),
      )
      expect(found.size).toBe(1)
      return [...found].every(
        (one) => z.fromJSONSchema(JSON.parse(one) as z.core.JSONSchema.JSONSchema).safeParse(value).success,
      )
    }
    expect(accepts('ecs', 'to', '${service.ecs.desired +\n 3}')).toBe(true)
    expect(accepts('ecs', 'to', 'three')).toBe(false)
    expect(accepts('ecs', 'to', 5_001)).toBe(false)
    expect(accepts('record', 'weight', '${service.canary.weight}')).toBe(true)
    expect(accepts('record', 'weight', '${')).toBe(false)
    expect(accepts('ecs', 'raise_max', '${true}')).toBe(true)
  })
})

/** Every mapping of properties anywhere in a schema. */
function propertiesIn(node: unknown): { readonly [name: string]: unknown }[] {
  if (typeof node !== 'object' || node === null) return []
  const { properties } = node as { readonly properties?: { readonly [name: string]: unknown } }
  return [...(properties ? [properties] : []), ...Object.values(node).flatMap(propertiesIn)]
}

describe('static', () => {
  test.each(actions.map((action) => [action.verb, action] as const))(
    'what %s acts on is told without the parameters that may be references',
    (_verb, action) => {
      const names = Object.keys(action.references ?? {})
      const seen: string[] = []
      const spied = {
        ...action,
        params: z.unknown(),
        target: (params: object) => {
          seen.push(...Object.keys(params))
          return { is: 'missing', path: '', message: '' } as const
        },
      }
      const given = Object.fromEntries([...names, 'fixed'].map((name) => [name, 'literal']))
      staticTarget(spied, { params: given, references: {} }, {} as never)
      expect(seen).toEqual(['fixed'])
    },
  )

  test.each([
    ['scale_out ecs', { ecs: 'api', by: '50%' }, ['by', 'max', 'raise_max']],
    ['scale_out ecs', { ecs: 'api' }, ['to', 'max']],
    ['route53_weight record', { record: 'canary' }, ['weight']],
    ['notify oncall', { to: 'oncall@sre' }, ['message']],
  ] as const)('the schema of %s takes what stands in for its references', (name, params, referring) => {
    const action = findAction(name)
    expect(Object.keys(action?.references ?? {})).toEqual(expect.arrayContaining([...referring]))
    expect(action?.params.safeParse(withStandIns(action, params, referring))).toMatchObject({ success: true })
  })
})

describe('evaluation', () => {
  const facts: Facts = {
    'service.ecs': { desired: 6, running: 4, pending: 0 },
    alarm: { name: 'api-5xx', state: 'ALARM', reason: '' },
  }
  const scaleOut = findAction('scale_out ecs')
  const resolve = (
    references: { readonly [name: string]: string },
    params: { readonly [name: string]: string } = {},
  ) => {
    if (!scaleOut) throw new Error('no such action')
    return resolveReferences(scaleOut, { ecs: 'api', ...params }, references, facts)
  }

  test('gives the parameters as the schema reads them, with what each came to and all that was read', () => {
    expect(
      resolve({ by: 'service.ecs.desired - service.ecs.running', max: 'service.ecs.desired * 2' }),
    ).toEqual({
      is: 'params',
      params: { ecs: 'api', by: '+2', max: 12, raise_max: false },
      values: {
        'service.ecs.desired': 6,
        'service.ecs.running': 4,
        'params.by': 2,
        'params.max': 12,
      },
    })
  })

  test.each([
    [
      { to: 'service.ecs.desired * 1000' },
      '"to" must be at most 5000, found the number 6000 (to is 6000 by service.ecs.desired * 1000, service.ecs.desired = 6)',
    ],
    [{ to: 'service.ecs.pending' }, '"to" must be at least 1, found the number 0'],
    [{ to: 'alarm.name' }, '"to" expects a number, found "api-5xx"'],
    [{ to: '7.5' }, '"to" expects a whole number, found the number 7.5'],
    [{ by: 'alarm.name' }, '"api-5xx" is no amount'],
    [{ to: '7', by: '7' }, 'give either by or to'],
  ])('a value that the schema does not take is bad, with the reason: %j', (references, reason) => {
    const resolved = resolve(references)
    expect(resolved).toMatchObject({ is: 'bad', reason: expect.stringContaining(reason) })
  })

  test.each([
    ['alarm.value > 5.0 ? 9 : 7', 'alarm has no value'],
    ['true ? 7 : service.canary.weight', 'service.canary was not read'],
    ['service.ecs.desired / service.ecs.pending', 'division by zero'],
    ['9223372036854775807', 'no exact number'],
    ['service.ecs.desired / 0.0', 'no exact number'],
    ['[service.ecs.desired]', 'no text, no exact number'],
    ['"a".matches("b") ? 1 : 2', 'matches is refused'],
  ])('%s has no value and is never taken for one', (to, reason) => {
    expect(() => resolve({ to })).toThrow(ExpressionError)
    expect(() => resolve({ to })).toThrow(reason)
  })
})
