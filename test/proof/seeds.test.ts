import { readFileSync } from 'node:fs'
import { FAULTS } from '../../sim/proof/faults.ts'
import { runSeed } from '../../sim/proof/run.ts'

/** What breaks over some seeds, each as the command that replays it. */
async function broken(seeds: Iterable<number>): Promise<string[]> {
  const found: string[] = []
  for (const seed of seeds) {
    const { problems } = await runSeed({ seed })
    for (const problem of problems) found.push(`npm run sim -- --seed ${seed} --trace: ${problem}`)
  }
  return found
}

test('random schedules with every kind of fault break no guarantee (G1 to G9)', async () => {
  expect(await broken(Array.from({ length: 800 }, (_unused, index) => index + 1))).toEqual([])
}, 300_000)

test('seeds that once broke a guarantee break none', async () => {
  const corpus = readFileSync(new URL('../sim/corpus/seeds.txt', import.meta.url), 'utf8')
  const seeds = corpus
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => Number.parseInt(line, 10))
  expect(seeds.length).toBeGreaterThan(0)
  expect(await broken(seeds)).toEqual([])
}, 60_000)

test('the same seed is the same run, and every kind of fault is injected', async () => {
  const injected = new Set<string>()
  for (let seed = 11; seed < 24; seed++) {
    const [one, other] = [await runSeed({ seed, share: 0.05 }), await runSeed({ seed, share: 0.05 })]
    expect(other.hash).toBe(one.hash)
    for (const fault of Object.keys(one.faults)) injected.add(fault)
  }
  expect([...injected].toSorted()).toEqual([...FAULTS].toSorted())
}, 60_000)

test('a run without faults is told by its seed alone', async () => {
  const { faults, points, executions } = await runSeed({ seed: 1, share: 0 })
  expect(faults).toEqual({})
  expect(points.length).toBeGreaterThan(20)
  expect(executions).toBeGreaterThan(0)
})
