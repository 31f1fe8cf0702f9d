import { rollbackCodedeploy as action } from '../../lib/actions/rollback-codedeploy.ts'
import { apiBadCanary } from '../../sim/scenarios.ts'

const START_MS = Date.UTC(2026, 10, 22, 14, 0, 0)

/** The rollback of the demo's world, `minutes` after its start, once everything that it begins has come to its end. */
async function rollBackAt(minutes: number) {
  const account = apiBadCanary({ startAtMs: START_MS })
  account.advanceTo(START_MS + minutes * 60_000)
  const aws = account.aws({})
  const context = () => ({
    aws,
    nowMs: account.now(),
    marker: 'firebreak/inc-1-a/rollback',
    attempt: 1,
    http: account.http,
    secret: () => Promise.reject(new Error('no secrets')),
  })
  const found = action.target(
    { to: 'last-success' },
    {
      name: 'api',
      alarms: [],
      severity: 'sev2',
      codedeploy: { application: 'api', group: 'api-prod' },
      ecs: { cluster: 'prod', service: 'api' },
      records: {},
      metrics: {},
    },
  )
  if (found.is !== 'target') throw new Error(found.message)
  const observed = await action.observe(found.target, context())
  const planned = action.plan({ to: 'last-success' }, found.target, observed, {
    incidentId: 'inc-1',
    executionId: 'inc-1-a',
    stepId: 'rollback',
    runbook: 'api-5xx-spike',
    service: 'api',
    severity: 'sev2',
    reason: '',
    onsetAtMs: account.now(),
    nowMs: account.now(),
    teams: {},
  })
  if (planned.is !== 'change') throw new Error(`${planned.is}: ${planned.reason}`)
  const change = { target: found.target, ...planned }
  const receipt = await action.apply(change, context())
  const verdicts: string[] = []
  for (let polls = 0; polls < 180; polls += 1) {
    account.advance(action.timing.verifyEveryMs)
    const { verdict } = await action.verify(change, receipt, context())
    if (verdicts.at(-1) !== verdict) verdicts.push(verdict)
    if (verdict !== 'inconclusive') break
  }
  return { account, verdicts }
}

test.each([
  [
    'while the bad version is being deployed',
    2.2,
    'codedeploy:StopDeployment',
    'codedeploy:CreateDeployment',
  ],
  ['after it was deployed', 40, 'codedeploy:CreateDeployment', 'codedeploy:StopDeployment'],
] as const)(
  'in the simulated account the fleet goes back to the good version: %s',
  async (_name, minutes, made, not) => {
    const { account, verdicts } = await rollBackAt(minutes)
    expect(verdicts).toEqual(['inconclusive', 'passed'])
    expect([account.effects(made), account.effects(not)]).toEqual([1, 0])
    expect(account.world.services['prod/api']?.taskDefinition).toMatch(/:41$/)
  },
)
