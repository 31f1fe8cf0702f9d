import type { LoadBalancer } from '@aws-sdk/client-ecs'
import type { TargetHealthStateEnum } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Service } from '../../lib/runbook/runbook.ts'
import { awsError, type Answers, type World } from './conformance.ts'

export const ecsService: Service = {
  name: 'api',
  alarms: ['api-*'],
  severity: 'sev2',
  account: '123456789012',
  region: 'eu-central-1',
  ecs: { cluster: 'prod', service: 'api' },
  records: {},
  metrics: {},
}

/** The target group that worlds have where a test does not care for its name. */
export const TARGETS =
  'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/73e2d6bc24d8a067'

export interface EcsWorldState {
  desired: number
  running: number
  floor: { min: number; max: number } | null
  status: string
  strategy: string
  controller: string
  deployments: { id: string; status: string; rolloutState: string }[]
  taskSets: { id: string; status: string; loadBalancers?: LoadBalancer[] }[]
  /** The states of the registered targets by target group; once settled, all that run are healthy. */
  targets: { [arn: string]: TargetHealthStateEnum[] }
  /** What ECS answers as the service's own; by default every group of `targets`. */
  loadBalancers: LoadBalancer[]
  events: { id: string; createdAt: Date; message: string }[]
  suspended: boolean
  /** What stands under the name of our own scheduled action. */
  scheduled: { schedule: string; min?: number; max?: number } | null
}

/** One ECS service, with Application Auto Scaling where `floor` is given; the service prod/api unless it is missing. */
export function ecsWorld(start: Partial<EcsWorldState> = {}): World & { readonly state: EcsWorldState } {
  const state: EcsWorldState = {
    desired: 6,
    running: start.desired ?? 6,
    floor: null,
    status: 'ACTIVE',
    strategy: 'REPLICA',
    controller: 'ECS',
    deployments: [{ id: 'ecs-svc/1', status: 'PRIMARY', rolloutState: 'COMPLETED' }],
    taskSets: [],
    targets: {},
    loadBalancers: Object.keys(start.targets ?? {}).map((targetGroupArn) => ({ targetGroupArn })),
    events: [
      { id: 'e1', createdAt: new Date(Date.UTC(2026, 10, 22, 13)), message: '(service api) is steady.' },
    ],
    suspended: false,
    scheduled: null,
    ...start,
  }
  const $metadata = { requestId: 'req-1', httpStatusCode: 200 }
  const answers: Answers = {
    'ecs:DescribeServices': (input) =>
      input.cluster === 'prod' && input.services?.[0] === 'api'
        ? {
            services: [
              {
                serviceName: 'api',
                status: state.status,
                schedulingStrategy: state.strategy,
                deploymentController: { type: state.controller },
                desiredCount: state.desired,
                runningCount: state.running,
                deployments: state.deployments,
                taskSets: state.taskSets,
                loadBalancers: state.loadBalancers,
                events: state.events,
              },
            ],
            failures: [],
            $metadata,
          }
        : { services: [], failures: [{ arn: 'arn:of:it', reason: 'MISSING' }], $metadata },
    'ecs:UpdateService': (input) => {
      state.desired = input.desiredCount ?? state.desired
      return { service: {}, $metadata }
    },
    'elasticloadbalancing:DescribeTargetHealth': ({ TargetGroupArn: arn = '' }) => {
      const states = state.targets[arn]
      if (!states) throw awsError('TargetGroupNotFoundException', 400)
      return {
        TargetHealthDescriptions: states.map((State) => ({ TargetHealth: { State } })),
        $metadata,
      }
    },
    'application-autoscaling:DescribeScalableTargets': (input) => ({
      ScalableTargets: state.floor
        ? [
            {
              ServiceNamespace: 'ecs',
              ResourceId: input.ResourceIds?.[0],
              ScalableDimension: 'ecs:service:DesiredCount',
              MinCapacity: state.floor.min,
              MaxCapacity: state.floor.max,
              SuspendedState: { DynamicScalingOutSuspended: state.suspended },
            },
          ]
        : [],
      $metadata,
    }),
    'application-autoscaling:DescribeScheduledActions': ({ ScheduledActionNames: [name] = [] }) => ({
      ScheduledActions: state.scheduled ? [{ ScheduledActionName: name }] : [],
      $metadata,
    }),
    'application-autoscaling:PutScheduledAction': ({ Schedule: schedule = '', ScalableTargetAction }) => {
      const { MinCapacity: min, MaxCapacity: max } = ScalableTargetAction ?? {}
      state.scheduled = {
        schedule,
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
      }
      return { $metadata }
    },
    'application-autoscaling:DeleteScheduledAction': () => {
      if (!state.scheduled) throw awsError('ObjectNotFoundException', 400)
      state.scheduled = null
      return { $metadata }
    },
    'application-autoscaling:RegisterScalableTarget': (input) => {
      const min = input.MinCapacity ?? state.floor?.min
      const max = input.MaxCapacity ?? state.floor?.max
      if (min === undefined || max === undefined || min > max) throw awsError('ValidationException', 400)
      state.floor = { min, max }
      state.desired = Math.min(Math.max(state.desired, min), max)
      return { ScalableTargetARN: 'arn:of:target', $metadata }
    },
  }
  return {
    state,
    answers,
    snapshot: () => ({
      desired: state.desired,
      floor: state.floor,
      ...(state.scheduled === null ? {} : { scheduled: state.scheduled }),
    }),
    settle: () => {
      state.running = state.desired
      for (const arn of Object.keys(state.targets)) {
        state.targets[arn] = Array.from({ length: state.running }, () => 'healthy')
      }
    },
    interfere: () => {
      if (state.floor) state.floor.min += 3
      else state.desired += 7
    },
  }
}
