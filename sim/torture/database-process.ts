import { everyItem, prepareTable, startEmbeddedDynamodb, type EmbeddedDynamodb } from '../dynamodb.ts'
import { answerParent } from './child.ts'

/* The embedded DynamoDB in a process of its own, on disk: the arguments are its folder and the table's name. */

/** What the parent asks: where it listens, or all that stands in the table. */
export type DatabaseRequest = { readonly is: 'endpoint' } | { readonly is: 'items' }

const [folder = '', tableName = ''] = process.argv.slice(2)
let started: Promise<EmbeddedDynamodb> | undefined

async function start(): Promise<EmbeddedDynamodb> {
  const database = await startEmbeddedDynamodb({ folder })
  await prepareTable(database.endpoint, tableName)
  return database
}

answerParent(
  async (request: DatabaseRequest) => {
    const { endpoint } = await (started ??= start())
    return request.is === 'endpoint' ? endpoint : everyItem(endpoint, tableName)
  },
  async () => (await started)?.close(),
)
