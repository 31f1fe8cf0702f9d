import { diagnosticCodes } from '../../lib/runbook/diagnostics.ts'
import { compile, longForm, shipped } from './fixtures.ts'

/*
 * Each row: what is wrong, the text, and every diagnostic as `CODE line:column`. The cases come from the grammar of the
 * language (each rule broken once), from what the two versions of YAML disagree about, and from attacks known against
 * YAML parsers (alias bombs, deep nesting, prototypes, huge and binary files).
 */
const STEP = (line: string): string => longForm({ steps: `steps:\n  - ${line}` })

/** A policy with one freeze, whose mapping begins at 4:5. */
const FREEZE = (rule: string): string => `mode: auto\nescalate_to: oncall@sre\nfreeze:\n  - ${rule}\n`

/** A policy with one rule on approvals, whose mapping begins at 4:5. */
const APPROVAL = (rule: string): string =>
  `mode: auto\nescalate_to: oncall@sre\nrequire_approval:\n  - ${rule}\n`

const rows: readonly (readonly [string, string, readonly string[], string?])[] = [
  // Not a readable YAML file.
  ['an empty file', '', ['EMPTY_FILE 1:1']],
  ['a file of comments', '# nothing\n\n', ['EMPTY_FILE 1:1']],
  ['an empty list', '[]', ['EMPTY_FILE 1:1']],
  ['a bare word', 'hello', ['WRONG_TYPE 1:1']],
  ['an unclosed quote', 'runbook: "r\nservice: api\n', ['YAML_SYNTAX 3:1']],
  ['a tab as indentation', 'steps:\n\t- wait: 5m\n', ['YAML_SYNTAX 2:1']],
  ['a second colon in a line', '- alert: a: b\n', ['YAML_SYNTAX 1:10']],
  ['two documents', '- alert: api-1\n---\n- alert: api-2\n', ['MULTIPLE_DOCUMENTS 2:1']],
  ['a version directive', '%YAML 1.1\n---\n- alert: api-1\n', ['DIRECTIVE 1:1']],
  ['a NUL byte', 'runbook: r\0\n', ['NOT_TEXT 1:11']],
  ['bytes that are no UTF-8', 'summary: caf\ufffd\n', ['NOT_TEXT 1:13']],
  ['a lone surrogate', 'summary: "\ud800"\n', ['NOT_TEXT 1:11']],
  ['text that hides its direction', 'summary: "\u202egnp.exe"\n', ['NOT_TEXT 1:11']],
  ['a file over 256 kB', `# ${'x'.repeat(256 * 1024)}\n`, ['FILE_TOO_LARGE 1:1']],
  ['250,000 opening brackets', '['.repeat(250_000), ['TOO_DEEP']],
  ['100,000 nested keys', '? '.repeat(100_000), ['TOO_DEEP']],
  [
    '30 nested lists',
    longForm({ x: `summary: ${'['.repeat(30)}${']'.repeat(30)}` }),
    ['TOO_DEEP', 'WRONG_TYPE'],
  ],
  [
    'an alias bomb',
    `a: &a [x, x]\n${'bcdefgh'
      .split('')
      .map((n, i) => `${n}: &${n} [*${'abcdefg'[i]}, *${'abcdefg'[i]}]`)
      .join('\n')}\n`,
    ['ALIAS 1:4'],
  ],
  ['a merge key', longForm({ x: '<<: { mode: auto }' }), ['ALIAS 6:1']],
  ['a tag', longForm({ x: 'mode: !!str auto' }), ['TAG 6:7']],
  ['a custom tag that some parsers run', longForm({ x: 'summary: !!js/function "x"' }), ['TAG 6:10']],
  ['a duplicate key', longForm({ x: 'service: other' }), ['DUPLICATE_KEY 6:1']],
  ['a __proto__ key', longForm({ x: '__proto__: { mode: auto }' }), ['BAD_KEY 6:1']],
  ['a list as a key', longForm({ x: '? [a]\n: b' }), ['BAD_KEY 6:3']],
  ['a key of nothing', longForm({ x: ': b' }), ['BAD_KEY 6:1']],
  // What YAML 1.1 and 1.2 read differently.
  ['on as a value', longForm({ x: 'mode: on' }), ['AMBIGUOUS_SCALAR 6:7'], 'Put it in quotes: "on"'],
  ['on as a key', longForm({ x: 'on: alarm' }), ['AMBIGUOUS_SCALAR 6:1']],
  ['a bare time', longForm({ x: 'hold_down: 1:30' }), ['AMBIGUOUS_SCALAR 6:12']],
  ['an octal number', longForm({ x: 'flapping: { changes: 010 }' }), ['AMBIGUOUS_SCALAR 6:22']],
  ['a bare date', longForm({ x: 'summary: 2026-01-31' }), ['AMBIGUOUS_SCALAR 6:10']],
  ['an exponent', STEP('check: { metric: errors, below: 1e3 }'), ['AMBIGUOUS_SCALAR 5:37']],
  // The head.
  ['an unknown key', longForm({ x: 'cooldwn: 5m' }), ['UNKNOWN_KEY 6:1'], 'Did you mean "cooldown"?'],
  ['a missing key', longForm({ service: '' }), ['MISSING_KEY 1:1']],
  ['a key without value', longForm({ x: 'mode:' }), ['WRONG_TYPE 6:1']],
  ['a wrong word', longForm({ x: 'mode: atuo' }), ['WRONG_VALUE 6:7'], 'Did you mean "auto"?'],
  ['a number for a duration', longForm({ x: 'hold_down: 30' }), ['WRONG_TYPE 6:12']],
  ['a duration without unit', longForm({ x: 'hold_down: "30"' }), ['BAD_FORMAT 6:12']],
  ['a duration of years', longForm({ x: 'cooldown: 400d' }), ['OUT_OF_RANGE 6:11']],
  ['a reserved name', longForm({ runbook: 'runbook: constructor' }), ['WRONG_VALUE 1:10']],
  ['a percentage over 100', longForm({ x: 'on_resolved: { undo: [], step: 250% }' }), ['OUT_OF_RANGE 6:32']],
  ['an endless summary', longForm({ x: `summary: ${'x'.repeat(501)}` }), ['TOO_LONG 6:10']],
  [
    'a trigger of two kinds',
    longForm({ triggers: 'triggers:\n  - alarm: a\n    pattern: { source: [aws.ecs] }' }),
    ['WRONG_VALUE 4:5'],
  ],
  [
    'a pattern that is not one',
    longForm({ triggers: 'triggers:\n  - pattern: { source: aws.ecs }' }),
    ['WRONG_VALUE 4:24'],
  ],
  [
    'a service that is not there',
    longForm({ service: 'service: apii' }),
    ['UNKNOWN_SERVICE 2:10'],
    'Did you mean "api"?',
  ],
  ['the short form without its dash', 'alert: api-1\nactions: []\n', ['WRONG_TYPE 1:1']],
  // Steps.
  [
    'a misspelt action',
    STEP('rolback: codedeploy last-success'),
    ['UNKNOWN_ACTION 5:5'],
    'Did you mean "rollback"?',
  ],
  ['a step of nothing', STEP('id: x'), ['NO_ACTION 5:5']],
  ['an empty step', STEP('null'), ['WRONG_TYPE 5:5']],
  ['a step of two actions', STEP('notify: oncall@sre\n    wait: 5m'), ['SEVERAL_ACTIONS 6:5']],
  [
    'a compact form with a slip',
    STEP('route53_weight: canary=300'),
    ['BAD_COMPACT_FORM 5:28'],
    'Write route53_weight: canary=0',
  ],
  ['the same inside quotes', STEP('route53_weight: "canary=300"'), ['BAD_COMPACT_FORM 5:29']],
  ['a compact form without end', STEP(`notify: ${'x'.repeat(301)}`), ['TOO_LONG 5:13']],
  ['a number for an action', STEP('scale_out: 5'), ['WRONG_TYPE 5:16']],
  [
    'an unknown parameter',
    STEP('route53_weight: { record: canary, wieght: 0, weight: 0 }'),
    ['UNKNOWN_KEY 5:39'],
    'Did you mean "weight"?',
  ],
  [
    'a parameter out of range',
    STEP('route53_weight: { record: canary, weight: 256 }'),
    ['OUT_OF_RANGE 5:47'],
  ],
  [
    'a record that is not there',
    STEP('route53_weight: kanary=0'),
    ['MISSING_MEMBER 5:21'],
    'services.yaml: api.records.kanary',
  ],
  [
    'a team that is not there',
    STEP('notify: { to: oncall@sra }'),
    ['UNKNOWN_TEAM 5:19'],
    'Did you mean "sre"?',
  ],
  [
    'approval by nobody known',
    STEP('rollback: codedeploy last-success\n    approve: { by: dev }'),
    ['UNKNOWN_TEAM 6:20'],
    'Teams there: sre.',
  ],
  ['approval of a page', STEP('notify: oncall@sre\n    approve: { by: sre }'), ['NOT_ALLOWED_HERE 6:5']],
  ['a retry of a wait', STEP('wait: 5m\n    retry: { attempts: 2 }'), ['NOT_ALLOWED_HERE 6:5']],
  ['a lock of a page', STEP('notify: oncall@sre\n    on_locked: skip'), ['NOT_ALLOWED_HERE 6:5']],
  ['a retry budget below 0', longForm({ x: 'retry_budget: -1' }), ['OUT_OF_RANGE 6:15']],
  ['a retry budget beyond all attempts', longForm({ x: 'retry_budget: 451' }), ['OUT_OF_RANGE 6:15']],
  ['eleven attempts', STEP('notify: oncall@sre\n    retry: { attempts: 11 }'), ['OUT_OF_RANGE 6:24']],
  ['a check of nothing', STEP('check: { samples: 3 }'), ['WRONG_VALUE 5:5']],
  ['a check of two things', STEP('check: { alarm: ok, metric: errors }'), ['WRONG_VALUE 5:25']],
  ['a check without comparison', STEP('check: { metric: errors }'), ['WRONG_VALUE 5:5']],
  [
    'a check with two comparisons',
    STEP('check: { metric: errors, below: 1, above: 2 }'),
    ['WRONG_VALUE 5:40'],
  ],
  [
    'a check that cannot pass',
    STEP('check: { alarm: ok, samples: 10, every: 1m, within: 5m }'),
    ['OUT_OF_RANGE 5:57'],
  ],
  [
    'a metric that is not there',
    STEP('check: { metric: erors, below: 1 }'),
    ['UNKNOWN_METRIC 5:22'],
    'Did you mean "errors"?',
  ],
  ['parallel in parallel', STEP('parallel: [{ parallel: [{ wait: 5m }] }]'), ['NOT_ALLOWED_HERE 5:18']],
  ['parallel beside something', STEP('parallel: [{ wait: 5m }]\n    when: "true"'), ['UNKNOWN_KEY 6:5']],
  ['an id that is taken', STEP('{ id: a, wait: 5m }\n  - { id: a, wait: 5m }'), ['DUPLICATE_STEP_ID 6:11']],
  ['10,000 steps', longForm({ steps: `steps:\n${'  - wait: 5m\n'.repeat(10_000)}` }), ['TOO_MANY 5:3']],
  [
    '51 steps in parallel groups',
    longForm({ steps: `steps:\n${`  - parallel: [${'{ wait: 5m },'.repeat(17)}]\n`.repeat(3)}` }),
    ['TOO_MANY 5:3'],
  ],
  // Conditions.
  ['half a condition', STEP('{ wait: 5m, when: service.canary.weight > }'), ['EXPRESSION_SYNTAX 5:46']],
  [
    'a misspelt fact',
    STEP('{ wait: 5m, when: servce.name == "x" }'),
    ['EXPRESSION_UNKNOWN_NAME 5:23'],
    'Did you mean "service"?',
  ],
  [
    'a misspelt field',
    STEP('{ wait: 5m, when: service.canary.wieght > 0 }'),
    ['EXPRESSION_UNKNOWN_FIELD 5:38'],
    'Did you mean "weight"?',
  ],
  [
    'two mistakes in one',
    STEP('{ wait: 5m, when: "service.canary.wieght > 0 || servce.name == 1" }'),
    ['EXPRESSION_UNKNOWN_FIELD 5:39', 'EXPRESSION_UNKNOWN_NAME 5:53'],
  ],
  ['a number as a condition', STEP('{ wait: 5m, when: service.canary.weight }'), ['EXPRESSION_TYPE 5:23']],
  [
    'a regular expression',
    STEP(`{ wait: 5m, when: 'alarm.name.matches("^(a+)+$")' }`),
    ['EXPRESSION_FORBIDDEN 5:24'],
  ],
  [
    'an endless condition',
    STEP(`{ wait: 5m, when: "${'true && '.repeat(70)}true" }`),
    ['EXPRESSION_TOO_LONG 5:24'],
  ],
  [
    'a step that comes later',
    longForm({
      steps: 'steps:\n  - { wait: 5m, when: steps.later.state == "done" }\n  - { id: later, wait: 5m }',
    }),
    ['EXPRESSION_UNKNOWN_NAME 5:23'],
  ],
  // References.
  [
    'a reference inside a text',
    STEP('notify: { to: oncall@sre, message: "weight ${service.canary.weight}" }'),
    ['REFERENCE_FORM 5:48'],
  ],
  ['half a reference', STEP('route53_weight: { record: canary, weight: "${" }'), ['REFERENCE_FORM 5:48']],
  ['an empty reference', STEP('route53_weight: { record: canary, weight: "${}" }'), ['REFERENCE_FORM 5:48']],
  [
    'a text where a number belongs',
    STEP('route53_weight: { record: canary, weight: "${alarm.name}" }'),
    ['REFERENCE_TYPE 5:50'],
  ],
  [
    'a reference that decides what is acted on',
    STEP('scale_out: { ecs: "${service.name}", by: 50% }'),
    ['REFERENCE_NOT_ALLOWED 5:23'],
    'Write a literal; of scale_out, references may stand in: by, to, max, raise_max.',
  ],
  [
    'a reference in a compact form',
    STEP('route53_weight: canary=${service.canary.weight}'),
    ['REFERENCE_NOT_ALLOWED 5:21'],
    'Write the long form, in quotes.',
  ],
  [
    'a reference where no key belongs',
    STEP('route53_weight: { record: canary, wieght: "${1}" }'),
    ['MISSING_KEY 5:21', 'UNKNOWN_KEY 5:39'],
  ],
  [
    'a reference beside a literal that excludes it',
    STEP('scale_out: { ecs: api, by: 50%, to: "${7}" }'),
    ['WRONG_VALUE 5:41'],
  ],
  [
    'a reference in a list',
    STEP('route53_weight: { record: canary, weight: ["${1}"] }'),
    ['WRONG_TYPE 5:47'],
  ],
  [
    'a megabyte of references',
    STEP(`route53_weight: { record: canary, weight: "\${${'${'.repeat(50_000)}}" }`),
    ['EXPRESSION_TOO_LONG 5:50'],
  ],
  // Undo.
  [
    'undo of an unknown step',
    longForm({ x: 'on_resolved: { undo: [notfy] }' }),
    ['UNKNOWN_STEP_ID 6:23'],
    'Did you mean "notify"?',
  ],
  ['undo of a page', longForm({ x: 'on_resolved: { undo: [notify] }' }), ['NOT_REVERSIBLE 6:23']],
  // The short form.
  [
    'an alert of no service',
    '- alert: web-5xx\n  actions: [{ notify: oncall@sre }]',
    ['NO_SERVICE_FOR_ALERT 1:10'],
  ],
  [
    'a misspelt action in short',
    '- alert: api-1\n  actions: [{ notfy: oncall@sre }]',
    ['UNKNOWN_ACTION 2:15'],
    'Did you mean "notify"?',
  ],
  [
    'when in the short form',
    '- alert: api-1\n  actions: [{ notify: oncall@sre, when: "true" }]',
    ['UNKNOWN_KEY 2:35'],
  ],
  [
    'an alert of stars',
    '- alert: "***"\n  actions: [{ notify: oncall@sre }]',
    ['NO_SERVICE_FOR_ALERT 1:10', 'BAD_FORMAT 1:10'],
  ],
  [
    'the same name twice',
    '- alert: api-1\n  actions: [{ notify: oncall@sre }]\n- alert: api-1\n  actions: [{ notify: oncall@sre }]',
    ['DUPLICATE_RUNBOOK 3:10'],
  ],
]

const cases = rows.map(([name, text, expected, suggestion]) => ({ name, text, expected, suggestion }))

test.each(cases)('$name is named with its place', ({ text, expected, suggestion }) => {
  const { catalogue, diagnostics } = compile({ path: 'x.yaml', text })
  const found = diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`)
  // Where the parser gives up on hostile input depends on the stack that is left: only the code counts.
  const matched = expected.map(
    (wanted) => found.find((one) => one === wanted || one.startsWith(`${wanted} `)) ?? `not found: ${wanted}`,
  )
  expect({ found, missing: matched.filter((one) => one.startsWith('not found')) }).toEqual({
    found,
    missing: [],
  })
  const more = expected.some((one) => one.startsWith('ALIAS') || one.startsWith('TOO_DEEP'))
  expect(more ? expected.length : found.length).toBe(expected.length)
  expect(catalogue).toBeUndefined()
  expect(suggestion ?? diagnostics[0]?.suggestion).toBe(diagnostics[0]?.suggestion)
})

const settingsRows: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    'a literal secret',
    'oncall.yaml',
    'sre:\n  channels:\n    - pagerduty: { routing_key: R0123456789ABCDEF }',
    ['LITERAL_SECRET 3:33'],
  ],
  ['a channel of no kind', 'oncall.yaml', 'sre:\n  channels:\n    - pager: x', ['UNKNOWN_KEY 3:7']],
  [
    'a plain http webhook',
    'oncall.yaml',
    'sre:\n  channels:\n    - webhook: { url: "http://example.com/x", secret: "env:S" }',
    ['BAD_FORMAT 3:23'],
  ],
  ['a team without channels', 'oncall.yaml', 'sre: { channels: [] }', ['OUT_OF_RANGE 1:18']],
  [
    'an account that YAML 1.1 reads as octal',
    'services.yaml',
    'api:\n  account: 012345678901',
    ['AMBIGUOUS_SCALAR 2:12'],
  ],
  ['an account of eleven digits', 'services.yaml', 'api:\n  account: "12345678901"', ['BAD_FORMAT 2:12']],
  [
    'a record called name',
    'services.yaml',
    'api:\n  records:\n    name: { zone: Z1234, name: a.example.com, set: x }',
    ['BAD_FORMAT 3:5'],
  ],
  [
    'a period that CloudWatch has not',
    'services.yaml',
    'api:\n  metrics:\n    m: { namespace: AWS/ECS, name: M, stat: Sum, period: 90s }',
    ['OUT_OF_RANGE 3:58'],
  ],
  [
    'a service named like a member of every object',
    'services.yaml',
    'hasOwnProperty: {}\napi: {}',
    ['BAD_FORMAT 1:1'],
  ],
  ['a policy without a mode', 'policy.yaml', 'escalate_to: oncall@sre', ['MISSING_KEY 1:1']],
  ['escalation to nobody known', 'policy.yaml', 'mode: auto\nescalate_to: oncall@dev', ['UNKNOWN_TEAM 2:14']],
  [
    'guardrails of no service',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\nservices: { web: {} }',
    ['UNKNOWN_SERVICE 3:13'],
  ],
  ['an approval for nothing', 'policy.yaml', APPROVAL('{}'), ['WRONG_VALUE 4:5']],
  [
    'an approval of an action that there is not',
    'policy.yaml',
    APPROVAL('{ actions: [rolback] }'),
    ['UNKNOWN_ACTION 4:17'],
  ],
  ['an approval of a page', 'policy.yaml', APPROVAL('{ actions: [notify] }'), ['NOT_ALLOWED_HERE 4:17']],
  [
    'an approval for a service that there is not',
    'policy.yaml',
    APPROVAL('{ services: [web] }'),
    ['UNKNOWN_SERVICE 4:18'],
  ],
  ['an approval for no severity', 'policy.yaml', APPROVAL('{ severities: [sev9] }'), ['WRONG_VALUE 4:20']],
  [
    'an approval of everybody',
    'policy.yaml',
    APPROVAL('{ by: sre }'),
    ['WRONG_VALUE 4:5', 'UNKNOWN_KEY 4:7'],
  ],
  [
    'a share of nothing',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\nmax_share: 0%',
    ['OUT_OF_RANGE 3:12'],
  ],
  [
    'a share in words',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\nmax_share: half',
    ['BAD_FORMAT 3:12'],
  ],
  [
    'no target at all',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\nmax_targets: 0',
    ['OUT_OF_RANGE 3:14'],
  ],
  [
    'guardrails of an account that no service is in',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\naccounts:\n  "123456789013": { executions_per_hour: 1 }',
    ['UNKNOWN_ACCOUNT 4:3'],
  ],
  [
    'guardrails of what is no account',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\naccounts: { prod: { executions_per_hour: 1 } }',
    ['BAD_FORMAT 3:13'],
  ],
  [
    'an account whose number begins with 0, without quotes',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\naccounts: { 012345678901: {} }',
    ['AMBIGUOUS_SCALAR 3:13'],
  ],
  [
    'a mode of an account',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\naccounts: { "123456789012": { mode: shadow } }',
    ['UNKNOWN_KEY 3:31'],
  ],
  [
    'guardrails of no runbook',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\nrunbooks: { spike: {} }',
    ['UNKNOWN_RUNBOOK 3:13'],
  ],
  [
    'guardrails of no runbook, beside another mistake: both are told at once',
    'policy.yaml',
    'mode: auto\nescalate_to: oncall@sre\nrunbooks: { spike: {} }\nrequire_approval: [{ actions: [rollbakc] }]',
    ['UNKNOWN_RUNBOOK 3:13', 'UNKNOWN_ACTION 4:32'],
  ],
  [
    'a freeze without a name',
    'policy.yaml',
    FREEZE('{ from: "22:00", until: "06:00" }'),
    ['MISSING_KEY 4:5'],
  ],
  ['a freeze without an end', 'policy.yaml', FREEZE('{ name: x, from: "22:00" }'), ['MISSING_KEY 4:5']],
  ['a freeze without a time', 'policy.yaml', FREEZE('{ name: x }'), ['MISSING_KEY 4:5']],
  [
    'a freeze at a bare time',
    'policy.yaml',
    FREEZE('{ name: x, from: 22:00, until: "06:00" }'),
    ['AMBIGUOUS_SCALAR 4:22'],
  ],
  [
    'a freeze on a bare date',
    'policy.yaml',
    FREEZE('{ name: x, from: 2026-12-20, until: "2026-12-24" }'),
    ['AMBIGUOUS_SCALAR 4:22'],
  ],
  [
    'a freeze at no time of day',
    'policy.yaml',
    FREEZE('{ name: x, from: "25:00", until: "06:00" }'),
    ['BAD_FORMAT 4:22'],
  ],
  [
    'a freeze on no day of the calendar',
    'policy.yaml',
    FREEZE('{ name: x, from: "2026-02-29", until: "2026-03-01" }'),
    ['BAD_FORMAT 4:22'],
  ],
  [
    'a freeze that ends before it begins',
    'policy.yaml',
    FREEZE('{ name: x, from: "2026-12-24", until: "2026-12-20" }'),
    ['WRONG_VALUE 4:43'],
  ],
  [
    'a freeze from a date until a time',
    'policy.yaml',
    FREEZE('{ name: x, from: "2026-12-24", until: "06:00" }'),
    ['WRONG_VALUE 4:43'],
  ],
  [
    'a freeze of dates and days',
    'policy.yaml',
    FREEZE('{ name: x, from: "2026-12-20", until: "2026-12-24", days: [mon] }'),
    ['WRONG_VALUE 4:63'],
  ],
  [
    'a freeze of no length',
    'policy.yaml',
    FREEZE('{ name: x, from: "06:00", until: "06:00" }'),
    ['WRONG_VALUE 4:38'],
  ],
  [
    'a freeze on a day that there is not',
    'policy.yaml',
    FREEZE('{ name: x, days: [monday] }'),
    ['WRONG_VALUE 4:23'],
  ],
  [
    'a freeze in no time zone',
    'policy.yaml',
    FREEZE('{ name: x, days: [mon], time_zone: Europe/Berlim }'),
    ['BAD_FORMAT 4:40'],
  ],
  [
    'a freeze in an offset',
    'policy.yaml',
    FREEZE('{ name: x, days: [mon], time_zone: "+01:00" }'),
    ['BAD_FORMAT 4:40'],
  ],
  [
    'a freeze of a service that there is not',
    'policy.yaml',
    FREEZE('{ name: x, days: [mon], services: [web] }'),
    ['UNKNOWN_SERVICE 4:40'],
  ],
  [
    'a freeze of no service',
    'policy.yaml',
    FREEZE('{ name: x, days: [mon], services: [] }'),
    ['OUT_OF_RANGE 4:39'],
  ],
  ['a freeze that acts', 'policy.yaml', FREEZE('{ name: x, days: [mon], mode: auto }'), ['WRONG_VALUE 4:35']],
  ['settings that are a list', 'policy.yaml', '- mode: auto', ['WRONG_TYPE 1:1']],
]

test.each(settingsRows)('%s is named with its place', (_name, path, text, expected) => {
  const { diagnostics, catalogue } = compile({ path, text })
  expect(diagnostics.map(({ code, line, column }) => `${code} ${line}:${column}`)).toEqual(expected)
  expect(catalogue).toBeUndefined()
})

test('every code of a file mistake is in the closed list, and almost all of them are provoked here', () => {
  const provoked = new Set(
    [...rows, ...settingsRows].flatMap((row) =>
      (row[row.length === 4 && Array.isArray(row[3]) ? 3 : 2] as readonly string[]).map(
        (one) => one.split(' ')[0],
      ),
    ),
  )
  const elsewhere = [
    'TOO_MANY_PROBLEMS',
    'MISSING_FILE',
    'DUPLICATE_FILE',
    'SEVERAL_SERVICES_FOR_ALERT',
    // test/runbook/oncall.test.ts
    'UNKNOWN_PERSON',
    'UNKNOWN_SCHEDULE',
    'SCHEDULE_GAP',
    'OVER_POLICY',
    'OVERLAPPING_TRIGGERS',
  ]
  expect(diagnosticCodes.filter((code) => !provoked.has(code) && !elsewhere.includes(code))).toEqual([])
})

test('an account that services.yaml does not name is told with the one that may be meant, or with those there are', () => {
  const suggested = (account: string, services = shipped('services.yaml').text) =>
    compile(
      { path: 'services.yaml', text: services },
      { path: 'policy.yaml', text: `mode: auto\nescalate_to: oncall@sre\naccounts: { "${account}": {} }` },
    ).diagnostics.map(({ code, suggestion }) => `${code} ${suggestion}`)
  expect(suggested('123456789013')).toEqual(['UNKNOWN_ACCOUNT Did you mean "123456789012"?'])
  expect(suggested('999999999999')).toEqual(['UNKNOWN_ACCOUNT Accounts there: 123456789012.'])
  expect(suggested('123456789012')).toEqual([])
  // The mistake in services.yaml comes first: its account may be the one.
  expect(suggested('999999999999', 'api: { account: "99999999999" }')).toEqual([
    expect.stringMatching(/^BAD_FORMAT /),
  ])
})

test('all mistakes of all files come at once', () => {
  const { diagnostics } = compile(
    {
      path: 'a.yaml',
      text: longForm({
        x: 'cooldwn: 5m',
        steps: 'steps:\n  - rolback: x\n  - { wait: 5m, when: foo > 1 }\n  - notify: nobody',
      }),
    },
    { path: 'b.yaml', text: '- alert: "' },
    { path: 'policy.yaml', text: 'mode: sometimes\nescalate_to: oncall@sre' },
  )
  expect(diagnostics.map(({ file, code }) => `${file} ${code}`)).toEqual([
    'a.yaml UNKNOWN_ACTION',
    'a.yaml EXPRESSION_UNKNOWN_NAME',
    'a.yaml BAD_COMPACT_FORM',
    'a.yaml UNKNOWN_KEY',
    'b.yaml YAML_SYNTAX',
    'policy.yaml WRONG_VALUE',
  ])
})

test('what cannot be listed is counted: a file of thousands of mistakes gives a hundred and a word about the rest', () => {
  const { diagnostics } = compile({
    path: 'x.yaml',
    text: `${longForm()}\n${Array.from({ length: 5_000 }, (_, i) => `key${i}: 1`).join('\n')}`,
  })
  expect(diagnostics).toHaveLength(101)
  expect(diagnostics.at(-1)?.code).toBe('TOO_MANY_PROBLEMS')
})

test('files that are missing or stand twice are named', () => {
  expect(
    compile({ path: 'services.yaml', text: 'api: {}' }, { path: 'copy/services.yaml', text: 'api: {}' })
      .diagnostics[0]?.code,
  ).toBe('DUPLICATE_FILE')
  const { diagnostics } = compile({ ...shipped('api-5xx-spike.yaml'), path: 'runbooks/x.yaml' })
  expect(diagnostics).toEqual([])
})

test('services that share a target both say where it is, or neither does: else each would have a lock of its own', () => {
  const codesOf = (...places: readonly string[]) =>
    compile({
      path: 'services.yaml',
      text: places
        .map((place, index) => `service-${index}: { ${place}ecs: { cluster: prod, service: web } }`)
        .join('\n'),
    })
      .diagnostics.filter(({ file }) => file === 'services.yaml')
      .map(({ code, line, message }) => [code, line, message])
  const here = 'account: "123456789012", region: eu-west-1, '
  const there = 'account: "123456789012", region: us-east-1, '
  expect(codesOf(here, here, there)).toEqual([])
  expect(codesOf('', '')).toEqual([])
  expect(codesOf(here, '')).toEqual([
    [
      'MISSING_KEY',
      2,
      'service-0 and service-1 both name ECS service prod/web, and only one of them says its account or region',
    ],
  ])
  expect(codesOf('region: eu-west-1, ', here)).toHaveLength(1)
})

test('a short runbook that two services claim is refused with what to do', () => {
  const { diagnostics } = compile(
    { path: 'services.yaml', text: 'api: { alarms: ["api-*"] }\nweb: { alarms: ["*-5xx"] }' },
    { path: 'x.yaml', text: '- alert: api-5xx\n  actions: [{ notify: oncall@sre }]' },
  )
  expect(diagnostics.map(({ code }) => code)).toContain('SEVERAL_SERVICES_FOR_ALERT')
})

test('two runbooks for the same alarm, and a step beyond the ceiling, are warnings and keep nothing from compiling', () => {
  const { catalogue, diagnostics } = compile(
    {
      path: 'a.yaml',
      text: longForm({
        runbook: 'runbook: a',
        triggers: 'triggers: [{ alarm: "api-*" }]',
        steps: 'steps:\n  - scale_out: { ecs: api, by: 50%, max: 90 }',
      }),
    },
    { path: 'b.yaml', text: longForm({ runbook: 'runbook: b', triggers: 'triggers: [{ alarm: "*-5xx" }]' }) },
  )
  expect(diagnostics.map(({ severity, file, line, code }) => `${severity} ${file}:${line} ${code}`)).toEqual([
    'warning a.yaml:5 OVER_POLICY',
    'warning b.yaml:1 OVERLAPPING_TRIGGERS',
  ])
  expect(catalogue?.runbooks).toHaveLength(2)
})

test('a limit of an account above that of all services has no effect, and is a warning', () => {
  const { catalogue, diagnostics } = compile({
    path: 'policy.yaml',
    text: 'mode: auto\nescalate_to: oncall@sre\nexecutions_per_hour: 5\naccounts:\n  "123456789012":\n    executions_per_hour: 6\n',
  })
  expect(diagnostics).toMatchObject([
    {
      code: 'OVER_POLICY',
      severity: 'warning',
      line: 6,
      message: expect.stringMatching(/^6 an hour has no effect/),
    },
  ])
  expect(catalogue?.policy.accounts).toEqual({ '123456789012': { executionsPerHour: 6 } })
})
