import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/*
 * A process that answers: each request is a message with a number, and so is each answer. Requests are answered in the
 * order in which they were sent.
 */

interface Asked {
  readonly id: number
  readonly request: unknown
}
type Answered =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string }

/** A helper process as its parent sees it. */
export interface Child<Request, Answer> {
  /** Rejects where the other side threw, and where its process has ended. */
  ask(request: Request): Promise<Answer>
  /** How many requests have not been answered yet. */
  readonly waiting: number
  stop(): Promise<void>
}

/** Starts the program of that name in this folder. */
export function startChild<Request, Answer>(name: string, args: readonly string[]): Child<Request, Answer> {
  const child = fork(fileURLToPath(new URL(`./${name}`, import.meta.url)), [...args], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    execArgv: [],
  })
  const asked = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  let count = 0
  const ended = new Promise<void>((resolve) =>
    child.once('exit', (code, signal) => {
      for (const { reject } of asked.values()) reject(new Error(`${name} ended (${signal ?? code})`))
      asked.clear()
      resolve()
    }),
  )
  child.on('message', (message: Answered) => {
    const waiting = asked.get(message.id)
    asked.delete(message.id)
    if ('error' in message) waiting?.reject(new Error(`${name}: ${message.error}`))
    else waiting?.resolve(message.answer as Answer)
  })
  return {
    ask: async (request) =>
      new Promise((resolve, reject) => {
        const id = ++count
        asked.set(id, { resolve, reject })
        const message: Asked = { id, request }
        child.send(message, (error) => {
          if (error) reject(error)
        })
      }),
    get waiting() {
      return asked.size
    },
    async stop() {
      if (child.connected) child.disconnect()
      await ended
    },
  }
}

/** The other side: answers one request after the other, until the parent is gone. */
export function answerParent(
  answer: (request: never) => unknown,
  close: () => Promise<void> = async () => {},
): void {
  let last: Promise<unknown> = Promise.resolve()
  const reply = async ({ id, request }: Asked): Promise<void> => {
    try {
      process.send?.({ id, answer: await answer(request as never) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) })
    }
  }
  process.on('message', (message: Asked) => {
    last = last.then(() => reply(message))
  })
  process.on('disconnect', () => {
    void last.then(close).finally(() => process.exit(0))
  })
}
