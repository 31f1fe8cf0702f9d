import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallName, Calls } from '../../lib/aws/aws.ts'
import { awsFailure } from '../../lib/aws/failure.ts'
import { READ_ATTEMPTS, sdkAws } from '../../lib/aws/sdk.ts'
import { MUTATING_CALLS } from '../../lib/aws/aws.ts'

interface Seen {
  readonly target: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

type Reply =
  | { readonly status: number; readonly body: string; readonly type?: string }
  | 'silence'
  | 'hang-up'
  | 'stall'

let server: Server
let reply: (seen: Seen) => Reply
let seen: Seen[] = []
let connections = 0
const environment = { ...process.env }

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const target = String(request.headers['x-amz-target'] ?? /Action=(\w+)/.exec(body)?.[1] ?? request.url)
      const one = { target, headers: request.headers, body }
      seen.push(one)
      const answer = reply(one)
      if (answer === 'silence') return
      if (answer === 'hang-up') request.socket.destroy()
      else if (answer === 'stall') response.writeHead(200, { 'content-length': '100' }).write('{')
      else
        response
          .writeHead(answer.status, { 'content-type': answer.type ?? 'application/json' })
          .end(answer.body)
    })
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.env['AWS_ENDPOINT_URL'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  process.env['AWS_REGION'] = 'eu-west-1'
  process.env['AWS_ACCESS_KEY_ID'] = 'process-key'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret'
})

beforeEach(() => {
  seen = []
  connections = 0
  reply = () => ({ status: 200, body: '{}' })
})

afterAll(() => {
  process.env = environment
  server.close()
  server.closeAllConnections()
})

const ERROR_500: Reply = { status: 500, body: JSON.stringify({ __type: 'ServerException', message: 'oops' }) }

/** One input for each call that changes something. */
const MUTATIONS: { readonly [K in CallName]?: Calls[K]['input'] } = {
  'application-autoscaling:DeleteScheduledAction': {
    ServiceNamespace: 'ecs',
    ScheduledActionName: 'firebreak-expiry',
    ResourceId: 'service/prod/api',
    ScalableDimension: 'ecs:service:DesiredCount',
  },
  'application-autoscaling:PutScheduledAction': {
    ServiceNamespace: 'ecs',
    ScheduledActionName: 'firebreak-expiry',
    ResourceId: 'service/prod/api',
    ScalableDimension: 'ecs:service:DesiredCount',
  },
  'application-autoscaling:RegisterScalableTarget': {
    ServiceNamespace: 'ecs',
    ResourceId: 'service/prod/api',
    ScalableDimension: 'ecs:service:DesiredCount',
    MinCapacity: 9,
  },
  'codedeploy:CreateDeployment': { applicationName: 'api' },
  'codedeploy:StopDeployment': { deploymentId: 'd-1' },
  'ecs:UpdateService': { cluster: 'prod', service: 'api', desiredCount: 9 },
  'route53:ChangeResourceRecordSets': { HostedZoneId: 'Z1', ChangeBatch: { Changes: [] } },
  'ses:SendEmail': { FromEmailAddress: 'a@example.com', Content: {} },
  'sns:Publish': { TopicArn: 'arn:aws:sns:eu-west-1:123456789012:oncall', Message: 'x' },
}

const call = (name: CallName, input: unknown) => sdkAws({ timeoutMs: 1_000 })({}).call(name, input as never)

test('every call whose verb is not a reading one is listed as changing', () => {
  const source = readFileSync(new URL('../../lib/aws/aws.ts', import.meta.url), 'utf8')
  const names = [...source.matchAll(/^ {2}'([a-z0-9-]+:[A-Za-z]+)': Call</gm)].map((match) => match[1] ?? '')
  expect(names.length).toBeGreaterThan(15)
  const changing = names.filter((name) => !/:(Describe|Get|List|BatchGet)/.test(name))
  expect([...MUTATING_CALLS].sort()).toEqual(changing.sort())
  expect(Object.keys(MUTATIONS).sort()).toEqual(changing.sort())
})

for (const [name, input] of Object.entries(MUTATIONS)) {
  test(`${name} is sent once, whether the answer is 500, throttled or lost`, async () => {
    for (const answer of [
      ERROR_500,
      { status: 429, body: '{"__type":"ThrottlingException"}' },
      'hang-up',
    ] as const) {
      seen = []
      reply = () => answer
      await expect(call(name as CallName, input)).rejects.toThrow()
      expect(seen).toHaveLength(1)
    }
  })
}

test('a read is tried three times, and its failure carries the status that decides', async () => {
  reply = () => ERROR_500
  const error: unknown = await call('ecs:DescribeServices', { services: ['api'] }).catch(
    (thrown: unknown) => thrown,
  )
  expect(seen).toHaveLength(READ_ATTEMPTS)
  expect(awsFailure(error)).toMatchObject({ name: 'ServerException', status: 500 })
})

test('a refusal is not repeated and bears the name of the exception', async () => {
  reply = () => ({
    status: 400,
    body: JSON.stringify({ __type: 'ClusterNotFoundException', message: 'no prod' }),
  })
  const error: unknown = await call('ecs:DescribeServices', { services: ['api'] }).catch(
    (thrown: unknown) => thrown,
  )
  expect(seen).toHaveLength(1)
  expect(awsFailure(error)).toMatchObject({ name: 'ClusterNotFoundException', status: 400 })
})

test.each(['silence', 'stall'] as const)(
  'a changing call that meets %s ends as unanswered, without a status',
  async (how) => {
    reply = () => how
    const aws = sdkAws({ timeoutMs: 200 })({})
    const error: unknown = await aws
      .call('ecs:UpdateService', { service: 'api' })
      .catch((thrown: unknown) => thrown)
    expect(seen).toHaveLength(1)
    expect(awsFailure(error).name).toBe('TimeoutError')
    expect(awsFailure(error).status).toBeUndefined()
  },
)

test('the execution id travels in the user agent of its own calls only, over one client', async () => {
  const awsFor = sdkAws()
  reply = () => ({ status: 200, body: '{"services":[]}' })
  for (const executionId of ['inc-aaaa-000001', 'inc-aaaa-000002', undefined]) {
    const scope = executionId === undefined ? {} : { executionId }
    await awsFor(scope).call('ecs:DescribeServices', { services: ['api'] })
    await awsFor(scope).call('ecs:UpdateService', { service: 'api' })
  }
  const agents = seen.map((one) => /firebreak\S*/.exec(String(one.headers['user-agent']))?.[0])
  expect(agents).toEqual([
    'firebreak/inc-aaaa-000001',
    'firebreak/inc-aaaa-000001',
    'firebreak/inc-aaaa-000002',
    'firebreak/inc-aaaa-000002',
    'firebreak',
    'firebreak',
  ])
  // Reads and changes of every execution went over the same connection.
  expect(connections).toBe(1)
})

test('a scope names its region, and each region has its own client', async () => {
  const awsFor = sdkAws()
  for (const region of ['us-east-2', 'ap-south-1'])
    await awsFor({ region }).call('ecs:UpdateService', { service: 'api' })
  expect(seen.map((one) => /\/\d{8}\/([^/]+)\/ecs/.exec(String(one.headers.authorization))?.[1])).toEqual([
    'us-east-2',
    'ap-south-1',
  ])
})

test('a scope names a role: it is assumed once and its credentials sign reads and changes', async () => {
  const result = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>role-key</AccessKeyId>
    <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
    </Credentials></AssumeRoleResult></AssumeRoleResponse>`
  reply = (one) =>
    one.target === 'AssumeRole'
      ? { status: 200, body: result, type: 'text/xml' }
      : { status: 200, body: '{}' }
  const aws = sdkAws()({ roleArn: 'arn:aws:iam::210987654321:role/firebreak' })
  await aws.call('ecs:DescribeServices', { services: ['api'] })
  await aws.call('ecs:UpdateService', { service: 'api' })
  await aws.call('ecs:UpdateService', { service: 'api' })
  const keys = seen.map((one) => /Credential=([^/]+)/.exec(String(one.headers.authorization))?.[1])
  expect(keys).toEqual(['process-key', 'role-key', 'role-key', 'role-key'])
  expect(seen[0]?.body).toContain('RoleSessionName=firebreak')
})

test('every call reaches the endpoint of the standard configuration', async () => {
  reply = () => ERROR_500
  const inputs: { readonly [K in CallName]?: unknown } = {
    ...MUTATIONS,
    'cloudwatch:DescribeAlarms': {},
    'ssm:GetParameter': { Name: '/firebreak/x' },
    'route53:GetChange': { Id: 'C1' },
    'codedeploy:GetDeployment': { deploymentId: 'd-1' },
  }
  for (const [name, input] of Object.entries(inputs)) {
    seen = []
    await expect(call(name as CallName, input)).rejects.toThrow()
    expect(seen.length).toBeGreaterThan(0)
  }
})
