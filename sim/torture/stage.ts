import { executionIdFor } from '../../lib/ids.ts'
import { readOpen } from '../../lib/ledger/open.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import { parseEvent } from '../../lib/signal/parse.ts'
import type { Signal } from '../../lib/signal/signal.ts'
import { asAlarmAction } from '../calm.ts'
import type { OutsideAct } from '../outside.ts'
import { diceOf } from '../proof/dice.ts'
import type { SimQueue } from '../queue.ts'
import type { SimEvent } from '../world.ts'
import type { AccountRequest } from './account-process.ts'
import type { Child } from './child.ts'
import type { Job } from './crew.ts'
import type { Onset } from './evidence.ts'
import { storyOf, type Happening } from './story.ts'

/** Alarms, releases and people of all services: what reaches the stack from outside. */
export interface Stage {
  /** Transitions into ALARM that were made. */
  readonly onsets: readonly Onset[]
  /** When the next thing happens; `undefined` after the last one. */
  readonly nextAtMs: number | undefined
  /** Rounds for all services, until there are so many more onsets. */
  plan(onsets: number): void
  /** Makes happen what is due. Signals go to their queue; what people ask is handed out. */
  happen(): Promise<readonly Asked[]>
}

/** A request of a person. */
export interface Asked {
  readonly job: Job
  /** What became of it; `undefined` where nobody answered. */
  answered(answer: { readonly answer: unknown } | undefined): void
}

export interface StageOptions {
  readonly services: readonly string[]
  readonly seed: number
  readonly account: Child<AccountRequest, unknown>
  readonly storage: Storage
  readonly signals: SimQueue
  now(): number
  tell(line: string): void
}

const ASK_AGAIN_MS = 30_000

export function playStories(options: StageOptions): Stage {
  const { account, signals, tell, now } = options
  const dice = diceOf(options.seed)
  const stories = options.services.map((service, index) => ({
    story: storyOf(service, diceOf(options.seed * 1_000 + index)),
    freeFromMs: now(),
  }))
  const onsets: Onset[] = []
  const newest = new Map<string, Signal>()
  let ahead: Happening[] = []

  const add = (...more: readonly Happening[]) => {
    ahead = [...ahead, ...more].sort((a, b) => a.atMs - b.atMs)
  }

  /** The service that is free first has the next round. */
  function plan(count: number): void {
    let left = count
    while (left > 0) {
      const next = stories.reduce((best, one) => (one.freeFromMs < best.freeFromMs ? one : best))
      const round = next.story.round(Math.max(now(), next.freeFromMs))
      next.freeFromMs = round.endAtMs
      left -= round.onsets
      add(...round.happenings)
    }
  }

  async function changeAlarm({
    alarm,
    state,
    copiesAfterMs,
  }: Extract<Happening, { is: 'alarm' }>): Promise<void> {
    const event = (await account.ask({ is: 'transition', alarm, state, atMs: now() })) as SimEvent
    const signal = signalOf(event)
    tell(`alarm ${alarm} is ${state}, told ${copiesAfterMs.length} times`)
    if (state === 'ALARM') {
      newest.set(alarm, signal)
      onsets.push({ alarm, signalId: signal.signalId, onsetAtMs: signal.stateAtMs })
    }
    for (const afterMs of copiesAfterMs)
      signals.send(JSON.stringify(dice.chance(0.5) ? event : asAlarmAction(event)), afterMs)
  }

  async function askFor(person: Extract<Happening, { is: 'person' }>): Promise<Asked | undefined> {
    const signal = newest.get(person.alarm)
    const again = () => {
      if (person.tries > 1) add({ ...person, tries: person.tries - 1, atMs: now() + ASK_AGAIN_MS })
    }
    const open = signal && (await readOpen(options.storage, signal.key))
    if (!open || open.onsetAtMs !== signal.stateAtMs) {
      again()
      return undefined
    }
    const id = executionIdFor(open.incidentId, person.runbook, open.onsetAtMs)
    const event = { verb: person.verb, id, by: { name: 'ann', via: 'cli' }, reason: 'seen by a person' }
    return {
      job: { name: 'command', event, subject: { is: 'nothing' } },
      answered: (answer) => {
        const { is } = (answer?.answer ?? {}) as { readonly is?: string }
        tell(`ann asks to ${person.verb} ${id}: ${is ?? 'no answer'}`)
        if (is !== 'answer') again()
      },
    }
  }

  return {
    onsets,
    get nextAtMs() {
      return ahead[0]?.atMs
    },
    plan,
    async happen() {
      const asked: Asked[] = []
      for (let next = ahead[0]; next && next.atMs <= now(); next = ahead[0]) {
        ahead = ahead.slice(1)
        switch (next.is) {
          case 'release': {
            const { service, version } = next
            const act: OutsideAct = {
              is: 'deploy',
              application: service,
              group: `${service}-prod`,
              taskDefinition: `${service}:${version}`,
              build: { errorRatio: 0.5, mu: 20 },
            }
            const done = await account.ask({ is: 'act', act, atMs: now() })
            tell(
              `release ${version} of ${service} ${done === true ? 'is deployed' : 'has to wait and is dropped'}`,
            )
            break
          }
          case 'alarm':
            await changeAlarm(next)
            break
          case 'person': {
            const one = await askFor(next)
            if (one) asked.push(one)
          }
        }
      }
      return asked
    },
  }
}

/** The signal that ingest will make of an event. */
export function signalOf(event: unknown): Signal {
  const [parsed] = parseEvent(event, { receivedAtMs: 0 })
  if (parsed?.is !== 'signal') throw new Error(`no signal: ${JSON.stringify(event)}`)
  return parsed.signal
}
