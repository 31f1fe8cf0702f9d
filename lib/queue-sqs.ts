import { SendMessageCommand, SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs'
import { describe } from './errors.ts'
import type { Outbox } from './outbox.ts'
import { MAX_DELAY_MS, type Queue } from './queue.ts'

export interface SqsOptions {
  readonly url: string
  /** Beside the standard SDK configuration (`AWS_ENDPOINT_URL_SQS`, profile, region). */
  readonly client?: SQSClientConfig
}

/**
 * A message sent twice is one wake too many and does no harm, so the SDK may repeat it. Three attempts of 1.5 s end
 * within the 5 s that a worker keeps in hand, as the ledger's do.
 */
const timing = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 1_500,
    socketTimeout: 1_500,
    throwOnRequestTimeout: true,
  },
} satisfies SQSClientConfig

/** The work queue on a standard SQS queue. Throws where SQS refuses or does not answer; the message may then be there. */
export function sqsQueue(options: SqsOptions): Queue {
  const client = new SQSClient({ ...timing, ...options.client })
  return {
    async send(message, delayMs) {
      try {
        await client.send(
          new SendMessageCommand({
            QueueUrl: options.url,
            MessageBody: JSON.stringify(message),
            DelaySeconds: delaySeconds(delayMs),
            // On a standard queue this orders nothing: it keeps one incident's storm from delaying the others (docs/adr/0037).
            MessageGroupId: message.incidentId,
          }),
        )
      } catch (error) {
        throw new Error(
          `the wake for ${message.stream} of ${message.incidentId} was not confirmed by SQS: ${describe(error)}`,
          { cause: error },
        )
      }
    },
  }
}

/** Rounded up, since a message that comes early finds nothing due and is lost; SQS counts in whole seconds, 900 at most. */
function delaySeconds(delayMs: number): number {
  return Math.ceil(Math.min(Math.max(delayMs, 0), MAX_DELAY_MS) / 1_000)
}

/** The outbox's queue: who is told late is told all the same, and what comes twice says nothing twice. Throws as the work queue does. */
export function sqsOutbox(options: SqsOptions): Outbox {
  const client = new SQSClient({ ...timing, ...options.client })
  return {
    async send(message, delayMs) {
      await client.send(
        new SendMessageCommand({
          QueueUrl: options.url,
          MessageBody: JSON.stringify(message),
          DelaySeconds: delaySeconds(delayMs),
        }),
      )
    },
  }
}
