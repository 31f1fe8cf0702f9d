import type { Command } from 'commander'
import * as z from 'zod'
import { forecast } from '../lib/ledger/entry.ts'
import { forecastText } from '../lib/timeline/words.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { printable, timeText } from './output.ts'

const answers = z.looseObject({
  approvals: z.array(
    z.looseObject({
      executionId: z.string(),
      subject: z.string(),
      by: z.string(),
      digest: z.string(),
      expiresAtMs: z.number(),
      quorum: z.number(),
      approvedBy: z.array(z.string()),
      steps: z.array(forecast),
    }),
  ),
})

type Asked = z.output<typeof answers>['approvals'][number]

export function register(program: Command): void {
  const command = program
    .command('approvals')
    .description(
      'Lists what waits for a decision, with the plan as it is asked about; what expires first stands first.',
    )
    .action(async (_options: unknown, self: Command) => approvals(self))
  documented(command, [
    ['firebreak approvals', 'does anything wait for me?'],
    ['firebreak approvals --json', 'for a program'],
  ])
}

async function approvals(command: Command): Promise<void> {
  const context = contextOf(command)
  const stack = await stackOf(context)
  const told = read(answers, await ask(stack, { verb: 'approvals' }), stack)
  if (context.settings.json) {
    context.printJson(told)
    return
  }
  if (told.approvals.length === 0) context.say('nothing waits for a decision')
  for (const asked of told.approvals) for (const line of linesOf(asked)) context.print(line)
}

/** One question as people read it, ended by the command that answers it. */
function linesOf(asked: Asked): readonly string[] {
  const { executionId, subject, by, digest, expiresAtMs, quorum, approvedBy, steps } = asked
  const what = subject === 'plan' ? 'the whole plan' : printable(subject)
  const people =
    quorum > 1
      ? `, ${approvedBy.length} of ${quorum} people so far${approvedBy.length === 0 ? '' : ` (${printable(approvedBy.join(', '))})`}`
      : ''
  return [
    `${printable(executionId)} asks ${printable(by)} about ${what}, until ${timeText(expiresAtMs)}${people}`,
    ...steps.map((step) => `  ${printable(forecastText(step))}`),
    `  firebreak approve ${printable(executionId)} --step ${printable(subject)} --digest ${printable(digest)}`,
  ]
}
