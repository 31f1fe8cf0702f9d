import { readdirSync, readFileSync } from 'node:fs'
import {
  blockedBy,
  drainIntoUnhealthy,
  interlocks,
  scaleIntoDeployment,
  secondDrain,
  secondRollback,
} from '../lib/interlocks.ts'
import { calmStack, catalogueOf, entriesOfKind, fire, play, runbookText } from './line/calm.ts'
import { effectsOf } from './line/world.ts'

const ROOT = new URL('../', import.meta.url)
const service = { label: 'ECS service prod/api', controller: 'CODE_DEPLOY', taskSets: 2 }
const other = (healthy: boolean | null) => ({ set: 'stable', healthy })

test.each([
  ['a blue/green deployment of CodeDeploy is active', service, 'refused'],
  ['no deployment is active', { ...service, taskSets: 1 }, undefined],
  ['ECS itself rolls, and spreads the tasks over both', { ...service, controller: 'ECS' }, undefined],
])('scale-into-deployment: %s', (_when, facts, expected) => {
  expect(scaleIntoDeployment.check(facts)?.is).toBe(expected)
})

test.each([
  ['the rest is drained already', { serving: [], drained: ['stable'] }, 'second-drain refused'],
  ['there is no rest', { serving: [], drained: [] }, 'second-drain refused'],
  ['the rest is unhealthy', { serving: [other(false)], drained: ['old'] }, 'drain-into-unhealthy refused'],
  [
    'whether the rest is healthy is not known',
    { serving: [other(false), other(null)], drained: [] },
    'drain-into-unhealthy human',
  ],
  ['one healthy place is left', { serving: [other(false), other(true)], drained: ['old'] }, undefined],
])('a drain: %s', (_when, facts, expected) => {
  const blocked = blockedBy([secondDrain, drainIntoUnhealthy], facts)
  expect(blocked && `${blocked.interlock} ${blocked.is}`).toBe(expected)
})

test.each([
  ['to what is asked for', true, undefined],
  ['to something else', false, 'human'],
])('second-rollback: the one under way leads %s', (_where, leadsThere, expected) => {
  expect(secondRollback.check({ deploymentId: 'd-1', leadsThere, to: 'd-0' })?.is).toBe(expected)
})

test('each is asked by some plan, and stands in the documents with its sentence', () => {
  const folders = ['actions', 'codedeploy', 'ecs', 'route53']
  const texts = folders.flatMap((folder) =>
    readdirSync(new URL(`lib/${folder}/`, ROOT)).map((file) =>
      readFileSync(new URL(`lib/${folder}/${file}`, ROOT), 'utf8'),
    ),
  )
  const docs = readFileSync(new URL('docs/actions.md', ROOT), 'utf8')
  const unused = interlocks.filter(({ id }) => {
    const name = id.replaceAll(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())
    return !texts.some((text) => new RegExp(`blockedBy\\([^)]*\\b${name}\\b`, 's').test(text))
  })
  expect(unused.map(({ id }) => id)).toEqual([])
  for (const { id, statement } of interlocks) expect(docs).toContain(`| \`${id}\` | ${statement} |`)
})

test('one that speaks is on record as the place of the refusal, and nothing is changed', async () => {
  const stack = calmStack(catalogueOf([runbookText('- route53_weight: { record: canary, weight: 0 }')]))
  const records = stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records ?? []
  for (const record of records) if (record.SetIdentifier !== 'canary' && record.Weight) record.Weight = 0
  fire(stack)
  await play(stack, 5)
  expect(effectsOf(stack)).toEqual({})
  expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
    { code: 'refused', place: 'interlock second-drain', reason: expect.stringContaining('weight 0 too') },
  ])
})
