import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  answered,
  fakeStack,
  problem,
  TOKEN,
  writeDevFile,
  type Answer,
  type FakeStack,
} from './fake-stack.ts'
import { firebreak } from './terminal.ts'

let stack: FakeStack
beforeEach(async () => (stack = await fakeStack()))
afterEach(async () => stack.close())

const status = answered({ control: { is: 'running' }, mode: 'auto' })

test('the stack that runs in this folder is asked, with its token', async () => {
  stack.answer(() => status)
  const ran = await firebreak(['status'], { cwd: stack.folder })
  expect(ran).toMatchObject({ exit: 0, err: '' })
  expect(ran.out).toContain('mode auto')
  expect(stack.requests).toEqual([
    { path: '/command', body: { verb: 'status' }, authorization: `Bearer ${TOKEN}` },
  ])
})

test('--local names a stack by its address, with the token of the environment', async () => {
  stack.answer(() => status)
  const cwd = mkdtempSync(join(tmpdir(), 'firebreak-cli-'))
  expect(
    await firebreak(['status', '--local', stack.url], { cwd, env: { FIREBREAK_TOKEN: 'another' } }),
  ).toMatchObject({ exit: 0 })
  expect(stack.requests[0]?.authorization).toBe('Bearer another')
  expect(await firebreak(['--local', `${stack.url}/`, 'status'], { cwd: stack.folder })).toMatchObject({
    exit: 0,
  })
  const without = await firebreak(['status', '--local', stack.url], { cwd })
  expect(without.exit).toBe(4)
  expect(without.err).toContain('FIREBREAK_TOKEN')
  rmSync(cwd, { recursive: true })
})

test.each([
  'http://198.51.100.7:80',
  'https://127.0.0.1:1',
  'http://127.0.0.1.example.com',
  'http://user:secret@127.0.0.1:1',
  'file:///etc/passwd',
  'not an address',
  'http://169.254.169.254/latest',
])('a token is never sent to another machine: %s', async (url) => {
  const ran = await firebreak(['status', '--local', url], {
    cwd: stack.folder,
    env: { FIREBREAK_TOKEN: 'x' },
  })
  expect(ran.exit).toBe(2)
  expect(ran.err).toContain('is not the address of a local stack')
  writeDevFile(stack.folder, { url, pid: process.pid, token: 'x' })
  expect((await firebreak(['status'], { cwd: stack.folder })).exit).toBe(2)
})

test('where no stack runs, the message says how to start one', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'firebreak-cli-'))
  const none = await firebreak(['list'], { cwd })
  expect(none.exit).toBe(3)
  expect(none.err).toContain('firebreak dev')
  // A process id that no system gives away.
  writeDevFile(cwd, { url: stack.url, pid: 2 ** 30, token: 'x' })
  const ended = await firebreak(['list'], { cwd })
  expect(ended.exit).toBe(3)
  expect(ended.err).toMatch(/has ended \(process 1073741824\)[^]*firebreak dev/)
  rmSync(cwd, { recursive: true })
})

test.each([
  '',
  '{',
  '[]',
  '{"url":"http://127.0.0.1:1","pid":1}',
  '{"url":"http://127.0.0.1:1","pid":-5,"token":"x"}',
  '{"url":"http://127.0.0.1:1","pid":1,"token":"a\\r\\nx: y"}',
])('a broken dev.json is told of: %j', async (content) => {
  writeDevFile(stack.folder, content)
  const ran = await firebreak(['list'], { cwd: stack.folder })
  expect(ran.exit).toBe(3)
  expect(ran.err).toContain('dev.json is not what')
  expect(stack.requests).toEqual([])
})

test('a refused connection is told of with its remedy', async () => {
  const other = await fakeStack()
  await other.close()
  writeDevFile(stack.folder, { url: other.url, pid: process.pid, token: 'x' })
  const ran = await firebreak(['list', '--json'], { cwd: stack.folder })
  expect(ran.exit).toBe(3)
  expect(ran.json()).toMatchObject({ format_version: '1.0', problem: { code: 'unreachable' } })
  expect(ran.err).toContain('cannot be reached')
})

const MALFORMED: readonly (readonly [string, Answer, number, RegExp])[] = [
  ['no JSON', { status: 200, text: '<html>\u001b[2Jhello' }, 3, /what no stack answers: <html>hello/],
  ['nothing', { status: 200, text: '' }, 3, /what no stack answers: nothing/],
  ['another shape', { body: { ok: true } }, 3, /what no stack answers/],
  ['an answer without one', { body: { is: 'answer' } }, 3, /what no stack answers/],
  ['the wrong answer', answered({ control: 7 }), 3, /cannot read/],
  ['a list', answered([]), 3, /cannot read/],
  ['a strange page', { status: 404, text: 'not found' }, 3, /what no stack answers: status 404/],
  [
    'its own error',
    { status: 500, text: '{"message":"the table\\u001b[31m is gone"}' },
    3,
    /says: the table is gone \(status 500\)/,
  ],
  ['too large', { status: 413, text: '{"message":"a body may have 1 byte"}' }, 2, /a body may have 1 byte/],
  ['another token', { status: 401, text: '{"message":"no"}' }, 4, /does not accept the token/],
  [
    'a way elsewhere',
    { status: 302, text: '', headers: { location: 'http://198.51.100.7/' } },
    3,
    /cannot be reached/,
  ],
  ['a problem of a newer version', problem('new-kind', 'it is \u202enew'), 1, /it is new \(new-kind\)/],
]

test.each(MALFORMED)('a stack that answers %s', async (_what, answer, exit, message) => {
  stack.answer(() => answer)
  const ran = await firebreak(['status'], { cwd: stack.folder })
  expect(ran.exit).toBe(exit)
  expect(ran.out).toBe('')
  expect(ran.err).toMatch(message)
  // oxlint-disable-next-line no-control-regex -- none may get through
  expect(ran.err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
})

test.each([
  ['bad-request', 2],
  ['ambiguous', 2],
  ['not-found', 1],
  ['nothing-asked', 1],
  ['changed', 1],
  ['ended', 1],
  ['conflict', 1],
] as const)('the problem %s ends with exit code %i', async (code, exit) => {
  stack.answer(() => problem(code, 'so it is'))
  const ran = await firebreak(['approve', 'inc-4k2m9x7p0qzr-8f3k2a', '--json'], { cwd: stack.folder })
  expect(ran.exit).toBe(exit)
  expect(ran.json()).toMatchObject({ problem: { code, message: 'so it is' } })
})

test('a huge list comes through', async () => {
  const title = 'x'.repeat(200_000)
  const incidents = Array.from({ length: 100 }, (_one, i) => ({
    incidentId: `inc-${i}`,
    status: 'open',
    summary: { title, service: 'api', severity: 'sev1', openedAtMs: i },
  }))
  stack.answer((_path, { verb }) => (verb === 'status' ? status : answered(incidents)))
  const ran = await firebreak(['list', '--json'], { cwd: stack.folder })
  expect(ran.exit).toBe(0)
  expect((ran.json()['incidents'] as unknown[]).length).toBe(100)
  const text = await firebreak(['list'], { cwd: stack.folder, tty: true, columns: 100 })
  expect(Math.max(...text.out.split('\n').map((line) => line.length))).toBeLessThan(200)
})

test('--stack and --local exclude each other, and a name is checked before anything is loaded', async () => {
  expect(
    await firebreak(['list', '--stack', 'a', '--local', stack.url], { cwd: stack.folder }),
  ).toMatchObject({ exit: 2 })
  for (const name of [
    '../etc',
    'a b',
    '-x',
    'a;rm',
    'x'.repeat(65),
    'arn:aws:lambda:eu-west-1:1:function:x',
  ]) {
    const ran = await firebreak(['list', `--stack=${name}`], { cwd: stack.folder })
    expect([name, ran.exit]).toEqual([name, 2])
  }
  expect(stack.requests).toEqual([])
})
