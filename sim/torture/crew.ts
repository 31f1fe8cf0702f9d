import type { Catalogue } from '../../lib/runbook/runbook.ts'
import type { Dice } from '../proof/dice.ts'
import { startWorker, WorkerDiedError, type Worker } from '../worker-process.ts'
import type { FunctionName } from '../worker.ts'
import { changeOf, drawKill, type Kill, type KillPlan, type Subject } from './kills.ts'
import type { VirtualTime } from './time.ts'

/** One invocation: which function, with what event, about what. */
export interface Job {
  readonly name: FunctionName
  readonly event: unknown
  readonly subject: Subject
  /** It is not to be killed; at its deadline it is all the same. */
  readonly spared?: boolean
}

/** Worker processes, each with one invocation at a time, as Lambda's environments have. A dead one is replaced. */
export interface Crew {
  /** Whether a worker waits for work. */
  readonly isFree: boolean
  readonly kills: readonly Kill[]
  /** How many invocations have begun. */
  readonly invocations: number
  /**
   * Gives a free worker a job; answers with what the function answered, or `undefined` where it threw or was killed. That
   * answer comes only when nothing of the invocation can take effect any more.
   */
  invoke(job: Job): Promise<{ readonly answer: unknown } | undefined>
  stop(): Promise<void>
}

export interface CrewOptions {
  readonly size: number
  readonly program: string
  readonly endpoint: string
  readonly tableName: string
  readonly catalogue: Catalogue
  readonly timeoutMs: number
  readonly time: VirtualTime
  readonly dice: Dice
  serve(text: string): Promise<string>
  send(body: string, delayMs: number): void
  /** Waits until whatever a dead worker has sent off has arrived. */
  settle(): Promise<void>
  /** A worker has become free. */
  onFree(): void
  /** A worker could not be started. */
  onBroken(error: unknown): void
  tell(line: string): void
}

interface Slot {
  readonly number: number
  worker?: Worker
  isBusy: boolean
  /** What is to happen to the invocation under way. */
  plan: KillPlan
  changes: number
  /** Changes that were sent and have not arrived yet; they do so also when their sender is dead. */
  readonly travelling: Set<Promise<string>>
  kill(moment: Kill['moment'], call?: string): void
}

const noKill = () => {}

/** A change is on its way for so long, in real time, and its answer as well: AWS is no function call. Some are slow. */
const USUAL_WAY_MS = 60
const LONGEST_WAY_MS = 1_500
const SLOW = 0.05

export function startCrew(options: CrewOptions): Crew {
  const { time, tell } = options
  const kills: Kill[] = []
  let invocations = 0
  let stopped = false
  const slots = Array.from({ length: options.size }, (_unused, index): Slot => ({
    number: index + 1,
    isBusy: true,
    plan: { is: 'never' },
    changes: 0,
    travelling: new Set(),
    kill: noKill,
  }))

  const hire = (slot: Slot): void => {
    start(slot).catch((error: unknown) => {
      if (!stopped) options.onBroken(error)
    })
  }

  async function start(slot: Slot): Promise<void> {
    slot.worker = await startWorker({
      endpoint: options.endpoint,
      tableName: options.tableName,
      catalogue: options.catalogue,
      program: options.program,
      now: time.now,
      serve: (text) => serveFor(slot, text),
      // The estate has no chat: nobody is told anything.
      send: (to, body, delayMs) => {
        if (to === 'work') options.send(body, delayMs)
      },
      log: (level, message) => {
        if (level !== 'info') tell(`worker ${slot.number} says: ${message}`)
      },
    })
    if (stopped) slot.worker.kill()
    slot.isBusy = false
    options.onFree()
  }

  async function serveFor(slot: Slot, text: string): Promise<string> {
    const change = changeOf(text)
    if (change === undefined) return options.serve(text)
    const { plan } = slot
    const isIt = plan.is === 'change' && ++slot.changes === plan.nth
    if (isIt && plan.when === 'before') {
      slot.kill('before a change', change)
      return unheard()
    }
    const arriving = arrive(text)
    slot.travelling.add(arriving)
    const answer = await arriving.finally(() => slot.travelling.delete(arriving))
    if (isIt) {
      slot.kill('after a change', change)
      return unheard()
    }
    await onTheWay()
    return answer
  }

  async function onTheWay(): Promise<void> {
    const { dice } = options
    const ms = dice.chance(SLOW) ? dice.between(USUAL_WAY_MS, LONGEST_WAY_MS) : dice.between(0, USUAL_WAY_MS)
    await new Promise((resolve) => setTimeout(resolve, ms))
  }

  async function arrive(text: string): Promise<string> {
    await onTheWay()
    return options.serve(text)
  }

  async function invoke(job: Job): Promise<{ readonly answer: unknown } | undefined> {
    const slot = slots.find((one) => !one.isBusy)
    if (!slot?.worker) throw new Error('no worker is free')
    const { worker } = slot
    slot.isBusy = true
    slot.changes = 0
    slot.plan = job.spared ? { is: 'never' } : drawKill(options.dice, job.name)
    invocations++
    const startedAtMs = time.now()
    let isKilled = false
    slot.kill = (moment, call) => {
      if (isKilled) return
      isKilled = true
      worker.kill()
      kills.push({
        pid: worker.pid,
        name: job.name,
        subject: job.subject,
        startedAtMs,
        atMs: time.now(),
        moment,
        ...(call === undefined ? {} : { call }),
      })
      tell(
        `worker ${slot.number} is killed in ${job.name} ${moment}${call === undefined ? '' : ` (${call})`}`,
      )
    }
    const timers = [setTimeout(() => slot.kill('at its deadline'), options.timeoutMs)]
    if (slot.plan.is === 'after') timers.push(setTimeout(() => slot.kill('at random'), slot.plan.ms))
    try {
      return { answer: await worker.invoke(job.name, job.event, startedAtMs, options.timeoutMs) }
    } catch (error) {
      if (!(error instanceof WorkerDiedError)) tell(`${job.name} failed: ${String(error)}`)
      return undefined
    } finally {
      timers.forEach(clearTimeout)
      if (isKilled || !worker.isAlive) {
        await worker.gone
        await Promise.all(slot.travelling)
        await options.settle()
        hire(slot)
      } else {
        slot.isBusy = false
      }
      slot.kill = noKill
      options.onFree()
    }
  }

  for (const slot of slots) hire(slot)
  return {
    get isFree() {
      return slots.some((slot) => !slot.isBusy)
    },
    kills,
    get invocations() {
      return invocations
    },
    invoke,
    async stop() {
      stopped = true
      for (const { worker } of slots) worker?.kill()
      await Promise.all(slots.map(async ({ worker }) => worker?.gone))
    },
  }
}

/** The answer to a process that is dead. */
async function unheard(): Promise<string> {
  return new Promise(() => {})
}
