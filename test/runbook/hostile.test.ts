import * as fc from 'fast-check'
import { diagnosticCodes, renderDiagnostic } from '../../lib/runbook/diagnostics.ts'
import { compile, settings, shipped } from './fixtures.ts'

/** Files as people and attackers break them: a piece cut out, put in, or doubled. */
const originals = [shipped('api-5xx-spike.yaml'), shipped('examples/api-5xx-rich.yaml'), ...settings]
const piece = fc.oneof(
  fc.constantFrom(
    '\n',
    ' ',
    '  - ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '#',
    '&a ',
    '*a',
    '<<: ',
    '!!js ',
    '---\n',
    '\t',
    '|',
    '>',
    '%',
    '\0',
    '? ',
    '0',
    '-1',
    '1e999',
    'null',
    'yes',
    '${x}',
    '__proto__: 1\n',
    'constructor',
  ),
  fc.string({ unit: 'binary', maxLength: 5 }),
)
const broken = fc
  .tuple(
    fc.constantFrom(...originals),
    fc.array(fc.tuple(fc.nat(3_000), fc.nat(20), piece), { minLength: 1, maxLength: 4 }),
  )
  .map(([file, cuts]) => ({
    path: file.path,
    text: cuts.reduce(
      (text, [at, length, insert]) =>
        text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + length),
      file.text,
    ),
  }))

function sound(file: { path: string; text: string }): void {
  const { catalogue, diagnostics, sources } = compile(file)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  expect(catalogue === undefined).toBe(errors.length > 0)
  for (const diagnostic of diagnostics) {
    expect(diagnosticCodes).toContain(diagnostic.code)
    const lines = (sources[diagnostic.file] ?? '').split('\n').length
    expect(diagnostic.line).toBeGreaterThanOrEqual(1)
    expect(diagnostic.line).toBeLessThanOrEqual(lines)
    expect(diagnostic.column).toBeGreaterThanOrEqual(1)
    expect(diagnostic.message).not.toBe('')
    renderDiagnostic(diagnostic, sources[diagnostic.file])
  }
}

test('however a file is broken, it compiles or says where it is wrong, and never throws', () => {
  fc.assert(fc.property(broken, sound), { numRuns: 200 })
})

test('any text at all is answered, and never thrown at', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('x.yaml', 'services.yaml', 'oncall.yaml', 'policy.yaml'),
      fc.string({ unit: 'binary', maxLength: 60 }),
      (path, text) => sound({ path, text }),
    ),
    { numRuns: 100 },
  )
})

test.each([
  ['tags in a row', `a: ${'!'.repeat(200_000)} b`],
  ['many keys', Array.from({ length: 5_000 }, (_, i) => `k${i}: 1`).join('\n')],
  ['many anchors', `a: ${Array.from({ length: 3_000 }, (_, i) => `&a${i}`).join(' ')} b`],
  ['quotes in a row', '"'.repeat(20_000)],
  ['a line of 200,000 characters', `- alert: ${'x'.repeat(200_000)}`],
  [
    'a condition of brackets',
    `runbook: r\nservice: api\ntriggers: []\nsteps:\n  - { wait: 1m, when: "${'('.repeat(240)}true${')'.repeat(240)}" }`,
  ],
])('%s end in diagnostics', (_name, text) => {
  sound({ path: 'x.yaml', text })
})
