import * as fc from 'fast-check'
import type { Json } from '../../lib/json.ts'
import { checkPattern, matchPattern } from '../../lib/signal/pattern.ts'

type Pattern = { readonly [name: string]: Json }

const event: Json = {
  source: 'aws.ecs',
  'detail-type': 'ECS Service Action',
  resources: ['arn:aws:ecs:eu-central-1:210987654321:service/prod/api', 'x'],
  detail: {
    eventName: 'SERVICE_TASK_PLACEMENT_FAILURE',
    count: 5,
    ratio: 0.25,
    empty: '',
    nothing: null,
    yes: true,
    none: [],
    tags: [
      { key: 'team', value: 'sre' },
      { key: 'env', value: 'prod' },
    ],
    path: 'a*b\\c',
  },
}

const rows: [string, Pattern, boolean][] = [
  ['exact', { source: ['aws.ec2', 'aws.ecs'] }, true],
  ['exact, other', { source: ['aws.ec2'] }, false],
  ['every field counts', { source: ['aws.ecs'], detail: { count: [4] } }, false],
  ['any element of a list', { resources: ['x'] }, true],
  ['prefix in a list', { resources: [{ prefix: 'arn:aws:ecs:' }] }, true],
  ['suffix', { resources: [{ suffix: '/api' }] }, true],
  ['prefix without case', { source: [{ prefix: { 'equals-ignore-case': 'AWS.' } }] }, true],
  ['suffix without case', { source: [{ suffix: { 'equals-ignore-case': '.ECX' } }] }, false],
  ['equals-ignore-case', { source: [{ 'equals-ignore-case': 'AWS.ECS' }] }, true],
  ['wildcard', { detail: { eventName: [{ wildcard: 'SERVICE_*_PLACEMENT_*' }] } }, true],
  ['wildcard with a star to itself', { detail: { path: [{ wildcard: 'a\\*b\\\\*' }] } }, true],
  ['wildcard that ends too early', { detail: { eventName: [{ wildcard: '*PLACEMENT' }] } }, false],
  ['wildcard whose ends would overlap', { detail: { path: [{ wildcard: 'a\\*b*b\\\\c' }] } }, false],
  ['anything-but', { detail: { eventName: [{ 'anything-but': ['A', 'B'] }] } }, true],
  ['anything-but, excluded', { source: [{ 'anything-but': 'aws.ecs' }] }, false],
  ['anything-but a number', { detail: { count: [{ 'anything-but': [5, 6] }] } }, false],
  ['anything-but prefix', { source: [{ 'anything-but': { prefix: 'aws.' } }] }, false],
  ['anything-but prefixes', { source: [{ 'anything-but': { prefix: ['com.', 'org.'] } }] }, true],
  ['anything-but wildcard', { source: [{ 'anything-but': { wildcard: '*.e*' } }] }, false],
  ['anything-but needs the field', { absent: [{ 'anything-but': 'x' }] }, false],
  ['numeric', { detail: { count: [{ numeric: ['>', 0, '<=', 5] }] } }, true],
  ['numeric, out of range', { detail: { ratio: [{ numeric: ['>=', 0.3] }] } }, false],
  ['numeric on a text', { source: [{ numeric: ['=', 1] }] }, false],
  ['exists', { detail: { empty: [{ exists: true }] } }, true],
  ['exists false', { detail: { absent: [{ exists: false }] } }, true],
  ['exists false, but there', { detail: { count: [{ exists: false }] } }, false],
  ['exists speaks of values, not of objects', { detail: [{ exists: true }] }, false],
  ['an empty list holds no value', { detail: { none: [{ exists: false }] } }, true],
  ['a field below one that is absent', { absent: { deep: [{ exists: false }] } }, true],
  ['null and the empty text', { detail: { nothing: [null], empty: [''] } }, true],
  ['true is not the text true', { detail: { yes: ['true'] } }, false],
  ['objects in a list, one has both', { detail: { tags: { key: ['team'], value: ['sre'] } } }, true],
  ['objects in a list, none has both', { detail: { tags: { key: ['team'], value: ['prod'] } } }, false],
  ['$or', { source: ['aws.ecs'], $or: [{ detail: { count: [1] } }, { detail: { ratio: [0.25] } }] }, true],
  ['$or, neither', { $or: [{ detail: { count: [1] } }, { source: ['x'] }] }, false],
  ['inherited names are no fields', { constructor: [{ exists: true }] }, false],
]

test.each(rows)('%s', (_what, pattern, matches) => {
  expect(checkPattern(pattern)).toEqual([])
  expect(matchPattern(pattern, event)).toBe(matches)
})

const wrong: [unknown, string, string][] = [
  [null, 'PATTERN_SHAPE', ''],
  [[], 'PATTERN_SHAPE', ''],
  [{}, 'PATTERN_EMPTY', ''],
  [{ source: 'aws.ecs' }, 'PATTERN_SHAPE', 'source'],
  [{ detail: { a: [] } }, 'PATTERN_EMPTY', 'detail.a'],
  [{ detail: {} }, 'PATTERN_EMPTY', 'detail'],
  [{ a: [['b']] }, 'PATTERN_SHAPE', 'a'],
  [{ a: [{ prefx: 'b' }] }, 'PATTERN_MATCHER', 'a'],
  [{ a: [{ prefix: 'b', suffix: 'c' }] }, 'PATTERN_MATCHER', 'a'],
  [{ a: [{ prefix: 5 }] }, 'PATTERN_VALUE', 'a'],
  [{ a: [{ numeric: ['>', '0'] }] }, 'PATTERN_VALUE', 'a'],
  [{ a: [{ numeric: ['>', 0, '<'] }] }, 'PATTERN_VALUE', 'a'],
  [{ a: [{ exists: 'yes' }] }, 'PATTERN_VALUE', 'a'],
  [{ a: [{ wildcard: 'x**y' }] }, 'PATTERN_VALUE', 'a'],
  [{ a: [{ wildcard: 'x'.repeat(600) }] }, 'PATTERN_LIMIT', 'a'],
  [{ a: [{ cidr: '10.0.0.0/8' }] }, 'PATTERN_MATCHER', 'a'],
  [{ a: [{ 'anything-but': { numeric: ['>', 1] } }] }, 'PATTERN_MATCHER', 'a'],
  [{ a: [{ 'anything-but': [] }] }, 'PATTERN_VALUE', 'a'],
  [{ $or: [{ a: ['x'] }, { b: 'y' }] }, 'PATTERN_SHAPE', '$or.1.b'],
  [{ a: Array.from({ length: 1001 }, (_, i) => i) }, 'PATTERN_LIMIT', ''],
]

test.each(wrong)(
  'the pattern %j is objected to with %s at %p, and matches nothing',
  (pattern, code, path) => {
    expect(checkPattern(pattern)).toContainEqual(expect.objectContaining({ code, path }))
    expect(matchPattern(pattern as Pattern, event)).toBe(false)
  },
)

test('all mistakes are reported at once', () => {
  expect(checkPattern({ a: 'x', b: [{ prefix: 1 }], c: { d: [] } }).map(({ path }) => path)).toEqual([
    'a',
    'b',
    'c.d',
  ])
})

test('a wildcard made to be slow is not', () => {
  const pattern = { a: [{ wildcard: '*a'.repeat(255) }] }
  expect(checkPattern(pattern)).toEqual([])
  expect(matchPattern(pattern, { a: `${'a'.repeat(60_000)}b` })).toBe(false)
})

test('no pattern and no event makes it throw', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (pattern, one) => {
      checkPattern(pattern)
      return typeof matchPattern(pattern as Pattern, one) === 'boolean'
    }),
  )
})
