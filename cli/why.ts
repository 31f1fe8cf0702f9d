import type { Command } from 'commander'
import * as z from 'zod'
import type { Json } from '../lib/json.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { printable, timeText } from './output.ts'

const answers = z.discriminatedUnion('is', [
  z.looseObject({
    is: z.literal('signal'),
    signalId: z.string(),
    name: z.string(),
    state: z.string(),
    stateAtMs: z.number(),
    code: z.string(),
    reason: z.string(),
  }),
  z.looseObject({
    is: z.literal('executions'),
    reasons: z.array(
      z.looseObject({
        stream: z.string(),
        status: z.looseObject({
          is: z.string(),
          outcome: z.string().exactOptional(),
          code: z.string().exactOptional(),
          reason: z.string().exactOptional(),
        }),
        place: z.string().exactOptional(),
      }),
    ),
  }),
])

export function register(program: Command): void {
  const command = program
    .command('why')
    .description(
      'Says why a signal started nothing, or why an execution ran, was refused or ended as it did, with the rule and its place.',
    )
    .argument('<id>', 'a signal, an execution or an incident')
    .action(async (id: string, _options: unknown, self: Command) => why(self, id))
  documented(command, [
    ['firebreak why sig-7h3m1c9d2e4f', 'why did this alarm start nothing?'],
    ['firebreak why inc-4k2m9x7p0qzr', 'why did its executions run, or not?'],
  ])
}

async function why(command: Command, id: string): Promise<void> {
  const context = contextOf(command)
  const stack = await stackOf(context)
  const answer = await ask(stack, { verb: 'why', id })
  const told = read(answers, answer, stack)
  if (context.settings.json) {
    context.printJson(answer as { readonly [name: string]: Json })
    return
  }
  if (told.is === 'signal') {
    context.print(
      `${printable(told.name)} ${printable(told.state)} at ${timeText(told.stateAtMs)} started nothing`,
    )
    context.print(`  ${printable(told.code)}: ${printable(told.reason)}`)
    return
  }
  for (const { stream, status, place } of told.reasons) {
    const words = [status.outcome ?? status.is, ...(status.code === undefined ? [] : [status.code])]
      .map(printable)
      .join(', ')
    const reason = status.reason === undefined || status.reason === '' ? '' : `: ${printable(status.reason)}`
    context.print(
      `${printable(stream)} ${words}${reason}${place === undefined ? '' : ` (${printable(place)})`}`,
    )
  }
}
