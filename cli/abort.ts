import type { Command } from 'commander'
import { decide, person } from './ask-stack.ts'
import { documented } from './documented.ts'
import { checkedId } from './records.ts'

export function register(program: Command): void {
  const command = program
    .command('abort')
    .description(
      'Stops an execution: no further step begins. What is under way is observed and recorded, not torn down; what was changed stays changed.',
    )
    .argument('<id>', 'the execution')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (id: string, options: { readonly reason: string }, self: Command) =>
      decide(
        self,
        (context) => ({ verb: 'abort', id: checkedId(id), by: person(context), reason: options.reason }),
        `Next: firebreak show ${id}`,
      ),
    )
  documented(command, [['firebreak abort inc-4k2m9x7p0qzr-8f3k2a --reason "wrong service"', 'stop it']])
}
