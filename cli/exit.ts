/** What a command's exit code says; docs/cli.md has the same table, and a test compares them. */
export const EXIT = {
  /** Done, and nothing is wrong. */
  ok: 0,
  /** The run failed, or problems were found. */
  failed: 1,
  /** The command was written wrongly. */
  usage: 2,
  /** Firebreak or its stack could not do it: unreachable, an answer that makes no sense, a bug. */
  internal: 3,
  /** AWS or the stack does not accept who is asking. */
  auth: 4,
  /** Denied, expired, refused by a guardrail, or unfinished when `--timeout` ended. */
  denied: 5,
  /** Ctrl-C. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Ends a command: what went wrong, what to do about it, and the exit code that says so to scripts. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exit: ExitCode
  /** For scripts: stands in the `--json` output. */
  readonly code: string
  readonly remedy: string | undefined
  constructor(
    exit: ExitCode,
    code: string,
    message: string,
    options: { remedy?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.exit = exit
    this.code = code
    this.remedy = options.remedy
  }
}

/** Ctrl-C, seen by a command that had something to put in order first. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}
