import type { DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { describe } from '../lib/errors.ts'
import type { OutboxMessage } from '../lib/outbox.ts'
import { workOff } from '../web/outbox.ts'
import { eachRecord, lambda, type Invocation } from './middleware.ts'

/** What could not be told is tried again after so long, by the queue. */
const AGAIN_MS = 30_000

/** Tells people what was put on record, as the table's stream says it, and answers what they have asked in a chat. */
export const handler = lambda(async (event: SQSEvent | DynamoDBStreamEvent, invocation) =>
  isStream(event) ? tellAll(event, invocation) : answerAll(event, invocation),
)

function isStream(event: SQSEvent | DynamoDBStreamEvent): event is DynamoDBStreamEvent {
  return event.Records[0]?.eventSource === 'aws:dynamodb'
}

async function answerAll(event: SQSEvent, invocation: Invocation): Promise<SQSBatchResponse> {
  return eachRecord(event, invocation, async ({ body }) =>
    workOff(invocation.app, JSON.parse(body) as OutboxMessage, () => invocation.turn()),
  )
}

/** Each incident once, however many records of it there are. One that cannot be told holds up no other. */
async function tellAll({ Records }: DynamoDBStreamEvent, invocation: Invocation): Promise<void> {
  const { app, log } = invocation
  const partitions = Records.map(({ dynamodb }) => dynamodb?.Keys?.['pk']?.S ?? '')
  const ids = new Set(partitions.flatMap((pk) => (pk.startsWith('INC#') ? [pk.slice('INC#'.length)] : [])))
  for (const incidentId of ids) {
    const message = { v: 1, is: 'tell', incidentId } as const
    try {
      await workOff(app, message, () => invocation.turn())
    } catch (error) {
      log.error(`an incident could not be told: ${describe(error)}`, { incident: incidentId, error })
      await app.ports.outbox.send(message, AGAIN_MS)
    }
  }
}
