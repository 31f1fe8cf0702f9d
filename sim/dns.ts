import type { ResourceRecordSet } from '@aws-sdk/client-route-53'
import type { HostedZone, Shares, Site, World } from './world.ts'

/**
 * A name as Route 53 returns it: lower case, trailing dot, and octal escapes for anything beyond letters, digits,
 * hyphen, underscore and dot (`*` is `\052`).
 */
export function normalName(name: string): string {
  const dotted = name.endsWith('.') ? name : `${name}.`
  if (/^[a-z0-9._-]*$/.test(dotted)) return dotted
  let text = ''
  for (let i = 0; i < dotted.length; i++) {
    const character = dotted[i] ?? ''
    const escape = /^\\[0-7]{3}/.exec(dotted.slice(i))
    if (escape) {
      text += normalCharacter(String.fromCodePoint(Number.parseInt(escape[0].slice(1), 8)))
      i += 3
    } else {
      text += normalCharacter(character)
    }
  }
  return text
}

function normalCharacter(character: string): string {
  const lower = character.toLowerCase()
  if (/^[a-z0-9._-]$/.test(lower)) return lower
  return `\\${(lower.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`
}

/** The order of lists: labels from the right, so that a zone's own name comes first. */
export function compareNames(a: string, b: string): number {
  const left = a.replace(/\.$/, '').split('.').reverse()
  const right = b.replace(/\.$/, '').split('.').reverse()
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = compareText(left[i] ?? '', right[i] ?? '')
    if (order !== 0) return order
  }
  return left.length - right.length
}

/** Lists sort by name, then type, then set identifier. */
export function compareRecords(a: ResourceRecordSet, b: ResourceRecordSet): number {
  return (
    compareNames(a.Name ?? '', b.Name ?? '') ||
    compareText(a.Type ?? '', b.Type ?? '') ||
    compareText(a.SetIdentifier ?? '', b.SetIdentifier ?? '')
  )
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * How Route 53 shares answers among a weighted group (AWS.md 3.1): by weight among the healthy with a weight; all
 * weights 0 means equal shares; zero weights serve when no other is healthy; all unhealthy means all count as healthy.
 */
export function authoritativeShares(world: World, zone: HostedZone, site: Site): Shares {
  const name = normalName(site.recordName)
  const group = zone.served.filter((record) => record.Name === name && record.Type === site.recordType)
  const healthy = group.filter((record) => isHealthy(world, record))
  const standing = healthy.length > 0 ? healthy : group
  const weighted = standing.filter((record) => record.Weight === undefined || record.Weight > 0)
  const serving = weighted.length > 0 ? weighted : standing
  const weightOf = (record: ResourceRecordSet) => (weighted.length > 0 ? (record.Weight ?? 1) : 1)
  const sum = serving.reduce((total, record) => total + weightOf(record), 0)
  const shares: Shares = {}
  for (const endpoint of site.endpoints) {
    const share = serving
      .filter((record) => pointsAt(record, endpoint.address))
      .reduce((total, record) => total + weightOf(record), 0)
    shares[endpoint.name] = sum === 0 ? 0 : share / sum
  }
  return shares
}

/** Where clients go now. Resolvers learn a change evenly over one TTL, so it takes hold by and by. */
export function currentShares(world: World, site: Site): Shares {
  const { from, to, sinceMs, ttlMs } = site.dns
  const learned = ttlMs === 0 ? 1 : Math.min(1, Math.max(0, (world.nowMs - sinceMs) / ttlMs))
  const shares: Shares = {}
  for (const endpoint of site.endpoints) {
    shares[endpoint.name] = (from[endpoint.name] ?? 0) * (1 - learned) + (to[endpoint.name] ?? 0) * learned
  }
  return shares
}

/** Takes note when the authoritative answer has changed: by a record that came in sync, or by health. */
export function tickResolvers(world: World, site: Site): void {
  const zone = world.zones[site.zone]
  if (!zone) return
  const to = authoritativeShares(world, zone, site)
  const same = site.endpoints.every((endpoint) => to[endpoint.name] === site.dns.to[endpoint.name])
  if (same) return
  const name = normalName(site.recordName)
  const record = zone.served.find((served) => served.Name === name && served.Type === site.recordType)
  // An alias has the TTL of what it points at; a load balancer's is 60 s.
  const ttlMs = (record?.TTL ?? 60) * 1000
  site.dns = { from: currentShares(world, site), to, sinceMs: world.nowMs, ttlMs }
}

function isHealthy(world: World, record: ResourceRecordSet): boolean {
  return record.HealthCheckId === undefined || world.healthChecks[record.HealthCheckId]?.healthy !== false
}

function pointsAt(record: ResourceRecordSet, address: string): boolean {
  if (record.AliasTarget) return normalName(record.AliasTarget.DNSName ?? '') === normalName(address)
  return (record.ResourceRecords ?? []).some((value) => value.Value === address)
}
