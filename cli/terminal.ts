import { userInfo } from 'node:os'
import { createInterface } from 'node:readline/promises'
import { Interrupted } from './exit.ts'

/** Where a command reads and writes. The real one is the process; tests hand in their own. */
export interface Terminal {
  /** Data: standard output. */
  out(text: string): void
  /** Messages: standard error. */
  err(text: string): void
  readonly outIsTty: boolean
  readonly errIsTty: boolean
  readonly inIsTty: boolean
  /** Of the window; 80 and 24 where there is none. */
  readonly columns: number
  readonly rows: number
  readonly env: { readonly [name: string]: string | undefined }
  readonly cwd: string
  /** Who is at the keyboard, for the record. */
  readonly user: string
  now(): number
  /** Throws `Interrupted` on Ctrl-C. */
  sleep(ms: number): Promise<void>
  /** Puts a question on standard error and reads one line; empty where the input has ended. */
  ask(question: string): Promise<string>
  /** From now on Ctrl-C no longer ends the process at once, but aborts this signal; a second one does end it. */
  interruptible(): AbortSignal
  /** Whether Ctrl-C was seen. */
  interrupted(): boolean
}

/** The process's own streams. */
export function processTerminal(): Terminal {
  const controller = new AbortController()
  let listening = false
  const interruptible = (): AbortSignal => {
    if (!listening) process.on('SIGINT', () => (controller.signal.aborted ? leave() : controller.abort()))
    listening = true
    return controller.signal
  }
  // `firebreak list | head` closes the pipe early, which is no error.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outIsTty: process.stdout.isTTY,
    errIsTty: process.stderr.isTTY,
    inIsTty: process.stdin.isTTY,
    get columns() {
      return process.stdout.columns || 80
    },
    get rows() {
      return process.stdout.rows || 24
    },
    env: process.env,
    cwd: process.cwd(),
    user: nameOfUser(process.env),
    now: () => Date.now(),
    sleep: async (ms) => sleepUnless(interruptible(), ms),
    ask: async (question) => askOn(question),
    interruptible,
    interrupted: () => controller.signal.aborted,
  }
}

/** At once, but with the cursor that a live tree may have hidden. */
function leave(): never {
  if (process.stdout.isTTY) process.stdout.write('\u001b[?25h')
  process.exit(130)
}

/** `FIREBREAK_USER` for machines on which everybody is `root`. What AWS knows of the caller stands in CloudTrail. */
function nameOfUser(env: Terminal['env']): string {
  if (env['FIREBREAK_USER']) return env['FIREBREAK_USER']
  try {
    return userInfo().username
  } catch {
    return env['USER'] ?? 'unknown'
  }
}

/** Waits, but not longer than until the signal is aborted; then throws `Interrupted`. */
export async function sleepUnless(signal: AbortSignal, ms: number): Promise<void> {
  if (signal.aborted) throw new Interrupted()
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(new Interrupted())
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

async function askOn(question: string): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise<string>((resolve, reject) => {
      reader.once('close', () => resolve(''))
      reader.once('SIGINT', () => reject(new Interrupted()))
      reader.question(question).then(resolve, reject)
    })
  } finally {
    reader.close()
  }
}
