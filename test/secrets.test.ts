import type { Calls } from '../lib/aws/aws.ts'
import { secretPermissions, secretReader } from '../lib/secrets.ts'
import { awsError, scriptedAws } from './actions/conformance.ts'

const NAME = 'ssm:/firebreak/pagerduty'

function store(...values: readonly (string | Error | undefined)[]) {
  const asked: Calls['ssm:GetParameter']['input'][] = []
  const aws = scriptedAws({
    answers: {
      'ssm:GetParameter': (input) => {
        const value = values[asked.push(input) - 1]
        if (value instanceof Error) throw value
        return value === undefined ? {} : { Parameter: { Value: value } }
      },
    },
    snapshot: () => null,
    settle: () => undefined,
  })
  return { aws, asked }
}

test('a parameter is read decrypted, once', async () => {
  const { aws, asked } = store('hunter2\n')
  const read = secretReader(aws, {})
  expect([await read(NAME), await read(NAME)]).toEqual(['hunter2', 'hunter2'])
  expect(asked).toEqual([{ Name: '/firebreak/pagerduty', WithDecryption: true }])
})

test('with a clock a rotated value is noticed after 5 minutes', async () => {
  let nowMs = 1_000_000
  const read = secretReader(store('old', 'new').aws, {}, { now: () => nowMs })
  expect(await read(NAME)).toBe('old')
  nowMs += 299_999
  expect(await read(NAME)).toBe('old')
  nowMs += 1
  expect(await read(NAME)).toBe('new')
})

test.each([[awsError('TimeoutError')], [awsError('ThrottlingException', 400)], [''], [undefined]])(
  'the value that was read before is served on when the store answers %s',
  async (second) => {
    let nowMs = 0
    const read = secretReader(store('old', second).aws, {}, { now: () => nowMs })
    await read(NAME)
    nowMs += 600_000
    expect(await read(NAME)).toBe('old')
  },
)

test('an environment variable is read by its own name only', async () => {
  const read = secretReader(store().aws, { SLACK: ' xoxb-1 ', EMPTY: '' })
  expect(await read('env:SLACK')).toBe('xoxb-1')
  await expect(read('env:EMPTY')).rejects.toThrow('env:EMPTY is empty or missing')
  await expect(read('env:constructor')).rejects.toThrow('env:constructor is empty or missing')
})

test('no error repeats a value', async () => {
  const failures = [
    () => secretReader(store().aws, {})('xoxb-a-secret-that-was-written-out'),
    () => secretReader(store('two\nlines').aws, {})(NAME),
    () => secretReader(store(awsError('ParameterNotFound', 400, 'two\nlines')).aws, {})(NAME),
    () => secretReader(store().aws, { X: 'two\nlines' })('env:X'),
  ]
  for (const failure of failures) {
    const error: unknown = await failure().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(Error)
    expect(`${String(error)}${String((error as Error).cause)}`).not.toMatch(/two|lines|xoxb/)
  }
})

test('permissions name each parameter, with and without its first slash', () => {
  expect(secretPermissions(['ssm:/a/b', 'ssm:c', 'env:X'])).toEqual([
    {
      actions: ['ssm:GetParameter'],
      resources: [
        'arn:${Partition}:ssm:${Region}:${Account}:parameter/a/b',
        'arn:${Partition}:ssm:${Region}:${Account}:parameter/c',
      ],
    },
  ])
})
