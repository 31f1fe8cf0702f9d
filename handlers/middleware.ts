import middy, { type MiddlewareObj, type Request } from '@middy/core'
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { describe } from '../lib/errors.ts'
import type { App, Turn } from '../lib/ports.ts'
import { wired, type Wired } from './wiring.ts'

/** What one invocation knows beside its event. */
export interface Invocation extends Wired {
  /** Who works, and until when. Each call names a worker of its own, so that two messages of a batch cannot be taken for one. */
  turn(): Turn
}

type Handle<Event, Result> = (event: Event, invocation: Invocation) => Promise<Result>

/**
 * What all functions have in common: ports wired once per process, log lines that bear the request's id, errors in the
 * log, metrics written at the end. Whatever the handler throws is thrown on: Lambda then knows that the event is not
 * done with.
 */
export function lambda<Event, Result>(
  handle: Handle<Event, Result>,
): (event: Event, context: Context) => Promise<Result> {
  // Without this, middy would answer just before the deadline and Lambda would freeze, not kill, what is still under way;
  // thawed by the next invocation, it would go on acting after its lease has ended (CORE.md 1.4).
  const options = { timeoutEarlyInMillis: 0 }
  const run = async (event: Event, context: Context): Promise<Result> => {
    const app = await wired()
    return handle(event, { ...app, turn: () => turnOf(app.app, context) })
  }
  return middy(run, options).use(telemetry<Event, Result>())
}

function telemetry<Event, Result>(): MiddlewareObj<Event, Result> {
  return {
    before: async (request: Request<Event, Result>) =>
      (await wired()).log.begin(request.context.awsRequestId),
    after: async () => (await wired()).metrics.flush(),
    onError: async (request: Request<Event, Result>) => {
      const { log, metrics } = await wired()
      log.error(`the invocation failed: ${describe(request.error)}`, { error: request.error })
      await metrics.flush()
    },
  }
}

function turnOf(app: App, context: Context): Turn {
  return {
    workerId: app.ports.random.id(),
    deadlineMs: app.ports.clock.now() + context.getRemainingTimeInMillis(),
  }
}

/**
 * Handles every record of a batch, all at the same time, and reports those that threw, so that only they are delivered
 * again. It returns when the last one has ended: nothing may be left running in a frozen process.
 */
export async function eachRecord(
  event: SQSEvent,
  { log }: Invocation,
  handle: (record: SQSRecord) => Promise<unknown>,
): Promise<SQSBatchResponse> {
  const results = await Promise.allSettled(event.Records.map(async (record) => handle(record)))
  const failed = event.Records.filter((record, i) => {
    const result = results[i]
    if (result?.status !== 'rejected') return false
    log.error(
      `message ${record.messageId} was not taken and will be delivered again: ${describe(result.reason)}`,
      {
        error: result.reason,
        receiveCount: record.attributes.ApproximateReceiveCount,
      },
    )
    return true
  })
  return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) }
}
