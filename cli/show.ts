import type { Command } from 'commander'
import * as z from 'zod'
import type { Json } from '../lib/json.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { treeOf } from './execution-tree.ts'
import { agoText, printable, takesColour, timeText } from './output.ts'
import { checkedId, entriesOf, fetchBundle } from './records.ts'
import { treeLines } from './tree.ts'

const time = z.number().exactOptional()
const shown = z.looseObject({
  incident: z.looseObject({
    incidentId: z.string(),
    title: z.string(),
    service: z.string(),
    severity: z.string(),
    status: z.string(),
    onsetAtMs: time,
    detectedAtMs: z.number(),
    acknowledgedAtMs: time,
    mitigatedAtMs: time,
    clearedAtMs: time,
    resolvedAtMs: time,
  }),
  streams: z.array(
    z.looseObject({ stream: z.string(), status: z.string(), steps: z.array(z.string()).exactOptional() }),
  ),
})

export function register(program: Command): void {
  const command = program
    .command('show')
    .description('Shows an incident with its executions, or one execution, as it stands now.')
    .argument('<id>', 'an incident or an execution')
    .action(async (id: string, _options: unknown, self: Command) => show(self, id))
  documented(command, [
    ['firebreak show inc-4k2m9x7p0qzr', 'an incident and its executions'],
    ['firebreak show inc-4k2m9x7p0qzr-8f3k2a', 'one execution'],
  ])
}

async function show(command: Command, id: string): Promise<void> {
  const context = contextOf(command)
  const { terminal, settings, paint } = context
  checkedId(id)
  const stack = await stackOf(context)
  const answer = await ask(stack, { verb: 'show', id })
  const { incident, streams } = read(shown, answer, stack)
  if (settings.json) {
    context.printJson(answer as { readonly [name: string]: Json })
    return
  }
  const { bundle } = await fetchBundle(stack, id)
  // The clock of a simulated account may be ahead of ours.
  const nowMs = Math.max(terminal.now(), ...bundle.records.map((record) => record.atMs))
  context.print(
    `${paint('bold', printable(incident.title))}  ${printable(incident.severity)}  ${printable(incident.status)}`,
  )
  context.print(`${incident.incidentId}  service ${printable(incident.service)}`)
  const times = [
    ['onset', incident.onsetAtMs],
    ['detected', incident.detectedAtMs],
    ['acknowledged', incident.acknowledgedAtMs],
    ['mitigated', incident.mitigatedAtMs],
    ['alarm cleared', incident.clearedAtMs],
    ['resolved', incident.resolvedAtMs],
  ] as const
  for (const [name, atMs] of times) {
    if (atMs !== undefined)
      context.print(`  ${name.padEnd(14)}${timeText(atMs)}  ${paint('dim', agoText(atMs, nowMs))}`)
  }
  const colour = takesColour(terminal.outIsTty, terminal.env, settings.color)
  for (const { stream, steps } of streams) {
    context.print('')
    for (const line of treeLines(treeOf(entriesOf(bundle.records, stream), nowMs, steps), {
      colour,
      spinnerFrame: 0,
    }))
      context.print(line)
  }
  if (streams.length === 0) context.print('  nothing was executed')
  context.say(`Next: firebreak timeline ${incident.incidentId}`)
}
