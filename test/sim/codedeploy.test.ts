import { addMetricAlarm } from '../../sim/alarms.ts'
import { addApplication, addPastDeployment, ecsAppSpec, type GroupOptions } from '../../sim/applications.ts'
import { lagBehind } from '../../sim/faults.ts'
import type { AlarmState, SimEvent } from '../../sim/world.ts'
import { accountWithService, START_MS } from './small-account.ts'

const HOUR_MS = 3_600_000
const GROUP = { applicationName: 'api', deploymentGroupName: 'api-prod' }
const SPEC_1 = ecsAppSpec('arn:aws:ecs:eu-west-1:123456789012:task-definition/api:1')
const SPEC_2 = ecsAppSpec('arn:aws:ecs:eu-west-1:123456789012:task-definition/api:2')

/** Version 1 was deployed an hour ago; the group is as the options say. */
function accountWithGroup(options: Partial<GroupOptions> = {}) {
  const base = accountWithService({ controller: 'CODE_DEPLOY' })
  const { account, aws } = base
  const application = addApplication(account.world, 'api', 'ECS', {
    'api-prod': { backend: { is: 'ecs', service: 'prod/api' }, durationMs: 60_000, ...options },
  })
  const past = addPastDeployment(account.world, application, 'api-prod', SPEC_1, {
    createdAtMs: START_MS - HOUR_MS,
  })
  const states: string[] = []
  account.onEvent((event: SimEvent) => {
    const { deploymentId, state } = event.detail
    if (event.source === 'aws.codedeploy') states.push(`${deploymentId as string} ${state as string}`)
  })
  const create = async (more: object = {}) =>
    (await aws.call('codedeploy:CreateDeployment', { ...GROUP, revision: SPEC_2, ...more })).deploymentId ??
    ''
  const get = async (deploymentId: string) =>
    (await aws.call('codedeploy:GetDeployment', { deploymentId })).deploymentInfo
  const alarmIs = (value: AlarmState) =>
    addMetricAlarm(
      account.world,
      'api-5xx-spike',
      {
        namespace: 'Test',
        metric: 'Errors',
        dimensions: {},
        statistic: 'Sum',
        periodMs: 60_000,
        evaluationPeriods: 1,
        datapointsToAlarm: 1,
        threshold: 1,
        comparison: 'GreaterThanThreshold',
        missing: 'ignore',
      },
      { state: { value, reason: 'set by the test', atMs: START_MS } },
    )
  return { ...base, application, past, states, create, get, alarmIs }
}

test('a deployment goes from Created to Succeeded and shifts the service on the way', async () => {
  const { account, service, states, create, get } = accountWithGroup()
  const id = await create({ description: 'release 2' })
  expect(await get(id)).toMatchObject({ status: 'Created', creator: 'user', description: 'release 2' })
  account.advance(20_000)
  expect([(await get(id))?.status, service.taskDefinition.slice(-1)]).toEqual(['InProgress', '1'])
  account.advance(60_000)
  expect([(await get(id))?.status, service.taskDefinition.slice(-1)]).toEqual(['Succeeded', '2'])
  expect(states).toEqual([`${id} START`, `${id} SUCCESS`])
})

test('only one deployment of a group is active', async () => {
  const { create } = accountWithGroup()
  const id = await create()
  await expect(create()).rejects.toMatchObject({
    name: 'DeploymentLimitExceededException',
    message: `The Deployment Group 'api-prod' already has an active Deployment '${id}'`,
  })
})

test('the text of an AppSpec is told by GetApplicationRevision only, and must be given to deploy it', async () => {
  const { aws, past, create, get } = accountWithGroup()
  const digest = SPEC_1.appSpecContent?.sha256 ?? ''
  expect((await get(past.id))?.revision).toEqual({
    revisionType: 'AppSpecContent',
    appSpecContent: { sha256: digest },
  })
  const revision = { revisionType: 'AppSpecContent', appSpecContent: { sha256: digest } } as const
  const answer = await aws.call('codedeploy:GetApplicationRevision', { applicationName: 'api', revision })
  expect(answer.revision?.appSpecContent?.content).toContain('task-definition/api:1')
  await expect(create({ revision })).rejects.toMatchObject({ name: 'InvalidRevisionException' })
})

test('a stop with rollback ends in Stopped, and names its rollback some seconds later', async () => {
  const { account, aws, service, create, get } = accountWithGroup()
  const id = await create()
  account.advance(50_000)
  expect(service.taskDefinition.slice(-1)).toBe('2')
  const stop = { deploymentId: id, autoRollbackEnabled: true }
  expect((await aws.call('codedeploy:StopDeployment', stop)).status).toBe('Pending')
  account.advance(3_000)
  expect(await get(id)).toMatchObject({ status: 'Stopped', errorInformation: { code: 'MANUAL_STOP' } })
  expect((await get(id))?.rollbackInfo).toBeUndefined()
  account.advance(4_000)
  const back = (await get(id))?.rollbackInfo?.rollbackDeploymentId ?? ''
  expect(await get(back)).toMatchObject({
    creator: 'codeDeployRollback',
    rollbackInfo: { rollbackTriggeringDeploymentId: id },
  })
  account.advance(60_000)
  expect([(await get(back))?.status, service.taskDefinition.slice(-1)]).toEqual(['Succeeded', '1'])
  await expect(aws.call('codedeploy:StopDeployment', stop)).rejects.toMatchObject({
    name: 'DeploymentAlreadyCompletedException',
  })
})

test('a stop without rollback leaves traffic where it was', async () => {
  const { account, aws, service, create, get } = accountWithGroup()
  const id = await create()
  account.advance(50_000)
  await aws.call('codedeploy:StopDeployment', { deploymentId: id })
  account.advance(60_000)
  expect((await get(id))?.rollbackInfo).toBeUndefined()
  expect(service.taskDefinition.slice(-1)).toBe('2')
})

test("the group's alarm stops a deployment, unless the deployment overrides it", async () => {
  const { account, create, get, alarmIs } = accountWithGroup({
    alarms: { enabled: true, names: ['api-5xx-spike'] },
  })
  alarmIs('ALARM')
  const blocked = await create()
  account.advance(90_000)
  expect(await get(blocked)).toMatchObject({ status: 'Stopped', errorInformation: { code: 'ALARM_ACTIVE' } })
  const overriding = await create({ overrideAlarmConfiguration: { enabled: false, alarms: [] } })
  account.advance(90_000)
  expect((await get(overriding))?.status).toBe('Succeeded')
})

test('an alarm that fires under way rolls a deployment back where the group says so', async () => {
  const { account, service, create, get, alarmIs } = accountWithGroup({
    alarms: { enabled: true, names: ['api-5xx-spike'] },
    autoRollback: { enabled: true, events: ['DEPLOYMENT_STOP_ON_ALARM'] },
  })
  const alarm = alarmIs('OK')
  const id = await create()
  account.advance(50_000)
  alarm.state = { ...alarm.state, value: 'ALARM' }
  account.advance(90_000)
  const back = (await get(id))?.rollbackInfo?.rollbackDeploymentId ?? ''
  // The rollback is not stopped by the very alarm that asked for it.
  expect([(await get(back))?.status, service.taskDefinition.slice(-1)]).toEqual(['Succeeded', '1'])
})

test('a deployment waits for a service that scales, and fails where that lasts too long under way', async () => {
  const { account, aws, create, get } = accountWithGroup()
  await aws.call('ecs:UpdateService', { cluster: 'prod', service: 'api', desiredCount: 6 })
  const id = await create()
  account.advance(40_000)
  expect((await get(id))?.status).toBe('InProgress')
  account.advance(90_000)
  expect((await get(id))?.status).toBe('Succeeded')
  const second = await create({ revision: SPEC_1 })
  account.advance(20_000)
  account.act({ is: 'set-room', service: 'prod/api', tasks: 6 })
  account.act({ is: 'set-desired', service: 'prod/api', desired: 9 })
  account.advance(310_000)
  expect(await get(second)).toMatchObject({ status: 'Failed', errorInformation: { code: 'TIMEOUT' } })
})

test('while CodeDeploy deploys, the service shows a second task set', async () => {
  const { account, aws, create } = accountWithGroup()
  await create()
  account.advance(10_000)
  const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
  expect(services?.[0]?.taskSets?.map((set) => set.status)).toEqual(['PRIMARY', 'ACTIVE'])
})

test('lists page, filter, lag behind, and promise no order', async () => {
  const { account, aws, application, create } = accountWithGroup()
  const older = Array.from({ length: 12 }, (_, index) =>
    addPastDeployment(account.world, application, 'api-prod', SPEC_1, {
      createdAtMs: START_MS - (20 - index) * HOUR_MS,
    }),
  )
  account.world.faults.pageSize['codedeploy:ListDeployments'] = 5
  const ids: string[] = []
  let nextToken: string | undefined
  do {
    const page = await aws.call('codedeploy:ListDeployments', {
      ...GROUP,
      ...(nextToken === undefined ? {} : { nextToken }),
    })
    ids.push(...(page.deployments ?? []))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  expect(ids).toHaveLength(13)
  expect(new Set(ids).size).toBe(13)
  const inOrder = older.map((deployment) => deployment.id)
  expect(ids.filter((id) => inOrder.includes(id))).not.toEqual(inOrder)
  lagBehind(account.world, 'codedeploy:ListDeployments', 10_000)
  const id = await create()
  const active = { ...GROUP, includeOnlyStatuses: ['Created', 'InProgress'] as ('Created' | 'InProgress')[] }
  expect((await aws.call('codedeploy:ListDeployments', active)).deployments).toEqual([])
  account.advance(10_000)
  expect((await aws.call('codedeploy:ListDeployments', active)).deployments).toEqual([id])
})

test('at most 25 deployments are described at once, and those that do not exist are left out', async () => {
  const { aws, past } = accountWithGroup()
  const batch = (deploymentIds: string[]) => aws.call('codedeploy:BatchGetDeployments', { deploymentIds })
  await expect(batch(Array.from({ length: 26 }, () => past.id))).rejects.toMatchObject({
    name: 'BatchLimitExceededException',
  })
  expect((await batch([past.id, 'd-NONE'])).deploymentsInfo).toHaveLength(1)
})

test.each([
  ['ApplicationDoesNotExistException', { applicationName: 'web' }],
  ['DeploymentGroupDoesNotExistException', { deploymentGroupName: 'api-test' }],
  ['RevisionRequiredException', { revision: undefined }],
  ['DescriptionTooLongException', { description: 'x'.repeat(257) }],
  ['DeploymentConfigDoesNotExistException', { deploymentConfigName: 'CodeDeployDefault.AllAtOnce' }],
])('%s', async (name, input) => {
  const { create } = accountWithGroup()
  await expect(create(input)).rejects.toMatchObject({ name })
})

test('a task definition that is not there makes the deployment fail, and the group rolls back', async () => {
  const { account, create, get } = accountWithGroup({
    autoRollback: { enabled: true, events: ['DEPLOYMENT_FAILURE'] },
  })
  const id = await create({
    revision: ecsAppSpec('arn:aws:ecs:eu-west-1:123456789012:task-definition/api:7'),
  })
  account.advance(120_000)
  expect(await get(id)).toMatchObject({ status: 'Failed', errorInformation: { code: 'INVALID_ECS_SERVICE' } })
  expect((await get(id))?.rollbackInfo?.rollbackDeploymentId).toMatch(/^d-/)
})

test('a Lambda AppSpec serves for one journey: its CurrentVersion must be where the alias stands', async () => {
  const { account, aws } = accountWithService()
  const { world } = account
  world.aliases['pay:live'] = { version: '7' }
  world.builds['pay:6'] = { errorRatio: 0, mu: 1 }
  addApplication(world, 'pay', 'Lambda', { live: { backend: { is: 'lambda', alias: 'pay:live' } } })
  const deploy = async (from: string, to: string) => {
    const content = `Resources:\n  - pay:\n      Properties:\n        CurrentVersion: "${from}"\n        TargetVersion: "${to}"\n`
    const { deploymentId = '' } = await aws.call('codedeploy:CreateDeployment', {
      applicationName: 'pay',
      deploymentGroupName: 'live',
      revision: { revisionType: 'AppSpecContent', appSpecContent: { content } },
    })
    account.advance(120_000)
    const { deploymentInfo } = await aws.call('codedeploy:GetDeployment', { deploymentId })
    return [
      deploymentInfo?.status,
      deploymentInfo?.errorInformation?.code,
      world.aliases['pay:live']?.version,
    ]
  }
  expect(await deploy('5', '6')).toEqual(['Failed', 'INVALID_LAMBDA_CONFIGURATION', '7'])
  expect(await deploy('7', '6')).toEqual(['Succeeded', undefined, '6'])
})
