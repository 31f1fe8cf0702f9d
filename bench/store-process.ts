import { prepareTable, startEmbeddedDynamodb } from '../sim/dynamodb.ts'

// An embedded DynamoDB in a process of its own, as a database is: what it computes is not the engine's time.

const [tableName = ''] = process.argv.slice(2)
const dynamodb = await startEmbeddedDynamodb()
await prepareTable(dynamodb.endpoint, tableName)
// The parent's end, however it comes, is ours.
process.once('disconnect', () => process.exit(0))
process.send?.(dynamodb.endpoint)
