import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firebreak } from './terminal.ts'

const ONCALL = `
people:
  ann: { channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:ann" } }] }
  bob: { channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:bob" } }] }
schedules:
  primary:
    time_zone: Europe/Berlin
    layers: [{ people: [bob, ann], from: "2026-11-02T09:00" }]
    overrides: [{ person: bob, from: "2026-11-26", until: "2026-11-26" }]
sre:
  schedule: primary
  channels: [{ email: { from: a@example.com, to: [sre@example.com] } }]
dev:
  channels: [{ sns: { topic_arn: "arn:aws:sns:eu-west-1:123456789012:dev" } }]
`

let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'firebreak-oncall-'))
  cpSync(new URL('../../runbooks', import.meta.url), join(cwd, 'runbooks'), { recursive: true })
  writeFileSync(join(cwd, 'runbooks/oncall.yaml'), ONCALL)
})
afterAll(() => rmSync(cwd, { recursive: true }))

const run = async (...args: readonly string[]) => firebreak(['oncall', ...args], { cwd })

test('who says for each team who is on call, until when, and how they are reached', async () => {
  const { exit, out } = await run('who', '--at', '2026-11-24T10:00Z')
  expect(exit).toBe(0)
  expect(out.split('\n').map((line) => line.split(/ {2,}/).join(' | '))).toEqual([
    expect.stringContaining('team'),
    expect.stringMatching(/^sre \| 1 primary \| ann \|.*2026-11-26 00:00 Europe\/Berlin \| sns, email$/),
    expect.stringMatching(/^dev \| its channels \|.*sns$/),
    '',
  ])
})

test('show tells the shifts, without a gap between them', async () => {
  const { teams } = (
    await run('show', 'sre', '--at', '2026-11-24T10:00Z', '--days', '9', '--json')
  ).json() as {
    readonly teams: readonly object[]
  }
  expect(teams).toEqual([
    {
      team: 'sre',
      levels: [
        {
          page: 'primary',
          shifts: [
            { person: 'ann', from: '2026-11-24T10:00:00.000Z', until: '2026-11-25T23:00:00.000Z' },
            { person: 'bob', from: '2026-11-25T23:00:00.000Z', until: '2026-11-26T23:00:00.000Z' },
            { person: 'ann', from: '2026-11-26T23:00:00.000Z', until: '2026-11-30T08:00:00.000Z' },
            { person: 'bob', from: '2026-11-30T08:00:00.000Z', until: '2026-12-03T10:00:00.000Z' },
          ],
        },
      ],
    },
  ])
})

test('before the schedule begins nobody is on call, and the exit code says so', async () => {
  const { exit, out } = await run('who', 'sre', '--at', '2026-10-01T10:00Z')
  expect([exit, out]).toEqual([1, expect.stringMatching(/sre +1 primary +nobody/)])
})

test.each([
  ['a time without an offset', ['who', '--at', '2026-11-24T10:00'], 2],
  ['a time of nothing', ['who', '--at', 'yesterday'], 2],
  ['a team that there is not', ['who', 'ops'], 2],
  ['a question of nothing', ['when'], 2],
])('%s is a usage error', async (_what, args, exit) => {
  expect(await run(...args)).toMatchObject({ exit, out: '' })
})

test('files with mistakes are not read half', async () => {
  writeFileSync(join(cwd, 'runbooks/oncall.yaml'), 'sre: {}')
  const ran = await run('who')
  writeFileSync(join(cwd, 'runbooks/oncall.yaml'), ONCALL)
  expect(ran).toMatchObject({ exit: 1, err: expect.stringContaining('firebreak lint') })
})
