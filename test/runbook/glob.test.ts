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
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 5 })
  const texts = ['', ...'ab'].flatMap((a) => ['', ...'ab'].map((b) => a + b)).flatMap((a) => ['', 'a', 'b', 'ab', 'ba', 'aa', 'bb', 'aab', 'bba'].map((b) => a + b))
  fc.assert(
    fc.property(glob, glob, (a, b) => {
      const overlap = globsOverlap(a, b)
      if (texts.some((text) => globMatches(a, text) && globMatches(b, text))) expect(overlap).toBe(true)
      // Replacing each wildcard by something makes a text of the first; where the second matches it, they overlap.
      const text = a.replaceAll('*', 'ab').replaceAll('?', 'a')
      if (globMatches(b, text)) expect(overlap).toBe(true)
    }),
    { numRuns: 300 },
  )
  expect(globsOverlap('api-*', '*-5xx')).toBe(true)
  expect(globsOverlap('api-*', 'web-*')).toBe(false)
  expect(globsOverlap('a?', 'a')).toBe(false)
})
