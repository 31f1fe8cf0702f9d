import { allDone } from './all-done.ts'
import { describe } from './errors.ts'
import { fold } from './execution/fold.ts'
import { matchGlob } from './glob.ts'
import { incidentIdOf } from './ids.ts'
import type { Claim, Lookback } from './ledger/claims.ts'
import { load } from './ledger/records.ts'
import { awsOf, type App } from './ports.ts'
import { describeAlarm } from './probes/alarm-state.ts'
import { alarmsNamedBy, type Runbook } from './runbook/runbook.ts'
import type { Signal } from './signal/signal.ts'

/** How far back an alarm looks, where its event or CloudWatch tells. */
export function lookbackOf({ name, windowMs }: Pick<Signal, 'name' | 'windowMs'>): readonly Lookback[] {
  return windowMs === undefined ? [] : [{ alarm: name, windowMs }]
}

export interface KnownLookbacks {
  readonly lookbacks: readonly Lookback[]
  /** What could not be asked, each with the reason. */
  readonly unread: readonly string[]
}

/**
 * How far back the alarms look that may start this runbook, as far as that is known before they do: those that its triggers
 * name exactly, as CloudWatch has them now, and the one that started the last of these executions, by its event as well.
 * Where nothing was started no cooldown can last, and nothing is asked.
 */
export async function knownLookbacks(
  app: App,
  runbook: Runbook,
  claims: readonly Claim[],
): Promise<KnownLookbacks> {
  const last = lastOf(claims)
  if (!last) return { lookbacks: [], unread: [] }
  const signal = await signalOf(app, runbook, last.executionId)
  const names = new Set([
    ...alarmsNamedBy(runbook),
    ...(signal?.source === 'cloudwatch' ? [signal.name] : []),
  ])
  const described = await allDone([...names].map(async (name) => describedBy(app, runbook, name)))
  return {
    lookbacks: [...(signal ? lookbackOf(signal) : []), ...described.flatMap((one) => one.lookbacks)],
    unread: described.flatMap((one) => one.unread),
  }
}

/** The one that runs, else the one that ended last: from there a cooldown counts. */
function lastOf(claims: readonly Claim[]): Claim | undefined {
  const [last] = claims.toSorted((a, b) => endOf(b) - endOf(a))
  return last
}

function endOf({ endedAtMs }: Claim): number {
  return endedAtMs ?? Number.MAX_SAFE_INTEGER
}

/** What that execution was started for, where the same may start this runbook. */
async function signalOf(app: App, runbook: Runbook, executionId: string): Promise<Signal | undefined> {
  const incidentId = incidentIdOf(executionId)
  if (incidentId === undefined) return undefined
  const { header } = fold((await load(app.ports.storage, incidentId, executionId)).entries)
  if (header?.occasion.is !== 'alarm') return undefined
  const { signal } = header.occasion
  const isTrigger = runbook.triggers.some(
    (trigger) => trigger.is === 'alarm' && matchGlob(trigger.glob, signal.name),
  )
  return isTrigger || header.runbook === runbook.runbook ? signal : undefined
}

async function describedBy(app: App, runbook: Runbook, name: string): Promise<KnownLookbacks> {
  const { ports, catalogue } = app
  try {
    const alarm = await describeAlarm(
      awsOf(ports, catalogue.services[runbook.service] ?? {}, undefined),
      name,
    )
    return { lookbacks: alarm ? lookbackOf(alarm) : [], unread: [] }
  } catch (error) {
    return { lookbacks: [], unread: [`how far alarm ${name} looks back is not known: ${describe(error)}`] }
  }
}
