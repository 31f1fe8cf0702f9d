import type { Command } from 'commander'
import { person, stackOf, tellStack } from './ask-stack.ts'
import { confirmWord, contextOf } from './context.ts'
import { documented } from './documented.ts'

export function register(program: Command): void {
  const command = program
    .command('resume-all')
    .description(
      'Ends pause-all: the stack acts again, also in executions that were under way. What was paused one by one stays paused.',
    )
    .option('--confirm <word>', 'the word `all`, in place of typing it')
    .action(async (options: { readonly confirm?: string }, self: Command) => {
      const context = contextOf(self)
      const stack = await stackOf(context)
      await confirmWord(
        context,
        `This lets all automation of ${stack.label} act again`,
        'all',
        options.confirm,
      )
      await tellStack(context, stack, { verb: 'resume-all', by: person(context) })
    })
  documented(command, [
    ['firebreak resume-all', 'asks for the word'],
    ['firebreak resume-all --confirm=all', 'in a script'],
  ])
}
