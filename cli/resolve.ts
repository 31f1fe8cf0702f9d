import type { Command } from 'commander'
import { decide, person } from './ask-stack.ts'
import { documented } from './documented.ts'
import { checkedId } from './records.ts'

export function register(program: Command): void {
  const command = program
    .command('resolve')
    .description(
      'Closes an incident. What is due to be put back still waits until the alarm is clear; a recurrence opens a new incident.',
    )
    .argument('<id>', 'the incident')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(async (id: string, options: { readonly reason: string }, self: Command) =>
      decide(self, (context) => ({
        verb: 'resolve',
        id: checkedId(id),
        by: person(context),
        reason: options.reason,
      })),
    )
  documented(command, [
    ['firebreak resolve inc-4k2m9x7p0qzr --reason "a load test, not an outage"', 'close it'],
  ])
}
