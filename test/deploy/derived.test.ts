import { readFileSync } from 'node:fs'
import { derivedFor } from '../../deploy/derived.ts'
import { generatedFiles } from '../../deploy/generated.ts'
import { readCatalogue } from '../../handlers/catalogue.ts'
import type { Catalogue, Trigger } from '../../lib/runbook/runbook.ts'

const shipped = readCatalogue()

interface Resource {
  readonly Type: string
  readonly Properties: { readonly [name: string]: unknown }
}

function resourcesOf(catalogue: Catalogue): { readonly [id: string]: Resource } {
  const { resources } = derivedFor(catalogue) as unknown as {
    resources: { Resources: { [id: string]: Resource } }
  }
  return resources.Resources
}

test.each(generatedFiles())('$path is up to date (else: npm run gen)', ({ path, text }) => {
  expect(readFileSync(path, 'utf8')).toBe(text)
})

test('the placeholders of a permission become those of CloudFormation', () => {
  const text = JSON.stringify(derivedFor(shipped))
  expect(text).toContain('{"Fn::Sub":"arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/')
  expect(text).not.toMatch(/\$\{(Partition|Region|Account)\}/)
})

test('permissions that do not fit into one policy go into several, and none is lost', () => {
  const many = Array.from({ length: 150 }, (_, i) => `${'service'.padEnd(40, 'x')}${i}`)
  const [runbook] = shipped.runbooks
  if (!runbook?.service) throw new Error('the shipped runbook is needed')
  const service = shipped.services[runbook.service]
  if (!service?.ecs) throw new Error('its service is needed')
  const catalogue: Catalogue = {
    ...shipped,
    runbooks: many.map((name) => ({
      ...runbook,
      runbook: name,
      service: name,
      steps: runbook.steps.slice(0, 1),
    })),
    services: Object.fromEntries(
      many.map((name) => [name, { ...service, name, ecs: { cluster: 'prod', service: name } }]),
    ),
  }
  const policies = Object.values(
    resourcesOf({ ...catalogue, runbooks: catalogue.runbooks.map(withOwnService) }),
  )
  expect(policies.length).toBeGreaterThan(1)
  for (const { Properties } of policies)
    expect(JSON.stringify(Properties['PolicyDocument']).length).toBeLessThan(6_144)
  const all = JSON.stringify(policies)
  expect(many.filter((name) => !all.includes(`service/prod/${name}"`))).toEqual([])
})

/** The shipped runbook's first step names its service in its parameters. */
function withOwnService(runbook: Catalogue['runbooks'][number]): Catalogue['runbooks'][number] {
  const steps = JSON.parse(
    JSON.stringify(runbook.steps).replaceAll('"api"', JSON.stringify(runbook.service)),
  ) as typeof runbook.steps
  return { ...runbook, steps }
}

test('more permissions than a role can carry are refused with what to do', () => {
  const team = { name: 'sre', channels: [] }
  const topics = Array.from({ length: 1_500 }, (_, i) => `arn:aws:sns:eu-west-1:123456789012:topic-${i}`)
  const catalogue: Catalogue = {
    ...shipped,
    teams: { sre: { ...team, channels: topics.map((topicArn) => ({ is: 'sns', topicArn }) as const) } },
  }
  expect(() => derivedFor(catalogue)).toThrow('give services a roleArn of their own')
})

test('each pattern of a trigger has one rule, what is delivered anyway has none', () => {
  const pattern = (source: string): Trigger => ({ is: 'pattern', pattern: { source: [source] } })
  const delivered: Trigger = {
    is: 'pattern',
    pattern: { 'detail-type': ['CloudWatch Alarm State Change'], source: ['aws.cloudwatch'] },
  }
  const [runbook] = shipped.runbooks
  if (!runbook) throw new Error('a runbook is needed')
  const runbooks = [
    { ...runbook, runbook: 'one', triggers: [pattern('aws.health'), delivered] },
    { ...runbook, runbook: 'two', triggers: [pattern('aws.health'), pattern('aws.guardduty')] },
  ]
  const rules = Object.values(resourcesOf({ ...shipped, runbooks })).filter(
    ({ Type }) => Type === 'AWS::Events::Rule',
  )
  expect(rules.map(({ Properties }) => [Properties['Description'], Properties['EventPattern']])).toEqual([
    ['Triggers of one, two', { source: ['aws.health'] }],
    ['Triggers of two', { source: ['aws.guardduty'] }],
  ])
})
