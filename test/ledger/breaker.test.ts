import {
  askBreaker,
  closeBreaker,
  COOL_OFF_MS,
  MAX_COOL_OFF_MS,
  noteOutage,
  OPENS_AFTER,
  WINDOW_MS,
} from '../../lib/ledger/breaker.ts'
import { countingStorage } from '../../lib/ledger/counting.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import type { Storage } from '../../lib/ledger/storage.ts'

const KEY = 'ecs/123456789012/eu-west-1'
const T = 1_000_000
const met = (by: string) => ({ by, reason: 'no answer' })
const asks = (by: string, atMs: number) => ({ by, untilMs: atMs + 32_000 })

async function opened(storage: Storage = memoryStorage()): Promise<Storage> {
  for (let count = 0; count < OPENS_AFTER; count++) await noteOutage(storage, KEY, met('a'), T)
  return storage
}

test('opens after as many outages within the window, and not before', async () => {
  const storage = memoryStorage()
  expect(await noteOutage(storage, KEY, met('a'), T)).toEqual({ is: 'closed' })
  expect(await noteOutage(storage, KEY, met('b'), T + 1)).toEqual({ is: 'closed' })
  expect(await noteOutage(storage, KEY, met('c'), T + 2)).toEqual({
    is: 'open',
    sinceMs: T + 2,
    untilMs: T + 2 + COOL_OFF_MS,
    reason: 'no answer',
  })
})

test('outages that are further apart than the window never open it', async () => {
  const storage = memoryStorage()
  for (let count = 0; count < 10; count++)
    expect(await noteOutage(storage, KEY, met('a'), T + count * WINDOW_MS)).toEqual({ is: 'closed' })
})

test('of twenty that ask at once after the cool-off exactly one may probe', async () => {
  const storage = await opened()
  const atMs = T + COOL_OFF_MS
  const answers = await Promise.all(
    Array.from({ length: 20 }, async (_each, index) =>
      askBreaker(storage, KEY, asks(`e-${index}`, atMs), atMs),
    ),
  )
  expect(answers.filter((answer) => answer.is === 'probe')).toHaveLength(1)
  expect(answers.filter((answer) => answer.is === 'open')).toHaveLength(19)
})

test('nobody probes before the cool-off, and another may where the one that probed never answered', async () => {
  const storage = await opened()
  expect(await askBreaker(storage, KEY, asks('a', T), T + COOL_OFF_MS - 1)).toMatchObject({ is: 'open' })
  const atMs = T + COOL_OFF_MS
  expect(await askBreaker(storage, KEY, asks('a', atMs), atMs)).toEqual({ is: 'probe' })
  expect(await askBreaker(storage, KEY, asks('b', atMs), atMs + 31_999)).toMatchObject({
    is: 'open',
    untilMs: atMs + 32_000,
  })
  expect(await askBreaker(storage, KEY, asks('b', atMs), atMs + 32_000)).toEqual({ is: 'probe' })
})

test('a probe that fails doubles the cool-off, up to a limit', async () => {
  const storage = await opened()
  const waits: number[] = []
  let atMs = T + COOL_OFF_MS
  for (let count = 0; count < 5; count++) {
    await askBreaker(storage, KEY, asks('a', atMs), atMs)
    const answer = await noteOutage(storage, KEY, met('a'), atMs)
    if (answer.is !== 'open') throw new Error('it must be open')
    waits.push(answer.untilMs - atMs)
    atMs = answer.untilMs
  }
  expect(waits).toEqual([60_000, 120_000, MAX_COOL_OFF_MS, MAX_COOL_OFF_MS, MAX_COOL_OFF_MS])
})

test('a probe that succeeds closes it for everybody', async () => {
  const storage = await opened()
  await closeBreaker(storage, KEY)
  expect(await askBreaker(storage, KEY, asks('b', T), T)).toEqual({ is: 'closed' })
  expect(await noteOutage(storage, KEY, met('b'), T)).toEqual({ is: 'closed' })
})

test('outages that are met at once are all counted', async () => {
  const storage = memoryStorage()
  const answers = await Promise.all(
    Array.from({ length: OPENS_AFTER }, async (_each, index) =>
      noteOutage(storage, KEY, met(`e-${index}`), T),
    ),
  )
  expect(answers.filter((answer) => answer.is === 'open')).toHaveLength(1)
})

test('while it is open further outages and questions write nothing', async () => {
  const storage = countingStorage(memoryStorage())
  await opened(storage)
  storage.reset()
  await noteOutage(storage, KEY, met('b'), T + 1)
  await askBreaker(storage, KEY, asks('b', T + 1), T + 1)
  expect(storage.operations().puts).toEqual({})
})
