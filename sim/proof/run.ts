import { createHash } from 'node:crypto'
import { advance } from '../../lib/advance.ts'
import { command } from '../../lib/command.ts'
import { ingest } from '../../lib/ingest.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import { silentLog } from '../../lib/log.ts'
import { silentMetrics } from '../../lib/metrics.ts'
import type { App, Ports, Turn } from '../../lib/ports.ts'
import type { WorkMessage } from '../../lib/queue.ts'
import { sweep } from '../../lib/sweep.ts'
import { asAlarmAction, calmAccount, transition } from '../calm.ts'
import { simQueue, type SimQueue } from '../queue.ts'
import { agendaFrom } from './agenda.ts'
import { diceOf, type Dice } from './dice.ts'
import { randomFaults, type Fault, type FaultPlan, type Point } from './faults.ts'
import { FAULTS_FOR_MS, sceneFrom, type Happening } from './scene.ts'
import { startWorker, type Ground, type Worker } from './worker.ts'
import { watchOver } from './watch.ts'

export interface RunOptions {
  readonly seed: number
  /** Share of I/Os that go wrong; drawn from the seed where it is not given. */
  readonly share?: number
  readonly faults?: FaultPlan
  /** A deliberate defect, for tests of the proof itself: what stands between the code and the world is not what it should be. */
  readonly defect?: (ports: Ports) => Ports
  /** Receives the run as a story, a line an event. */
  readonly trace?: (line: string) => void
}

export interface RunResult {
  readonly seed: number
  readonly problems: readonly string[]
  /** The same for the same seed. */
  readonly hash: string
  readonly points: number
  readonly faults: { readonly [fault in Fault]?: number }
  readonly executions: number
  /** The names of the I/Os in order, for the exhaustive search. */
  readonly names: readonly string[]
}

const START_AT_MS = Date.parse('2026-11-23T09:00:00Z')
const WORKER_MS = 30_000
const VISIBILITY_MS = 6 * WORKER_MS
const SWEEP_EVERY_MS = 60_000
const SECOND_MS = 1_000
/** After the last fault: leases, waits, undo and the visibility of lost messages all end within it. */
const QUIET_FOR_MS = 45 * 60_000
/** Nothing is due and nothing under way for so long: only a lost transition of an alarm could still be found. */
const CALM_FOR_MS = 4 * 60_000
/** So many invocations of one kind at a time. */
const AT_ONCE = 4

/** Plays one seed: the real code, workers that interleave at every I/O, and everything that may go wrong. */
export async function runSeed(options: RunOptions): Promise<RunResult> {
  const { seed } = options
  const dice = diceOf(seed)
  const share = options.share ?? dice.pick([0, 0.005, 0.01, 0.02, 0.05])
  const scene = sceneFrom(dice, START_AT_MS)
  const agenda = agendaFrom(START_AT_MS)
  const account = calmAccount({ startAtMs: START_AT_MS, seed: 1 }, scene.alarms)
  const watch = watchOver()
  const hash = createHash('sha256')
  const names: string[] = []
  const injected: { [fault in Fault]?: number } = {}
  const until = START_AT_MS + FAULTS_FOR_MS
  const tell = (line: string) => {
    hash.update(line)
    options.trace?.(`${new Date(agenda.nowMs).toISOString().slice(11, 23)} ${line}`)
  }
  account.onCall({
    after: (call) => watch.call({ ...call, ...call.scope }, call.input),
  })
  const memory = memoryStorage()
  const due = new Set<string>()
  const storage: Storage = {
    ...memory,
    async put(item, condition) {
      const answer = await memory.put(item, condition)
      tell(`${answer.is} ${item.pk} ${item.sk} ${item.body}`)
      if (answer.is === 'conflict') return answer
      watch.put(item, agenda.nowMs)
      if (item.due) due.add(`${item.pk} ${item.sk}`)
      else due.delete(`${item.pk} ${item.sk}`)
      return answer
    },
  }
  const signals = simQueue({
    name: 'signals',
    now: () => agenda.nowMs,
    visibilityMs: VISIBILITY_MS,
    maxReceives: 20,
  })
  const work = simQueue({
    name: 'work',
    now: () => agenda.nowMs,
    visibilityMs: VISIBILITY_MS,
    maxReceives: 20,
  })
  const plan = options.faults ?? randomFaults(dice, share, () => agenda.nowMs >= until)
  let ids = 0
  const ports: Ports = {
    clock: { now: () => agenda.nowMs },
    random: { id: () => `id-${++ids}`, fraction: dice.fraction },
    storage,
    queue: {
      send: async (message, delayMs) => {
        // Losing a wake costs time only; twice is as good as once.
        const lost = agenda.nowMs < until && dice.chance(share)
        tell(`${lost ? 'lost: ' : ''}send ${message.stream} in ${delayMs}`)
        if (!lost) work.send(JSON.stringify(message), delayMs)
        if (agenda.nowMs < until && dice.chance(share)) work.send(JSON.stringify(message), delayMs)
        serve()
      },
    },
    aws: (scope) => ({
      call: async (name, input) => {
        account.advanceTo(agenda.nowMs)
        return account.aws(scope).call(name, input)
      },
    }),
    http: {
      post: async (request) => {
        account.advanceTo(agenda.nowMs)
        return account.http.post(request)
      },
    },
    secret: () => Promise.reject(new Error('each worker has its own')),
    log: silentLog,
    metrics: silentMetrics,
  }
  const app: App = { ports: options.defect?.(ports) ?? ports, catalogue: scene.catalogue }
  const ground: Ground = {
    agenda,
    dice,
    app,
    faults: (point: Point) => {
      const fault = plan(point)
      if (fault) injected[fault] = (injected[fault] ?? 0) + 1
      return fault
    },
    told: tell,
    count: () => names.length + 1,
    seen: (workerId, point, answer) => {
      if (point.name === 'get CONTROL')
        watch.control(workerId, ((answer as { body?: string } | undefined)?.body ?? '').includes('"paused"'))
    },
  }
  const counted: Ground = {
    ...ground,
    faults: (point) => {
      names.push(point.name)
      return ground.faults(point)
    },
  }

  const live = new Set<Worker>()
  const invoke = (
    what: string,
    handle: (worker: Worker) => Promise<unknown>,
    then: (ok: boolean) => void,
  ) => {
    const worker = startWorker(counted, WORKER_MS)
    live.add(worker)
    watch.worker(worker.turn.workerId, agenda.nowMs + WORKER_MS)
    tell(`${worker.turn.workerId} begins ${what}`)
    let over = false
    const end = (ok: boolean, why: string) => {
      if (over) return
      over = true
      live.delete(worker)
      tell(`${worker.turn.workerId} ${why}`)
      then(ok)
    }
    agenda.at(agenda.nowMs + WORKER_MS, () => {
      worker.kill()
      end(false, 'is killed at its deadline, or was dead')
    })
    handle(worker).then(
      () => end(true, 'ends'),
      (error: unknown) => end(false, `fails: ${error instanceof Error ? error.message : String(error)}`),
    )
  }

  const underWay = new Map<SimQueue, number>([
    [signals, 0],
    [work, 0],
  ])
  const consume = (queue: SimQueue, handle: (worker: Worker, body: string) => Promise<unknown>) => {
    for (;;) {
      const count = underWay.get(queue) ?? 0
      if (count >= AT_ONCE) return
      const delivery = queue.receive()
      if (!delivery) {
        const nextAtMs = queue.nextAtMs()
        if (nextAtMs !== undefined) serveAt(nextAtMs)
        return
      }
      underWay.set(queue, count + 1)
      invoke(
        delivery.messageId,
        (worker) => handle(worker, delivery.body),
        (ok) => {
          if (ok) queue.acknowledge(delivery.messageId)
          underWay.set(queue, (underWay.get(queue) ?? 1) - 1)
          serveAt(agenda.nowMs)
        },
      )
    }
  }
  const appointed = new Set<number>()
  const serveAt = (atMs: number) => {
    if (appointed.has(atMs)) return
    appointed.add(atMs)
    agenda.at(atMs, () => {
      appointed.delete(atMs)
      serve()
    })
  }
  function serve(): void {
    consume(signals, ({ app: own, turn }, body) => ingest(own, JSON.parse(body), turn))
    consume(work, ({ app: own, turn }, body) => advance(own, JSON.parse(body) as WorkMessage, turn))
  }

  const happen = (one: Happening): void => {
    account.advanceTo(agenda.nowMs)
    switch (one.is) {
      case 'alarm': {
        tell(`alarm ${one.alarm} is ${one.state}, told ${one.copies} times`)
        const event = transition(account, one.state, one.alarm)
        for (let copy = 0; copy < one.copies; copy++) {
          const payload = dice.chance(0.5) ? event : asAlarmAction(event)
          agenda.at(agenda.nowMs + (copy === 0 ? 0 : dice.between(0, 240) * SECOND_MS), () => {
            signals.send(JSON.stringify(payload))
            serve()
          })
        }
        return
      }
      case 'outside':
        tell(`somebody else: ${JSON.stringify(one.act)}`)
        account.act(one.act)
        return
      case 'person':
        ask(one.verb)
        return
      case 'sweep':
        invoke(
          'a sweep',
          ({ app: own, turn }) => sweep(own, turn),
          () => undefined,
        )
        return
    }
  }
  const ask = (verb: Extract<Happening, { is: 'person' }>['verb']): void => {
    const request = requestFor(verb, watch, dice)
    if (!request) return
    tell(`ann asks ${JSON.stringify(request)}`)
    const asked = async (own: App, turn: Turn) => {
      const answer = await command(own, request, turn)
      tell(`ann is answered ${JSON.stringify(answer).slice(0, 200)}`)
    }
    invoke(
      verb,
      ({ app: own, turn }) => asked(own, turn),
      (ok) => {
        // Whoever was not answered asks again; but a pause that comes after its end would stand for ever.
        if (!ok && verb !== 'pause-all') ask(verb)
      },
    )
  }

  for (const one of scene.happenings) agenda.at(one.atMs, () => happen(one))
  const sweepFrom = START_AT_MS + dice.between(1, 60) * SECOND_MS
  const sweepAgain = () => {
    happen({ is: 'sweep', atMs: agenda.nowMs })
    agenda.at(agenda.nowMs + SWEEP_EVERY_MS, sweepAgain)
  }
  agenda.at(sweepFrom, sweepAgain)

  const endAtMs = until + QUIET_FOR_MS
  const lastAtMs = Math.max(...scene.happenings.map((one) => one.atMs))
  let busyAtMs = lastAtMs
  while (agenda.step(endAtMs)) {
    await settled(live)
    const waiting = signals.waiting.length + work.waiting.length + due.size
    if (waiting > 0 || agenda.nowMs <= lastAtMs) busyAtMs = agenda.nowMs
    else if (live.size === 0 && agenda.nowMs - busyAtMs > CALM_FOR_MS) break
  }
  const problems = [...watch.end()]
  const desired = account.world.services['prod/api']?.desired
  if (!scene.disturbed && watch.endedWell() && watch.executions.length > 0 && desired !== 6)
    problems.push(`ECS was left at ${desired}, and everything was put back (check 9)`)
  if (signals.deadLetters.length + work.deadLetters.length > 0)
    problems.push('a message became a dead letter')
  return {
    seed,
    problems,
    hash: hash.digest('hex').slice(0, 16),
    points: names.length,
    faults: injected,
    executions: watch.executions.length,
    names,
  }
}

function requestFor(
  verb: Extract<Happening, { is: 'person' }>['verb'],
  watch: ReturnType<typeof watchOver>,
  dice: Dice,
): object | undefined {
  const by = { name: 'ann', via: 'cli' }
  const reason = 'the proof asks'
  const [first, ...others] = verb === 'resolve' ? watch.incidents : watch.executions
  switch (verb) {
    case 'pause-all':
      return { verb, by, reason }
    case 'resume-all':
      return { verb, by }
    default:
      return first === undefined ? undefined : { verb, id: dice.pick([first, ...others]), by, reason }
  }
}

/** Everything that one event has set going comes to its next I/O before the next event happens. */
async function settled(live: ReadonlySet<Worker>): Promise<void> {
  // A tick comes after all that promises have to do, and costs no turn of the event loop.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  while ([...live].some((worker) => !worker.isWaiting() && !worker.isDead()))
    await new Promise<void>((resolve) => setImmediate(resolve))
}
