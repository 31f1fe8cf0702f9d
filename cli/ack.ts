import type { Command } from 'commander'
import { decide, person } from './ask-stack.ts'
import { documented } from './documented.ts'
import { checkedId } from './records.ts'

export function register(program: Command): void {
  const command = program
    .command('ack')
    .description(
      'Acknowledges an incident: you take ownership of it. Only people do; automation never acknowledges.',
    )
    .argument('<id>', 'the incident')
    .option('--note <text>', 'a sentence for the timeline')
    .action(async (id: string, options: { readonly note?: string }, self: Command) =>
      decide(self, (context) => ({
        verb: 'ack',
        id: checkedId(id),
        by: person(context),
        ...(options.note === undefined ? {} : { note: options.note }),
      })),
    )
  documented(command, [['firebreak ack inc-4k2m9x7p0qzr --note "looking at the database"', 'take it']])
}
