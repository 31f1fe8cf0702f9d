import { stripVTControlCharacters } from 'node:util'
import { Interrupted, type ExitCode } from '../../cli/exit.ts'
import { main } from '../../cli/main.ts'
import type { Terminal } from '../../cli/terminal.ts'

export interface FakeOptions {
  readonly cwd: string
  readonly env?: { readonly [name: string]: string }
  readonly tty?: boolean
  readonly columns?: number
  /** What the person types, question by question. */
  readonly answers?: readonly string[]
  readonly user?: string
  /** Ctrl-C comes in this sleep, counted from 1. */
  readonly interruptAt?: number
  /** Runs in each sleep, in place of time passing. */
  readonly onSleep?: () => void | Promise<void>
}

export interface Ran {
  readonly exit: ExitCode
  readonly out: string
  readonly err: string
  readonly questions: readonly string[]
  /** The one document of `--json`. */
  json(): { readonly [name: string]: unknown }
}

/** Runs one command line in this process, on a terminal that remembers. Time passes only where a command sleeps. */
export async function firebreak(args: readonly string[], options: FakeOptions): Promise<Ran> {
  let out = ''
  let err = ''
  let nowMs = Date.parse('2026-11-23T09:30:00Z')
  let sleeps = 0
  const questions: string[] = []
  const answers = [...(options.answers ?? [])]
  const controller = new AbortController()
  const tty = options.tty ?? false
  const terminal: Terminal = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    outIsTty: tty,
    errIsTty: tty,
    inIsTty: tty,
    columns: options.columns ?? 100,
    rows: 24,
    env: options.env ?? {},
    cwd: options.cwd,
    user: options.user ?? 'ada',
    now: () => nowMs,
    sleep: async (ms) => {
      sleeps += 1
      nowMs += ms
      if (sleeps === options.interruptAt) {
        controller.abort()
        throw new Interrupted()
      }
      await options.onSleep?.()
    },
    ask: async (question) => {
      questions.push(question)
      return answers.shift() ?? ''
    },
    interruptible: () => controller.signal,
    interrupted: () => controller.signal.aborted,
  }
  const exit = await main(args, terminal)
  return { exit, out, err, questions, json: () => JSON.parse(out) as { readonly [name: string]: unknown } }
}

export function plain(text: string): string {
  return stripVTControlCharacters(text)
}
