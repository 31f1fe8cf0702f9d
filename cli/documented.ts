import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Command } from 'commander'

/** The package's own root: runbooks are found from where the command is used, documents from here. */
export const packageRoot = dirname(dirname(fileURLToPath(import.meta.url)))

/** Where docs/cli.md says more; it lies on this machine, so it is the version that runs. */
export function docsLink(anchor: string): string {
  return `${pathToFileURL(join(packageRoot, 'docs/cli.md')).href}#${anchor}`
}

/** Help as people read it: examples first, the documentation's address last. */
export function documented(
  command: Command,
  examples: readonly (readonly [line: string, meaning: string])[],
): Command {
  const wide = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, meaning]) => `  $ ${line.padEnd(wide)}  # ${meaning}`)
  return command
    .addHelpText('before', `Examples:\n${lines.join('\n')}\n`)
    .addHelpText('after', `\nDocs: ${docsLink(command.name())}`)
}
