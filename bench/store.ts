import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { dynamodbStorage } from '../lib/ledger/dynamodb.ts'
import type { Item, Storage } from '../lib/ledger/storage.ts'
import { embeddedClient } from '../sim/dynamodb-endpoint.ts'

const TABLE = 'firebreak-bench'

export interface Store {
  readonly storage: Storage
  readonly endpoint: string
  readonly tableName: string
  close(): Promise<void>
}

/** An embedded DynamoDB in memory, in a process of its own, with an empty table. Its client has the SDK's 50 sockets. */
export async function startStore(): Promise<Store> {
  const child = fork(fileURLToPath(new URL('./store-process.ts', import.meta.url)), [TABLE], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    // The test runner's flags are not for it.
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
    execArgv: [],
  })
  const ended = once(child, 'exit')
  const endpoint = await Promise.race([
    once(child, 'message').then(([first]) => String(first)),
    ended.then(([code]) => {
      throw new Error(`the embedded DynamoDB ended with ${String(code)} before it was ready`)
    }),
  ])
  return {
    storage: dynamodbStorage({ tableName: TABLE, client: embeddedClient(endpoint) }),
    endpoint,
    tableName: TABLE,
    async close() {
      child.disconnect()
      await ended
    },
  }
}

/**
 * A part of a store that nothing else touches: keys bear a mark, so that every run begins on nothing and all runs share
 * one table. It costs a concatenation a call.
 */
export function partOf(storage: Storage, part: string): Storage {
  const mark = `~${part}`
  const unmarked = (item: Item): Item => ({ ...item, pk: item.pk.slice(0, -mark.length) })
  return {
    async put(item, condition) {
      const answer = await storage.put({ ...item, pk: item.pk + mark }, condition)
      return answer.is === 'put' ? answer : { is: 'conflict', existing: unmarked(answer.existing) }
    },
    async get(pk, sk) {
      const item = await storage.get(pk + mark, sk)
      return item && unmarked(item)
    },
    query: async (pk, prefix) => (await storage.query(pk + mark, prefix)).map(unmarked),
    dueBefore: storage.dueBefore,
    listed: storage.listed,
  }
}
