import { Option, type Command } from 'commander'
import { stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { takesColour } from './output.ts'
import { checkedId, fetchBundle } from './records.ts'

const FORMATS = ['text', 'json', 'md'] as const

export function register(program: Command): void {
  const command = program
    .command('timeline')
    .description(
      'Tells what happened in an incident: every fact with its time, who or what did it, and why. Its source is the record, which it verifies.',
    )
    .argument('<id>', 'an incident or an execution')
    .addOption(new Option('--format <format>', 'text, json, or md for Markdown').choices(FORMATS))
    .action(async (id: string, options: { readonly format?: (typeof FORMATS)[number] }, self: Command) =>
      timeline(self, id, options.format),
    )
  documented(command, [
    ['firebreak timeline inc-4k2m9x7p0qzr', 'read it here'],
    ['firebreak timeline inc-4k2m9x7p0qzr --format md > postmortem.md', 'begin a postmortem with it'],
  ])
}

async function timeline(
  command: Command,
  id: string,
  asked: (typeof FORMATS)[number] | undefined,
): Promise<void> {
  const context = contextOf(command)
  const { terminal, settings } = context
  if (settings.json && asked !== undefined && asked !== 'json') {
    throw new Failure(EXIT.usage, 'usage', `--json and --format ${asked} exclude each other`)
  }
  const format = asked ?? (settings.json ? 'json' : 'text')
  checkedId(id)
  const { bundle } = await fetchBundle(await stackOf(context), id)
  const { timelineOf } = await import('../lib/timeline.ts')
  const told = timelineOf(bundle.records)
  // The record is read all the same, but a script must hear that it does not hold.
  if (told.chain.is === 'broken') context.exit(EXIT.failed)
  switch (format) {
    case 'json': {
      const { timelineJson } = await import('../lib/timeline/json.ts')
      context.printJson(timelineJson(told) as { readonly [name: string]: unknown })
      return
    }
    case 'md': {
      const { timelineMarkdown } = await import('../lib/timeline/markdown.ts')
      terminal.out(timelineMarkdown(told))
      return
    }
    case 'text': {
      const { renderTimelineText } = await import('./render-timeline.ts')
      const colour = takesColour(terminal.outIsTty, terminal.env, settings.color)
      terminal.out(
        renderTimelineText(told, { colour, width: terminal.outIsTty ? terminal.columns : Infinity }),
      )
      return
    }
  }
}
