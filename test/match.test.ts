import { match } from '../lib/match.ts'
import type { Catalogue, Runbook, Service, Trigger } from '../lib/runbook/runbook.ts'
import type { Signal } from '../lib/signal/signal.ts'

function runbook(name: string, of: string, ...triggers: readonly Trigger[]): Runbook {
  return {
    runbook: name,
    summary: name,
    service: of,
    severity: 'sev2',
    mode: 'auto',
    triggers,
    holdDownMs: 0,
    cooldownMs: 0,
    keepOpenMs: 0,
    flapping: { changes: 4, withinMs: 600_000 },
    steps: [],
  }
}

function service(name: string, more: Partial<Service> = {}): Service {
  return { name, alarms: [`${name}-*`], severity: 'sev2', records: {}, metrics: {}, ...more }
}

function catalogue(runbooks: readonly Runbook[], services: readonly Service[]): Catalogue {
  return {
    runbooks,
    services: Object.fromEntries(services.map((one) => [one.name, one])),
    teams: {},
    policy: {
      mode: 'auto',
      escalateTo: 'oncall@sre',
      executionsPerHour: 10,
      freeze: [],
      requireApproval: [],
      services: {},
      accounts: {},
      runbooks: {},
      places: {},
    },
  }
}

const glob = (text: string): Trigger => ({ is: 'alarm', glob: text })
const signal: Signal = {
  signalId: 'sig-000000000000',
  source: 'cloudwatch',
  via: 'eventbridge',
  key: 'cloudwatch/210987654321/eu-central-1/api-5xx-spike',
  name: 'api-5xx-spike',
  account: '210987654321',
  region: 'eu-central-1',
  state: 'alarm',
  stateAtMs: 1_773_022_447_412,
  reason: 'r',
  event: { source: 'aws.cloudwatch', detail: { alarmName: 'api-5xx-spike' } },
}

function names(result: ReturnType<typeof match>): unknown {
  if (result.is === 'unmatched') return result.reason
  return [
    result.service.name,
    result.runbooks.map((one) => one.runbook),
    result.passedOver.map((one) => one.runbook),
  ]
}

test('a glob on the name, or a pattern on the event, triggers; every runbook of the service counts', () => {
  const byPattern: Trigger = {
    is: 'pattern',
    pattern: { source: ['aws.cloudwatch'], detail: { alarmName: [{ prefix: 'api-' }] } },
  }
  const all = [
    runbook('a', 'api', glob('nothing'), glob('api-5xx-*')),
    runbook('b', 'api', byPattern),
    runbook('c', 'api', glob('web-*')),
  ]
  expect(names(match(signal, catalogue(all, [service('api')])))).toEqual(['api', ['a', 'b'], []])
})

test.each(['ok', 'insufficient-data'] as const)(
  'the state %s finds the same runbooks, so that it finds its incident',
  (state) => {
    expect(
      match({ ...signal, state }, catalogue([runbook('a', 'api', glob('api-*'))], [service('api')])),
    ).toMatchObject({ is: 'matched' })
  },
)

test('an event that merely occurred is matched by patterns only', () => {
  const all = catalogue([runbook('a', 'api', glob('*'))], [service('api')])
  expect(names(match({ ...signal, state: 'occurred' }, all))).toContain('use a pattern')
})

test('of several services the one whose alarms name the signal gets the incident, and the others are told', () => {
  const all = [runbook('w', 'web', glob('*')), runbook('a', 'api', glob('api-*'))]
  expect(names(match(signal, catalogue(all, [service('web'), service('api')])))).toEqual([
    'api',
    ['a'],
    ['w'],
  ])
  const unnamed = [service('web', { alarms: [] }), service('api', { alarms: [] })]
  expect(names(match(signal, catalogue(all, unnamed)))).toEqual(['web', ['w'], ['a']])
})

test.each([
  ['another account', { account: '111122223333' }, 'in account 111122223333 and the signal in 210987654321'],
  ['another region', { region: 'us-east-1' }, 'in us-east-1 and the signal in eu-central-1'],
])('a service in %s is a near miss', (_what, where, reason) => {
  const all = catalogue([runbook('a', 'api', glob('api-*'))], [service('api', where)])
  expect(names(match(signal, all))).toContain(reason)
})

test('a service that says where it is does not take a signal that does not', () => {
  const { account: _account, ...nowhere } = signal
  const all = catalogue([runbook('a', 'api', glob('api-*'))], [service('api', { account: '210987654321' })])
  expect(names(match(nowhere, all))).toContain('the signal in none that is known')
})

test('account and region that agree match', () => {
  const here = service('api', { account: '210987654321', region: 'eu-central-1' })
  expect(match(signal, catalogue([runbook('a', 'api', glob('api-*'))], [here])).is).toBe('matched')
})

test('the reason of an unmatched signal names the near misses', () => {
  const pattern: Trigger = { is: 'pattern', pattern: { source: ['aws.cloudwatch'] } }
  const { event: _event, ...bare } = signal
  expect(names(match(signal, catalogue([runbook('a', 'api', glob('API-*'))], [service('api')])))).toContain(
    'upper and lower case',
  )
  expect(names(match(bare, catalogue([runbook('a', 'api', pattern)], [service('api')])))).toContain(
    'no event to match',
  )
  expect(names(match(signal, catalogue([runbook('a', 'api', glob('web-*'))], [service('api')])))).toContain(
    'no runbook has a trigger for it',
  )
  expect(names(match(signal, catalogue([runbook('a', 'gone', glob('api-*'))], [service('web')])))).toContain(
    'no service gone',
  )
  expect(names(match(signal, catalogue([], [])))).toBe(
    'no runbook is triggered by api-5xx-spike (cloudwatch, alarm); runbooks asked: 0',
  )
})

test('a runbook whose service is named like a member of every object finds no service', () => {
  expect(names(match(signal, catalogue([runbook('a', 'constructor', glob('*'))], [])))).toContain(
    'no service constructor',
  )
})
