import * as fc from 'fast-check'
import { globsOverlap, matchGlob } from '../lib/glob.ts'

test.each([
  ['api-5xx-*', 'api-5xx-spike', true],
  ['api-5xx-*', 'api-5xx-', true],
  ['api-5xx-*', 'my-api-5xx-spike', false],
  ['*5xx*', 'api-5xx-spike', true],
  ['api-?xx', 'api-5xx', true],
  ['api-?xx', 'api-xx', false],
  ['API-*', 'api-1', false],
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['a[bc].d', 'abxd', false],
  ['a[bc].d', 'a[bc].d', true],
  ['?', '🔥', true],
  ['a/b*', 'a/b/c', true],
])('the glob %p and the name %p: %p', (glob, text, matches) => {
  expect(matchGlob(glob, text)).toBe(matches)
})

test('a glob made to be slow needs no more steps than its length times the name', () => {
  expect(matchGlob('*a'.repeat(200), `${'a'.repeat(5000)}b`)).toBe(false)
})

test('a name with parts of it replaced by stars is matched by what comes out', () => {
  const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '-', '.') }), {
    minLength: 1,
    maxLength: 6,
  })
  fc.assert(
    fc.property(pieces, pieces, (kept, gone) =>
      matchGlob(
        kept.join('*'),
        kept.map((one, i) => one + (i < kept.length - 1 ? (gone[i] ?? '') : '')).join(''),
      ),
    ),
  )
})

test('two globs overlap exactly where one text matches both', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 3 })
  // A shortest common text is no longer than both globs together, and needs no letter that neither has.
  const texts = ['']
  for (let at = 0; texts.length < 127; at++) texts.push(`${texts[at]}a`, `${texts[at]}b`)
  fc.assert(
    fc.property(glob, glob, (a, b) => {
      expect(globsOverlap(a, b)).toBe(texts.some((text) => matchGlob(a, text) && matchGlob(b, text)))
    }),
    { numRuns: 500 },
  )
  expect(globsOverlap('api-*', '*-5xx')).toBe(true)
  expect(globsOverlap('api-*', 'web-*')).toBe(false)
  expect(globsOverlap('a?', 'a')).toBe(false)
})
