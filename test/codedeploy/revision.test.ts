import {
  appSpec,
  lambdaSpec,
  lambdaSpecFrom,
  locationOf,
  type Revision,
  revisionLabel,
} from '../../lib/codedeploy/revision.ts'
import { revisionOf, revisionSchema, sameRevision, taskDefinition } from '../../lib/codedeploy/revision.ts'
import { ecsSpec, lambdaSpec as lambdaText } from '../actions/codedeploy-world.ts'

const s3 = (more: Partial<Extract<Revision, { is: 's3' }>> = {}): Revision => ({
  is: 's3',
  bucket: 'releases',
  key: 'api.zip',
  bundleType: 'zip',
  version: null,
  eTag: null,
  ...more,
})
const github = (commitId: string, repository = 'shop/api'): Revision => ({
  is: 'github',
  repository,
  commitId,
})

test.each([
  ['the same object without version or tag', s3(), s3(), true],
  ['another key', s3(), s3({ key: 'web.zip' }), false],
  ['another bucket', s3(), s3({ bucket: 'elsewhere' }), false],
  ['another version', s3({ version: '1' }), s3({ version: '2' }), false],
  ['the same version', s3({ version: '1' }), s3({ version: '1' }), true],
  ['another ETag', s3({ eTag: 'aa' }), s3({ eTag: 'bb' }), false],
  ['the same ETag, once with quotes', s3({ eTag: '"aa"' }), s3({ eTag: 'aa' }), true],
  ['the latest object and one of its versions', s3(), s3({ version: '1' }), true],
  ['the same commit', github('c0ffee'), github('c0ffee', 'Shop/API'), true],
  ['another commit', github('c0ffee'), github('decaf'), false],
  ['another repository', github('c0ffee'), github('c0ffee', 'shop/web'), false],
  ['the same AppSpec, once without its text', appSpec('a'), { ...appSpec('a'), content: null }, true],
  ['another AppSpec', appSpec('a'), appSpec('b'), false],
  [
    'AppSpecs that leave one alias at one version',
    appSpec(lambdaText(3, 5)),
    appSpec(lambdaText(4, 5)),
    true,
  ],
  ['AppSpecs of two aliases', appSpec(lambdaText(4, 5)), appSpec(lambdaText(4, 5, 'beta')), false],
  ['S3 and GitHub', s3(), github('c0ffee'), false],
] as const)('revisions are compared by content: %s', (_name, a, b, same) => {
  expect(sameRevision(a, b)).toBe(same)
  expect(sameRevision(b, a)).toBe(same)
})

test.each([
  { revisionType: 'S3', s3Location: { bucket: 'b', key: 'k', bundleType: 'tgz', version: '7', eTag: 'e' } },
  { revisionType: 'S3', s3Location: { bucket: 'b', key: 'k' } },
  { revisionType: 'GitHub', gitHubLocation: { repository: 'o/r', commitId: 'c' } },
  { revisionType: 'AppSpecContent', appSpecContent: { content: '{}' } },
  { revisionType: 'AppSpecContent', appSpecContent: { sha256: 'ab' } },
] as const)('a revision keeps everything that deploying it again needs: %j', (location) => {
  const revision = revisionOf(location)
  if (!revision) throw new Error('nothing was read')
  expect(revisionSchema.parse(revision)).toEqual(revision)
  expect(locationOf(revision)).toEqual(location)
})

test.each([
  undefined,
  {},
  { revisionType: 'S3' },
  { s3Location: { bucket: 'b' } },
  { appSpecContent: {} },
] as const)('a location that names nothing to deploy is null: %j', (location) => {
  expect(revisionOf(location)).toBeNull()
})

test('an AppSpec too long for the ledger is kept by its hash only', () => {
  const long = appSpec('x'.repeat(70_000))
  expect(long.content).toBeNull()
  expect(long.sha256).toMatch(/^[0-9a-f]{64}$/)
})

test.each([
  [ecsSpec('arn:aws:ecs:r:1:task-definition/api:7'), 'arn:aws:ecs:r:1:task-definition/api:7'],
  ['Resources:\n  - TargetService:\n      Properties:\n        TaskDefinition: api:7 # pinned\n', 'api:7'],
  ["TaskDefinition: 'api'", 'api'],
  ['TaskDefinition: a:1\nTaskDefinition: b:2', undefined],
  ['MyTaskDefinition: a:1', undefined],
  ['{}', undefined],
])('the task definition of an ECS AppSpec is read from JSON and YAML: %j', (content, found) => {
  expect(taskDefinition(appSpec(content))).toBe(found)
})

test('a Lambda AppSpec in JSON is read like one in YAML', () => {
  const json = JSON.stringify({
    Resources: [
      { f: { Properties: { Name: 'checkout', Alias: 'live', CurrentVersion: 4, TargetVersion: '5' } } },
    ],
  })
  const meaning = { name: 'checkout', alias: 'live', current: '4', target: '5' }
  expect(lambdaSpec(appSpec(json))).toEqual(meaning)
  expect(lambdaSpec(appSpec(lambdaText(4, 5)))).toEqual(meaning)
})

test('the way back of a Lambda alias starts where the alias stands, and leaves the rest of the AppSpec alone', () => {
  const back = lambdaSpecFrom(appSpec(lambdaText(7, 9)), appSpec(lambdaText(3, 4)))
  expect(back).toEqual({ spec: appSpec(lambdaText(9, 4)) })
})

test.each([
  ['another alias', lambdaText(4, 5, 'beta'), lambdaText(3, 4)],
  ['the same version', lambdaText(3, 5), lambdaText(4, 5)],
  ['no AppSpec of a Lambda', '{}', lambdaText(3, 4)],
  ['two functions', `${lambdaText(4, 5)}${lambdaText(1, 2)}`, lambdaText(3, 4)],
])('a Lambda AppSpec is not guessed: %s', (_name, live, good) => {
  expect(lambdaSpecFrom(appSpec(live), appSpec(good))).toHaveProperty('reason')
})

test('people read what a revision is', () => {
  expect(revisionLabel(s3({ version: '7' }))).toBe('s3://releases/api.zip (7)')
  expect(revisionLabel(github('c0ffeec0ffeec0ffee'))).toBe('shop/api@c0ffeec0ffee')
  expect(revisionLabel(appSpec(ecsSpec('api:7')))).toBe('AppSpec of api:7')
  expect(revisionLabel({ ...appSpec('a'), content: null })).toBe('AppSpec ca978112ca1b')
})
