import type { AnyAction, Target } from './actions/action.ts'
import { MUTATING_CALLS, serviceOfCall, type Aws, type CallName } from './aws/aws.ts'
import { awsFailure, isOutage } from './aws/failure.ts'
import { isoTime } from './clock.ts'
import { breakerOf, stateOf } from './execution/state.ts'
import { askBreaker, closeBreaker, noteOutage, type BreakerAnswer } from './ledger/breaker.ts'
import type { Service } from './runbook/runbook.ts'
import { leaseUntilMs, type Session } from './session.ts'

/** A step may not call a service now. */
export interface HeldUp {
  /** `ecs/123456789012/eu-west-1`. */
  readonly key: string
  readonly untilMs: number
  readonly reason: string
}

/** The services that did not answer while something was done, each with what was seen of it. */
export type Outages = Map<string, string>

/** Remembers which services do not answer; answers and throws what `aws` does. */
export function watchedAws(aws: Aws, outages: Outages): Aws {
  return {
    async call(name, input) {
      try {
        return await aws.call(name, input)
      } catch (error) {
        const failure = awsFailure(error)
        const service = serviceOfCall(name)
        if (isOutage(failure, service)) outages.set(service, `${name}: ${failure.name}: ${failure.message}`)
        throw error
      }
    },
  }
}

/** Services whose one control plane serves every region. */
const GLOBAL: ReadonlySet<string> = new Set(['route53'])

export function breakerKey(service: string, of: Pick<Service, 'account' | 'region'>): string {
  return `${service}/${of.account ?? 'own'}/${GLOBAL.has(service) ? 'global' : (of.region ?? 'own')}`
}

/**
 * Counts the outages that were just met; what is open now holds the step up. Without any nothing is read or written.
 * `opens`: they were met by the step's last attempt, which an outage does not use up.
 */
export async function holdsAfter(
  session: Session,
  outages: Outages,
  opens = false,
): Promise<HeldUp | undefined> {
  const met = [...outages].map(async ([service, reason]) => {
    const key = breakerKey(service, session.pinned.service)
    return asked(session, key, async (storage, nowMs) =>
      noteOutage(storage, key, { by: session.stream.stream, reason, opens }, nowMs),
    )
  })
  return (await Promise.all(met)).find((held) => held !== undefined)
}

/**
 * Whether a step is held up by what this execution has seen before. Only then is the breaker asked, and of all that ask after
 * the cool-off one may go on and probe.
 */
export async function holdsBefore(
  session: Session,
  step: string,
  action: AnyAction,
  target: Target,
): Promise<HeldUp | undefined> {
  const { breakers } = session.execution
  const own = breakerOf(stateOf(session.execution, step))
  const keys = new Set([...(own === undefined ? [] : [own]), ...changedBy(session, action, target)])
  for (const key of [...keys].filter((one) => one === own || breakers.has(one))) {
    const held = await asked(session, key, async (storage, nowMs) =>
      askBreaker(storage, key, { by: session.stream.stream, untilMs: leaseUntilMs(session.turn) }, nowMs),
    )
    if (held) return held
  }
  return undefined
}

/** The service has answered a step that it had held up. */
export function letGo(session: Session, step: string): void {
  const key = breakerOf(stateOf(session.execution, step))
  if (key === undefined) return
  const { storage, log } = session.app.ports
  session.inFlight.push(
    closeBreaker(storage, key).catch((error: unknown) => {
      // The next that is held up probes it in its turn.
      log.warn('a breaker was not closed', { execution: session.stream.stream, breaker: key, error })
    }),
  )
}

/** The breakers of the services in which the action changes something. */
function changedBy(session: Session, action: AnyAction, target: Target): readonly string[] {
  const calls = action.permissions(target).flatMap((statement) => statement.actions)
  const changing = calls.filter((call): call is CallName => MUTATING_CALLS.has(call as CallName))
  return changing.map((call) => breakerKey(serviceOfCall(call), session.pinned.service))
}

/** Without an answer of the ledger nothing is held up: the step's own attempts still bound it. */
async function asked(
  session: Session,
  key: string,
  ask: (storage: Session['app']['ports']['storage'], nowMs: number) => Promise<BreakerAnswer>,
): Promise<HeldUp | undefined> {
  const { storage, clock, log } = session.app.ports
  try {
    const answer = await ask(storage, clock.now())
    if (answer.is !== 'open') return undefined
    const since = isoTime(answer.sinceMs)
    const until = isoTime(answer.untilMs)
    const reason = `the breaker of ${key} is open since ${since} and is tried again at ${until} (${answer.reason})`
    return { key, untilMs: answer.untilMs, reason }
  } catch (error) {
    log.warn('a breaker was not asked', { execution: session.stream.stream, breaker: key, error })
    return undefined
  }
}
