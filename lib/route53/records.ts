import * as z from 'zod'
import type { Aws, Calls } from '../aws/aws.ts'
import { rethrow } from '../aws/failure.ts'

/** The group of record sets that share one name and type in a hosted zone. */
export interface RecordGroup {
  readonly zone: string
  /** As `plainName` gives it. */
  readonly name: string
  readonly type: string
}

type RecordSet = NonNullable<Calls['route53:ListResourceRecordSets']['output']['ResourceRecordSets']>[number]

/**
 * A weighted record set as Route 53 lists it, every member of it, since what a change leaves out is lost. Members that
 * this version does not know are kept.
 */
export const weightedSet = z
  .object({
    Name: z.string(),
    Type: z.string(),
    SetIdentifier: z.string(),
    Weight: z.int().min(0).max(255),
  })
  .catchall(z.json())

export type WeightedSet = z.infer<typeof weightedSet>

/** Route 53 allows 100 weighted records in a group; a longer list is not the one that was asked for. */
const MAX_PAGES = 10
const PAGE = 300

/**
 * All record sets of a group. A list is a position in the zone and not a filter (AWS.md 3.1), so names are compared
 * exactly and pages are read until the name changes. Throws what `rethrow` makes of AWS's errors.
 */
export async function listGroup(aws: Aws, group: RecordGroup): Promise<readonly RecordSet[]> {
  const found: RecordSet[] = []
  let start: { StartRecordName: string; StartRecordType: RecordSet['Type']; StartRecordIdentifier?: string } =
    {
      StartRecordName: escapedName(group.name),
      StartRecordType: group.type as RecordSet['Type'],
    }
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const answer = await aws
      .call('route53:ListResourceRecordSets', { HostedZoneId: group.zone, MaxItems: PAGE, ...start })
      .catch((error: unknown) =>
        rethrow(error, `listing ${group.name} ${group.type} in hosted zone ${group.zone}`),
      )
    if (!answer.ResourceRecordSets)
      throw new Error(`the answer about hosted zone ${group.zone} holds no list`)
    for (const set of answer.ResourceRecordSets) {
      if (plainName(set.Name ?? '') === group.name && set.Type === group.type) found.push(set)
    }
    const next = answer.IsTruncated ? answer.NextRecordName : undefined
    if (next === undefined || plainName(next) !== group.name) return found
    start = {
      StartRecordName: next,
      StartRecordType: answer.NextRecordType,
      ...(answer.NextRecordIdentifier === undefined
        ? {}
        : { StartRecordIdentifier: answer.NextRecordIdentifier }),
    }
  }
  throw new Error(`${group.name} in hosted zone ${group.zone} has more than ${MAX_PAGES} pages of records`)
}

/** Lower case, no trailing dot, `\052` decoded to `*`: two spellings of one DNS name become equal texts. */
export function plainName(name: string): string {
  return name
    .replace(/\\([0-3][0-7]{2})/g, (_escape, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    .replace(/\.$/, '')
    .toLowerCase()
}

/**
 * The spelling that Route 53 itself uses and that its IAM condition key compares: anything but letters, digits, hyphen,
 * underscore and dot as a three-digit octal escape.
 */
export function escapedName(name: string): string {
  return plainName(name).replace(
    /[^a-z0-9._-]/g,
    (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

/**
 * The listed set as plain JSON. An alias has neither TTL nor values; empty ones that a client fills in would be refused
 * when they are sent back.
 */
export function asJson(set: RecordSet): unknown {
  const { ResourceRecords, TTL, ...rest } = set
  const own = set.AliasTarget ? rest : { ...rest, TTL, ResourceRecords }
  return JSON.parse(JSON.stringify(own)) as unknown
}

/** The other way: what a change of this set sends. */
export function asSet(set: WeightedSet): RecordSet {
  return set as unknown as RecordSet
}

/** Route 53 takes an endpoint for healthy if more than this share of its checkers say so. */
const HEALTHY_SHARE = 0.18

/**
 * Whether a health check says that its endpoint is healthy; null where it does not tell (no checker has answered yet,
 * or it is a kind of check whose status cannot be asked: calculated ones and those of an alarm).
 */
export async function readHealth(aws: Aws, healthCheckId: string): Promise<boolean | null> {
  const answer = await aws
    .call('route53:GetHealthCheckStatus', { HealthCheckId: healthCheckId })
    .catch((error: unknown) => {
      if (error instanceof Error && ['InvalidInput', 'NoSuchHealthCheck'].includes(error.name))
        return undefined
      return rethrow(error, `asking health check ${healthCheckId}`)
    })
  const reports = (answer?.HealthCheckObservations ?? []).flatMap((each) => each.StatusReport?.Status ?? [])
  if (reports.length === 0) return null
  return reports.filter((status) => status.startsWith('Success')).length / reports.length > HEALTHY_SHARE
}

/**
 * How far a change is. `unknown`: a change that was still pending when the zone's control plane was moved can be
 * lost (AWS.md 3.2).
 */
export async function changeStatus(aws: Aws, id: string): Promise<'PENDING' | 'INSYNC' | 'unknown'> {
  const answer = await aws.call('route53:GetChange', { Id: id }).catch((error: unknown) => {
    if (error instanceof Error && error.name === 'NoSuchChange') return undefined
    return rethrow(error, `asking for change ${id}`)
  })
  if (!answer) return 'unknown'
  const status = answer.ChangeInfo?.Status
  if (status === undefined) throw new Error(`the answer about change ${id} holds no status`)
  return status
}
