import { never } from '../../lib/errors.ts'
import type { App, Ports, Turn } from '../../lib/ports.ts'
import type { Agenda } from './agenda.ts'
import type { Dice } from './dice.ts'
import type { Fault, Point } from './faults.ts'
import { portsOf, type Io, type Request } from './worker-ports.ts'

/** A worker's clock is off by so much at most. */
export const SKEW_MS = 500

/** What a run hands to its workers. */
export interface Ground {
  readonly agenda: Agenda
  readonly dice: Dice
  /** What is deployed now, on the ports of the world. */
  readonly app: () => App
  /** Chooses what goes wrong with an I/O of the invocation of that number. */
  readonly faults: (point: Omit<Point, 'ordinal'>, turn: number) => Fault | undefined
  /** Told of every fault that was injected. */
  readonly told: (line: string) => void
  /** A worker is answered. */
  readonly seen: (workerId: string, name: string, answer: unknown) => void
}

/** One invocation. It ends by itself, or is killed; what it has sent by then may still arrive. */
export interface Worker {
  readonly app: App
  readonly turn: Turn
  readonly isDead: () => boolean
  /** Something went wrong with one of its I/Os. */
  readonly wasHit: () => boolean
  /** It has an answer to wait for; else it works, or loads a module that the process has not loaded before. */
  readonly isWaiting: () => boolean
  readonly kill: () => void
  /** Where the next invocation may run, once this one has ended well. */
  readonly process: Process
}

/** A process of Lambda: it serves one invocation at a time, and keeps what it has read once. */
export interface Process {
  readonly ports: Ports
  readonly skewMs: number
  /** The invocation that it serves now. */
  io: Io
}

function newProcess(ground: Ground): Process {
  const { dice } = ground
  const skewMs = dice.chance(0.3) ? dice.between(-SKEW_MS, SKEW_MS) : 0
  const process: { io: Io } = { io: () => Promise.reject(new Error('no invocation is served')) }
  const io: Io = (request) => process.io(request)
  return Object.assign(process, { ports: portsOf(ground.app().ports, io, skewMs), skewMs })
}

/**
 * The ports of one invocation. Every I/O is two events on the agenda, the arrival of the request and that of the answer,
 * so that any two workers interleave at every one; a fault stands between them. A dead worker's promises never settle:
 * nothing of it goes on, not even its `finally`. Without a warm process it is a cold start.
 */
export function startWorker(
  ground: Ground,
  lastsMs: number,
  invocation: number,
  warm: Process | undefined,
): Worker {
  const { agenda, dice } = ground
  const process = warm ?? newProcess(ground)
  const app = ground.app()
  const workerId = app.ports.random.id()
  const deadlineAtMs = agenda.nowMs + lastsMs
  let dead = false
  let hit = false
  let waiting = 0
  const isDead = () => dead || agenda.nowMs >= deadlineAtMs

  const answerIn = (backMs: number, give: () => void) =>
    agenda.at(agenda.nowMs + backMs, () => {
      if (!isDead()) give()
    })

  const io: Io = <T>(request: Request<T>): Promise<T> =>
    new Promise<T>((answered, failed) => {
      if (isDead()) return
      const { is, name, effect } = request
      const beside = waiting > 0
      waiting++
      const fault = ground.faults({ name, is, beside }, invocation)
      const sentAtMs = agenda.nowMs
      const wayMs = dice.between(1, 12)
      const resolve = (value: T) => {
        waiting--
        answered(value)
      }
      const reject = (error: unknown) => {
        waiting--
        failed(error)
      }
      if (fault) {
        hit = true
        ground.told(`${workerId} ${fault} at ${name}`)
        playFault(fault, request, { sentAtMs, wayMs, resolve, reject })
        return
      }
      // Between the two halves of an index read nothing can happen that a later arrival would not show.
      const isOneEvent = is === 'index'
      const settle = (give: () => void) => {
        if (!isOneEvent) answerIn(dice.between(1, 12), give)
        else if (!isDead()) give()
      }
      agenda.at(sentAtMs + (isOneEvent ? 2 * wayMs : wayMs), () => {
        effect().then(
          (value) => {
            ground.seen(workerId, name, value)
            return settle(() => resolve(value))
          },
          (error: unknown) => settle(() => reject(error)),
        )
      })
    })

  function playFault<T>(
    fault: Fault,
    { name, timeoutMs, lost, throttled, effect, again }: Request<T>,
    { sentAtMs, wayMs, resolve, reject }: Sent<T>,
  ): void {
    const die = () => {
      dead = true
    }
    const arrive = (then: (settle: () => void, refused: boolean) => void, act = effect) => {
      act().then(
        (value) => {
          ground.seen(workerId, name, value)
          return then(() => resolve(value), false)
        },
        (error: unknown) => then(() => reject(error), true),
      )
    }
    const giveUp = () =>
      agenda.at(sentAtMs + timeoutMs, () => {
        if (!isDead()) reject(lost(`${name}: no answer within ${timeoutMs} ms`))
      })
    switch (fault) {
      case 'crash-before':
        die()
        return
      case 'crash-after':
        agenda.at(sentAtMs + wayMs, () => {
          if (!isDead()) arrive(die)
        })
        return
      case 'crash-in-flight':
        // The process is gone, and its request arrives all the same.
        die()
        agenda.at(sentAtMs + dice.between(1, timeoutMs), () => arrive(() => undefined))
        return
      case 'request-lost':
        giveUp()
        return
      case 'reply-lost':
        agenda.at(sentAtMs + wayMs, () => arrive(() => undefined))
        giveUp()
        return
      case 'late':
        agenda.at(sentAtMs + dice.between(timeoutMs - 200, timeoutMs + 200), () => arrive(() => undefined))
        giveUp()
        return
      case 'throttled':
        answerIn(wayMs, () => reject(throttled()))
        return
      case 'error-after':
        agenda.at(sentAtMs + wayMs, () =>
          arrive((settle, refused) =>
            answerIn(wayMs, refused ? settle : () => reject(lost(`${name}: internal error`))),
          ),
        )
        return
      case 'freeze-before':
        agenda.at(sentAtMs + dice.between(1_000, 2 * lastsMs), () => {
          // Frozen past its deadline it was killed, and has sent nothing.
          if (!isDead()) arrive((settle) => answerIn(wayMs, settle))
        })
        return
      case 'freeze-after':
        agenda.at(sentAtMs + wayMs, () =>
          arrive((settle) => answerIn(dice.between(1_000, 2 * lastsMs), settle)),
        )
        return
      case 'repeated':
        agenda.at(sentAtMs + wayMs, () =>
          arrive(
            (settle) => answerIn(wayMs, settle),
            () => again?.(() => pause(timeoutMs)) ?? effect(),
          ),
        )
        return
      default:
        never(fault)
    }
  }

  /** The connection breaks, or no answer comes in time; a process that is dead by then repeats nothing. */
  async function pause(timeoutMs: number): Promise<void> {
    const untilMs = agenda.nowMs + dice.between(1, dice.chance(0.5) ? 200 : timeoutMs)
    return new Promise((goOn) => agenda.at(untilMs, () => !isDead() && goOn()))
  }

  process.io = io
  return {
    app: { ...app, ports: process.ports },
    turn: { workerId, deadlineMs: deadlineAtMs + process.skewMs },
    process,
    isDead,
    wasHit: () => hit,
    isWaiting: () => waiting > 0,
    kill: () => {
      dead = true
    },
  }
}

interface Sent<T> {
  readonly sentAtMs: number
  /** How long it is on its way where nothing goes wrong. */
  readonly wayMs: number
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}
