import { readCatalogue } from '../handlers/catalogue.ts'
import { runbookJsonSchema } from '../lib/runbook/json-schema.ts'
import { apiReference } from '../web/reference.ts'
import { derivedFor } from './derived.ts'

export interface GeneratedFile {
  /** From the repository's root. */
  readonly path: string
  readonly text: string
}

/** Every generated file as it should be now. Throws where the runbooks have mistakes. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { path: 'deploy/derived.json', text: pretty(derivedFor(readCatalogue())) },
    { path: 'runbooks/schema.json', text: pretty(runbookJsonSchema()) },
    { path: 'docs/api-reference.md', text: apiReference() },
  ]
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`
}
