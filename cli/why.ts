import type { Command } from 'commander'
import * as z from 'zod'
import { never } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import { ask, read, stackOf } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { printable, timeText, type Paint } from './output.ts'

const rule = z.looseObject({ reason: z.string(), place: z.string().exactOptional() })
const decision = z.looseObject({
  stream: z.string(),
  status: z.looseObject({
    is: z.string(),
    outcome: z.string().exactOptional(),
    code: z.string().exactOptional(),
    reason: z.string().exactOptional(),
  }),
  place: z.string().exactOptional(),
  // Absent in answers of older stacks.
  atMs: z.number().exactOptional(),
  mode: z.string().exactOptional(),
  capped: rule.exactOptional(),
  held: z.string().exactOptional(),
  steps: z.array(rule.extend({ step: z.string(), is: z.string(), code: z.string() })).exactOptional(),
})

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
    is: z.literal('accepted'),
    name: z.string(),
    state: z.string(),
    stateAtMs: z.number(),
    incidentId: z.string(),
    effect: z.string(),
    reasons: z.array(decision),
    verdict: z.looseObject({ code: z.string(), reason: z.string() }).exactOptional(),
  }),
  z.looseObject({ is: z.literal('executions'), reasons: z.array(decision) }),
  z.looseObject({
    is: z.literal('runbook'),
    runbook: z.string(),
    service: z.string(),
    mode: z.looseObject({
      mode: z.string(),
      reason: z.string().exactOptional(),
      place: z.string().exactOptional(),
    }),
    now: z.array(rule.extend({ rule: z.string(), verdict: z.enum(['passed', 'failed']) })),
    decisions: z.array(decision),
  }),
])

type Answer = z.output<typeof answers>
type Decision = z.output<typeof decision>

export function register(program: Command): void {
  const command = program
    .command('why')
    .description(
      'Says what a signal led to, or why it started nothing, and why an execution ran, was refused or ended as it did, with the rule and its place. Of a runbook: what would stop it now, and its latest decisions.',
    )
    .argument('<id>', 'a signal, an execution, an incident or a runbook')
    .action(async (id: string, _options: unknown, self: Command) => why(self, id))
  documented(command, [
    ['firebreak why sig-7h3m1c9d2e4f', 'what became of this alarm, and why?'],
    ['firebreak why inc-4k2m9x7p0qzr', 'why did its executions run, or not?'],
    ['firebreak why api-5xx-spike', 'would it run now, and did it?'],
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
  for (const line of linesOf(told, context.paint)) context.print(line)
}

function linesOf(told: Answer, paint: Paint): readonly string[] {
  switch (told.is) {
    case 'signal':
      return [`${signalText(told)} started nothing`, `  ${printable(told.code)}: ${printable(told.reason)}`]
    case 'accepted': {
      const { incidentId, effect, reasons, verdict } = told
      return [
        `${signalText(told)} ${effectText(effect, printable(incidentId))}`,
        ...(reasons.length === 0 && startsSomething(effect) ? ['  no execution of it is on record'] : []),
        ...reasons.flatMap((one) => decisionLines(one)),
        ...(verdict ? [`beside it, ${printable(verdict.code)}: ${printable(verdict.reason)}`] : []),
      ]
    }
    case 'executions':
      return told.reasons.flatMap((one) => decisionLines(one))
    case 'runbook': {
      const { mode, reason, place } = told.mode
      const because = reason === undefined ? '' : `: ${printable(reason)}`
      return [
        `${printable(told.runbook)} on service ${printable(told.service)}, mode ${printable(mode)}${because}${placeText(place)}`,
        ...told.now.map((one) => {
          const mark = one.verdict === 'passed' ? paint('green', '✔') : paint('red', '✖')
          return `  ${mark} ${printable(one.rule)}: ${printable(one.reason)}${placeText(one.place)}`
        }),
        ...(told.decisions.length === 0 ? ['no decision of it is on record in the latest incidents'] : []),
        ...told.decisions.flatMap((one) => decisionLines(one)),
      ]
    }
    default:
      return never(told)
  }
}

function signalText({
  name,
  state,
  stateAtMs,
}: {
  readonly name: string
  readonly state: string
  readonly stateAtMs: number
}): string {
  return `${printable(name)} ${printable(state)} at ${timeText(stateAtMs)}`
}

function startsSomething(effect: string): boolean {
  return effect === 'opened' || effect === 'recurred'
}

/** A stack that is newer than this command line may know more effects: then its word is shown. */
function effectText(effect: string, incidentId: string): string {
  switch (effect) {
    case 'opened':
      return `opened ${incidentId}`
    case 'recurred':
      return `joined ${incidentId} as a new onset`
    case 'attached':
      return `joined ${incidentId}, whose alarm stood already, and started nothing`
    case 'cleared':
      return `cleared ${incidentId}`
    default:
      return `${printable(effect)} ${incidentId}`
  }
}

/** What became of it; under it every rule and condition that had a say. */
function decisionLines({
  stream,
  atMs,
  status,
  place,
  mode,
  capped,
  held,
  steps = [],
}: Decision): readonly string[] {
  const words = [status.outcome ?? status.is, ...(status.code === undefined ? [] : [status.code])]
  const reason = status.reason === undefined || status.reason === '' ? '' : `: ${printable(status.reason)}`
  const when = atMs === undefined ? '' : `${timeText(atMs)} `
  return [
    `${when}${printable(stream)} ${words.map(printable).join(', ')}${reason}${placeText(place)}`,
    ...(capped
      ? [`  mode ${printable(mode ?? '')}: ${printable(capped.reason)}${placeText(capped.place)}`]
      : []),
    ...(held === undefined ? [] : [`  held: ${printable(held)}`]),
    ...steps.map(
      (one) =>
        `  ${printable(one.step)} ${printable(one.is)}, ${printable(one.code)}: ${printable(one.reason)}${placeText(one.place)}`,
    ),
  ]
}

function placeText(place: string | undefined): string {
  return place === undefined ? '' : ` (${printable(place)})`
}
