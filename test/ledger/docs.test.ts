import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { entrySchema } from '../../lib/ledger/entry.ts'

test('docs/ledger.md says of every kind of entry what it is, and of none that does not exist', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/ledger.md'), 'utf8')
  const section = text.slice(text.indexOf('## Entry kinds'), text.indexOf('## What the chain proves'))
  const told = [...section.matchAll(/^\| `([a-z.]+)` \| [a-z, ]+ \| .+ \|$/gm)].map(([, kind = '']) => kind)
  const known = entrySchema.options.flatMap((option) => [...option.shape.kind.values])
  expect(told.toSorted()).toEqual(known.toSorted())
  expect(new Set(told).size).toBe(told.length)
})
