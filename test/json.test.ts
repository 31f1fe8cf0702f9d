import * as fc from 'fast-check'
import { canonical, sameJson } from '../lib/json.ts'

/** The same value with the members of its objects in another order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, member]) => [name, turned(member)]),
  )
}

test('the order of members makes no difference, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      expect(canonical(turned(value))).toBe(canonical(value))
      expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test.each<[string, unknown, string]>([
  ['names in code-unit order', { b: 1, a: { d: 2, B: 3, é: 4 } }, '{"a":{"B":3,"d":2,"é":4},"b":1}'],
  ['the order of a list', [3, 1, { b: 0, a: 0 }], '[3,1,{"a":0,"b":0}]'],
  ['members that are undefined are left out', { b: undefined, a: 1 }, '{"a":1}'],
  ['dates as ISO text', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['a name of its own', JSON.parse('{"__proto__":{"b":1,"a":2}}'), '{"__proto__":{"a":2,"b":1}}'],
])('canonical JSON: %s', (_what, value, text) => {
  expect(canonical(value)).toBe(text)
})

test('equal JSON is equal whatever the order of its members', () => {
  expect(sameJson({ a: 1, b: [2] }, { b: [2], a: 1 })).toBe(true)
  expect(sameJson({ a: 1, b: [2] }, { a: 1, b: [2, undefined] })).toBe(false)
})
