import * as fc from 'fast-check'
import { globMatches, globsOverlap } from '../../lib/runbook/glob.ts'

test.each([
  ['api-*', 'api-5xx', true],
  ['api-*', 'api-', true],
  ['api-*', 'web-api-', false],
  ['*-5xx-*', 'api-5xx-spike', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['', '', true],
  ['*', '', true],
  ['a.c', 'abc', false],
  ['[ab]', 'a', false],
])('%s on %s is %s', (glob, text, expected) => {
  expect(globMatches(glob, text)).toBe(expected)
})

test('a hostile glob takes no longer than the product of the lengths', () => {
  expect(globMatches(`${'*a'.repeat(120)}b`, 'a'.repeat(5_000))).toBe(false)
})

test('two globs overlap exactly where one text matches both', () => {
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 3 })
  // A shortest common text is no longer than both globs together, and needs no letter that neither has.
  const texts = ['']
  for (let at = 0; texts.length < 127; at++) texts.push(`${texts[at]}a`, `${texts[at]}b`)
  fc.assert(
    fc.property(glob, glob, (a, b) => {
      expect(globsOverlap(a, b)).toBe(texts.some((text) => globMatches(a, text) && globMatches(b, text)))
    }),
    { numRuns: 500 },
  )
  expect(globsOverlap('api-*', '*-5xx')).toBe(true)
  expect(globsOverlap('api-*', 'web-*')).toBe(false)
  expect(globsOverlap('a?', 'a')).toBe(false)
})
