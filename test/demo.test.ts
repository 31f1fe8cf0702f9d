import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode, type Ran } from './run-node.ts'

const CLI = fileURLToPath(new URL('../cli/firebreak.ts', import.meta.url))

/** The demo as a process of its own, in a folder of its own. */
async function demo(...args: readonly string[]): Promise<Ran> {
  const cwd = mkdtempSync(join(tmpdir(), 'firebreak-demo-'))
  try {
    return await runNode([CLI, 'demo', '--exit', '--speed', '40', ...args], { cwd, env: { NO_COLOR: '1' } })
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

test('the demo kills its worker between a call and its record, and the account counts the call once', async () => {
  const { code, out, err } = await demo('--json')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(JSON.parse(out)).toMatchObject({
    ok: true,
    mitigated: true,
    resolved: true,
    undone: true,
    killed: 1,
    doubled: [],
    chain: 'consistent',
    effects: {
      'ecs:UpdateService': 4,
      'route53:ChangeResourceRecordSets': 1,
      'codedeploy:CreateDeployment': 1,
    },
  })
}, 120_000)

test('without a terminal the story is told in plain lines, from the alarm to the timeline', async () => {
  const { code, out } = await demo('--no-chaos')
  expect(code).toBe(0)
  // oxlint-disable-next-line no-control-regex -- the point is that there are none
  expect(out).not.toMatch(/\u001b/)
  const inOrder = [
    'Firebreak demo',
    'alarm api-5xx-spike is ALARM',
    'alarm api-5xx-spike is OK',
    'mitigated',
    'resolved',
    'Mitigated, resolved, and put back',
    'Try next',
  ]
  let from = 0
  for (const text of inOrder) {
    const at = out.indexOf(text, from)
    expect([text, at >= 0]).toEqual([text, true])
    from = at
  }
  expect(out).toContain('page in the local inbox')
  expect(out).not.toContain('SIGKILL')
}, 120_000)
