import { sdkAws } from '../lib/aws/sdk.ts'
import { systemClock } from '../lib/clock.ts'
import { fetchHttp } from '../lib/http-fetch.ts'
import { dynamodbStorage } from '../lib/ledger/dynamodb.ts'
import { createLog, type FunctionLog } from '../lib/log.ts'
import { createMetrics, type FunctionMetrics } from '../lib/metrics.ts'
import type { App } from '../lib/ports.ts'
import type { Outbox } from '../lib/outbox.ts'
import type { Queue } from '../lib/queue.ts'
import { systemRandom } from '../lib/random.ts'
import { secretReader } from '../lib/secrets.ts'
import { readCatalogue } from './catalogue.ts'

export interface Wired {
  readonly app: App
  readonly log: FunctionLog
  readonly metrics: FunctionMetrics
}

let once: Promise<Wired> | undefined

/** Gives this process other ports: the local stack runs these very handlers on simulated ones. */
export function provide(ports: Wired): void {
  once = Promise.resolve(ports)
}

/** The real ports, made once per process from the environment that serverless.yml sets. */
export async function wired(): Promise<Wired> {
  return (once ??= wire())
}

async function wire(): Promise<Wired> {
  const log = await createLog()
  const metrics = createMetrics()
  const aws = sdkAws()
  const ports = {
    clock: systemClock,
    random: systemRandom,
    storage: dynamodbStorage({ tableName: setting('FIREBREAK_TABLE') }),
    queue: workQueue(setting('FIREBREAK_WORK_QUEUE_URL')),
    outbox: outbox(setting('FIREBREAK_OUTBOX_URL')),
    aws,
    http: fetchHttp(),
    secret: secretReader(aws({}), process.env, systemClock),
    log,
    metrics,
  }
  return { app: { ports, catalogue: readCatalogue() }, log, metrics }
}

/** SQS is first needed when a turn ends, so its client is loaded then and not before the first mitigation. */
function workQueue(url: string): Queue {
  let queue: Promise<Queue> | undefined
  return {
    async send(message, delayMs) {
      queue ??= import('../lib/queue-sqs.ts').then(({ sqsQueue }) => sqsQueue({ url }))
      await (await queue).send(message, delayMs)
    },
  }
}

/** The same for what is told to others. */
function outbox(url: string): Outbox {
  let queue: Promise<Outbox> | undefined
  return {
    async send(message, delayMs) {
      queue ??= import('../lib/queue-sqs.ts').then(({ sqsOutbox }) => sqsOutbox({ url }))
      await (await queue).send(message, delayMs)
    },
  }
}

function setting(name: string): string {
  const value = process.env[name]
  if (!value)
    throw new Error(`the environment variable ${name} is missing; serverless.yml sets it, see docs/deploy.md`)
  return value
}
