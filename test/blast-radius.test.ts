import { rollbackCodedeploy } from '../lib/actions/rollback-codedeploy.ts'
import { notifyOncall } from '../lib/actions/notify-oncall.ts'
import { route53WeightRecord } from '../lib/actions/route53-weight-record.ts'
import { scaleOutEcs } from '../lib/actions/scale-out-ecs.ts'
import type { AnyAction } from '../lib/actions/action.ts'
import { stepVerdicts, type Earlier, type Proposal } from '../lib/blast-radius.ts'
import type { Policy } from '../lib/runbook/runbook.ts'

const PLACES = {
  maxShare: 'policy.yaml:3',
  maxTargets: 'policy.yaml:4',
  'services.api.maxShare': 'policy.yaml:7',
  'services.api.maxTargets': 'policy.yaml:8',
}
const policyOf = (rules: Partial<Policy>) => ({ services: {}, places: PLACES, ...rules }) as unknown as Policy

const tasks = (desired: number) => ({ desired, floor: null, context: null })

function scaling(from: number, to: number): Proposal {
  const target = { locks: ['ecs/123456789012/eu-west-1/prod/api'], label: 'ECS service prod/api' }
  return { action: scaleOutEcs, change: { target, before: tasks(from), after: tasks(to), summary: '' } }
}

function weight(from: number, to: number, others: readonly number[] = [90]): Proposal {
  const target = { locks: ['route53/z/n/A'], label: 'canary', name: 'api.example.com', type: 'A' }
  const record = (Weight: number) => ({ Name: 'n', Type: 'A', SetIdentifier: 'canary', Weight })
  const serving = others.map((each, index) => ({ set: `s${index}`, weight: each, healthy: true }))
  return {
    action: route53WeightRecord,
    change: {
      target,
      before: { record: record(from), context: { serving, drained: [] } },
      after: { record: record(to), context: null },
      summary: '',
    },
  }
}

const verdictOn = (policy: Partial<Policy>, proposal: Proposal, earlier: readonly Earlier[] = []) =>
  stepVerdicts(policyOf(policy), 'api', proposal, earlier)

describe('max_share', () => {
  test.each<[string, Proposal, number, boolean]>([
    ['half of the tasks more, within a half', scaling(6, 9), 50, true],
    ['half of the tasks more, within 49%', scaling(6, 9), 49, false],
    ['a third, which is more than 33%', scaling(3, 4), 33, false],
    ['twice as many more', scaling(6, 18), 100, false],
    ['the first task of none', scaling(0, 1), 100, true],
    ['a tenth of the traffic', weight(10, 0), 10, true],
    ['a tenth of the traffic, within 9%', weight(10, 0), 9, false],
    ['what all the traffic goes to', weight(10, 0, []), 99, false],
    ['from a tenth to half', weight(10, 90), 40, true],
    ['from a tenth to half, within 39%', weight(10, 90), 39, false],
  ])('%s', (_what, proposal, maxShare, passed) => {
    expect(verdictOn({ maxShare }, proposal)).toMatchObject([
      { rule: 'max_share', verdict: passed ? 'passed' : 'failed', place: 'policy.yaml:3' },
    ])
  })

  test('says what it would be, of what, and where the rule stands', () => {
    expect(verdictOn({ maxShare: 30 }, scaling(3, 4))[0]?.reason).toBe(
      '33.4% of the 3 tasks of ECS service prod/api would exceed the limit of 30% (policy.yaml:3)',
    )
  })

  test('what several steps of the execution do to one target counts together', () => {
    const { target } = scaling(6, 9).change
    const [verdict] = verdictOn({ maxShare: 100 }, scaling(9, 13), [{ target, before: tasks(6) }])
    expect(verdict).toMatchObject({ verdict: 'failed' })
    expect(verdictOn({ maxShare: 100 }, scaling(9, 13))).toMatchObject([{ verdict: 'passed' }])
  })

  test('and so does a change of another execution that is still outstanding', () => {
    const proposal = { ...scaling(9, 13), since: tasks(6) }
    expect(verdictOn({ maxShare: 100 }, proposal)).toMatchObject([{ verdict: 'failed' }])
  })

  test('a stored state that cannot be read is not guessed at: the change counts by itself', () => {
    expect(verdictOn({ maxShare: 50 }, { ...scaling(6, 9), since: { from: 'elsewhere' } })).toMatchObject([
      { verdict: 'passed' },
    ])
  })

  test('an action without a share passes with that reason, a message is not asked', () => {
    const other = (action: AnyAction) => ({ ...scaling(6, 9), action })
    expect(verdictOn({ maxShare: 1 }, other(rollbackCodedeploy))).toMatchObject([
      { verdict: 'passed', reason: 'a share has no meaning for rollback codedeploy' },
    ])
    expect(verdictOn({ maxShare: 1, maxTargets: 1 }, other(notifyOncall))).toEqual([])
  })
})

describe('max_targets', () => {
  const earlier = (lock: string): Earlier => ({ target: { locks: [lock], label: lock }, before: null })

  test.each<[string, readonly Earlier[], boolean]>([
    ['the first target', [], true],
    ['the second', [earlier('a')], true],
    ['the third', [earlier('a'), earlier('b')], false],
    ['the second, which was changed before', [earlier('a'), scaling(4, 6).change], true],
  ])('of 2: %s', (_what, before, passed) => {
    expect(verdictOn({ maxTargets: 2 }, scaling(6, 9), before)).toMatchObject([
      { rule: 'max_targets', verdict: passed ? 'passed' : 'failed', place: 'policy.yaml:4' },
    ])
  })

  test.each([
    ['of one weighted group', { label: 'DNS record api.example.com A (stable)' }],
    ['of the same name in two zones', { locks: ['route53/other/n/A'] }],
  ])('two records %s are two targets', (_which, other) => {
    const { target, before } = weight(10, 0).change
    const drained: Earlier = { target: { ...target, ...other }, before }
    expect(verdictOn({ maxTargets: 1 }, weight(10, 0), [drained])).toMatchObject([
      { verdict: 'failed', reason: expect.stringContaining('would be target 2 of the execution') },
    ])
    expect(verdictOn({ maxTargets: 1 }, weight(10, 0), [{ target, before }])).toMatchObject([
      { verdict: 'passed' },
    ])
  })
})

test.each([
  [{ maxShare: 20 }, { maxShare: 10 }, 'policy.yaml:7'],
  [{ maxShare: 10 }, { maxShare: 20 }, 'policy.yaml:3'],
  [{}, { maxShare: 10 }, 'policy.yaml:7'],
  [{ maxTargets: 2 }, { maxTargets: 1 }, 'policy.yaml:8'],
  [{ maxTargets: 1 }, { maxTargets: 2 }, 'policy.yaml:4'],
])('of the policy %j and the service %j the smaller holds', (all, own, place) => {
  expect(verdictOn({ ...all, services: { api: own } }, scaling(6, 9))).toMatchObject([{ place }])
})

test('rules that are not set are not asked', () => {
  expect(verdictOn({}, scaling(6, 9))).toEqual([])
})
