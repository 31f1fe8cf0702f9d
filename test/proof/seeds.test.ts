import type { Storage } from '../../lib/ledger/storage.ts'
import type { Ports } from '../../lib/ports.ts'
import { playSingle, singleFaults } from '../../sim/proof/exhaustive.ts'
import { FAULTS } from '../../sim/proof/faults.ts'
import { runSeed, type RunOptions } from '../../sim/proof/run.ts'

/** What breaks over some seeds, each as the command that replays it. */
async function broken(
  from: number,
  count: number,
  options: Omit<RunOptions, 'seed'> = {},
): Promise<string[]> {
  const found: string[] = []
  for (let seed = from; seed < from + count; seed++) {
    const { problems } = await runSeed({ seed, ...options })
    for (const problem of problems) found.push(`npm run sim -- --seed ${seed} --trace: ${problem}`)
  }
  return found
}

/** The same ports on another storage. */
function onStorage(change: (storage: Storage) => Partial<Storage>): (ports: Ports) => Ports {
  return (ports) => ({ ...ports, storage: { ...ports.storage, ...change(ports.storage) } })
}

test('random schedules with every kind of fault break no guarantee (G1 to G9)', async () => {
  expect(await broken(1, 150)).toEqual([])
}, 300_000)

test.each([1, 2, 3])(
  'single faults over all I/Os of the fault-free run of seed %d break no guarantee',
  async (seed) => {
    const found: string[] = []
    // A prime, so that every kind of fault meets every stretch of the run; the command plays all of them.
    const every = 23
    for (const [index, one] of (await singleFaults(seed)).entries())
      if (index % every === 0) found.push(...(await playSingle(seed, one)))
    expect(found).toEqual([])
  },
  120_000,
)

test('the same seed is the same run, and every kind of fault is injected', async () => {
  const injected = new Set<string>()
  for (const seed of [11, 12, 13, 14]) {
    const [one, other] = [await runSeed({ seed, share: 0.05 }), await runSeed({ seed, share: 0.05 })]
    expect(other.hash).toBe(one.hash)
    for (const fault of Object.keys(one.faults)) injected.add(fault)
  }
  expect([...injected].toSorted()).toEqual([...FAULTS].toSorted())
}, 60_000)

test('a run without faults is told by its seed alone', async () => {
  const { faults, points, executions } = await runSeed({ seed: 3, share: 0 })
  expect(faults).toEqual({})
  expect(points).toBeGreaterThan(100)
  expect(executions).toBeGreaterThan(0)
})

test.each<[string, number, (ports: Ports) => Ports]>([
  [
    'a record is put without its condition',
    60,
    onStorage((storage) => ({
      async put(item, condition) {
        const answer = await storage.put(item, condition)
        // As if there were no condition: the second writer believes that it has written.
        return answer.is === 'conflict' && item.sk.startsWith('REC#') ? { is: 'put' } : answer
      },
    })),
  ],
  ['what is due is never found', 20, onStorage(() => ({ dueBefore: async () => [] }))],
])(
  'the proof notices when %s',
  async (_what, seeds, defect) => {
    expect((await broken(1, seeds, { defect, share: 0.05 })).length).toBeGreaterThan(0)
  },
  120_000,
)
