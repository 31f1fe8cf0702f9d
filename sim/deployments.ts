import type { RevisionLocation } from '@aws-sdk/client-codedeploy'
import {
  type Application,
  type Deployment,
  type DeploymentGroup,
  isActive,
  lastSuccess,
  QUEUE_MS,
  register,
  revisionOf,
} from './applications.ts'
import { nextCapitals, nextUuid } from './chance.ts'
import { each } from './each.ts'
import { isSteady, shiftTasks, taskDefinitionArn } from './ecs.ts'
import { type Sim, TICK_MS, type World } from './world.ts'

/** How long a stop takes. */
const STOP_MS = 3_000
/** `rollbackInfo` shows some seconds after the rollback was created. */
const ROLLBACK_INFO_MS = 4_000
/** A service that scales makes a running deployment wait this long at most (AWS.md 1.2); one that starts, an hour. */
const UNSTEADY_MS = 300_000
const UNSTEADY_START_MS = 3_600_000
/** Traffic is shifted at this share of the way. */
const SHIFT_AT = 0.6

/** Starts a deployment; the caller has seen to it that none is active. */
export function openDeployment(
  sim: Sim,
  application: Application,
  group: DeploymentGroup,
  revision: RevisionLocation,
  options: Pick<
    Deployment,
    'creator' | 'mode' | 'description' | 'configName' | 'ignoreStopFailures' | 'autoRollback'
  > &
    Partial<Pick<Deployment, 'alarmOverride' | 'rollback' | 'durationMs'>>,
): Deployment {
  const { world } = sim
  register(application, revision, world.nowMs)
  const previous = lastSuccess(world, application.name, group.name)
  const deployment: Deployment = {
    id: `d-${nextCapitals(world, 'deployment', 9)}`,
    application: application.name,
    group: group.name,
    revision,
    ...(previous ? { previousRevision: previous.revision } : {}),
    creator: options.creator,
    mode: options.mode,
    configName: options.configName,
    description: options.description,
    autoRollback: options.autoRollback,
    ...(options.alarmOverride ? { alarmOverride: options.alarmOverride } : {}),
    ignoreStopFailures: options.ignoreStopFailures,
    durationMs: options.durationMs ?? group.durationMs,
    createdAtMs: world.nowMs,
    status: 'Created',
    progressMs: 0,
    unsteadyMs: 0,
    shifted: false,
    ...(options.rollback ? { rollback: options.rollback } : {}),
  }
  world.deployments[deployment.id] = deployment
  return deployment
}

/** One second of every active deployment. */
export function tickDeployments(sim: Sim): void {
  each(sim.world.deployments, (deployment) => {
    if (isActive(deployment)) tickDeployment(sim, deployment)
  })
}

function tickDeployment(sim: Sim, deployment: Deployment): void {
  const { world } = sim
  const application = world.applications[deployment.application]
  const group = application?.groups[deployment.group]
  if (!application || !group) return
  if (deployment.stop) {
    if (world.nowMs - deployment.stop.atMs >= STOP_MS) end(sim, deployment, 'Stopped', deployment.stop.error)
    return
  }
  if (deployment.status === 'Created') {
    if (world.nowMs - deployment.createdAtMs < QUEUE_MS) return
    deployment.status = 'InProgress'
    deployment.startedAtMs = world.nowMs
    emitState(sim, deployment, 'START')
  }
  const firing = firingAlarms(world, deployment, group)
  if (firing.length > 0) {
    const message = `One or more alarms have been activated according to the Amazon CloudWatch metrics you selected, and the affected deployments have been stopped. Activated alarms: <${firing.join(', ')}>`
    const rollback =
      deployment.autoRollback.enabled && deployment.autoRollback.events.includes('DEPLOYMENT_STOP_ON_ALARM')
    deployment.stop = { atMs: world.nowMs, rollback, error: { code: 'ALARM_ACTIVE', message } }
    return
  }
  proceed(sim, deployment, application, group)
}

function proceed(sim: Sim, deployment: Deployment, application: Application, group: DeploymentGroup): void {
  const { world } = sim
  const service = group.backend.is === 'ecs' ? world.services[group.backend.service] : undefined
  if (service && !isSteady(world, service)) {
    deployment.unsteadyMs += TICK_MS
    const limitMs = deployment.progressMs === 0 ? UNSTEADY_START_MS : UNSTEADY_MS
    if (deployment.unsteadyMs > limitMs) {
      const message = 'The deployment timed out while waiting for the ECS service to reach a steady state.'
      end(sim, deployment, 'Failed', { code: 'TIMEOUT', message })
    }
    return
  }
  deployment.unsteadyMs = 0
  deployment.progressMs += TICK_MS
  if (!deployment.shifted && deployment.progressMs >= deployment.durationMs * SHIFT_AT) {
    const problem = shift(world, application, group, deployment)
    if (problem) {
      end(sim, deployment, 'Failed', problem)
      return
    }
    deployment.shifted = true
  }
  if (deployment.progressMs >= deployment.durationMs) end(sim, deployment, 'Succeeded')
}

/** Makes the new revision serve; says why where it cannot. */
function shift(
  world: World,
  application: Application,
  group: DeploymentGroup,
  deployment: Deployment,
): { code: string; message: string } | undefined {
  const revision = revisionOf(application, deployment.revision)
  const backend = group.backend
  if (!revision || revision.gone === true) {
    return { code: 'REVISION_MISSING', message: 'The revision could not be found or fetched.' }
  }
  const content = revision.location.appSpecContent?.content ?? ''
  if (backend.is === 'ecs') {
    const service = world.services[backend.service]
    const asked = /TaskDefinition["']?\s*:\s*["']?([^"'\s,}]+)/.exec(content)?.[1] ?? ''
    try {
      if (service) shiftTasks(world, service, taskDefinitionArn(world, asked))
    } catch {
      return { code: 'INVALID_ECS_SERVICE', message: `The task definition ${asked} cannot be used.` }
    }
    return undefined
  }
  if (backend.is === 'lambda') return shiftAlias(world, backend.alias, content)
  const fleet = world.fleets[backend.fleet]
  if (fleet && deployment.mode !== 'RESTART') fleet.build = addressOf(deployment.revision)
  return undefined
}

/** A Lambda AppSpec names where the alias stands and where it goes; it is good for one journey only. */
function shiftAlias(
  world: World,
  name: string,
  content: string,
): { code: string; message: string } | undefined {
  const alias = world.aliases[name]
  const current = /CurrentVersion["']?\s*:\s*["']?(\w+)/.exec(content)?.[1]
  const target = /TargetVersion["']?\s*:\s*["']?(\w+)/.exec(content)?.[1]
  if (!alias || current === undefined || target === undefined || current === target) {
    return {
      code: 'INVALID_REVISION',
      message: 'CurrentVersion and TargetVersion must be given and must differ.',
    }
  }
  if (alias.version !== current) {
    const message = `The alias points to version ${alias.version}, not to the CurrentVersion ${current}.`
    return { code: 'INVALID_LAMBDA_CONFIGURATION', message }
  }
  if (!world.builds[`${name.split(':')[0]}:${target}`]) {
    return { code: 'INVALID_LAMBDA_FUNCTION', message: `The version ${target} does not exist.` }
  }
  alias.version = target
  return undefined
}

/** The name of a server build: where its files are. */
export function addressOf(location: RevisionLocation): string {
  const s3 = location.s3Location
  if (s3) return `s3://${s3.bucket}/${s3.key}${s3.version === undefined ? '' : `?versionId=${s3.version}`}`
  return `github://${location.gitHubLocation?.repository}/${location.gitHubLocation?.commitId}`
}

function end(
  sim: Sim,
  deployment: Deployment,
  status: 'Succeeded' | 'Failed' | 'Stopped',
  error?: { code: string; message: string },
): void {
  deployment.status = status
  deployment.completedAtMs = sim.world.nowMs
  if (error) deployment.error = error
  emitState(sim, deployment, ({ Succeeded: 'SUCCESS', Failed: 'FAILURE', Stopped: 'STOP' } as const)[status])
  const wantsRollback =
    status === 'Stopped'
      ? deployment.stop?.rollback === true
      : deployment.autoRollback.enabled && deployment.autoRollback.events.includes('DEPLOYMENT_FAILURE')
  if (status !== 'Succeeded' && wantsRollback && deployment.creator !== 'codeDeployRollback')
    rollBack(sim, deployment)
}

/** CodeDeploy's own way back: the last successful revision again, which no alarm stops. */
function rollBack(sim: Sim, deployment: Deployment): void {
  const { world } = sim
  const application = world.applications[deployment.application]
  const group = application?.groups[deployment.group]
  const good = lastSuccess(world, deployment.application, deployment.group)
  if (!application || !group) return
  if (!good) {
    deployment.rollback = { atMs: world.nowMs, message: 'There is no successful deployment to roll back to.' }
    return
  }
  const back = openDeployment(sim, application, group, good.revision, {
    creator: 'codeDeployRollback',
    mode: 'DEFAULT',
    description: `Rollback of ${deployment.id} to the revision of ${good.id}.`,
    configName: deployment.configName,
    ignoreStopFailures: true,
    autoRollback: { enabled: false, events: [] },
    alarmOverride: { enabled: false, names: [] },
    durationMs: group.rollbackMs,
    rollback: { atMs: world.nowMs, triggeredBy: deployment.id, message: `Rolls back ${deployment.id}.` },
  })
  deployment.rollback = {
    atMs: world.nowMs + ROLLBACK_INFO_MS,
    deploymentId: back.id,
    message: `Deployment ${deployment.id} is rolled back by ${back.id}.`,
  }
}

function firingAlarms(world: World, deployment: Deployment, group: DeploymentGroup): string[] {
  const guard = deployment.alarmOverride ?? group.alarms
  return guard.enabled ? guard.names.filter((name) => world.alarms[name]?.state.value === 'ALARM') : []
}

function emitState(sim: Sim, deployment: Deployment, state: 'START' | 'SUCCESS' | 'FAILURE' | 'STOP'): void {
  const { world } = sim
  const arn = `arn:aws:codedeploy:${world.region}:${world.account}`
  sim.emit({
    version: '0',
    id: nextUuid(world, 'event'),
    'detail-type': 'CodeDeploy Deployment State-change Notification',
    source: 'aws.codedeploy',
    account: world.account,
    time: new Date(world.nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    region: world.region,
    resources: [
      `${arn}:application:${deployment.application}`,
      `${arn}:deploymentgroup:${deployment.application}/${deployment.group}`,
    ],
    detail: {
      region: world.region,
      deploymentId: deployment.id,
      instanceGroupId: world.applications[deployment.application]?.groups[deployment.group]?.id ?? '',
      deploymentGroup: deployment.group,
      state,
      application: deployment.application,
    },
  })
}
