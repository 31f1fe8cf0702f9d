import { Argument, type Command } from 'commander'
import * as z from 'zod'
import { ask, person, read, stackOf, tellStack } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { table, timeText } from './output.ts'

const answers = z.looseObject({
  failures: z.array(
    z.looseObject({
      hook: z.string(),
      incidentId: z.string(),
      address: z.string(),
      reason: z.string(),
      attempts: z.number(),
      atMs: z.number(),
    }),
  ),
})

export function register(program: Command): void {
  const command = program
    .command('hooks')
    .description(
      'Says what could not be delivered to the addresses of hooks.yaml (`failures`), and sends one entry once more (`replay`).',
    )
    .addArgument(new Argument('<what>', 'failures or replay').choices(['failures', 'replay']))
    .argument('[hook]', 'with replay: a name of hooks.yaml')
    .argument('[incident]', 'with replay: the incident')
    .argument('[entry]', 'with replay: the address of the entry, as failures and timelines tell it')
    .action(
      async (
        what: string,
        hook: string | undefined,
        incident: string | undefined,
        entry: string | undefined,
        _options: unknown,
        self: Command,
      ) => (what === 'failures' ? failures(self) : replay(self, hook, incident, entry)),
    )
  documented(command, [
    ['firebreak hooks failures', 'what never arrived, and why'],
    [
      'firebreak hooks replay tickets inc-4k2m9x7p0qzr inc-4k2m9x7p0qzr-p3v8ad/2.0',
      'send it again, once the receiver is well',
    ],
  ])
}

async function failures(command: Command): Promise<void> {
  const context = contextOf(command)
  const stack = await stackOf(context)
  const told = read(answers, await ask(stack, { verb: 'hook-failures' }), stack)
  if (context.settings.json) {
    context.printJson(told)
    return
  }
  if (told.failures.length === 0) {
    context.say('every entry was delivered, or is still being tried')
    return
  }
  const rows = told.failures.map(({ hook, incidentId, address, attempts, atMs, reason }) => [
    hook,
    incidentId,
    address,
    timeText(atMs),
    String(attempts),
    reason,
  ])
  const { terminal, paint } = context
  const columns = terminal.outIsTty ? { columns: terminal.columns } : {}
  for (const line of table(['HOOK', 'INCIDENT', 'ENTRY', 'GIVEN UP', 'ATTEMPTS', 'REASON'], rows, {
    paint,
    ...columns,
  }))
    context.print(line)
}

async function replay(
  command: Command,
  hook: string | undefined,
  incidentId: string | undefined,
  address: string | undefined,
): Promise<void> {
  if (hook === undefined || incidentId === undefined || address === undefined)
    throw new Failure(EXIT.usage, 'usage', 'replay takes a hook, an incident and an entry', {
      remedy: '`firebreak hooks failures` names all three.',
    })
  const context = contextOf(command)
  const stack = await stackOf(context)
  await tellStack(context, stack, { verb: 'hook-replay', hook, incidentId, address, by: person(context) })
}
