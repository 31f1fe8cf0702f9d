import { advance } from '../lib/advance.ts'
import { command, type CommandResult } from '../lib/command.ts'
import { ingest } from '../lib/ingest.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import { watched } from '../lib/ledger/watched.ts'
import { silentLog, type Log } from '../lib/log.ts'
import { silentMetrics } from '../lib/metrics.ts'
import type { OutboxMessage } from '../lib/outbox.ts'
import type { App, Ports, Turn } from '../lib/ports.ts'
import type { Queue, WorkMessage } from '../lib/queue.ts'
import type { Random } from '../lib/random.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { secretReader } from '../lib/secrets.ts'
import { sweep } from '../lib/sweep.ts'
import type { Account } from './account.ts'
import { CrashError, mortalPorts, type Point } from './mortal.ts'
import { simQueue, type SimQueue } from './queue.ts'
import { workOff } from '../web/outbox.ts'

/**
 * A whole stack in one process on the account's virtual clock: the real ingest, advance and sweep, woken by queues and a
 * schedule as Lambda wakes them. Every run of it is deterministic.
 */
export interface Stack {
  readonly app: App
  readonly account: Account
  readonly storage: Storage
  readonly signals: SimQueue
  readonly work: SimQueue
  readonly outbox: SimQueue
  /** Crashes that were injected, and I/O points that were passed. */
  readonly crashes: readonly string[]
  readonly points: number
  /** An event, as EventBridge puts it on the queue. */
  deliver(event: unknown): void
  /** One request of a person. */
  command(request: unknown): Promise<CommandResult>
  /** Plays until a virtual time, or until the condition holds; answers whether it held. */
  runUntil(atMs: number, holds?: () => boolean | Promise<boolean>): Promise<boolean>
}

export interface StackOptions {
  readonly account: Account
  readonly catalogue: Catalogue
  readonly storage?: Storage
  readonly log?: Log
  /** Kills a worker at an I/O. */
  readonly diesAt?: (point: Point) => boolean
  /** Takes the account's own events as signals; on by default. */
  readonly wired?: boolean
}

/** The function's timeout: worker timeouts are kept short (CORE.md 1.4). */
export const WORKER_MS = 30_000
const VISIBILITY_MS = 6 * WORKER_MS
const SWEEP_EVERY_MS = 60_000
const STEP_MS = 1_000
/** A table's stream tells of a record so much later. */
export const STREAM_LAG_MS = 1_000

export function createStack(options: StackOptions): Stack {
  const { account, catalogue } = options
  const now = () => account.now()
  const signals = simQueue({ name: 'signals', now, visibilityMs: VISIBILITY_MS })
  const work = simQueue({ name: 'work', now, visibilityMs: VISIBILITY_MS })
  const outbox = simQueue({ name: 'outbox', now, visibilityMs: VISIBILITY_MS })
  const plainStorage = options.storage ?? memoryStorage()
  // In the stead of the table's stream, which only a deployed one has.
  const storage =
    (catalogue.slack ?? catalogue.hooks)
      ? watched(
          plainStorage,
          (incidentId) => void outbox.send(JSON.stringify({ v: 1, is: 'tell', incidentId }), STREAM_LAG_MS),
        )
      : plainStorage
  const random = countingRandom()
  const crashes: string[] = []
  let points = 0
  let nextSweepMs = now() + SWEEP_EVERY_MS
  const queue: Queue = {
    send: async (message, delayMs) => void work.send(JSON.stringify(message), delayMs),
  }
  const ports: Ports = {
    clock: account.clock,
    random,
    storage,
    queue,
    outbox: { send: async (message, delayMs) => void outbox.send(JSON.stringify(message), delayMs) },
    aws: account.aws,
    http: account.http,
    secret: secretReader(account.aws({}), {}, account.clock),
    log: options.log ?? silentLog,
    metrics: silentMetrics,
  }
  const app: App = { ports, catalogue }
  const worker = (): App => {
    if (!options.diesAt) return app
    return {
      catalogue,
      ports: mortalPorts(
        ports,
        () => ++points,
        options.diesAt,
        (where) => void crashes.push(where),
      ),
    }
  }
  const turn = (): Turn => ({ workerId: random.id(), deadlineMs: now() + WORKER_MS })
  if (options.wired ?? true) account.onEvent((event) => void signals.send(JSON.stringify(event)))

  const work1 = async (queued: SimQueue, handle: (body: string) => Promise<unknown>): Promise<boolean> => {
    const delivery = queued.receive()
    if (!delivery) return false
    if (await survives(() => handle(delivery.body), options.log ?? silentLog)) queued.acknowledge(delivery)
    return true
  }
  const step = async (): Promise<boolean> => {
    if (await work1(signals, (body) => ingest(worker(), JSON.parse(body), turn()))) return true
    if (await work1(work, (body) => advance(worker(), JSON.parse(body) as WorkMessage, turn()))) return true
    if (await work1(outbox, (body) => workOff(app, JSON.parse(body) as OutboxMessage, turn))) return true
    if (now() < nextSweepMs) return false
    nextSweepMs = now() + SWEEP_EVERY_MS
    await survives(() => sweep(worker(), turn()), options.log ?? silentLog)
    return true
  }
  return {
    app,
    account,
    storage,
    signals,
    work,
    outbox,
    crashes,
    get points() {
      return points
    },
    deliver: (event) => void signals.send(JSON.stringify(event)),
    command: (request) => command(app, request, turn()),
    async runUntil(atMs, holds) {
      for (;;) {
        while (await step()) if (holds && (await holds())) return true
        if (holds && (await holds())) return true
        if (now() >= atMs) return false
        account.advanceTo(Math.min(atMs, now() + STEP_MS))
      }
    },
  }
}

/** Whether an invocation ended by itself. A failed one is not acknowledged, so its message comes back. */
async function survives(work: () => Promise<unknown>, log: Log): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (!(error instanceof CrashError)) log.error('an invocation failed', { error })
    return false
  }
}

/** Ids in order: readable in traces, the same in every run. */
function countingRandom(): Random {
  let count = 0
  let state = 42
  return {
    id: () => `id-${++count}`,
    fraction: () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
      return state / 2_147_483_648
    },
  }
}
