import type { Incident } from './incident.ts'

/** How a service fared over a time, by what is on record of its incidents (GLOSSARY.md, "Times"). */
export interface Reliability {
  readonly service: string
  readonly incidents: number
  readonly open: number
  /** Detection to mitigation, in ms, of those that were mitigated. */
  readonly toMitigate?: Spread
  /** Detection to resolution, in ms, of those that are resolved. */
  readonly toResolve?: Spread
  /** MTBF / (MTBF + MTTR), between 0 and 1; 1 where there was no incident. */
  readonly availability: number
  /** Of the incidents that were mitigated or resolved: how many a check of an execution of ours found mitigated. */
  readonly automated: { readonly of: number; readonly count: number }
}

/** A median and a 90th percentile, of so many. */
export interface Spread {
  readonly n: number
  readonly median: number
  readonly p90: number
}

/** One incident, and whether a person or an execution mitigated it. */
export interface Told {
  readonly incident: Incident
  readonly isMitigatedByExecution: boolean
}

/** Each service's figures from then until then, by name. Pure. */
export function reliabilityOf(
  services: readonly string[],
  told: readonly Told[],
  fromMs: number,
  untilMs: number,
): readonly Reliability[] {
  const byService = Map.groupBy(told, ({ incident }) => incident.service)
  const names = [...new Set([...services, ...byService.keys()])].toSorted()
  return names.map((service) => ofService(service, byService.get(service) ?? [], fromMs, untilMs))
}

function ofService(service: string, told: readonly Told[], fromMs: number, untilMs: number): Reliability {
  const incidents = told.map(({ incident }) => incident)
  const toMitigate = spreadOf(
    incidents.flatMap(({ detectedAtMs, mitigatedAtMs }) =>
      mitigatedAtMs === undefined ? [] : [mitigatedAtMs - detectedAtMs],
    ),
  )
  const toResolve = spreadOf(
    incidents.flatMap(({ detectedAtMs, resolvedAtMs }) =>
      resolvedAtMs === undefined ? [] : [resolvedAtMs - detectedAtMs],
    ),
  )
  const isOver = ({ incident }: Told) =>
    incident.mitigatedAtMs !== undefined || incident.resolvedAtMs !== undefined
  return {
    service,
    incidents: incidents.length,
    open: incidents.filter(({ status }) => status !== 'resolved').length,
    ...(toMitigate === undefined ? {} : { toMitigate }),
    ...(toResolve === undefined ? {} : { toResolve }),
    availability: availabilityOf(incidents, fromMs, untilMs),
    automated: {
      of: told.filter(isOver).length,
      count: told.filter(({ isMitigatedByExecution }) => isMitigatedByExecution).length,
    },
  }
}

/**
 * MTBF is the time between failures that the service was up, MTTR the time that an incident took to be resolved; where two
 * overlap, the time is counted once. One that stands counts until now.
 */
function availabilityOf(incidents: readonly Incident[], fromMs: number, untilMs: number): number {
  const n = incidents.length
  const spanMs = untilMs - fromMs
  if (n === 0 || spanMs <= 0) return 1
  const spans = incidents
    .map(({ detectedAtMs, resolvedAtMs = untilMs }) => ({
      from: Math.max(fromMs, detectedAtMs),
      until: Math.min(untilMs, resolvedAtMs),
    }))
    .toSorted((a, b) => a.from - b.from)
  let downMs = 0
  let endMs = fromMs
  for (const { from, until } of spans) {
    downMs += Math.max(0, until - Math.max(from, endMs))
    endMs = Math.max(endMs, until)
  }
  const mtbf = (spanMs - downMs) / n
  const mttr = downMs / n
  return mtbf / (mtbf + mttr)
}

/** Nearest rank: each figure is one that was measured. `undefined` of nothing. */
export function spreadOf(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
  return { n: values.length, median: rank(0.5), p90: rank(0.9) }
}
