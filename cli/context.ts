import type { Command } from 'commander'
import { EXIT, Failure, type ExitCode } from './exit.ts'
import { jsonText, lineOf, painter, printable, takesColour, type Paint } from './output.ts'
import { processTerminal, type Terminal } from './terminal.ts'

/** Raised by a minor when members are added, by a major when any is removed or means something else. */
export const FORMAT_VERSION = '1.0'

/** The options that every verb takes. */
export interface Settings {
  readonly json: boolean
  readonly quiet: boolean
  /** `--no-color` was not given. */
  readonly color: boolean
  /** `--no-input` was not given. */
  readonly input: boolean
  /** A deployed stack. */
  readonly stack?: string
  /** The address of a local stack. */
  readonly local?: string
  /** The folder of the runbooks. */
  readonly runbooks?: string
}

/** What a verb needs of its surroundings. */
export interface Context {
  readonly terminal: Terminal
  readonly settings: Settings
  /** Colours for standard output and for standard error. */
  readonly paint: Paint
  readonly paintErr: Paint
  /** A line of data. Foreign text in it must be made `printable` by the caller. */
  print(line: string): void
  /** The one JSON document of `--json`. */
  printJson(value: { readonly [name: string]: unknown }): void
  /** A message to the person, on standard error; `--quiet` leaves it out. */
  say(line: string): void
  /** A message that `--quiet` does not silence. */
  warn(line: string): void
  /** The exit code, where nothing is thrown. */
  exit(code: ExitCode): void
}

interface Run {
  readonly terminal: Terminal
  exit: ExitCode
}

const runs = new WeakMap<Command, Run>()
let real: Run | undefined

/** Gives a program its terminal. */
export function attach(program: Command, terminal: Terminal): void {
  runs.set(program, { terminal, exit: EXIT.ok })
}

function runOf(command: Command): Run {
  let root = command
  while (root.parent) root = root.parent
  return runs.get(root) ?? (real ??= { terminal: processTerminal(), exit: EXIT.ok })
}

export function exitOf(program: Command): ExitCode {
  return runOf(program).exit
}

/** What a verb's action is handed as its last argument tells the rest. */
export function contextOf(command: Command): Context {
  const run = runOf(command)
  const { terminal } = run
  const given = command.optsWithGlobals<Partial<Settings>>()
  const settings = {
    ...given,
    json: given.json ?? false,
    quiet: given.quiet ?? false,
    color: given.color ?? true,
    input: given.input ?? true,
  }
  const colourOut = takesColour(terminal.outIsTty, terminal.env, settings.color)
  const colourErr = takesColour(terminal.errIsTty, terminal.env, settings.color)
  return {
    terminal,
    settings,
    paint: painter(colourOut),
    paintErr: painter(colourErr),
    print: (line) => terminal.out(`${lineOf(line)}\n`),
    printJson: (value) => terminal.out(`${jsonText({ format_version: FORMAT_VERSION, ...value })}\n`),
    say: (line) => {
      if (!settings.quiet) terminal.err(`${lineOf(line)}\n`)
    },
    warn: (line) => terminal.err(`${lineOf(line)}\n`),
    exit: (code) => {
      run.exit = code
    },
  }
}

/** Whether a person is there to be asked. */
export function canAsk({ terminal, settings }: Context): boolean {
  return settings.input && terminal.inIsTty && terminal.errIsTty && !settings.json
}

/** y/N. Where nobody can be asked, or was told not to, the command stands as it was written. */
export async function confirm(context: Context, question: string, yes: boolean): Promise<void> {
  if (yes || !canAsk(context)) return
  const answer = (await context.terminal.ask(`${question} [y/N] `)).trim().toLowerCase()
  if (answer === 'y' || answer === 'yes') return
  throw new Failure(EXIT.denied, 'not-confirmed', 'not confirmed: nothing was done')
}

/** For what reaches far: a word is to be typed, or given as `--confirm=<word>`. */
export async function confirmWord(
  context: Context,
  what: string,
  word: string,
  given: string | undefined,
): Promise<void> {
  if (given === word) return
  const remedy = `Repeat it with --confirm=${word}.`
  if (given !== undefined)
    throw new Failure(
      EXIT.usage,
      'not-confirmed',
      `--confirm=${printable(given)} is not --confirm=${word}: nothing was done`,
      { remedy },
    )
  if (!canAsk(context))
    throw new Failure(EXIT.usage, 'not-confirmed', `${what}, which needs a confirmation: nothing was done`, {
      remedy,
    })
  const answer = (await context.terminal.ask(`${what}. Type "${word}" to go on: `)).trim()
  if (answer !== word) throw new Failure(EXIT.denied, 'not-confirmed', 'not confirmed: nothing was done')
}
