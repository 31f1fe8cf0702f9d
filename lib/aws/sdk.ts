import {
  CALL_TIMEOUT_MS,
  MUTATING_CALLS,
  serviceOfCall,
  type Aws,
  type AwsFor,
  type AwsScope,
  type CallName,
  type Calls,
} from './aws.ts'
import { awsFailure } from './failure.ts'
import { roleCredentials } from './role.ts'
import type { SdkClient, SdkCommand, Service, ServiceClients, Settings } from './service.ts'

export const READ_ATTEMPTS = 3

/** One import each, so that a bundle with code splitting loads a client when it is first called and not before. */
const services: { readonly [S in Service]: () => Promise<{ readonly service: ServiceClients<S> }> } = {
  'application-autoscaling': () => import('./clients/application-autoscaling.ts'),
  cloudwatch: () => import('./clients/cloudwatch.ts'),
  codedeploy: () => import('./clients/codedeploy.ts'),
  ecs: () => import('./clients/ecs.ts'),
  elasticloadbalancing: () => import('./clients/elasticloadbalancing.ts'),
  lambda: () => import('./clients/lambda.ts'),
  route53: () => import('./clients/route53.ts'),
  ses: () => import('./clients/ses.ts'),
  sns: () => import('./clients/sns.ts'),
  ssm: () => import('./clients/ssm.ts'),
}

export interface SdkOptions {
  /** How long a changing call may take in all, and one attempt of a read; `CALL_TIMEOUT_MS` by default. */
  readonly timeoutMs?: number
}

interface Connected {
  readonly commands: { readonly [name: string]: new (input: never) => SdkCommand }
  /** Retries. */
  readonly reader: SdkClient
  /** Never retries. Shares the reader's connections and credentials. */
  readonly writer: SdkClient
}

/**
 * The real `AwsFor`: standard SDK configuration (`AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>`, profile, region), one
 * client per service, region and role. Make one per process and keep it.
 */
export function sdkAws(options: SdkOptions = {}): AwsFor {
  const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS
  const connected = new Map<string, Promise<Connected>>()

  function connect(service: Service, scope: AwsScope): Promise<Connected> {
    const key = JSON.stringify([service, scope.region, scope.roleArn])
    const known = connected.get(key)
    if (known) return known
    const connecting = connectTo(service, scope, timeoutMs)
    connected.set(key, connecting)
    return connecting
  }

  return (scope): Aws => ({
    async call<K extends CallName>(name: K, input: Calls[K]['input']): Promise<Calls[K]['output']> {
      const { commands, reader, writer } = await connect(serviceOfCall(name) as Service, scope)
      const Command = commands[name]
      if (!Command)
        throw new Error(
          `${name} is not among the commands of lib/aws/clients/${serviceOfCall(name) as Service}.ts`,
        )
      const command = new Command(input as never)
      nameExecution(command, scope.executionId)
      const changes = MUTATING_CALLS.has(name)
      // Reads share their time over the attempts: an observation must end well within the lease.
      const allMs = changes ? timeoutMs : 2 * timeoutMs
      const abortSignal = AbortSignal.timeout(allMs)
      try {
        return await (changes ? writer : reader).send(command, { abortSignal })
      } catch (error) {
        if (!abortSignal.aborted || awsFailure(error).status !== undefined) throw error
        const unanswered = new Error(`${name} was not answered within ${allMs} ms`, { cause: error })
        unanswered.name = 'TimeoutError'
        throw unanswered
      }
    },
  })
}

async function connectTo(name: Service, scope: AwsScope, timeoutMs: number): Promise<Connected> {
  const { service } = await services[name]()
  const settings: Settings = {
    ...(scope.region === undefined ? {} : { region: scope.region }),
    retryMode: 'standard',
    requestHandler: {
      // Half of it, so that an address that does not answer leaves time for another attempt.
      connectionTimeout: timeoutMs / 2,
      requestTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      // Without it the SDK only warns and goes on waiting.
      throwOnRequestTimeout: true,
    },
  }
  const reads = { ...settings, maxAttempts: READ_ATTEMPTS }
  const own = service.connect(reads)
  const reader =
    scope.roleArn === undefined
      ? own
      : service.connect({
          ...reads,
          // The role is assumed with what the standard configuration finds.
          credentials: roleCredentials(scope.roleArn, { ...reads, credentials: own.config.credentials }),
        })
  const { requestHandler, credentials } = reader.config
  const writer = service.connect({ ...settings, requestHandler, credentials, maxAttempts: 1 })
  return { commands: service.commands, reader, writer }
}

/** The user agent is set on the command, since the clients serve every execution. CloudTrail records it. */
function nameExecution(command: SdkCommand, executionId: string | undefined): void {
  command.middlewareStack.add(
    (next, context) => (args) => {
      const product: [string, string?] =
        executionId === undefined ? ['firebreak'] : ['firebreak', executionId]
      context.userAgent = [...(context.userAgent ?? []), product]
      return next(args)
    },
    { step: 'initialize', name: 'firebreakUserAgent' },
  )
}
