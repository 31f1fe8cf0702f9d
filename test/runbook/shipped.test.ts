import { expandRunbook, modeline } from '../../lib/runbook/expand.ts'
import { compile, compiledRunbook, settings, shipped } from './fixtures.ts'

const VERBATIM = `- alert: api-5xx-spike
  actions:
    - scale_out: ecs service api +50%
    - route53_weight: canary=0
    - rollback: codedeploy last-success
    - notify: oncall@sre
`

test('the shipped runbook is the compact form of the design, to the letter', () => {
  expect(shipped('api-5xx-spike.yaml').text).toBe(VERBATIM)
})

test('what the compact form leaves out has safe defaults', () => {
  const { catalogue, diagnostics } = compile(shipped('api-5xx-spike.yaml'))
  expect(diagnostics).toEqual([])
  const retry = { attempts: 3, backoffMs: 5_000, maxBackoffMs: 60_000 }
  expect(catalogue?.runbooks).toMatchObject([
    {
      runbook: 'api-5xx-spike',
      service: 'api',
      severity: 'sev2',
      mode: 'auto',
      triggers: [{ is: 'alarm', glob: 'api-5xx-spike' }],
      holdDownMs: 0,
      cooldownMs: 300_000,
      keepOpenMs: 300_000,
      flapping: { changes: 4, withinMs: 600_000 },
      steps: [
        {
          is: 'action',
          id: 'scale_out',
          action: 'scale_out ecs',
          params: { ecs: 'api', by: '50%' },
          onFailure: 'continue',
          retry,
        },
        {
          is: 'action',
          id: 'route53_weight',
          action: 'route53_weight record',
          params: { record: 'canary', weight: 0 },
          onFailure: 'continue',
          retry,
        },
        {
          is: 'action',
          id: 'rollback',
          action: 'rollback codedeploy',
          params: { to: 'last-success' },
          onFailure: 'continue',
          retry,
        },
        {
          is: 'action',
          id: 'notify',
          action: 'notify oncall',
          params: { to: 'oncall@sre' },
          onFailure: 'continue',
          retry,
        },
        {
          is: 'check',
          id: 'check',
          probe: { is: 'alarm', state: 'ok' },
          samples: 3,
          everyMs: 30_000,
          withinMs: 900_000,
          onFailure: 'escalate',
        },
      ],
      // Added capacity goes back slowly; a drained canary stays drained and a rollback stays rolled back.
      onResolved: {
        undo: ['scale_out'],
        afterMs: 900_000,
        stepPercent: 25,
        everyMs: 60_000,
        maxHold: { forMs: 86_400_000, atEnd: 'page' },
      },
    },
  ])
})

test('the rich runbook of the design says what it says', () => {
  const { catalogue, diagnostics } = compile(shipped('examples/api-5xx-rich.yaml'))
  expect(diagnostics).toEqual([])
  expect(catalogue?.runbooks).toMatchObject([
    {
      runbook: 'api-5xx-spike',
      summary: 'Errors on the API right after a canary or a deployment.',
      holdDownMs: 30_000,
      cooldownMs: 900_000,
      triggers: [{ is: 'alarm', glob: 'api-5xx-*' }],
      steps: [
        { id: 'capacity', params: { ecs: 'api', by: '50%', max: 40 } },
        { id: 'canary', when: 'service.canary.weight > 0' },
        {
          is: 'parallel',
          steps: [
            {
              id: 'rollback',
              when: 'deployment.age < duration("60m")',
              approve: { by: 'sre', timeoutMs: 300_000, onTimeout: 'escalate' },
            },
            { id: 'notify' },
          ],
        },
        { id: 'check', withinMs: 600_000, onFailure: 'escalate' },
      ],
      onResolved: {
        undo: ['capacity', 'canary'],
        afterMs: 900_000,
        stepPercent: 25,
        everyMs: 60_000,
        maxHold: { forMs: 86_400_000, atEnd: 'page' },
      },
    },
  ])
})

test('the rich runbook of the design is shipped to the letter, but for where the schema lies', () => {
  const { text } = shipped('examples/api-5xx-rich.yaml')
  expect(text.startsWith('# yaml-language-server: $schema=../schema.json\nrunbook: api-5xx-spike\n')).toBe(
    true,
  )
})

test('a fresh deployment only records, and the policy knows on which line it says so', () => {
  const policy = compile().catalogue?.policy
  expect(policy).toMatchObject({
    mode: 'shadow',
    escalateTo: 'oncall@sre',
    executionsPerHour: 20,
    services: { api: { maxCapacity: 60 } },
  })
  const line = (wanted: string): number =>
    (settings[2]?.text.split('\n').findIndex((text) => text.trim().startsWith(wanted)) ?? -1) + 1
  expect(policy?.places).toEqual({
    mode: `policy.yaml:${line('mode:')}`,
    escalateTo: `policy.yaml:${line('escalate_to:')}`,
    executionsPerHour: `policy.yaml:${line('executions_per_hour:')}`,
    'services.api.maxCapacity': `policy.yaml:${line('max_capacity:')}`,
  })
})

test('the services and teams that are shipped mean what the engine needs', () => {
  const { services, teams } = compile().catalogue ?? {}
  expect(services?.['api']).toMatchObject({
    name: 'api',
    alarms: ['api-*'],
    account: '123456789012',
    metrics: { errors: { periodMs: 60_000 } },
  })
  expect(teams?.['sre']?.channels.map((channel) => channel.is)).toEqual(['pagerduty', 'sns'])
})

test.each(['api-5xx-spike.yaml', 'examples/api-5xx-rich.yaml'])(
  'the long form of %s compiles to an equal value',
  (name) => {
    const runbook = compiledRunbook(shipped(name).text)
    const long = expandRunbook(runbook)
    expect(long.startsWith(`${modeline}\n`)).toBe(true)
    expect(compiledRunbook(long)).toEqual(runbook)
    expect(expandRunbook(compiledRunbook(long))).toBe(long)
  },
)
