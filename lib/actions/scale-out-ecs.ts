import * as z from 'zod'
import { unreadable } from '../aws/unreadable.ts'
import { type EcsTarget, scale, type ScaleChange } from '../ecs/act.ts'
import { AMOUNT_HELP, MAX_TASKS, parseAmount, tasksAdded } from '../ecs/amount.ts'
import { EXPIRY_HELP, EXPIRY_PATTERN, expiryMs, readExpiry } from '../ecs/expiry.ts'
import { lowered, lowers, raised } from '../ecs/landed.ts'
import {
  endsExpiry,
  movement,
  onlyEndsExpiry,
  raisesFloor,
  scaleState,
  type ScaleState,
  standing,
  standsAt,
  stepBack,
} from '../ecs/scaling.ts'
import { lastPart, readFloor, readService, SCALABLE_DIMENSION } from '../ecs/service.ts'
import { healthy } from '../ecs/targets.ts'
import { blockedBy, scaleIntoDeployment } from '../interlocks.ts'
import { lockKey } from '../lock-key.ts'
import type { Service } from '../runbook/runbook.ts'
import type { Verdict } from '../verdict.ts'
import type {
  Action,
  ObserveContext,
  Planned,
  Receipt,
  Shorthand,
  ShorthandProblem,
  Statement,
  TargetResult,
  UndoPlanned,
  Whereabouts,
} from './action.ts'

/** What a runbook asks for; `by` is `50%` or `+3`. */
export type ScaleOutParams = {
  readonly ecs: string
  readonly max?: number
  readonly raise_max: boolean
  readonly expires_in?: string
} & ({ readonly by: string } | { readonly to: number })

const tasks = z.int().min(1).max(MAX_TASKS)

const params = z
  .strictObject({
    ecs: z.string().min(1).max(255).describe('The service to scale, an entry of services.yaml'),
    by: z
      .union([z.string(), z.number()], { error: AMOUNT_HELP })
      .optional()
      .describe('How much to add: 50% (rounded up, at least one task) or +3 tasks'),
    to: tasks.optional().describe('The number of tasks to reach; never lowers'),
    max: tasks.optional().describe('Never scale beyond this many tasks'),
    raise_max: z
      .boolean()
      .default(false)
      .describe('Also raise the MaxCapacity of Application Auto Scaling where the goal lies above it'),
    expires_in: z
      .string({ error: EXPIRY_HELP })
      .regex(EXPIRY_PATTERN, { error: EXPIRY_HELP })
      .refine((text) => expiryMs(text) !== undefined, { error: EXPIRY_HELP })
      .optional()
      .describe(
        'AWS itself puts the old floor back after this long, by a scheduled action, also where Firebreak is gone by then',
      ),
  })
  .meta({ oneOf: [{ required: ['by'] }, { required: ['to'] }] })
  .transform(({ by, to, max, expires_in, ...rest }, context): ScaleOutParams => {
    const wrong = (path: string, message: string) => {
      context.addIssue({ code: 'custom', path: [path], message })
      return z.NEVER
    }
    const common = {
      ...rest,
      ...(max === undefined ? {} : { max }),
      ...(expires_in === undefined ? {} : { expires_in }),
    }
    if (to !== undefined && by !== undefined) return wrong('to', 'give either by or to, not both')
    if (to !== undefined) return { ...common, to }
    if (by === undefined) return wrong('by', `by or to is missing: ${AMOUNT_HELP}`)
    const parsed = parseAmount(String(by))
    return parsed.is === 'amount' ? { ...common, by: parsed.amount } : wrong('by', parsed.message)
  })

const GRAMMAR = 'ecs service <name> +<n>% | +<n> | to <n>  [max <n>]'

const shorthand: Shorthand<ScaleOutParams> = {
  grammar: GRAMMAR,
  parse(text) {
    const words = [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], start: match.index }))
    const word = (at: number) => words[at]?.text ?? ''
    const name = SERVICE_NAME.test(word(2)) ? word(2) : 'api'
    const problem = (at: number, message: string, suggestion: string): ShorthandProblem => {
      const start = words[at]?.start ?? text.length
      return { is: 'problem', message, start, end: start + word(at).length, suggestion }
    }
    if (word(0) !== 'ecs') return problem(0, 'expected "ecs"', `ecs service ${name} +50%`)
    if (word(1) !== 'service') return problem(1, 'expected "service"', `ecs service ${name} +50%`)
    if (word(2) !== name) return problem(2, 'expected a service of services.yaml', `ecs service ${name} +50%`)
    let at = 3
    const long: { [key: string]: string | number } = { ecs: name }
    if (word(at) === 'to') {
      at += 1
      if (!isTasks(word(at))) return problem(at, NUMBER_HELP, `ecs service ${name} to 12`)
      long.to = Number(word(at))
    } else {
      const amount = parseAmount(word(at))
      if (amount.is === 'problem' || !word(at).startsWith('+')) {
        const message =
          amount.is === 'problem' && word(at) ? amount.message : 'expected +<n>%, +<n> or to <n>'
        const better = amount.is === 'problem' ? '+50%' : `+${word(at)}`
        return problem(at, message, `ecs service ${name} ${better}`)
      }
      long.by = amount.amount
    }
    at += 1
    if (word(at) === 'max') {
      at += 1
      if (!isTasks(word(at))) return problem(at, NUMBER_HELP, `${text.slice(0, words[at - 1]?.start)}max 40`)
      long.max = Number(word(at))
      at += 1
    }
    if (at < words.length) {
      return problem(at, `expected nothing more: ${GRAMMAR}`, text.slice(0, words[at]?.start).trim())
    }
    return { is: 'params', params: params.parse(long) }
  },
}

const SERVICE_NAME = /^[A-Za-z0-9][\w.-]*$/
const NUMBER_HELP = `expected a number of tasks, 1 to ${MAX_TASKS}`

function isTasks(word: string): boolean {
  return /^\d{1,4}$/.test(word) && tasks.safeParse(Number(word)).success
}

function target(
  wanted: Pick<ScaleOutParams, 'ecs' | 'expires_in'>,
  service: Service,
): TargetResult<EcsTarget> {
  if (wanted.ecs !== service.name) {
    return {
      is: 'missing',
      path: wanted.ecs,
      message:
        `scale_out names the service ${wanted.ecs}, but this runbook is about ${service.name}: ` +
        `an action can only reach the runbook's own service so far; write ecs: ${service.name}`,
    }
  }
  if (!service.ecs) {
    return {
      is: 'missing',
      path: 'ecs',
      message: `${service.name} has no ecs in services.yaml: add ecs: { cluster: <name>, service: <name> }`,
    }
  }
  const cluster = lastPart(service.ecs.cluster)
  const name = lastPart(service.ecs.service)
  // Anything else could widen an ARN.
  if (![cluster, name].every((each) => /^[\w-]{1,255}$/.test(each))) {
    return {
      is: 'missing',
      path: 'ecs',
      message: `${service.name}: ecs holds "${cluster}/${name}", but ECS names have letters, digits, - and _ only`,
    }
  }
  const expiresInMs = wanted.expires_in === undefined ? undefined : expiryMs(wanted.expires_in)
  return {
    is: 'target',
    target: {
      locks: [lockKey('ecs', service, cluster, name)],
      label: `ECS service ${cluster}/${name}`,
      cluster,
      service: name,
      ...(service.account === undefined ? {} : { account: service.account }),
      ...(service.region === undefined ? {} : { region: service.region }),
      ...(expiresInMs === undefined ? {} : { expiresInMs }),
    },
  }
}

function permissions(on: EcsTarget): readonly Statement[] {
  const place = `${on.region ?? '${Region}'}:${on.account ?? '${Account}'}`
  const expiring = on.expiresInMs !== undefined
  return [
    {
      // What expires is always a floor, so the count itself is never set.
      actions: ['ecs:DescribeServices', ...(expiring ? [] : ['ecs:UpdateService'])],
      resources: [`arn:\${Partition}:ecs:${place}:service/${on.cluster}/${on.service}`],
    },
    {
      actions: [
        'application-autoscaling:RegisterScalableTarget',
        ...(expiring
          ? ['application-autoscaling:PutScheduledAction', 'application-autoscaling:DeleteScheduledAction']
          : []),
      ],
      resources: [`arn:\${Partition}:application-autoscaling:${place}:scalable-target/*`],
      condition: {
        StringEquals: {
          'application-autoscaling:service-namespace': 'ecs',
          'application-autoscaling:scalable-dimension': SCALABLE_DIMENSION,
        },
      },
      reason: 'The id of a scalable target is random and no condition key names its service.',
    },
    {
      actions: [
        'application-autoscaling:DescribeScalableTargets',
        ...(expiring ? ['application-autoscaling:DescribeScheduledActions'] : []),
      ],
      resources: ['*'],
      reason: 'Application Auto Scaling offers no resource-level permission for Describe calls.',
    },
    {
      actions: ['elasticloadbalancing:DescribeTargetHealth'],
      resources: ['*'],
      reason: 'Elastic Load Balancing offers no resource-level permission for Describe calls.',
    },
  ]
}

async function observe(on: EcsTarget, { aws }: ObserveContext): Promise<ScaleState> {
  const [service, floor, expires] = await Promise.all([
    readService(aws, on),
    readFloor(aws, on),
    on.expiresInMs === undefined ? undefined : readExpiry(aws, on),
  ])
  return {
    desired: service.desired,
    floor: floor && { min: floor.min, max: floor.max },
    ...(expires === undefined ? {} : { expires }),
    context: {
      status: service.status,
      strategy: service.strategy,
      controller: service.controller,
      deployments: service.deployments,
      taskSets: service.taskSets,
      primary: service.primary,
      scaleOutSuspended: floor?.scaleOutSuspended ?? false,
      lastEventAtMs: Math.max(0, ...service.events.map((event) => event.atMs)),
    },
  }
}

function unfitDeployment({ label }: EcsTarget, { context }: ScaleState): ReturnType<typeof blockedBy> {
  return context ? blockedBy([scaleIntoDeployment], { ...context, label }) : undefined
}

function plan(wanted: ScaleOutParams, on: EcsTarget, observed: ScaleState): Planned<ScaleState> {
  const { desired, floor, context } = observed
  const refused = (reason: string) => ({ is: 'refused', reason }) as const
  if (context && context.status !== 'ACTIVE') {
    return refused(`${on.label} is ${context.status}: ECS scales only ACTIVE services`)
  }
  if (context?.strategy === 'DAEMON') {
    return refused(`${on.label} is a DAEMON, one task per instance, and has no desired count: add instances`)
  }
  if (wanted.expires_in !== undefined && floor === null) {
    return refused(
      `${on.label} has no scalable target in Application Auto Scaling, which alone can let a change expire: ` +
        `register one, or leave expires_in out`,
    )
  }
  const asked = 'to' in wanted ? wanted.to : desired + tasksAdded(wanted.by, desired)
  const capped = Math.min(asked, wanted.max ?? asked)
  if (capped <= desired) {
    const limit = capped < asked ? `not below max ${capped}` : `at least ${asked}`
    return { is: 'none', reason: `desired is ${desired}, ${limit} already` }
  }
  // Registering moves the count into the range at once, so a goal below the floor would end at the floor.
  const goal = Math.max(capped, floor?.min ?? 0)
  if (wanted.max !== undefined && goal > wanted.max) {
    return refused(`the floor (MinCapacity ${goal}) of ${on.label} stands above max ${wanted.max}`)
  }
  const blocked = unfitDeployment(on, observed)
  if (blocked) return blocked
  if (floor && goal > floor.max && !wanted.raise_max) {
    const over = desired > floor.max ? `, and the desired count ${desired} stands above it already` : ''
    const rest = floor.max > desired ? `write max: ${floor.max} to stop there, or ` : ''
    return refused(
      `${goal} tasks would exceed MaxCapacity ${floor.max} of Application Auto Scaling${over}: ` +
        `${rest}write raise_max: true to raise it as well`,
    )
  }
  const after: ScaleState = {
    desired: goal,
    floor: floor && { min: goal, max: Math.max(goal, floor.max) },
    ...(observed.expires === undefined ? {} : { expires: observed.expires || goal > (floor?.min ?? goal) }),
    context: null,
  }
  const expiring = wanted.expires_in !== undefined && raisesFloor({ before: observed, after })
  return {
    is: 'change',
    before: observed,
    after,
    summary: movement(observed, after) + (expiring ? `, expires in ${wanted.expires_in}` : ''),
    notes: [
      ...notes(observed, goal),
      ...(expiring
        ? [`after ${wanted.expires_in} AWS puts the floor back by itself, over whatever stands there by then`]
        : []),
    ],
    capacity: { from: desired, to: goal },
  }
}

function notes({ desired, floor, context }: ScaleState, goal: number): readonly string[] {
  return [
    ...(context && context.deployments > 1
      ? ['a deployment is in flight: ECS spreads the new tasks over the old and the new version']
      : []),
    ...(context?.scaleOutSuspended
      ? ['scale-out is suspended on the scalable target; raising its floor should act all the same']
      : []),
    ...(floor && desired > floor.max && goal > floor.max
      ? [`undo puts MaxCapacity ${floor.max} back, and with it the count, which stood above it at ${desired}`]
      : []),
  ]
}

function locate({ before, after }: ScaleChange, observed: ScaleState): Whereabouts {
  if (onlyEndsExpiry({ before, after })) return { at: observed.expires ? 'before' : 'after' }
  if (standsAt(after, before, observed)) {
    // The floor is back and its expiry stands still: a repeat moves nothing, and takes that away.
    return { at: endsExpiry({ before, after }) && observed.expires ? 'before' : 'after' }
  }
  if (after.floor && lowers({ before, after }) && observed.desired < after.floor.min) {
    const reason = `${standing(observed)}: somebody set the count below the floor ${after.floor.min}, which would lift it`
    return { at: 'elsewhere', reason }
  }
  if (standsAt(before, after, observed)) return { at: 'before' }
  const ends = `neither ${standing(before)} nor ${standing(after)}`
  return { at: 'elsewhere', reason: `${standing(observed)}, ${ends}` }
}

async function verify(change: ScaleChange, _receipt: Receipt, { aws }: ObserveContext): Promise<Verdict> {
  try {
    if (onlyEndsExpiry(change)) {
      const stands = await readExpiry(aws, change.target)
      return {
        verdict: stands ? 'inconclusive' : 'passed',
        reason: `the expiry is ${stands ? 'still there' : 'gone'}`,
      }
    }
    const seen = await readService(aws, change.target)
    if (!lowers(change)) {
      return await healthy(aws, raised(change, seen), seen.targetGroups, change.after.desired)
    }
    return lowered(change, seen, change.after.floor && (await readFloor(aws, change.target)))
  } catch (error) {
    return unreadable(error)
  }
}

function undo(
  change: ScaleChange,
  lastSet: ScaleState,
  observed: ScaleState,
  stepPercent: number,
): UndoPlanned<ScaleState> {
  const asBefore = observed.expires
    ? withoutExpiry(observed, 'the expiry is removed, all else is as before', true)
    : ({ is: 'done', reason: `${standing(observed)}, as before` } as const)
  if (standsAt(change.before, change.after, observed)) return asBefore
  if (!standsAt(lastSet, change.before, observed)) {
    const reason = `${standing(observed)}, but ${standing(lastSet)} was set: somebody changed it`
    // AWS would compare nothing: what somebody else has set must not be put back by it either.
    return observed.expires
      ? withoutExpiry(lastSet, `the expiry is removed: ${reason}`, false)
      : { is: 'foreign', reason }
  }
  const { to, last } = stepBack(change, lastSet, observed, stepPercent)
  const summary = movement(observed, to)
  return summary === '' ? asBefore : { is: 'change', before: observed, after: to, summary, last }
}

/** Takes AWS's expiry away and moves nothing; `state` is what counts as set by us from then on. */
function withoutExpiry(state: ScaleState, summary: string, last: boolean): UndoPlanned<ScaleState> {
  const before = { ...state, context: null }
  return {
    is: 'change',
    before: { ...before, expires: true },
    after: { ...before, expires: false },
    summary,
    last,
    tidies: true,
  }
}

/** Scales an ECS service out: raises the floor of Application Auto Scaling, or the count without one (AWS.md 1.2). */
export const scaleOutEcs: Action<ScaleOutParams, EcsTarget, ScaleState> = {
  verb: 'scale_out',
  kind: 'ecs',
  summary: 'Raise the number of tasks of an ECS service and hold it there.',
  effect: 'reversible',
  params,
  references: { by: ['int', 'string'], to: ['int'], max: ['int'], raise_max: ['bool'] },
  shorthand,
  state: scaleState,
  observable: true,
  undoneByDefault: true,
  // AWS publishes no figure for how late a describe may be; 5 s is an estimate on the safe side. Tasks need one to
  // three minutes on Fargate, up to six where a group of instances grows first, and health checks come on top.
  timing: { listLagMs: 5_000, staleMs: 5_000, verifyEveryMs: 10_000, timeoutMs: 10 * 60_000 },
  target,
  permissions,
  observe,
  plan,
  interlocked: (change, observed) => unfitDeployment(change.target, observed),
  // A service without a task has no share that could be told: one is taken for it.
  share: ({ target: { label }, before, after }) => ({
    percent: (Math.abs(after.desired - before.desired) / Math.max(1, before.desired)) * 100,
    of: `the ${before.desired} tasks of ${label}`,
  }),
  apply: scale,
  locate,
  verify,
  undo,
}
