import { fileURLToPath } from 'node:url'
import { runNode } from '../run-node.ts'

/* What `npm run sim` takes and prints. What it finds is the matter of the other files here. */

const SCRIPT = fileURLToPath(new URL('../../sim/prove.ts', import.meta.url))

const prove = (...args: readonly string[]) => runNode([SCRIPT, ...args])

const linesOf = (out: string) => out.trimEnd().split('\n')

test('--seeds plays so many, and says what was broken, how fast, and what was injected where', async () => {
  const { code, out, err } = await prove('--seeds', '40', '--from', '3')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const [seeds, speed, faults, covered, ...rest] = linesOf(out)
  expect(rest).toEqual([])
  expect(seeds).toMatch(/^40 seeds, 0 with a broken guarantee, in [\d.]+ s$/)
  expect(speed).toMatch(/^[\d.]+ seeds\/s, \d+ I\/Os\/s, \d+ executions, \d+ I\/Os of \d+ kinds$/)
  expect(faults).toMatch(/^faults: crash-before \d+, .*, freeze-after \d+, repeated \d+$/)
  const kinds = Number(/of (\d+) kinds$/.exec(speed ?? '')?.[1])
  const injected = [...(faults ?? '').matchAll(/ (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0)
  const [, hit, all] = /^points of I\/O covered: (\d+) of (\d+), /.exec(covered ?? '') ?? []
  // One kind of fault is met by puts alone, of which there are some kinds.
  expect(Number(all)).toBeGreaterThan(10 * kinds)
  expect(Number(all)).toBeLessThan(11 * kinds)
  // A pair counts once, however often it was hit.
  expect(Number(hit)).toBeGreaterThan(0)
  expect(Number(hit)).toBeLessThan(injected)
})

test('--seed N --trace tells one run as a story, and --seed N alone plays the same one', async () => {
  const [told, untold] = await Promise.all([prove('--seed', '12', '--trace'), prove('--seed', '12')])
  expect(told.code).toBe(0)
  const lines = linesOf(told.out)
  expect(lines[0]).toMatch(/^09:0\d:\d\d\.000 alarm api-5xx-spike is ALARM, told \d times$/)
  const story = lines.filter((line) => /^\d\d:\d\d:\d\d\.\d\d\d /.test(line))
  expect(story.length).toBeGreaterThan(100)
  const hash = lines[story.length]
  expect(hash).toMatch(/^trace hash [0-9a-f]{16}$/)
  expect(lines[story.length + 1]).toMatch(/^1 seeds, 0 with a broken guarantee/)
  expect(linesOf(untold.out)[0]).toBe(hash)
})

test('--minutes goes on for a time, however many seeds that is', async () => {
  const { code, out } = await prove('--minutes', '0.05', '--seeds', '1')
  expect(code).toBe(0)
  const [, seeds, tookS] = /^(\d+) seeds, 0 with a broken guarantee, in ([\d.]+) s$/m.exec(out) ?? []
  expect(Number(seeds)).toBeGreaterThan(1)
  expect(Number(tookS)).toBeGreaterThanOrEqual(3)
})

test('--schedule pairs plays each Nth pair of one runbook, wherever the second fault is', async () => {
  const [any, adjacent] = await Promise.all(
    ['pairs', 'exhaustive'].map((schedule) =>
      prove('--schedule', schedule, '--every', '300', '--runbook', 'only-wait'),
    ),
  )
  const told = (out = '') => {
    const [, ...numbers] =
      /^only-wait: (\d+) single faults, (\d+) of (\d+) pairs; (\d+) broken so far, \d+ s\n$/.exec(out) ?? []
    return numbers.map(Number)
  }
  expect([any?.code, adjacent?.code]).toEqual([0, 0])
  const [singles = 0, played, pairs = 0, broken] = told(any?.out)
  expect(singles).toBeGreaterThan(100)
  expect(played).toBe(Math.ceil(pairs / 300))
  expect(broken).toBe(0)
  expect(pairs).toBeGreaterThan(told(adjacent?.out)[2] ?? Infinity)
})

/** Every run of the process has a broken guarantee. */
const DEFECT = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from 'node:module'
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context)
    if (!url.endsWith('/sim/proof/run.ts')) return loaded
    return { ...loaded, source: String(loaded.source).replace('const problems = [', '$&"it was lost (G4)",') }
  },
})`)}`

test.each([
  [['--seed', '11'], /^seed 11: npm run sim -- --seed 11 --trace\n {2}it was lost \(G4\)\n1 seeds, 1 with/m],
  [
    ['--schedule', 'exhaustive', '--every', '5000', '--runbook', 'only-wait'],
    /^only-wait, crash-before at I\/O 1 put OPEN: it was lost \(G4\)\n/,
  ],
])('what breaks a guarantee is told, and the exit code is 1: %j', async (args, told) => {
  const { code, out } = await runNode(['--import', DEFECT, SCRIPT, ...args])
  expect(out).toMatch(told)
  expect(code).toBe(1)
})

test.each([
  [['--seeds', 'many'], '--seeds must be a number, not "many"\n'],
  [['--minutes=-1'], '--minutes must be a number, not "-1"\n'],
  [['--schedule', 'odd'], '--schedule must be random, exhaustive or pairs, not "odd"\n'],
  [['--schedule', 'pairs', '--runbook', 'nobody'], /^--runbook must be one of only-scale-out, /],
])('%j is refused', async (args, why) => {
  const { code, out, err } = await prove(...args)
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toMatch(why)
})
