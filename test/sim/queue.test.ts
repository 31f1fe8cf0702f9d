import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { MAX_DELAY_MS } from '../../lib/queue.ts'
import { MAX_RECEIVES, simQueue, type SimQueue, type Stored } from '../../sim/queue.ts'

/** A queue that hides a message for a minute, on a clock that the test sets. */
function clocked(saved: readonly Stored[] = []): { readonly queue: SimQueue; readonly at: { ms: number } } {
  const at = { ms: 0 }
  return { queue: simQueue({ name: 'work', now: () => at.ms, visibilityMs: 60_000, saved }), at }
}

const bodies = (messages: readonly Stored[]) => messages.map(({ body }) => body)

/** Everything that can be received now. */
function drain(queue: SimQueue): readonly Stored[] {
  const received: Stored[] = []
  for (let one = queue.receive(); one; one = queue.receive()) received.push(one)
  return received
}

describe('a delay', () => {
  test.each([
    [0, 0],
    [1, 1_000],
    [1_000, 1_000],
    [1_001, 2_000],
    [899_001, 900_000],
    [900_000, 900_000],
  ])('of %d ms hides the message for %d ms: whole seconds, rounded up', (delayMs, hiddenMs) => {
    const { queue, at } = clocked()
    at.ms = 250
    queue.send('a', delayMs)
    expect(queue.nextAtMs()).toBe(250 + hiddenMs)
    at.ms = 250 + hiddenMs - 1
    expect(queue.receive()).toBeUndefined()
    at.ms = 250 + hiddenMs
    expect(queue.receive()?.body).toBe('a')
  })

  test.each([900_001, 3_600_000, -1, Number.NaN, Infinity])('of %d ms is refused', (delayMs) => {
    const { queue } = clocked()
    expect(() => queue.send('a', delayMs)).toThrow(
      `SQS delays a message by 0 to 900000 ms, not by ${delayMs}`,
    )
    expect(queue.waiting).toEqual([])
  })

  test('of as much as the product ever asks for is allowed', () => {
    const { queue, at } = clocked()
    queue.send('a', MAX_DELAY_MS)
    at.ms = 900_000
    expect(queue.receive()?.body).toBe('a')
  })
})

test('of several visible messages the one that became visible first comes first, and of two at once the first sent', () => {
  const { queue, at } = clocked()
  queue.send('late', 5_000)
  queue.send('soon', 2_000)
  queue.send('soon too', 2_000)
  queue.send('now')
  at.ms = 10_000
  expect(bodies(drain(queue))).toEqual(['now', 'soon', 'soon too', 'late'])
})

test('a received message is hidden for the visibility timeout, then comes again with a higher count and another receipt', () => {
  const { queue, at } = clocked()
  queue.send('a')
  const first = queue.receive()
  expect(first).toMatchObject({ body: 'a', receiveCount: 1 })
  expect(first?.record.attributes.ApproximateReceiveCount).toBe('1')
  expect(queue.nextAtMs()).toBe(60_000)
  at.ms = 59_999
  expect(queue.receive()).toBeUndefined()
  at.ms = 60_000
  const second = queue.receive()
  expect(second).toMatchObject({ messageId: first?.messageId, body: 'a', receiveCount: 2 })
  expect(second?.record.attributes.ApproximateReceiveCount).toBe('2')
  expect(second?.record.receiptHandle).not.toBe(first?.record.receiptHandle)
})

test('what was redelivered comes behind what was waiting all the while', () => {
  const { queue, at } = clocked()
  queue.send('failed')
  queue.receive()
  queue.send('waiting', 30_000)
  at.ms = 60_000
  expect(bodies(drain(queue))).toEqual(['waiting', 'failed'])
})

describe('an acknowledgement', () => {
  const receive = (queue: SimQueue): Stored => {
    const delivery = queue.receive()
    if (!delivery) throw new Error('nothing is visible')
    return delivery
  }

  test('removes its message and no other', () => {
    const { queue, at } = clocked()
    queue.send('a')
    queue.send('b')
    queue.acknowledge(receive(queue))
    at.ms = 60_000
    expect(bodies(drain(queue))).toEqual(['b'])
    expect(queue.deadLetters).toEqual([])
  })

  test('that comes when the message is visible again, and nobody has received it yet, still removes it', () => {
    const { queue, at } = clocked()
    queue.send('a')
    const slow = receive(queue)
    at.ms = 90_000
    queue.acknowledge(slow)
    expect(queue.receive()).toBeUndefined()
    expect(queue.waiting).toEqual([])
  })

  test('by an old receipt removes nothing: whoever received the message since still has it', () => {
    const { queue, at } = clocked()
    queue.send('a')
    const slow = receive(queue)
    at.ms = 60_000
    const second = receive(queue)
    queue.acknowledge(slow)
    expect(bodies(queue.waiting)).toEqual(['a'])
    queue.acknowledge(second)
    expect(queue.waiting).toEqual([])
  })
})

test('what was received five times and never acknowledged is a dead letter, and holds up nobody', () => {
  const { queue, at } = clocked()
  queue.send('poison')
  for (const ms of [0, 60_000, 120_000, 180_000, 240_000]) {
    at.ms = ms
    expect(queue.receive()?.body).toBe('poison')
  }
  expect(queue.deadLetters).toEqual([])
  queue.send('behind it', 60_000)
  at.ms = 300_000
  expect(bodies(drain(queue))).toEqual(['behind it'])
  expect(queue.deadLetters).toMatchObject([{ body: 'poison', receiveCount: 5 }])
  at.ms = 600_000
  expect(bodies(drain(queue))).toEqual(['behind it'])
})

test('a queue that was kept goes on with its counts and times, and gives none of its ids again', () => {
  const { queue, at } = clocked()
  queue.send('a')
  queue.send('b', 5_000)
  queue.receive()
  const kept = clocked(queue.waiting)
  kept.at.ms = at.ms = 60_000
  expect(drain(kept.queue)).toMatchObject([
    { body: 'b', receiveCount: 1 },
    { body: 'a', receiveCount: 2 },
  ])
  expect(queue.waiting.map(({ messageId }) => messageId)).not.toContain(kept.queue.send('c'))
})

test('dead letters come after as many receives as in the deployed stack', () => {
  const text = readFileSync(new URL('../../deploy/queues.yml', import.meta.url), 'utf8')
  const { Resources: resources } = parse(text, { logLevel: 'error' }) as {
    readonly Resources: {
      readonly [name: string]: {
        readonly Properties: { readonly RedrivePolicy?: { readonly maxReceiveCount: number } }
      }
    }
  }
  const deployed = Object.entries(resources).flatMap(
    ([
      name,
      {
        Properties: { RedrivePolicy: policy },
      },
    ]) => (policy ? [[name, policy.maxReceiveCount]] : []),
  )
  expect(deployed).toEqual([
    ['SignalsQueue', MAX_RECEIVES],
    ['WorkQueue', MAX_RECEIVES],
    ['Outbox', MAX_RECEIVES],
  ])
})

test('a message in flight can be made visible before its time: its old receipt then deletes nothing', () => {
  const { queue, at } = clocked()
  queue.send('a')
  const first = queue.receive()
  if (!first) throw new Error('nothing was received')
  at.ms = 1_000
  queue.release(first)
  const second = queue.receive()
  expect(second).toMatchObject({ messageId: first.messageId, receiveCount: 2 })
  // What is over stays over: the message is in flight under another receipt by now.
  queue.release(first)
  expect(queue.receive()).toBeUndefined()
  queue.acknowledge(first)
  expect(queue.waiting).toHaveLength(1)
})
