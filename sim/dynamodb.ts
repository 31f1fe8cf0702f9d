import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { DynamoDBClient, ScanCommand, type AttributeValue } from '@aws-sdk/client-dynamodb'
import dynalite from 'dynalite'
import { createTable } from '../lib/ledger/dynamodb-table.ts'
import type { Item } from '../lib/ledger/storage.ts'
import { embeddedClient } from './dynamodb-endpoint.ts'

/** Makes the table where it is missing. */
export async function prepareTable(endpoint: string, tableName: string): Promise<void> {
  const client = new DynamoDBClient(embeddedClient(endpoint))
  await createTable(client, tableName)
  client.destroy()
}

/** Everything that stands in the table, past the ledger's own reads: for whoever holds the ledger against it. */
export async function everyItem(endpoint: string, tableName: string): Promise<readonly Item[]> {
  const client = new DynamoDBClient(embeddedClient(endpoint))
  const items: Item[] = []
  let from: Record<string, AttributeValue> | undefined
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: tableName,
        ConsistentRead: true,
        ...(from ? { ExclusiveStartKey: from } : {}),
      }),
    )
    for (const { pk, sk, body } of page.Items ?? [])
      items.push({ pk: pk?.S ?? '', sk: sk?.S ?? '', body: body?.S ?? '' })
    from = page.LastEvaluatedKey
  } while (from)
  client.destroy()
  return items
}

export interface EmbeddedDynamodb {
  readonly endpoint: string
  close(): Promise<void>
}

/**
 * A DynamoDB inside this process, on the loopback interface only: in memory, or on disk where a folder is given. Any
 * credentials and region will do. Port 0, the default, takes a free one. Throws where the folder or the port is in use.
 */
export async function startEmbeddedDynamodb(
  options: { readonly folder?: string; readonly port?: number } = {},
): Promise<EmbeddedDynamodb> {
  if (options.folder !== undefined) await checkFree(options.folder)
  const server = dynalite({
    ...(options.folder === undefined ? {} : { path: options.folder }),
    createTableMs: 0,
    deleteTableMs: 0,
    updateTableMs: 0,
  })
  surviveBrokenRequests(server)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise<void>((resolve, reject) =>
        server.close((error) => (error ? reject(error) : resolve())),
      )
      // Clients keep their connections; without this the server would wait for them.
      server.closeIdleConnections()
      await closed
    },
  }
}

/**
 * dynalite throws out of its listener when a request breaks off, which would end this process whenever a client is killed
 * or gives up in the middle of a put. A broken request has no effect and needs no answer.
 */
function surviveBrokenRequests(server: Server): void {
  const [answer] = server.listeners('request') as RequestListener[]
  if (!answer) throw new Error('dynalite has no request listener: this version is built differently')
  server.removeAllListeners('request')
  server.on('request', (request: IncomingMessage, response) => {
    answer(request, response)
    request.removeAllListeners('error')
    request.on('error', () => response.destroy())
  })
}

/** dynalite opens its folder at the first request and ends the process where it cannot; so it is opened once before. */
async function checkFree(folder: string): Promise<void> {
  const require = createRequire(import.meta.url)
  const { Level } = createRequire(require.resolve('dynalite'))('level') as typeof import('level')
  const database = new Level(folder)
  try {
    await database.open()
  } catch (error) {
    const cause = (error as { cause?: { code?: string; message?: string } }).cause
    const reason =
      cause?.code === 'LEVEL_LOCKED' ? 'another process has it open: stop that one' : cause?.message
    throw new Error(
      `the database in ${folder} cannot be opened: ${reason ?? String(error)}, or name another folder`,
      {
        cause: error,
      },
    )
  }
  await database.close()
}
