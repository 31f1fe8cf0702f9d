import type { ApplyContext, Change, Receipt } from '../../lib/actions/action.ts'
import { rollbackCodedeploy as action } from '../../lib/actions/rollback-codedeploy.ts'
import type { CallName } from '../../lib/aws/aws.ts'
import type { DeploymentGroupTarget, RollbackState } from '../../lib/codedeploy/state.ts'
import { NeedsHumanError, RetryableError, TerminalError } from '../../lib/errors.ts'
import { awsError, scriptedAws } from '../actions/conformance.ts'
import {
  codeDeployWorld,
  type CodeDeployWorld,
  ecsSpec,
  HOUR_MS,
  lambdaSpec,
  NOW_MS,
  past,
  s3,
  spec,
} from '../actions/codedeploy-world.ts'

const MARKER = 'firebreak/inc-1-a/rollback'
const OCCASION = {
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
} as const

function play(world: CodeDeployWorld, to = 'last-success') {
  const aws = scriptedAws(world)
  const found = action.target(
    { to },
    {
      name: 'api',
      alarms: [],
      severity: 'sev2',
      codedeploy: { application: 'shop', group: 'prod' },
      records: {},
      metrics: {},
    },
  )
  if (found.is !== 'target') throw new Error(found.message)
  const { target } = found
  const context: ApplyContext = {
    aws,
    nowMs: NOW_MS,
    marker: MARKER,
    attempt: 1,
    http: { post: () => Promise.reject(new Error('no HTTP')) },
    secret: () => Promise.reject(new Error('no secrets')),
  }
  const observe = () => action.observe(target, context)
  const plan = async () => action.plan({ to }, target, await observe(), OCCASION)
  const change = async (): Promise<Change<DeploymentGroupTarget, RollbackState>> => {
    const planned = await plan()
    if (planned.is !== 'change') throw new Error(`${planned.is}: ${planned.reason}`)
    return { target, ...planned }
  }
  const apply = (made: Change<DeploymentGroupTarget, RollbackState>, attempt = 1) =>
    action.apply(made, { ...context, attempt })
  const verify = (made: Change<DeploymentGroupTarget, RollbackState>, receipt: Receipt, nowMs = NOW_MS) =>
    action.verify(made, receipt, { ...context, nowMs })
  return { aws, observe, plan, change, apply, verify, calls: aws.calls }
}

const A = past('d-AAAAAAAAA', 30, s3('a.zip'))
const B = past('d-BBBBBBBBB', 2, s3('b.zip'))
const B_ACTIVE = past('d-BBBBBBBBB', 0.1, s3('b.zip'), { status: 'InProgress' })
const mutations = (calls: readonly CallName[]) => calls.filter((call) => /Create|Stop/.test(call))

test('a deployment that is made again cannot be stopped by the alarm that fired, and cannot bounce back', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, apply } = play(world)
  await apply(await change())
  expect(world.created).toEqual([
    {
      applicationName: 'shop',
      deploymentGroupName: 'prod',
      revision: s3('a.zip'),
      deploymentConfigName: 'CodeDeployDefault.HalfAtATime',
      description: `${MARKER} rollback of d-BBBBBBBBB to the revision of d-AAAAAAAAA`,
      autoRollbackConfiguration: { enabled: false },
      overrideAlarmConfiguration: { enabled: false, alarms: [] },
      ignoreApplicationStopFailures: true,
      fileExistsBehavior: 'OVERWRITE',
    },
  ])
})

test('ECS and Lambda get their fast configuration and none of the options for servers', async () => {
  for (const [platform, config, good, bad] of [
    ['ECS', 'CodeDeployDefault.ECSAllAtOnce', ecsSpec('api:7'), ecsSpec('api:8')],
    ['Lambda', 'CodeDeployDefault.LambdaAllAtOnce', lambdaSpec(3, 4), lambdaSpec(4, 5)],
  ] as const) {
    const world = codeDeployWorld(
      platform,
      [past('d-AAAAAAAAA', 9, spec(good)), past('d-BBBBBBBBB', 2, spec(bad))],
      [good, bad],
    )
    const { change, apply } = play(world)
    await apply(await change())
    expect(world.created[0]).toMatchObject({ deploymentConfigName: config })
    expect(Object.keys(world.created[0] ?? {})).not.toContain('ignoreApplicationStopFailures')
    expect(Object.keys(world.created[0] ?? {})).not.toContain('fileExistsBehavior')
    expect(world.created[0]?.revision?.appSpecContent?.content).toBe(
      platform === 'ECS' ? good : lambdaSpec(5, 4),
    )
  }
})

test('Lambda versions that are the current one, deployed from elsewhere, are passed over', async () => {
  const [v4, v5, v5again, v5back] = [lambdaSpec(3, 4), lambdaSpec(4, 5), lambdaSpec(2, 5), lambdaSpec(6, 5)]
  const world = codeDeployWorld(
    'Lambda',
    [v4, v5, v5again, v5back].map((text, index) => past(`d-AAAAAAAA${index}`, 9 - index, spec(text))),
    [v4, v5, v5again, v5back],
  )
  const { change } = play(world)
  expect((await change()).after).toMatchObject({ revision: { content: lambdaSpec(5, 4) } })
})

test('a task definition without a revision would be the latest one, so a person is asked', async () => {
  const [good, bad] = [ecsSpec('api'), ecsSpec('api:8')]
  const { plan } = play(
    codeDeployWorld(
      'ECS',
      [past('d-AAAAAAAAA', 9, spec(good)), past('d-BBBBBBBBB', 2, spec(bad))],
      [good, bad],
    ),
  )
  expect(await plan()).toMatchObject({
    is: 'human',
    reason: expect.stringContaining('"api" without a revision'),
  })
})

test('older deployments are searched only where the last week holds no answer', async () => {
  const old = past('d-AAAAAAAAA', 24 * 200, s3('a.zip'))
  const far = play(codeDeployWorld('Server', [old, past('d-CCCCCCCCC', 24 * 100, s3('b.zip')), B]))
  expect(await far.change()).toMatchObject({ summary: expect.stringContaining('d-AAAAAAAAA') })
  const near = play(codeDeployWorld('Server', [old, A, B]))
  await near.change()
  const lists = (calls: readonly CallName[]) =>
    calls.filter((call) => call === 'codedeploy:ListDeployments').length
  expect([lists(near.calls), lists(far.calls)]).toEqual([2, 4])
})

test('many deployments are read in pages and batches, whatever their order', async () => {
  const many = Array.from({ length: 60 }, (_, index) =>
    past(`d-N${String(index).padStart(8, '0')}`, 100 - index, s3(index < 20 ? 'a.zip' : 'b.zip')),
  )
  const world = codeDeployWorld('Server', many)
  world.pageSize = 7
  const { change, calls } = play(world)
  expect((await change()).summary).toContain('d-N00000019')
  expect(calls.filter((call) => call === 'codedeploy:BatchGetDeployments')).toHaveLength(3)
})

test('a deployment that AWS lists but does not describe could be the current one, so nothing is decided', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const answers = { ...world.answers, 'codedeploy:BatchGetDeployments': () => ({ deploymentsInfo: [A] }) }
  await expect(play({ ...world, answers }).observe()).rejects.toThrow(
    'lists d-BBBBBBBBB but does not describe it',
  )
})

test("CodeDeploy's own record of the previous revision is named where it differs", async () => {
  const { plan } = play(codeDeployWorld('Server', [A, { ...B, previousRevision: s3('other.zip') }]))
  expect(await plan()).toMatchObject({
    notes: [
      expect.stringContaining('s3://releases/other.zip'),
      expect.anything(),
      expect.anything(),
      expect.anything(),
    ],
  })
})

test.each([
  ['nothing was ever deployed', [], 'refused', 'no successful deployment'],
  ['there is one revision only', [A], 'refused', 'no earlier success'],
  [
    'the group is on an older revision already',
    [A, B, past('d-CCCCCCCCC', 1, s3('a.zip'), { creator: 'codeDeployRollback' })],
    'human',
    'd-CCCCCCCCC is itself a rollback',
  ],
  ['what came before cannot be read', [past('d-AAAAAAAAA', 9, {}), B], 'human', 'd-AAAAAAAAA'],
  ['the first deployment of the group is under way', [B_ACTIVE], 'human', 'nothing to go back to'],
  [
    'the current revision is being deployed again',
    [A, past('d-CCCCCCCCC', 1, s3('b.zip')), B_ACTIVE],
    'human',
    'brings the same one back',
  ],
] as const)('where %s, nothing is changed', async (_name, history, is, words) => {
  const { plan } = play(codeDeployWorld('Server', history))
  expect(await plan()).toMatchObject({ is, reason: expect.stringContaining(words) })
})

test('an active deployment is stopped with its rollback, which is followed to its end', async () => {
  const world = codeDeployWorld('Server', [A, B_ACTIVE])
  const { change, apply, verify, calls } = play(world)
  const made = await change()
  expect(made.summary).toBe('stop d-BBBBBBBBB (InProgress) -> back to s3://releases/a.zip of d-AAAAAAAAA')
  const receipt = await apply(made)
  expect(receipt).toMatchObject({ operationId: 'd-BBBBBBBBB', requestId: 'req-stop' })
  expect(mutations(calls)).toEqual(['codedeploy:StopDeployment'])
  const info = world.deployments.find((each) => each.deploymentId === 'd-BBBBBBBBB')
  const rollbackInfo = info?.rollbackInfo
  // Stopped alone is no success: the id of the rollback may come late.
  Object.assign(info ?? {}, { rollbackInfo: undefined })
  expect(await verify(made, receipt)).toMatchObject({ verdict: 'inconclusive' })
  expect(await verify(made, receipt, NOW_MS + HOUR_MS)).toMatchObject({
    verdict: 'failed',
    reason: expect.stringContaining('no rollback followed'),
  })
  Object.assign(info ?? {}, { rollbackInfo })
  expect(await verify(made, receipt)).toMatchObject({ verdict: 'inconclusive' })
  world.settle()
  expect(await verify(made, receipt)).toMatchObject({ verdict: 'passed' })
})

test('a rollback that is under way is waited for, never stopped', async () => {
  const rolling = past('d-CCCCCCCCC', 0.05, s3('a.zip'), {
    status: 'InProgress',
    creator: 'codeDeployRollback',
    rollbackInfo: { rollbackTriggeringDeploymentId: 'd-BBBBBBBBB' },
  })
  const world = codeDeployWorld('Server', [A, { ...B_ACTIVE, status: 'Failed' }, rolling])
  const { change, apply, verify, calls } = play(world)
  const made = await change()
  const receipt = await apply(made)
  expect(receipt.operationId).toBe('d-CCCCCCCCC')
  expect(mutations(calls)).toEqual([])
  expect(await verify(made, receipt)).toMatchObject({ verdict: 'inconclusive' })
  world.settle()
  expect(await verify(made, receipt)).toMatchObject({ verdict: 'passed' })
})

test("another execution's rollback that is under way is waited for as well", async () => {
  const ours = past('d-CCCCCCCCC', 0.05, s3('a.zip'), {
    status: 'InProgress',
    description: 'firebreak/inc-2-b/rollback rollback of d-BBBBBBBBB to the revision of d-AAAAAAAAA',
  })
  const { change } = play(codeDeployWorld('Server', [A, B, ours]))
  expect((await change()).after).toMatchObject({ call: { is: 'attach', deploymentId: 'd-CCCCCCCCC' } })
})

test('a deployment to new instances is not stopped', async () => {
  const scaling = past('d-CCCCCCCCC', 0.05, s3('b.zip'), { status: 'InProgress', creator: 'autoscaling' })
  const { change } = play(codeDeployWorld('Server', [A, B, scaling]))
  expect((await change()).after).toMatchObject({ call: { is: 'create' } })
})

test.each([
  ['d-AAAAAAAAA', [A, B], 'change'],
  ['d-BBBBBBBBB', [A, B], 'none'],
  ['d-ZZZZZZZZZ', [A, B], 'refused'],
  ['d-FFFFFFFFF', [A, past('d-FFFFFFFFF', 5, s3('f.zip'), { status: 'Failed' }), B], 'refused'],
  ['d-OOOOOOOOO', [A, past('d-OOOOOOOOO', 5, s3('o.zip'), { deploymentGroupName: 'staging' }), B], 'refused'],
  // Going further back is a person's decision, and naming the deployment is one.
  ['d-AAAAAAAAA', [A, B, past('d-CCCCCCCCC', 1, s3('c.zip'), { creator: 'codeDeployRollback' })], 'change'],
  // The rollback of a stop ends at the current revision, which is not the one that is asked for.
  ['d-AAAAAAAAA', [A, past('d-CCCCCCCCC', 5, s3('c.zip')), B_ACTIVE], 'human'],
  ['d-AAAAAAAAA', [A, B_ACTIVE], 'change'],
] as const)('back to %s by name', async (to, history, is) => {
  expect(await play(codeDeployWorld('Server', history), to).plan()).toMatchObject({ is })
})

test('only a deployment of the target itself is ever stopped', async () => {
  const world = codeDeployWorld('Server', [A, B_ACTIVE])
  const { change, apply, calls } = play(world)
  const made = await change()
  Object.assign(world.deployments[1] ?? {}, { deploymentGroupName: 'somebody-elses' })
  await expect(apply(made)).rejects.toThrow(TerminalError)
  expect(mutations(calls)).toEqual([])
})

test.each([
  ['succeeded', { status: 'Succeeded' }, NeedsHumanError, 'its revision is live now'],
  ['failed without a rollback', { status: 'Failed' }, NeedsHumanError, 'no rollback followed'],
] as const)(
  'a deployment that has %s before it could be stopped is for a person',
  async (_name, ended, type, words) => {
    const world = codeDeployWorld('Server', [A, B_ACTIVE])
    const { change, apply, calls } = play(world)
    const made = await change()
    Object.assign(world.deployments[1] ?? {}, ended)
    await expect(apply(made)).rejects.toThrow(type)
    await expect(apply(made)).rejects.toThrow(words)
    expect(mutations(calls)).toEqual([])
  },
)

test('a deployment that failed and is being rolled back already needs no stop', async () => {
  const world = codeDeployWorld('Server', [A, B_ACTIVE])
  const { change, apply, calls } = play(world)
  const made = await change()
  Object.assign(world.deployments[1] ?? {}, {
    status: 'Failed',
    rollbackInfo: { rollbackDeploymentId: 'd-CCCCCCCCC' },
  })
  expect(await apply(made)).toMatchObject({ operationId: 'd-BBBBBBBBB' })
  expect(mutations(calls)).toEqual([])
})

test('a deployment that ends between the look and the stop is judged by how it ended', async () => {
  const world = codeDeployWorld('Server', [A, B_ACTIVE])
  const stop = () => {
    Object.assign(world.deployments[1] ?? {}, { status: 'Succeeded' })
    throw awsError('DeploymentAlreadyCompletedException', 400)
  }
  const { change, apply } = play({
    ...world,
    answers: { ...world.answers, 'codedeploy:StopDeployment': stop },
  })
  await expect(apply(await change())).rejects.toThrow(NeedsHumanError)
})

test('what CloudFormation drives cannot be stopped here, and the message says where it can', async () => {
  const world = codeDeployWorld('Server', [A, B_ACTIVE])
  const stop = () => Promise.reject(awsError('UnsupportedActionForDeploymentTypeException', 400))
  const { change, apply } = play({
    ...world,
    answers: { ...world.answers, 'codedeploy:StopDeployment': stop },
  })
  await expect(apply(await change())).rejects.toThrow('cancel the stack update')
})

test('a busy group is tried again later, and the message names what keeps it busy', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, apply } = play(world)
  const made = await change()
  world.deployments.push(past('d-CCCCCCCCC', 0, s3('c.zip'), { status: 'InProgress' }))
  const error: unknown = await apply(made).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(RetryableError)
  expect(error).toMatchObject({
    message: expect.stringContaining('d-CCCCCCCCC (user, InProgress)'),
    retryAfterMs: 15_000,
  })
})

test('a later attempt finds the deployment of an earlier one instead of making a second', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, apply } = play(world)
  const made = await change()
  const first = await apply(made)
  expect(await apply(made, 1)).toMatchObject({
    operationId: first.operationId,
    detail: expect.stringContaining('earlier attempt'),
  })
  world.settle()
  expect(await apply(made, 2)).toMatchObject({ operationId: first.operationId })
  expect(world.created).toHaveLength(1)
})

test('a later attempt does not deploy over what somebody deployed in between', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, apply } = play(world)
  const made = await change()
  world.deployments.push(past('d-CCCCCCCCC', 0, s3('fixed.zip')))
  await expect(apply(made, 2)).rejects.toThrow(NeedsHumanError)
  expect(world.created).toEqual([])
})

test.each([
  [{ status: 'Succeeded', deploymentOverview: { Succeeded: 9 } }, 'passed'],
  [{ status: 'Succeeded', deploymentOverview: { Succeeded: 6, Failed: 3 } }, 'failed'],
  [{ status: 'Succeeded', deploymentOverview: { Succeeded: 6, Skipped: 1 } }, 'failed'],
  [{ status: 'Failed', errorInformation: { code: 'ALARM_ACTIVE', message: 'm' } }, 'failed'],
  [{ status: 'Stopped' }, 'failed'],
  [{ status: 'Created' }, 'inconclusive'],
  [{ status: 'Queued' }, 'inconclusive'],
  [{ status: 'InProgress', deploymentOverview: { Succeeded: 2, Pending: 7 } }, 'inconclusive'],
  [{ status: 'Baking' }, 'inconclusive'],
  [{ status: 'Ready' }, 'inconclusive'],
] as const)('a deployment that is %j is %s', async (info, verdict) => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, apply, verify } = play(world)
  const made = await change()
  const receipt = await apply(made)
  Object.assign(world.deployments.at(-1) ?? {}, info)
  expect(await verify(made, receipt)).toMatchObject({ verdict })
})

test('an AppSpec too long for the ledger is fetched by its hash when it is deployed', async () => {
  const [good, bad] = [`${ecsSpec('api:7')}${' '.repeat(70_000)}`, ecsSpec('api:8')]
  const world = codeDeployWorld(
    'ECS',
    [past('d-AAAAAAAAA', 9, spec(good)), past('d-BBBBBBBBB', 2, spec(bad))],
    [good, bad],
  )
  const { change, apply } = play(world)
  const made = await change()
  expect(JSON.stringify(made).length).toBeLessThan(5_000)
  await apply(made)
  expect(world.created[0]?.revision?.appSpecContent?.content).toBe(good)
})

test('what locate says of a stop whose outcome is unknown', async () => {
  const world = codeDeployWorld('Server', [A, B_ACTIVE])
  const { change, observe } = play(world)
  const made = await change()
  const where = async () => action.locate(made, await observe(), { marker: MARKER }).at
  expect(await where()).toBe('before')
  Object.assign(world.deployments[1] ?? {}, { status: 'Succeeded' })
  expect(await where()).toBe('elsewhere')
  Object.assign(world.deployments[1] ?? {}, { status: 'Failed' })
  expect(await where()).toBe('elsewhere')
  Object.assign(world.deployments[1] ?? {}, {
    status: 'Failed',
    rollbackInfo: { rollbackDeploymentId: 'd-C' },
  })
  expect(await where()).toBe('after')
  Object.assign(world.deployments[1] ?? {}, { status: 'Stopped', rollbackInfo: undefined })
  expect(await where()).toBe('after')
})

test('an active deployment of somebody else after an unknown outcome is neither before nor after', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, observe } = play(world)
  const made = await change()
  world.deployments.push(past('d-CCCCCCCCC', 0, s3('c.zip'), { status: 'InProgress' }))
  expect(action.locate(made, await observe(), { marker: MARKER })).toMatchObject({ at: 'elsewhere' })
})

test('an undo waits for nobody: while somebody deploys, the group is left alone', async () => {
  const world = codeDeployWorld('Server', [A, B])
  const { change, apply, observe } = play(world)
  const made = await change()
  await apply(made)
  world.settle()
  world.deployments.push(past('d-CCCCCCCCC', 0, s3('b.zip'), { status: 'InProgress' }))
  expect(action.undo?.(made, made.after, await observe(), 100)).toMatchObject({
    is: 'foreign',
    reason: expect.stringContaining('d-CCCCCCCCC'),
  })
})

test("an undo of somebody else's rollback has nothing to put back", async () => {
  const rolling = past('d-CCCCCCCCC', 0.05, s3('a.zip'), {
    status: 'InProgress',
    creator: 'codeDeployRollback',
  })
  const { change, observe } = play(codeDeployWorld('Server', [A, { ...B_ACTIVE, status: 'Failed' }, rolling]))
  const made = await change()
  expect(action.undo?.(made, made.after, await observe(), 100)).toMatchObject({ is: 'done' })
})
