import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import type { FromWorker, FunctionName, ToWorker } from './worker.ts'

/** A worker process as the local stack sees it. */
export interface Worker {
  readonly pid: number
  /** Rejects when the function throws, and when the process dies before it answers. */
  invoke(name: FunctionName, event: unknown, nowMs: number, timeoutMs: number): Promise<unknown>
  /** SIGKILL: no clean-up, no last words. */
  kill(): void
  readonly isAlive: boolean
  /** The process is gone, and all that it had said before has been heard. */
  readonly gone: Promise<void>
}

export interface WorkerSurroundings {
  readonly endpoint: string
  readonly tableName: string
  readonly catalogue: Catalogue
  /** The worker's program where it is not `worker.ts` itself: a bundle of it, say. */
  readonly program?: string
  now(): number
  /** Answers a call of the account. */
  serve(text: string): Promise<string>
  send(to: 'work' | 'outbox', body: string, delayMs: number): void
  log(level: 'info' | 'warn' | 'error', message: string, fields: unknown): void
}

/** The worker's process ended before it answered. */
export class WorkerDiedError extends Error {
  override readonly name = 'WorkerDiedError'
}

/** Starts a worker and waits until it can be invoked. */
export async function startWorker(around: WorkerSurroundings): Promise<Worker> {
  const program = around.program ?? fileURLToPath(new URL('./worker.ts', import.meta.url))
  const child = fork(program, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // The test runner's flags are not for workers.
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    execArgv: [],
  })
  const calls = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let count = 0
  let alive = true
  // What is sent to a process that was just killed reaches nobody, and is no error of ours.
  child.on('error', () => {})
  const ready = new Promise<void>((resolve, reject) => {
    child.once('exit', (code, signal) => {
      alive = false
      const error = new WorkerDiedError(`worker ${child.pid} ended (${signal ?? code})`)
      reject(error)
      for (const call of calls.values()) call.reject(error)
      calls.clear()
    })
    child.on('message', (message: FromWorker) => {
      if (message.is === 'ready') resolve()
      else hear(message, child, around, calls)
    })
  })
  const gone = Promise.all([
    new Promise<void>((resolve) => child.once('exit', () => resolve())),
    new Promise<void>((resolve) => child.once('disconnect', () => resolve())),
  ]).then(() => undefined)
  const init: ToWorker = {
    is: 'init',
    endpoint: around.endpoint,
    tableName: around.tableName,
    catalogue: around.catalogue,
    nowMs: around.now(),
  }
  child.send(init)
  await ready
  return {
    pid: child.pid ?? 0,
    get isAlive() {
      return alive
    },
    kill: () => child.kill('SIGKILL'),
    gone,
    invoke: async (name, event, nowMs, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (!alive) {
          reject(new WorkerDiedError(`worker ${child.pid} is gone`))
          return
        }
        const id = ++count
        calls.set(id, { resolve, reject })
        const message: ToWorker = { is: 'invoke', id, name, event, nowMs, timeoutMs }
        child.send(message)
      }),
  }
}

function hear(
  message: Exclude<FromWorker, { is: 'ready' }>,
  child: ChildProcess,
  around: WorkerSurroundings,
  calls: Map<number, { resolve(value: unknown): void; reject(error: Error): void }>,
): void {
  const answer = (id: number, text: string) => {
    const reply: ToWorker = { is: 'answer', id, text }
    if (child.connected) child.send(reply)
  }
  switch (message.is) {
    case 'done':
      calls.get(message.id)?.resolve(message.result)
      calls.delete(message.id)
      return
    case 'failed':
      calls.get(message.id)?.reject(new Error(message.message))
      calls.delete(message.id)
      return
    case 'ask':
      void around.serve(message.text).then((text) => answer(message.id, text))
      return
    case 'send':
      around.send(message.to, message.body, message.delayMs)
      answer(message.id, '')
      return
    case 'log':
      around.log(message.level, message.message, message.fields)
  }
}
