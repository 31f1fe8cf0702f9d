import type { Command } from 'commander'
import { person, stackOf, tellStack } from './ask-stack.ts'
import { confirmWord, contextOf } from './context.ts'
import { documented } from './documented.ts'

export function register(program: Command): void {
  const command = program
    .command('pause-all')
    .description(
      'The kill switch: nothing is changed any more, in no incident of this stack, until resume-all. Signals are still recorded and people still paged. One account, service or runbook: pause.',
    )
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--confirm <word>', 'the word `all`, in place of typing it')
    .action(async (options: { readonly reason: string; readonly confirm?: string }, self: Command) => {
      const context = contextOf(self)
      const stack = await stackOf(context)
      await confirmWord(context, `This pauses all automation of ${stack.label}`, 'all', options.confirm)
      await tellStack(context, stack, { verb: 'pause-all', by: person(context), reason: options.reason })
      context.say('Let it act again: firebreak resume-all --confirm=all')
    })
  documented(command, [
    ['firebreak pause-all --reason "acts on a broken metric"', 'asks for the word'],
    ['firebreak pause-all --reason "maintenance" --confirm=all', 'in a script'],
  ])
}
