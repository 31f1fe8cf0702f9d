import { never } from './errors.ts'
import type { Catalogue, Runbook, Service, Trigger } from './runbook/runbook.ts'
import { matchGlob } from './glob.ts'
import { matchPattern } from './signal/pattern.ts'
import type { Signal } from './signal/signal.ts'

export type Match =
  | {
      readonly is: 'matched'
      readonly service: Service
      /** Runbooks of that service, in the catalogue's order. */
      readonly runbooks: readonly Runbook[]
      /** Triggered as well, but of another service: an incident belongs to one. */
      readonly passedOver: readonly Runbook[]
    }
  | { readonly is: 'unmatched'; readonly reason: string }

/** More near misses than this help nobody. */
const MAX_MISSES = 5

/**
 * The runbooks that a signal triggers, and their service. Where runbooks of several services are triggered, the service
 * counts whose `alarms` name the signal, else that of the first runbook. A service's account and region, where given, must be
 * those of the signal: the same alarm name in another account is another alarm.
 */
export function match(signal: Signal, catalogue: Catalogue): Match {
  const misses: string[] = []
  const triggered: { readonly runbook: Runbook; readonly service: Service }[] = []
  for (const runbook of catalogue.runbooks) {
    if (!runbook.triggers.some((trigger) => triggers(trigger, signal))) {
      misses.push(...nearMisses(runbook, signal))
      continue
    }
    const service = serviceOf(catalogue, runbook.service)
    const elsewhere =
      service === undefined
        ? `services.yaml has no service ${runbook.service}`
        : whyElsewhere(service, signal)
    if (service === undefined || elsewhere !== undefined)
      misses.push(`runbook ${runbook.runbook} is triggered, but ${elsewhere}`)
    else triggered.push({ runbook, service })
  }
  const chosen = (triggered.find(({ service }) => names(service, signal)) ?? triggered[0])?.service
  if (chosen === undefined) return { is: 'unmatched', reason: reasonOf(signal, misses, catalogue) }
  return {
    is: 'matched',
    service: chosen,
    runbooks: triggered.filter(({ service }) => service.name === chosen.name).map(({ runbook }) => runbook),
    passedOver: triggered.filter(({ service }) => service.name !== chosen.name).map(({ runbook }) => runbook),
  }
}

/** Alarm globs speak of alarms, so an event that merely occurred needs a pattern. */
function triggers(trigger: Trigger, signal: Signal): boolean {
  switch (trigger.is) {
    case 'alarm':
      return signal.state !== 'occurred' && matchGlob(trigger.glob, signal.name)
    case 'pattern':
      return signal.event !== undefined && matchPattern(trigger.pattern, signal.event)
    default:
      return never(trigger)
  }
}

function serviceOf(catalogue: Catalogue, name: string): Service | undefined {
  return Object.hasOwn(catalogue.services, name) ? catalogue.services[name] : undefined
}

function names(service: Service, signal: Signal): boolean {
  return service.alarms.some((glob) => matchGlob(glob, signal.name))
}

function whyElsewhere(service: Service, signal: Signal): string | undefined {
  if (service.account !== undefined && service.account !== signal.account) {
    return `its service ${service.name} is in account ${service.account} and the signal in ${signal.account ?? 'none that is known'}`
  }
  if (service.region !== undefined && service.region !== signal.region) {
    return `its service ${service.name} is in ${service.region} and the signal in ${signal.region ?? 'no region that is known'}`
  }
  return undefined
}

/** What nearly matched: another case of letters, an event in place of an alarm, an event too large to look into. */
function nearMisses(runbook: Runbook, signal: Signal): readonly string[] {
  return runbook.triggers.flatMap((trigger) => {
    if (trigger.is === 'pattern') {
      if (signal.event !== undefined) return []
      return [
        `runbook ${runbook.runbook} has a pattern, but the signal carries no event to match (over 64 KiB, or none)`,
      ]
    }
    if (!matchGlob(trigger.glob.toLowerCase(), signal.name.toLowerCase())) return []
    return signal.state === 'occurred'
      ? [
          `runbook ${runbook.runbook} has the glob ${trigger.glob}, but this is an event without a state: use a pattern`,
        ]
      : [`runbook ${runbook.runbook} has the glob ${trigger.glob}, which differs in upper and lower case`]
  })
}

function reasonOf(signal: Signal, misses: readonly string[], catalogue: Catalogue): string {
  const told = misses.slice(0, MAX_MISSES)
  const services = Object.values(catalogue.services)
    .filter((service) => names(service, signal))
    .map(({ name }) => name)
  if (misses.length === 0 && services.length > 0) {
    told.push(
      `the alarms of service ${services.slice(0, MAX_MISSES).join(', ')} name it, but no runbook has a trigger for it`,
    )
  }
  if (misses.length > MAX_MISSES) told.push(`and ${misses.length - MAX_MISSES} more near misses`)
  const what = `no runbook is triggered by ${signal.name} (${signal.source}, ${signal.state})`
  return told.length === 0
    ? `${what}; runbooks asked: ${catalogue.runbooks.length}`
    : `${what}: ${told.join('; ')}`
}
