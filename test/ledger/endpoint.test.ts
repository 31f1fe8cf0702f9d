import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamodbStorage } from '../../lib/ledger/dynamodb.ts'
import { createTable } from '../../lib/ledger/dynamodb-table.ts'
import { testStorage } from './storage-conformance.ts'

/*
 * The same suite against AWS or any endpoint that speaks DynamoDB's protocol: `npm run test:dynamodb -- --endpoint URL`.
 * Credentials and region come from the standard SDK configuration; endpoints that check neither get a placeholder.
 */
const endpoint = process.env['FIREBREAK_DYNAMODB_ENDPOINT']
const tableName = process.env['FIREBREAK_DYNAMODB_TABLE'] ?? 'firebreak-conformance'

if (endpoint) {
  testStorage(`the DynamoDB storage on ${endpoint}`, async () => {
    process.env['AWS_REGION'] ??= 'us-east-1'
    process.env['AWS_ACCESS_KEY_ID'] ??= 'local'
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'local'
    await createTable(new DynamoDBClient({ endpoint }), tableName)
    return { storage: dynamodbStorage({ client: { endpoint }, tableName }) }
  })
} else {
  // oxlint-disable-next-line jest/no-disabled-tests -- there is nothing to run it on
  describe.skip('the DynamoDB storage on a given endpoint (set FIREBREAK_DYNAMODB_ENDPOINT to run it)', () => {
    test('needs an endpoint', () => {})
  })
}
