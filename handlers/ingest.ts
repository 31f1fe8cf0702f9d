import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { ingest, type IngestResult } from '../lib/ingest.ts'
import { eachRecord, lambda } from './middleware.ts'

/**
 * Takes signals: a batch of the signals queue, or the event of an alarm that names this function as its action. Who invokes
 * it by hand is told what became of each part; an alarm does not read the answer.
 */
export const handler = lambda(
  async (event: unknown, invocation): Promise<SQSBatchResponse | IngestResult> => {
    const { app, turn } = invocation
    if (isBatch(event))
      return eachRecord(event, invocation, async ({ body }) => ingest(app, read(body), turn()))
    return ingest(app, event, turn())
  },
)

function isBatch(event: unknown): event is SQSEvent {
  return typeof event === 'object' && event !== null && 'Records' in event && Array.isArray(event.Records)
}

/** A body that is no JSON goes on as it is, so that it is refused on record and not delivered again and again. */
function read(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
