import { readdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe } from '../lib/errors.ts'
import { checkPayload, renderCheck, type CheckedPayload } from '../lib/signal/check-folder.ts'
import type { Context } from './context.ts'
import { EXIT, Failure } from './exit.ts'
import { because, readText } from './files.ts'
import { plural, printable, printableLines } from './output.ts'
import { MAX_PAYLOAD_BYTES, withoutEvent } from './replay-dry.ts'

/**
 * Says what every payload file below a folder would become. A refused payload is an answer, not a failure; the exit code
 * is 1 only where something could not be looked at, where there was nothing to look at, or where `denyRefused` asks for it.
 */
export async function checkFolder(context: Context, folder: string, denyRefused: boolean): Promise<void> {
  const { terminal, settings } = context
  const results: CheckedPayload[] = []
  const troubles: { readonly file: string; readonly reason: string }[] = []
  for (const file of filesBelow(folder, terminal.cwd)) {
    try {
      results.push(
        checkPayload(file, readText(join(folder, file), terminal.cwd, MAX_PAYLOAD_BYTES), terminal.now()),
      )
    } catch (error) {
      troubles.push({
        file,
        reason: error instanceof Failure ? error.message : `the parser crashed: ${describe(error)}`,
      })
    }
  }
  const refused = results.flatMap(({ outcome }) => outcome).filter(({ is }) => is === 'refused').length
  if (settings.json)
    context.printJson({
      files: results.map(({ file, outcome }) => ({ file, parts: outcome.map(withoutEvent) })),
      unreadable: troubles,
    })
  else if (results.length > 0) terminal.out(`${printableLines(renderCheck(results))}\n`)
  for (const { file, reason } of troubles) context.warn(`${printable(file)}: ${printable(reason)}`)
  if (results.length === 0 && troubles.length === 0)
    context.warn(`there is no .json, .txt, .jsonl or .ndjson file below ${printable(folder)}`)
  if (troubles.length > 0) context.warn(`${plural(troubles.length, 'file')} could not be looked at`)
  if (troubles.length > 0 || results.length === 0 || (denyRefused && refused > 0)) context.exit(EXIT.failed)
}

/** Relative to the folder, in a fixed order. Links to folders are not followed, so there is no loop. */
function filesBelow(folder: string, cwd: string): readonly string[] {
  const root = resolve(cwd, folder)
  try {
    return readdirSync(root, { withFileTypes: true, recursive: true })
      .filter((entry) => !entry.isDirectory() && /\.(json|txt|jsonl|ndjson)$/i.test(entry.name))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)))
      .toSorted()
  } catch (error) {
    throw new Failure(
      EXIT.failed,
      'unreadable-folder',
      `the folder ${printable(folder)} cannot be read: ${because(error)}`,
      { cause: error },
    )
  }
}
