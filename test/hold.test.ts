import { scaleOutEcs } from '../lib/actions/scale-out-ecs.ts'
import { takeLocks } from '../lib/hold.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import { emptyStream } from '../lib/ledger/records.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import { pinnedOf } from '../lib/start.ts'
import { openSession, type Session } from '../lib/session.ts'
import { calmStack, catalogueOf, runbookText, turnOf } from './line/calm.ts'

/* Every target of today's actions has one lock; the rule for several is shown on targets that are made so. */

const catalogue = catalogueOf([runbookText('- wait: 1m')])

function sessionOf(storage: Storage, number: number): Session {
  const stack = calmStack(catalogue, { storage })
  const [runbook] = catalogue.runbooks
  if (!runbook) throw new Error('there is no runbook')
  const [incidentId, executionId] = [`inc-${number}`, `inc-${number}-a`]
  return openSession(
    stack.app,
    turnOf(stack),
    pinnedOf(catalogue, runbook),
    {
      kind: 'execution.started',
      actor: { is: 'engine', worker: 'w' },
      executionId,
      incidentId,
      key: 'k',
      runbook: 'spike',
      runbookHash: 'h',
      service: 'api',
      severity: 'sev2',
      mode: 'auto',
      occasion: { is: 'manual', by: 'ann', via: 'cli', reason: 'x', key: 'k' },
    },
    emptyStream(incidentId, executionId),
  )
}

const targetOf = (...locks: readonly string[]) => ({ locks, label: locks.join(' and ') })

/** The keys of the locks that were put, in order. */
function watched(): { readonly storage: Storage; readonly keys: string[] } {
  const [memory, keys]: [Storage, string[]] = [memoryStorage(), []]
  return {
    keys,
    storage: {
      ...memory,
      put: async (item, condition) => {
        keys.push(item.pk)
        return memory.put(item, condition)
      },
    },
  }
}

test('the locks of a target are taken in sorted order, however the target names them (G5)', async () => {
  const { storage, keys } = watched()
  const locked = await takeLocks(sessionOf(storage, 1), scaleOutEcs, targetOf('ecs/b', 'route53/c', 'ecs/a'))
  expect(keys).toEqual(['LOCK#ecs/a', 'LOCK#ecs/b', 'LOCK#route53/c'])
  expect(locked).toMatchObject({
    is: 'held',
    locks: [{ key: 'ecs/a' }, { key: 'ecs/b' }, { key: 'route53/c' }],
  })
})

test('of two executions that name the same locks in opposite order one holds both, and the other none (G5)', async () => {
  const storage = memoryStorage()
  const [one, other] = [sessionOf(storage, 1), sessionOf(storage, 2)]
  const taken = await Promise.all([
    takeLocks(one, scaleOutEcs, targetOf('ecs/a', 'ecs/b')),
    takeLocks(other, scaleOutEcs, targetOf('ecs/b', 'ecs/a')),
  ])
  expect(taken).toMatchObject([{ is: 'held' }, { is: 'busy', reason: 'ecs/a is held by inc-1-a' }])
  expect(other.releases).toEqual([])
})

test('what was taken before one that is held is given back (G5)', async () => {
  const storage = memoryStorage()
  const [one, other] = [sessionOf(storage, 1), sessionOf(storage, 2)]
  await takeLocks(one, scaleOutEcs, targetOf('ecs/b'))
  expect(await takeLocks(other, scaleOutEcs, targetOf('ecs/b', 'ecs/a'))).toEqual({
    is: 'busy',
    reason: 'ecs/b is held by inc-1-a',
  })
  expect(other.releases).toMatchObject([{ key: 'ecs/a', token: 1 }])
})
