import { command, type Request } from '../../lib/command.ts'
import type { Entry } from '../../lib/ledger/entry.ts'
import type { PauseScope } from '../../lib/ledger/kill-switch.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import type { Agenda } from './agenda.ts'
import type { Dice } from './dice.ts'
import type { Invoker } from './invoker.ts'
import type { Watch } from './watch.ts'

/** What may be asked takes two people where its runbook says so. */
export type Name = 'ann' | 'bob'

/** What a person asks for. */
export type Asked =
  | { readonly is: 'person'; readonly verb: 'abort' | 'ack' | 'approve' | 'deny' | 'resolve' }
  /** A start by hand, under a key that stands for one execution however often it is asked for. */
  | { readonly is: 'person'; readonly verb: 'run'; readonly runbook: string; readonly key: string }
  /** Everything of the scope stands still for so long. */
  | { readonly is: 'person'; readonly verb: 'pause'; readonly scope: PauseScope; readonly forMs: number }

/** What somebody who is asked for an approval answers to the plan that was shown, and when. */
export interface Answer {
  /** To which of the questions of the run, from 1. */
  readonly question: number
  readonly verb: 'approve' | 'deny'
  readonly by: Name
  /** Counted from when it is asked, or from when the time to decide is over. */
  readonly from: 'asked' | 'over'
  readonly delayMs: number
}

export interface People {
  ask(one: Asked): void
  /** A record was put: whoever is asked in it will answer. */
  told(record: Item): void
  /** So many pauses are still to be ended. */
  readonly pausing: number
}

/** After this time nothing that a dead worker has sent arrives any more. */
const IN_FLIGHT_MS = 2_000

/** People who ask something of the stack: who is not answered asks again. */
export function people(options: {
  readonly agenda: Agenda
  readonly dice: Dice
  readonly watch: Watch
  readonly answers: readonly Answer[]
  readonly invoke: Invoker['invoke']
  readonly tell: (line: string) => void
}): People {
  const { agenda, dice, watch, answers, invoke, tell } = options
  let pausing = 0
  let questions = 0

  function send(request: Request, then: (ok: boolean) => void): void {
    const name = 'by' in request ? request.by.name : 'somebody'
    tell(`${name} asks ${JSON.stringify(request)}`)
    invoke(
      request.verb,
      async (app, turn) => {
        const answer = await command(app, request, turn)
        tell(`${name} is answered ${JSON.stringify(answer).slice(0, 200)}`)
      },
      then,
    )
  }

  function insist(request: Request): void {
    send(request, (ok) => {
      if (!ok) insist(request)
    })
  }

  function pause({ scope, forMs }: Extract<Asked, { verb: 'pause' }>): void {
    const untilMs = agenda.nowMs + forMs
    const [begun, ended]: readonly [Request, Request] =
      scope.is === 'all'
        ? [
            { verb: 'pause-all', ...WHY },
            { verb: 'resume-all', by: WHY.by },
          ]
        : [
            { verb: 'pause', scope, ...WHY },
            { verb: 'resume', scope, by: WHY.by },
          ]
    pausing++
    // One that came after its end would stand for ever: it is ended only when nothing of it is under way any more.
    send(begun, () => {
      agenda.at(Math.max(untilMs, agenda.nowMs + IN_FLIGHT_MS), () => {
        pausing--
        insist(ended)
      })
    })
  }

  return {
    ask(one) {
      switch (one.verb) {
        case 'pause':
          pause(one)
          return
        case 'run':
          insist({ verb: one.verb, runbook: one.runbook, key: one.key, ...WHY })
          return
        case 'ack': {
          const [incidentId] = watch.incidents
          if (incidentId !== undefined) insist({ verb: 'ack', id: incidentId, by: WHY.by })
          return
        }
        default: {
          const [first, ...others] = one.verb === 'resolve' ? watch.incidents : watch.executions
          if (first !== undefined) insist({ verb: one.verb, id: dice.pick([first, ...others]), ...WHY })
        }
      }
    },
    told({ sk, body }) {
      if (answers.length === 0 || !body.includes('"approval.requested"')) return
      const { entries } = JSON.parse(body) as { readonly entries: readonly Entry[] }
      const [, id = ''] = sk.split('#')
      for (const entry of entries) {
        if (entry.kind !== 'approval.requested') continue
        questions++
        const { subject, digest, expiresAtMs } = entry
        for (const { question, verb, by: name, from, delayMs } of answers) {
          if (question !== questions) continue
          const fromMs = from === 'asked' ? agenda.nowMs : expiresAtMs
          const by = { ...WHY.by, name }
          agenda.at(fromMs + delayMs, () => insist({ verb, id, subject, digest, ...WHY, by }))
        }
      }
    },
    get pausing() {
      return pausing
    },
  }
}

const WHY = { by: { name: 'ann', via: 'cli' }, reason: 'the proof asks' }
