import { readdirSync, readFileSync } from 'node:fs'
import { compileCatalogue } from '../lib/runbook/catalogue.ts'
import { renderDiagnostic } from '../lib/runbook/diagnostics.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'

const FOLDER = new URL('../runbooks/', import.meta.url)

/**
 * What the YAML files in `runbooks/` say. Packaging replaces this file by their compiled value (`deploy/bundle.ts`), so that
 * a cold start parses no YAML. Throws with all mistakes of all files where there is one.
 */
export function readCatalogue(): Catalogue {
  const files = readdirSync(FOLDER)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort()
    .map((name) => ({ path: `runbooks/${name}`, text: readFileSync(new URL(name, FOLDER), 'utf8') }))
  const { catalogue, diagnostics, sources } = compileCatalogue(files)
  if (catalogue) return catalogue
  const mistakes = diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources[diagnostic.file]))
  throw new Error(`the runbooks cannot be compiled:\n\n${mistakes.join('\n\n')}`)
}
