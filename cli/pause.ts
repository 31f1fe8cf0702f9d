import type { Command } from 'commander'
import { person, stackOf, tellStack } from './ask-stack.ts'
import { confirmWord, contextOf } from './context.ts'
import { documented } from './documented.ts'
import { scopeOf, type ScopeOptions } from './pause-scope.ts'

interface Options extends ScopeOptions {
  readonly reason: string
  readonly confirm?: string
}

export function register(program: Command): void {
  const command = program
    .command('pause')
    .description(
      'The kill switch for one account, one service or one runbook: nothing of it is changed any more, in no incident, until resume. Signals are still recorded and people still paged. Everything at once: pause-all.',
    )
    .option(
      '--account <number>',
      'all that is done to the services that services.yaml puts into this account',
    )
    .option('--service <name>', 'all that is done to this service')
    .option('--runbook <name>', 'all that this runbook does')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--confirm <name>', 'the name or number, in place of typing it')
    .action(async (options: Options, self: Command) => {
      const scope = scopeOf(options)
      const context = contextOf(self)
      const stack = await stackOf(context)
      const what = `${scope.is} ${scope.name}`
      await confirmWord(context, `This pauses ${what} of ${stack.label}`, scope.name, options.confirm)
      const request = { verb: 'pause', scope, by: person(context), reason: options.reason } as const
      await tellStack(context, stack, request)
      context.say(`Let it act again: firebreak resume --${scope.is} ${scope.name} --confirm=${scope.name}`)
    })
  documented(command, [
    ['firebreak pause --service api --reason "migration"', 'asks for the name'],
    ['firebreak pause --account 123456789012 --reason "audit"', 'every service in it'],
    [
      'firebreak pause --runbook api-5xx-spike --reason "wrong metric" --confirm=api-5xx-spike',
      'in a script',
    ],
  ])
}
