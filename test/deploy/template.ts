import { existsSync, readFileSync } from 'node:fs'

/** Where `npm run package` puts it. */
const TEMPLATE = '.serverless/cloudformation-template-update-stack.json'

export const ACCOUNT = '123456789012'
export const REGION = 'eu-west-1'
export const STACK = 'firebreak-dev'

// oxlint-disable-next-line no-explicit-any -- a template is as deep as CloudFormation is; the tests compare what they read
export type Value = any

export interface Resource {
  readonly Type: string
  readonly Properties: { readonly [name: string]: Value }
  readonly [attribute: string]: Value
}

export interface Template {
  readonly Parameters: { readonly [name: string]: Value }
  readonly Conditions: { readonly [name: string]: Value }
  readonly Resources: { readonly [logicalId: string]: Resource }
}

/** The template as it was packaged, with CloudFormation's functions in it. */
export function packagedTemplate(): Template {
  if (!existsSync(TEMPLATE)) throw new Error(`${TEMPLATE} is missing: run \`npm run package\` first`)
  return JSON.parse(readFileSync(TEMPLATE, 'utf8')) as Template
}

/**
 * The template as CloudFormation would read it, with these parameters: references become the name or ARN that the
 * resource would have (its logical id stands for what AWS makes up).
 */
export function resolvedTemplate(parameters: { readonly [name: string]: string } = {}): Template {
  const template = packagedTemplate()
  const values = Object.fromEntries(
    Object.entries(template.Parameters).map(([name, { Default }]) => [
      name,
      parameters[name] ?? String(Default),
    ]),
  )
  const scope = { template, values }
  const made = Object.entries(template.Resources).filter(
    ([, { Condition }]) => Condition === undefined || holds(template.Conditions[Condition], scope),
  )
  return { ...template, Resources: resolve(Object.fromEntries(made), scope) }
}

export function ofType(template: Template, type: string): readonly (readonly [string, Resource])[] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type)
}

interface Scope {
  readonly template: Template
  readonly values: { readonly [parameter: string]: string }
}

const NOTHING = Symbol('AWS::NoValue')

function resolve(value: Value, scope: Scope): Value {
  if (Array.isArray(value))
    return value.map((item) => resolve(item, scope)).filter((item) => item !== NOTHING)
  if (typeof value !== 'object' || value === null) return value
  const [[name, inner] = ['', undefined], ...others] = Object.entries(value)
  if (others.length === 0) {
    if (name === 'Ref') return ref(inner as string, scope)
    if (name === 'Fn::GetAtt') return attribute(inner as readonly string[], scope)
    if (name === 'Fn::Sub')
      return (inner as string).replaceAll(/\$\{([^}]+)\}/g, (_, to: string) => substitute(to, scope))
    if (name === 'Fn::Join')
      return (inner as Value)[1].map((part: Value) => resolve(part, scope)).join((inner as Value)[0])
    if (name === 'Fn::If') {
      const [condition, then, otherwise] = inner as readonly Value[]
      return resolve(holds(scope.template.Conditions[condition as string], scope) ? then : otherwise, scope)
    }
    if (name === 'Fn::Split')
      return String(resolve((inner as Value)[1], scope)).split((inner as Value)[0] as string)
    if (name.startsWith('Fn::')) throw new Error(`${name} is new to this test: teach it`)
  }
  const entries = Object.entries(value).map(([key, item]) => [key, resolve(item, scope)] as const)
  return Object.fromEntries(entries.filter(([, item]) => item !== NOTHING))
}

/** A condition of the template, which compares parameters. */
function holds(condition: Value, scope: Scope): boolean {
  const [[name, inner] = ['', []]] = Object.entries(condition ?? {}) as [string, Value][]
  if (name === 'Fn::Not') return !holds(inner[0], scope)
  if (name === 'Fn::Equals') return resolve(inner[0], scope) === resolve(inner[1], scope)
  throw new Error(`the condition ${JSON.stringify(condition)} is new to this test: teach it`)
}

function ref(name: string, { template, values }: Scope): Value {
  if (name === 'AWS::NoValue') return NOTHING
  const pseudo: { readonly [name: string]: string } = {
    'AWS::AccountId': ACCOUNT,
    'AWS::Region': REGION,
    'AWS::Partition': 'aws',
    'AWS::StackName': STACK,
    'AWS::URLSuffix': 'amazonaws.com',
  }
  const known = pseudo[name] ?? values[name]
  if (known !== undefined) return known
  if (!template.Resources[name])
    throw new Error(`Ref ${name}: the template has no such parameter or resource`)
  return name
}

const ARNS: { readonly [type: string]: (name: string) => string } = {
  'AWS::DynamoDB::Table': (name) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`,
  'AWS::SQS::Queue': (name) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`,
  'AWS::Lambda::Function': (name) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`,
  'AWS::Logs::LogGroup': (name) => `arn:aws:logs:${REGION}:${ACCOUNT}:log-group:${name}:*`,
  'AWS::IAM::Role': (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
  'AWS::Events::Rule': (name) => `arn:aws:events:${REGION}:${ACCOUNT}:rule/${name}`,
  'AWS::S3::Bucket': (name) => `arn:aws:s3:::${name}`,
}

/** The ARN that `Fn::GetAtt` gives, with the logical id for the name. */
export function arnOf(logicalId: string, template: Template = packagedTemplate()): string {
  const type = template.Resources[logicalId]?.Type ?? 'a resource that is missing'
  const arn = ARNS[type]
  if (!arn) throw new Error(`the ARN of ${logicalId} (${type}) is new to this test: teach it`)
  return arn(logicalId)
}

function attribute([logicalId = '', name = '']: readonly string[], { template }: Scope): string {
  return name === 'Arn' ? arnOf(logicalId, template) : logicalId
}

function substitute(to: string, scope: Scope): string {
  const [logicalId = '', name] = to.split('.')
  return name === undefined ? String(ref(logicalId, scope)) : attribute([logicalId, name], scope)
}
