import type { Command } from 'commander'
import { never } from '../lib/errors.ts'
import type { Ingested } from '../lib/ingest.ts'
import type { Parsed } from '../lib/signal/signal.ts'
import { stackOptions } from './ask-stack.ts'
import { confirm, contextOf, type Context } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { readText } from './files.ts'
import { checkFolder } from './replay-check.ts'
import { dryRun, MAX_PAYLOAD_BYTES, withoutEvent, type Become } from './replay-dry.ts'
import { printable, timeText } from './output.ts'
import { find, type Stack } from './stack.ts'

interface Options {
  readonly check?: string
  readonly denyRefused?: boolean
  readonly dry?: boolean
  readonly yes?: boolean
}

export function register(program: Command): void {
  const command = program
    .command('replay')
    .description(
      'Runs a saved event (JSON, or a form body) through the real code. With a stack, deployed or running here, it is handed to it and may start what an alarm would start. Without one, or with --dry, it says what the event would become. With --check it says that of every payload file of a folder. Exits with 1 where a single event is refused, or where a folder or a file of it cannot be read.',
    )
    .argument('[event]', 'a file with the event')
    .option('--dry', 'hand it to no stack, even where one runs here')
    .option('-y, --yes', 'do not ask before it is handed to a deployed stack')
    .option(
      '--check <folder>',
      'say what every .json, .txt, .jsonl and .ndjson file below a folder would become',
    )
    .option('--deny-refused', 'with --check: exit with 1 where a payload is refused')
    .action(async (event: string | undefined, options: Options, self: Command) =>
      replay(self, event, options),
    )
  documented(command, [
    ['firebreak replay event.json', 'hand it to the stack that runs here, or see what it would become'],
    ['firebreak replay event.json --stack firebreak-dev', 'hand it to a deployed stack'],
    ['firebreak replay --check fixtures/events', 'what does each payload become?'],
  ])
}

async function replay(command: Command, path: string | undefined, options: Options): Promise<void> {
  const context = contextOf(command)
  if ((path === undefined) === (options.check === undefined)) {
    throw new Failure(EXIT.usage, 'usage', 'name either one event file, or a folder with --check')
  }
  if (options.check !== undefined) {
    await checkFolder(context, options.check, options.denyRefused === true)
    return
  }
  if (path === undefined) return
  const text = readText(path, context.terminal.cwd, MAX_PAYLOAD_BYTES)
  const becomes = await dryRun(context, path, text)
  if (becomes.some(({ parsed }) => parsed.is === 'refused')) context.exit(EXIT.failed)
  // Of what is too large only the beginning was read, and that is not the event.
  const isCut = Buffer.byteLength(text) >= MAX_PAYLOAD_BYTES
  const stack = options.dry || isCut ? undefined : await stackFor(context)
  if (stack) await send(context, stack, text, becomes, options.yes === true)
  else tell(context, becomes, isCut)
}

/** A local stack that has ended is no reason to stop: the event is then only looked at. */
async function stackFor(context: Context): Promise<Stack | undefined> {
  const options = stackOptions(context)
  try {
    return await find(options)
  } catch (error) {
    if (
      !(error instanceof Failure) ||
      error.code !== 'no-stack' ||
      options.stack !== undefined ||
      options.local !== undefined
    )
      throw error
    context.say(`${error.message}: nothing is handed in`)
    return undefined
  }
}

async function send(
  context: Context,
  stack: Stack,
  text: string,
  becomes: readonly Become[],
  yes: boolean,
): Promise<void> {
  if (!stack.ingest) {
    throw new Failure(EXIT.usage, 'usage', `${stack.label} takes no events`, {
      remedy: 'Name the stack itself with --stack <name>.',
    })
  }
  if (stack.kind === 'deployed')
    await confirm(context, `Hand this event to ${stack.label}? It may start what an alarm would start.`, yes)
  const { parts } = await stack.ingest(valueOf(text))
  const signals = becomes.flatMap(({ parsed }) => (parsed.is === 'signal' ? [parsed.signal.signalId] : []))
  if (context.settings.json) {
    context.printJson({ stack: stack.label, signals, parts })
    return
  }
  for (const part of parts) context.print(printable(partText(part)))
  const incident = parts.find((part) => part.is === 'accepted')
  if (incident) context.say(`Next: firebreak watch ${printable(incident.incidentId)}`)
  if (parts.length === 0) context.print(`${stack.label} found nothing in it`)
}

/** What is no JSON goes in as a text, as it would in a message. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\ufeff/, '')) as unknown
  } catch {
    return text
  }
}

function partText(part: Ingested): string {
  switch (part.is) {
    case 'accepted':
      return `${part.signalId} ${part.effect} ${part.incidentId}`
    case 'verdict':
      return `${part.signalId} started nothing: ${part.code}: ${part.reason}`
    case 'ignored':
      return `ignored: ${part.code}: ${part.reason}`
    default:
      return never(part)
  }
}

function tell(context: Context, becomes: readonly Become[], isCut: boolean): void {
  if (context.settings.json) {
    context.printJson({
      dry: true,
      parts: becomes.map(({ parsed, would }) => ({ ...withoutEvent(parsed), would })),
    })
    return
  }
  for (const { parsed, would } of becomes) {
    context.print(parsedText(parsed))
    for (const line of would) context.print(`  ${printable(line)}`)
  }
  const how = ' To hand it in, start `firebreak dev`, or name a stack with --stack.'
  context.say(`Nothing was handed in and nothing was changed.${isCut ? '' : how}`)
}

function parsedText(parsed: Parsed): string {
  if (parsed.is !== 'signal') return `${parsed.is} ${printable(parsed.code)}: ${printable(parsed.reason)}`
  const { signal } = parsed
  return `signal ${signal.state} ${printable(signal.name)} (${printable(signal.source)}) at ${timeText(signal.stateAtMs)}, ${signal.signalId}`
}
