import { rollbackCodedeploy as action } from '../../lib/actions/rollback-codedeploy.ts'
import type { Service } from '../../lib/runbook/runbook.ts'
import type { Verdict } from '../../lib/verdict.ts'
import {
  codeDeployWorld,
  type CodeDeployWorld,
  ecsSpec,
  lambdaSpec,
  NOW_MS,
  past,
  spec,
} from '../actions/codedeploy-world.ts'
import { awsError, scriptedAws } from '../actions/conformance.ts'

const ARN = 'arn:aws:ecs:eu-west-1:1:task-definition/api'
const [GOOD, BAD] = [ecsSpec(`${ARN}:7`), ecsSpec(`${ARN}:8`)]
const [L4, L5] = [lambdaSpec(3, 4), lambdaSpec(4, 5)]
const ECS = { ecs: { cluster: 'prod', service: 'api' } }
const LAMBDA = { lambda: { function: 'checkout', alias: 'live' } }

const ecsWorld = () =>
  codeDeployWorld(
    'ECS',
    [past('d-AAAAAAAAA', 30, spec(GOOD)), past('d-BBBBBBBBB', 2, spec(BAD))],
    [GOOD, BAD],
  )
const lambdaWorld = () =>
  codeDeployWorld('Lambda', [past('d-AAAAAAAAA', 30, spec(L4)), past('d-BBBBBBBBB', 2, spec(L5))], [L4, L5])

/** Rolls back, lets CodeDeploy succeed, and asks for the verdict so long after it has. */
async function verdictOf(
  world: CodeDeployWorld,
  more: Pick<Service, 'ecs' | 'lambda'>,
  spoil: (world: CodeDeployWorld) => void = () => undefined,
  afterMs = 60_000,
): Promise<Verdict> {
  const aws = scriptedAws(world)
  const found = action.target(
    { to: 'last-success' },
    {
      name: 'api',
      alarms: [],
      severity: 'sev2',
      codedeploy: { application: 'shop', group: 'prod' },
      records: {},
      metrics: {},
      ...more,
    },
  )
  if (found.is !== 'target') throw new Error(found.message)
  const context = {
    aws,
    nowMs: NOW_MS,
    marker: 'firebreak/inc-1-a/rollback',
    attempt: 1,
    http: { post: () => Promise.reject(new Error('no HTTP')) },
    secret: () => Promise.reject(new Error('no secrets')),
  }
  const planned = action.plan(
    { to: 'last-success' },
    found.target,
    await action.observe(found.target, context),
    {
      incidentId: 'inc-1',
      executionId: 'inc-1-a',
      stepId: 'rollback',
      runbook: 'api-5xx-spike',
      service: 'api',
      severity: 'sev2',
      reason: '',
      onsetAtMs: NOW_MS,
      nowMs: NOW_MS,
      teams: {},
    },
  )
  if (planned.is !== 'change') throw new Error(planned.reason)
  const change = { target: found.target, ...planned }
  const receipt = await action.apply(change, context)
  world.settle()
  spoil(world)
  // The world's deployments complete a minute after its time.
  return action.verify(change, receipt, { ...context, nowMs: NOW_MS + 60_000 + afterMs })
}

describe('after CodeDeploy says that it has succeeded', () => {
  test.each([
    ['ECS', ecsWorld, ECS, `ECS service prod/api runs ${ARN}:7`],
    ['Lambda', lambdaWorld, LAMBDA, 'alias checkout:live points to version 4'],
  ] as const)('%s serves what was deployed: passed', async (_platform, world, more, words) => {
    expect(await verdictOf(world(), more)).toMatchObject({
      verdict: 'passed',
      reason: expect.stringContaining(words),
    })
  })

  test.each([
    ['ECS', ecsWorld, ECS, `${ARN}:8`, `runs ${ARN}:8, not ${ARN}:7`],
    ['Lambda', lambdaWorld, LAMBDA, '5', 'points to version 5, not 4'],
  ] as const)(
    '%s serves something else: in doubt while describes may lag, then failed',
    async (_platform, world, more, live, words) => {
      const spoil = (spoilt: CodeDeployWorld) => void (spoilt.live = live)
      expect(await verdictOf(world(), more, spoil, 5_000)).toMatchObject({ verdict: 'inconclusive' })
      expect(await verdictOf(world(), more, spoil)).toMatchObject({
        verdict: 'failed',
        reason: expect.stringContaining(words),
      })
    },
  )

  test('an alias that still sends a share elsewhere has not landed', async () => {
    const spoil = (world: CodeDeployWorld) => void (world.share = 0.1)
    expect(await verdictOf(lambdaWorld(), LAMBDA, spoil)).toMatchObject({
      verdict: 'failed',
      reason: expect.stringContaining('still sends 10 % to version 9'),
    })
  })

  test.each([
    ['services.yaml names no ecs', ecsWorld, {}, 'names no ecs'],
    ['services.yaml names no lambda', lambdaWorld, {}, 'names no lambda'],
    [
      'the group deploys another service',
      ecsWorld,
      { ecs: { cluster: 'prod', service: 'web' } },
      'another service',
    ],
    [
      'the AppSpec shifts another alias',
      lambdaWorld,
      { lambda: { function: 'checkout', alias: 'beta' } },
      'names checkout:beta',
    ],
  ])('%s: the reason says that CodeDeploy was taken at its word', async (_why, world, more, words) => {
    const { verdict, reason } = await verdictOf(world(), more)
    expect(verdict).toBe('passed')
    expect(reason).toContain("by CodeDeploy's word alone")
    expect(reason).toContain(words)
  })

  test.each([
    ['ECS', ecsWorld, ECS, 'ecs:DescribeServices'],
    ['Lambda', lambdaWorld, LAMBDA, 'lambda:GetAlias'],
  ] as const)('%s cannot be read: never passed (G9)', async (_platform, world, more, call) => {
    const spoil = (spoilt: CodeDeployWorld) => {
      Object.assign(spoilt.answers, {
        [call]: () => {
          throw awsError('ThrottlingException', 400)
        },
      })
    }
    expect(await verdictOf(world(), more, spoil)).toMatchObject({ verdict: 'inconclusive' })
  })
})
