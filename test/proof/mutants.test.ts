import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MUTANTS, mutate, type Mutant } from '../../sim/proof/mutants.ts'
import { runNode } from '../run-node.ts'

const SCRIPT = fileURLToPath(new URL('../../sim/proof/mutated.ts', import.meta.url))

async function play({ name }: Mutant, seeds: number): Promise<{ readonly found?: string }> {
  const { out } = await runNode([SCRIPT, name, String(seeds)])
  return JSON.parse(out) as { found?: string }
}

const demanded = MUTANTS.filter((mutant) => mutant.demanded)

test('nine defects are played in every run (CORE.md 2), and every defect stands in docs/engine.md', () => {
  expect(demanded).toHaveLength(9)
  const page = readFileSync(new URL('../../docs/engine.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| ([a-z ]+) \| (.+) \|$/gm)].map(([, rule, name]) => `${rule}: ${name}`)
  expect(
    MUTANTS.map(({ rule, name }) => `${rule}: ${name}`).filter((title) => !rows.includes(title)),
  ).toEqual([])
})

test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
  'the defect has a place in the code: %s',
  (_name, mutant) => {
    const source = readFileSync(new URL(`../../${mutant.file}`, import.meta.url), 'utf8')
    expect(mutate(mutant, source)).not.toBe(source)
  },
)

test.each(demanded.map((mutant) => [mutant.name, mutant] as const))(
  'the proof notices: %s',
  async (_name, mutant) => {
    expect((await play(mutant, 3_000)).found).toMatch(/\((?:G2|check \d+)\)$/)
  },
  300_000,
)
