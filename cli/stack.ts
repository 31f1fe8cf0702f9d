import type { CommandResult, Request } from '../lib/command.ts'
import type { IngestResult } from '../lib/ingest.ts'
import { EXIT, Failure } from './exit.ts'
import { printable } from './output.ts'
import { localStack, runningStack } from './stack-local.ts'

/** The stack that answers: the command line itself decides nothing and never runs a turn (CORE.md 1.4). */
export interface Stack {
  readonly kind: 'local' | 'deployed'
  /** For messages: `firebreak-prod`, `http://127.0.0.1:4555`. */
  readonly label: string
  command(request: Request): Promise<CommandResult>
  /** Hands in an event; answers what became of each part. */
  ingest?(event: unknown): Promise<IngestResult>
}

export interface StackOptions {
  /** A deployed stack, by `--stack`. */
  readonly stack?: string
  /** The address of a local one, by `--local`. */
  readonly local?: string
  readonly cwd: string
  readonly env: { readonly [name: string]: string | undefined }
  /** Gives up what is under way. */
  readonly signal?: AbortSignal
}

/**
 * The stack that is meant: the option, else `FIREBREAK_STACK` (or `FIREBREAK_FUNCTION`, the exact name of the function),
 * else the local stack that runs in this folder. Throws `Failure` with what to do where there is none.
 */
export async function connect(options: StackOptions): Promise<Stack> {
  const found = await find(options)
  if (found) return found
  throw new Failure(EXIT.internal, 'no-stack', 'no stack is named, and none runs in this folder', {
    remedy: 'Start one in another terminal with `firebreak dev`, or name a deployed one with --stack <name>.',
  })
}

/** The same, but `undefined` where nothing names a stack and none runs. */
export async function find(options: StackOptions): Promise<Stack | undefined> {
  const { stack, local, env } = options
  if (stack !== undefined && local !== undefined) {
    throw new Failure(
      EXIT.usage,
      'usage',
      '--stack and --local exclude each other: one names a deployed stack, the other a local one',
    )
  }
  if (local !== undefined) return localStack(local, options)
  const named = stack ?? env['FIREBREAK_STACK']
  if (named) return deployed(checkedName(named, 64), options)
  if (env['FIREBREAK_FUNCTION'])
    return deployed({ function: checkedName(env['FIREBREAK_FUNCTION'], 140) }, options)
  return runningStack(options)
}

async function deployed(name: string | { readonly function: string }, options: StackOptions): Promise<Stack> {
  // Loads the AWS SDK.
  const { deployedStack } = await import('./stack-deployed.ts')
  return deployedStack(name, options)
}

function checkedName(name: string, limit: number): string {
  if (name.length <= limit && /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name)) return name
  throw new Failure(EXIT.usage, 'usage', `"${printable(name).slice(0, 80)}" is not the name of a stack`, {
    remedy: 'A name has letters, digits, "-" and "_", such as firebreak-prod.',
  })
}
