import { CALL_TIMEOUT_MS, type Aws, type AwsFor } from '../../lib/aws/aws.ts'
import { never } from '../../lib/errors.ts'
import { StorageError, type Storage } from '../../lib/ledger/storage.ts'
import type { App, Ports, Turn } from '../../lib/ports.ts'
import { secretReader } from '../../lib/secrets.ts'
import { refuse } from '../refusal.ts'
import type { Agenda } from './agenda.ts'
import type { Dice } from './dice.ts'
import type { Fault, Point } from './faults.ts'
import { putTwice } from './put-twice.ts'

/** How long DynamoDB's client waits for one answer; a request that arrives later was given up (lib/ledger/dynamodb.ts). */
const STORAGE_TIMEOUT_MS = 1_500
const QUEUE_TIMEOUT_MS = 1_500
const HTTP_TIMEOUT_MS = 3_000

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
  const io: Io = (...args) => process.io(...args)
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

  const io = <T>(
    is: Point['is'],
    name: string,
    timeoutMs: number,
    lost: (what: string) => Error,
    throttled: () => Error,
    effect: () => Promise<T>,
    again?: Again<T>,
  ): Promise<T> =>
    new Promise<T>((answered, failed) => {
      if (isDead()) return
      const beside = waiting > 0
      waiting++
      const resolve = (value: T) => {
        waiting--
        answered(value)
      }
      const reject = (error: Error) => {
        waiting--
        failed(error)
      }
      const fault = ground.faults({ name, is, beside }, invocation)
      if (fault) {
        hit = true
        ground.told(`${workerId} ${fault} at ${name}`)
      }
      const sentAtMs = agenda.nowMs
      const wayMs = dice.between(1, 12)
      const die = () => {
        dead = true
      }
      const answer = (backMs: number, give: () => void) =>
        agenda.at(agenda.nowMs + backMs, () => {
          if (isDead()) return
          give()
        })
      const arrive = (then: (settle: () => void, refused: boolean) => void, act = effect) => {
        act().then(
          (value) => {
            ground.seen(workerId, name, value)
            return then(() => resolve(value), false)
          },
          (error: unknown) => then(() => reject(error as Error), true),
        )
      }
      const giveUp = () =>
        agenda.at(sentAtMs + timeoutMs, () => {
          if (!isDead()) reject(lost(`${name}: no answer within ${timeoutMs} ms`))
        })
      if (fault) {
        playFault(fault)
        return
      }
      // Between the two halves of an index read nothing can happen that a later arrival would not show.
      if (is === 'index') agenda.at(sentAtMs + 2 * wayMs, () => arrive((settle) => !isDead() && settle()))
      else agenda.at(sentAtMs + wayMs, () => arrive((settle) => answer(dice.between(1, 12), settle)))

      function playFault(what: Fault): void {
        switch (what) {
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
            agenda.at(sentAtMs + dice.between(timeoutMs - 200, timeoutMs + 200), () =>
              arrive(() => undefined),
            )
            giveUp()
            return
          case 'throttled':
            answer(wayMs, () => reject(throttled()))
            return
          case 'error-after':
            agenda.at(sentAtMs + wayMs, () =>
              arrive((settle, refused) =>
                answer(wayMs, refused ? settle : () => reject(lost(`${name}: internal error`))),
              ),
            )
            return
          case 'freeze-before':
            agenda.at(sentAtMs + dice.between(1_000, 2 * lastsMs), () => {
              // Frozen past its deadline it was killed, and has sent nothing.
              if (!isDead()) arrive((settle) => answer(wayMs, settle))
            })
            return
          case 'freeze-after':
            agenda.at(sentAtMs + wayMs, () =>
              arrive((settle) => answer(dice.between(1_000, 2 * lastsMs), settle)),
            )
            return
          case 'repeated':
            agenda.at(sentAtMs + wayMs, () =>
              arrive(
                (settle) => answer(wayMs, settle),
                () => again?.(pause) ?? effect(),
              ),
            )
            return
          default:
            never(what)
        }
      }

      /** The connection breaks, or no answer comes in time; a process that is dead by then repeats nothing. */
      async function pause(): Promise<void> {
        const untilMs = agenda.nowMs + dice.between(1, dice.chance(0.5) ? 200 : timeoutMs)
        return new Promise((goOn) => agenda.at(untilMs, () => !isDead() && goOn()))
      }
    })

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

type Io = <T>(
  is: Point['is'],
  name: string,
  timeoutMs: number,
  lost: (what: string) => Error,
  throttled: () => Error,
  effect: () => Promise<T>,
  again?: Again<T>,
) => Promise<T>

/** The same request twice, with a pause between the first, whose answer nobody hears, and the second, whose answer counts. */
type Again<T> = (pause: () => Promise<void>) => Promise<T>

function portsOf(ports: Ports, io: Io, skewMs: number): Ports {
  const { storage, queue, http } = ports
  const kind = (key: string) => {
    const end = key.indexOf('#')
    return end < 0 ? key : key.slice(0, end)
  }
  const noStorage = (what: string) => new StorageError(what)
  const store = <T>(name: string, effect: () => Promise<T>, is: Point['is'] = 'storage', again?: Again<T>) =>
    io(is, name, STORAGE_TIMEOUT_MS, noStorage, () => new StorageError(`${name}: throttled`), effect, again)
  const faulty: Storage = {
    put: (item, condition) =>
      store(
        `put ${kind(item.pk.startsWith('INC#') ? item.sk : item.pk)}`,
        () => storage.put(item, condition),
        'storage',
        (pause) => putTwice(storage, item, condition, pause),
      ),
    get: (pk, sk) => store(`get ${kind(pk.startsWith('INC#') ? sk : pk)}`, () => storage.get(pk, sk)),
    query: (pk, prefix) => store(`query ${kind(prefix)}`, () => storage.query(pk, prefix)),
    dueBefore: (shard, atMs, limit) => store('due', () => storage.dueBefore(shard, atMs, limit), 'index'),
    listed: (shard, limit, beforeMs) => store('list', () => storage.listed(shard, limit, beforeMs), 'index'),
  }
  const aws: AwsFor = (scope) => {
    const sent = ports.aws(scope)
    const send: Aws['call'] = (name, input) =>
      io(
        'aws',
        name,
        CALL_TIMEOUT_MS,
        (what) => Object.assign(new Error(what), { name: 'TimeoutError' }),
        () => refuse('ThrottlingException', 'Rate exceeded'),
        () => sent.call(name, input),
      )
    return { call: send }
  }
  const clock = { now: () => ports.clock.now() + skewMs }
  return {
    ...ports,
    clock,
    aws,
    storage: faulty,
    queue: {
      send: (message, delayMs) =>
        io(
          'queue',
          'send',
          QUEUE_TIMEOUT_MS,
          (what) => new Error(what),
          () => new Error('send: throttled'),
          () => queue.send(message, delayMs),
        ),
    },
    http: {
      post: (request) =>
        io(
          'http',
          'post',
          HTTP_TIMEOUT_MS,
          (what) => new Error(what),
          () => new Error('post: connection refused'),
          () => http.post(request),
        ),
    },
    secret: secretReader(aws({}), {}, clock),
  }
}
