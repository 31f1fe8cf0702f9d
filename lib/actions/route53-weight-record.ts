import * as z from 'zod'
import { rethrowChange } from '../aws/failure.ts'
import { unreadable } from '../aws/unreadable.ts'
import { TerminalError } from '../errors.ts'
import { sameJson } from '../json.ts'
import {
  asSet,
  changeStatus,
  escapedName,
  listGroup,
  plainName,
  type WeightedSet,
} from '../route53/records.ts'
import {
  readWeight,
  trafficMoved,
  unsafeDrain,
  weightState,
  type WeightState,
  withWeight,
} from '../route53/weights.ts'
import type { Service } from '../runbook/runbook.ts'
import type { Verdict } from '../verdict.ts'
import type {
  Action,
  ApplyContext,
  Change,
  ObserveContext,
  Planned,
  Receipt,
  Shorthand,
  ShorthandProblem,
  Statement,
  Target,
  TargetResult,
  UndoPlanned,
  Whereabouts,
} from './action.ts'

export interface WeightParams {
  readonly record: string
  readonly weight: number
}

export interface RecordTarget extends Target {
  readonly zone: string
  /** Lower case, no trailing dot, escapes decoded. */
  readonly name: string
  readonly type: string
  readonly set: string
}

const MAX_WEIGHT = 255

const params = z.strictObject({
  record: z.string().min(1).max(128).describe("A name under the service's records in services.yaml"),
  weight: z
    .int()
    .min(0)
    .max(MAX_WEIGHT)
    .describe('0 to 255; the share of the answers is weight / sum of the weights of the group'),
})

const shorthand: Shorthand<WeightParams> = {
  grammar: '<record>=<weight>',
  parse(text) {
    const equals = text.indexOf('=')
    const left = equals < 0 ? text : text.slice(0, equals)
    const right = equals < 0 ? '' : text.slice(equals + 1)
    const record = left.trim()
    const weight = right.trim()
    const problem = (
      message: string,
      start: number,
      length: number,
      suggestion: string,
    ): ShorthandProblem => ({
      is: 'problem',
      message,
      start,
      end: start + length,
      suggestion,
    })
    if (!/^[A-Za-z0-9][\w.-]*$/.test(record)) {
      const start = left.length - left.trimStart().length
      const length = record === '' && equals >= 0 ? 1 : record.length
      return problem('expected the name of a record in services.yaml', start, length, 'canary=0')
    }
    if (equals < 0) return problem('expected = and a weight', text.length, 0, `${record}=0`)
    if (!/^\d{1,3}$/.test(weight) || Number(weight) > MAX_WEIGHT) {
      const start = equals + 1 + right.length - right.trimStart().length
      const message = `expected a weight, a whole number from 0 to ${MAX_WEIGHT} (not a percentage)`
      return problem(message, start, weight.length, `${record}=0`)
    }
    return { is: 'params', params: { record, weight: Number(weight) } }
  },
}

function target(wanted: Pick<WeightParams, 'record'>, service: Service): TargetResult<RecordTarget> {
  const record = Object.hasOwn(service.records, wanted.record) ? service.records[wanted.record] : undefined
  if (!record) {
    const known = Object.keys(service.records)
    return {
      is: 'missing',
      path: `records.${wanted.record}`,
      message:
        `${service.name} has no record ${wanted.record} in services.yaml: ` +
        (known.length > 0
          ? `it has ${known.join(', ')}`
          : 'add it under records with zone, name, type and set'),
    }
  }
  const zone = record.zone.slice(record.zone.lastIndexOf('/') + 1)
  const name = plainName(record.name)
  // Anything else could widen an ARN or a condition.
  if (!/^[A-Z0-9]{1,32}$/.test(zone) || !/^[A-Z]{1,10}$/.test(record.type)) {
    return {
      is: 'missing',
      path: `records.${wanted.record}`,
      message:
        `${service.name}: record ${wanted.record} has zone "${zone}" and type "${record.type}", ` +
        'but they must look like Z0123456789ABC and A',
    }
  }
  return {
    is: 'target',
    target: {
      // The whole group: whether a drain is safe depends on the weights of its other members.
      locks: [`route53/${zone}/${name}/${record.type}`],
      label: `DNS record ${name} ${record.type} (${record.set})`,
      zone,
      name,
      type: record.type,
      set: record.set,
    },
  }
}

type WeightChange = Change<RecordTarget, WeightState>

/**
 * The condition lets the role change this name and type only, in the one form that `apply` uses. Route 53 has no
 * condition key for the set identifier.
 */
function permissions(on: RecordTarget): readonly Statement[] {
  const zone = [`arn:\${Partition}:route53:::hostedzone/${on.zone}`]
  return [
    { actions: ['route53:ListResourceRecordSets'], resources: zone },
    {
      actions: ['route53:ChangeResourceRecordSets'],
      resources: zone,
      condition: {
        'ForAllValues:StringEquals': {
          'route53:ChangeResourceRecordSetsNormalizedRecordNames': [escapedName(on.name)],
          'route53:ChangeResourceRecordSetsRecordTypes': [on.type],
          'route53:ChangeResourceRecordSetsActions': ['CREATE', 'DELETE'],
        },
      },
    },
    {
      actions: ['route53:GetChange'],
      resources: ['arn:${Partition}:route53:::change/*'],
      reason: 'The id of a change is known only once it is made.',
    },
    {
      actions: ['route53:GetHealthCheckStatus'],
      resources: ['arn:${Partition}:route53:::healthcheck/*'],
      reason: 'Which health checks the records of a group use is known only once they are read.',
    },
  ]
}

function drainOf(
  { label }: RecordTarget,
  weight: number,
  observed: WeightState,
): ReturnType<typeof unsafeDrain> {
  const unsafe = weight === 0 ? unsafeDrain(observed) : undefined
  return unsafe && { ...unsafe, reason: `draining ${label} is not safe: ${unsafe.reason}` }
}

function plan(wanted: WeightParams, on: RecordTarget, observed: WeightState): Planned<WeightState> {
  const { record } = observed
  if (record.Weight === wanted.weight) return { is: 'none', reason: `the weight is ${wanted.weight} already` }
  if (record.TrafficPolicyInstanceId !== undefined) {
    return {
      is: 'refused',
      reason: `${on.label} belongs to a traffic policy: change the policy, not its record`,
    }
  }
  const unsafe = drainOf(on, wanted.weight, observed)
  if (unsafe) return unsafe
  return {
    is: 'change',
    before: observed,
    after: withWeight(record, wanted.weight),
    summary: `weight ${record.Weight} -> ${wanted.weight}`,
    notes: [
      `takes effect once Route 53 is in sync, usually within 60 s, and ${ttlOf(record)}`,
      ...(wanted.weight === 0
        ? ['if every other set becomes unhealthy, Route 53 answers with this one again']
        : []),
    ],
  }
}

function ttlOf(record: WeightedSet): string {
  const ttl = typeof record.TTL === 'number' ? `the TTL of ${record.TTL} s` : "the alias target's TTL"
  return `resolvers follow within ${ttl}`
}

/**
 * DELETE of exactly what was observed and CREATE of the same with another weight, in one atomic batch: Route 53
 * refuses it if any value was changed in between, where an UPSERT would overwrite such a change unseen (G7). It costs
 * the same throughput (AWS.md 3.1, 3.2). The price is that the role may delete a record of this name.
 */
async function apply(change: WeightChange, { aws, marker, attempt }: ApplyContext): Promise<Receipt> {
  const { target: on, before, after } = change
  const answer = await aws
    .call('route53:ChangeResourceRecordSets', {
      HostedZoneId: on.zone,
      ChangeBatch: {
        Comment: marker.slice(0, MAX_COMMENT),
        Changes: [
          { Action: 'DELETE', ResourceRecordSet: asSet(before.record) },
          { Action: 'CREATE', ResourceRecordSet: asSet(after.record) },
        ],
      },
    })
    .catch((error: unknown) => refusal(error, change, attempt))
  const requestId = answer.$metadata?.requestId
  const id = answer.ChangeInfo?.Id
  return {
    ...(requestId === undefined ? {} : { requestId }),
    ...(id === undefined ? {} : { operationId: id.slice(id.lastIndexOf('/') + 1) }),
  }
}

/**
 * A batch that Route 53 finds invalid changed nothing: what was observed stands there no longer, and to try the same
 * again is of no use. From the second attempt on, though, an earlier one may have landed after all and be what stands
 * in the way; that is not known, so the error is passed on as it is and the engine observes.
 */
function refusal(error: unknown, { target: on, summary }: WeightChange, attempt: number): never {
  const doing = `${summary} of ${on.label}`
  if (!(error instanceof Error && error.name === 'InvalidChangeBatch')) {
    return rethrowChange(error, doing, 'route53:ChangeResourceRecordSets')
  }
  if (attempt > 1) throw error
  const { messages } = error as { readonly messages?: readonly string[] }
  throw new TerminalError(
    `${doing}: the record was changed since it was observed, or is protected, so nothing was done: ` +
      (messages?.join('; ') || error.message),
    { cause: error },
  )
}

/** Route 53's limit for a comment. */
const MAX_COMMENT = 256

function locate({ before, after }: WeightChange, observed: WeightState): Whereabouts {
  if (sameJson(observed.record, after.record)) return { at: 'after' }
  if (sameJson(observed.record, before.record)) return { at: 'before' }
  return { at: 'elsewhere', reason: foreign(observed, after) }
}

function foreign(observed: WeightState, ours: WeightState): string {
  return observed.record.Weight === ours.record.Weight
    ? `the weight is ${ours.record.Weight}, but another member of the record was changed`
    : `the weight is ${observed.record.Weight}, and not ${ours.record.Weight}`
}

/**
 * In sync on all of Route 53's servers, and still listed. Where the answer with the change's id was lost, only the list
 * can be asked, and the reason says so.
 */
async function verify(change: WeightChange, receipt: Receipt, { aws }: ObserveContext): Promise<Verdict> {
  const { target: on, after } = change
  const weight = after.record.Weight
  try {
    const id = receipt.operationId
    const status = id === undefined ? 'not asked' : await changeStatus(aws, id)
    if (status === 'PENDING')
      return { verdict: 'inconclusive', reason: `change ${id} is PENDING`, values: { status } }
    const own = (await listGroup(aws, on)).find((each) => each.SetIdentifier === on.set)
    const values = { status, weight: own?.Weight ?? null }
    const listed = `weight ${weight} is listed`
    if (own?.Weight !== weight) {
      return {
        verdict: 'failed',
        reason: `the weight is ${own?.Weight ?? 'gone'}, and not ${weight}`,
        values,
      }
    }
    if (status === 'unknown') {
      return { verdict: 'inconclusive', reason: `${listed}, but Route 53 knows no change ${id}`, values }
    }
    const sync =
      status === 'INSYNC' ? 'and in sync' : 'but its change id was lost, so sync could not be asked'
    return { verdict: 'passed', reason: `${listed}, ${sync}; ${ttlOf(after.record)}`, values }
  } catch (error) {
    return unreadable(error)
  }
}

/** Takes the weight back step by step, if the whole record is still as we set it. */
function undo(
  { before, after }: WeightChange,
  lastSet: WeightState,
  observed: WeightState,
  stepPercent: number,
): UndoPlanned<WeightState> {
  const goal = before.record.Weight
  if (sameJson(observed.record, before.record))
    return { is: 'done', reason: `the weight is ${goal}, as before` }
  if (!sameJson(observed.record, lastSet.record)) {
    return { is: 'foreign', reason: `${foreign(observed, lastSet)}: somebody changed it since` }
  }
  const step = Math.max(1, Math.ceil((Math.abs(after.record.Weight - goal) * stepPercent) / 100))
  const from = observed.record.Weight
  const to = from < goal ? Math.min(goal, from + step) : Math.max(goal, from - step)
  const unsafe = to === 0 ? unsafeDrain(observed) : undefined
  if (unsafe) {
    return {
      is: 'foreign',
      reason: `the rest of the group was changed, and weight 0 is not safe: ${unsafe.reason}`,
    }
  }
  const summary = `weight ${from} -> ${to}`
  return {
    is: 'change',
    before: observed,
    after: withWeight(observed.record, to),
    summary,
    last: to === goal,
  }
}

/** Sets the weight of one weighted record set in Route 53 and leaves everything else of it as it is (AWS.md 3.1). */
export const route53WeightRecord: Action<WeightParams, RecordTarget, WeightState> = {
  verb: 'route53_weight',
  kind: 'record',
  summary: 'Set the weight of one weighted DNS record.',
  effect: 'reversible',
  params,
  references: { weight: ['int'] },
  shorthand,
  state: weightState,
  observable: true,
  // A canary that was drained stays drained: people decide when it may serve again.
  undoneByDefault: false,
  // Lists include what is still pending (AWS.md 3.1), so an answered change shows at once; 5 s for one whose answer was
  // lost is an estimate.
  timing: { listLagMs: 5_000, staleMs: 0, verifyEveryMs: 10_000, timeoutMs: 5 * 60_000 },
  target,
  permissions,
  observe: (on, { aws }) => readWeight(aws, on),
  plan,
  interlocked: ({ target: on, after }, observed) => drainOf(on, after.record.Weight, observed),
  share: ({ target: { name, type }, before, after }) => ({
    percent: trafficMoved(before, after.record.Weight),
    of: `the traffic of ${name} ${type}`,
  }),
  apply,
  locate,
  verify,
  undo,
}
