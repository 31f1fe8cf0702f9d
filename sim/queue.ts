import { MAX_DELAY_MS } from '../lib/queue.ts'

/**
 * A queue with SQS's semantics on a virtual clock: at least once, delay, visibility, receive count, dead letters. Plain
 * data beside a few functions, so that a local stack can keep it on disk.
 */
export interface SimQueue {
  /** Throws where SQS would refuse the delay. */
  send(body: string, delayMs?: number): string
  /** The next visible message, now in flight for the visibility timeout; `undefined` where none is visible. */
  receive(): Delivery | undefined
  /** Done with: gone for ever, unless it was received again since, for an old receipt deletes nothing. */
  acknowledge(delivery: Stored): void
  /** Makes what is in flight visible before its time: SQS delivers at least once. */
  release(delivery: Stored): void
  /** When the next message becomes visible; `undefined` while there is none. */
  nextAtMs(): number | undefined
  readonly waiting: readonly Stored[]
  readonly deadLetters: readonly Stored[]
}

export interface Stored {
  readonly messageId: string
  readonly body: string
  readonly visibleAtMs: number
  readonly receiveCount: number
}

export interface Delivery extends Stored {
  /** SQS's record, as Lambda hands it to a function. */
  readonly record: {
    readonly messageId: string
    readonly receiptHandle: string
    readonly body: string
    readonly attributes: { readonly ApproximateReceiveCount: string; readonly SentTimestamp: string }
    readonly messageAttributes: Record<string, never>
    readonly eventSource: 'aws:sqs'
    readonly eventSourceARN: string
    readonly awsRegion: string
  }
}

export interface SimQueueOptions {
  readonly name: string
  readonly now: () => number
  /** At least six times the function's timeout, as AWS advises. */
  readonly visibilityMs: number
  readonly saved?: readonly Stored[]
}

/** As deployed (deploy/queues.yml): what was received so often and not acknowledged is a dead letter. */
export const MAX_RECEIVES = 5

export function simQueue(options: SimQueueOptions): SimQueue {
  let waiting: Stored[] = [...(options.saved ?? [])]
  const deadLetters: Stored[] = []
  // Ids go on after the highest one that was kept.
  let count = Math.max(0, ...waiting.map((one) => Number(one.messageId.split('-').at(-1))))
  const soonest = () =>
    waiting.reduce<Stored | undefined>(
      (best, one) => (best && best.visibleAtMs <= one.visibleAtMs ? best : one),
      undefined,
    )
  return {
    get waiting() {
      return waiting
    },
    deadLetters,
    send(body, delayMs = 0) {
      if (!(delayMs >= 0 && delayMs <= MAX_DELAY_MS))
        throw new RangeError(`SQS delays a message by 0 to ${MAX_DELAY_MS} ms, not by ${delayMs}`)
      const messageId = `${options.name}-${++count}`
      waiting.push({
        messageId,
        body,
        visibleAtMs: options.now() + Math.ceil(delayMs / 1_000) * 1_000,
        receiveCount: 0,
      })
      return messageId
    },
    receive() {
      const message = soonest()
      if (!message || message.visibleAtMs > options.now()) return undefined
      const received = {
        ...message,
        visibleAtMs: options.now() + options.visibilityMs,
        receiveCount: message.receiveCount + 1,
      }
      waiting = waiting.filter((one) => one !== message)
      if (received.receiveCount > MAX_RECEIVES) {
        deadLetters.push(message)
        return this.receive()
      }
      waiting.push(received)
      return { ...received, record: recordOf(options.name, received) }
    },
    acknowledge({ messageId, receiveCount }) {
      waiting = waiting.filter((one) => one.messageId !== messageId || one.receiveCount !== receiveCount)
    },
    release({ messageId, receiveCount }) {
      waiting = waiting.map((one) =>
        one.messageId === messageId && one.receiveCount === receiveCount
          ? { ...one, visibleAtMs: Math.min(one.visibleAtMs, options.now()) }
          : one,
      )
    },
    nextAtMs() {
      return soonest()?.visibleAtMs
    },
  }
}

function recordOf(queue: string, message: Stored): Delivery['record'] {
  return {
    messageId: message.messageId,
    receiptHandle: `${message.messageId}#${message.receiveCount}`,
    body: message.body,
    attributes: { ApproximateReceiveCount: String(message.receiveCount), SentTimestamp: '0' },
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: `arn:aws:sqs:eu-west-1:123456789012:${queue}`,
    awsRegion: 'eu-west-1',
  }
}
