import type { Calls } from '../lib/aws/aws.ts'
import { isActive } from './applications.ts'
import type { Answer } from './calls.ts'
import { nextDigits, nextUuid } from './chance.ts'
import { need, refuse } from './refusal.ts'
import { targetGroupArn } from './targets.ts'
import type { EcsDeployment, EcsService, Sim, World } from './world.ts'

type ServiceShape = NonNullable<Calls['ecs:UpdateService']['output']['service']>
type UpdateInput = Calls['ecs:UpdateService']['input']

/** ECS keeps the newest 100 events of a service. */
const MAX_EVENTS = 100
/** A placement failure is told once, then again after this time. */
const PLACEMENT_EVENT_MS = 60_000
/** How long counts are kept for describes that lag. */
const PAST_MS = 300_000

/** Every parameter of `UpdateService` that some deployment controller refuses (AWS.md 1.2). */
const CODE_DEPLOY_ALLOWS = new Set([
  'cluster',
  'service',
  'desiredCount',
  'deploymentConfiguration',
  'healthCheckGracePeriodSeconds',
  'placementConstraints',
  'placementStrategy',
  'enableECSManagedTags',
  'propagateTags',
])
const EXTERNAL_ALLOWS = new Set([...CODE_DEPLOY_ALLOWS].filter((name) => name !== 'deploymentConfiguration'))
const NAMES: { readonly [parameter: string]: string } = {
  taskDefinition: 'task definition',
  networkConfiguration: 'network configuration',
  platformVersion: 'platform version',
  forceNewDeployment: 'force new deployment',
}

/** Puts a service of running tasks into the account. */
export function addService(
  world: World,
  options: { cluster: string; name: string; desired: number; taskDefinition: string } & Partial<
    Pick<
      EcsService,
      'controller' | 'scheduling' | 'startupMs' | 'placeable' | 'rolloutMs' | 'status' | 'targetGroup'
    >
  >,
): EcsService {
  const service: EcsService = {
    cluster: options.cluster,
    name: options.name,
    status: options.status ?? 'ACTIVE',
    controller: options.controller ?? 'ECS',
    scheduling: options.scheduling ?? 'REPLICA',
    desired: options.desired,
    taskDefinition: options.taskDefinition,
    tasks: Array.from({ length: options.desired }, () => ({
      taskDefinition: options.taskDefinition,
      readyAtMs: world.nowMs,
    })),
    startupMs: options.startupMs ?? 40_000,
    ...(options.placeable === undefined ? {} : { placeable: options.placeable }),
    rolloutMs: options.rolloutMs ?? 60_000,
    ...(options.targetGroup === undefined ? {} : { targetGroup: options.targetGroup }),
    createdAtMs: world.nowMs,
    deployments: [],
    events: [],
    past: [],
  }
  if (service.controller === 'ECS') service.deployments = [newDeployment(world, service, 'COMPLETED')]
  world.services[`${service.cluster}/${service.name}`] = service
  if (!world.clusters.includes(service.cluster)) world.clusters.push(service.cluster)
  return service
}

/** `prod` and `api` from names or ARNs of either. */
function keyOf(cluster: string | undefined, service: string): { cluster: string; key: string } {
  const clusterName = (cluster ?? 'default').split('/').pop() ?? ''
  return { cluster: clusterName, key: `${clusterName}/${service.split('/').pop() ?? ''}` }
}

export function describeServices(
  sim: Sim,
  input: Calls['ecs:DescribeServices']['input'],
): Answer<'ecs:DescribeServices'> {
  const names = need(input.services, () => refuse('InvalidParameterException', 'Services cannot be empty.'))
  if (names.length === 0) throw refuse('InvalidParameterException', 'Services cannot be empty.')
  if (names.length > 10)
    throw refuse('InvalidParameterException', 'Services cannot have more than 10 elements.')
  const { world } = sim
  if (!world.clusters.includes(keyOf(input.cluster, '').cluster)) {
    throw refuse('ClusterNotFoundException', 'Cluster not found.')
  }
  const asOfMs = world.nowMs - (world.faults.lagMs['ecs:DescribeServices'] ?? 0)
  const services: ServiceShape[] = []
  const failures: { arn: string; reason: string }[] = []
  for (const name of names) {
    const { cluster, key } = keyOf(input.cluster, name)
    const service = world.services[key]
    if (service) services.push(shapeOf(world, service, asOfMs))
    else failures.push({ arn: arnOf(world, cluster, name.split('/').pop() ?? ''), reason: 'MISSING' })
  }
  return { services, failures }
}

export function updateService(sim: Sim, input: UpdateInput): Answer<'ecs:UpdateService'> {
  const { world } = sim
  const name = need(input.service, () => refuse('InvalidParameterException', 'Service cannot be blank.'))
  const { cluster, key } = keyOf(input.cluster, name)
  if (!world.clusters.includes(cluster)) throw refuse('ClusterNotFoundException', 'Cluster not found.')
  const service = need(world.services[key], () => refuse('ServiceNotFoundException', 'Service not found.'))
  if (service.status !== 'ACTIVE') throw refuse('ServiceNotActiveException', 'Service was not ACTIVE.')
  refuseIllegal(service, input)
  if (input.desiredCount !== undefined) {
    if (!Number.isInteger(input.desiredCount) || input.desiredCount < 0) {
      throw refuse('InvalidParameterException', 'desiredCount must be a whole number, 0 or more.')
    }
    setDesired(world, service, input.desiredCount)
  }
  if (input.taskDefinition !== undefined || input.forceNewDeployment === true) {
    startRollout(world, service, taskDefinitionArn(world, input.taskDefinition ?? service.taskDefinition))
  }
  return { service: shapeOf(world, service, world.nowMs) }
}

/** ECS's own refusals of parameters that the controller, or the strategy, owns. */
function refuseIllegal(service: EcsService, input: UpdateInput): void {
  if (service.scheduling === 'DAEMON' && input.desiredCount !== undefined) {
    throw refuse(
      'InvalidParameterException',
      'The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again',
    )
  }
  if (service.controller === 'ECS') return
  const allowed = service.controller === 'CODE_DEPLOY' ? CODE_DEPLOY_ALLOWS : EXTERNAL_ALLOWS
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === false || allowed.has(name)) continue
    const remedy =
      service.controller === 'CODE_DEPLOY'
        ? 'Use AWS CodeDeploy to trigger a new deployment.'
        : 'Use task sets to make a new deployment.'
    const what = NAMES[name] ?? name
    const message = `Unable to update ${what} on services with a ${service.controller} deployment controller. ${remedy}`
    throw refuse('InvalidParameterException', message)
  }
}

/** Sets the desired count; tasks follow at the next tick. */
export function setDesired(world: World, service: EcsService, desired: number): void {
  service.desired = desired
  remember(world, service)
}

/** A rolling deployment to another task definition, or to the same one again. */
export function startRollout(world: World, service: EcsService, taskDefinition: string): void {
  for (const deployment of service.deployments) deployment.status = 'ACTIVE'
  service.taskDefinition = taskDefinition
  service.deployments.unshift(newDeployment(world, service, 'IN_PROGRESS'))
  say(
    world,
    service,
    `(service ${service.name}) has begun a deployment to ${taskDefinition.split('/').pop()}.`,
  )
}

/** CodeDeploy's traffic shift: every task at once, as when the replacement set was already healthy. */
export function shiftTasks(world: World, service: EcsService, taskDefinition: string): void {
  service.taskDefinition = taskDefinition
  for (const task of service.tasks) task.taskDefinition = taskDefinition
  say(
    world,
    service,
    `(service ${service.name}) primary task set now runs ${taskDefinition.split('/').pop()}.`,
  )
}

/** One second: tasks start, stop, become RUNNING and are exchanged by rollouts. */
export function tickService(world: World, service: EcsService): void {
  const room = service.placeable ?? Number.POSITIVE_INFINITY
  const wanted = service.status === 'ACTIVE' ? service.desired : 0
  while (service.tasks.length < Math.min(wanted, room)) {
    service.tasks.push({ taskDefinition: service.taskDefinition, readyAtMs: world.nowMs + service.startupMs })
  }
  if (service.tasks.length < wanted) sayUnplaced(world, service)
  if (service.tasks.length > wanted) {
    // Tasks that have not started yet are the cheapest to take away.
    service.tasks.sort((a, b) => a.readyAtMs - b.readyAtMs)
    service.tasks.length = wanted
  }
  rollOn(world, service)
  remember(world, service)
}

/** Whether a second more changes nothing of it. */
export function isServiceAtRest(world: World, service: EcsService): boolean {
  const wanted = service.status === 'ACTIVE' ? service.desired : 0
  const last = service.past.at(-1)
  return (
    service.tasks.length === wanted &&
    service.deployments[0]?.rolloutState !== 'IN_PROGRESS' &&
    runningOf(world, service) === wanted &&
    last?.desired === service.desired &&
    last.running === wanted &&
    last.pending === 0
  )
}

function rollOn(world: World, service: EcsService): void {
  const primary = service.deployments[0]
  if (primary?.rolloutState !== 'IN_PROGRESS') return
  const share = Math.min(1, (world.nowMs - primary.createdAtMs) / service.rolloutMs)
  const exchanged = Math.floor(service.tasks.length * share)
  service.tasks.slice(0, exchanged).forEach((task) => (task.taskDefinition = service.taskDefinition))
  if (share < 1 || runningOf(world, service) < service.desired) return
  primary.rolloutState = 'COMPLETED'
  primary.updatedAtMs = world.nowMs
  service.deployments = [primary]
  say(world, service, `(service ${service.name}) (deployment ${primary.id}) deployment completed.`)
}

export function runningOf(world: World, service: EcsService): number {
  let running = 0
  for (const task of service.tasks) if (task.readyAtMs <= world.nowMs) running++
  return running
}

/** As many running as desired, and no rollout under way. */
export function isSteady(world: World, service: EcsService): boolean {
  return service.tasks.length === service.desired && runningOf(world, service) === service.desired
}

/** A full ARN; a family alone means its highest revision, which is the trap that AWS.md 5.3 warns of. */
export function taskDefinitionArn(world: World, text: string): string {
  const name = text.split('/').pop() ?? text
  const prefix = `arn:aws:ecs:${world.region}:${world.account}:task-definition/`
  if (name.includes(':')) {
    if (!world.builds[prefix + name]) throw refuse('ClientException', 'Unable to describe task definition.')
    return prefix + name
  }
  const revisions = Object.keys(world.builds)
    .filter((arn) => arn.startsWith(`${prefix}${name}:`))
    .map((arn) => Number(arn.split(':').pop()))
  if (revisions.length === 0) throw refuse('ClientException', 'Unable to describe task definition.')
  return `${prefix}${name}:${Math.max(...revisions)}`
}

function newDeployment(
  world: World,
  service: EcsService,
  rolloutState: EcsDeployment['rolloutState'],
): EcsDeployment {
  return {
    id: `ecs-svc/${nextDigits(world, 'ecs-deployment', 19)}`,
    status: 'PRIMARY',
    taskDefinition: service.taskDefinition,
    rolloutState,
    createdAtMs: world.nowMs,
    updatedAtMs: world.nowMs,
  }
}

function remember(world: World, service: EcsService): void {
  const { desired } = service
  const running = runningOf(world, service)
  const pending = service.tasks.length - running
  const last = service.past.at(-1)
  if (last?.desired === desired && last.running === running && last.pending === pending) return
  service.past.push({ atMs: world.nowMs, desired, running, pending })
  while ((service.past[1]?.atMs ?? Number.POSITIVE_INFINITY) < world.nowMs - PAST_MS) service.past.shift()
}

function say(world: World, service: EcsService, message: string): void {
  service.events.unshift({ id: nextUuid(world, 'ecs-event'), atMs: world.nowMs, message })
  service.events.length = Math.min(service.events.length, MAX_EVENTS)
}

function sayUnplaced(world: World, service: EcsService): void {
  const message =
    `(service ${service.name}) was unable to place a task because no container instance met all of its ` +
    'requirements. The closest matching container-instance has insufficient CPU units available.'
  const last = service.events.find((event) => event.message === message)
  if (last && world.nowMs - last.atMs < PLACEMENT_EVENT_MS) return
  say(world, service, message)
}

function arnOf(world: World, cluster: string, name: string): string {
  return `arn:aws:ecs:${world.region}:${world.account}:service/${cluster}/${name}`
}

/** The service as `DescribeServices` tells it; counts as of `asOfMs`. A CODE_DEPLOY service has task sets instead of deployments. */
function shapeOf(world: World, service: EcsService, asOfMs: number): ServiceShape {
  const counts = service.past.findLast((past) => past.atMs <= asOfMs) ?? service.past[0]
  const running = counts?.running ?? runningOf(world, service)
  const pending = counts?.pending ?? 0
  const desired = counts?.desired ?? service.desired
  const taskSets =
    service.controller === 'ECS' ? undefined : taskSetsOf(world, service, desired, running, pending)
  return {
    serviceArn: arnOf(world, service.cluster, service.name),
    serviceName: service.name,
    clusterArn: `arn:aws:ecs:${world.region}:${world.account}:cluster/${service.cluster}`,
    status: service.status,
    desiredCount: desired,
    runningCount: running,
    pendingCount: pending,
    launchType: 'FARGATE',
    schedulingStrategy: service.scheduling,
    deploymentController: { type: service.controller },
    deploymentConfiguration: { maximumPercent: 200, minimumHealthyPercent: 100, strategy: 'ROLLING' },
    taskDefinition: service.taskDefinition,
    createdAt: new Date(service.createdAtMs),
    loadBalancers: loadBalancersOf(world, service),
    deployments: service.deployments.map((deployment, index) => ({
      id: deployment.id,
      status: deployment.status,
      taskDefinition: deployment.taskDefinition,
      rolloutState: deployment.rolloutState,
      desiredCount: index === 0 ? desired : 0,
      runningCount: index === 0 ? running : 0,
      pendingCount: index === 0 ? pending : 0,
      failedTasks: 0,
      createdAt: new Date(deployment.createdAtMs),
      updatedAt: new Date(deployment.updatedAtMs),
    })),
    ...(taskSets ? { taskSets } : {}),
    events: service.events.map((event) => ({
      id: event.id,
      createdAt: new Date(event.atMs),
      message: event.message,
    })),
  }
}

function loadBalancersOf(world: World, service: EcsService) {
  const targetGroup = targetGroupArn(world, service)
  if (targetGroup === undefined) return []
  return [{ targetGroupArn: targetGroup, containerName: service.name, containerPort: 8080 }]
}

/** The primary task set, and the replacement beside it while CodeDeploy deploys. */
function taskSetsOf(world: World, service: EcsService, desired: number, running: number, pending: number) {
  const replacement = Object.values(world.deployments).find((deployment) => {
    const backend = world.applications[deployment.application]?.groups[deployment.group]?.backend
    const here = backend?.is === 'ecs' && backend.service === `${service.cluster}/${service.name}`
    return here && isActive(deployment)
  })
  const set = (number: number, status: 'PRIMARY' | 'ACTIVE') => ({
    id: `ecs-svc/400000000000000000${number}`,
    status,
    taskDefinition: service.taskDefinition,
    computedDesiredCount: desired,
    runningCount: running,
    pendingCount: pending,
    scale: { value: 100, unit: 'PERCENT' as const },
    stabilityStatus: isSteady(world, service) ? ('STEADY_STATE' as const) : ('STABILIZING' as const),
    loadBalancers: loadBalancersOf(world, service),
    createdAt: new Date(service.createdAtMs),
  })
  return replacement ? [set(1, 'PRIMARY'), set(2, 'ACTIVE')] : [set(1, 'PRIMARY')]
}
