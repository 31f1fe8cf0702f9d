import { memoryStorage } from '../../lib/ledger/memory.ts'
import {
  outstandingOn,
  releaseLock,
  takeLock,
  type HeldLock,
  type TakeResult,
} from '../../lib/ledger/locks.ts'
import type { Storage } from '../../lib/ledger/storage.ts'

const KEY = 'ecs/prod/api'
const T = 1_790_000_000_000
const MINUTE = 60_000
/** Reads may be behind for so long. */
const STALE_MS = 5_000
const never = async () => {
  throw new Error('nobody was to be asked')
}
const yes = async () => true
const no = async () => false

function take(
  storage: Storage,
  owner: string,
  nowMs: number,
  maySteal: (owner: string, incidentId: string) => Promise<boolean> = never,
): Promise<TakeResult> {
  return takeLock(
    storage,
    { key: KEY, owner, incidentId: `inc-${owner}`, expiresAtMs: nowMs + MINUTE, staleMs: STALE_MS },
    nowMs,
    maySteal,
  )
}

async function held(taken: Promise<TakeResult>): Promise<HeldLock> {
  const answer = await taken
  if (answer.is !== 'held') throw new Error(`the lock is ${JSON.stringify(answer)}`)
  return answer.lock
}

function release(
  storage: Storage,
  owner: string,
  lock: HeldLock,
  nowMs: number,
  outstanding = lock.outstanding,
): Promise<void> {
  return releaseLock(storage, lock, { stream: owner, incidentId: `inc-${owner}` }, nowMs, outstanding)
}

describe('a lock', () => {
  test('that nobody ever held needs no second look at the target', async () => {
    expect(await held(take(memoryStorage(), 'a', T))).toEqual({ key: KEY, token: 1, observeAgain: false })
  })

  test('that is held is busy, and says by whom and until when', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T)
    expect(await take(storage, 'b', T + 1)).toEqual({
      is: 'busy',
      owner: 'a',
      incidentId: 'inc-a',
      expiresAtMs: T + MINUTE,
    })
  })

  test('is renewed by its owner with a new token', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T)
    expect(await held(take(storage, 'a', T + 1))).toMatchObject({ token: 2, observeAgain: true })
  })

  test('is not shortened by a renewal of an older worker of its owner', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T + 10_000)
    await take(storage, 'a', T)
    expect(await take(storage, 'b', T + MINUTE + 1, never)).toMatchObject({ is: 'busy' })
  })

  test('that was given back is taken, and the target is observed again', async () => {
    const storage = memoryStorage()
    await release(storage, 'a', await held(take(storage, 'a', T)), T + 10)
    expect(await held(take(storage, 'b', T + 20))).toMatchObject({ token: 3, observeAgain: true })
  })

  test('that has been free for more than a minute needs no second look', async () => {
    const storage = memoryStorage()
    await release(storage, 'a', await held(take(storage, 'a', T)), T)
    expect(await held(take(storage, 'b', T + MINUTE + 1))).toMatchObject({ observeAgain: false })
    const other = memoryStorage()
    await release(other, 'a', await held(take(other, 'a', T)), T)
    expect(await held(take(other, 'b', T + MINUTE))).toMatchObject({ observeAgain: true })
  })

  test('that has expired is stolen only from an owner without an open intent', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T)
    const asked: string[] = []
    const refuse = async (owner: string, incidentId: string) => {
      asked.push(`${owner} of ${incidentId}`)
      return false
    }
    expect(await take(storage, 'b', T + 2 * MINUTE, refuse)).toMatchObject({ is: 'busy', owner: 'a' })
    expect(asked).toEqual(['a of inc-a'])
    expect(await held(take(storage, 'b', T + 2 * MINUTE, yes))).toMatchObject({
      token: 2,
      observeAgain: true,
    })
  })

  test('settles after a change under it, for as long as reads may be behind, whoever takes it', async () => {
    for (const next of ['a', 'b']) {
      const storage = memoryStorage()
      const lock = await held(take(storage, 'a', T))
      await release(storage, 'a', { ...lock, changedAtMs: T + 10 }, T + 20)
      const untilMs = T + 10 + STALE_MS
      expect(await take(storage, next, untilMs - 1)).toEqual({ is: 'settling', untilMs })
      // Whoever takes it and changes nothing hands the time on.
      const again = await held(take(storage, next, untilMs))
      expect(again).toMatchObject({ token: 3, changedAtMs: T + 10 })
      await release(storage, next, again, untilMs + 1)
      expect(await held(take(storage, 'c', untilMs + 2))).toMatchObject({ changedAtMs: T + 10 })
    }
  })

  test('does not settle where nothing was changed', async () => {
    const storage = memoryStorage()
    await release(storage, 'a', await held(take(storage, 'a', T)), T + 20)
    expect(await take(storage, 'b', T + 21)).toMatchObject({ is: 'held' })
  })

  test('that is stolen settles from its end on: until then its owner may have changed something', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T)
    const untilMs = T + MINUTE + STALE_MS
    expect(await take(storage, 'b', T + MINUTE, yes)).toEqual({ is: 'settling', untilMs })
    expect(await take(storage, 'b', untilMs, yes)).toMatchObject({ is: 'held' })
  })

  test('is not even asked about while it has not expired', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T)
    expect(await take(storage, 'b', T + MINUTE - 1, never)).toMatchObject({ is: 'busy' })
    expect(await take(storage, 'b', T + MINUTE, no)).toMatchObject({ is: 'busy' })
  })
})

describe('a late write', () => {
  test('of a worker whose lock was stolen gives nothing back', async () => {
    const storage = memoryStorage()
    const old = await held(take(storage, 'a', T))
    await take(storage, 'b', T + 2 * MINUTE, yes)
    await release(storage, 'a', old, T + 3 * MINUTE, { before: 6, after: 9, by: 'a' })
    expect(await take(storage, 'c', T + 2 * MINUTE + 1)).toMatchObject({ is: 'busy', owner: 'b' })
    expect(await outstandingOn(storage, KEY)).toBeUndefined()
  })

  test('of an earlier turn of the same execution gives nothing back either', async () => {
    const storage = memoryStorage()
    const old = await held(take(storage, 'a', T))
    await take(storage, 'a', T + 1)
    await release(storage, 'a', old, T + 2)
    expect(await take(storage, 'b', T + 3)).toMatchObject({ is: 'busy', owner: 'a' })
  })
})

describe('what is outstanding', () => {
  const change = { before: 6, after: 9, by: 'a' }

  test('is handed to whoever takes the lock next, and kept while it is held', async () => {
    const storage = memoryStorage()
    await release(storage, 'a', await held(take(storage, 'a', T)), T + 1, change)
    const second = await held(take(storage, 'b', T + 2))
    expect(second.outstanding).toEqual(change)
    expect(await outstandingOn(storage, KEY)).toEqual(change)
    await release(storage, 'b', second, T + 3)
    expect(await outstandingOn(storage, KEY)).toEqual(change)
  })

  test('is replaced by a release, or taken away', async () => {
    const storage = memoryStorage()
    await release(storage, 'a', await held(take(storage, 'a', T)), T + 1, change)
    const second = await held(take(storage, 'b', T + 2))
    await releaseLock(storage, second, { stream: 'b', incidentId: 'inc-b' }, T + 3, {
      before: 6,
      after: 14,
      by: 'b',
    })
    expect(await outstandingOn(storage, KEY)).toEqual({ before: 6, after: 14, by: 'b' })
    const third = await held(take(storage, 'c', T + 4))
    await releaseLock(storage, third, { stream: 'c', incidentId: 'inc-c' }, T + 5, undefined)
    expect(await outstandingOn(storage, KEY)).toBeUndefined()
  })

  test('is nothing on a target that was never changed', async () => {
    expect(await outstandingOn(memoryStorage(), KEY)).toBeUndefined()
  })
})

describe('of twenty that take at once exactly one holds', () => {
  const racers = Array.from({ length: 20 }, (_unused, index) => `racer-${index}`)

  async function race(storage: Storage, nowMs: number): Promise<void> {
    const answers = await Promise.all(racers.map((owner) => take(storage, owner, nowMs, yes)))
    const winners = racers.filter((_owner, index) => answers[index]?.is === 'held')
    expect(winners).toHaveLength(1)
    const holders = answers.flatMap((answer) => (answer.is === 'busy' ? [answer.owner] : []))
    expect(new Set(holders)).toEqual(new Set(winners))
  }

  test('a lock that never was', () => race(memoryStorage(), T))

  test('a lock that was given back', async () => {
    const storage = memoryStorage()
    await release(storage, 'a', await held(take(storage, 'a', T)), T)
    await race(storage, T + 1)
  })

  test('a lock that has expired', async () => {
    const storage = memoryStorage()
    await take(storage, 'a', T)
    await race(storage, T + 2 * MINUTE)
  })
})
