import { readFileSync } from 'node:fs'
import { runbookJsonSchema } from '../../lib/runbook/json-schema.ts'

const committed: unknown = JSON.parse(
  readFileSync(new URL('../../runbooks/schema.json', import.meta.url), 'utf8'),
)

test('runbooks/schema.json is the one that the schemas of today make', () => {
  expect(committed).toEqual(runbookJsonSchema())
})

test('the schema is draft 7, which is what editors read, and the same on every machine', () => {
  expect(runbookJsonSchema()['$schema']).toBe('http://json-schema.org/draft-07/schema#')
  expect(JSON.stringify(runbookJsonSchema())).not.toMatch(/\/home\/|\/work\/|file:|20\d\d-\d\d-\d\dT/)
})

interface Node {
  readonly properties?: { readonly [name: string]: Node }
  readonly description?: string
  readonly [key: string]: unknown
}

/** The paths of all properties that an editor would show without a word. */
function bare(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return []
  if (Array.isArray(node)) return node.flatMap((inner, index) => bare(inner, `${path}/${index}`))
  const { properties, ...rest } = node as Node
  return [
    ...Object.entries(properties ?? {}).flatMap(([name, property]) => [
      ...(typeof property.description === 'string' ? [] : [`${path}.${name}`]),
      ...bare(property, `${path}.${name}`),
    ]),
    ...Object.entries(rest).flatMap(([key, inner]) =>
      key === 'default' ? [] : bare(inner, `${path}/${key}`),
    ),
  ]
}

test('every field has a sentence that the editor shows', () => {
  expect(bare(runbookJsonSchema(), '')).toEqual([])
})
