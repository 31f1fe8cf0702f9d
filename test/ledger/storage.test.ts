import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { countingStorage } from '../../lib/ledger/counting.ts'
import { dynamodbStorage, dynamodbTiming } from '../../lib/ledger/dynamodb.ts'
import { createTable } from '../../lib/ledger/dynamodb-table.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import { StorageError, type Item } from '../../lib/ledger/storage.ts'
import { startEmbeddedDynamodb } from '../../sim/dynamodb.ts'
import { testStorage } from './storage-conformance.ts'

const LOCAL = { region: 'local', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
const ABSENT = { is: 'absent' } as const

async function onEmbedded(folder?: string) {
  const embedded = await startEmbeddedDynamodb(folder === undefined ? {} : { folder })
  const client = { ...LOCAL, endpoint: embedded.endpoint }
  await createTable(new DynamoDBClient(client), 'firebreak')
  return {
    storage: dynamodbStorage({ client, tableName: 'firebreak' }),
    endpoint: embedded.endpoint,
    close: embedded.close,
  }
}

testStorage('the memory storage', async () => ({ storage: memoryStorage() }))
testStorage('the DynamoDB storage on the embedded DynamoDB', () => onEmbedded())
testStorage('a counting storage', async () => ({ storage: countingStorage(memoryStorage()) }))

describe('the memory storage beside the conformance suite', () => {
  const item: Item = { pk: 'INC#1', sk: 'REC#e#0', body: 'x', recordId: 'r1' }

  test('a fault before the effect leaves nothing, a fault after it leaves the item', async () => {
    let fail: 'before' | 'after' | undefined
    const storage = memoryStorage({
      before: () => {
        if (fail === 'before') throw new StorageError('request lost')
      },
      after: () => {
        if (fail === 'after') throw new StorageError('answer lost')
      },
    })
    fail = 'before'
    await expect(storage.put(item, ABSENT)).rejects.toThrow('request lost')
    fail = undefined
    expect(await storage.get('INC#1', 'REC#e#0')).toBeUndefined()
    fail = 'after'
    await expect(storage.put(item, ABSENT)).rejects.toThrow('answer lost')
    fail = undefined
    expect(await storage.get('INC#1', 'REC#e#0')).toEqual(item)
  })

  test('with an index lag only the index reads are late', async () => {
    let nowMs = 1_000
    const storage = memoryStorage({ indexLag: { clock: { now: () => nowMs }, lagMs: 500 } })
    const due = { shard: 'd', atMs: 1 }
    await storage.put({ ...item, version: 1, due }, ABSENT)
    expect(await storage.get('INC#1', 'REC#e#0')).toBeDefined()
    expect(await storage.dueBefore('d', 10, 10)).toEqual([])
    nowMs = 1_500
    expect(await storage.dueBefore('d', 10, 10)).toHaveLength(1)
    await storage.put({ ...item, version: 2 }, { is: 'version', equals: 1 })
    expect(await storage.dueBefore('d', 10, 10)).toHaveLength(1)
    nowMs = 2_000
    expect(await storage.dueBefore('d', 10, 10)).toEqual([])
  })
})

test('a counting storage counts by kind, conflicts apart', async () => {
  const storage = countingStorage(memoryStorage())
  await storage.put({ pk: 'INC#1', sk: 'REC#e#0', body: '' }, ABSENT)
  await storage.put({ pk: 'INC#1', sk: 'REC#e#0', body: '' }, ABSENT)
  await storage.put({ pk: 'INC#1', sk: 'HEAD#e', body: '' }, ABSENT)
  await storage.put({ pk: 'LOCK#ecs/prod/api', sk: 'LOCK', body: '' }, ABSENT)
  await storage.get('CONTROL', 'PAUSE')
  await storage.query('INC#1', 'REC#')
  await storage.dueBefore('d', 0, 1)
  await storage.listed('l', 1)
  expect(storage.operations()).toEqual({
    puts: { REC: 2, HEAD: 1, LOCK: 1 },
    conflicts: { REC: 1 },
    gets: { CONTROL: 1 },
    queries: { 'INC REC': 1 },
    due: 1,
    listed: 1,
  })
  storage.reset()
  expect(storage.operations().puts).toEqual({})
})

describe('the DynamoDB storage against an endpoint that misbehaves', () => {
  let server: Server
  let answer: (target: string, body: string) => { status: number; body: string } | 'silence' | undefined
  const targets: string[] = []
  let endpoint: string

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk) => (text += String(chunk)))
      request.on('end', () => {
        const target = String(request.headers['x-amz-target']).split('.')[1] ?? ''
        targets.push(target)
        const reply = answer(target, text)
        if (reply === 'silence') return
        if (reply)
          response.writeHead(reply.status, { 'content-type': 'application/x-amz-json-1.0' }).end(reply.body)
        else request.socket.destroy()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    targets.length = 0
  })
  afterAll(() => {
    server.close()
    server.closeAllConnections()
  })

  const item: Item = { pk: 'INC#1', sk: 'REC#e#0', body: 'x', recordId: 'r1' }
  const storage = () => dynamodbStorage({ client: { ...LOCAL, endpoint }, tableName: 'firebreak' })

  test('an answer that never comes is a storage error after three attempts, whose outcome is unknown', async () => {
    answer = () => undefined
    const put = storage().put(item, ABSENT)
    await expect(put).rejects.toThrow(StorageError)
    await expect(put).rejects.toThrow('INC#1 REC#e#0')
    expect(targets).toEqual(['PutItem', 'PutItem', 'PutItem'])
  })

  test('an endpoint that accepts and stays silent is given up, not waited for', async () => {
    answer = () => 'silence'
    const requestHandler = { ...dynamodbTiming.requestHandler, requestTimeout: 50, socketTimeout: 0 }
    const client = { ...LOCAL, endpoint, requestHandler }
    const put = dynamodbStorage({ client, tableName: 'firebreak' }).put(item, ABSENT)
    await expect(put).rejects.toThrow(/TimeoutError/)
    expect(targets).toHaveLength(3)
  })

  const refused = (existing?: object) => ({
    status: 400,
    body: JSON.stringify({
      __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
      message: 'failed',
      ...(existing === undefined ? {} : { Item: existing }),
    }),
  })

  test.each([true, false])(
    'a put that the SDK repeated after a lost answer recognises its own item (returned with the refusal: %s)',
    async (isReturned) => {
      let stored: object | undefined
      answer = (target, body) => {
        if (target === 'GetItem') return { status: 200, body: JSON.stringify({ Item: stored }) }
        if (stored) return refused(isReturned ? stored : undefined)
        stored = (JSON.parse(body) as { Item: object }).Item
        return undefined
      }
      expect(await storage().put(item, ABSENT)).toEqual({ is: 'put' })
      expect(targets).toEqual(['PutItem', 'PutItem', ...(isReturned ? [] : ['GetItem'])])
      // Whoever puts the very same once more has not put it.
      expect(await storage().put(item, ABSENT)).toEqual({ is: 'conflict', existing: item })
    },
  )

  test('an item that stood in the way of a repeated put is a conflict', async () => {
    const existing = { pk: { S: 'INC#1' }, sk: { S: 'REC#e#0' }, body: { S: 'x' }, recordId: { S: 'r1' } }
    let asked = 0
    answer = () => (asked++ === 0 ? undefined : refused(existing))
    expect(await storage().put(item, ABSENT)).toEqual({ is: 'conflict', existing: item })
    // The endpoint returned the item, so no read was needed.
    expect(targets).toEqual(['PutItem', 'PutItem'])
  })

  test('a refusal names the item and what DynamoDB said', async () => {
    answer = () => ({
      status: 400,
      body: JSON.stringify({ __type: 'x#AccessDeniedException', message: 'not you' }),
    })
    await expect(storage().get('INC#1', 'HEAD#e')).rejects.toThrow(
      /get "INC#1 HEAD#e": AccessDeniedException: not you/,
    )
    expect(targets).toEqual(['GetItem'])
  })

  test('an item of another application is named, not misread', async () => {
    answer = () => ({
      status: 200,
      body: JSON.stringify({ Item: { pk: { S: 'a' }, sk: { S: 'b' }, blob: { S: 'c' } } }),
    })
    await expect(storage().get('a', 'b')).rejects.toThrow('attributes: pk, sk, blob')
  })
})

describe('the embedded DynamoDB', () => {
  test('on disk it keeps what was put over a restart, and creating the table again is harmless', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-'))
    try {
      const item: Item = { pk: 'INC#1', sk: 'REC#e#0', body: 'kept' }
      const first = await onEmbedded(folder)
      await first.storage.put(item, ABSENT)
      await first.close()
      const second = await onEmbedded(folder)
      expect(await second.storage.get('INC#1', 'REC#e#0')).toEqual(item)
      await second.close()
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('a folder that is open already is refused with what to do, before anything else', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-'))
    const first = await onEmbedded(folder)
    try {
      await expect(startEmbeddedDynamodb({ folder })).rejects.toThrow(
        /another process has it open: stop that one/,
      )
      await expect(startEmbeddedDynamodb({ port: Number(new URL(first.endpoint).port) })).rejects.toThrow(
        /EADDRINUSE/,
      )
    } finally {
      await first.close()
      await rm(folder, { recursive: true })
    }
  })

  test('it survives a client that dies in the middle of a request', async () => {
    const embedded = await onEmbedded()
    const port = Number(new URL(embedded.endpoint).port)
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"half', () => {
          socket.resetAndDestroy()
          resolve()
        })
      })
      socket.on('error', () => {})
    })
    expect(await embedded.storage.put({ pk: 'INC#1', sk: 'REC#e#0', body: '' }, ABSENT)).toEqual({
      is: 'put',
    })
    await embedded.close()
  })
})
