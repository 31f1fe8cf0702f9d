import { fileURLToPath } from 'node:url'
import { runNode } from '../run-node.ts'

const SCRIPT = fileURLToPath(new URL('../../sim/prove.ts', import.meta.url))

/**
 * The exhaustive search over some runbooks: every single fault at every I/O, and every pair within two adjacent turns.
 * Each file of tests plays its own, in a process of its own, so that they share the cores.
 */
export function searchExhaustively(runbooks: readonly string[]): void {
  test.each(runbooks)(
    '%s: no single fault at any I/O, and no two faults within two adjacent turns, break a guarantee (G1 to G9)',
    async (runbook) => {
      const args = [SCRIPT, '--schedule', 'exhaustive', '--runbook', runbook]
      const { out, code } = await runNode(args)
      const [, singles, pairs, broken] =
        /: (\d+) single faults, (\d+) of \d+ pairs; (\d+) broken/.exec(out) ?? []
      expect(Number(singles)).toBeGreaterThan(100)
      expect(Number(pairs)).toBeGreaterThan(50)
      // What was broken stands in the lines before.
      expect(broken === '0' ? '' : out).toBe('')
      expect(code).toBe(0)
    },
    600_000,
  )
}
