import type { SQSEvent } from 'aws-lambda'
import { advance } from '../lib/advance.ts'
import type { WorkMessage } from '../lib/queue.ts'
import { eachRecord, lambda } from './middleware.ts'

/** Gives streams their turns. Only our own functions can write to the work queue. */
export const handler = lambda(async (event: SQSEvent, invocation) =>
  eachRecord(event, invocation, async ({ body }) =>
    advance(invocation.app, JSON.parse(body) as WorkMessage, invocation.turn()),
  ),
)
