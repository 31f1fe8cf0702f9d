import type { Command } from 'commander'
import * as z from 'zod'
import type { Json } from '../lib/json.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { printable } from './output.ts'
import { pausesIn, pauseText, pausedSchema } from './paused.ts'

const answers = pausedSchema.extend({ mode: z.string() })

const MEANING: { readonly [mode: string]: string } = {
  shadow: 'records what it would do, changes nothing',
  approve: 'asks a person before it changes anything',
  auto: 'acts on its own',
}

export function register(program: Command): void {
  const command = program
    .command('status')
    .description('Says which stack answers, what its policy lets it do, and what is paused, by whom.')
    .action(async (_options: unknown, self: Command) => status(self))
  documented(command, [
    ['firebreak status', 'the local stack'],
    ['firebreak status --stack firebreak-prod', 'a deployed one'],
  ])
}

async function status(command: Command): Promise<void> {
  const context = contextOf(command)
  const { paint } = context
  const stack = await stackOf(context)
  const answer = await ask(stack, { verb: 'status' })
  const told = read(answers, answer, stack)
  const { mode } = told
  if (context.settings.json) {
    context.printJson({ stack: stack.label, ...(answer as { readonly [name: string]: Json }) })
    return
  }
  context.print(
    `${stack.label}: mode ${printable(mode)}${MEANING[mode] === undefined ? '' : `, ${MEANING[mode]}`}`,
  )
  const pauses = pausesIn(told)
  if (pauses.length === 0) context.print(paint('green', 'not paused'))
  for (const pause of pauses) context.print(paint('red', pauseText(pause)))
}
