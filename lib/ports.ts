import type { Aws, AwsFor } from './aws/aws.ts'
import type { Clock } from './clock.ts'
import type { Http } from './http.ts'
import type { Storage } from './ledger/storage.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { Outbox } from './outbox.ts'
import type { Queue } from './queue.ts'
import type { Random } from './random.ts'
import type { Catalogue } from './runbook/runbook.ts'

/** Everything that touches the world. The same code runs on Lambda, on a laptop and in the simulator; only these differ. */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly storage: Storage
  readonly queue: Queue
  readonly outbox: Outbox
  readonly aws: AwsFor
  readonly http: Http
  /** Reads a named secret; throws where there is none, with the name and never the value. */
  secret(name: string): Promise<string>
  readonly log: Log
  readonly metrics: Metrics
}

export interface App {
  readonly ports: Ports
  readonly catalogue: Catalogue
}

/** One invocation. The worker is killed at the deadline, so a lease of its calls that outlives it protects them. */
export interface Turn {
  /** Fresh for each invocation. */
  readonly workerId: string
  readonly deadlineMs: number
}

/** What a turn came to, for logs and tests. */
export type TurnResult =
  /** Ended for ever. */
  | { readonly is: 'done' }
  /** Waiting until then; a message is under way where that is within reach. */
  | { readonly is: 'waiting'; readonly untilMs: number }
  /** Another worker is at it. */
  | { readonly is: 'left'; readonly untilMs: number }
  /** The message was ahead of the record it was sent for, and was sent again. */
  | { readonly is: 'early' }
  /** There is nothing to work on. */
  | { readonly is: 'dropped'; readonly reason: string }

/** A service's account and region, as clients want them. */
export function awsOf(
  ports: Ports,
  service: { readonly region?: string; readonly roleArn?: string },
  executionId: string | undefined,
): Aws {
  return ports.aws({
    ...(service.region === undefined ? {} : { region: service.region }),
    ...(service.roleArn === undefined ? {} : { roleArn: service.roleArn }),
    ...(executionId === undefined ? {} : { executionId }),
  })
}
