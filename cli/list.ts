import { Option, type Command } from 'commander'
import * as z from 'zod'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { wholeNumber } from './duration.ts'
import { agoText, table, timeText, type Format } from './output.ts'
import { pausedSchema, pausesIn, pauseText } from './paused.ts'

interface Options {
  readonly limit: number
  readonly before?: number
  readonly status?: string
}

const head = z.looseObject({
  incidentId: z.string(),
  status: z.string(),
  summary: z
    .looseObject({ title: z.string(), service: z.string(), severity: z.string(), openedAtMs: z.number() })
    .exactOptional(),
})

export function register(program: Command): void {
  const command = program
    .command('list')
    .description('Lists incidents, newest first, and says what is paused.')
    .option('--limit <count>', 'at most so many, up to 100', wholeNumber(1, 100), 20)
    .option(
      '--before <ms>',
      'only those opened before this time, in milliseconds since 1970',
      wholeNumber(0, 8.64e14),
    )
    .addOption(
      new Option('--status <status>', 'of those, only the ones in this state').choices([
        'open',
        'mitigated',
        'resolved',
      ]),
    )
    .action(async (options: Options, self: Command) => list(self, options))
  documented(command, [
    ['firebreak list', 'the latest incidents'],
    ['firebreak list --status open --json', 'what is still open, for a program'],
  ])
}

async function list(command: Command, options: Options): Promise<void> {
  const context = contextOf(command)
  const { terminal, settings, paint } = context
  const stack = await stackOf(context)
  const { limit, before } = options
  const [answer, stands] = await Promise.all([
    ask(stack, { verb: 'list', limit, ...(before === undefined ? {} : { beforeMs: before }) }),
    ask(stack, { verb: 'status' }),
  ])
  const pauses = pausesIn(read(pausedSchema, stands, stack))
  const all = read(z.array(head), answer, stack)
  const heads = options.status === undefined ? all : all.filter((one) => one.status === options.status)
  const last = all.length === limit ? all.at(-1)?.summary?.openedAtMs : undefined
  if (settings.json) {
    context.printJson({ incidents: heads, next_before: last ?? null, paused: pauses })
    return
  }
  const nowMs = terminal.now()
  const rows = heads.map(({ incidentId, status, summary }) => [
    incidentId,
    status,
    summary?.severity ?? '',
    summary?.service ?? '',
    summary === undefined ? '' : `${timeText(summary.openedAtMs)}, ${agoText(summary.openedAtMs, nowMs)}`,
    summary?.title ?? '',
  ])
  const colour = (row: number, column: number): Format | undefined =>
    column === 1 ? COLOURS[heads[row]?.status ?? ''] : undefined
  const columns = terminal.outIsTty ? { columns: terminal.columns } : {}
  if (rows.length > 0) {
    for (const line of table(['INCIDENT', 'STATUS', 'SEVERITY', 'SERVICE', 'OPENED', 'TITLE'], rows, {
      paint,
      colour,
      ...columns,
    }))
      context.print(line)
  }
  if (rows.length === 0)
    context.say(
      options.status === undefined
        ? 'no incidents'
        : `no ${options.status} incidents among the latest ${limit}`,
    )
  for (const pause of pauses) context.warn(pauseText(pause))
  if (last !== undefined) context.say(`Older ones: firebreak list --before ${last}`)
}

const COLOURS: { readonly [status: string]: Format } = { open: 'red', mitigated: 'yellow', resolved: 'green' }
