import { createAccount, type Account } from './account.ts'
import { addMetricAlarm } from './alarms.ts'
import { addScalableTarget } from './autoscaling.ts'
import { addApplication, addPastDeployment, ecsAppSpec } from './applications.ts'
import { addService } from './ecs.ts'
import { addSite } from './load.ts'
import { addZone } from './route53.ts'
import type { World } from './world.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** The zone, the weighted name and the addresses of its two endpoints. */
export const DEMO_ZONE = 'Z0123456789ABCDEFGHIJ'
const NAME = 'api.example.com'
const STABLE_ADDRESS = '198.51.100.10'
const CANARY_ADDRESS = '198.51.100.20'
const STABLE_TARGETS = 'api-stable/73e2d6bc24d8a067'
const CANARY_TARGETS = 'api-canary/943f017f100becff'
const LOAD_BALANCER = { LoadBalancer: 'app/api/0123456789abcdef' }

export interface DemoOptions {
  readonly startAtMs: number
  readonly seed?: number
  /** From the start until the bad version reaches the canary; the fleet follows a minute later. */
  readonly releaseAfterMs?: number
  /** Whether the ECS service has a scalable target (4 to 20, aiming at 70 % use). */
  readonly autoscaling?: boolean
  /** 60,000, or 10,000 for metrics and an alarm of high resolution. */
  readonly periodMs?: 10_000 | 60_000
  /** Whether the deployment group is guarded by the alarm, so that a rollback must override the guard. */
  readonly guarded?: boolean
}

/**
 * The world of the demo. Version 41 serves 120 requests a second with six tasks. Then version 42 comes: first on the
 * canary, which takes a tenth of the traffic with the new path open to everybody, then by CodeDeploy on the fleet, where
 * only some requests take that path but each costs nearly twice as much. So each mitigation matters: capacity ends the
 * saturation, weight 0 ends the canary's errors, and only the rollback ends the rest. Draining before there is capacity even
 * makes it worse. Left alone it stays bad.
 */
export function apiBadCanary(options: DemoOptions): Account {
  const account = createAccount({
    startAtMs: options.startAtMs,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
  })
  const { world } = account
  addFleet(world, options.autoscaling ?? false)
  addNames(world, options.periodMs ?? MINUTE_MS)
  addAlarm(world, options.periodMs ?? MINUTE_MS)
  addHistory(world, options.guarded ?? true)
  addPeople(world)
  const releaseMs = options.startAtMs + (options.releaseAfterMs ?? MINUTE_MS)
  world.script.push(
    {
      atMs: releaseMs,
      act: { is: 'set-task-definition', service: 'prod/api-canary', taskDefinition: 'api:42' },
    },
    {
      atMs: releaseMs + MINUTE_MS,
      act: {
        is: 'deploy',
        application: 'api',
        group: 'api-prod',
        taskDefinition: 'api:42',
        description: 'release 42',
      },
    },
  )
  return account
}

function taskDefinition(world: World, revision: number): string {
  return `arn:aws:ecs:${world.region}:${world.account}:task-definition/api:${revision}`
}

function addFleet(world: World, autoscaling: boolean): void {
  world.builds[taskDefinition(world, 40)] = { errorRatio: 0, mu: 30 }
  world.builds[taskDefinition(world, 41)] = { errorRatio: 0, mu: 32 }
  world.builds[taskDefinition(world, 42)] = { errorRatio: 0.5, mu: 18 }
  const good = taskDefinition(world, 41)
  addService(world, {
    cluster: 'prod',
    name: 'api',
    desired: 6,
    taskDefinition: good,
    controller: 'CODE_DEPLOY',
    targetGroup: STABLE_TARGETS,
  })
  addService(world, {
    cluster: 'prod',
    name: 'api-canary',
    desired: 1,
    taskDefinition: good,
    rolloutMs: 10_000,
    targetGroup: CANARY_TARGETS,
  })
  if (autoscaling) addScalableTarget(world, 'prod/api', { min: 4, max: 20, tracking: 0.7 })
}

function addNames(world: World, periodMs: number): void {
  const records = [
    {
      set: 'stable',
      weight: 90,
      address: STABLE_ADDRESS,
      healthCheck: 'b7a4c1d2-0001-4a5b-8c6d-stable000001',
    },
    {
      set: 'canary',
      weight: 10,
      address: CANARY_ADDRESS,
      healthCheck: 'b7a4c1d2-0002-4a5b-8c6d-canary000002',
    },
  ]
  for (const record of records) world.healthChecks[record.healthCheck] = { healthy: true }
  addZone(world, DEMO_ZONE, 'example.com', [
    {
      Name: 'example.com',
      Type: 'NS',
      TTL: 172_800,
      ResourceRecords: [{ Value: 'ns-1.awsdns-01.org.' }, { Value: 'ns-2.awsdns-02.com.' }],
    },
    ...records.map((record) => ({
      Name: NAME,
      Type: 'A' as const,
      SetIdentifier: record.set,
      Weight: record.weight,
      TTL: 60,
      ResourceRecords: [{ Value: record.address }],
      HealthCheckId: record.healthCheck,
    })),
    { Name: 'www.example.com', Type: 'CNAME', TTL: 300, ResourceRecords: [{ Value: NAME }] },
  ])
  addSite(world, {
    name: NAME,
    zone: DEMO_ZONE,
    recordName: NAME,
    recordType: 'A',
    rps: 120,
    jitter: 0.04,
    namespace: 'AWS/ApplicationELB',
    dimensions: LOAD_BALANCER,
    periodMs,
    endpoints: [
      {
        name: 'stable',
        address: STABLE_ADDRESS,
        backend: { is: 'ecs', service: 'prod/api' },
        exposure: 0.08,
        dimensions: { TargetGroup: `targetgroup/${STABLE_TARGETS}` },
      },
      {
        name: 'canary',
        address: CANARY_ADDRESS,
        backend: { is: 'ecs', service: 'prod/api-canary' },
        exposure: 1,
        dimensions: { TargetGroup: `targetgroup/${CANARY_TARGETS}` },
      },
    ],
  })
}

function addAlarm(world: World, periodMs: number): void {
  addMetricAlarm(
    world,
    'api-5xx-spike',
    {
      namespace: 'AWS/ApplicationELB',
      metric: 'HTTPCode_Target_5XX_Count',
      dimensions: LOAD_BALANCER,
      statistic: 'Sum',
      periodMs,
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
      threshold: (100 * periodMs) / MINUTE_MS,
      comparison: 'GreaterThanThreshold',
      missing: 'notBreaching',
    },
    {
      description: 'More than 100 failed requests a minute on api.example.com.',
      state: {
        value: 'OK',
        reason:
          'Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [NonBreaching].',
        atMs: world.nowMs - 24 * HOUR_MS,
      },
    },
  )
}

/** Two good versions, with a deployment that failed and one that autoscaling caused between them. */
function addHistory(world: World, guarded: boolean): void {
  const application = addApplication(world, 'api', 'ECS', {
    'api-prod': {
      backend: { is: 'ecs', service: 'prod/api' },
      durationMs: 40_000,
      autoRollback: { enabled: true, events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM'] },
      alarms: { enabled: guarded, names: guarded ? ['api-5xx-spike'] : [] },
    },
  })
  const past = (
    revision: number,
    hoursAgo: number,
    description: string,
    status: 'Succeeded' | 'Failed' = 'Succeeded',
  ) =>
    addPastDeployment(world, application, 'api-prod', ecsAppSpec(taskDefinition(world, revision)), {
      createdAtMs: world.nowMs - hoursAgo * HOUR_MS,
      status,
      description,
    })
  past(40, 72, 'release 40')
  past(41, 27, 'release 41, first try', 'Failed')
  past(41, 26, 'release 41')
}

/** Whoever can be reached, and the secrets to reach them with. */
function addPeople(world: World): void {
  world.topics.push(`arn:aws:sns:${world.region}:${world.account}:oncall-sre`)
  world.mailIdentities.push('example.com')
  world.parameters['/firebreak/pagerduty/sre'] = { value: 'e93facc04764012d7bfb002500d5d1a6', secure: true }
  world.parameters['/firebreak/slack/sre'] = { value: 'xoxb-0000-simulated', secure: true }
}
