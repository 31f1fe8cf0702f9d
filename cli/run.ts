import { randomUUID } from 'node:crypto'
import { Option, type Command } from 'commander'
import * as z from 'zod'
import type { Json } from '../lib/json.ts'
import type { Mode } from '../lib/runbook/runbook.ts'
import { ask, person, read, stackOf } from './ask-stack.ts'
import { confirm, contextOf, type Context } from './context.ts'
import { documented } from './documented.ts'
import { durationMs } from './duration.ts'
import { endingOf } from './execution-tree.ts'
import { EXIT, Failure } from './exit.ts'
import { exitFor, follow } from './follow.ts'
import { printable } from './output.ts'
import { entriesOf, fetchBundle } from './records.ts'
import { planLines, planSchema, planSummary } from './render-plan.ts'
import type { Stack } from './stack.ts'

interface Options {
  readonly reason: string
  readonly key?: string
  readonly mode?: Mode
  readonly despiteFreeze?: true
  readonly watch?: boolean
  readonly timeout?: number
  readonly yes?: boolean
}

const started = z.looseObject({ incidentId: z.string(), executionId: z.string(), mode: z.string() })

export function register(program: Command): void {
  const command = program
    .command('run')
    .description(
      'Starts a runbook by hand. Shows its plan first and, on a terminal, asks. It joins the open incident of the service, or opens one. The kill switch, the mode, change freezes and the capacity ceilings hold; cooldown and hourly limits do not hold a person back.',
    )
    .argument('<runbook>', 'its name')
    .requiredOption('--reason <text>', 'why, for the record')
    .option(
      '--key <key>',
      'idempotency key: the same key starts nothing twice (default: a random one, which is printed)',
    )
    .addOption(
      new Option('--mode <mode>', 'ask for less than the policy allows').choices([
        'shadow',
        'approve',
        'auto',
      ]),
    )
    .option('--despite-freeze', 'start although a change freeze is on; it is recorded that you did')
    .option('--watch', 'follow it until it has ended; the exit code is then that of `watch --exit-status`')
    .option(
      '--timeout <duration>',
      'with --watch: stop watching after so long, such as 10m, and exit with 5',
      durationMs,
    )
    .option('-y, --yes', 'do not ask')
    .action(async (runbook: string, options: Options, self: Command) => run(self, runbook, options))
  documented(command, [
    ['firebreak run api-5xx-spike --reason "5xx after the release"', 'plan, question, start'],
    ['firebreak run api-5xx-spike --reason "drill" --mode shadow', 'put the plan on record, change nothing'],
    ['firebreak run api-5xx-spike --reason "5xx" --yes --watch', 'start and follow'],
  ])
}

async function run(command: Command, runbook: string, options: Options): Promise<void> {
  const context = contextOf(command)
  const stack = await stackOf(context)
  await showPlan(context, stack, runbook)
  await confirm(context, `Start ${runbook} on ${stack.label}?`, options.yes === true)
  const key = options.key ?? randomUUID()
  context.say(`key ${key}`)
  const answer = await start(context, stack, runbook, key, options)
  const { incidentId, executionId } = read(started, answer, stack)
  const ids = `execution ${printable(executionId)} of incident ${printable(incidentId)}`
  if (options.watch) {
    context.say(ids)
    const followed = await follow(context, stack, {
      id: executionId,
      ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
    })
    context.exit(exitFor(followed))
    context.say(`Next: firebreak timeline ${incidentId}`)
    return
  }
  const { bundle } = await fetchBundle(stack, executionId)
  const entries = entriesOf(bundle.records, executionId)
  const ending = endingOf(entries)
  const isFrozen = entries.some((entry) => entry.kind === 'execution.refused' && entry.code === 'freeze')
  const refused = ending.is === 'ended' && ending.outcome === 'refused'
  if (context.settings.json)
    context.printJson({
      ...(answer as { readonly [name: string]: Json }),
      key,
      refused: refused ? ending.reason : null,
    })
  else context.print(`${refused ? 'not started' : 'started'}: ${ids}`)
  if (refused) {
    context.exit(EXIT.denied)
    context.warn(`A guardrail refused it: ${printable(ending.reason)}`)
    if (isFrozen) context.say('Start it all the same, on record: firebreak run --despite-freeze')
    return
  }
  context.say(`Next: firebreak watch ${executionId}`)
}

async function showPlan(context: Context, stack: Stack, runbook: string): Promise<void> {
  const plan = read(planSchema, await ask(stack, { verb: 'plan', runbook }), stack)
  const { paintErr, terminal } = context
  for (const line of planLines(plan, {
    paint: paintErr,
    columns: terminal.errIsTty ? terminal.columns : Infinity,
  }))
    context.say(line)
  context.say(planSummary(plan))
}

/** Where the answer is lost, the start may have taken place: the key makes a repeat harmless, so it is named. */
async function start(
  context: Context,
  stack: Stack,
  runbook: string,
  key: string,
  options: Options,
): Promise<Json> {
  try {
    return await ask(stack, {
      verb: 'run',
      runbook,
      key,
      by: person(context),
      reason: options.reason,
      ...(options.mode === undefined ? {} : { mode: options.mode }),
      ...(options.despiteFreeze === undefined ? {} : { despiteFreeze: true }),
    })
  } catch (error) {
    if (!(error instanceof Failure) || error.exit !== EXIT.internal) throw error
    const remedy = `Whether it started is not known. Repeat it with --key ${key}: it then starts once in all.`
    throw new Failure(error.exit, error.code, error.message, { remedy, cause: error })
  }
}
