import type { Change, ResourceRecordSet } from '@aws-sdk/client-route-53'
import type { Calls } from '../lib/aws/aws.ts'
import { sameJson } from '../lib/json.ts'
import type { Answer } from './calls.ts'
import { nextCapitals } from './chance.ts'
import { copyOf } from './copy.ts'
import { compareNames, compareRecords, normalName } from './dns.ts'
import { each } from './each.ts'
import { need, refuse } from './refusal.ts'
import type { DnsChange, HostedZone, Sim, World } from './world.ts'

/** From acceptance until every authoritative server answers with it. */
const IN_SYNC_MS = 30_000
const MAX_ITEMS = 300
const MAX_RECORDS = 1_000

type ListInput = Calls['route53:ListResourceRecordSets']['input']

/** Puts a zone into the account, in sync. */
export function addZone(
  world: World,
  id: string,
  name: string,
  records: readonly ResourceRecordSet[],
): HostedZone {
  const normal = records
    .map((record) => ({ ...record, Name: normalName(record.Name ?? '') }))
    .sort(compareRecords)
  const zone: HostedZone = {
    id,
    name: normalName(name),
    records: normal,
    served: copyOf(normal),
    busyUntilMs: 0,
    acceptMs: 0,
    protected: [],
  }
  world.zones[id] = zone
  return zone
}

/** A position in the zone's order, not a filter: what follows the name is listed as well. */
export function listResourceRecordSets(sim: Sim, input: ListInput): Answer<'route53:ListResourceRecordSets'> {
  const zone = zoneOf(sim.world, input.HostedZoneId)
  if (input.StartRecordType !== undefined && input.StartRecordName === undefined) {
    throw refuse('InvalidInput', 'If StartRecordType is specified, StartRecordName must also be specified.')
  }
  if (input.StartRecordIdentifier !== undefined && input.StartRecordType === undefined) {
    throw refuse(
      'InvalidInput',
      'If StartRecordIdentifier is specified, StartRecordType must also be specified.',
    )
  }
  const size = Math.min(
    input.MaxItems ?? MAX_ITEMS,
    MAX_ITEMS,
    sim.world.faults.pageSize['route53:ListResourceRecordSets'] ?? MAX_ITEMS,
  )
  if (!(size >= 1)) throw refuse('InvalidInput', 'MaxItems must be 1 or more.')
  const listed = zone.records.filter((record) => isAtOrAfter(record, input))
  const next = listed[size]
  return {
    ResourceRecordSets: copyOf(listed.slice(0, size)),
    IsTruncated: next !== undefined,
    MaxItems: size,
    ...(next?.Name === undefined ? {} : { NextRecordName: next.Name }),
    ...(next?.Type === undefined ? {} : { NextRecordType: next.Type }),
    ...(next?.SetIdentifier === undefined ? {} : { NextRecordIdentifier: next.SetIdentifier }),
  }
}

function isAtOrAfter(record: ResourceRecordSet, input: ListInput): boolean {
  if (input.StartRecordName === undefined) return true
  const byName = compareNames(record.Name ?? '', normalName(input.StartRecordName))
  if (byName !== 0 || input.StartRecordType === undefined) return byName >= 0
  const type = record.Type ?? ''
  if (type !== input.StartRecordType || input.StartRecordIdentifier === undefined)
    return type >= input.StartRecordType
  return (record.SetIdentifier ?? '') >= input.StartRecordIdentifier
}

export function changeResourceRecordSets(
  sim: Sim,
  input: Calls['route53:ChangeResourceRecordSets']['input'],
): Answer<'route53:ChangeResourceRecordSets'> {
  const { world } = sim
  const zone = zoneOf(world, input.HostedZoneId)
  const changes = input.ChangeBatch?.Changes ?? []
  if (changes.length === 0) {
    throw refuse(
      'InvalidInput',
      '1 validation error detected: changeBatch.changes must have at least 1 member',
    )
  }
  const values = changes.reduce(
    (sum, change) =>
      sum + (change.ResourceRecordSet?.ResourceRecords?.length ?? 1) * (change.Action === 'UPSERT' ? 2 : 1),
    0,
  )
  if (values > MAX_RECORDS) throw refuse('InvalidChangeBatch', '[Number of records limit of 1000 exceeded.]')
  if (world.nowMs < zone.busyUntilMs) {
    throw refuse(
      'PriorRequestNotComplete',
      'The request was rejected because Route 53 was still processing a prior request.',
    )
  }
  const { records, problems } = applyChanges(zone, changes)
  if (problems.length > 0) {
    throw refuse('InvalidChangeBatch', `[${problems.join(', ')}]`, 400, { messages: problems })
  }
  const change: DnsChange = {
    id: `C${nextCapitals(world, 'dns-change', 20)}`,
    zone: zone.id,
    submittedAtMs: world.nowMs,
    inSyncAtMs: world.nowMs + (zone.syncMs ?? IN_SYNC_MS),
    ...(input.ChangeBatch?.Comment === undefined ? {} : { comment: input.ChangeBatch.Comment }),
    records: copyOf(records),
    applied: false,
  }
  zone.records = records
  zone.busyUntilMs = world.nowMs + zone.acceptMs
  world.dnsChanges[change.id] = change
  return { ChangeInfo: infoOf(world, change) }
}

/** Works on a copy, so a batch takes effect whole or not at all. */
function applyChanges(
  zone: HostedZone,
  changes: readonly Change[],
): { records: ResourceRecordSet[]; problems: string[] } {
  const records = copyOf(zone.records)
  const problems: string[] = []
  for (const [index, change] of changes.entries()) {
    const record = normalRecord(change, index)
    const name = record.Name ?? ''
    const identifier = record.SetIdentifier === undefined ? '' : `, set identifier='${record.SetIdentifier}'`
    const label = `resource record set [name='${name}', type='${record.Type}'${identifier}]`
    if (name !== zone.name && !name.endsWith(`.${zone.name}`)) {
      problems.push(`RRSet with DNS name ${name} is not permitted in zone ${zone.name}`)
      continue
    }
    if (zone.protected.includes(`${name}|${record.Type}`)) {
      problems.push(`The ${label} is protected by a record set protection`)
      continue
    }
    const at = records.findIndex((other) => compareRecords(other, record) === 0)
    const old = records[at]
    if (old?.TrafficPolicyInstanceId !== undefined) {
      problems.push(`Tried to change ${label} but it belongs to a traffic policy instance`)
    } else if (change.Action === 'DELETE') {
      if (!old) problems.push(`Tried to delete ${label} but it was not found`)
      else if (!sameJson(comparable(old), comparable(record))) {
        problems.push(`Tried to delete ${label} but the values provided do not match the current values`)
      } else records.splice(at, 1)
    } else if (change.Action === 'CREATE' && old) {
      problems.push(`Tried to create ${label} but it already exists`)
    } else if (conflicts(records, record)) {
      problems.push(
        `RRSet with DNS name ${name}, type ${record.Type} cannot be created as other RRSets exist with the same name and type.`,
      )
    } else if (old) records[at] = record
    else records.push(record)
  }
  return { records: records.sort(compareRecords), problems }
}

/** Defaults that make no difference must not make a DELETE fail. */
function comparable(record: ResourceRecordSet): object {
  return { ...record, ResourceRecords: record.ResourceRecords?.map((value) => value.Value).sort() }
}

/** A weighted set cannot stand beside a simple one of the same name and type; a CNAME stands alone. */
function conflicts(records: readonly ResourceRecordSet[], record: ResourceRecordSet): boolean {
  return records.some((other) => {
    if (other.Name !== record.Name || compareRecords(other, record) === 0) return false
    if (other.Type === record.Type) return (other.Weight === undefined) !== (record.Weight === undefined)
    return other.Type === 'CNAME' || record.Type === 'CNAME'
  })
}

function normalRecord(change: Change, index: number): ResourceRecordSet {
  const record = copyOf(change.ResourceRecordSet)
  const at = `changeBatch.changes.${index + 1}.member`
  if (!record?.Name || !record.Type || !change.Action) {
    throw refuse(
      'InvalidInput',
      `1 validation error detected: Value null at '${at}' failed to satisfy constraint: Member must not be null`,
    )
  }
  const weight = record.Weight
  if (weight !== undefined && !(Number.isInteger(weight) && weight >= 0 && weight <= 255)) {
    const rule = weight < 0 ? 'greater than or equal to 0' : 'less than or equal to 255'
    const place = `${at}.resourceRecordSet.weight`
    throw refuse(
      'InvalidInput',
      `1 validation error detected: Value '${weight}' at '${place}' failed to satisfy constraint: Member must have value ${rule}`,
    )
  }
  if (weight !== undefined && record.SetIdentifier === undefined) {
    throw refuse('InvalidInput', 'Invalid request: Missing field SetIdentifier in Change')
  }
  const plain = record.TTL !== undefined && (record.ResourceRecords?.length ?? 0) > 0
  const kinds = [record.AliasTarget !== undefined, plain, record.TrafficPolicyInstanceId !== undefined]
  const mixed =
    record.AliasTarget !== undefined && (record.TTL !== undefined || record.ResourceRecords !== undefined)
  if (kinds.filter(Boolean).length !== 1 || mixed) {
    const found = mixed ? 'more than one' : 'none'
    throw refuse(
      'InvalidInput',
      `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found ${found} in Change with [Action=${change.Action}, Name=${record.Name}, Type=${record.Type}, SetIdentifier=${record.SetIdentifier}]`,
    )
  }
  const defined = Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
  return { ...defined, Name: normalName(record.Name), Type: record.Type }
}

export function getChange(sim: Sim, input: Calls['route53:GetChange']['input']): Answer<'route53:GetChange'> {
  const id = need(input.Id, () => refuse('InvalidInput', 'Id must not be null')).replace(/^\/change\//, '')
  const change = need(sim.world.dnsChanges[id], () =>
    refuse('NoSuchChange', `A change with the id of ${id} could not be found.`, 404),
  )
  return { ChangeInfo: infoOf(sim.world, change) }
}

export function getHealthCheckStatus(
  sim: Sim,
  input: Calls['route53:GetHealthCheckStatus']['input'],
): Answer<'route53:GetHealthCheckStatus'> {
  const { world } = sim
  const check = need(world.healthChecks[input.HealthCheckId ?? ''], () =>
    refuse('NoSuchHealthCheck', 'No health check exists with the specified ID.', 404),
  )
  const Status = check.healthy
    ? 'Success: HTTP Status Code 200, OK'
    : 'Failure: HTTP Status Code 503, Service Unavailable'
  const regions = [
    'us-east-1',
    'us-west-1',
    'us-west-2',
    'eu-west-1',
    'ap-southeast-1',
    'ap-northeast-1',
  ] as const
  return {
    HealthCheckObservations: regions.map((Region, index) => ({
      Region,
      IPAddress: `192.0.2.${index + 1}`,
      StatusReport: { Status, CheckedTime: new Date(world.nowMs - index * 1_000) },
    })),
  }
}

/** Changes reach the authoritative servers in the order in which they were made. */
export function tickZones(world: World): void {
  each(world.dnsChanges, (change) => {
    if (change.applied || change.inSyncAtMs > world.nowMs) return
    const zone = world.zones[change.zone]
    if (zone) zone.served = copyOf(change.records)
    change.applied = true
  })
}

function infoOf(world: World, change: DnsChange) {
  return {
    Id: `/change/${change.id}`,
    Status: change.inSyncAtMs <= world.nowMs ? ('INSYNC' as const) : ('PENDING' as const),
    SubmittedAt: new Date(change.submittedAtMs),
    ...(change.comment === undefined ? {} : { Comment: change.comment }),
  }
}

function zoneOf(world: World, id: string | undefined): HostedZone {
  const bare = need(id, () => refuse('InvalidInput', 'HostedZoneId must not be null')).replace(
    /^\/hostedzone\//,
    '',
  )
  return need(world.zones[bare], () =>
    refuse('NoSuchHostedZone', `No hosted zone found with ID: ${bare}`, 404),
  )
}
