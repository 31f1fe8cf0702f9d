import type { RevisionLocation } from '@aws-sdk/client-codedeploy'
import { sha256 } from '../lib/ids.ts'
import { canonical } from '../lib/json.ts'
import { nextCapitals, nextUuid } from './chance.ts'
import type { World } from './world.ts'

/** How long a deployment stays `Created`. */
export const QUEUE_MS = 2_000

export interface Application {
  readonly name: string
  readonly platform: 'ECS' | 'Lambda' | 'Server'
  groups: { [name: string]: DeploymentGroup }
  revisions: Revision[]
}

export interface DeploymentGroup {
  readonly name: string
  readonly id: string
  readonly backend: Backend
  readonly configName: string
  /** From InProgress to Succeeded. */
  durationMs: number
  /** Traffic shift of a rollback: much shorter while the old copies still run. */
  readonly rollbackMs: number
  autoRollback: { enabled: boolean; events: string[] }
  alarms: { enabled: boolean; names: string[] }
}

/** What a group deploys to, and what an endpoint is served by. */
export type Backend =
  | { readonly is: 'ecs'; readonly service: string }
  | { readonly is: 'fleet'; readonly fleet: string }
  | { readonly is: 'lambda'; readonly alias: string }

export interface Revision {
  readonly location: RevisionLocation
  readonly description: string
  readonly registeredAtMs: number
  firstUsedAtMs?: number
  lastUsedAtMs?: number
  /** The S3 object or the task definition is no longer there. */
  gone?: boolean
}

export type DeploymentStatus =
  | 'Created'
  | 'Queued'
  | 'InProgress'
  | 'Baking'
  | 'Ready'
  | 'Succeeded'
  | 'Failed'
  | 'Stopped'

export interface Deployment {
  readonly id: string
  readonly application: string
  readonly group: string
  readonly revision: RevisionLocation
  readonly previousRevision?: RevisionLocation
  readonly creator: 'user' | 'codeDeployRollback' | 'autoscaling' | 'CloudFormation'
  readonly mode: 'DEFAULT' | 'RESTART'
  readonly configName: string
  readonly description: string
  readonly autoRollback: { enabled: boolean; events: string[] }
  /** Absent: the group's alarms guard it. */
  readonly alarmOverride?: { enabled: boolean; names: string[] }
  readonly ignoreStopFailures: boolean
  readonly durationMs: number
  readonly createdAtMs: number
  status: DeploymentStatus
  startedAtMs?: number
  completedAtMs?: number
  progressMs: number
  /** How long the service has kept it waiting for a steady state. */
  unsteadyMs: number
  shifted: boolean
  stop?: { atMs: number; rollback: boolean; error: { code: 'ALARM_ACTIVE' | 'MANUAL_STOP'; message: string } }
  error?: { code: string; message: string }
  /** Shown by reads from `atMs` on. */
  rollback?: { atMs: number; deploymentId?: string; triggeredBy?: string; message: string }
}

/** What `addApplication` is told about a group. */
export type GroupOptions = Pick<DeploymentGroup, 'backend'> &
  Partial<Pick<DeploymentGroup, 'autoRollback' | 'alarms' | 'durationMs' | 'rollbackMs' | 'configName'>>

/** Puts an application with its groups into the account. */
export function addApplication(
  world: World,
  name: string,
  platform: Application['platform'],
  groups: { readonly [name: string]: GroupOptions },
): Application {
  const config = { ECS: 'ECSAllAtOnce', Lambda: 'LambdaAllAtOnce', Server: 'OneAtATime' }[platform]
  const application: Application = { name, platform, groups: {}, revisions: [] }
  for (const [groupName, options] of Object.entries(groups)) {
    application.groups[groupName] = {
      name: groupName,
      id: nextUuid(world, 'deployment-group'),
      backend: options.backend,
      configName: options.configName ?? `CodeDeployDefault.${config}`,
      durationMs: options.durationMs ?? 90_000,
      rollbackMs: options.rollbackMs ?? 20_000,
      autoRollback: options.autoRollback ?? { enabled: false, events: [] },
      alarms: options.alarms ?? { enabled: false, names: [] },
    }
  }
  world.applications[name] = application
  return application
}

/** The AppSpec of a task definition, as pipelines write it. */
export function ecsAppSpec(taskDefinition: string): RevisionLocation {
  const content = JSON.stringify({
    version: 0.0,
    Resources: [
      {
        TargetService: {
          Type: 'AWS::ECS::Service',
          Properties: {
            TaskDefinition: taskDefinition,
            LoadBalancerInfo: { ContainerName: 'api', ContainerPort: 8080 },
          },
        },
      },
    ],
  })
  return { revisionType: 'AppSpecContent', appSpecContent: { content, sha256: sha256(content) } }
}

/** Records a deployment that ended before the story begins. */
export function addPastDeployment(
  world: World,
  application: Application,
  groupName: string,
  revision: RevisionLocation,
  past: Pick<Deployment, 'createdAtMs'> &
    Partial<Pick<Deployment, 'status' | 'creator' | 'description' | 'mode'>>,
): Deployment {
  const group = application.groups[groupName]
  if (!group) throw new Error(`the application ${application.name} has no group ${groupName}`)
  register(application, revision, past.createdAtMs)
  const previous = lastSuccess(world, application.name, groupName)
  const deployment: Deployment = {
    id: `d-${nextCapitals(world, 'deployment', 9)}`,
    application: application.name,
    group: groupName,
    revision,
    ...(previous ? { previousRevision: previous.revision } : {}),
    creator: past.creator ?? 'user',
    mode: past.mode ?? 'DEFAULT',
    configName: group.configName,
    description: past.description ?? '',
    autoRollback: group.autoRollback,
    ignoreStopFailures: false,
    durationMs: group.durationMs,
    createdAtMs: past.createdAtMs,
    status: past.status ?? 'Succeeded',
    startedAtMs: past.createdAtMs + QUEUE_MS,
    completedAtMs: past.createdAtMs + QUEUE_MS + group.durationMs,
    progressMs: group.durationMs,
    unsteadyMs: 0,
    shifted: true,
  }
  world.deployments[deployment.id] = deployment
  return deployment
}

/** Not ended yet: one such deployment at most is allowed in a group. */
export function isActive(deployment: Deployment): boolean {
  return !['Succeeded', 'Failed', 'Stopped'].includes(deployment.status)
}

/** The newest success of a group. */
export function lastSuccess(world: World, application: string, group: string): Deployment | undefined {
  return Object.values(world.deployments).findLast(
    (other) => other.application === application && other.group === group && other.status === 'Succeeded',
  )
}

/** The registered revision that this location means: an AppSpec by its digest, a file by its address. */
export function revisionOf(application: Application, location: RevisionLocation): Revision | undefined {
  const key = (other: RevisionLocation) => other.appSpecContent?.sha256 ?? canonical(other)
  return application.revisions.find((revision) => key(revision.location) === key(location))
}

/** Notes that a revision is used; CodeDeploy registers what it did not know. */
export function register(application: Application, location: RevisionLocation, atMs: number): void {
  let revision = revisionOf(application, location)
  if (!revision) {
    revision = {
      location,
      description: 'Application revision registered by Deployment',
      registeredAtMs: atMs,
    }
    application.revisions.push(revision)
  }
  revision.firstUsedAtMs ??= atMs
  revision.lastUsedAtMs = atMs
}
