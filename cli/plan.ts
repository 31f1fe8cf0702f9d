import type { Command } from 'commander'
import type { Json } from '../lib/json.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT } from './exit.ts'
import { judge, planLines, planSchema, planSummary } from './render-plan.ts'

/** `plan --detailed-exitcode`: there is something to change. The number is what scripts know from other tools. */
const CHANGES = 2

export function register(program: Command): void {
  const command = program
    .command('plan')
    .description(
      'Reads live state and shows for each step: target, before and after in absolute values, guardrails, whether it can be put back, the IAM actions. Changes nothing. Exits with 1 where a step is refused or could not be read, or a guardrail forbids a start.',
    )
    .argument('<runbook>', 'its name')
    .option('--detailed-exitcode', 'exit with 0 where there is nothing to change, with 2 where there is')
    .action(async (runbook: string, options: { readonly detailedExitcode?: boolean }, self: Command) =>
      plan(self, runbook, options.detailedExitcode === true),
    )
  documented(command, [
    ['firebreak plan api-5xx-spike', 'what a start would change now'],
    ['firebreak plan api-5xx-spike --json', 'the same for a program'],
  ])
}

async function plan(command: Command, runbook: string, detailed: boolean): Promise<void> {
  const context = contextOf(command)
  const { terminal, settings, paint } = context
  const stack = await stackOf(context)
  const answer = await ask(stack, { verb: 'plan', runbook })
  const planned = read(planSchema, answer, stack)
  if (settings.json) context.printJson(answer as { readonly [name: string]: Json })
  else
    for (const line of planLines(planned, {
      paint,
      columns: terminal.outIsTty ? terminal.columns : Infinity,
    }))
      context.print(line)
  const { changes, obstacles } = judge(planned)
  if (obstacles > 0) context.exit(EXIT.failed)
  else if (detailed && changes > 0) context.exit(CHANGES)
  context.say('')
  context.say(planSummary(planned))
  if (changes > 0) context.say(`Start it: firebreak run ${planned.runbook} --reason "..."`)
}
