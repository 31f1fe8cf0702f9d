import * as fc from 'fast-check'
import { compileCatalogue } from '../../lib/runbook/catalogue.ts'
import { renderDiagnostic } from '../../lib/runbook/diagnostics.ts'
import { expandRunbook } from '../../lib/runbook/expand.ts'
import type { Approve, Runbook, Step, StepNode, Trigger } from '../../lib/runbook/runbook.ts'
import { compiledRunbook, longForm, settings } from './fixtures.ts'

const seconds = (min: number, max: number): fc.Arbitrary<number> =>
  fc.integer({ min, max }).map((s) => s * 1_000)
const maybe = <T extends object>(some: fc.Arbitrary<T>): fc.Arbitrary<T | object> =>
  fc.oneof(some, fc.constant({}))

/** Texts on which YAML writers go wrong: what looks like another type, like markup, or spans lines. */
const awkward = fc.constantFrom(
  'yes',
  'on',
  '010',
  '1:30',
  '1e3',
  '2026-01-31',
  'null',
  '~',
  '- a',
  'a: b',
  'a #b',
  ' a ',
  "'",
  '"',
  '{a',
  '*a',
  '&a',
  '!a',
  '%a',
  '@a',
  '`',
  '|',
  '>',
  'a\nb\n',
  '\n',
  '\ta',
  'é…💥',
  '=',
  '<<',
  '1_000',
  '0o7',
  '.inf',
)
const text = fc
  .oneof(
    awkward,
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 }),
    fc.tuple(awkward, awkward).map((two) => two.join('')),
  )
  // That is where a reference would begin, so no compiled text has it.
  .filter((one) => !one.includes('${'))

const action = fc.oneof(
  fc
    .record({ ecs: fc.constant('api'), raise_max: fc.boolean(), by: fc.constantFrom('50%', '+3') })
    .map((params) => ({ action: 'scale_out ecs', params })),
  fc
    .record({
      ecs: fc.constant('api'),
      raise_max: fc.boolean(),
      to: fc.integer({ min: 1, max: 50 }),
      max: fc.integer({ min: 1, max: 60 }),
    })
    .map((params) => ({ action: 'scale_out ecs', params })),
  fc
    .record({
      params: fc.record({ ecs: fc.constant('api'), raise_max: fc.boolean() }),
      references: fc.record({
        to: fc.constantFrom('service.ecs.desired + 3', ' 7\n', 'size("yes: #}") + size("${")'),
        max: fc.constantFrom('int(alarm.value * 2.0)', "alarm.name == 'on' ? 9 : 12"),
      }),
    })
    .map((given) => ({ action: 'scale_out ecs', ...given })),
  fc
    .record({ record: fc.constant('canary'), weight: fc.integer({ min: 0, max: 255 }) })
    .map((params) => ({ action: 'route53_weight record', params })),
  fc
    .constantFrom({ to: 'last-success' }, { codedeploy: 'api', to: 'd-ABCDEF123' })
    .map((params) => ({ action: 'rollback codedeploy', params })),
  fc
    .record({ to: fc.constant('oncall@sre'), message: text })
    .map((params) => ({ action: 'notify oncall', params })),
)

const approve: fc.Arbitrary<Approve> = fc
  .tuple(
    fc.record({
      by: fc.constant('sre'),
      timeoutMs: seconds(10, 86_400),
      onTimeout: fc.constantFrom('skip' as const, 'stop' as const, 'escalate' as const),
    }),
    maybe(fc.record({ quorum: fc.integer({ min: 2, max: 5 }) })),
    maybe(fc.constant({ notSelf: true as const })),
  )
  .map(([always, quorum, notSelf]) => ({ ...always, ...quorum, ...notSelf }))

const basics = fc
  .tuple(
    fc.record({
      onFailure: fc.constantFrom('stop' as const, 'continue' as const, 'undo' as const, 'escalate' as const),
    }),
    maybe(
      fc.record({
        when: fc.constantFrom(
          'service.canary.weight > 0',
          'deployment.age < duration("60m")',
          'alarm.name == "yes: #"',
        ),
      }),
    ),
  )
  .map(([always, when]) => ({ ...always, ...when }))

const actionStep = fc
  .tuple(
    basics,
    action,
    maybe(fc.record({ approve })),
    fc.constantFrom('wait' as const, 'skip' as const),
    fc.record({
      retry: fc.record({
        attempts: fc.integer({ min: 1, max: 10 }),
        backoffMs: seconds(0, 3_600),
        maxBackoffMs: seconds(0, 3_600),
      }),
      timeoutMs: seconds(1, 86_400),
    }),
  )
  .map(([common, what, asks, onLocked, limits]) => ({
    is: 'action' as const,
    ...common,
    ...what,
    ...(what.action === 'notify oncall' ? {} : { ...asks, onLocked }),
    ...limits,
  }))

const probe = fc.oneof(
  fc.constant({ is: 'alarm' as const, state: 'ok' as const }),
  fc.record({
    is: fc.constant('metric' as const),
    metric: fc.constant('errors'),
    comparison: fc.constantFrom('below' as const, 'at_most' as const, 'above' as const, 'at_least' as const),
    than: fc.oneof(
      fc.integer(),
      fc.constantFrom(5e-324, 1e21, -1.5e-7),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
    ),
  }),
)

const checkStep = fc
  .tuple(basics, probe, fc.integer({ min: 1, max: 10 }), seconds(5, 60), seconds(600, 6_000))
  .map(([common, about, samples, everyMs, withinMs]) => ({
    is: 'check' as const,
    ...common,
    probe: about,
    samples,
    everyMs,
    withinMs,
  }))

const waitStep = fc
  .tuple(basics, seconds(1, 86_400))
  .map(([common, forMs]) => ({ is: 'wait' as const, ...common, forMs }))
const step = fc.oneof(actionStep, checkStep, waitStep)
const node = fc.oneof(
  { weight: 4, arbitrary: step },
  { weight: 1, arbitrary: fc.array(step, { minLength: 1, maxLength: 3 }) },
)

const trigger: fc.Arbitrary<Trigger> = fc.oneof(
  text.map((glob) => ({ is: 'alarm' as const, glob })),
  fc
    .record({
      source: fc.array(text, { minLength: 1, maxLength: 2 }),
      detail: fc.record({
        state: fc.array(fc.oneof(text, fc.integer(), fc.record({ prefix: text })), {
          minLength: 1,
          maxLength: 2,
        }),
      }),
    })
    .map((pattern) => ({ is: 'pattern' as const, pattern })),
)

const runbooks: fc.Arbitrary<Runbook> = fc
  .record({
    summary: text,
    severity: fc.constantFrom('sev1' as const, 'sev2' as const, 'sev3' as const, 'sev4' as const),
    mode: fc.constantFrom('shadow' as const, 'approve' as const, 'auto' as const),
    triggers: fc.array(trigger, { maxLength: 3 }),
    holdDownMs: seconds(0, 86_400),
    cooldownMs: fc.nat(86_400_000),
    keepOpenMs: seconds(0, 86_400),
    retryBudget: fc.integer({ min: 0, max: 450 }),
    flapping: fc.record({ changes: fc.integer({ min: 2, max: 19 }), withinMs: seconds(1, 86_400) }),
    nodes: fc.array(node, { minLength: 1, maxLength: 5 }),
    undo: fc.boolean(),
    later: fc.record({
      afterMs: seconds(0, 86_400),
      stepPercent: fc.integer({ min: 1, max: 100 }),
      everyMs: seconds(10, 3_600),
      maxHold: fc.record({
        forMs: seconds(60, 86_400),
        atEnd: fc.constantFrom('page' as const, 'undo' as const),
      }),
    }),
  })
  .map(({ nodes, undo, later, ...rest }) => {
    let count = 0
    const named = (one: object): Step => ({ ...one, id: `step-${(count += 1)}` }) as Step
    const steps = nodes.map((one): StepNode =>
      Array.isArray(one) ? { is: 'parallel', steps: one.map(named) } : named(one),
    )
    const reversible = steps
      .flatMap((one) => (one.is === 'parallel' ? one.steps : [one]))
      .flatMap((one) =>
        one.is === 'action' && /^(?:scale_out|route53_weight) /.test(one.action) ? [one.id] : [],
      )
    return {
      runbook: 'generated',
      service: 'api',
      ...rest,
      steps,
      ...(undo && reversible.length > 0 ? { onResolved: { undo: reversible, ...later } } : {}),
    }
  })

test('the long form of any runbook compiles to an equal value', () => {
  fc.assert(
    fc.property(runbooks, (runbook) => {
      const long = expandRunbook(runbook)
      const { catalogue, diagnostics } = compileCatalogue([...settings, { path: 'x.yaml', text: long }])
      const errors = diagnostics.filter(({ severity }) => severity === 'error')
      expect(errors.map((diagnostic) => renderDiagnostic(diagnostic, long))).toEqual([])
      expect(catalogue?.runbooks).toEqual([runbook])
    }),
    { numRuns: 60 },
  )
})

test('a runbook that undoes nothing says so in its long form', () => {
  const steps = 'steps:\n  - scale_out: ecs service api +50%'
  expect(compiledRunbook(longForm({ steps })).onResolved?.undo).toEqual(['scale_out'])
  const nothing = compiledRunbook(longForm({ steps, x: 'on_resolved: { undo: [] }' }))
  expect(nothing.onResolved).toBeUndefined()
  expect(expandRunbook(nothing)).toContain('on_resolved: { undo: [] }')
})

test('steps without an id are named after their verb, and given ids are left free for those that have them', () => {
  const runbook = compiledRunbook(
    longForm({
      steps:
        'steps:\n  - wait: 1m\n  - parallel: [{ wait: 2m }, { notify: oncall@sre }]\n  - { id: wait-2, wait: 3m }\n  - check: { alarm: ok }',
    }),
  )
  expect(
    runbook.steps.flatMap((one) => (one.is === 'parallel' ? one.steps : [one])).map(({ id }) => id),
  ).toEqual(['wait', 'wait-3', 'notify', 'wait-2', 'check'])
})

test('a percentage and a number of percent mean the same', () => {
  const steps = 'steps:\n  - scale_out: { ecs: api, by: 50% }'
  expect(compiledRunbook(longForm({ steps, x: 'on_resolved: { step: 40% }' })).onResolved).toEqual(
    compiledRunbook(longForm({ steps, x: 'on_resolved: { step: 40 }' })).onResolved,
  )
})

test('what a step leaves out is what the design says', () => {
  const steps = 'steps:\n  - notify: oncall@sre\n  - check: { metric: errors, below: 5 }\n  - wait: 5m'
  expect(compiledRunbook(longForm({ steps }))).toMatchObject({
    summary: 'Answers the alarm api-5xx.',
    severity: 'sev2',
    mode: 'auto',
    holdDownMs: 0,
    cooldownMs: 300_000,
    keepOpenMs: 300_000,
    flapping: { changes: 4, withinMs: 600_000 },
    retryBudget: 20,
    steps: [
      { onFailure: 'continue', retry: { attempts: 3, backoffMs: 5_000, maxBackoffMs: 60_000 } },
      { onFailure: 'escalate', samples: 3, everyMs: 30_000, withinMs: 600_000 },
      { onFailure: 'continue', forMs: 300_000 },
    ],
  })
})
