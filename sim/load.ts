import type { Backend } from './applications.ts'
import { noise } from './chance.ts'
import { currentShares, tickResolvers } from './dns.ts'
import { putMetric } from './metrics.ts'
import type { Build, Endpoint, Site, World } from './world.ts'

/** A build that nobody described serves well. */
const UNKNOWN_BUILD: Build = { errorRatio: 0, mu: 50 }
/** Requests of any build fail now and then. */
const BASE_ERRORS = 0.0005
/** From this use on, some requests wait too long. */
const SATURATION = 0.9
/** Nobody waits longer than the load balancer's own limit. */
const MAX_LATENCY_S = 30

/** How an endpoint does under a load. */
export interface Performance {
  /** Load over capacity; infinite where nothing runs. */
  readonly rho: number
  readonly errorRatio: number
  readonly latencyS: number
}

/** Puts a weighted name with its endpoints into the account; resolvers know the records as they stand. */
export function addSite(
  world: World,
  site: Omit<Site, 'dns' | 'endpoints'> & { readonly endpoints: readonly Omit<Endpoint, 'carry'>[] },
): Site {
  const whole: Site = {
    ...site,
    endpoints: site.endpoints.map((endpoint) => ({ ...endpoint, carry: { requests: 0, errors: 0 } })),
    dns: { from: {}, to: {}, sinceMs: world.nowMs, ttlMs: 0 },
  }
  world.sites[site.name] = whole
  tickResolvers(world, whole)
  whole.dns = { ...whole.dns, from: whole.dns.to, ttlMs: 0 }
  return whole
}

/** The running copies behind an endpoint, by build. */
function copiesOf(world: World, backend: Backend): { build: Build; copies: number }[] {
  const buildOf = (key: string) => world.builds[key] ?? UNKNOWN_BUILD
  if (backend.is === 'fleet') {
    const fleet = world.fleets[backend.fleet]
    return fleet ? [{ build: buildOf(fleet.build), copies: fleet.instances }] : []
  }
  if (backend.is === 'lambda') {
    const alias = world.aliases[backend.alias]
    const key = `${backend.alias.split(':')[0]}:${alias?.version}`
    return [{ build: buildOf(key), copies: 1_000 }]
  }
  const counts = new Map<string, number>()
  for (const task of world.services[backend.service]?.tasks ?? []) {
    if (task.readyAtMs <= world.nowMs)
      counts.set(task.taskDefinition, (counts.get(task.taskDefinition) ?? 0) + 1)
  }
  return [...counts].map(([key, copies]) => ({ build: buildOf(key), copies }))
}

/**
 * A queue with c servers of rate mu, by Sakasegawa's approximation of M/M/c: waiting grows as use nears 1, and from
 * `SATURATION` on requests time out; beyond capacity the excess fails as well.
 */
export function performanceOf(
  copies: readonly { build: Build; copies: number }[],
  exposure: number,
  rps: number,
): Performance {
  const capacity = copies.reduce((sum, { build, copies: c }) => sum + build.mu * c, 0)
  const count = copies.reduce((sum, { copies: c }) => sum + c, 0)
  if (capacity === 0)
    return { rho: rps > 0 ? Number.POSITIVE_INFINITY : 0, errorRatio: 1, latencyS: MAX_LATENCY_S }
  const rho = rps / capacity
  const failing = copies.reduce(
    (sum, { build, copies: c }) => sum + (build.errorRatio * exposure * build.mu * c) / capacity,
    0,
  )
  const late = Math.min(1, Math.max(0, (rho - SATURATION) / (1 - SATURATION))) ** 2 * 0.05
  const refused = rho > 1 ? 1 - 1 / rho : 0
  const service = count / capacity
  const near = Math.min(rho, 0.99)
  const waiting = (service * near ** Math.sqrt(2 * (count + 1))) / (count * (1 - near))
  return {
    rho,
    errorRatio: 1 - (1 - BASE_ERRORS) * (1 - failing) * (1 - late) * (1 - refused),
    latencyS: Math.min(MAX_LATENCY_S, service + waiting + (rho > 1 ? (rho - 1) * 10 : 0)),
  }
}

/** The share of its capacity that an ECS service uses now, over all names that lead to it. */
export function useOfService(world: World, key: string): number {
  let use = 0
  for (const site of Object.values(world.sites)) {
    const shares = currentShares(world, site)
    for (const endpoint of site.endpoints) {
      if (endpoint.backend.is !== 'ecs' || endpoint.backend.service !== key) continue
      const rps = site.rps * (shares[endpoint.name] ?? 0)
      use += performanceOf(copiesOf(world, endpoint.backend), endpoint.exposure, rps).rho
    }
  }
  return use
}

/** One second of requests on a name, counted into the metrics of the endpoints and of the whole. */
export function tickSite(world: World, site: Site): void {
  tickResolvers(world, site)
  const shares = currentShares(world, site)
  for (const [index, endpoint] of site.endpoints.entries()) {
    const swing = 1 + site.jitter * (2 * noise(world.seed, index, world.nowMs) - 1)
    const rps = site.rps * (shares[endpoint.name] ?? 0) * swing
    const performance = performanceOf(copiesOf(world, endpoint.backend), endpoint.exposure, rps)
    endpoint.carry.requests += rps
    const requests = Math.floor(endpoint.carry.requests)
    endpoint.carry.requests -= requests
    endpoint.carry.errors += requests * performance.errorRatio
    const errors = Math.floor(endpoint.carry.errors)
    endpoint.carry.errors -= errors
    // Load balancers report nothing at all where nothing came, which is why no data is not the same as no errors.
    if (requests === 0) continue
    countRequests(world, site, site.dimensions, requests, errors, performance.latencyS)
    countRequests(
      world,
      site,
      { ...site.dimensions, ...endpoint.dimensions },
      requests,
      errors,
      performance.latencyS,
    )
  }
}

function countRequests(
  world: World,
  site: Site,
  dimensions: { readonly [name: string]: string },
  requests: number,
  errors: number,
  latencyS: number,
): void {
  const put = (
    name: string,
    sample: Parameters<typeof putMetric>[2],
    values?: Parameters<typeof putMetric>[3],
  ) =>
    putMetric(world, { namespace: site.namespace, name, dimensions, periodMs: site.periodMs }, sample, values)
  put('RequestCount', { sum: requests, count: requests, min: 1, max: 1 })
  if (errors > 0) put('HTTPCode_Target_5XX_Count', { sum: errors, count: errors, min: 1, max: 1 })
  put('ErrorRatio', { sum: errors, count: requests, min: 0, max: errors > 0 ? 1 : 0 })
  // Response times around the mean as an exponential distribution has them at the middle of each part.
  const values = [
    { value: latencyS * 0.7, count: requests * 0.5 },
    { value: latencyS * 1.2, count: requests * 0.4 },
    { value: latencyS * 3, count: requests * 0.09 },
    { value: latencyS * 5, count: requests * 0.01 },
  ]
  put(
    'TargetResponseTime',
    { sum: latencyS * requests, count: requests, min: latencyS * 0.1, max: latencyS * 5 },
    values,
  )
}
