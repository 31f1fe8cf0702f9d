import { sdkAws } from '../lib/aws/sdk.ts'
import { systemClock } from '../lib/clock.ts'
import { fetchHttp } from '../lib/http-fetch.ts'
import { dynamodbStorage } from '../lib/ledger/dynamodb.ts'
import { createLog, type FunctionLog } from '../lib/log.ts'
import { createMetrics, type FunctionMetrics } from '../lib/metrics.ts'
import type { App } from '../lib/ports.ts'
import { sqsQueue } from '../lib/queue-sqs.ts'
import { systemRandom } from '../lib/random.ts'
import { secretReader } from '../lib/secrets.ts'
import { catalogue } from './catalogue.ts'

export interface Wired {
  readonly app: App
  readonly log: FunctionLog
  readonly metrics: FunctionMetrics
}

let once: Promise<Wired> | undefined

/** The real ports, made once per process from the environment that serverless.yml sets. */
export async function wired(): Promise<Wired> {
  return (once ??= wire())
}

async function wire(): Promise<Wired> {
  const [log, metrics] = await Promise.all([createLog(), createMetrics()])
  const aws = sdkAws()
  const ports = {
    clock: systemClock,
    random: systemRandom,
    storage: dynamodbStorage({ tableName: setting('FIREBREAK_TABLE') }),
    queue: sqsQueue({ url: setting('FIREBREAK_WORK_QUEUE_URL') }),
    aws,
    http: fetchHttp(),
    secret: secretReader(aws({}), process.env, systemClock),
    log,
    metrics,
  }
  return { app: { ports, catalogue }, log, metrics }
}

function setting(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`the environment variable ${name} is missing; serverless.yml sets it, see docs/deploy.md`)
  return value
}
