import type { Command } from 'commander'
import { decide, person } from './ask-stack.ts'
import { documented } from './documented.ts'
import { checkedId } from './records.ts'

export function register(program: Command): void {
  const command = program
    .command('mitigate')
    .description(
      'Says that the impact is reduced, whether or not the cause is understood. The time to mitigate ends here.',
    )
    .argument('<id>', 'the incident')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (id: string, options: { readonly reason: string }, self: Command) =>
      decide(self, (context) => ({
        verb: 'mitigate',
        id: checkedId(id),
        by: person(context),
        reason: options.reason,
      })),
    )
  documented(command, [
    ['firebreak mitigate inc-4k2m9x7p0qzr --reason "traffic moved away by hand"', 'the worst is over'],
  ])
}
