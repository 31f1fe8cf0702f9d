import { compile, longForm } from './fixtures.ts'

const HASH = 'a'.repeat(64)
const RUNBOOK = { path: 'x.yaml', text: longForm() }
const compiled = (text: string) => compile({ path: 'access.yaml', text }, RUNBOOK)

test('tokens and principals, each with a role, and until when', () => {
  const { catalogue, diagnostics } = compiled(`
tokens:
  ann: { role: approver, sha256: "${HASH}", expires: "2027-01-31" }
  ci: { role: reader, sha256: "${HASH}", expires: "2028-02-29", services: [api] }
principals:
  - { arn: "arn:aws:sts::123456789012:assumed-role/on-call/*", role: responder }
`)
  expect(diagnostics).toEqual([])
  expect(catalogue?.access).toEqual({
    tokens: [
      { name: 'ann', role: 'approver', sha256: HASH, expiresAtMs: Date.parse('2027-02-01T00:00:00Z') },
      {
        name: 'ci',
        role: 'reader',
        sha256: HASH,
        expiresAtMs: Date.parse('2028-03-01T00:00:00Z'),
        services: ['api'],
      },
    ],
    principals: [{ arn: 'arn:aws:sts::123456789012:assumed-role/on-call/*', role: 'responder' }],
    signedIn: { nameClaim: 'sub', grants: [] },
  })
})

test('people who sign in, by what their token says', () => {
  const { catalogue, diagnostics } = compiled(`
signed_in:
  name: email
  grants:
    - { claim: groups, has: on-call, role: responder, services: [api] }
    - { claim: email, is: "*@example.com", role: reader }
`)
  expect(diagnostics).toEqual([])
  expect(catalogue?.access?.signedIn).toEqual({
    nameClaim: 'email',
    grants: [
      { claim: 'groups', has: 'on-call', role: 'responder', services: ['api'] },
      { claim: 'email', is: '*@example.com', role: 'reader' },
    ],
  })
})

test('without the file nobody has access, and nothing is wrong', () => {
  const { catalogue, diagnostics } = compile(RUNBOOK)
  expect(diagnostics).toEqual([])
  expect(catalogue?.access).toBeUndefined()
})

const token = (rest: string) => `tokens:\n  ann: { ${rest} }`

test.each([
  [
    'a token that was written down',
    token(`role: reader, sha256: s3cr3t, expires: "2027-01-31"`),
    'LITERAL_SECRET 2:32',
  ],
  ['no role', token(`sha256: "${HASH}", expires: "2027-01-31"`), 'MISSING_KEY 2:8'],
  ['a role of nothing', token(`role: root, sha256: "${HASH}", expires: "2027-01-31"`), 'WRONG_VALUE 2:16'],
  ['no end', token(`role: reader, sha256: "${HASH}"`), 'MISSING_KEY 2:8'],
  [
    'a day that no calendar has',
    token(`role: reader, sha256: "${HASH}", expires: "2027-02-30"`),
    'BAD_FORMAT 2:109',
  ],
  [
    'a key too many',
    token(`role: reader, sha256: "${HASH}", expires: "2027-01-31", admin: true`),
    'UNKNOWN_KEY 2:123',
  ],
  [
    'a service that there is not',
    token(`role: reader, sha256: "${HASH}", expires: "2027-01-31", services: [web]`),
    'UNKNOWN_SERVICE 2:134',
  ],
  [
    'no service',
    token(`role: reader, sha256: "${HASH}", expires: "2027-01-31", services: []`),
    'OUT_OF_RANGE 2:133',
  ],
  ['everybody', 'principals:\n  - { arn: "*", role: admin }', 'BAD_FORMAT 2:12'],
  [
    'every account',
    'principals:\n  - { arn: "arn:aws:sts::*:assumed-role/x/*", role: admin }',
    'BAD_FORMAT 2:12',
  ],
  ['a claim and no text', 'signed_in: { grants: [{ claim: email, role: reader }] }', 'BAD_FORMAT 1:23'],
  [
    'a claim and both',
    'signed_in: { grants: [{ claim: a, is: b, has: c, role: reader }] }',
    'BAD_FORMAT 1:23',
  ],
  [
    'a group of two words',
    'signed_in: { grants: [{ claim: a, has: "b c", role: reader }] }',
    'BAD_FORMAT 1:40',
  ],
  [
    'a claim for a service that there is not',
    'signed_in: { grants: [{ claim: a, is: b, role: reader, services: [web] }] }',
    'UNKNOWN_SERVICE 1:67',
  ],
  ['a list of tokens', 'tokens: [a]', 'WRONG_TYPE 1:9'],
  ['nothing of it', 'users: {}', 'UNKNOWN_KEY 1:1'],
])('%s is a mistake with its place, and the token is not repeated', (_what, text, expected) => {
  const { catalogue, diagnostics } = compiled(text)
  expect(catalogue).toBeUndefined()
  expect(diagnostics.map(({ file, code, line, column }) => `${file} ${code} ${line}:${column}`)).toEqual([
    `access.yaml ${expected}`,
  ])
  expect(diagnostics.map(({ message }) => message).join()).not.toContain('s3cr3t')
})
