import { dynamodbStorage } from '../../lib/ledger/dynamodb.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import { embeddedClient } from '../dynamodb-endpoint.ts'
import { FUNCTION_TIMEOUT_MS } from '../local.ts'
import { diceOf } from '../proof/dice.ts'
import { simQueue } from '../queue.ts'
import type { AccountRequest, Saved } from './account-process.ts'
import { bundleWorker } from './bundle.ts'
import { startChild, type Child } from './child.ts'
import { startCrew } from './crew.ts'
import type { DatabaseRequest } from './database-process.ts'
import { estateCatalogue, serviceNames } from './estate.ts'
import type { Evidence } from './evidence.ts'
import { play, type Count, type Ground } from './loop.ts'
import { playStories } from './stage.ts'
import { virtualTime } from './time.ts'

/*
 * The kill test, on real processes (CORE.md 1.4, 1.9):
 *
 *   this process       queues, clock, alarms, people, the sweep's minute; draws when a worker dies, and kills it
 *     ├─ account       the simulated AWS account; keeps the log of calls that the verdict goes by
 *     ├─ database      DynamoDB on disk; workers talk to it by HTTP
 *     └─ workers       the four functions, bundled as they are packaged; SIGKILL at any moment
 */

export interface TortureOptions {
  /** At least so many executions are started. */
  readonly executions: number
  readonly seed: number
  /** Worker processes at a time. */
  readonly workers: number
  /** An empty folder for the database and the bundle. */
  readonly folder: string
  readonly tell: (line: string) => void
  /** Told now and then how far it is. */
  readonly progress: (onsets: number, kills: number) => void
}

export interface Tortured {
  readonly evidence: Evidence
  readonly invocations: number
  /** Messages that were delivered once more. */
  readonly redelivered: number
  readonly virtualMs: number
}

const START_AT_MS = Date.parse('2026-11-23T09:00:00Z')
const TABLE = 'firebreak'
/** Messages that are sent twice. */
const DOUBLED = 0.1
/** So many services at most, and with few executions fewer, so that they still meet. */
const MOST_SERVICES = 24
const ONSETS_A_SERVICE = 4
const PROGRESS_EVERY = 25
const PATIENCE_MS = 120_000

/** Plays until so many executions were started and everything has come to rest; then gathers what is to be judged. */
export async function torture(options: TortureOptions): Promise<Tortured> {
  const services = Math.max(2, Math.min(MOST_SERVICES, Math.ceil(options.executions / ONSETS_A_SERVICE)))
  const account = startChild<AccountRequest, unknown>('account-process.ts', [
    String(START_AT_MS),
    String(services),
  ])
  const database = startChild<DatabaseRequest, unknown>('database-process.ts', [
    `${options.folder}/database`,
    TABLE,
  ])
  try {
    const [endpoint, program] = await Promise.all([
      database.ask({ is: 'endpoint' }) as Promise<string>,
      bundleWorker(`${options.folder}/bundle`),
    ])
    const items = async () => (await database.ask({ is: 'items' })) as readonly Item[]
    const ground = groundFor(options, services, account, endpoint, program)
    const redelivered = await playAll(ground, options, async () => countExecutions(await items()))
    const saved = (await account.ask({ is: 'save', atMs: ground.time.now() })) as Saved
    return {
      evidence: {
        onsets: ground.stage.onsets,
        items: await items(),
        calls: saved.log.filter((call) => call.mutating),
        world: saved.world,
        kills: ground.crew.kills,
        unwell: ground.unwell,
        deadLetters: ground.signals.deadLetters.length + ground.work.deadLetters.length,
      },
      invocations: ground.crew.invocations,
      redelivered,
      virtualMs: ground.time.now() - START_AT_MS,
    }
  } finally {
    await Promise.all([account.stop(), database.stop()])
  }
}

async function playAll(ground: Ground, options: TortureOptions, count: Count): Promise<number> {
  let told = 0
  const progress = () => {
    const onsets = ground.stage.onsets.length
    if (onsets - told < PROGRESS_EVERY) return
    told = onsets
    options.progress(onsets, ground.crew.kills.length)
  }
  try {
    return await play(ground, options.executions, count, progress)
  } finally {
    await ground.crew.stop()
  }
}

/** Those that began to act; a refusal is on record, and leaves nothing to kill. */
function countExecutions(items: readonly Item[]): number {
  return items.filter(({ sk, body }) => /^REC#.*#0+$/.test(sk) && body.includes('"kind":"execution.started"'))
    .length
}

function groundFor(
  options: TortureOptions,
  services: number,
  account: Child<AccountRequest, unknown>,
  endpoint: string,
  program: string,
): Ground {
  const time = virtualTime(START_AT_MS, () => performance.now())
  const dice = diceOf(options.seed)
  // The test itself is not what is tested: it waits for its answers, however slow the machine is.
  const patience = { requestTimeout: PATIENCE_MS, socketTimeout: PATIENCE_MS }
  const storage = dynamodbStorage({
    tableName: TABLE,
    client: { ...embeddedClient(endpoint), requestHandler: patience },
  })
  const queueOf = (name: string) => simQueue({ name, now: time.now, visibilityMs: 6 * FUNCTION_TIMEOUT_MS })
  const [signals, work] = [queueOf('signals'), queueOf('work')]
  const tell = (line: string) => options.tell(`${new Date(time.now()).toISOString().slice(11, 23)} ${line}`)
  const serve = async (text: string) => (await account.ask({ is: 'serve', text, atMs: time.now() })) as string
  const ground: Ground = {
    time,
    storage,
    signals,
    work,
    dice,
    unwell: [],
    wake: () => {},
    broken: undefined,
    crew: startCrew({
      size: options.workers,
      program,
      endpoint,
      tableName: TABLE,
      catalogue: estateCatalogue(services),
      timeoutMs: FUNCTION_TIMEOUT_MS,
      time,
      dice,
      serve,
      send: (body, delayMs) => {
        work.send(body, delayMs)
        if (dice.chance(DOUBLED)) work.send(body, delayMs)
        ground.wake()
      },
      settle: async () => {
        // Both answer in order, so whatever a dead worker had sent has been dealt with when these are.
        await serve('{"is":"clock"}')
        await storage.get('LAST', 'LAST')
        await storage.get('LAST', 'LAST')
      },
      onFree: () => ground.wake(),
      onBroken: (error) => {
        ground.broken = error
        ground.wake()
      },
      tell,
    }),
    stage: playStories({
      services: serviceNames(services),
      seed: options.seed,
      account,
      storage,
      signals,
      now: time.now,
      tell,
    }),
  }
  return ground
}
