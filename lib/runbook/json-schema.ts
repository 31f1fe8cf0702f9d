import * as z from 'zod'
import type { Json } from '../json.ts'
import { fileShown } from './schema.ts'

/**
 * The JSON Schema of runbook files, for editors: draft 7, which is what the YAML language server reads. It describes
 * what may be written (not what comes out of the parser), from the same schemas that the linter uses.
 */
export function runbookJsonSchema(): { readonly [key: string]: Json } {
  const schema = z.toJSONSchema(fileShown, { io: 'input', target: 'draft-7', reused: 'inline' })
  // A plain value: zod's own carries functions of the standard-schema protocol.
  const { $schema, ...rest } = JSON.parse(JSON.stringify(schema)) as { readonly [key: string]: Json }
  return { $schema: $schema ?? '', title: 'Firebreak runbook', ...rest }
}
