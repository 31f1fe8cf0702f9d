import type { Command } from 'commander'
import * as z from 'zod'
import type { CommandResult, Request } from '../lib/command.ts'
import type { Json } from '../lib/json.ts'
import type { ProblemCode } from '../lib/problems.ts'
import { nearest } from '../lib/runbook/diagnostics.ts'
import { contextOf, type Context } from './context.ts'
import { EXIT, Failure, type ExitCode } from './exit.ts'
import { printable } from './output.ts'
import { connect, type Stack, type StackOptions } from './stack.ts'

/** What was written wrongly is usage; what cannot be done is a failure. */
const EXIT_OF: { readonly [code in ProblemCode]: ExitCode } = {
  'bad-request': EXIT.usage,
  'key-missing': EXIT.usage,
  ambiguous: EXIT.usage,
  unauthenticated: EXIT.auth,
  forbidden: EXIT.auth,
  'method-not-allowed': EXIT.usage,
  'not-acceptable': EXIT.usage,
  'too-large': EXIT.usage,
  'unsupported-type': EXIT.usage,
  'key-reused': EXIT.failed,
  internal: EXIT.internal,
  'not-found': EXIT.failed,
  'nothing-asked': EXIT.failed,
  changed: EXIT.failed,
  ended: EXIT.failed,
  conflict: EXIT.failed,
}

export function stackOptions({ settings, terminal }: Context): StackOptions {
  const { stack, local } = settings
  return {
    cwd: terminal.cwd,
    env: terminal.env,
    signal: terminal.interruptible(),
    ...(stack === undefined ? {} : { stack }),
    ...(local === undefined ? {} : { local }),
  }
}

export async function stackOf(context: Context): Promise<Stack> {
  return connect(stackOptions(context))
}

/** Asks, and throws a problem as a `Failure` with the exit code that fits. */
export async function ask(stack: Stack, request: Request): Promise<Json> {
  const result = await stack.command(request)
  if (result.is === 'answer') return result.answer
  throw failureOf(result, request)
}

function failureOf(problem: Extract<CommandResult, { is: 'problem' }>, request: Request): Failure {
  const remedy = remedyFor(problem, request)
  // A newer stack may know problems that this version does not.
  const exit = EXIT_OF[problem.code] ?? EXIT.failed
  return new Failure(exit, problem.code, problem.message, remedy === undefined ? {} : { remedy })
}

function remedyFor(problem: Extract<CommandResult, { is: 'problem' }>, request: Request): string | undefined {
  if (problem.code !== 'not-found') return undefined
  if ('runbook' in request) {
    const known = / there are: (.*)$/.exec(problem.message)?.[1]?.split(', ') ?? []
    const meant = nearest(request.runbook, known)
    return meant === undefined ? undefined : `Did you mean "${meant}"?`
  }
  return 'id' in request && request.verb !== 'why'
    ? '`firebreak list` shows the incidents that there are.'
    : undefined
}

/** Parses an answer. A stack of another version may answer what this one cannot read. */
export function read<T>(schema: z.ZodType<T>, answer: Json, stack: Stack): T {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Failure(
    EXIT.internal,
    'strange-answer',
    `${stack.label} answered what this version cannot read: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    {
      remedy: 'The stack is of another version than the command line: update the older one.',
    },
  )
}

/** The person at the keyboard, as the record will name them. */
export function person({ terminal }: Context): { readonly name: string; readonly via: string } {
  return { name: terminal.user.slice(0, 200) || 'unknown', via: 'cli' }
}

/** What a decision answers: one sentence. */
export const said = z.looseObject({ text: z.string() })

/** Records a decision and says what was recorded. */
export async function decide(
  command: Command,
  request: (context: Context) => Request,
  next?: string,
): Promise<void> {
  const context = contextOf(command)
  const stack = await stackOf(context)
  const answer = await ask(stack, request(context))
  const { text } = read(said, answer, stack)
  if (context.settings.json) context.printJson(answer as { readonly [name: string]: Json })
  else context.print(printable(sentence(text)))
  if (next !== undefined) context.say(next)
}

/** Asks something of a stack as a whole, and says what it answered under the stack's name. */
export async function tellStack(context: Context, stack: Stack, request: Request): Promise<void> {
  const { text } = read(said, await ask(stack, request), stack)
  if (context.settings.json) context.printJson({ stack: stack.label, text })
  else context.print(`${stack.label}: ${printable(text)}`)
}

/** Entries are named by their kind; people read words. */
function sentence(text: string): string {
  return SENTENCES[text] ?? text
}

const SENTENCES: { readonly [kind: string]: string } = {
  'incident.acknowledged': 'acknowledged: the incident is yours',
  'incident.noted': 'noted',
  'incident.resolved': 'resolved',
}
