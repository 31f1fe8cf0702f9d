import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MUTANTS, mutate, type Mutant } from '../../sim/proof/mutants.ts'

const SCRIPT = fileURLToPath(new URL('../../sim/proof/mutated.ts', import.meta.url))

function play({ name }: Mutant, seeds: number): { readonly found?: string } {
  const text = execFileSync(process.execPath, [SCRIPT, name, String(seeds)], {
    encoding: 'utf8',
    // The test runner's flags are not for the child.
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
  })
  return JSON.parse(text) as { found?: string }
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
  (_name, mutant) => {
    expect(play(mutant, 3_000).found).toMatch(/\((?:G2|check \d+)\)$/)
  },
  300_000,
)
