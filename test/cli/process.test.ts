import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { recordHash } from '../../lib/ledger/chain.ts'

// The real program in a process of its own: streams, exit codes, the launcher.

const root = fileURLToPath(new URL('../..', import.meta.url))
const entry = join(root, 'cli/firebreak.ts')
let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'firebreak-cli-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function run(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly program?: string } = {},
) {
  // The test runner's own flags are not the program's.
  const { NODE_OPTIONS: _flags, FORCE_COLOR: _force, NO_COLOR: _no, ...env } = process.env
  const { status, stdout, stderr } = spawnSync(process.execPath, [options.program ?? entry, ...args], {
    cwd: options.cwd ?? folder,
    env: { ...env, ...options.env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  return { status, stdout, stderr }
}

test('bare, it prints help and ends with 0; an unknown verb ends with 2 and a suggestion', () => {
  expect(run([])).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^Examples:/) as unknown,
  })
  expect(run(['tmeline'])).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining('Did you mean timeline?') as unknown,
  })
})

test('lint of the shipped runbooks is good; standard output of --json is JSON alone', () => {
  const good = run(['lint'], { cwd: root })
  expect(good).toMatchObject({ status: 0, stdout: '' })
  expect(good.stderr).toContain('no problems')
  expect(JSON.parse(run(['lint', '--json'], { cwd: root }).stdout)).toMatchObject({ valid: true })
  writeFileSync(join(folder, 'bad.yaml'), '- alert: x\n  actoins: []\n')
  const bad = run(['lint', 'bad.yaml', '--json', '--runbooks', join(root, 'runbooks')])
  expect(bad.status).toBe(1)
  expect(JSON.parse(bad.stdout)).toMatchObject({ valid: false })
})

test('verify of a good and of a tampered bundle', () => {
  const entries = [{ kind: 'incident.noted', note: 'n', actor: { is: 'person', name: 'ada', via: 'cli' } }]
  const record = {
    v: 1,
    stream: 'incident',
    seq: 0,
    atMs: 5,
    prev: '',
    hash: recordHash('', 'incident', 0, 5, JSON.stringify(entries)),
    entries,
  }
  const bundle = { format: 'firebreak.records/1', incidentId: 'inc-4k2m9x7p0qzr', records: [record] }
  writeFileSync(join(folder, 'good.json'), JSON.stringify(bundle))
  writeFileSync(join(folder, 'bad.json'), JSON.stringify(bundle).replace('"ada"', '"eve"'))
  expect(run(['verify', 'good.json'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining(`head incident=${record.hash}`) as unknown,
  })
  expect(run(['verify', 'bad.json'])).toMatchObject({
    status: 1,
    stdout: expect.stringContaining('BROKEN at incident/0') as unknown,
  })
})

test('colours come only where they are wanted', () => {
  writeFileSync(join(folder, 'bad.json'), '{}')
  const colourOf = (env: NodeJS.ProcessEnv, ...args: readonly string[]) =>
    run(['verify', 'bad.json', ...args], { env }).stderr.includes('\u001b[')
  expect(colourOf({})).toBe(false)
  expect(colourOf({ FORCE_COLOR: '1' })).toBe(true)
  expect(colourOf({ FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false)
  expect(colourOf({ FORCE_COLOR: '1', TERM: 'dumb' })).toBe(false)
  expect(colourOf({ FORCE_COLOR: '1' }, '--no-color')).toBe(false)
})

test('the launcher works through a link, as npm makes it', () => {
  const link = join(folder, 'firebreak')
  symlinkSync(join(root, 'cli/firebreak.js'), link)
  expect(run(['-V'], { program: link })).toMatchObject({ status: 0, stderr: '' })
  expect(run(['lnit'], { program: link })).toMatchObject({ status: 2 })
})

test('a reader that goes away early is no error', () => {
  const all = spawnSync('sh', ['-c', `"${process.execPath}" "${entry}" schema | head -c 10`], {
    encoding: 'utf8',
    cwd: folder,
  })
  expect(all.stderr).toBe('')
})
