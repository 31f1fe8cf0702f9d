import {
  MUTATING_CALLS,
  type Aws,
  type AwsFor,
  type AwsScope,
  type CallName,
  type Calls,
} from '../lib/aws/aws.ts'
import type { Clock } from '../lib/clock.ts'
import type { Http, HttpAnswer, HttpRequest } from '../lib/http.ts'
import type { Json } from '../lib/json.ts'
import { describeAlarms, tickAlarms } from './alarms.ts'
import { describeScalableTargets, registerScalableTarget, tickTracking } from './autoscaling.ts'
import {
  deleteScheduledAction,
  describeScheduledActions,
  putScheduledAction,
  tickSchedules,
} from './scheduled-actions.ts'
import type { Handler } from './calls.ts'
import { nextUuid } from './chance.ts'
import { copyOf, plainOf } from './copy.ts'
import { each } from './each.ts'
import {
  batchGetDeployments,
  createDeployment,
  getApplicationRevision,
  getDeployment,
  getDeploymentGroup,
  listDeployments,
  stopDeployment,
} from './codedeploy.ts'
import { tickDeployments } from './deployments.ts'
import { describeServices, tickService, updateService } from './ecs.ts'
import { takeRefusal } from './faults.ts'
import { getAlias } from './lambda.ts'
import { tickSite, useOfService } from './load.ts'
import { answerHttp, getParameter, publish, sendEmail } from './messages.ts'
import { getMetricData } from './metrics.ts'
import { actOutside, type OutsideAct } from './outside.ts'
import { isAtRest } from './rest.ts'
import {
  changeResourceRecordSets,
  getChange,
  getHealthCheckStatus,
  listResourceRecordSets,
  tickZones,
} from './route53.ts'
import { describeTargetHealth } from './targets.ts'
import {
  decodeWire,
  encodeWire,
  packError,
  type WireAnswer,
  type WireError,
  type WireRequest,
} from './wire.ts'
import { withSlack } from './slack.ts'
import { emptyWorld, TICK_MS, type Message, type Sim, type SimEvent, type World } from './world.ts'

const HANDLERS: { readonly [K in CallName]: Handler<K> } = {
  'ecs:DescribeServices': describeServices,
  'ecs:UpdateService': updateService,
  'application-autoscaling:DescribeScalableTargets': describeScalableTargets,
  'application-autoscaling:RegisterScalableTarget': registerScalableTarget,
  'application-autoscaling:DescribeScheduledActions': describeScheduledActions,
  'application-autoscaling:PutScheduledAction': putScheduledAction,
  'application-autoscaling:DeleteScheduledAction': deleteScheduledAction,
  'elasticloadbalancing:DescribeTargetHealth': describeTargetHealth,
  'route53:ListResourceRecordSets': listResourceRecordSets,
  'route53:GetHealthCheckStatus': getHealthCheckStatus,
  'route53:ChangeResourceRecordSets': changeResourceRecordSets,
  'route53:GetChange': getChange,
  'lambda:GetAlias': getAlias,
  'codedeploy:GetDeploymentGroup': getDeploymentGroup,
  'codedeploy:ListDeployments': listDeployments,
  'codedeploy:BatchGetDeployments': batchGetDeployments,
  'codedeploy:GetDeployment': getDeployment,
  'codedeploy:GetApplicationRevision': getApplicationRevision,
  'codedeploy:StopDeployment': stopDeployment,
  'codedeploy:CreateDeployment': createDeployment,
  'cloudwatch:DescribeAlarms': describeAlarms,
  'cloudwatch:GetMetricData': getMetricData,
  'sns:Publish': publish,
  'ses:SendEmail': sendEmail,
  'ssm:GetParameter': getParameter,
}

/** Reads are forgotten beyond this number; calls that changed something never are. */
const MAX_READS = 5_000

/** A call that reached the account, or was kept from it. */
export interface LoggedCall {
  readonly atMs: number
  readonly name: CallName
  /** Which call of this name it was, from 1. */
  readonly ordinal: number
  readonly input: Json
  readonly mutating: boolean
  readonly requestId: string
  readonly executionId?: string
  /** Whether the call was carried out; an error may still have been answered. */
  readonly effect: boolean
  readonly error?: { readonly name: string; readonly message: string }
}

/** What a hook is told. */
export interface CallNotice {
  readonly name: CallName
  readonly ordinal: number
  readonly input: unknown
  readonly mutating: boolean
  readonly scope: AwsScope
}

/**
 * Stands before and after every call. Throwing in `before` keeps the effect away; throwing in `after` hides an effect that
 * took place, as a lost answer does. A promise delays.
 */
export interface CallHook {
  before?(call: CallNotice): void | Promise<void>
  after?(call: CallNotice, output: unknown): void | Promise<void>
}

/** The account on disk. */
export interface SavedAccount {
  readonly world: World
  readonly log: readonly LoggedCall[]
  readonly counts: { readonly [name: string]: { readonly calls: number; readonly effects: number } }
  readonly reads: number
}

/** A simulated AWS account in one region, on a virtual clock. */
export interface Account {
  readonly aws: AwsFor
  readonly http: Http
  readonly clock: Clock
  /** The data; tests and scenarios may change it between two calls. */
  readonly world: World
  readonly calls: readonly LoggedCall[]
  readonly inbox: readonly Message[]
  /** Virtual time in milliseconds since the epoch. */
  now(): number
  /** Plays the world up to a time; an earlier time does nothing. */
  advanceTo(atMs: number): void
  advance(ms: number): void
  /** EventBridge events, as they happen. Returns the way to unsubscribe. */
  onEvent(listener: (event: SimEvent) => void): () => void
  /** Returns the way to unhook. */
  onCall(hook: CallHook): () => void
  /** How many calls of this name were carried out. */
  effects(name: CallName): number
  /** How many calls of this name arrived, refused ones included. */
  count(name: CallName): number
  /** Somebody else changes something. */
  act(act: OutsideAct): void
  /** One call, for servers: never rejects. */
  handle(request: WireRequest): Promise<WireAnswer>
  /** `handle` from text to text (`encodeWire`, `decodeWire`). */
  serve(text: string): Promise<string>
  /** Everything that `createAccount({ saved })` needs. Shares nothing with the account. */
  save(): SavedAccount
}

export type AccountOptions =
  | {
      readonly startAtMs: number
      readonly seed?: number
      readonly account?: string
      readonly region?: string
    }
  | { readonly saved: SavedAccount }

/** An empty account, or one that goes on where `saved` stopped. */
export function createAccount(options: AccountOptions): Account {
  const saved = 'saved' in options ? copyOf(options.saved) : undefined
  const world = saved ? withSlack(saved.world) : newWorld(options)
  const log: LoggedCall[] = [...(saved?.log ?? [])]
  const counts: { [name: string]: { calls: number; effects: number } } = { ...saved?.counts }
  const listeners = new Set<(event: SimEvent) => void>()
  const hooks = new Set<CallHook>()
  let reads = saved?.reads ?? 0
  const sim: Sim = {
    world,
    emit: (event) => listeners.forEach((listener) => listener(copyOf(event))),
  }

  const record = (call: LoggedCall) => {
    log.push(call)
    const count = (counts[call.name] ??= { calls: 0, effects: 0 })
    if (call.effect) count.effects += 1
    if (call.mutating) return
    reads += 1
    if (reads > MAX_READS) {
      log.splice(
        log.findIndex((other) => !other.mutating),
        1,
      )
      reads -= 1
    }
  }

  const call = async <K extends CallName>(scope: AwsScope, name: K, input: Calls[K]['input']) => {
    const count = (counts[name] ??= { calls: 0, effects: 0 })
    count.calls += 1
    const mutating = MUTATING_CALLS.has(name)
    const notice: CallNotice = { name, ordinal: count.calls, input, mutating, scope }
    const requestId = nextUuid(world, 'request')
    let effect = false
    const entry = (error?: unknown): LoggedCall => ({
      atMs: world.nowMs,
      name,
      ordinal: notice.ordinal,
      input: plainOf(input),
      mutating,
      requestId,
      ...(scope.executionId === undefined ? {} : { executionId: scope.executionId }),
      effect,
      ...(error === undefined
        ? {}
        : { error: { name: packError(error).name, message: packError(error).message } }),
    })
    try {
      for (const hook of hooks) await hook.before?.(notice)
      const refusal = takeRefusal(world, name)
      if (refusal?.when === 'before') throw refusal.error
      const handler: Handler<K> = HANDLERS[name]
      const answer = handler(sim, copyOf(input))
      effect = true
      if (refusal) throw refusal.error
      const output = {
        ...answer,
        $metadata: { httpStatusCode: 200, requestId, attempts: 1, totalRetryDelay: 0 },
      }
      for (const hook of hooks) await hook.after?.(notice, output)
      record(entry())
      // The SDK's outputs are these members and the metadata; TypeScript cannot join a generic union again.
      return output as unknown as Calls[K]['output']
    } catch (error) {
      record(entry(error))
      throw withRequestId(error, requestId)
    }
  }

  const post = async (request: HttpRequest): Promise<HttpAnswer> => answerHttp(sim, request)

  const advanceTo = (atMs: number) => {
    while (world.tickedMs + TICK_MS <= atMs) {
      world.tickedMs += TICK_MS
      world.nowMs = Math.max(world.nowMs, world.tickedMs)
      tick(sim)
      if (isAtRest(world, atMs)) world.tickedMs += Math.floor((atMs - world.tickedMs) / TICK_MS) * TICK_MS
    }
    world.nowMs = Math.max(world.nowMs, atMs)
  }

  const handle = async (request: WireRequest): Promise<WireAnswer> => {
    try {
      const ok = await answerWire(request, call, post)
      return { ok, nowMs: world.nowMs }
    } catch (error) {
      return { error: packError(error), nowMs: world.nowMs }
    }
  }

  return {
    aws: (scope): Aws => ({ call: (name, input) => call(scope, name, input) }),
    http: { post },
    clock: { now: () => world.nowMs },
    world,
    calls: log,
    inbox: world.inbox,
    now: () => world.nowMs,
    advanceTo,
    advance: (ms) => advanceTo(world.nowMs + ms),
    onEvent: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    onCall: (hook) => {
      hooks.add(hook)
      return () => hooks.delete(hook)
    },
    effects: (name) => counts[name]?.effects ?? 0,
    count: (name) => counts[name]?.calls ?? 0,
    act: (act) => actOutside(sim, act),
    handle,
    serve: async (text) => encodeWire(await handle(decodeWire(text) as WireRequest)),
    save: () => structuredClone({ world, log, counts, reads }),
  }
}

function newWorld(options: AccountOptions): World {
  if ('saved' in options) return structuredClone(options.saved.world)
  return emptyWorld({
    startAtMs: options.startAtMs,
    seed: options.seed ?? 1,
    account: options.account ?? '123456789012',
    region: options.region ?? 'eu-west-1',
  })
}

/** One second of everything, causes before their effects. */
function tick(sim: Sim): void {
  const { world } = sim
  while (world.script[0] && world.script[0].atMs <= world.nowMs) {
    const next = world.script.shift()
    if (next) actOutside(sim, next.act)
  }
  each(world.services, (service) => tickService(world, service))
  tickDeployments(sim)
  tickZones(world)
  each(world.sites, (site) => tickSite(world, site))
  each(world.scalableTargets, (target, id) => {
    tickSchedules(world, id, target)
    tickTracking(world, id, target, (key) => useOfService(world, key))
  })
  tickAlarms(sim)
}

async function answerWire(
  request: WireRequest,
  call: (scope: AwsScope, name: CallName, input: never) => Promise<unknown>,
  post: (request: HttpRequest) => Promise<HttpAnswer>,
): Promise<unknown> {
  if (request.is === 'clock') return null
  if (request.is === 'http') return post(request.request)
  if (!Object.hasOwn(HANDLERS, request.name)) throw new Error(`this account does not answer ${request.name}`)
  return call(request.scope, request.name, request.input as never)
}

function withRequestId(error: unknown, requestId: string): unknown {
  const metadata = (error as { $metadata?: NonNullable<WireError['$metadata']> }).$metadata
  // Where a hook threw as a lost connection does, there is no answer and so no request id.
  if (error instanceof Error && metadata) Object.assign(error, { $metadata: { ...metadata, requestId } })
  return error
}
