import type { Dice } from '../proof/dice.ts'
import { alarmsOf, asksPerson, FIRST_VERSION } from './estate.ts'

/** What happens around the workers in a kill test, drawn from the seed. */
export type Happening = { readonly atMs: number } &
  /** Somebody deploys a bad version. */
  (
    | { readonly is: 'release'; readonly service: string; readonly version: number }
    | {
        readonly is: 'alarm'
        readonly alarm: string
        readonly state: 'OK' | 'ALARM'
        /** So long after the transition each copy of it is delivered. */
        readonly copiesAfterMs: readonly number[]
      }
    /** A person answers what the newest execution of this alarm's runbook asks, or ends it. */
    | {
        readonly is: 'person'
        readonly alarm: string
        readonly runbook: string
        readonly verb: 'approve' | 'abort'
        /** Asks again so often if there was no answer. */
        readonly tries: number
      }
  )

const SECOND_MS = 1_000
/**
 * From the end of an alarm to the next: sometimes within the cooldown, mostly after it and while the undo is under way,
 * which begins two minutes after the end and takes three minutes more.
 */
const PAUSE_S = { from: 120, to: 420 }

/** The alarms of one service over a while: one round or more, each with an alarm or two that come, last, and go. */
export interface Story {
  /** The next round from then on, and how many transitions into ALARM it has. */
  round(fromMs: number): {
    readonly happenings: readonly Happening[]
    readonly onsets: number
    readonly endAtMs: number
  }
}

export function storyOf(service: string, dice: Dice): Story {
  const { spike, slow } = alarmsOf(service)
  let version = FIRST_VERSION
  const copies = () => {
    const more = dice.chance(0.3) ? [dice.between(0, 200) * SECOND_MS] : []
    return dice.chance(0.05) ? [0, ...more, 0] : [0, ...more]
  }
  return {
    round(fromMs) {
      const happenings: Happening[] = []
      let onsets = 0
      let endAtMs = fromMs
      const lasts = (alarm: string, atMs: number): number => {
        const clearAtMs = atMs + dice.between(60, 420) * SECOND_MS
        happenings.push(
          { is: 'alarm', atMs, alarm, state: 'ALARM', copiesAfterMs: copies() },
          { is: 'alarm', atMs: clearAtMs, alarm, state: 'OK', copiesAfterMs: copies() },
        )
        onsets++
        endAtMs = Math.max(endAtMs, clearAtMs)
        return clearAtMs
      }
      const spikeAtMs = fromMs + dice.between(80, 120) * SECOND_MS
      if (dice.chance(0.95)) {
        version++
        // Some are still under way when the alarm comes, and are stopped instead of replaced.
        const beforeS = dice.chance(0.25) ? dice.between(5, 30) : dice.between(45, 75)
        happenings.push({
          is: 'release',
          atMs: spikeAtMs - beforeS * SECOND_MS,
          service,
          version,
        })
      }
      const clearAtMs = lasts(spike, spikeAtMs)
      if (dice.chance(0.03))
        happenings.push({
          is: 'person',
          atMs: spikeAtMs + dice.between(1, 120) * SECOND_MS,
          alarm: spike,
          runbook: `${service}-line`,
          verb: 'abort',
          tries: 3,
        })
      // Within keep-open a recurrence of the incident, and refused for the cooldown; after it a new one that meets the undo.
      if (dice.chance(0.25)) lasts(spike, clearAtMs + dice.between(30, 330) * SECOND_MS)
      if (dice.chance(0.6)) {
        const slowAtMs = spikeAtMs + dice.between(-20, 60) * SECOND_MS
        lasts(slow, slowAtMs)
        if (asksPerson(service) && dice.chance(0.8))
          happenings.push({
            is: 'person',
            atMs: slowAtMs + dice.between(10, 150) * SECOND_MS,
            alarm: slow,
            runbook: `${service}-second`,
            verb: 'approve',
            tries: 5,
          })
      }
      return {
        happenings: happenings.map((one) => ({ ...one, atMs: Math.max(one.atMs, fromMs) })),
        onsets,
        endAtMs: endAtMs + dice.between(PAUSE_S.from, PAUSE_S.to) * SECOND_MS,
      }
    },
  }
}
