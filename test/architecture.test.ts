import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { actionName, actions } from '../lib/actions/index.ts'
import {
  brokenBoundary,
  brokenMonopolies,
  brokenOrder,
  brokenPowers,
  brokenPurity,
  brokenSecrecyOfActions,
  longHandlers,
  loops,
} from './architecture-rules.ts'
import { parseSource, type Source } from './architecture-source.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = globSync('{lib,handlers,cli,sim,web}/**/*.ts', { cwd: root })
  .filter((path) => !path.includes('node_modules') && !path.endsWith('.d.ts'))
  .sort()
  .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
const VERBS = actions.map((action) => action.verb)
const NAMES = actions.map(actionName)

describe('the code keeps its order', () => {
  test('there is code to look at', () => {
    expect(sources.length).toBeGreaterThan(30)
    expect(sources.flatMap((source) => source.imports).length).toBeGreaterThan(60)
  })

  test('imports go down the page only', () => expect(brokenOrder(sources)).toEqual([]))

  test('no import closes a loop', () => expect(loops(sources)).toEqual([]))

  test('lib knows neither handlers nor the command line nor the simulator', () => {
    expect(brokenBoundary(sources)).toEqual([])
  })

  test('one place knows DynamoDB, one the other SDK clients, one file CEL', () => {
    expect(brokenMonopolies(sources)).toEqual([])
  })

  test('time, chance and the network have one file each', () => expect(brokenPowers(sources)).toEqual([]))

  test('what decides does no I/O', () => expect(brokenPurity(sources)).toEqual([]))

  test('nothing outside lib/actions knows the name of an action', () => {
    expect(VERBS.length).toBeGreaterThan(0)
    expect(brokenSecrecyOfActions(sources, VERBS, NAMES)).toEqual([])
  })

  test('a handler has 40 lines at most', () => expect(longHandlers(sources)).toEqual([]))
})

describe('each rule bites, with file and line', () => {
  const file = (path: string, ...lines: string[]): Source => parseSource(path, lines.join('\n'))

  test('order', () => {
    const broken = brokenOrder([
      file('lib/json.ts', '', "import { plan } from './plan.ts'"),
      file('lib/plan.ts', "import { sdkAws } from './aws/sdk.ts'", "import type { Row } from './start.ts'"),
      file(
        'lib/actions/a.ts',
        "import type { Entry } from '../ledger/entry.ts'",
        "export { fold } from '../execution/fold.ts'",
      ),
      file('lib/novelty.ts'),
      file('lib/start.ts', "import { plan } from './plan.ts'", "import './json.ts'"),
    ])
    expect(broken.map((line) => line.split(' ')[0])).toEqual([
      'lib/novelty.ts:1',
      'lib/json.ts:2',
      'lib/plan.ts:1',
      'lib/plan.ts:2',
      'lib/actions/a.ts:2',
    ])
  })

  test('loops', () => {
    const a = file('lib/ecs/a.ts', "import { b } from './b.ts'")
    const b = file('lib/ecs/b.ts', "import { c } from './c.ts'")
    expect(loops([a, b, file('lib/ecs/c.ts', 'import {', '  a,', "} from './a.ts'")])).toEqual([
      'lib/ecs/c.ts:1 closes a loop: lib/ecs/a.ts -> lib/ecs/b.ts -> lib/ecs/c.ts',
    ])
    expect(
      loops([a, b, file('lib/ecs/c.ts', "import type { a } from './a.ts'", "const x = import('./a.ts')")]),
    ).toEqual([])
  })

  test('boundary', () => {
    expect(brokenBoundary([file('lib/plan.ts', "import type { World } from '../sim/world.ts'")])).toEqual([
      'lib/plan.ts:1 lib imports sim/world.ts',
    ])
  })

  test('monopolies', () => {
    const broken = brokenMonopolies([
      file(
        'lib/plan.ts',
        "import type { A } from '@aws-sdk/client-dynamodb'",
        "import type { B } from '@aws-sdk/client-ecs'",
      ),
      file('lib/actions/a.ts', "const x = await import('@aws-sdk/client-ecs')"),
      file('sim/ecs.ts', "import * as cel from '@marcbachmann/cel-js'"),
      file('lib/ledger/dynamodb.ts', "import { A } from '@aws-sdk/client-dynamodb'"),
      file('lib/aws/clients/ecs.ts', "import { A } from '@aws-sdk/client-ecs'"),
    ])
    expect(broken.map((line) => line.split(' ')[0])).toEqual([
      'lib/plan.ts:1',
      'lib/actions/a.ts:1',
      'sim/ecs.ts:1',
    ])
  })

  test.each([
    'const t = Date.now()',
    'const t = new Date()',
    'const t = new Date',
    'const t = Date()',
    'const t = performance.now()',
    'const t = `${Date.now()}`',
    'setTimeout(f, 5)',
    'globalThis.setTimeout(f, 5)',
    'const s = AbortSignal.timeout(5)',
    'const r = Math.random()',
    "import { randomUUID } from 'node:crypto'",
    "await fetch('https://example.com')",
    'await globalThis.fetch(url)',
    "import { request } from 'node:https'",
    "import { connect, isIP } from 'node:net'",
    "import { setTimeout as sleep } from 'node:timers/promises'",
  ])('powers: %s', (line) => {
    expect(brokenPowers([file('lib/plan.ts', '// Date.now()', line)])[0]).toMatch(/^lib\/plan\.ts:2 /)
    expect(brokenPowers([file('sim/world.ts', line)])).toEqual([])
  })

  test.each([
    '// Date.now() is forbidden',
    "const text = 'Math.random() and fetch(x)'",
    'const text = `call fetch(url) at Date.now()`',
    'const t = new Date(atMs)',
    "import { BlockList, isIPv4 } from 'node:net'",
    'const t = Date.parse(text)',
    'const x = await cache.fetch(key)',
    'const pattern = /new Date()/',
    'const half = total / 2 // Date.now() / 1000',
  ])('powers leave alone: %s', (line) => expect(brokenPowers([file('lib/plan.ts', line)])).toEqual([]))

  test('purity, over what is loaded', () => {
    const broken = brokenPurity([
      file(
        'lib/execution/fold.ts',
        "import { createHash } from 'node:crypto'",
        "import { a } from '../channels/a.ts'",
      ),
      file('lib/channels/a.ts', '', "import { readFile } from 'node:fs'"),
      file('lib/match.ts', "import { append } from './ledger/records.ts'"),
      file('lib/incident.ts', "import type { Item } from './ledger/records.ts'"),
    ])
    expect(broken).toEqual([
      'lib/execution/fold.ts:2 must be pure, but reaches lib/execution/fold.ts -> lib/channels/a.ts -> node:fs',
      'lib/match.ts:1 must be pure, but reaches lib/match.ts -> lib/ledger/records.ts',
    ])
  })

  test('names of actions', () => {
    const lines = [
      "const a = 'scale_out'",
      '// scale_out',
      'const b = `the scale_out ecs step`',
      "const c = 'scale_outs'",
    ]
    const broken = brokenSecrecyOfActions(
      [file('lib/plan.ts', ...lines), file('lib/actions/a.ts', ...lines)],
      ['scale_out'],
      ['scale_out ecs'],
    )
    expect(broken.map((line) => line.split(' ')[0])).toEqual(['lib/plan.ts:1', 'lib/plan.ts:3'])
  })

  test('long handlers', () => {
    const long = file(
      'handlers/ingest.ts',
      'export const handler = wrap(ingest)',
      ...Array<string>(40).fill('// more'),
    )
    expect(longHandlers([long, file('handlers/sweep.ts', 'export const handler = wrap(sweep)')])).toEqual([
      'handlers/ingest.ts:41 has 41 lines; a handler has 40 at most',
    ])
  })
})
