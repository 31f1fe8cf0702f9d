import type { Command } from 'commander'
import { person, stackOf, tellStack } from './ask-stack.ts'
import { confirmWord, contextOf } from './context.ts'
import { documented } from './documented.ts'
import { scopeOf, type ScopeOptions } from './pause-scope.ts'

export function register(program: Command): void {
  const command = program
    .command('resume')
    .description(
      'Ends pause for one account, one service or one runbook, also in executions that were under way. What pause-all holds back stays held.',
    )
    .option('--account <number>', 'the account that was paused')
    .option('--service <name>', 'the service that was paused')
    .option('--runbook <name>', 'the runbook that was paused')
    .option('--confirm <name>', 'the name or number, in place of typing it')
    .action(async (options: ScopeOptions & { readonly confirm?: string }, self: Command) => {
      const scope = scopeOf(options)
      const context = contextOf(self)
      const stack = await stackOf(context)
      const what = `${scope.is} ${scope.name}`
      await confirmWord(context, `This lets ${what} of ${stack.label} act again`, scope.name, options.confirm)
      await tellStack(context, stack, { verb: 'resume', scope, by: person(context) })
    })
  documented(command, [
    ['firebreak resume --service api', 'asks for the name'],
    ['firebreak resume --runbook api-5xx-spike --confirm=api-5xx-spike', 'in a script'],
  ])
}
