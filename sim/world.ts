import { newSlack, type SlackWorld } from './slack.ts'
import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import type { CallName } from '../lib/aws/aws.ts'
import type { Json } from '../lib/json.ts'
import type { Application, Backend, Deployment } from './applications.ts'
import type { OutsideAct } from './outside.ts'

/**
 * Everything that the simulated account knows, as plain data: `structuredClone` or JSON copies it, so a stack on disk
 * goes on where it stopped. The functions that change it live in the files named after the AWS services.
 */
export interface World {
  readonly seed: number
  readonly account: string
  readonly region: string
  /** Virtual time. */
  nowMs: number
  /** The last second that was played; the world moves in whole seconds, whatever steps the clock takes. */
  tickedMs: number
  /** How many ids of each kind were handed out. */
  ids: { [kind: string]: number }
  services: { [key: string]: EcsService }
  clusters: string[]
  scalableTargets: { [resourceId: string]: ScalableTarget }
  zones: { [id: string]: HostedZone }
  dnsChanges: { [id: string]: DnsChange }
  healthChecks: { [id: string]: { healthy: boolean } }
  applications: { [name: string]: Application }
  deployments: { [id: string]: Deployment }
  /** What versions of software do under load, by task definition ARN, S3 address or `function:version`. */
  builds: { [key: string]: Build }
  fleets: { [name: string]: { instances: number; build: string } }
  aliases: { [name: string]: { version: string } }
  sites: { [name: string]: Site }
  metrics: { [key: string]: MetricSeries }
  alarms: { [name: string]: Alarm }
  topics: string[]
  mailIdentities: string[]
  parameters: { [name: string]: { value: string; secure: boolean } }
  inbox: Message[]
  slack: SlackWorld
  /** Pages by PagerDuty's dedup key. */
  pages: { [dedupKey: string]: { open: boolean; acknowledged: boolean } }
  faults: Faults
  /** What other people will do, in order of time. */
  script: { atMs: number; act: OutsideAct }[]
}

export interface EcsService {
  readonly cluster: string
  readonly name: string
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE'
  readonly controller: 'ECS' | 'CODE_DEPLOY' | 'EXTERNAL'
  readonly scheduling: 'REPLICA' | 'DAEMON'
  desired: number
  taskDefinition: string
  tasks: Task[]
  /** From start to RUNNING. */
  startupMs: number
  /** How many tasks there is room for; absent: no limit. */
  placeable?: number
  /** From a new task definition to COMPLETED, at the least. */
  readonly rolloutMs: number
  /** Name and id of the target group that its tasks are registered in: `api/73e2d6bc24d8a067`. */
  readonly targetGroup?: string
  readonly createdAtMs: number
  deployments: EcsDeployment[]
  events: { id: string; atMs: number; message: string }[]
  /** Counts as they were, newest last, for describes that lag behind. */
  past: { atMs: number; desired: number; running: number; pending: number }[]
}

export interface Task {
  taskDefinition: string
  /** RUNNING from then on. */
  readyAtMs: number
}

export interface EcsDeployment {
  readonly id: string
  status: 'PRIMARY' | 'ACTIVE'
  readonly taskDefinition: string
  rolloutState: 'IN_PROGRESS' | 'COMPLETED'
  readonly createdAtMs: number
  updatedAtMs: number
}

export interface ScalableTarget {
  min: number
  max: number
  suspended: {
    DynamicScalingInSuspended: boolean
    DynamicScalingOutSuspended: boolean
    ScheduledScalingSuspended: boolean
  }
  readonly createdAtMs: number
  /** The range as it was before its latest changes, newest last, for describes that lag behind. */
  past?: { readonly untilMs: number; readonly min: number; readonly max: number }[]
  /** One-time scheduled actions by name; gone once they have run. */
  scheduled?: { [name: string]: { atMs: number; min?: number; max?: number; readonly createdAtMs: number } }
  /** A target tracking policy on the share of capacity in use. */
  tracking?: { share: number; lowSinceMs?: number }
}

export interface HostedZone {
  readonly id: string
  /** With the trailing dot. */
  readonly name: string
  records: ResourceRecordSet[]
  /** What the authoritative servers answer: `records` as of the last change that is in sync. */
  served: ResourceRecordSet[]
  /** Until then another change of this zone is refused with `PriorRequestNotComplete`. */
  busyUntilMs: number
  /** How long a change takes to be accepted; 0 in quiet times. */
  acceptMs: number
  /** How long an accepted change takes to be in sync; `IN_SYNC_MS` where it is not said. */
  syncMs?: number
  /** `name|type` of record set protections. */
  protected: string[]
}

export interface DnsChange {
  readonly id: string
  readonly zone: string
  readonly submittedAtMs: number
  readonly inSyncAtMs: number
  readonly comment?: string
  /** The zone's records after this change. */
  readonly records: ResourceRecordSet[]
  applied: boolean
}

export interface Build {
  /** Share of requests that fail where every request takes the new path. */
  readonly errorRatio: number
  /** Requests a second that one task can serve. */
  readonly mu: number
}

/** A name that clients ask for, and what stands behind it. */
export interface Site {
  readonly name: string
  /** Zone, record name and type of the weighted group. */
  readonly zone: string
  readonly recordName: string
  readonly recordType: string
  rps: number
  /** Uniform noise of the load, as a share. */
  readonly jitter: number
  readonly endpoints: Endpoint[]
  readonly namespace: string
  readonly dimensions: { readonly [name: string]: string }
  /** 60,000, or 10,000 for high resolution. */
  readonly periodMs: number
  /** Where clients go: shares before and after the last change that resolvers are learning. */
  dns: { from: Shares; to: Shares; sinceMs: number; ttlMs: number }
}

export interface Endpoint {
  /** `SetIdentifier` of its record. */
  readonly name: string
  /** What its record points at: an address or a name. */
  readonly address: string
  readonly backend: Backend
  /** Share of requests that take the new path of a build: 1 on a canary, little elsewhere. */
  readonly exposure: number
  readonly dimensions: { readonly [name: string]: string }
  /** Fractions of requests and errors that were not counted yet, so that counts are whole and nothing is lost. */
  carry: { requests: number; errors: number }
}

export interface Shares {
  [endpoint: string]: number
}

export interface MetricSeries {
  readonly namespace: string
  readonly name: string
  readonly dimensions: { readonly [name: string]: string }
  readonly periodMs: number
  /** Oldest first. */
  points: MetricPoint[]
}

export interface MetricPoint {
  readonly atMs: number
  sum: number
  count: number
  min: number
  max: number
  /** Counts by logarithmic bin, for percentiles; only where a series needs them. */
  bins?: { [bin: string]: number }
}

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'

export interface Alarm {
  readonly name: string
  readonly description?: string
  readonly kind: MetricAlarmKind | CompositeAlarmKind
  actionsEnabled: boolean
  state: StateOfAlarm
  mute?: { arn: string; fromMs: number; untilMs: number }
  readonly updatedAtMs: number
}

export interface MetricAlarmKind {
  readonly is: 'metric'
  readonly metricId: string
  readonly namespace: string
  readonly metric: string
  readonly dimensions: { readonly [name: string]: string }
  readonly statistic: 'Sum' | 'Average' | 'Maximum' | 'Minimum' | 'SampleCount'
  readonly periodMs: number
  readonly evaluationPeriods: number
  readonly datapointsToAlarm: number
  readonly threshold: number
  readonly comparison: Comparison
  readonly missing: 'missing' | 'notBreaching' | 'breaching' | 'ignore'
}

export type Comparison =
  | 'GreaterThanThreshold'
  | 'GreaterThanOrEqualToThreshold'
  | 'LessThanThreshold'
  | 'LessThanOrEqualToThreshold'

export interface CompositeAlarmKind {
  readonly is: 'composite'
  /** `ALARM("a") OR (ALARM(b) AND NOT OK(c))`. */
  readonly rule: string
  readonly suppressor?: string
}

export interface StateOfAlarm {
  readonly value: AlarmState
  readonly reason: string
  /** JSON text, as AWS sends it. */
  readonly reasonData?: string
  readonly atMs: number
}

/** Something that a person would have seen. */
export interface Message {
  readonly atMs: number
  readonly via: 'sns' | 'email' | 'pagerduty' | 'slack' | 'webhook'
  readonly to: string
  readonly subject: string
  readonly body: string
  /** PagerDuty's key, or the attribute of a message of SNS, where there is one. */
  readonly dedupKey?: string
  /** False where the message was joined to an open page and woke nobody. */
  readonly interrupts: boolean
}

export interface Refusal {
  readonly name: string
  readonly message: string
  readonly status: number
  /** `after`: the effect takes place and the answer is the error. */
  readonly when: 'before' | 'after'
  times: number
}

export interface Faults {
  refusals: { [name in CallName]?: Refusal[] }
  /** How far list and describe calls stay behind. */
  lagMs: { [name in CallName]?: number }
  /** HTTP answers instead of success, by host; 0 is a network failure. */
  http: { [host: string]: { status: number; body: string; times: number } }
  /** Page sizes below AWS's own. */
  pageSize: { [name in CallName]?: number }
}

/** An EventBridge event. */
export interface SimEvent {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': string
  readonly source: string
  readonly account: string
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: { readonly [name: string]: Json }
}

/** What the functions of the account work on: its data, and where its events go. */
export interface Sim {
  readonly world: World
  emit(event: SimEvent): void
}

/** An account with nothing in it. */
export function emptyWorld(options: {
  startAtMs: number
  seed: number
  account: string
  region: string
}): World {
  return {
    seed: options.seed,
    account: options.account,
    region: options.region,
    nowMs: options.startAtMs,
    tickedMs: Math.floor(options.startAtMs / TICK_MS) * TICK_MS,
    ids: {},
    services: {},
    clusters: [],
    scalableTargets: {},
    zones: {},
    dnsChanges: {},
    healthChecks: {},
    applications: {},
    deployments: {},
    builds: {},
    fleets: {},
    aliases: {},
    sites: {},
    metrics: {},
    alarms: {},
    topics: [],
    mailIdentities: [],
    parameters: {},
    inbox: [],
    slack: newSlack(),
    pages: {},
    faults: { refusals: {}, lagMs: {}, http: {}, pageSize: {} },
    script: [],
  }
}

/** The world moves in steps of a second: fine enough for periods of ten, cheap enough to play a day. */
export const TICK_MS = 1_000
