import { compileCatalogue, type CatalogueFile } from '../lib/runbook/catalogue.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'

/** Compiles files that are known to be right; throws with every mistake where they are not. */
export function catalogueFrom(files: readonly CatalogueFile[]): Catalogue {
  const { catalogue, diagnostics } = compileCatalogue(files)
  if (catalogue) return catalogue
  throw new Error(diagnostics.map((one) => `${one.file}:${one.line} ${one.message}`).join('\n'))
}
