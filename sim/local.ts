import { dynamodbStorage } from '../lib/ledger/dynamodb.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import type { Account } from './account.ts'
import { prepareTable, startEmbeddedDynamodb } from './dynamodb.ts'
import { embeddedClient } from './dynamodb-endpoint.ts'
import { simQueue, type SimQueue, type Stored } from './queue.ts'
import { startWorker, WorkerDiedError, type Worker } from './worker-process.ts'
import type { FunctionName } from './worker.ts'

/**
 * A stack on this machine: the real handlers in a worker process of their own, an embedded DynamoDB, queues, a schedule
 * and the simulated account. Its time is the account's: it runs 1:1 while work is in flight, so that leases and real
 * processes keep their proportions, and as `idle` says while nothing is.
 */
export interface LocalStack {
  readonly account: Account
  readonly storage: Storage
  now(): number
  /** Invokes one function as Lambda would, in the worker. */
  invoke(name: FunctionName, event: unknown): Promise<unknown>
  /** Ends the worker's process with SIGKILL, as a crash does. The next invocation starts a new one. */
  killWorker(): void
  readonly workerPid: number | undefined
  /** Puts an event on the signals queue, as EventBridge does. */
  deliver(event: unknown): void
  save(): SavedQueues
  close(): Promise<void>
}

export interface SavedQueues {
  readonly signals: readonly Stored[]
  readonly work: readonly Stored[]
  /** Absent in what an older version has saved. */
  readonly outbox?: readonly Stored[]
}

export interface LocalOptions {
  readonly account: Account
  readonly catalogue: Catalogue
  /** Where the table is kept; in memory where it is left out. */
  readonly folder?: string
  readonly queues?: SavedQueues
  /** How many virtual milliseconds pass for each real one while nothing is in flight. */
  readonly idleSpeed: () => number
  readonly onLog?: (level: 'info' | 'warn' | 'error', message: string, fields: unknown) => void
  /** A worker was started; the first one has number 1. */
  readonly onWorker?: (pid: number, number: number) => void
  readonly onWorkerDied?: (pid: number) => void
}

const TABLE = 'firebreak'
/** As in serverless.yml: worker timeouts are kept short (CORE.md 1.4). */
export const FUNCTION_TIMEOUT_MS = 30_000
const SWEEP_EVERY_MS = 60_000
const PUMP_EVERY_MS = 20
const IDLE_STEP_MS = 1_000

export async function startLocal(options: LocalOptions): Promise<LocalStack> {
  const { account } = options
  const dynamodb = await startEmbeddedDynamodb(options.folder === undefined ? {} : { folder: options.folder })
  await prepareTable(dynamodb.endpoint, TABLE)
  const isDue = () =>
    [signals.nextAtMs(), work.nextAtMs(), outbox.nextAtMs(), nextSweepMs].some(
      (atMs) => atMs !== undefined && atMs <= time.now(),
    )
  const time = virtualTime(account, options.idleSpeed, isDue)
  const queueOf = (name: 'signals' | 'work' | 'outbox'): SimQueue =>
    simQueue({
      name,
      now: time.now,
      visibilityMs: 6 * FUNCTION_TIMEOUT_MS,
      ...(options.queues === undefined ? {} : { saved: options.queues[name] ?? [] }),
    })
  const signals = queueOf('signals')
  const work = queueOf('work')
  const outbox = queueOf('outbox')
  const unsubscribe = account.onEvent((event) => void signals.send(JSON.stringify(event)))
  const crew = workers(options, dynamodb.endpoint, time, { work, outbox })
  let nextSweepMs = time.now() + SWEEP_EVERY_MS
  const pump = pumping(time.tick, () => {
    const signal = signals.receive()
    if (signal) return deliverTo(crew, signals, signal, 'ingest')
    const message = work.receive()
    if (message) return deliverTo(crew, work, message, 'advance')
    const told = outbox.receive()
    if (told) return deliverTo(crew, outbox, told, 'outbox')
    if (time.now() < nextSweepMs) return undefined
    nextSweepMs = time.now() + SWEEP_EVERY_MS
    return sweepWith(crew)
  })
  return {
    account,
    storage: dynamodbStorage({ tableName: TABLE, client: embeddedClient(dynamodb.endpoint) }),
    now: time.now,
    invoke: crew.invoke,
    killWorker: crew.kill,
    get workerPid() {
      return crew.pid()
    },
    deliver: (event) => void signals.send(JSON.stringify(event)),
    save: () => ({ signals: [...signals.waiting], work: [...work.waiting], outbox: [...outbox.waiting] }),
    async close() {
      unsubscribe()
      await pump.stop()
      crew.kill()
      await dynamodb.close()
    },
  }
}

interface VirtualTime {
  now(): number
  /** Lets time pass to now. */
  tick(): void
  /** Work begins or ends: time runs 1:1 from the first to the last that is in flight. */
  began(): void
  ended(): void
}

function virtualTime(account: Account, idleSpeed: () => number, isDue: () => boolean): VirtualTime {
  let anchorMs = account.now()
  let realMs = performance.now()
  let inFlight = 0
  const now = () => Math.floor(inFlight > 0 ? anchorMs + performance.now() - realMs : anchorMs)
  const tick = () => {
    const elapsedMs = performance.now() - realMs
    realMs += elapsedMs
    if (inFlight > 0) {
      anchorMs += elapsedMs
      account.advanceTo(now())
      return
    }
    const untilMs = anchorMs + elapsedMs * idleSpeed()
    // Idle time ends as soon as there is something to do, however fast it passes.
    while (anchorMs < untilMs) {
      anchorMs = Math.min(untilMs, anchorMs + IDLE_STEP_MS)
      account.advanceTo(now())
      if (isDue()) return
    }
  }
  return {
    now,
    tick,
    began() {
      tick()
      inFlight += 1
    },
    ended() {
      tick()
      inFlight -= 1
    },
  }
}

interface Crew {
  invoke(name: FunctionName, event: unknown): Promise<unknown>
  kill(): void
  pid(): number | undefined
}

/** One worker at a time; a dead one is replaced when it is next needed. */
function workers(
  options: LocalOptions,
  endpoint: string,
  time: VirtualTime,
  queues: { readonly work: SimQueue; readonly outbox: SimQueue },
): Crew {
  let current: Promise<Worker> | undefined
  let alive: Worker | undefined
  let count = 0
  const start = async (): Promise<Worker> => {
    const worker = await startWorker({
      endpoint,
      tableName: TABLE,
      catalogue: options.catalogue,
      now: time.now,
      serve: async (text) => {
        options.account.advanceTo(time.now())
        return options.account.serve(text)
      },
      send: (to, body, delayMs) => void queues[to].send(body, delayMs),
      log: options.onLog ?? (() => {}),
    })
    alive = worker
    options.onWorker?.(worker.pid, ++count)
    return worker
  }
  const ready = async (): Promise<Worker> => {
    const known = await current?.catch(() => undefined)
    if (known?.isAlive) return known
    current = start()
    return current
  }
  return {
    async invoke(name, event) {
      time.began()
      let pid = 0
      try {
        const worker = await ready()
        pid = worker.pid
        return await worker.invoke(name, event, time.now(), FUNCTION_TIMEOUT_MS)
      } catch (error) {
        if (error instanceof WorkerDiedError) options.onWorkerDied?.(pid)
        throw error
      } finally {
        time.ended()
      }
    },
    kill: () => alive?.kill(),
    pid: () => (alive?.isAlive ? alive.pid : undefined),
  }
}

/** One message, one invocation, with SQS's event; acknowledged unless it was reported or the worker died. */
async function deliverTo(
  crew: Crew,
  queue: SimQueue,
  delivery: NonNullable<ReturnType<SimQueue['receive']>>,
  name: 'ingest' | 'advance' | 'outbox',
): Promise<void> {
  try {
    const answer = (await crew.invoke(name, { Records: [delivery.record] })) as
      | { batchItemFailures?: readonly unknown[] }
      | undefined
    if ((answer?.batchItemFailures?.length ?? 0) === 0) queue.acknowledge(delivery)
  } catch {
    // Not acknowledged: it becomes visible again, as after a crash of a function.
  }
}

/** A sweep that failed is followed by the next one. */
async function sweepWith(crew: Crew): Promise<void> {
  await crew.invoke('sweep', {}).catch(() => {})
}

/** Takes the next thing to do whenever nothing is under way, and lets time pass all the while. */
function pumping(tick: () => void, next: () => Promise<void> | undefined): { stop(): Promise<void> } {
  let inFlight: Promise<void> | undefined
  const timer = setInterval(() => {
    tick()
    inFlight ??= next()?.finally(() => (inFlight = undefined))
  }, PUMP_EVERY_MS)
  return {
    async stop() {
      clearInterval(timer)
      await inFlight?.catch(() => {})
    },
  }
}
