import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { roleMissing } from '../../lib/access.ts'
import type { Request } from '../../lib/command.ts'
import { understand, VERBS, type Spoken } from '../../web/slack/grammar.ts'

const INC = 'inc-2y90k4wt62tn'
const EXE = `${INC}-fvsbbt`

test.each<[text: string, spoken: Spoken]>([
  ['', { is: 'help' }],
  ['help', { is: 'help' }],
  ['help run', { is: 'help', verb: 'run' }],
  ['LIST', { is: 'list' }],
  ['run', { is: 'run' }],
  ['run spike', { is: 'run', runbook: 'spike' }],
  ['run spike the site is slow', { is: 'run', runbook: 'spike', reason: 'the site is slow' }],
  [
    'run spike reason="the site is slow" mode=shadow',
    { is: 'run', runbook: 'spike', reason: 'the site is slow', mode: 'shadow' },
  ],
  // As phones write it.
  [
    'run spike reason=\u201cthe site is slow\u201d',
    { is: 'run', runbook: 'spike', reason: 'the site is slow' },
  ],
  [
    'run spike \u2014mode shadow it\u2019s slow',
    { is: 'run', runbook: 'spike', reason: "it's slow", mode: 'shadow' },
  ],
  [
    'run spike -mode approve \u00abvery slow\u00bb',
    { is: 'run', runbook: 'spike', reason: 'very slow', mode: 'approve' },
  ],
  ['run\u00a0spike', { is: 'run', runbook: 'spike' }],
  ['plan spike', { is: 'plan', runbook: 'spike' }],
  ['status', { is: 'status' }],
  [`status ${INC}`, { is: 'status', id: INC }],
  [`timeline ${EXE}`, { is: 'timeline', id: EXE }],
  [`approve ${EXE}`, { is: 'approve', id: EXE }],
  [`approve ${EXE} step=room looks right`, { is: 'approve', id: EXE, subject: 'room', text: 'looks right' }],
  ['approve', { is: 'approve' }],
  ['approve --step=room', { is: 'approve', subject: 'room' }],
  [`deny ${EXE} not now`, { is: 'deny', id: EXE, text: 'not now' }],
  ['ack', { is: 'ack' }],
  [`ack ${INC} on it`, { is: 'ack', id: INC, text: 'on it' }],
  ['note the cache was cold', { is: 'note', text: 'the cache was cold' }],
  [`abort ${EXE} we do it by hand`, { is: 'abort', id: EXE, text: 'we do it by hand' }],
  ['pause all a release', { is: 'pause', scope: { is: 'all' }, text: 'a release' }],
  ['pause service api a release', { is: 'pause', scope: { is: 'service', name: 'api' }, text: 'a release' }],
  ['resume all', { is: 'resume', scope: { is: 'all' } }],
  ['approvals', { is: 'approvals' }],
  ['note slow \u2014again --so it seems', { is: 'note', text: 'slow --again --so it seems' }],
  [
    'run spike it burns --despite-freeze',
    { is: 'run', runbook: 'spike', reason: 'it burns', despiteFreeze: true },
  ],
  ['resume runbook spike', { is: 'resume', scope: { is: 'runbook', name: 'spike' } }],
  ['why spike', { is: 'why', id: 'spike' }],
])('%j is understood', (text, spoken) => {
  expect(understand(text)).toEqual(spoken)
})

test.each([
  ['aprove', 'Did you mean "approve"?'],
  ['staus', 'Did you mean "status"?'],
  ['do something', 'Type `help`'],
  ['note', 'note [incident] <text>'],
  ['abort', 'abort [execution] <reason>'],
  ['pause', 'pause <all | service x | runbook x | account n> <reason>'],
  ['pause all', 'Say why'],
  // Nothing that was mistyped stops everything, or lets everything go on.
  ['pause api a release', 'Say what'],
  ['resume', 'Say what'],
  ['resume api', 'Say what'],
  ['resume runbok spike', 'Say what'],
  ['run spike --despite-freez', 'There is no option "--despite-freez"'],
  ['abort --ids=x it burns', 'There is no option "--ids=x"'],
  ['pause service', 'Which service?'],
  ['status yesterday', 'is not the id of an incident'],
  ['run spike mode=fast', 'A mode is shadow, approve, auto'],
  ['x'.repeat(3_000), 'longer than 2000 characters'],
])('%j is answered by what to type instead', (text, said) => {
  expect(understand(text)).toMatchObject({ is: 'unclear', text: expect.stringContaining(said) })
})

test('every command of the tree has a meaning, and any text at all is answered', () => {
  for (const { name } of VERBS) expect(() => understand(`${name} x y z`)).not.toThrow()
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.string().map((rest) => `run ${rest}`),
      ),
      (text) => {
        expect(typeof understand(text).is).toBe('string')
      },
    ),
    { numRuns: 2_000 },
  )
})

test('every command stands in docs/connect.md, with its words and its role', () => {
  const text = readFileSync(new URL('../../docs/connect.md', import.meta.url), 'utf8')
  const rows = [...text.matchAll(/^\| `([^`]+)` \| ([^|]+) \| (\w+) \|$/gm)].map(
    ([, usage = '', says = '', role = '']) => ({
      usage: usage.replaceAll('\\|', '|'),
      says: says.trim(),
      role,
    }),
  )
  expect(new Set(rows.map(({ usage }) => usage))).toEqual(new Set(VERBS.map(({ usage }) => usage)))
  for (const { usage, role } of rows) {
    const [verb = ''] = usage.split(' ')
    if (verb === 'help' || verb === 'timeline' || verb === 'export') continue
    const asked = {
      verb,
      id: 'x',
      runbook: 'x',
      scope: {},
      by: {},
      reason: '',
      note: '',
    } as unknown as Request
    for (const [least, needed] of [
      ['reader', 'responder'],
      ['responder', 'approver'],
      ['approver', 'admin'],
    ] as const)
      expect(`${verb} ${roleMissing({ role: least }, asked) === undefined || needed !== role}`).toBe(
        `${verb} ${needed !== role}`,
      )
  }
})
