import { tableDefinition } from '../../lib/ledger/dynamodb-table.ts'
import { METRICS } from '../../lib/metrics.ts'
import {
  ACCOUNT,
  arnOf,
  ofType,
  packagedTemplate,
  REGION,
  resolvedTemplate,
  STACK,
  type Template,
  type Value,
} from './template.ts'

// Reads what `npm run package` made: run by .ci/run after it.

const template = resolvedTemplate()
const functions = ofType(template, 'AWS::Lambda::Function')
const roles = ofType(template, 'AWS::IAM::Role')

function properties(logicalId: string, of: Template = template): { readonly [name: string]: Value } {
  const found = of.Resources[logicalId]
  if (!found) throw new Error(`the template has no ${logicalId}`)
  return found.Properties
}

test('there are six functions, on the newest Node and arm64', () => {
  expect(functions.map(([id]) => id).sort()).toEqual([
    'AdvanceLambdaFunction',
    'CommandLambdaFunction',
    'HttpLambdaFunction',
    'IngestLambdaFunction',
    'OutboxLambdaFunction',
    'SweepLambdaFunction',
  ])
  for (const [, { Properties }] of functions) {
    expect(Properties['Runtime']).toBe('nodejs24.x')
    expect(Properties['Architectures']).toEqual(['arm64'])
  }
})

test('each function has a role of its own, which only Lambda may assume', () => {
  const used = functions.map(([, { Properties }]) => String(Properties['Role']))
  expect(new Set(used).size).toBe(functions.length)
  expect([...used].sort()).toEqual(roles.map(([id]) => arnOf(id)).sort())
  for (const [, { Properties }] of roles) {
    expect(Properties['AssumeRolePolicyDocument'].Statement).toEqual([
      { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    ])
  }
})

/** Every policy statement that allows something to somebody, with where it stands. */
function statements(of: Template = template): readonly { place: string; statement: Value }[] {
  const inline = ofType(of, 'AWS::IAM::Role').flatMap(([id, { Properties }]) =>
    (Properties['Policies'] as readonly Value[]).flatMap(({ PolicyDocument }) =>
      PolicyDocument.Statement.map((statement: Value) => ({ place: id, statement })),
    ),
  )
  const managed = ofType(of, 'AWS::IAM::ManagedPolicy').flatMap(([id, { Properties }]) =>
    Properties['PolicyDocument'].Statement.map((statement: Value) => ({ place: id, statement })),
  )
  return [...inline, ...managed]
}

const listed = (value: Value): readonly string[] => (Array.isArray(value) ? value : [value])

/** A log group's ARN always ends in `:*`: that means its streams. */
const isWide = ({ Resource }: Value) =>
  listed(Resource).some((resource) => resource.replace(/^(arn:aws:logs:.*):\*$/, '$1').includes('*'))

test('a wildcard in a resource stands only where AWS offers nothing narrower, each time with its reason', () => {
  const reasons = new Map<string, string>()
  const policies = [...ofType(template, 'AWS::IAM::ManagedPolicy'), ...ofType(template, 'AWS::IAM::Role')]
  for (const [id, { Metadata }] of policies) {
    for (const [action, reason] of Object.entries(Metadata?.WildcardReasons ?? {}))
      reasons.set(`${id} ${action}`, String(reason))
  }
  const wildcards = statements()
    .filter(({ statement }) => isWide(statement))
    .flatMap(({ place, statement }) => listed(statement.Action).map((action) => `${place} ${action}`))
  expect(wildcards.filter((wildcard) => !reasons.get(wildcard))).toEqual([])
  expect([...reasons.keys()].sort()).toEqual([...wildcards].sort())
})

test('no statement allows a pattern of actions, or anything to everybody', () => {
  for (const { statement } of statements()) {
    expect(listed(statement.Action).filter((action) => action.includes('*'))).toEqual([])
    expect(statement).not.toHaveProperty('NotAction')
    expect(statement).not.toHaveProperty('NotResource')
  }
})

test('no function may update or delete an item of the table (G8)', () => {
  const actions = statements().flatMap(({ statement }) => listed(statement.Action))
  expect(new Set(actions.filter((action) => action.startsWith('dynamodb:')))).toEqual(
    new Set([
      ...['PutItem', 'GetItem', 'Query'].map((action) => `dynamodb:${action}`),
      // Of the stream of the table, which tells what was put.
      ...['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map(
        (action) => `dynamodb:${action}`,
      ),
    ]),
  )
})

test('the table is the one that the ledger knows, and outlives the stack', () => {
  const table = template.Resources['Table']
  expect(table?.Properties).toMatchObject({
    ...tableDefinition,
    BillingMode: 'PAY_PER_REQUEST',
    DeletionProtectionEnabled: true,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
  })
  expect(table).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' })
})

test('with a key of your own the table uses it, and each role may use it through DynamoDB only', () => {
  const TableKeyArn = `arn:aws:kms:${REGION}:${ACCOUNT}:key/11111111-2222-3333-4444-555555555555`
  const keyed = resolvedTemplate({ TableKeyArn })
  expect(properties('Table', keyed)['SSESpecification'].KMSMasterKeyId).toBe(TableKeyArn)
  const uses = statements(keyed).filter(({ statement }) => listed(statement.Action).includes('kms:Decrypt'))
  expect(uses.map(({ place }) => place).sort()).toEqual(roles.map(([id]) => id).sort())
  for (const { statement } of uses) {
    expect(statement.Resource).toBe(TableKeyArn)
    expect(statement.Condition).toEqual({
      StringEquals: { 'kms:ViaService': `dynamodb.${REGION}.amazonaws.com` },
    })
  }
  expect(statements().flatMap(({ statement }) => listed(statement.Action))).not.toContain('kms:Decrypt')
})

test.each([
  ['SignalsQueue', 'SignalsDeadLetters', 'IngestLambdaFunction'],
  ['WorkQueue', 'WorkDeadLetters', 'AdvanceLambdaFunction'],
])(
  '%s feeds its function message by message and keeps what cannot be taken',
  (queue, deadLetters, consumer) => {
    expect(properties(queue)['RedrivePolicy']).toEqual({
      deadLetterTargetArn: arnOf(deadLetters),
      maxReceiveCount: 5,
    })
    expect(properties(queue)['VisibilityTimeout']).toBeGreaterThanOrEqual(6 * properties(consumer)['Timeout'])
    const mappings = ofType(template, 'AWS::Lambda::EventSourceMapping').map(
      ([, mapping]) => mapping.Properties,
    )
    expect(mappings.filter((mapping) => mapping['EventSourceArn'] === arnOf(queue))).toMatchObject([
      { FunctionName: arnOf(consumer), FunctionResponseTypes: ['ReportBatchItemFailures'] },
    ])
  },
)

test('every queue is encrypted, and every dead letter is kept for 14 days and alarmed on', () => {
  const queues = ofType(template, 'AWS::SQS::Queue')
  expect(queues.filter(([, { Properties }]) => !Properties['SqsManagedSseEnabled'])).toEqual([])
  const deadLetters = queues.map(([id]) => id).filter((id) => id.endsWith('DeadLetters'))
  expect(deadLetters).toHaveLength(4)
  for (const id of deadLetters) {
    expect(properties(id)['MessageRetentionPeriod']).toBe(14 * 24 * 3600)
    expect(properties(`${id}Alarm`)).toMatchObject({
      Namespace: 'AWS/SQS',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: id }],
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    })
  }
})

test('overdue executions, and a sweep that publishes nothing, raise an alarm', () => {
  const alarm = properties('OverdueAlarm')
  expect(Object.keys(METRICS)).toContain(alarm['MetricName'])
  expect(alarm).toMatchObject({ TreatMissingData: 'breaching', Threshold: 1 })
  const environment = properties('SweepLambdaFunction')['Environment'].Variables
  expect(environment['POWERTOOLS_METRICS_NAMESPACE']).toBe(alarm['Namespace'])
  expect(alarm['Dimensions']).toEqual([{ Name: 'service', Value: environment['POWERTOOLS_SERVICE_NAME'] }])
})

test('every alarm tells the topic that is given, and none without one', () => {
  const AlarmTopicArn = `arn:aws:sns:${REGION}:${ACCOUNT}:pagers`
  const told = ofType(resolvedTemplate({ AlarmTopicArn }), 'AWS::CloudWatch::Alarm')
  expect(told).toHaveLength(5)
  for (const [, { Properties }] of told) expect(Properties['AlarmActions']).toEqual([AlarmTopicArn])
  for (const [, { Properties }] of ofType(template, 'AWS::CloudWatch::Alarm')) {
    expect(Properties).not.toHaveProperty('AlarmActions')
  }
})

test('a permission boundary that is given bounds every role', () => {
  const PermissionsBoundaryArn = `arn:aws:iam::${ACCOUNT}:policy/boundary`
  for (const [, { Properties }] of ofType(resolvedTemplate({ PermissionsBoundaryArn }), 'AWS::IAM::Role')) {
    expect(Properties['PermissionsBoundary']).toBe(PermissionsBoundaryArn)
  }
  for (const [, { Properties }] of roles) expect(Properties).not.toHaveProperty('PermissionsBoundary')
})

test('every rule on events delivers to the signals queue and keeps what could not be delivered', () => {
  const rules = ofType(template, 'AWS::Events::Rule').filter(
    ([, { Properties }]) => Properties['EventPattern'],
  )
  expect(rules.map(([, { Properties }]) => Properties['EventPattern'])).toEqual(
    expect.arrayContaining([
      { source: ['aws.cloudwatch'], 'detail-type': ['CloudWatch Alarm State Change'] },
      { source: ['aws.codedeploy'], 'detail-type': ['CodeDeploy Deployment State-change Notification'] },
    ]),
  )
  for (const [, { Properties }] of rules) {
    expect(Properties['Targets']).toMatchObject([
      { Arn: arnOf('SignalsQueue'), DeadLetterConfig: { Arn: arnOf('DeliveryDeadLetters') } },
    ])
  }
})

test.each(['SignalsQueue', 'DeliveryDeadLetters'])('only rules of this stack may send to %s', (queue) => {
  expect(properties(`${queue}Policy`)['PolicyDocument'].Statement).toEqual([
    {
      Effect: 'Allow',
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: arnOf(queue),
      Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:events:${REGION}:${ACCOUNT}:rule/${STACK}-*` } },
    },
  ])
})

test('alarms of this account may call the ingest function themselves, and what it fails to take is kept', () => {
  expect(properties('AlarmPermission')).toMatchObject({
    FunctionName: arnOf('IngestLambdaFunction'),
    Principal: 'lambda.alarms.cloudwatch.amazonaws.com',
    SourceAccount: ACCOUNT,
  })
  expect(properties('IngestLambdaFunction')['DeadLetterConfig']).toEqual({
    TargetArn: arnOf('SignalsDeadLetters'),
  })
})

test('the sweep runs each minute and is not repeated', () => {
  const schedules = ofType(template, 'AWS::Events::Rule').filter(
    ([, { Properties }]) => Properties['ScheduleExpression'],
  )
  expect(schedules.map(([, { Properties }]) => Properties)).toMatchObject([
    { ScheduleExpression: 'rate(1 minute)', Targets: [{ Arn: arnOf('SweepLambdaFunction') }] },
  ])
  expect(
    ofType(template, 'AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => Properties),
  ).toMatchObject([{ MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60 }])
})

test('every function logs to a group of its own with a retention, and may write to no other', () => {
  const groups = ofType(template, 'AWS::Logs::LogGroup')
  // The API has one as well, into which API Gateway writes.
  expect(groups).toHaveLength(functions.length + 1)
  for (const [, { Properties }] of groups) expect(Properties['RetentionInDays']).toBe(90)
  const writes = statements().filter(({ statement }) =>
    listed(statement.Action).includes('logs:PutLogEvents'),
  )
  expect(new Map(writes.map(({ place, statement }) => [place, statement.Resource]))).toEqual(
    new Map(
      ['Advance', 'Command', 'Http', 'Ingest', 'Outbox', 'Sweep'].map((name) => [
        `${name}Role`,
        arnOf(`${name}LogGroup`),
      ]),
    ),
  )
  expect(writes).toHaveLength(functions.length)
})

/** Each route of the API, and who may come through. */
function routesOf(parameters: { readonly [name: string]: string } = {}) {
  return Object.fromEntries(
    ofType(resolvedTemplate(parameters), 'AWS::ApiGatewayV2::Route').map(([, { Properties }]) => [
      Properties['RouteKey'],
      [Properties['AuthorizationType'], Properties['AuthorizerId']]
        .filter((one) => one !== undefined)
        .join(' '),
    ]),
  )
}

test('the API takes signed requests unless something else is said, and leaves what no browser and no chat can sign to its function', () => {
  // Which asks for a token, a signed link, or the signature of Slack: test/web/page.test.ts, test/slack/signature.test.ts.
  const open = { $default: 'NONE' }
  // Its function asks everybody else for a token: test/web/access.test.ts.
  const tokens = { ...open, 'POST /v1/signals': 'NONE' }
  expect(routesOf()).toEqual({ ...tokens, 'ANY /v1/{proxy+}': 'AWS_IAM' })
  expect(routesOf({ ApiAuth: 'token' })).toEqual({ ...tokens, 'ANY /v1/{proxy+}': 'NONE' })
  expect(ofType(template, 'AWS::ApiGatewayV2::Authorizer')).toEqual([])
  const ApiJwtIssuer = 'https://idp.example.com/'
  const jwt = { ApiAuth: 'jwt', ApiJwtIssuer, ApiJwtAudience: 'firebreak,ops' }
  expect(routesOf(jwt)).toEqual({ ...tokens, 'ANY /v1/{proxy+}': 'JWT ApiAuthorizer' })
  expect(properties('ApiAuthorizer', resolvedTemplate(jwt))).toMatchObject({
    IdentitySource: ['$request.header.Authorization'],
    JwtConfiguration: { Issuer: ApiJwtIssuer, Audience: ['firebreak', 'ops'] },
  })
})

test('the API invokes its function and nothing else, in the format that it reads, and is throttled and logged', () => {
  expect(properties('ApiIntegration')).toMatchObject({
    IntegrationUri: arnOf('HttpLambdaFunction'),
    PayloadFormatVersion: '2.0',
  })
  expect(properties('ApiPermission')).toMatchObject({
    FunctionName: arnOf('HttpLambdaFunction'),
    SourceArn: `arn:aws:execute-api:${REGION}:${ACCOUNT}:Api/*`,
  })
  const { DefaultRouteSettings, AccessLogSettings } = properties('ApiStage')
  expect(DefaultRouteSettings.ThrottlingRateLimit).toBeGreaterThan(0)
  expect(AccessLogSettings.DestinationArn).toBe(arnOf('ApiLogGroup'))
  expect(JSON.parse(AccessLogSettings.Format)).toHaveProperty('requestId', '$context.requestId')
})

test('beside what services.yaml says the template names no account, so that it can be made without credentials', () => {
  const own = Object.entries(packagedTemplate().Resources).filter(([id]) => !id.startsWith('EnginePolicy'))
  expect(JSON.stringify(own).match(/\b\d{12}\b/)).toBeNull()
})
