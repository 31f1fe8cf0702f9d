import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { because } from './files.ts'
import { jsonText, plural, printable } from './output.ts'
import { checkedId, fetchBundle, type Bundle } from './records.ts'

interface Options {
  readonly output?: string
  readonly force?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('export')
    .description(
      'Writes every record of an incident to a file, exactly as stored: what `verify` and auditors read. Prints the head hash of each stream; kept elsewhere, they prove later that nothing was cut off.',
    )
    .argument('<id>', 'an incident')
    .option('-o, --output <file>', 'where to (default: standard output)')
    .option('--force', 'replace a file that exists')
    .action(async (id: string, options: Options, self: Command) => exportRecords(self, id, options))
  documented(command, [
    ['firebreak export inc-4k2m9x7p0qzr -o incident.json', 'write the records'],
    ['firebreak verify incident.json', 'check them, offline'],
  ])
}

async function exportRecords(command: Command, id: string, options: Options): Promise<void> {
  const context = contextOf(command)
  const { terminal, settings } = context
  checkedId(id)
  const { bundle, raw } = await fetchBundle(await stackOf(context), id)
  const heads = headsOf(bundle)
  // Of the raw answer, so that members that this version does not know are kept, or no hash would hold.
  const text = `${jsonText(raw)}\n`
  const { output } = options
  if (output === undefined || output === '-') terminal.out(text)
  else {
    try {
      writeFileSync(resolve(terminal.cwd, output), text, { flag: options.force ? 'w' : 'wx' })
    } catch (error) {
      throw new Failure(
        EXIT.usage,
        'unwritable-file',
        `${printable(output)} cannot be written: ${because(error)}`,
        {
          cause: error,
          ...(error instanceof Error && 'code' in error && error.code === 'EEXIST'
            ? { remedy: 'Name another file, or replace it with --force.' }
            : {}),
        },
      )
    }
    if (settings.json) context.printJson({ written: output, records: bundle.records.length, heads })
    else
      context.say(
        `wrote ${plural(bundle.records.length, 'record')} of ${bundle.incidentId} to ${printable(output)}`,
      )
  }
  for (const [stream, hash] of Object.entries(heads))
    context.say(`  head ${printable(stream)}=${printable(hash)}`)
}

function headsOf({ records }: Bundle): { readonly [stream: string]: string } {
  const last = new Map<string, { readonly seq: number; readonly hash: string }>()
  for (const record of records)
    if (record.seq >= (last.get(record.stream)?.seq ?? -1)) last.set(record.stream, record)
  return Object.fromEntries([...last].map(([stream, { hash }]) => [stream, hash]))
}
