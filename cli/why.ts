import type { Command } from 'commander'
import type { Json } from '../lib/json.ts'
import { whyAnswer, whyWords } from '../lib/why-words.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { printable, timeText } from './output.ts'

export function register(program: Command): void {
  const command = program
    .command('why')
    .description(
      'Says what a signal led to, or why it started nothing, and why an execution ran, was refused or ended as it did, with the rule and its place. Of a runbook: what would stop it now, and its latest decisions.',
    )
    .argument('<id>', 'a signal, an execution, an incident or a runbook')
    .action(async (id: string, _options: unknown, self: Command) => why(self, id))
  documented(command, [
    ['firebreak why sig-7h3m1c9d2e4f', 'what became of this alarm, and why?'],
    ['firebreak why inc-4k2m9x7p0qzr', 'why did its executions run, or not?'],
    ['firebreak why api-5xx-spike', 'would it run now, and did it?'],
  ])
}

async function why(command: Command, id: string): Promise<void> {
  const context = contextOf(command)
  const stack = await stackOf(context)
  const answer = await ask(stack, { verb: 'why', id })
  const told = read(whyAnswer, answer, stack)
  if (context.settings.json) {
    context.printJson(answer as { readonly [name: string]: Json })
    return
  }
  const { paint } = context
  for (const { text, verdict } of whyWords(told, timeText)) {
    const mark = verdict === 'passed' ? paint('green', '✔') : paint('red', '✖')
    context.print(verdict === undefined ? printable(text) : `  ${mark} ${printable(text)}`)
  }
}
