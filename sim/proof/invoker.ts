import type { App, Turn } from '../../lib/ports.ts'
import { simQueue, type Delivery, type SimQueue } from '../queue.ts'
import type { Agenda } from './agenda.ts'
import type { WorkerLife } from './told.ts'
import { startWorker, type Ground, type Process, type Worker } from './worker.ts'

/** Lambda and its event sources: invocations that run at once, queues that are served, processes that are killed. */
export interface Invoker {
  /** Runs one invocation; `then` hears whether it ended well. */
  invoke(what: string, handle: Handle, then?: (ok: boolean) => void): void
  /** A queue whose messages are handled, several at a time, and acknowledged when they were. */
  queue(name: string, handle: (app: App, body: string, turn: Turn) => Promise<unknown>): SimQueue
  /** Takes up what is visible in the queues. */
  serve(): void
  /** Everything that one event has set going comes to its next I/O before the next event happens. */
  settled(): Promise<void>
  readonly live: number
  /** Messages that were delivered again while they were in flight, and so have used up a receive. */
  readonly doubled: ReadonlySet<string>
}

type Handle = (app: App, turn: Turn) => Promise<unknown>

export function invoker(options: {
  readonly agenda: Agenda
  readonly lastsMs: number
  /** So many invocations for one queue at a time. */
  readonly atOnce: number
  /** After how long a message that was just received is delivered once more, whatever becomes of it; rarely anything. */
  readonly doubledAfterMs: () => number | undefined
  readonly ground: Ground
  readonly tell: (line: string) => void
  readonly watch: { worker(workerId: string, life: WorkerLife): void }
}): Invoker {
  const { agenda, lastsMs, ground, tell, watch } = options
  const live = new Set<Worker>()
  const warm: Process[] = []
  const served: { readonly queue: SimQueue; readonly handle: Served; underWay: number }[] = []
  const appointed = new Set<number>()
  const doubled = new Set<string>()
  let turns = 0

  function invoke(what: string, handle: Handle, then: (ok: boolean) => void = () => undefined): void {
    const worker = startWorker(ground, lastsMs, ++turns, warm.pop())
    const life: WorkerLife = { beganAtMs: agenda.nowMs, deadlineAtMs: agenda.nowMs + lastsMs }
    live.add(worker)
    watch.worker(worker.turn.workerId, life)
    tell(`${worker.turn.workerId} begins ${what}`)
    const end = (ok: boolean, why: string) => {
      if (life.ended) return
      life.ended = ok ? 'well' : 'badly'
      life.endedAtMs = agenda.nowMs
      life.hit = worker.wasHit()
      live.delete(worker)
      if (ok) warm.push(worker.process)
      tell(`${worker.turn.workerId} ${why}`)
      then(ok)
    }
    agenda.at(life.deadlineAtMs, () => {
      worker.kill()
      end(false, 'is killed at its deadline, or was dead')
    })
    handle(worker.app, worker.turn).then(
      () => end(true, 'ends'),
      (error: unknown) => end(false, `fails: ${error instanceof Error ? error.message : String(error)}`),
    )
  }

  function consume(one: (typeof served)[number]): void {
    while (one.underWay < options.atOnce) {
      const delivery = one.queue.receive()
      if (!delivery) {
        const nextAtMs = one.queue.nextAtMs()
        if (nextAtMs !== undefined) serveAt(nextAtMs)
        return
      }
      one.underWay++
      const againMs = options.doubledAfterMs()
      if (againMs !== undefined) again(one.queue, delivery, againMs)
      invoke(
        delivery.messageId,
        (app, turn) => one.handle(app, delivery.body, turn),
        (ok) => {
          if (ok) one.queue.acknowledge(delivery)
          one.underWay--
          serveAt(agenda.nowMs)
        },
      )
    }
  }

  function again(queue: SimQueue, delivery: Delivery, afterMs: number): void {
    doubled.add(delivery.messageId)
    agenda.at(agenda.nowMs + afterMs, () => {
      queue.release(delivery)
      serve()
    })
  }

  function serveAt(atMs: number): void {
    if (appointed.has(atMs)) return
    appointed.add(atMs)
    agenda.at(atMs, () => {
      appointed.delete(atMs)
      serve()
    })
  }

  function serve(): void {
    for (const one of served) consume(one)
  }

  return {
    invoke,
    doubled,
    queue(name, handle) {
      const queue = simQueue({
        name,
        now: () => agenda.nowMs,
        visibilityMs: 6 * lastsMs,
      })
      served.push({ queue, handle, underWay: 0 })
      return queue
    },
    serve,
    settled: () =>
      new Promise((resolve) => {
        const look = () => {
          for (const worker of live) {
            if (!worker.isWaiting() && !worker.isDead()) {
              setImmediate(look)
              return
            }
          }
          resolve()
        }
        // A tick comes after all that promises have to do, and costs no turn of the event loop.
        process.nextTick(look)
      }),
    get live() {
      return live.size
    },
  }
}

type Served = (app: App, body: string, turn: Turn) => Promise<unknown>
