import type { Command } from 'commander'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { speedOf } from './dev.ts'
import { EXIT } from './exit.ts'

interface Options {
  readonly chaos: boolean
  readonly speed: number
  readonly exit?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('demo')
    .description(
      'Plays an incident on this machine: a simulated account, a bad canary, an alarm, the runbook, a worker that is killed in the middle, and the timeline. Needs no AWS account.',
    )
    .option('--no-chaos', 'do not kill the worker')
    .option('--speed <n>', 'how many times faster idle time passes', speedOf, 1)
    .option('--exit', 'end after the story; otherwise the stack stays up to be looked at')
    .action(async (options: Options, self: Command) => {
      const context = contextOf(self)
      if (!context.settings.json)
        context.print(
          context.paint(
            'bold',
            'Firebreak demo: an alarm comes in, a runbook acts once, the timeline tells it.',
          ),
        )
      // Loaded now, so that the first line does not wait for it.
      const { playDemo } = await import('./demo-story.ts')
      const { ok } = await playDemo(context, {
        chaos: options.chaos,
        speed: options.speed,
        exit: options.exit ?? context.settings.json,
      })
      context.exit(ok ? EXIT.ok : EXIT.failed)
    })
  documented(command, [
    ['firebreak demo', 'play the story, then keep the stack up'],
    ['firebreak demo --exit --speed 10', 'play it quickly and end, as CI does'],
    ['firebreak demo --exit --json', 'one JSON document about how it went'],
    ['firebreak demo --no-chaos', 'without the crash'],
  ])
}
