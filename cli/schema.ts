import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { because, runbookFolder } from './files.ts'

export function register(program: Command): void {
  const command = program
    .command('schema')
    .description('Prints the JSON Schema of runbooks (draft 7), for editors and other tools.')
    .option('--write', 'write it to schema.json in the folder of the runbooks, where their first line points')
    .action(async (options: { readonly write?: boolean }, self: Command) =>
      schema(self, options.write === true),
    )
  documented(command, [
    ['firebreak schema --write', 'write runbooks/schema.json'],
    ['firebreak schema > schema.json', 'write it elsewhere'],
  ])
}

async function schema(command: Command, write: boolean): Promise<void> {
  const context = contextOf(command)
  const { terminal, settings } = context
  const { runbookJsonSchema } = await import('../lib/runbook/json-schema.ts')
  const text = `${JSON.stringify(runbookJsonSchema(), undefined, 2)}\n`
  if (!write) {
    // A schema is its own format, which other tools read: no format_version stands in it.
    terminal.out(text)
    return
  }
  const path = join(runbookFolder({ cwd: terminal.cwd, ...settings }), 'schema.json')
  try {
    writeFileSync(resolve(terminal.cwd, path), text)
  } catch (error) {
    throw new Failure(EXIT.usage, 'unwritable-file', `${path} cannot be written: ${because(error)}`, {
      cause: error,
      remedy: 'Name the folder of the runbooks with --runbooks <dir>.',
    })
  }
  if (settings.json) context.printJson({ written: path })
  else context.say(`wrote ${path}`)
}
