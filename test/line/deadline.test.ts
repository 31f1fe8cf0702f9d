import { advance } from '../../lib/advance.ts'
import { ingest } from '../../lib/ingest.ts'
import { countingStorage } from '../../lib/ledger/counting.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import type { TurnResult } from '../../lib/ports.ts'
import type { WorkMessage } from '../../lib/queue.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  allEntries,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'
import { effectsOf, START_AT_MS } from './world.ts'

/*
 * A turn ends when Lambda kills it. An effect may take a call's 5 s; observing before it another 5 s, and a second is kept
 * in hand. So nothing is begun with less than 11 s left, and nothing is sent with less than 6 s (CORE.md 1.4, 1.7).
 */
const ENOUGH_MS = 11_000
const TOO_LITTLE_MS = 10_999

const SCALE = '- scale_out: { ecs: api, by: 50% }'

function countedStack(steps: string) {
  const storage = countingStorage(memoryStorage())
  return { storage, stack: calmStack(catalogueOf([runbookText(steps)]), { storage }) }
}

/** The next message's turn, with so much time left. */
async function nextTurn(stack: Stack, leftMs: number): Promise<TurnResult> {
  const delivery = stack.work.receive()
  if (!delivery) throw new Error('no message is visible')
  const result = await advance(stack.app, JSON.parse(delivery.body) as WorkMessage, turnOf(stack, leftMs))
  stack.work.acknowledge(delivery)
  return result
}

/** Delays of the messages that are waiting, from now. */
const delays = (stack: Stack) => stack.work.waiting.map((one) => one.visibleAtMs - stack.account.now())

const kindsOf = async (stack: Stack) =>
  (await allEntries(stack)).filter((entry) => entry.stream !== 'incident').map((entry) => entry.kind)

describe('a first turn', () => {
  test('with too little time left records the start and begins no step; the next one goes on at once', async () => {
    const { stack, storage } = countedStack(SCALE)
    await ingest(stack.app, transition(stack.account, 'ALARM'), turnOf(stack, TOO_LITTLE_MS))
    expect(await kindsOf(stack)).toEqual(['execution.started'])
    expect(storage.operations().puts['LOCK']).toBeUndefined()
    expect(stack.account.calls.filter((call) => call.name.startsWith('ecs:'))).toEqual([])
    expect(delays(stack)).toEqual([0])
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'step.intended')).toMatchObject([{ step: 'scale_out', attempt: 1 }])
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  })

  test('with just enough acts itself', async () => {
    const { stack } = countedStack(SCALE)
    await ingest(stack.app, transition(stack.account, 'ALARM'), turnOf(stack, ENOUGH_MS))
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  })
})

describe('a turn with too little time left', () => {
  /** Between two steps, with a message for now and nothing to record. */
  async function betweenSteps() {
    const { stack, storage } = countedStack(`- wait: 1m\n${SCALE}`)
    fire(stack)
    await stack.runUntil(START_AT_MS + 59_000)
    stack.account.advance(2_000)
    // The end of the wait is a fact: the first such turn still records it.
    await nextTurn(stack, TOO_LITTLE_MS)
    return { stack, storage }
  }

  test('begins no step, writes no record, reads nothing of AWS and sends a message for now', async () => {
    const { stack, storage } = await betweenSteps()
    const [entries, calls] = [await kindsOf(stack), stack.account.calls.length]
    storage.reset()
    expect(entries).toEqual(['execution.started', 'step.waiting', 'step.waited'])
    expect(await nextTurn(stack, TOO_LITTLE_MS)).toEqual({ is: 'waiting', untilMs: stack.account.now() })
    expect(await kindsOf(stack)).toEqual(entries)
    // HEAD alone, for the sweep, should the message be lost.
    expect(storage.operations().puts).toEqual({ HEAD: 1 })
    expect(stack.account.calls).toHaveLength(calls)
    expect(delays(stack)).toEqual([0])
  })

  test('is followed by one that goes on, where it has the time', async () => {
    const { stack } = await betweenSteps()
    await nextTurn(stack, ENOUGH_MS)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
    expect(await entriesOfKind(stack, 'step.intended')).toMatchObject([{ step: 'scale_out', attempt: 1 }])
  })

  test('looks at no attempt in doubt, and leaves it to the next one', async () => {
    const { stack, storage } = countedStack(SCALE)
    let lost = false
    stack.account.onCall({
      after(call) {
        if (call.name !== 'ecs:UpdateService' || lost) return
        lost = true
        throw new Error('socket hang up')
      },
    })
    fire(stack)
    await stack.runUntil(START_AT_MS)
    const [unsettled] = await entriesOfKind(stack, 'step.unsettled')
    stack.account.advanceTo((unsettled?.observeAtMs ?? 0) + 1_000)
    const [entries, calls] = [await kindsOf(stack), stack.account.calls.length]
    storage.reset()
    expect(await nextTurn(stack, TOO_LITTLE_MS)).toEqual({ is: 'waiting', untilMs: stack.account.now() })
    expect(await kindsOf(stack)).toEqual(entries)
    expect(storage.operations().puts).toEqual({ HEAD: 1 })
    expect(stack.account.calls).toHaveLength(calls)
    expect(delays(stack)).toEqual([0])
    await nextTurn(stack, ENOUGH_MS)
    expect(await entriesOfKind(stack, 'step.applied')).toMatchObject([{ recovered: expect.any(String) }])
    expect(stack.account.count('ecs:UpdateService')).toBe(1)
  })
})

describe('an intent whose put is answered', () => {
  /** A stack whose first put of an intent takes so long to be answered. */
  function slowStack(answerMs: number): Stack {
    const memory = memoryStorage()
    let slow = true
    const storage: Storage = {
      ...memory,
      async put(item, condition) {
        const answer = await memory.put(item, condition)
        if (slow && item.body.includes('"kind":"step.intended"')) {
          slow = false
          stack.account.advance(answerMs)
        }
        return answer
      },
    }
    const stack = calmStack(catalogueOf([runbookText(SCALE)]), { storage })
    return stack
  }

  async function firstTurn(stack: Stack): Promise<void> {
    await ingest(stack.app, transition(stack.account, 'ALARM'), turnOf(stack, 30_000))
  }

  test('too late is not begun: that is on record, and the next turn takes the lock again and begins it', async () => {
    const stack = slowStack(24_001)
    await firstTurn(stack)
    expect(effectsOf(stack)).toEqual({})
    expect(await entriesOfKind(stack, 'step.retried')).toMatchObject([
      {
        step: 'scale_out',
        attempt: 1,
        reason: 'not begun: too little time was left when the intent was on record',
        retryAtMs: START_AT_MS + 24_001,
      },
    ])
    expect(delays(stack)).toEqual([0])
    await nextTurn(stack, 30_000)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
    expect(desired(stack)).toBe(9)
    const intents = await entriesOfKind(stack, 'step.intended')
    expect(intents.map((entry) => [entry.attempt, entry.locks])).toEqual([
      [1, { 'ecs/123456789012/eu-west-1/prod/api': 1 }],
      [2, { 'ecs/123456789012/eu-west-1/prod/api': 2 }],
    ])
    await play(stack, 5)
    expect(await entriesOfKind(stack, 'step.applied')).toMatchObject([{ step: 'scale_out', attempt: 2 }])
    expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'succeeded' }])
  })

  test('just in time is begun', async () => {
    const stack = slowStack(24_000)
    await firstTurn(stack)
    expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
    expect(await entriesOfKind(stack, 'step.retried')).toEqual([])
  })
})
