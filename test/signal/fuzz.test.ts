import * as fc from 'fast-check'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEvent, parseText } from '../../lib/signal/parse.ts'

const folder = join(import.meta.dirname, '../fixtures/events')
const context = { receivedAtMs: Date.parse('2026-03-09T02:14:08Z') }
const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))

test('no JSON, no object and no text makes it throw, and everything gets an answer', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, withSparseArray: true }),
      ),
      (raw) => parseEvent(raw, context).length > 0,
    ),
    { numRuns: 400 },
  )
  const text = fc.oneof(fc.json(), fc.string({ unit: 'binary' }), fc.webQueryParameters())
  fc.assert(
    fc.property(text, (one) => parseText(one, { fileName: 'f', ...context }).length > 0),
    { numRuns: 400 },
  )
})

test('no payload with a piece cut out, doubled or overwritten makes it throw', () => {
  const cut = fc.record({
    text: fc.constantFrom(...files),
    from: fc.nat(4000),
    length: fc.nat(60),
    put: fc.oneof(
      fc.constantFrom('', '{', '"', '}', '\\', 'null', '[]', '9e999', '\u0000', '\ud800'),
      fc.string(),
    ),
  })
  fc.assert(
    fc.property(cut, ({ text, from, length, put }) => {
      const start = Math.min(from, text.length)
      const changed = text.slice(0, start) + put + text.slice(start + length)
      return parseText(changed, { fileName: 'f', ...context }).length > 0
    }),
    { numRuns: 600 },
  )
})

type Tree = { [name: string]: unknown }

function read(file: string): Tree {
  return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Tree
}

const DETAIL = ['detail.alarmName', 'detail.state.value', 'detail.state.timestamp']
const DATA = ['alarmData.alarmName', 'alarmData.state.value', 'alarmData.state.timestamp']
const NOTE = ['AlarmName', 'NewStateValue', 'StateChangeTime']

/** `keep`: where an alarm's name, state and time stand, and so what a mutation has to leave alone. */
const ALARMS = [
  {
    name: 'api-5xx-spike',
    keep: DETAIL,
    make: () => read('eb-alarm--spike.json'),
    pack: (tree: Tree): unknown => tree,
  },
  {
    name: 'api-5xx-spike',
    keep: DATA,
    make: () => read('lambda-alarm-action--spike.json'),
    pack: (tree: Tree) => tree,
  },
  {
    name: 'queue-age-by-queue',
    keep: DETAIL,
    make: () => read('eb-alarm--contributor.json'),
    pack: (tree: Tree) => [tree],
  },
  {
    name: 'api-5xx-spike',
    keep: NOTE,
    make: () => JSON.parse(read('sns-http--spike.json')['Message'] as string) as Tree,
    pack: (tree: Tree) => ({ ...read('sns-http--spike.json'), Message: JSON.stringify(tree) }),
  },
  {
    name: 'api-5xx-spike',
    keep: DETAIL,
    make: () => read('eb-alarm--spike.json'),
    pack: (tree: Tree) => ({
      Records: [{ messageId: '1', body: JSON.stringify(tree), eventSource: 'aws:sqs' }],
    }),
  },
]

const NAMES = (
  '__proto__ constructor toString x version source detail-type detail alarmName state body Records records Message Messages ' +
  'Type Sns headers requestContext requestPayload alerts alarmData event muteDetail s3 NewStateValue AlarmName Detail ' +
  'DetailType resources labels startsAt'
).split(' ')

interface Change {
  readonly where: number
  readonly how: string
  readonly value: unknown
  readonly name: string
}

test('an alarm whose name, state and time are whole stays a signal, whatever befalls the rest of it', () => {
  const change = fc.record({
    where: fc.nat(),
    how: fc.constantFrom('drop', 'replace', 'add'),
    value: fc.oneof(fc.jsonValue(), fc.constantFrom(null, '', {}, [], -1, 'ALARM', '{}')),
    name: fc.constantFrom(...NAMES),
  })
  fc.assert(
    fc.property(
      fc.constantFrom(...ALARMS),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      ({ name, keep, make, pack }, changes) => {
        const tree = make()
        for (const one of changes) mutate(tree, keep, one)
        const states = parseEvent(pack(tree), context).map((one) =>
          one.is === 'signal' ? one.signal : undefined,
        )
        return states.some(
          (one) => one?.name === name && one.state === 'alarm' && one.stateAtMs === 1_773_022_447_412,
        )
      },
    ),
    { numRuns: 1000 },
  )
})

function branches(tree: Tree, path: readonly string[] = []): string[][] {
  return Object.entries(tree).flatMap(([name, value]) => [
    [...path, name],
    ...(typeof value === 'object' && value !== null ? branches(value as Tree, [...path, name]) : []),
  ])
}

function mutate(tree: Tree, keep: readonly string[], { where, how, value, name }: Change): void {
  const free = branches(tree).filter(
    (path) => !keep.some((kept) => kept === path.join('.') || kept.startsWith(`${path.join('.')}.`)),
  )
  const path = free[where % Math.max(1, free.length)]
  if (!path) return
  let parent = tree
  for (const step of path.slice(0, -1)) parent = parent[step] as Tree
  const last = path.at(-1) ?? ''
  if (how === 'drop') delete parent[last]
  else if (how === 'replace') parent[last] = value
  else if (!Object.hasOwn(parent, name)) {
    Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true })
  }
}
