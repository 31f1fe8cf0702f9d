import { addScalableTarget } from '../../sim/autoscaling.ts'
import { lagBehind, refuseNext } from '../../sim/faults.ts'
import { accountWithService } from './small-account.ts'

const API = { cluster: 'prod', service: 'api' }
const TARGET = {
  ServiceNamespace: 'ecs',
  ResourceId: 'service/prod/api',
  ScalableDimension: 'ecs:service:DesiredCount',
} as const

async function countsOf(aws: ReturnType<typeof accountWithService>['aws']) {
  const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
  return [services?.[0]?.desiredCount, services?.[0]?.runningCount, services?.[0]?.pendingCount]
}

test('tasks that were asked for are pending until they have started', async () => {
  const { account, aws } = accountWithService({ startupMs: 40_000 })
  await aws.call('ecs:UpdateService', { ...API, desiredCount: 6 })
  account.advance(10_000)
  expect(await countsOf(aws)).toEqual([6, 4, 2])
  account.advance(40_000)
  expect(await countsOf(aws)).toEqual([6, 6, 0])
})

test('the load balancer finds a task healthy some time after it runs', async () => {
  const { account, aws } = accountWithService({ startupMs: 40_000, targetGroup: 'api/73e2d6bc24d8a067' })
  const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
  const arn = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/api/73e2d6bc24d8a067'
  expect(services?.[0]?.loadBalancers).toEqual([
    { targetGroupArn: arn, containerName: 'api', containerPort: 8080 },
  ])
  const states = async () => {
    const answer = await aws.call('elasticloadbalancing:DescribeTargetHealth', { TargetGroupArn: arn })
    const all = answer.TargetHealthDescriptions?.map((each) => each.TargetHealth?.State) ?? []
    return { healthy: all.filter((state) => state === 'healthy').length, registered: all.length }
  }
  account.advance(10_000)
  await aws.call('ecs:UpdateService', { ...API, desiredCount: 6 })
  account.advance(40_000)
  expect(await states()).toEqual({ healthy: 4, registered: 4 })
  account.advance(2_000)
  expect(await states()).toEqual({ healthy: 4, registered: 6 })
  account.advance(10_000)
  expect(await states()).toEqual({ healthy: 6, registered: 6 })
  lagBehind(account.world, 'elasticloadbalancing:DescribeTargetHealth', 15_000)
  expect(await states()).toEqual({ healthy: 4, registered: 4 })
})

test('a target group that no service has is not found', async () => {
  const { aws } = accountWithService()
  await expect(
    aws.call('elasticloadbalancing:DescribeTargetHealth', { TargetGroupArn: 'arn:of:none' }),
  ).rejects.toMatchObject({ name: 'TargetGroupNotFoundException', $metadata: { httpStatusCode: 400 } })
})

test('without room the service stays below its count and says so in its events', async () => {
  const { account, aws } = accountWithService({ placeable: 5 })
  await aws.call('ecs:UpdateService', { ...API, desiredCount: 6 })
  account.advance(120_000)
  const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
  expect(services?.[0]?.runningCount).toBe(5)
  expect(services?.[0]?.events?.[0]?.message).toContain('(service api) was unable to place a task because')
})

test('a service that is not there is a failure in the answer, a cluster that is not there is an error', async () => {
  const { aws } = accountWithService()
  const { services, failures } = await aws.call('ecs:DescribeServices', {
    cluster: 'prod',
    services: ['web'],
  })
  expect(services).toEqual([])
  expect(failures?.[0]).toMatchObject({ reason: 'MISSING' })
  await expect(
    aws.call('ecs:DescribeServices', { cluster: 'test', services: ['api'] }),
  ).rejects.toMatchObject({
    name: 'ClusterNotFoundException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400, requestId: expect.any(String) },
  })
})

test.each([
  [
    'CODE_DEPLOY',
    { taskDefinition: 'api:2' },
    'Unable to update task definition on services with a CODE_DEPLOY',
  ],
  ['CODE_DEPLOY', { forceNewDeployment: true }, 'with a CODE_DEPLOY deployment controller'],
  ['EXTERNAL', { deploymentConfiguration: {} }, 'with a EXTERNAL deployment controller'],
] as const)(
  'a service of the %s controller refuses what it does not own',
  async (controller, input, message) => {
    const { aws } = accountWithService({ controller })
    await expect(aws.call('ecs:UpdateService', { ...API, ...input })).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: expect.stringContaining(message),
    })
    await expect(aws.call('ecs:UpdateService', { ...API, desiredCount: 5 })).resolves.toBeDefined()
  },
)

test('a daemon service takes no desired count, and a service that is not active takes nothing', async () => {
  const daemon = accountWithService({ scheduling: 'DAEMON' })
  await expect(daemon.aws.call('ecs:UpdateService', { ...API, desiredCount: 5 })).rejects.toMatchObject({
    message: expect.stringContaining('The daemon scheduling strategy does not support a desired count'),
  })
  const draining = accountWithService({ status: 'DRAINING' })
  await expect(draining.aws.call('ecs:UpdateService', { ...API, desiredCount: 5 })).rejects.toMatchObject({
    name: 'ServiceNotActiveException',
  })
})

test('a CODE_DEPLOY service has task sets in place of deployments', async () => {
  const { aws } = accountWithService({ controller: 'CODE_DEPLOY' })
  const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
  expect(services?.[0]?.deployments).toEqual([])
  expect(services?.[0]?.taskSets?.[0]).toMatchObject({ status: 'PRIMARY', runningCount: 4 })
})

test('a rolling deployment is IN_PROGRESS beside the old one, then alone and COMPLETED', async () => {
  const { account, aws } = accountWithService({ rolloutMs: 60_000 })
  await aws.call('ecs:UpdateService', { ...API, taskDefinition: 'api' })
  const states = async () => {
    const { services } = await aws.call('ecs:DescribeServices', { cluster: 'prod', services: ['api'] })
    return services?.[0]?.deployments?.map(
      (each) => `${each.status} ${each.rolloutState} ${each.taskDefinition?.slice(-1)}`,
    )
  }
  account.advance(5_000)
  // A family alone means its highest revision.
  expect(await states()).toEqual(['PRIMARY IN_PROGRESS 2', 'ACTIVE COMPLETED 1'])
  account.advance(60_000)
  expect(await states()).toEqual(['PRIMARY COMPLETED 2'])
})

test('a describe that lags shows the counts of a while ago', async () => {
  const { account, aws } = accountWithService()
  account.advance(10_000)
  lagBehind(account.world, 'ecs:DescribeServices', 5_000)
  await aws.call('ecs:UpdateService', { ...API, desiredCount: 9 })
  expect((await countsOf(aws))[0]).toBe(4)
  account.advance(5_000)
  expect((await countsOf(aws))[0]).toBe(9)
})

test('registering a scalable target moves the service inside its range, whatever the call was for', async () => {
  const { account, service, aws } = accountWithService()
  addScalableTarget(account.world, 'prod/api', { min: 2, max: 6 })
  account.act({ is: 'set-desired', service: 'prod/api', desired: 10 })
  const suspend = { DynamicScalingInSuspended: true }
  await aws.call('application-autoscaling:RegisterScalableTarget', { ...TARGET, SuspendedState: suspend })
  expect(service.desired).toBe(6)
  await aws.call('application-autoscaling:RegisterScalableTarget', { ...TARGET, MinCapacity: 5 })
  account.act({ is: 'set-desired', service: 'prod/api', desired: 1 })
  expect(service.desired).toBe(1)
  await aws.call('application-autoscaling:RegisterScalableTarget', { ...TARGET, MaxCapacity: 8 })
  expect(service.desired).toBe(5)
  const { ScalableTargets } = await aws.call('application-autoscaling:DescribeScalableTargets', {
    ServiceNamespace: 'ecs',
    ResourceIds: ['service/prod/api'],
  })
  expect(ScalableTargets?.[0]).toMatchObject({ MinCapacity: 5, MaxCapacity: 8, SuspendedState: suspend })
})

test('a describe that lags shows the range of a while ago', async () => {
  const { account, aws } = accountWithService()
  addScalableTarget(account.world, 'prod/api', { min: 2, max: 6 })
  account.advance(10_000)
  lagBehind(account.world, 'application-autoscaling:DescribeScalableTargets', 5_000)
  await aws.call('application-autoscaling:RegisterScalableTarget', { ...TARGET, MinCapacity: 5 })
  const floor = async () => {
    const { ScalableTargets } = await aws.call('application-autoscaling:DescribeScalableTargets', {
      ServiceNamespace: 'ecs',
    })
    return ScalableTargets?.[0]?.MinCapacity
  }
  expect(await floor()).toBe(2)
  account.advance(5_000)
  expect(await floor()).toBe(5)
})

test('a scaling policy moves the count, and never out of the range', () => {
  const { account, service } = accountWithService()
  addScalableTarget(account.world, 'prod/api', { min: 2, max: 6 })
  for (const [wanted, reached] of [
    [5, 5],
    [9, 6],
    [1, 2],
  ] as const) {
    account.act({ is: 'autoscale', service: 'prod/api', desired: wanted })
    expect(service.desired).toBe(reached)
  }
})

test.each([
  ['a floor above the ceiling', { MinCapacity: 9 }, 'ValidationException'],
  [
    'another service',
    { ResourceId: 'service/prod/web', MinCapacity: 1, MaxCapacity: 2 },
    'ValidationException',
  ],
])('registering refuses %s', async (_what, input, name) => {
  const { account, aws } = accountWithService()
  addScalableTarget(account.world, 'prod/api', { min: 2, max: 6 })
  const call = aws.call('application-autoscaling:RegisterScalableTarget', { ...TARGET, ...input })
  await expect(call).rejects.toMatchObject({ name })
})

test('a planned refusal happens once and changes nothing', async () => {
  const { account, service, aws } = accountWithService()
  addScalableTarget(account.world, 'prod/api', { min: 2, max: 6 })
  const name = 'application-autoscaling:RegisterScalableTarget'
  refuseNext(account.world, name, { name: 'ConcurrentUpdateException', message: 'Concurrent update.' })
  await expect(aws.call(name, { ...TARGET, MinCapacity: 6 })).rejects.toMatchObject({
    name: 'ConcurrentUpdateException',
  })
  expect([service.desired, account.effects(name), account.count(name)]).toEqual([4, 0, 1])
  await aws.call(name, { ...TARGET, MinCapacity: 6 })
  expect([service.desired, account.effects(name), account.count(name)]).toEqual([6, 1, 2])
})
