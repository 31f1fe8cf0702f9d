import {
  CreateTableCommand,
  waitUntilTableExists,
  type CreateTableCommandInput,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb'

export const DUE_INDEX = 'due'
export const LIST_INDEX = 'list'

/**
 * Keys and indexes of the one table (CORE.md 1.1), in the words of CloudFormation and of CreateTable alike: the deployed
 * template is tested against this value.
 *
 * Both indexes are sparse and project everything. What stands on them (HEAD, OPEN) is well below 1 KB, so a projected
 * write costs one unit whatever the projection; with keys only, the sweep and each list would add one read per item.
 */
export const tableDefinition = {
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'dueShard', AttributeType: 'S' },
    { AttributeName: 'dueAtMs', AttributeType: 'N' },
    { AttributeName: 'listShard', AttributeType: 'S' },
    { AttributeName: 'listAtMs', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: DUE_INDEX,
      KeySchema: [
        { AttributeName: 'dueShard', KeyType: 'HASH' },
        { AttributeName: 'dueAtMs', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
    {
      IndexName: LIST_INDEX,
      KeySchema: [
        { AttributeName: 'listShard', KeyType: 'HASH' },
        { AttributeName: 'listAtMs', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
} satisfies Pick<CreateTableCommandInput, 'AttributeDefinitions' | 'KeySchema' | 'GlobalSecondaryIndexes'>

/**
 * Creates the table where it does not exist, on demand as the deployed one, and returns when it can be used. The embedded
 * DynamoDB takes on-demand tables too.
 */
export async function createTable(client: DynamoDBClient, tableName: string): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({ TableName: tableName, ...tableDefinition, BillingMode: 'PAY_PER_REQUEST' }),
    )
  } catch (error) {
    // A table of an earlier start stands on disk; that is the wish.
    if (!(error instanceof Error && error.name === 'ResourceInUseException')) throw error
  }
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 2 }, { TableName: tableName })
}
