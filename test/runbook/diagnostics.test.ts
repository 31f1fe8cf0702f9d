import { readFileSync } from 'node:fs'
import {
  diagnosticCodes,
  didYouMean,
  editDistance,
  nearest,
  renderDiagnostic,
} from '../../lib/runbook/diagnostics.ts'
import type { Diagnostic } from '../../lib/runbook/diagnostics.ts'
import { compile } from './fixtures.ts'

function rendered(path: string, text: string): string {
  const { diagnostics, sources } = compile({ path, text })
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, sources[diagnostic.file])).join('\n')
}

test('a diagnostic shows the place, the line, a caret and the remedy', () => {
  const text =
    '- alert: api-5xx-spike\n  actions:\n    - scale_out: ecs service api 50%\n    - rolback: codedeploy last-success\n'
  expect(rendered('runbooks/x.yaml', text)).toBe(
    `runbooks/x.yaml:3:34 BAD_COMPACT_FORM "ecs service api 50%": expected +<n>%, +<n> or to <n>
    |
  3 |     - scale_out: ecs service api 50%
    |                                  ^^^
  = Write scale_out: ecs service api +50%
runbooks/x.yaml:4:7 UNKNOWN_ACTION there is no action "rolback"
    |
  4 |     - rolback: codedeploy last-success
    |       ^^^^^^^
  = Did you mean "rollback"?`,
  )
})

test('a secret that was written into a file is not repeated by the linter', () => {
  const shown = rendered(
    'oncall.yaml',
    'sre:\n  channels:\n    - pagerduty: { routing_key: R0123456789ABCDEF }\n',
  )
  expect(shown).toContain('LITERAL_SECRET')
  expect(shown).not.toContain('R0123456789ABCDEF')
})

const far: Diagnostic = {
  code: 'TOO_LONG',
  severity: 'error',
  file: 'x.yaml',
  line: 1,
  column: 2_001,
  endLine: 1,
  endColumn: 2_004,
  message: 'm',
}

test('a mistake far to the right is shown in a window of a hundred columns', () => {
  const source = `${'a'.repeat(2_000)}XYZ${'b'.repeat(2_000)}`
  const [, , line, caret] = renderDiagnostic(far, source).split('\n')
  expect(line?.length).toBeLessThanOrEqual(110)
  expect(line?.slice(caret?.indexOf('^'), (caret?.lastIndexOf('^') ?? 0) + 1)).toBe('XYZ')
})

test('a file that is not there is reported without its text', () => {
  expect(renderDiagnostic({ ...far, suggestion: 'Do it.' })).toBe('x.yaml:1:2001 TOO_LONG m\n  = Do it.')
})

test('the text of a hostile file cannot move the cursor', () => {
  const shown = renderDiagnostic({ ...far, column: 1, endColumn: 2 }, '\u001b[2J\u202ex')
  expect(shown).toContain('[2J')
  expect(shown).not.toContain('\u001b')
  expect(shown).not.toContain('\u202e')
})

test('the nearest known name is suggested, and none where nothing is near', () => {
  const known = ['scale_out', 'rollback', 'notify', 'route53_weight']
  expect(nearest('rolback', known)).toBe('rollback')
  expect(nearest('scale-out', known)).toBe('scale_out')
  expect(nearest('Notfiy', known)).toBe('notify')
  expect(nearest('deploy', known)).toBeUndefined()
  expect(didYouMean('x'.repeat(10_000), known)).toBeUndefined()
  expect(editDistance('ab', 'ba')).toBe(1)
  expect(editDistance('', 'abc')).toBe(3)
})

test('docs/diagnostics.md explains every code, and no other', () => {
  const page = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (error|warning) \| (.+) \| (.+) \|$/gm)]
  expect(rows.map(([, code]) => code)).toEqual([...diagnosticCodes])
})
