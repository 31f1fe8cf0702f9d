import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClientConfig,
  type QueryCommandInput,
} from '@aws-sdk/client-dynamodb'
import { describe, never } from '../errors.ts'
import { systemRandom, type Random } from '../random.ts'
import { DUE_INDEX, LIST_INDEX } from './dynamodb-table.ts'
import { checkItem, checkKey, checkPrefix, keyText } from './storable.ts'
import {
  StorageError,
  type Condition,
  type IndexEntry,
  type Item,
  type PutResult,
  type Storage,
} from './storage.ts'

/**
 * How long a request may take. DynamoDB answers in milliseconds; left alone the SDK waits for ever and tries four times.
 * Three attempts of 1.5 s and the pauses between them end within 5 s, the time that a worker keeps in hand before a lease
 * or its own deadline ends (CORE.md 1.4). A repeated put recognises what its first attempt has left by the put's own id.
 */
export const dynamodbTiming = {
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 1_500,
    socketTimeout: 1_500,
    // Without it the SDK only warns and goes on waiting.
    throwOnRequestTimeout: true,
  },
} satisfies DynamoDBClientConfig

export interface DynamodbOptions {
  readonly tableName: string
  /** Beside the standard SDK configuration (`AWS_ENDPOINT_URL_DYNAMODB`, profile, region); wins over the timing above. */
  readonly client?: DynamoDBClientConfig
  readonly random?: Random
}

type Attributes = Record<string, AttributeValue>

/** The ledger's storage on DynamoDB, or on any endpoint that speaks its protocol. */
export function dynamodbStorage(options: DynamodbOptions): Storage {
  const client = new DynamoDBClient({ ...dynamodbTiming, ...options.client })
  const { tableName, random = systemRandom } = options

  async function put(item: Item, condition: Condition): Promise<PutResult> {
    checkItem(item)
    const putId = random.id()
    try {
      await client.send(
        new PutItemCommand({
          TableName: tableName,
          Item: { ...marshalled(item), putId: { S: putId } },
          ...expressionOf(condition),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      )
      return { is: 'put' }
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) {
        throw lost(`put ${keyText(item.pk, item.sk)}: whether it was written is unknown`, error)
      }
      // Some endpoints, the embedded one among them, do not return the item that stood in the way.
      const existing = error.Item ?? (await attributesOf(item.pk, item.sk))
      // An attempt whose answer was lost has put it, and the SDK has asked again.
      if (existing?.['putId']?.S === putId) return { is: 'put' }
      if (existing) return { is: 'conflict', existing: unmarshalled(existing) }
      throw new StorageError(`${keyText(item.pk, item.sk)} does not exist, so it has no version to replace`)
    }
  }

  async function get(pk: string, sk: string): Promise<Item | undefined> {
    const attributes = await attributesOf(pk, sk)
    return attributes && unmarshalled(attributes)
  }

  async function attributesOf(pk: string, sk: string): Promise<Attributes | undefined> {
    checkKey(pk, sk)
    try {
      const answer = await client.send(
        new GetItemCommand({
          TableName: tableName,
          Key: { pk: { S: pk }, sk: { S: sk } },
          ConsistentRead: true,
        }),
      )
      return answer.Item
    } catch (error) {
      throw lost(`get ${keyText(pk, sk)}`, error)
    }
  }

  /** A page ends at 1 MB, not at the end of what matches. */
  async function allPages(what: string, input: QueryCommandInput, limit: number): Promise<readonly Item[]> {
    const items: Item[] = []
    let from: Attributes | undefined
    try {
      do {
        const page = await client.send(
          new QueryCommand({
            ...input,
            TableName: tableName,
            ...(from ? { ExclusiveStartKey: from } : {}),
            ...(limit === Infinity ? {} : { Limit: limit - items.length }),
          }),
        )
        for (const item of page.Items ?? []) items.push(unmarshalled(item))
        from = page.LastEvaluatedKey
      } while (from && items.length < limit)
    } catch (error) {
      throw lost(what, error)
    }
    return items
  }

  return {
    put,
    get,

    async query(pk, sortKeyPrefix) {
      checkPrefix(pk, sortKeyPrefix)
      // DynamoDB refuses an empty prefix, which means "everything" here.
      const prefix = sortKeyPrefix === '' ? undefined : sortKeyPrefix
      return allPages(
        `query ${keyText(pk, sortKeyPrefix)}`,
        {
          TableName: tableName,
          ConsistentRead: true,
          KeyConditionExpression: prefix === undefined ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: {
            ':pk': { S: pk },
            ...(prefix === undefined ? {} : { ':prefix': { S: prefix } }),
          },
        },
        Infinity,
      )
    },

    async dueBefore(shard, atMs, limit) {
      if (limit < 1) return []
      return allPages(
        `query what is due in ${keyText(shard, '')}`,
        {
          TableName: tableName,
          IndexName: DUE_INDEX,
          KeyConditionExpression: 'dueShard = :shard AND dueAtMs <= :atMs',
          ExpressionAttributeValues: { ':shard': { S: shard }, ':atMs': { N: String(atMs) } },
        },
        limit,
      )
    },

    async listed(shard, limit, beforeMs) {
      if (limit < 1) return []
      return allPages(
        `list ${keyText(shard, '')}`,
        {
          TableName: tableName,
          IndexName: LIST_INDEX,
          ScanIndexForward: false,
          KeyConditionExpression:
            beforeMs === undefined ? 'listShard = :shard' : 'listShard = :shard AND listAtMs < :before',
          ExpressionAttributeValues: {
            ':shard': { S: shard },
            ...(beforeMs === undefined ? {} : { ':before': { N: String(beforeMs) } }),
          },
        },
        limit,
      )
    },
  }
}

function expressionOf(condition: Condition) {
  switch (condition.is) {
    case 'absent':
      return { ConditionExpression: 'attribute_not_exists(pk)' }
    case 'version':
      return {
        ConditionExpression: 'version = :version',
        ExpressionAttributeValues: { ':version': { N: String(condition.equals) } },
      }
    case 'version-below':
      return {
        ConditionExpression: 'attribute_not_exists(pk) OR version < :version',
        ExpressionAttributeValues: { ':version': { N: String(condition.limit) } },
      }
    default:
      return never(condition)
  }
}

function marshalled(item: Item): Attributes {
  return {
    pk: { S: item.pk },
    sk: { S: item.sk },
    body: { S: item.body },
    ...(item.recordId === undefined ? {} : { recordId: { S: item.recordId } }),
    ...(item.version === undefined ? {} : { version: { N: String(item.version) } }),
    ...(item.due ? { dueShard: { S: item.due.shard }, dueAtMs: { N: String(item.due.atMs) } } : {}),
    ...(item.list ? { listShard: { S: item.list.shard }, listAtMs: { N: String(item.list.atMs) } } : {}),
  }
}

function unmarshalled(attributes: Attributes): Item {
  const { pk, sk, body, recordId, version } = attributes
  if (pk?.S === undefined || sk?.S === undefined || body?.S === undefined) {
    throw new StorageError(
      `an item without pk, sk or body stands in the table (attributes: ${Object.keys(attributes).join(', ')}). ` +
        'Is another application writing to it?',
    )
  }
  const due = indexEntry(attributes['dueShard'], attributes['dueAtMs'])
  const list = indexEntry(attributes['listShard'], attributes['listAtMs'])
  return {
    pk: pk.S,
    sk: sk.S,
    body: body.S,
    ...(recordId?.S === undefined ? {} : { recordId: recordId.S }),
    ...(version?.N === undefined ? {} : { version: Number(version.N) }),
    ...(due ? { due } : {}),
    ...(list ? { list } : {}),
  }
}

function indexEntry(
  shard: AttributeValue | undefined,
  atMs: AttributeValue | undefined,
): IndexEntry | undefined {
  return shard?.S === undefined || atMs?.N === undefined
    ? undefined
    : { shard: shard.S, atMs: Number(atMs.N) }
}

/** What the SDK threw, in the storage's own word. */
function lost(doing: string, error: unknown): StorageError {
  return error instanceof StorageError
    ? error
    : new StorageError(`${doing}: ${describe(error)}`, { cause: error })
}
