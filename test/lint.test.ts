import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-lint-'))
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  cpSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'))
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The rules that a file of this text breaks. */
function broken(path: string, text: string): string[] {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  const oxlint = join(root, 'node_modules/.bin/oxlint')
  const run = spawnSync(oxlint, ['--type-aware', '--deny-warnings', '-f', 'unix', path], {
    cwd: folder,
    encoding: 'utf8',
  })
  const rules = [...run.stdout.matchAll(/\[\w+\/\S*?([\w-]+)\)\]$/gm)].map((match) => match[1] ?? '')
  expect(run.status).toBe(rules.length > 0 ? 1 : 0)
  return rules
}

const FORBIDDEN = `
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
export const time = Date.now()
export const chance = Math.random()
export const id = randomUUID() + createHash('md5').digest('hex')
export const timer = setTimeout(() => void sleep(1), 5)
export const repeated = setInterval(() => performance.now(), 5)
export const answer = fetch('https://example.com')
`

test('time, chance and the network are forbidden in lib, wherever else they may stand', () => {
  expect(broken('lib/bad.ts', FORBIDDEN).sort()).toEqual([
    ...Array<string>(4).fill('no-restricted-globals'),
    ...Array<string>(2).fill('no-restricted-imports'),
    ...Array<string>(2).fill('no-restricted-properties'),
  ])
  expect(broken('lib/ledger/bad.ts', FORBIDDEN)).toHaveLength(8)
  expect(broken('lib/clock.ts', FORBIDDEN)).toEqual([])
  expect(broken('sim/fine.ts', FORBIDDEN)).toEqual([])
})

test('a promise that nobody waits for is found across files', () => {
  broken('lib/write.ts', `export const write = async (text: string): Promise<string> => text.trim()\n`)
  const text = `import { write } from './write.ts'\nexport function go(): void {\n  write('x')\n}\n`
  expect(broken('lib/floating.ts', text)).toEqual(['no-floating-promises'])
})

test('a switch that misses a member of its union is found', () => {
  const text = `
type State = { is: 'open' } | { is: 'closed' }
export function word(state: State): string {
  let text = ''
  switch (state.is) {
    case 'open':
      text = 'o'
      break
  }
  return text
}
`
  expect(broken('lib/switch.ts', text)).toEqual(['switch-exhaustiveness-check'])
})
