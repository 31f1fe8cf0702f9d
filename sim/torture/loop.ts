import { dueHeads, shards } from '../../lib/ledger/head.ts'
import { dueOpens } from '../../lib/ledger/open.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import type { Dice } from '../proof/dice.ts'
import { MAX_RECEIVES, type Delivery, type SimQueue } from '../queue.ts'
import type { Crew, Job } from './crew.ts'
import type { Unwell } from './evidence.ts'
import { signalOf, type Asked, type Stage } from './stage.ts'
import type { VirtualTime } from './time.ts'

/** What a run is made of. */
export interface Ground {
  readonly time: VirtualTime
  readonly storage: Storage
  readonly signals: SimQueue
  readonly work: SimQueue
  readonly crew: Crew
  readonly stage: Stage
  readonly dice: Dice
  /** Invocations that did not end well. */
  readonly unwell: Unwell[]
  /** Wakes the loop; the loop sets it anew whenever it waits. */
  wake(): void
  /** Set where the run cannot go on. */
  broken: unknown
}

/** How many executions stand in the ledger. */
export type Count = () => Promise<number>

const SWEEP_EVERY_MS = 60_000
/** The loop looks by itself now and then: what is due while work is in flight becomes so by time alone. */
const LOOK_EVERY_MS = 10
/** What has not ended so long after the last happening never will: it is judged as it is. */
const PATIENCE_MS = 12 * 60 * 60_000

/**
 * Lets everything happen until so many executions stand in the ledger and nothing is due any more. Work is handed out
 * whenever a worker is free; time jumps only while none is under way. Answers how many messages were delivered again.
 */
export async function play(
  ground: Ground,
  executions: number,
  count: Count,
  progress: () => void,
): Promise<number> {
  const { stage, time, crew, signals, work } = ground
  const asked: Asked[] = []
  let inFlight = 0
  let redelivered = 0
  let sweepAtMs = time.now() + SWEEP_EVERY_MS
  let lastAtMs = time.now()

  const run = async (job: Job, done: Asked['answered']): Promise<void> => {
    inFlight++
    const startedAtMs = time.now()
    try {
      const answer = await crew.invoke(job)
      if (failuresIn(answer).length > 0)
        ground.unwell.push({ subject: job.subject, startedAtMs, atMs: time.now() })
      done(answer)
    } catch (error) {
      ground.broken = error
    } finally {
      inFlight--
      ground.wake()
    }
  }
  const deliver = (queue: SimQueue, name: 'ingest' | 'advance'): boolean => {
    const delivery = queue.receive()
    if (!delivery) return false
    if (delivery.receiveCount > 1) redelivered++
    const subject = name === 'ingest' ? signalSubject(delivery) : streamSubject(delivery)
    // Killed at every one of its deliveries a message is a dead letter, and nothing else could be asked of it.
    const spared = delivery.receiveCount === MAX_RECEIVES
    void run({ name, event: { Records: [delivery.record] }, subject, spared }, (answer) => {
      if (failuresIn(answer).length === 0) queue.acknowledge(delivery)
    })
    return true
  }
  const handOut = (): boolean => {
    const person = asked.shift()
    if (person) {
      void run(person.job, person.answered)
      return true
    }
    if (sweepAtMs <= time.now()) {
      sweepAtMs = time.now() + SWEEP_EVERY_MS
      void run({ name: 'sweep', event: {}, subject: { is: 'nothing' } }, () => {})
      return true
    }
    return ground.dice.chance(0.5)
      ? deliver(signals, 'ingest') || deliver(work, 'advance')
      : deliver(work, 'advance') || deliver(signals, 'ingest')
  }

  stage.plan(executions)
  for (;;) {
    if (ground.broken !== undefined) throw ground.broken
    asked.push(...(await stage.happen()))
    while (crew.isFree && handOut());
    progress()
    const nextAtMs = Math.min(
      sweepAtMs,
      ...[stage.nextAtMs, signals.nextAtMs(), work.nextAtMs()].filter((atMs) => atMs !== undefined),
    )
    if (stage.nextAtMs !== undefined) lastAtMs = stage.nextAtMs
    if (inFlight > 0 || asked.length > 0 || nextAtMs <= time.now()) {
      await woken(ground)
      continue
    }
    const nothingWaits = stage.nextAtMs === undefined && signals.waiting.length + work.waiting.length === 0
    if (nothingWaits && (!(await isAnythingDue(ground.storage)) || time.now() - lastAtMs > PATIENCE_MS)) {
      const missing = executions - (await count())
      if (missing <= 0) return redelivered
      stage.plan(missing)
    } else {
      time.jumpTo(nextAtMs)
    }
  }
}

async function woken(ground: Ground): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LOOK_EVERY_MS)
    ground.wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

/** What an invocation has not done; an answer that nobody gave is one. */
function failuresIn(answer: { readonly answer: unknown } | undefined): readonly unknown[] {
  const { batchItemFailures = [] } = ((answer ? answer.answer : { batchItemFailures: [0] }) ?? {}) as {
    readonly batchItemFailures?: readonly unknown[]
  }
  return batchItemFailures
}

function signalSubject({ body }: Delivery): Job['subject'] {
  const { name, stateAtMs } = signalOf(JSON.parse(body))
  return { is: 'signal', alarm: name, stateAtMs }
}

function streamSubject({ body }: Delivery): Job['subject'] {
  const { incidentId, stream } = JSON.parse(body) as { readonly incidentId: string; readonly stream: string }
  return { is: 'stream', incidentId, stream }
}

/** Whether a sweep would ever find something. */
async function isAnythingDue(storage: Storage): Promise<boolean> {
  const [heads, opens] = await Promise.all([
    dueHeads(storage, Number.MAX_SAFE_INTEGER, 1),
    dueOpens(storage, Number.MAX_SAFE_INTEGER, 1, shards),
  ])
  return heads.length + opens.length > 0
}
