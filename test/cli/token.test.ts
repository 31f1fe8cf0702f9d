import { sha256 } from '../../lib/ids.ts'
import { compile, longForm } from '../runbook/fixtures.ts'
import { firebreak } from './terminal.ts'

const run = async (...args: readonly string[]) => firebreak(['token', ...args], { cwd: '/' })

test('a token is printed alone, and the line that lets it in compiles', async () => {
  const ran = await run('ann', '--role', 'approver', '--days', '30', '--service', 'api')
  expect(ran).toMatchObject({ exit: 0, out: expect.stringMatching(/^firebreak_[\w-]{43}\n$/) })
  const line = ran.err.split('\n').find((one) => one.startsWith('  ann:')) ?? ''
  const { catalogue } = compile(
    { path: 'access.yaml', text: `tokens:\n${line}` },
    { path: 'x.yaml', text: longForm() },
  )
  expect(catalogue?.access?.tokens).toEqual([
    {
      name: 'ann',
      role: 'approver',
      services: ['api'],
      sha256: sha256(ran.out.trim()),
      expiresAtMs: Date.parse('2026-12-24T00:00:00Z'),
    },
  ])
  expect(ran.err).not.toContain(ran.out.trim())
})

test('for a program everything is one document, and no two tokens are the same', async () => {
  const one = (await run('ci', '--role', 'reader', '--json')).json()
  const other = (await run('ci', '--role', 'reader', '--json')).json()
  expect(one).toMatchObject({ name: 'ci', role: 'reader', services: null, expires: '2027-02-21' })
  expect(one['sha256']).toBe(sha256(String(one['token'])))
  expect(other['token']).not.toBe(one['token'])
})

test.each([
  ['no role', ['ann']],
  ['a role of nothing', ['ann', '--role', 'root']],
  ['a name that no file can hold', ['ann: {', '--role', 'reader']],
  ['a service that no file can hold', ['ann', '--role', 'reader', '--service', 'a]b']],
  ['no day', ['ann', '--role', 'reader', '--days', '0']],
  ['two years', ['ann', '--role', 'reader', '--days', '730']],
])('%s is a usage error', async (_what, args) => {
  expect(await run(...args)).toMatchObject({ exit: 2, out: '' })
})
