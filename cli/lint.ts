import { Option, type Command } from 'commander'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { compile, readFolder, readNamed, runbookFolder } from './files.ts'
import { plural } from './output.ts'
import { LINT_FORMATS, type LintFormat } from './lint-formats.ts'

interface Options {
  readonly expand?: boolean
  readonly format?: LintFormat
  readonly denyWarnings?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('lint')
    .description(
      'Checks runbooks together with services.yaml, oncall.yaml and policy.yaml. All mistakes at once, each with its place.',
    )
    .argument('[files...]', 'files or folders (default: the folder of the runbooks)')
    .option('--expand', 'print the long form of each runbook, with every default in it')
    .addOption(new Option('--format <format>', 'how problems are written').choices(LINT_FORMATS))
    .option('--deny-warnings', 'warnings count as problems')
    .action(async (files: string[], options: Options, self: Command) => lint(self, files, options))
  documented(command, [
    ['firebreak lint', 'check ./runbooks'],
    ['firebreak lint runbooks/api-5xx-spike.yaml', 'check one, with the settings beside it'],
    ['firebreak lint --expand runbooks/api-5xx-spike.yaml', 'see what the short form means'],
    ['firebreak lint --format github', 'annotate a pull request'],
  ])
}

async function lint(command: Command, paths: readonly string[], options: Options): Promise<void> {
  const context = contextOf(command)
  const { settings, terminal } = context
  const format = options.format ?? (settings.json ? 'json' : 'text')
  if (settings.json && format !== 'json') {
    throw new Failure(EXIT.usage, 'usage', `--json and --format ${format} exclude each other`)
  }
  const folder = runbookFolder({ cwd: terminal.cwd, ...settings })
  const files = paths.length === 0 ? readFolder(folder, terminal.cwd) : readNamed(paths, folder, terminal.cwd)
  const compiled = await compile(files)
  const { diagnostics, catalogue } = compiled
  const errors = diagnostics.filter((one) => one.severity === 'error').length
  const warnings = diagnostics.length - errors
  const bad = errors > 0 || (options.denyWarnings === true && warnings > 0)
  if (bad) context.exit(EXIT.failed)
  const { formatLint } = await import('./lint-formats.ts')
  if (options.expand && catalogue && !bad) {
    const { expandRunbook } = await import('../lib/runbook/expand.ts')
    const long = catalogue.runbooks.map((runbook) => [runbook.runbook, expandRunbook(runbook)] as const)
    if (format === 'json') context.printJson({ runbooks: Object.fromEntries(long) })
    else terminal.out(long.map(([, text]) => text).join('---\n'))
    return
  }
  const written = formatLint(format, compiled, files)
  if (written !== '') terminal.out(written.endsWith('\n') ? written : `${written}\n`)
  const runbooks = catalogue ? `, ${plural(catalogue.runbooks.length, 'runbook')}` : ''
  const found =
    diagnostics.length === 0 ? 'no problems' : `${plural(errors, 'error')}, ${plural(warnings, 'warning')}`
  context.say(`${plural(files.length, 'file')}${runbooks}: ${context.paintErr(bad ? 'red' : 'green', found)}`)
  if (bad) context.say('Each code is explained in docs/diagnostics.md.')
}
