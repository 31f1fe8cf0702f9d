import type { RevisionLocation } from '@aws-sdk/client-codedeploy'
import type { CallName, Calls } from '../lib/aws/aws.ts'
import { sha256 } from '../lib/ids.ts'
import type { Answer } from './calls.ts'
import {
  type Application,
  type Deployment,
  type DeploymentGroup,
  type DeploymentStatus,
  isActive,
  revisionOf,
} from './applications.ts'
import { copyOf } from './copy.ts'
import { bare, infoOf, styleOf } from './deployment-shape.ts'
import { openDeployment } from './deployments.ts'
import { need, refuse } from './refusal.ts'
import type { Sim, World } from './world.ts'

/** Both are AWS's own limits. */
const MAX_BATCH = 25
const MAX_DESCRIPTION = 256
const PAGE_SIZE = 100
const STATUSES: readonly DeploymentStatus[] = [
  'Created',
  'Queued',
  'InProgress',
  'Baking',
  'Ready',
  'Succeeded',
  'Failed',
  'Stopped',
]

export function getDeploymentGroup(
  sim: Sim,
  input: Calls['codedeploy:GetDeploymentGroup']['input'],
): Answer<'codedeploy:GetDeploymentGroup'> {
  const { world } = sim
  const { application, group } = groupOf(world, input.applicationName, input.deploymentGroupName)
  const own = Object.values(world.deployments).filter(
    (deployment) => deployment.application === application.name && deployment.group === group.name,
  )
  const attempted = own.at(-1)
  const succeeded = own.filter((deployment) => deployment.status === 'Succeeded').at(-1)
  return {
    deploymentGroupInfo: {
      applicationName: application.name,
      deploymentGroupName: group.name,
      deploymentGroupId: group.id,
      deploymentConfigName: group.configName,
      computePlatform: application.platform,
      deploymentStyle: styleOf(application),
      autoRollbackConfiguration: {
        enabled: group.autoRollback.enabled,
        events: group.autoRollback.events as ('DEPLOYMENT_FAILURE' | 'DEPLOYMENT_STOP_ON_ALARM')[],
      },
      alarmConfiguration: {
        enabled: group.alarms.enabled,
        ignorePollAlarmFailure: false,
        alarms: group.alarms.names.map((name) => ({ name })),
      },
      ...(group.backend.is === 'ecs' ? { ecsServices: [ecsServiceOf(group.backend.service)] } : {}),
      ...(succeeded ? { targetRevision: bare(succeeded.revision) } : {}),
      ...(succeeded ? { lastSuccessfulDeployment: lastOf(succeeded) } : {}),
      ...(attempted ? { lastAttemptedDeployment: lastOf(attempted) } : {}),
    },
  }
}

/** Pages in an order that means nothing, as AWS promises none. */
export function listDeployments(
  sim: Sim,
  input: Calls['codedeploy:ListDeployments']['input'],
): Answer<'codedeploy:ListDeployments'> {
  const { world } = sim
  if (input.deploymentGroupName !== undefined || input.applicationName !== undefined) {
    groupOf(world, input.applicationName, input.deploymentGroupName)
  }
  const statuses = input.includeOnlyStatuses ?? STATUSES
  for (const status of statuses) {
    if (!STATUSES.includes(status)) {
      throw refuse('InvalidDeploymentStatusException', 'The deployment status is invalid.')
    }
  }
  const asOfMs = world.nowMs - lag(world, 'codedeploy:ListDeployments')
  const startMs = input.createTimeRange?.start?.getTime() ?? Number.NEGATIVE_INFINITY
  const endMs = input.createTimeRange?.end?.getTime() ?? Number.POSITIVE_INFINITY
  if (startMs > endMs) throw refuse('InvalidTimeRangeException', 'The specified time range is invalid.')
  const ids = Object.values(world.deployments)
    .filter(
      (deployment) =>
        (input.applicationName === undefined || deployment.application === input.applicationName) &&
        (input.deploymentGroupName === undefined || deployment.group === input.deploymentGroupName) &&
        statuses.includes(deployment.status) &&
        deployment.createdAtMs <= asOfMs &&
        deployment.createdAtMs >= startMs &&
        deployment.createdAtMs <= endMs,
    )
    .map((deployment) => ({ id: deployment.id, place: sha256(`${world.seed}/${deployment.id}`) }))
    .sort((a, b) => (a.place < b.place ? -1 : 1))
    .map((entry) => entry.id)
  const size = world.faults.pageSize['codedeploy:ListDeployments'] ?? PAGE_SIZE
  const from = input.nextToken === undefined ? 0 : Number(input.nextToken)
  if (!Number.isInteger(from)) throw refuse('InvalidNextTokenException', 'The next token is invalid.')
  return {
    deployments: ids.slice(from, from + size),
    ...(from + size < ids.length ? { nextToken: String(from + size) } : {}),
  }
}

export function batchGetDeployments(
  sim: Sim,
  input: Calls['codedeploy:BatchGetDeployments']['input'],
): Answer<'codedeploy:BatchGetDeployments'> {
  const ids = need(input.deploymentIds, () =>
    refuse('DeploymentIdRequiredException', 'Deployment ids are required.'),
  )
  if (ids.length === 0) throw refuse('DeploymentIdRequiredException', 'Deployment ids are required.')
  if (ids.length > MAX_BATCH) {
    throw refuse('BatchLimitExceededException', `The maximum number of deployment ids is ${MAX_BATCH}.`)
  }
  const found = ids.map((id) => sim.world.deployments[id]).filter((deployment) => deployment !== undefined)
  return { deploymentsInfo: found.map((deployment) => infoOf(sim.world, deployment)) }
}

export function getDeployment(
  sim: Sim,
  input: Calls['codedeploy:GetDeployment']['input'],
): Answer<'codedeploy:GetDeployment'> {
  return { deploymentInfo: infoOf(sim.world, deploymentOf(sim.world, input.deploymentId)) }
}

/** The only call that tells the text of an AppSpec. */
export function getApplicationRevision(
  sim: Sim,
  input: Calls['codedeploy:GetApplicationRevision']['input'],
): Answer<'codedeploy:GetApplicationRevision'> {
  const application = applicationOf(sim.world, input.applicationName)
  const location = need(input.revision, () => refuse('RevisionRequiredException', 'A revision is required.'))
  const revision = need(revisionOf(application, location), () =>
    refuse(
      'RevisionDoesNotExistException',
      `No application revision found for application: ${application.name}`,
    ),
  )
  return {
    applicationName: application.name,
    revision: copyOf(revision.location),
    revisionInfo: {
      description: revision.description,
      registerTime: new Date(revision.registeredAtMs),
      ...(revision.firstUsedAtMs === undefined ? {} : { firstUsedTime: new Date(revision.firstUsedAtMs) }),
      ...(revision.lastUsedAtMs === undefined ? {} : { lastUsedTime: new Date(revision.lastUsedAtMs) }),
    },
  }
}

export function stopDeployment(
  sim: Sim,
  input: Calls['codedeploy:StopDeployment']['input'],
): Answer<'codedeploy:StopDeployment'> {
  const deployment = deploymentOf(sim.world, input.deploymentId)
  if (!isActive(deployment)) {
    throw refuse(
      'DeploymentAlreadyCompletedException',
      `The deployment ${deployment.id} is already completed.`,
    )
  }
  deployment.stop ??= {
    atMs: sim.world.nowMs,
    rollback:
      input.autoRollbackEnabled ?? deployment.autoRollback.events.includes('DEPLOYMENT_STOP_ON_REQUEST'),
    error: { code: 'MANUAL_STOP', message: 'The deployment was stopped by a user.' },
  }
  return { status: 'Pending', statusMessage: `The deployment ${deployment.id} is being stopped.` }
}

export function createDeployment(
  sim: Sim,
  input: Calls['codedeploy:CreateDeployment']['input'],
): Answer<'codedeploy:CreateDeployment'> {
  const { world } = sim
  const { application, group } = groupOf(
    world,
    input.applicationName,
    need(input.deploymentGroupName, () =>
      refuse('DeploymentGroupNameRequiredException', 'Deployment group name is required.'),
    ),
  )
  if ((input.description ?? '').length > MAX_DESCRIPTION) {
    throw refuse(
      'DescriptionTooLongException',
      `The description is longer than ${MAX_DESCRIPTION} characters.`,
    )
  }
  const revision = askedRevision(world, application, group, input)
  if (application.platform === 'Lambda' && input.ignoreApplicationStopFailures === true) {
    throw refuse(
      'InvalidIgnoreApplicationStopFailuresValueException',
      'For AWS Lambda deployments the value of ignoreApplicationStopFailures must be false.',
    )
  }
  const active = Object.values(world.deployments).find(
    (other) => other.application === application.name && other.group === group.name && isActive(other),
  )
  if (active) {
    throw refuse(
      'DeploymentLimitExceededException',
      `The Deployment Group '${group.name}' already has an active Deployment '${active.id}'`,
    )
  }
  const configName = input.deploymentConfigName ?? group.configName
  if (!configFits(configName, application)) {
    throw refuse(
      'DeploymentConfigDoesNotExistException',
      `No deployment configuration found for name: ${configName}`,
    )
  }
  const auto = input.autoRollbackConfiguration
  const guard = input.overrideAlarmConfiguration
  const deployment = openDeployment(sim, application, group, revision, {
    creator: 'user',
    mode: input.deploymentMode === 'RESTART' ? 'RESTART' : 'DEFAULT',
    description: input.description ?? '',
    configName,
    ignoreStopFailures: input.ignoreApplicationStopFailures ?? false,
    autoRollback: auto
      ? { enabled: auto.enabled ?? false, events: [...(auto.events ?? [])] }
      : group.autoRollback,
    ...(guard
      ? {
          alarmOverride: {
            enabled: guard.enabled ?? false,
            names: (guard.alarms ?? []).map((alarm) => alarm.name ?? ''),
          },
        }
      : {}),
  })
  return { deploymentId: deployment.id }
}

/** What is to be deployed; an AppSpec must carry its text, and a restart takes what runs. */
function askedRevision(
  world: World,
  application: Application,
  group: DeploymentGroup,
  input: Calls['codedeploy:CreateDeployment']['input'],
): RevisionLocation {
  if (input.deploymentMode === 'RESTART') {
    if (application.platform !== 'Server' || input.revision !== undefined) {
      throw refuse(
        'InvalidDeploymentModeException',
        'RESTART takes no revision, and in-place deployments only.',
      )
    }
    const last = Object.values(world.deployments).findLast(
      (other) =>
        other.group === group.name && other.application === application.name && other.status === 'Succeeded',
    )
    return need(last?.revision, () =>
      refuse('RevisionRequiredException', 'There is no successful deployment yet.'),
    )
  }
  const location = need(input.revision, () => refuse('RevisionRequiredException', 'A revision is required.'))
  const expected = application.platform === 'Server' ? ['S3', 'GitHub'] : ['S3', 'AppSpecContent', 'String']
  const type = location.revisionType ?? ''
  const body = location.appSpecContent?.content ?? location.string?.content
  const complete =
    (type === 'S3' && location.s3Location?.bucket !== undefined && location.s3Location.key !== undefined) ||
    (type === 'GitHub' && location.gitHubLocation?.commitId !== undefined) ||
    ((type === 'AppSpecContent' || type === 'String') && body !== undefined && body !== '')
  if (!expected.includes(type) || !complete) {
    throw refuse('InvalidRevisionException', 'The revision was specified in an invalid format.')
  }
  if (body === undefined) return location
  return { revisionType: 'AppSpecContent', appSpecContent: { content: body, sha256: sha256(body) } }
}

/** AWS's own configurations bear the platform's name; the account has no others. */
function configFits(name: string, application: Application): boolean {
  const kinds = { ECS: /^ECS/, Lambda: /^Lambda/, Server: /^(AllAtOnce|HalfAtATime|OneAtATime)$/ }
  return name.startsWith('CodeDeployDefault.') && kinds[application.platform].test(name.slice(18))
}

function lastOf(deployment: Deployment) {
  return {
    deploymentId: deployment.id,
    status: deployment.status,
    createTime: new Date(deployment.createdAtMs),
    ...(deployment.completedAtMs === undefined ? {} : { endTime: new Date(deployment.completedAtMs) }),
  }
}

function ecsServiceOf(key: string) {
  const [clusterName, serviceName] = key.split('/')
  return { clusterName: clusterName ?? '', serviceName: serviceName ?? '' }
}

function applicationOf(world: World, name: string | undefined): Application {
  const asked = need(name, () => refuse('ApplicationNameRequiredException', 'Application name is required.'))
  return need(world.applications[asked], () =>
    refuse('ApplicationDoesNotExistException', `No application found for name: ${asked}`),
  )
}

function groupOf(world: World, applicationName: string | undefined, groupName: string | undefined) {
  const application = applicationOf(world, applicationName)
  const asked = need(groupName, () =>
    refuse('DeploymentGroupNameRequiredException', 'Deployment group name is required.'),
  )
  const group = need(application.groups[asked], () =>
    refuse('DeploymentGroupDoesNotExistException', `No Deployment Group found for name: ${asked}`),
  )
  return { application, group }
}

function deploymentOf(world: World, id: string | undefined): Deployment {
  const asked = need(id, () => refuse('DeploymentIdRequiredException', 'The deployment ID is required.'))
  if (!/^d-[A-Z0-9]+$/.test(asked)) {
    throw refuse('InvalidDeploymentIdException', `The specified deployment ID is invalid: ${asked}`)
  }
  return need(world.deployments[asked], () =>
    refuse('DeploymentDoesNotExistException', `The deployment ${asked} could not be found`),
  )
}

function lag(world: World, name: CallName): number {
  return world.faults.lagMs[name] ?? 0
}
