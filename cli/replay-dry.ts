import { never } from '../lib/errors.ts'
import { effectiveMode } from '../lib/guardrails.ts'
import { transition } from '../lib/incident.ts'
import { match } from '../lib/match.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { parseText } from '../lib/signal/parse.ts'
import type { Parsed, Signal } from '../lib/signal/signal.ts'
import type { Context } from './context.ts'
import { Failure } from './exit.ts'
import { compile, readFolder, runbookFolder } from './files.ts'

/** The parser takes 1 MiB at most; one byte more lets it say so. */
export const MAX_PAYLOAD_BYTES = 1024 * 1024 + 1

/** One part of a payload, and what it would do to a stack that knows of nothing yet. */
export interface Become {
  readonly parsed: Parsed
  readonly would: readonly string[]
}

/** What an event would become, by the real parser, matcher and rules, in memory. */
export async function dryRun(context: Context, path: string, text: string): Promise<readonly Become[]> {
  const parts = parseText(text, { fileName: path, receivedAtMs: context.terminal.now() })
  const catalogue = parts.some((parsed) => parsed.is === 'signal') ? await catalogueOf(context) : undefined
  return parts.map((parsed) => ({
    parsed,
    would: parsed.is === 'signal' ? wouldDo(parsed.signal, catalogue) : [],
  }))
}

/** `undefined` where there are no runbooks, or wrong ones: the event can be read all the same. */
async function catalogueOf({ terminal, settings, say }: Context): Promise<Catalogue | undefined> {
  try {
    const { catalogue } = await compile(
      readFolder(runbookFolder({ cwd: terminal.cwd, ...settings }), terminal.cwd),
    )
    if (!catalogue) say('The runbooks here have errors: see `firebreak lint`.')
    return catalogue
  } catch (error) {
    if (error instanceof Failure) return undefined
    throw error
  }
}

function wouldDo(signal: Signal, catalogue: Catalogue | undefined): readonly string[] {
  if (!catalogue) return ['there are no runbooks at hand: what it would start is not known']
  const matched = match(signal, catalogue)
  if (matched.is === 'unmatched') return [`starts nothing: ${matched.reason}`]
  switch (signal.state) {
    case 'ok':
      return [
        `clears the incident of service ${matched.service.name} that ${signal.key} has opened, if one is open`,
      ]
    case 'insufficient-data':
      return ['starts nothing: silence is neither trouble nor health']
    case 'alarm':
    case 'occurred': {
      if (signal.silenced) return [`starts nothing: ${signal.silenced.by}: ${signal.silenced.reason}`]
      const moved = transition(undefined, signal, matched.service, matched.runbooks, 0)
      const pending = moved.is === 'accepted' ? moved.pending : undefined
      if (!pending) return ['starts nothing']
      return [
        `opens incident ${pending.incidentId} of service ${matched.service.name}`,
        ...pending.executions.map(({ runbook, executionId }) => {
          const found = matched.runbooks.find((one) => one.runbook === runbook)
          const { mode, place } = found
            ? effectiveMode(catalogue, found)
            : { mode: 'shadow', place: undefined }
          return `starts ${runbook} as ${executionId}, mode ${mode}${place === undefined ? '' : ` (${place})`}`
        }),
      ]
    }
    default:
      return never(signal.state)
  }
}

/** The event is in the file already. */
export function withoutEvent(parsed: Parsed): { readonly [name: string]: unknown } {
  if (parsed.is !== 'signal') return parsed
  const { event: _event, ...signal } = parsed.signal
  return { is: 'signal', signal }
}
