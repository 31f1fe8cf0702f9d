import type { Command } from 'commander'
import { decide, person } from './ask-stack.ts'
import { documented } from './documented.ts'
import { checkedId } from './records.ts'

export function register(program: Command): void {
  const command = program
    .command('note')
    .description('Adds a sentence to the timeline of an incident. It stays: nothing on record is edited.')
    .argument('<id>', 'the incident')
    .argument('<text...>', 'the sentence')
    .action(async (id: string, words: string[], _options: unknown, self: Command) =>
      decide(self, (context) => ({
        verb: 'note',
        id: checkedId(id),
        by: person(context),
        note: words.join(' '),
      })),
    )
  documented(command, [
    ['firebreak note inc-4k2m9x7p0qzr "customers in eu-west-1 report logins failing"', 'add it'],
  ])
}
