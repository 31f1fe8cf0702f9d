import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dynamodbStorage } from '../../lib/ledger/dynamodb.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import type { Condition, Item, PutResult, Storage } from '../../lib/ledger/storage.ts'
import { embeddedClient } from '../../sim/dynamodb-endpoint.ts'
import { prepareTable, startEmbeddedDynamodb } from '../../sim/dynamodb.ts'
import { singleFaults } from '../../sim/proof/exhaustive.ts'
import { FAULTS, faultsAt, randomFaults, type Fault } from '../../sim/proof/faults.ts'
import { diceOf } from '../../sim/proof/dice.ts'
import { putTwice } from '../../sim/proof/put-twice.ts'

/* The put that a client repeats because its answer was lost: the proof's fault, held to what DynamoDB's client does. */

interface Subject {
  readonly storage: Storage
  /** A put of which the first answer is lost; `between` happens before the client sends it again. */
  putRepeated(item: Item, condition: Condition, between: () => Promise<unknown>): Promise<PutResult>
  close(): Promise<void>
}

async function ofTheProof(): Promise<Subject> {
  const storage = memoryStorage()
  return {
    storage,
    putRepeated: (item, condition, between) =>
      putTwice(storage, item, condition, async () => void (await between())),
    close: async () => {},
  }
}

/** DynamoDB's client, over a way on which one answer is lost when its request has been carried out. */
async function ofDynamodb(): Promise<Subject> {
  const database = await startEmbeddedDynamodb()
  await prepareTable(database.endpoint, 'firebreak')
  let loseAnswer: (() => Promise<unknown>) | undefined
  const way = createServer((request, response) => {
    const chunks: Buffer[] = []
    const carryOut = async () => {
      const target = String(request.headers['x-amz-target'])
      const headers = { 'content-type': 'application/x-amz-json-1.0' }
      const answer = await fetch(database.endpoint, {
        method: 'POST',
        headers: {
          ...headers,
          'x-amz-target': target,
          authorization: String(request.headers.authorization),
          'x-amz-date': String(request.headers['x-amz-date']),
        },
        body: Buffer.concat(chunks),
      })
      const body = await answer.text()
      const between = target.endsWith('.PutItem') ? loseAnswer : undefined
      if (!between) {
        response.writeHead(answer.status, headers).end(body)
        return
      }
      loseAnswer = undefined
      await between()
      request.socket.destroy()
    }
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => void carryOut())
  })
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve))
  const storageAt = (endpoint: string) =>
    dynamodbStorage({ tableName: 'firebreak', client: embeddedClient(endpoint) })
  const behind = storageAt(`http://127.0.0.1:${(way.address() as AddressInfo).port}`)
  return {
    storage: storageAt(database.endpoint),
    putRepeated(item, condition, between) {
      loseAnswer = between
      return behind.put(item, condition)
    },
    async close() {
      way.closeAllConnections()
      await new Promise((resolve) => way.close(resolve))
      await database.close()
    },
  }
}

const ABSENT: Condition = { is: 'absent' }

describe.each([
  ['the proof', ofTheProof],
  ['DynamoDB’s client', ofDynamodb],
])('a put whose answer is lost is sent again by %s, which', (_name, make) => {
  let subject: Subject
  let count = 0
  const itemOf = (body: string, version = 1): Item => ({ pk: `LOCK#${count}`, sk: 'LOCK', version, body })
  beforeAll(async () => {
    subject = await make()
  })
  afterAll(() => subject.close())
  beforeEach(() => {
    count++
  })
  const repeated = (item: Item, condition: Condition, ...between: readonly (readonly [Item, Condition])[]) =>
    subject.putRepeated(item, condition, async () => {
      for (const [other, its] of between) expect(await subject.storage.put(other, its)).toEqual({ is: 'put' })
    })
  const standing = () => subject.storage.get(`LOCK#${count}`, 'LOCK')

  test('finds its own item, and tells of no conflict', async () => {
    expect(await repeated(itemOf('a'), ABSENT)).toEqual({ is: 'put' })
    expect(await standing()).toEqual(itemOf('a'))
  })

  test('finds what somebody has made of its own item meanwhile, and tells of a conflict with that', async () => {
    const other = itemOf('b', 2)
    expect(await repeated(itemOf('a'), ABSENT, [other, { is: 'version', equals: 1 }])).toEqual({
      is: 'conflict',
      existing: other,
    })
    expect(await standing()).toEqual(other)
  })

  test('takes what another has put for another’s, were it the same to the letter', async () => {
    const same = [itemOf('a', 2), { is: 'version-below', limit: 3 }] as const
    const first = itemOf('a', 1)
    await subject.storage.put(first, ABSENT)
    expect(await repeated(itemOf('a', 2), { is: 'version', equals: 1 }, same)).toEqual({
      is: 'conflict',
      existing: same[0],
    })
  })

  test('puts it once more where the condition holds again, over what was written meanwhile', async () => {
    const below: Condition = { is: 'version-below', limit: 2 }
    expect(await repeated(itemOf('a'), below, [itemOf('b'), below])).toEqual({ is: 'put' })
    expect(await standing()).toEqual(itemOf('a'))
  })

  test('tells of a conflict where the first one was refused already', async () => {
    await subject.storage.put(itemOf('b'), ABSENT)
    expect(await repeated(itemOf('a'), ABSENT)).toEqual({ is: 'conflict', existing: itemOf('b') })
  })
})

describe('the fault of the put that is sent again', () => {
  test('is played at each put of the exhaustive search, and nowhere else', async () => {
    const hits = await singleFaults('only-notify')
    const at = (fault: Fault) => hits.filter((hit) => hit.fault === fault)
    const puts = at('reply-lost').filter(({ name }) => name.startsWith('put '))
    expect(puts.length).toBeGreaterThan(10)
    expect(at('repeated').map(({ ordinal }) => ordinal)).toEqual(puts.map(({ ordinal }) => ordinal))
    expect(faultsAt('get HEAD')).toEqual(FAULTS.filter((fault) => fault !== 'repeated'))
  })

  test('is drawn for puts alone, and leaves what else is drawn as it is', () => {
    const drawn = (name: string) => {
      const plan = randomFaults(diceOf(3), 0.2, () => false)
      return Array.from({ length: 3_000 }, (_unused, index) =>
        plan({ ordinal: index + 1, name, is: 'storage', beside: false }),
      )
    }
    const [put, get] = [drawn('put HEAD'), drawn('get HEAD')]
    expect(new Set(put)).toEqual(new Set([undefined, ...FAULTS]))
    expect(put.map((fault) => (fault === 'repeated' ? 'reply-lost' : fault))).toEqual(get)
  })
})
