import { readCatalogue } from '../handlers/catalogue.ts'
import type { AwsFor } from '../lib/aws/aws.ts'
import type { Http } from '../lib/http.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import { silentLog } from '../lib/log.ts'
import { silentOutbox } from '../lib/outbox.ts'
import { silentMetrics } from '../lib/metrics.ts'
import type { App, Turn } from '../lib/ports.ts'
import type { Queue } from '../lib/queue.ts'
import { systemRandom } from '../lib/random.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { secretReader } from '../lib/secrets.ts'
import type { Account } from '../sim/account.ts'
import { apiBadCanary } from '../sim/scenarios.ts'
import type { SimEvent } from '../sim/world.ts'

export const START_AT_MS = Date.parse('2026-11-23T09:00:00Z')
export const MINUTE_MS = 60_000

/** How long a worker may take, as in serverless.yml. */
const WORKER_MS = 30_000

/** The shipped runbook of four lines, allowed to act. */
export function shippedCatalogue(): Catalogue {
  const catalogue = readCatalogue()
  return { ...catalogue, policy: { ...catalogue.policy, mode: 'auto' } }
}

export interface Fired {
  readonly account: Account
  /** What EventBridge delivers when the alarm goes off. */
  readonly event: SimEvent
}

/** The demo's account at the moment when its alarm has gone off. */
export function firedAlarm(): Fired {
  const account = apiBadCanary({ startAtMs: START_AT_MS })
  let event: SimEvent | undefined
  account.onEvent((emitted) => {
    const { state } = emitted.detail as { state?: { value?: string } }
    if (state?.value === 'ALARM') event ??= emitted
  })
  const untilMs = START_AT_MS + 30 * MINUTE_MS
  while (account.now() < untilMs) {
    account.advance(1_000)
    if (event) return { account, event }
  }
  throw new Error("the demo's alarm never went off")
}

export const idleQueue: Queue = { send: async () => {} }

/** An application whose time stands still, so that runs of any speed decide the same. Its log goes nowhere. */
export function appOn(storage: Storage, nowMs: number, aws: AwsFor, http: Http, catalogue: Catalogue): App {
  const clock = { now: () => nowMs }
  const secret = secretReader(aws({}), {}, clock)
  return {
    catalogue,
    ports: {
      clock,
      random: systemRandom,
      storage,
      queue: idleQueue,
      outbox: silentOutbox,
      aws,
      http,
      secret,
      log: silentLog,
      metrics: silentMetrics,
    },
  }
}

export function turnOf(app: App): Turn {
  return { workerId: app.ports.random.id(), deadlineMs: app.ports.clock.now() + WORKER_MS }
}
