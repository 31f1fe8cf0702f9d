import type { Json } from '../../lib/json.ts'
import type { Service } from '../../lib/runbook/runbook.ts'
import { awsError, type Answers, type World } from './conformance.ts'

export const dnsService: Service = {
  name: 'api',
  alarms: ['api-*'],
  severity: 'sev2',
  records: {
    canary: { zone: '/hostedzone/Z0123456789ABC', name: 'API.example.com', type: 'A', set: 'canary' },
  },
  metrics: {},
}

/** A record set as AWS lists it; only what the tests touch has a type. */
export interface Listed {
  Name: string
  Type: string
  SetIdentifier?: string
  Weight?: number
  HealthCheckId?: string
  [member: string]: unknown
}

export const canary: Listed = {
  Name: 'api.example.com.',
  Type: 'A',
  SetIdentifier: 'canary',
  Weight: 10,
  TTL: 60,
  ResourceRecords: [{ Value: '192.0.2.1' }, { Value: '192.0.2.2' }],
  HealthCheckId: 'hc-canary',
}

export const stable: Listed = {
  ...canary,
  SetIdentifier: 'stable',
  Weight: 90,
  ResourceRecords: [{ Value: '192.0.2.9' }],
  HealthCheckId: 'hc-stable',
}

export const aliasCanary: Listed = {
  Name: 'api.example.com.',
  Type: 'A',
  SetIdentifier: 'canary',
  Weight: 10,
  AliasTarget: { HostedZoneId: 'Z2ALIAS', DNSName: 'dualstack.lb.example.com.', EvaluateTargetHealth: true },
}

/** What lies around the group in its zone, and must never be touched. */
const NEIGHBOURS: readonly Listed[] = [
  {
    Name: 'api.example.com.',
    Type: 'AAAA',
    SetIdentifier: 'canary',
    Weight: 10,
    TTL: 60,
    ResourceRecords: [],
  },
  { Name: 'api2.example.com.', Type: 'A', SetIdentifier: 'canary', Weight: 10, TTL: 60, ResourceRecords: [] },
]

export interface DnsOptions {
  /** How many sets a page of a list holds. */
  readonly page?: number
  /** What the checkers of a health check say; without an entry there are none. */
  readonly health?: { readonly [id: string]: readonly string[] }
}

/** One hosted zone with a group of weighted records and its neighbours. */
export function dnsWorld(
  group: readonly Listed[] = [canary, stable],
  options: DnsOptions = {},
): World & { readonly zone: Listed[] } {
  const zone = [...group, ...NEIGHBOURS].map((each) => structuredClone(each))
  const health = options.health ?? {
    'hc-stable': ['Success: HTTP Status Code 200, OK', 'Failure: timed out'],
  }
  const $metadata = { requestId: 'req-1', httpStatusCode: 200 }
  const changes = new Map<string, 'PENDING' | 'INSYNC'>()
  const same = (a: unknown, b: unknown) => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
  const answers: Answers = {
    'route53:ListResourceRecordSets': (input) => {
      if (input.HostedZoneId !== 'Z0123456789ABC') throw awsError('NoSuchHostedZone', 404)
      const first = zone.findIndex(
        (each) =>
          each.Name === `${input.StartRecordName?.replace(/\.$/, '')}.` &&
          each.Type === input.StartRecordType &&
          (input.StartRecordIdentifier === undefined || each.SetIdentifier === input.StartRecordIdentifier),
      )
      const from = first < 0 ? zone.length : first
      const to = Math.min(zone.length, from + (options.page ?? 100))
      const next = zone[to]
      return {
        ResourceRecordSets: zone.slice(from, to),
        IsTruncated: next !== undefined,
        ...(next && {
          NextRecordName: next.Name,
          NextRecordType: next.Type,
          NextRecordIdentifier: next.SetIdentifier,
        }),
        $metadata,
      }
    },
    'route53:GetHealthCheckStatus': (input) => ({
      HealthCheckObservations: (health[input.HealthCheckId ?? ''] ?? []).map((Status) => ({
        StatusReport: { Status },
      })),
      $metadata,
    }),
    'route53:ChangeResourceRecordSets': (input) => {
      const batch = zone.slice()
      for (const { Action, ResourceRecordSet: set } of input.ChangeBatch?.Changes ?? []) {
        const at = batch.findIndex((each) => same(each, set))
        if (Action === 'DELETE' && at >= 0) batch.splice(at, 1)
        else if (Action === 'CREATE' && at < 0) batch.unshift(set as unknown as Listed)
        else {
          const messages = [`Tried to ${Action} ${set?.Name}, but the values provided do not match`]
          throw Object.assign(awsError('InvalidChangeBatch', 400), { messages })
        }
      }
      zone.splice(0, zone.length, ...batch)
      const id = `C${changes.size + 1}`
      changes.set(id, 'PENDING')
      return {
        ChangeInfo: { Id: `/change/${id}`, Status: 'PENDING', Comment: input.ChangeBatch?.Comment },
        $metadata,
      }
    },
    'route53:GetChange': (input) => {
      const status = changes.get(input.Id ?? '')
      if (!status) throw awsError('NoSuchChange', 404)
      return { ChangeInfo: { Id: `/change/${input.Id}`, Status: status }, $metadata }
    },
  }
  return {
    zone,
    answers,
    snapshot: () => sorted(zone.slice().sort((a, b) => (rank(a) < rank(b) ? -1 : 1))) as Json,
    settle: () => {
      for (const id of changes.keys()) changes.set(id, 'INSYNC')
    },
    interfere: () => {
      const own = zone.find((each) => each.SetIdentifier === 'canary')
      if (own) own.Weight = 77
    },
  }
}

function rank(set: Listed): string {
  return `${set.Name} ${set.Type} ${set.SetIdentifier}`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
