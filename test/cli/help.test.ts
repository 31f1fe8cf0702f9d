import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { EXIT } from '../../cli/exit.ts'
import { verbs } from '../../cli/verbs.ts'
import { firebreak, plain, type Ran } from './terminal.ts'

const cwd = fileURLToPath(new URL('.', import.meta.url))
const docs = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
const run = async (...args: readonly string[]): Promise<Ran> => firebreak(args, { cwd })
/** A verb whose file another part of the work brings is looked at as soon as it is there. */
const present = verbs.filter((verb) => existsSync(new URL(`../../cli/${verb.file}`, import.meta.url)))

test('without a verb it prints help, on standard output', async () => {
  const ran = await run()
  expect(ran).toMatchObject({ exit: 0, err: '' })
  expect(ran.out.startsWith('Examples:')).toBe(true)
  for (const { name, summary } of verbs) {
    expect(ran.out).toContain(`\n  ${name} `)
    expect(ran.out.replace(/\s+/g, ' ')).toContain(summary)
  }
  expect((await run('--help')).out).toBe(ran.out)
  expect((await run('help')).exit).toBe(0)
})

test.each(present.map(({ name }) => name))(
  '%s --help begins with examples and ends with where to read more',
  async (name) => {
    const ran = await run(name, '--help')
    expect(ran).toMatchObject({ exit: 0, err: '' })
    expect(ran.out.startsWith(`Examples:\n  $ firebreak ${name}`)).toBe(true)
    expect(ran.out).toMatch(new RegExp(`docs/cli\\.md#${name}\\n$`))
    expect(ran.out).toContain('--json')
    expect(plain((await run('help', name)).out)).toBe(ran.out)
  },
)

test('docs/cli.md has a section for each verb, in the order of help, and for nothing else', () => {
  const sections = [...docs.matchAll(/^### ([a-z-]+)$/gm)].map((match) => match[1])
  expect(sections).toEqual(verbs.map(({ name }) => name))
  for (const group of new Set(verbs.map((verb) => verb.group))) expect(docs).toContain(`\n## ${group}\n`)
})

test('docs/cli.md has exactly the exit codes that there are', () => {
  const table = docs.slice(docs.indexOf('### Exit codes'), docs.indexOf('### Settings'))
  const codes = [...table.matchAll(/^\| (\d+) \|/gm)].map((match) => Number(match[1]))
  expect(codes).toEqual(Object.values(EXIT))
})

test.each([
  [['lnit'], 'Did you mean lint?'],
  [['aprove', 'inc-1'], 'Did you mean approve?'],
  [['lint', '--fromat', 'json'], 'Did you mean --format?'],
  [['list', '--jsn'], 'Did you mean --json?'],
])('%j is a usage error with a suggestion', async (args, suggestion) => {
  const ran = await run(...args)
  expect(ran).toMatchObject({ exit: 2, out: '' })
  expect(ran.err).toContain(suggestion)
})

test.each([
  ['show'],
  ['show', 'a', 'b'],
  ['list', '--limit'],
  ['nothing-like-it'],
  ['lint', '--format', 'xml'],
  ['watch', 'x', '--timeout', 'soon'],
  ['\u001b[31m'],
])('a command that is written wrongly ends with 2: %j', async (...args) => {
  const ran = await run(...args)
  expect(ran).toMatchObject({ exit: 2, out: '' })
  expect(ran.err).not.toContain('\u001b')
  expect((await run('--json', ...args)).json()).toMatchObject({
    format_version: '1.0',
    problem: { code: 'usage' },
  })
})

test('options without a verb are told that none is named', async () => {
  expect((await run('--json')).json()).toMatchObject({
    problem: { code: 'usage', message: 'no verb is named' },
  })
})

test('global options stand before the verb or behind it', async () => {
  for (const args of [
    ['--json', 'lint', 'nowhere.yaml'],
    ['lint', 'nowhere.yaml', '--json'],
    ['--runbooks', 'lint', 'lint', '--json'],
  ]) {
    expect((await run(...args)).json()).toMatchObject({
      problem: { code: expect.stringMatching(/^(unreadable-file|no-runbooks)$/) as unknown },
    })
  }
})

test('-V prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  expect(await run('-V')).toMatchObject({ exit: 0, out: `${version}\n` })
})
