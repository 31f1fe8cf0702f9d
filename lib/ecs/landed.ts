import type { Verdict } from '../verdict.ts'
import { type ScaleState, standing, standsAt } from './scaling.ts'
import type { SeenFloor, SeenService } from './service.ts'

interface Ends {
  readonly before: ScaleState
  readonly after: ScaleState
}

/** An event's text while ECS finds no room for a task. */
const UNPLACED = 'was unable to place a task'

/** Whether the change takes capacity, or its floor, away. */
export function lowers({ before, after }: Ends): boolean {
  return after.floor && before.floor ? after.floor.min < before.floor.min : after.desired < before.desired
}

/**
 * Whether added capacity is there: enough tasks run, and no deployment began meanwhile (AWS.md 1.2). Fails early where
 * an event newer than the observation says that a task found no place.
 */
export function raised({ before, after }: Ends, seen: SeenService): Verdict {
  const values = { desired: seen.desired, running: seen.running, target: after.desired }
  if (seen.status !== 'ACTIVE') return { verdict: 'failed', reason: `the service is ${seen.status}`, values }
  const count = `running ${seen.running} of ${after.desired}`
  if (seen.running < after.desired) {
    const since = before.context?.lastEventAtMs ?? Number.POSITIVE_INFINITY
    const unplaced = seen.events.find((event) => event.atMs > since && event.message.includes(UNPLACED))
    if (unplaced) return { verdict: 'failed', reason: `${count}: ${unplaced.message.slice(0, 300)}`, values }
    const asked = seen.desired < after.desired ? `, desired ${seen.desired}` : ''
    return { verdict: 'inconclusive', reason: `${count}${asked}`, values }
  }
  const primary = before.context?.primary
  const unchanged = primary?.id === seen.primary?.id && primary?.rolloutState === seen.primary?.rolloutState
  if (seen.deployments > 1 && !unchanged) {
    return { verdict: 'inconclusive', reason: `${count}, but a new deployment is in flight`, values }
  }
  return { verdict: 'passed', reason: count, values }
}

/** Whether what held the capacity is gone; with a floor the count then follows the policies, in their own time. */
export function lowered({ before, after }: Ends, seen: SeenService, floor: SeenFloor | null): Verdict {
  const range = floor && { min: floor.min, max: floor.max }
  const observed: ScaleState = { desired: seen.desired, floor: range, context: null }
  return standsAt(after, before, observed)
    ? { verdict: 'passed', reason: `${standing(observed)}, running ${seen.running}` }
    : { verdict: 'inconclusive', reason: `${standing(observed)}, not yet ${standing(after)}` }
}
