import { readFileSync } from 'node:fs'
import { compileCatalogue } from '../../lib/runbook/catalogue.ts'
import type { Compiled } from '../../lib/runbook/catalogue.ts'
import { renderDiagnostic } from '../../lib/runbook/diagnostics.ts'
import type { Runbook } from '../../lib/runbook/runbook.ts'

export interface TextFile {
  readonly path: string
  readonly text: string
}

/** A file as it is shipped. */
export function shipped(name: string): TextFile {
  return { path: name, text: readFileSync(new URL(`../../runbooks/${name}`, import.meta.url), 'utf8') }
}

export const settings: readonly TextFile[] = ['services.yaml', 'oncall.yaml', 'policy.yaml'].map(shipped)

/** Compiles files beside the shipped settings; a file of the same name takes the place of the shipped one. */
export function compile(...files: readonly TextFile[]): Compiled {
  return compileCatalogue([
    ...settings.filter((setting) => !files.some((file) => file.path === setting.path)),
    ...files,
  ])
}

/** The only runbook of a text that must be right. */
export function compiledRunbook(text: string): Runbook {
  const { catalogue, diagnostics, sources } = compile({ path: 'x.yaml', text })
  const [runbook] = catalogue?.runbooks ?? []
  if (!runbook)
    throw new Error(
      diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources[diagnostic.file])).join('\n'),
    )
  return runbook
}

/** A long form with these lines in place of the usual ones; each `key: value` line replaces the key's. */
export function longForm(lines: { readonly [key: string]: string } = {}): string {
  const usual = {
    runbook: 'runbook: r',
    service: 'service: api',
    triggers: 'triggers: [{ alarm: api-5xx }]',
    steps: 'steps:\n  - notify: oncall@sre',
  }
  return Object.values({ ...usual, ...lines })
    .filter((line) => line !== '')
    .join('\n')
}
