import type { Command } from 'commander'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { durationMs } from './duration.ts'
import { EXIT } from './exit.ts'
import { exitFor, follow } from './follow.ts'
import { checkedId } from './records.ts'
import { stackOf } from './ask-stack.ts'

interface Options {
  readonly exitStatus?: boolean
  readonly timeout?: number
  readonly interval?: number
}

export function register(program: Command): void {
  const command = program
    .command('watch')
    .description(
      'Follows an incident with all its executions, or one execution, until it has ended. A live tree on a terminal, lines elsewhere, one JSON object a line with --json.',
    )
    .argument('<id>', 'an incident or an execution')
    .option(
      '--exit-status',
      'exit with 1 where it failed, was stopped or aborted, with 5 where it was denied or refused',
    )
    .option('--timeout <duration>', 'stop watching after so long, such as 10m, and exit with 5', durationMs)
    .option(
      '--interval <duration>',
      'time between two looks (default: 1s, of a deployed stack 3s)',
      durationMs,
    )
    .action(async (id: string, options: Options, self: Command) => watch(self, id, options))
  documented(command, [
    ['firebreak watch inc-4k2m9x7p0qzr', 'follow an incident'],
    ['firebreak watch inc-4k2m9x7p0qzr-8f3k2a --exit-status --timeout 10m', 'in a script'],
  ])
}

async function watch(command: Command, id: string, options: Options): Promise<void> {
  const context = contextOf(command)
  checkedId(id)
  const followed = await follow(context, await stackOf(context), {
    id,
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    ...(options.interval === undefined ? {} : { intervalMs: options.interval }),
  })
  if (followed.is === 'timeout')
    context.warn(`${id} has not ended: watch it again, or see it with \`firebreak show ${id}\``)
  if (followed.is === 'timeout' || options.exitStatus) context.exit(exitFor(followed))
  else context.exit(EXIT.ok)
  context.say(`Next: firebreak timeline ${id}`)
}
