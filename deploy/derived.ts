import type { Statement } from '../lib/actions/action.ts'
import { derivePermissions } from '../lib/iam.ts'
import { sameJson, type Json } from '../lib/json.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'

/** IAM refuses a managed policy of more than 6,144 characters; parameters are still to be filled in. */
const POLICY_SIZE = 5_000

/** A role carries at most ten managed policies (an adjustable quota). */
const MAX_POLICIES = 10

type Resources = { readonly [logicalId: string]: Json }

/**
 * The part of the CloudFormation template that follows from the runbooks: the engine's policies, which the roles carry,
 * and one EventBridge rule for each `pattern` trigger. Its text is `deploy/derived.json`, committed so that a
 * review sees which privilege a runbook adds.
 */
export function derivedFor(catalogue: Catalogue): { enginePolicyArns: readonly Json[]; resources: Json } {
  const policies = policiesOf(derivePermissions(catalogue))
  return {
    enginePolicyArns: Object.keys(policies).map((logicalId) => ({ Ref: logicalId })),
    resources: { Resources: { ...policies, ...rulesOf(catalogue) } },
  }
}

function policiesOf(statements: readonly Statement[]): Resources {
  const parts: Statement[][] = [[]]
  for (const statement of statements.flatMap(splitBySize)) {
    const part = parts.at(-1) ?? []
    if (part.length > 0 && sizeOf([...part, statement]) > POLICY_SIZE) parts.push([statement])
    else part.push(statement)
  }
  if (parts.length > MAX_POLICIES) {
    throw new Error(
      `the runbooks need ${parts.length} policies and a role carries ${MAX_POLICIES} at most: ` +
        'give services a roleArn of their own in services.yaml, or deploy two stacks',
    )
  }
  return Object.fromEntries(
    parts.map((part, i) => [
      `EnginePolicy${i + 1}`,
      {
        Type: 'AWS::IAM::ManagedPolicy',
        Metadata: { WildcardReasons: reasonsOf(part) },
        Properties: {
          Description: 'What the runbooks of this stack need; derived from them',
          PolicyDocument: { Version: '2012-10-17', Statement: part.map(rendered) },
        },
      },
    ]),
  )
}

/** A statement about very many resources is cut in half until each part fits into a policy. */
function splitBySize(statement: Statement): readonly Statement[] {
  if (statement.resources.length < 2 || sizeOf([statement]) <= POLICY_SIZE) return [statement]
  const half = Math.ceil(statement.resources.length / 2)
  return [statement.resources.slice(0, half), statement.resources.slice(half)].flatMap((resources) =>
    splitBySize({ ...statement, resources }),
  )
}

function sizeOf(statements: readonly Statement[]): number {
  return JSON.stringify(statements).length
}

function reasonsOf(statements: readonly Statement[]): Json {
  return Object.fromEntries(
    statements.flatMap(({ actions, reason }) =>
      reason === undefined ? [] : actions.map((action) => [action, reason]),
    ),
  )
}

function rendered(statement: Statement): Json {
  return {
    Effect: 'Allow',
    Action: statement.actions,
    Resource: statement.resources.map(substituted),
    ...(statement.condition === undefined ? {} : { Condition: conditionOf(statement.condition) }),
  }
}

function conditionOf(condition: NonNullable<Statement['condition']>): Json {
  return Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(keys).map(([key, value]) => [
          key,
          typeof value === 'string' ? substituted(value) : value.map(substituted),
        ]),
      ),
    ]),
  )
}

const PSEUDO_PARAMETERS: { readonly [name: string]: string } = {
  '${Partition}': '${AWS::Partition}',
  '${Region}': '${AWS::Region}',
  '${Account}': '${AWS::AccountId}',
}

/** `${Partition}`, `${Region}` and `${Account}` are the deployment's; CloudFormation has its own names for them. */
function substituted(text: string): Json {
  const filled = text.replaceAll(
    /\$\{(Partition|Region|Account)\}/g,
    (name) => PSEUDO_PARAMETERS[name] ?? name,
  )
  return filled === text ? text : { 'Fn::Sub': filled }
}

/** What `deploy/rules.yml` delivers already. */
const DELIVERED: readonly Json[] = [
  { source: ['aws.cloudwatch'], 'detail-type': ['CloudWatch Alarm State Change'] },
  { source: ['aws.codedeploy'], 'detail-type': ['CodeDeploy Deployment State-change Notification'] },
]

function rulesOf(catalogue: Catalogue): Resources {
  const patterns: { pattern: Json; runbooks: string[] }[] = []
  for (const { runbook, triggers } of catalogue.runbooks) {
    for (const trigger of triggers) {
      if (trigger.is !== 'pattern' || DELIVERED.some((pattern) => sameJson(pattern, trigger.pattern)))
        continue
      const known = patterns.find(({ pattern }) => sameJson(pattern, trigger.pattern))
      if (known) known.runbooks.push(runbook)
      else patterns.push({ pattern: trigger.pattern, runbooks: [runbook] })
    }
  }
  return Object.fromEntries(
    patterns.map(({ pattern, runbooks }, i) => [
      `PatternRule${i + 1}`,
      {
        Type: 'AWS::Events::Rule',
        Properties: {
          Description: `Triggers of ${runbooks.join(', ')}`.slice(0, 512),
          EventPattern: pattern,
          Targets: [
            {
              Id: 'signals',
              Arn: { 'Fn::GetAtt': ['SignalsQueue', 'Arn'] },
              DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['DeliveryDeadLetters', 'Arn'] } },
              RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 185 },
            },
          ],
        },
      },
    ]),
  )
}
