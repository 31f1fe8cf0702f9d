import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command, CommanderError, Option, type OutputConfiguration } from 'commander'
import { attach, contextOf, exitOf, type Context } from './context.ts'
import { docsLink, packageRoot } from './documented.ts'
import { EXIT, Failure, Interrupted, type ExitCode } from './exit.ts'
import { painter, printable, printableLines, takesColour } from './output.ts'
import type { Terminal } from './terminal.ts'
import { verbs } from './verbs.ts'

/** Global options that take a value: what stands behind one is not the verb. */
const VALUED = ['--stack', '--local', '--runbooks']

/** Runs one command. Everything it has to say goes to the terminal; the result is the exit code. Never throws. */
export async function main(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const program = programFor(args, terminal)
  attach(program, terminal)
  let usageError = ''
  program.configureOutput(outputOf(args, terminal, (text) => (usageError = text)))
  try {
    await addVerbs(program, args)
    if (args.length === 0) program.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
    return exitOf(program)
  } catch (error) {
    return report(contextOf(program), args, error, usageError)
  }
}

function programFor(args: readonly string[], terminal: Terminal): Command {
  const colour = takesColour(terminal.outIsTty, terminal.env, !args.includes('--no-color'))
  const paint = painter(colour)
  return new Command('firebreak')
    .description(
      'Incident automation for AWS: an alarm comes in, a runbook acts once, the timeline tells it.',
    )
    .usage('<verb> [options]')
    .version(version(), '-V, --version', 'print the version')
    .option('--json', 'one JSON document on standard output')
    .option('-q, --quiet', 'no messages, only data and errors')
    .addOption(new Option('--no-color', 'no colours (also NO_COLOR, TERM=dumb)'))
    .addOption(new Option('--no-input', 'ask nothing'))
    .option('--stack <name>', 'a deployed stack, such as firebreak-prod (also FIREBREAK_STACK)')
    .option(
      '--local <url>',
      'the address of a local stack (default: the one that `firebreak dev` keeps running here)',
    )
    .option('--runbooks <dir>', 'the folder of the runbooks (default: ./runbooks)')
    .helpOption('-h, --help', 'print help')
    .configureHelp({ showGlobalOptions: true, styleTitle: (text) => paint('bold', text) })
    .showSuggestionAfterError(true)
    .exitOverride()
}

function version(): string {
  const { version: number } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string
  }
  return number
}

function outputOf(
  args: readonly string[],
  terminal: Terminal,
  onError: (text: string) => void,
): OutputConfiguration {
  const asked = !args.includes('--no-color')
  return {
    writeOut: (text) => terminal.out(text),
    writeErr: (text) => terminal.err(text),
    getOutHelpWidth: () => Math.min(terminal.columns, 110),
    getErrHelpWidth: () => Math.min(terminal.columns, 110),
    getOutHasColors: () => takesColour(terminal.outIsTty, terminal.env, asked),
    getErrHasColors: () => takesColour(terminal.errIsTty, terminal.env, asked),
    outputError: (text, write) => {
      onError(text)
      write(printableLines(text))
    },
  }
}

/** Loads the verb that is used; of the others, only the names and summaries are known. */
async function addVerbs(program: Command, args: readonly string[]): Promise<void> {
  const named = verbOf(args)
  for (const verb of verbs) {
    program.commandsGroup(`${verb.group}:`)
    if (verb.name === named) {
      // A name that the compiler does not follow: a verb's file stands alone, and only the one that is used is read.
      const { register } = (await import(verb.file)) as { register(program: Command): void }
      register(program)
      program.commands.find((command) => command.name() === verb.name)?.summary(verb.summary)
    } else {
      program.command(verb.name).summary(verb.summary).description(verb.summary)
    }
  }
  program.commandsGroup('More:').helpCommand('help [verb]', 'print the help of a verb')
  if (named === undefined) {
    const examples = [
      ['firebreak demo', 'an incident on this machine, in a minute'],
      ['firebreak lint', 'check ./runbooks'],
      ['firebreak plan api-5xx-spike', 'what it would change now'],
      ['firebreak run api-5xx-spike --reason "5xx"', 'start it by hand'],
      ['firebreak watch inc-4k2m9x7p0qzr', 'follow an incident'],
    ] as const
    program.addHelpText(
      'before',
      `Examples:\n${examples.map(([line, meaning]) => `  $ ${line.padEnd(43)} # ${meaning}`).join('\n')}\n`,
    )
    program.addHelpText('after', `\nHelp of a verb: firebreak <verb> --help\nDocs: ${docsLink('firebreak')}`)
  }
}

/** The first word that is neither an option nor the value of one; behind `help`, the next one. */
function verbOf(args: readonly string[]): string | undefined {
  const words = args.filter((arg, index) => !arg.startsWith('-') && !VALUED.includes(args[index - 1] ?? ''))
  return words[0] === 'help' ? words[1] : words[0]
}

function report(context: Context, args: readonly string[], error: unknown, usageError: string): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok
    // Commander prints the help where options stand without a verb.
    const said = error.code === 'commander.help' ? 'no verb is named' : usageError || error.message
    const message = printable(said.replace(/^error: /, '').trim())
    if (args.includes('--json')) context.printJson({ problem: { code: 'usage', message } })
    return EXIT.usage
  }
  const { terminal, paintErr } = context
  if (error instanceof Interrupted || terminal.interrupted()) {
    context.warn('interrupted')
    return EXIT.interrupted
  }
  const failure = error instanceof Failure ? error : unexpected(error)
  if (args.includes('--json')) {
    const remedy = failure.remedy === undefined ? {} : { remedy: failure.remedy }
    context.printJson({ problem: { code: failure.code, message: failure.message, ...remedy } })
  }
  context.warn(
    `${paintErr('red', 'error:')} ${printable(failure.message)} ${paintErr('dim', `(${failure.code})`)}`,
  )
  if (failure.remedy !== undefined) context.warn(`  ${printable(failure.remedy)}`)
  if (terminal.env['FIREBREAK_DEBUG'] && failure.cause instanceof Error)
    context.warn(printableLines(failure.cause.stack ?? ''))
  return failure.exit
}

function unexpected(error: unknown): Failure {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const remedy = 'This is a bug of Firebreak. Set FIREBREAK_DEBUG=1 for the place in the code, and report it.'
  return new Failure(EXIT.internal, 'internal', what, { cause: error, remedy })
}
