import { spawnSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PROBLEMS } from '../lib/problems.ts'
import { LIST, OPERATIONS, SIGNALS, TIMELINE } from '../web/operations.ts'
import { verbs } from '../cli/verbs.ts'
import { compileCatalogue, type CatalogueFile } from '../lib/runbook/catalogue.ts'
import { renderDiagnostic } from '../lib/runbook/diagnostics.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...globSync('docs/**/*.md', { cwd: root }).sort(),
].map((path) => ({ path, text: read(path) }))

interface Block {
  readonly path: string
  readonly line: number
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a page. */
function blocksOf({ path, text }: { readonly path: string; readonly text: string }): readonly Block[] {
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    path,
    line: text.slice(0, match.index).split('\n').length + 1,
    language: match[1] ?? '',
    text: match[2] ?? '',
  }))
}

const blocks = pages.flatMap(blocksOf)

/** What a heading is called in a link: lower case, words joined by hyphens, without marks. */
function anchorsOf(text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '')
  return [...prose.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Links that lead nowhere, with the page that has them. */
function brokenLinks(path: string, text: string): readonly string[] {
  const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return []
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : join(dirname(path), file)
    if (!existsSync(join(root, target))) return [`${path}: ${link}`]
    const known = anchor === undefined || anchorsOf(read(target)).includes(anchor)
    return known ? [] : [`${path}: ${link} (no such heading)`]
  })
}

test('every relative link leads to a file, and to a heading where it names one', () => {
  expect(pages.flatMap(({ path, text }) => brokenLinks(path, text))).toEqual([])
  expect(
    brokenLinks('docs/x.md', 'a [b](nowhere.md), a [c](ledger.md#nothing), [d](https://x.y), `[e](f.md)`'),
  ).toEqual(['docs/x.md: nowhere.md', 'docs/x.md: ledger.md#nothing (no such heading)'])
})

/** The tests that a page names: a file, then one title or several, in the form `file`: "title", "title". */
function namedTests(text: string): readonly (readonly [file: string, title: string])[] {
  const found = [...text.matchAll(/`(test\/[\w./-]+\.ts)`: ("[^"]+"(?:, "[^"]+")*)/g)]
  return found.flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, title = '']) => [file, title] as const),
  )
}

test('every test that a page names is there', () => {
  const named = pages.flatMap(({ path, text }) =>
    namedTests(text).map(([file, title]) => ({ path, file, title })),
  )
  const missing = named.filter(
    ({ file, title }) => !existsSync(join(root, file)) || !read(file).includes(title),
  )
  expect(missing).toEqual([])
  expect(namedTests(read('docs/architecture.md')).length).toBeGreaterThan(40)
})

test('every invariant names its test', () => {
  const invariants = read('docs/architecture.md')
    .split('\n')
    .filter((line) => line.startsWith('**Invariant.**'))
  expect(invariants.length).toBeGreaterThan(20)
  expect(invariants.filter((line) => namedTests(line).length === 0)).toEqual([])
})

test.each(['README.md', 'docs/architecture.md'])('%s has a row for each guarantee, with a test', (path) => {
  const rows = read(path)
    .split('\n')
    .filter((line) => /^\| \*\*G\d/.test(line))
  expect(rows.map((row) => /G\d+/.exec(row)?.[0])).toEqual(
    Array.from({ length: 10 }, (_unused, index) => `G${index + 1}`),
  )
  expect(rows.filter((row) => namedTests(row).length === 0)).toEqual([])
})

test('every verb of the command line is in the README', () => {
  const readme = read('README.md')
  expect(verbs.map((verb) => verb.name).filter((name) => !readme.includes(`\`${name}\``))).toEqual([])
})

test('docs/api.md has every operation of the API, in words of its own table, and every problem', () => {
  const lines = read('docs/api.md').split('\n')
  const told = lines
    .filter((line) => /^\| (?:GET|POST) \|/.test(line))
    .map((line) => line.split(' | ').slice(0, 3).join(' | '))
  const made = [TIMELINE, SIGNALS, ...OPERATIONS].map(
    ({ method, path, summary }) => `| ${method.toUpperCase()} | \`${path}\` | ${summary}`,
  )
  expect(told).toEqual(expect.arrayContaining(made))
  expect(told).toContainEqual(
    expect.stringContaining(`| GET | \`${LIST.path}\` | ${LIST.summary.slice(0, -1)}`),
  )
  expect(told).toHaveLength(made.length + 1)
  const problems = lines.filter((line) => /^\| `[a-z-]+` \| \d/.test(line))
  expect(problems).toEqual(
    Object.entries(PROBLEMS).map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`),
  )
})

const shipped = (name: string): CatalogueFile => ({ path: name, text: read(`runbooks/${name}`) })
const SETTINGS = ['services.yaml', 'oncall.yaml', 'policy.yaml']

/** A block as a file: a whole runbook, one of the settings (its first line says which), or steps, which are wrapped. */
function fileOf(text: string): CatalogueFile {
  const setting = /^# (\w+\.yaml)\n/.exec(text)?.[1]
  if (setting !== undefined) return { path: setting, text }
  if (/^(?:#.*\n)?(?:runbook:|- alert:)/.test(text)) return { path: 'block.yaml', text }
  const indented = text.trimEnd().replaceAll(/^/gm, '  ')
  return { path: 'block.yaml', text: `runbook: block\nservice: api\ntriggers: []\nsteps:\n${indented}\n` }
}

/** Compiled beside the shipped settings; what is wrong with it otherwise. */
function compiled(text: string): Catalogue | string {
  const file = fileOf(text)
  const rest = [...SETTINGS, ...(file.path === 'block.yaml' ? [] : ['api-5xx-spike.yaml'])].filter(
    (name) => name !== file.path,
  )
  const { catalogue, diagnostics, sources } = compileCatalogue([file, ...rest.map(shipped)])
  return catalogue ?? diagnostics.map((one) => renderDiagnostic(one, sources[one.file])).join('\n')
}

const yaml = blocks.filter((block) => block.language === 'yaml')

test.each(yaml.map((block) => [`${block.path}:${block.line}`, block] as const))(
  'the YAML at %s compiles',
  (_place, { text }) => {
    expect(compiled(text)).toEqual(expect.objectContaining({ runbooks: expect.any(Array) }))
  },
)

test('a block with a mistake in it is found', () => {
  expect(yaml.length).toBeGreaterThan(8)
  expect(compiled('- alert: api-5xx\n  actions:\n    - rolback: codedeploy last-success\n')).toContain(
    'UNKNOWN_ACTION',
  )
  expect(compiled('- wait: 5\n')).toContain('WRONG_TYPE')
  expect(compiled('# policy.yaml\nmode: loud\nescalate_to: oncall@sre\n')).toContain('WRONG_VALUE')
})

test('the two forms of the runbook in the README mean the same, and the short one is the one that is shipped', () => {
  const [short, long] = yaml.filter((block) => block.path === 'README.md').map((block) => block.text)
  expect(short).toBe(read('runbooks/api-5xx-spike.yaml'))
  // All but the lines on which they say it.
  const [fromLong, fromShort] = [long, short].map((text) => {
    const catalogue = compiled(text ?? '')
    return typeof catalogue === 'string' ? catalogue : { ...catalogue, places: {} }
  })
  expect(fromLong).toEqual(fromShort)
})

test('the action in the README has the types that an action must have', () => {
  const [text = ''] = blocks
    .filter((block) => block.path === 'README.md' && block.language === 'ts')
    .map((block) => block.text)
  const file = /^\/\/ (lib\/actions\/[\w-]+\.ts)\n/.exec(text)?.[1] ?? ''
  expect(file).not.toBe('')
  // A folder beside the repository, which the compiler takes for a part of it.
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-docs-'))
  try {
    mkdirSync(join(folder, 'lib/actions'), { recursive: true })
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, file), text)
    const { compilerOptions } = JSON.parse(read('tsconfig.json')) as { readonly compilerOptions: object }
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, rootDirs: [root, folder] }, files: [file] }),
    )
    const { stdout, status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], {
      encoding: 'utf8',
    })
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
