import { firstFaults, playHits, secondFaults, singleFaults } from '../../sim/proof/exhaustive.ts'

/**
 * The exhaustive search over some runbooks: every single fault at every I/O, and the pairs within two adjacent turns. Each
 * file of tests plays its own, so that they share the cores.
 */
export function searchExhaustively(runbooks: readonly string[]): void {
  test.each(runbooks)(
    '%s: no single fault at any I/O breaks a guarantee (G1 to G9)',
    async (runbook) => {
      const singles = await singleFaults(runbook)
      expect(singles.length).toBeGreaterThan(100)
      const found: string[] = []
      for (const hit of singles) found.push(...(await playHits(runbook, hit)))
      expect(found).toEqual([])
    },
    300_000,
  )

  test.each(runbooks)(
    '%s: no two faults within two adjacent turns break a guarantee (G1 to G9)',
    async (runbook) => {
      const found: string[] = []
      let pairs = 0
      for (const first of await firstFaults(runbook))
        for (const second of await secondFaults(runbook, first, 'adjacent')) {
          pairs++
          found.push(...(await playHits(runbook, first, second)))
        }
      expect(pairs).toBeGreaterThan(100)
      expect(found).toEqual([])
    },
    600_000,
  )
}
