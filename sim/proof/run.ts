import { sha256 } from '../../lib/ids.ts'
import { advance } from '../../lib/advance.ts'
import { ingest } from '../../lib/ingest.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'
import type { Item, Storage } from '../../lib/ledger/storage.ts'
import { silentLog } from '../../lib/log.ts'
import { silentOutbox } from '../../lib/outbox.ts'
import { silentMetrics } from '../../lib/metrics.ts'
import type { Ports } from '../../lib/ports.ts'
import { MAX_DELAY_MS, type WorkMessage } from '../../lib/queue.ts'
import { AHEAD_MS, sweep } from '../../lib/sweep.ts'
import { addScalableTarget } from '../autoscaling.ts'
import { asAlarmAction, calmAccount, transition } from '../calm.ts'
import { createAccount, type Account, type SavedAccount } from '../account.ts'
import { agendaFrom } from './agenda.ts'
import { diceOf } from './dice.ts'
import { randomFaults, type Fault, type FaultPlan, type Point } from './faults.ts'
import { AUTOSCALED, type Happening } from './happenings.ts'
import { invoker } from './invoker.ts'
import { people } from './people.ts'
import { sceneFrom, type Scene } from './scene.ts'
import { standingIn } from './standing.ts'
import type { Told } from './told.ts'
import { watchOver } from './watch.ts'
import { SKEW_MS } from './worker.ts'

export interface RunOptions {
  readonly seed: number
  /** Share of I/Os that go wrong; drawn from the seed where it is not given. */
  readonly share?: number
  readonly faults?: FaultPlan
  /** What happens; drawn from the seed where it is not given. */
  readonly scene?: (startAtMs: number) => Scene
  /** Receives the run as a story, a line an event. */
  readonly trace?: (line: string) => void
}

export interface RunResult {
  readonly seed: number
  readonly problems: readonly string[]
  /** The same for the same seed. */
  readonly hash: string
  readonly faults: { readonly [fault in Fault]?: number }
  readonly executions: number
  readonly incidents: number
  /** Every stream as its records tell it, with the true times. */
  readonly streams: readonly Told[]
  /** Every I/O in order: what it was, in which invocation, and what went wrong with it. */
  readonly points: readonly (Pick<Point, 'name' | 'beside'> & {
    readonly turn: number
    readonly fault?: Fault | undefined
  })[]
}

const START_AT_MS = Date.parse('2026-11-23T09:00:00Z')
const WORKER_MS = 30_000
const SWEEP_EVERY_MS = 60_000
/** Of the sweeps that can only read, so many are played while there are faults. */
const IDLE_SWEEPS = 0.05
const SECOND_MS = 1_000
/** After the last fault: leases, waits, undo and the visibility of lost messages all end within it. */
const QUIET_FOR_MS = 60 * 60_000
/** Nothing is due and nothing under way for so long: only a lost transition of an alarm could still be found. */
const CALM_FOR_MS = 4 * 60_000

/** Plays one seed: the real code, workers that interleave at every I/O, and everything that may go wrong. */
export async function runSeed(options: RunOptions): Promise<RunResult> {
  const { seed } = options
  const dice = diceOf(seed)
  const share = options.share ?? dice.pick([0, 0.01, 0.02, 0.04])
  const scene = options.scene?.(START_AT_MS) ?? sceneFrom(dice, START_AT_MS)
  const agenda = agendaFrom(START_AT_MS)
  const account = accountOf(scene)
  const watch = watchOver({
    startsPerHour: scene.startsPerHour,
    startsPerHourOf: (name) =>
      scene.catalogueAt(agenda.nowMs).policy.runbooks[name]?.executionsPerHour ?? Infinity,
    maxCapacity: (service) =>
      scene.catalogueAt(agenda.nowMs).policy.services[service]?.maxCapacity ?? Infinity,
    cooldownMs: (name) =>
      scene.catalogueAt(agenda.nowMs).runbooks.find(({ runbook }) => runbook === name)?.cooldownMs ?? 0,
  })
  const story: string[] = []
  const points: RunResult['points'][number][] = []
  const injected: { [fault in Fault]?: number } = {}
  const until = START_AT_MS + scene.faultsForMs
  const isFaulty = () => agenda.nowMs < until
  const tell = (line: string) => {
    story.push(line)
    options.trace?.(`${new Date(agenda.nowMs).toISOString().slice(11, 23)} ${line}`)
  }
  account.onCall({
    after: (call) => {
      watch.call({ ...call, ...call.scope }, call.input, standingIn(account), agenda.nowMs)
    },
  })
  const due = new Map<string, number>()
  const plan = options.faults ?? randomFaults(dice, share, () => !isFaulty())
  let ids = 0
  let records = 0
  const ports: Ports = {
    clock: { now: () => agenda.nowMs },
    random: { id: () => `id-${++ids}`, fraction: dice.fraction },
    storage: watchedStorage(),
    outbox: silentOutbox,
    queue: {
      send: async (message, delayMs) => {
        // Losing a wake costs time only; twice is as good as once.
        const lost = scene.losesWakes && isFaulty() && dice.chance(share)
        tell(`${lost ? 'lost: ' : ''}send ${message.stream} in ${delayMs}`)
        if (lost) watch.lost(message.stream, agenda.nowMs, agenda.nowMs + delayMs)
        // A standard queue keeps no order: now and then one message is overtaken by others.
        const behindMs = isFaulty() && dice.chance(share) ? dice.between(1, 5) * SECOND_MS : 0
        if (!lost) work.send(JSON.stringify(message), Math.min(MAX_DELAY_MS, delayMs + behindMs))
        if (isFaulty() && dice.chance(share)) work.send(JSON.stringify(message), delayMs)
        invocations.serve()
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
        const answer = await account.http.post(request)
        watch.post(request)
        return answer
      },
    },
    secret: () => Promise.reject(new Error('each worker has its own')),
    log: silentLog,
    metrics: silentMetrics,
  }
  const invocations = invoker({
    agenda,
    lastsMs: WORKER_MS,
    atOnce: scene.atOnce,
    // At the same moment, or while the first invocation is at it.
    doubledAfterMs: () =>
      isFaulty() && dice.chance(share) ? dice.between(0, dice.chance(0.5) ? 50 : WORKER_MS) : undefined,
    tell,
    watch,
    ground: {
      agenda,
      dice,
      app: () => ({ ports, catalogue: scene.catalogueAt(agenda.nowMs) }),
      faults: (point, turn) => {
        const fault = plan({ ...point, ordinal: points.length + 1 })
        points.push({ name: point.name, beside: point.beside, turn, fault })
        if (fault) injected[fault] = (injected[fault] ?? 0) + 1
        return fault
      },
      told: tell,
      seen: watch.answered,
    },
  })
  const signals = invocations.queue('signals', (app, body, turn) => ingest(app, JSON.parse(body), turn))
  const work = invocations.queue('work', (app, body, turn) =>
    advance(app, JSON.parse(body) as WorkMessage, turn),
  )

  const persons = people({
    agenda,
    dice,
    watch,
    answers: scene.answers,
    invoke: invocations.invoke,
    tell,
  })

  function watchedStorage(): Storage {
    const memory = memoryStorage({
      indexLag: { clock: { now: () => agenda.nowMs }, lagMs: scene.indexLagMs },
    })
    return {
      ...memory,
      async put(item, condition) {
        const answer = await memory.put(item, condition)
        tell(`${answer.is} ${item.pk} ${item.sk} ${item.body}`)
        if (answer.is === 'conflict') return answer
        watch.put(item, agenda.nowMs)
        if (item.sk.startsWith('REC#') && !item.sk.startsWith('REC#incident#')) {
          strike(++records)
          persons.told(item)
        }
        if (item.due) due.set(`${item.pk} ${item.sk}`, sweptFrom(item.due.atMs, item))
        else due.delete(`${item.pk} ${item.sk}`)
        return answer
      },
    }
  }

  function strike(record: number): void {
    for (const { afterRecord, delayMs, what } of scene.strikes)
      if (afterRecord === record) {
        const atMs = agenda.nowMs + delayMs
        agenda.at(atMs, () => happen({ ...what, atMs }))
      }
  }

  let toCome = 0
  const happen = (one: Happening): void => {
    account.advanceTo(agenda.nowMs)
    switch (one.is) {
      case 'alarm': {
        tell(`alarm ${one.alarm} is ${one.state}, told ${one.copies} times`)
        const event = transition(account, one.state, one.alarm)
        const { alarm, state } = one
        watch.alarm({ alarm, state, atMs: account.now(), isTold: one.copies > 0 })
        for (let copy = 0; copy < one.copies; copy++) {
          const payload = dice.chance(0.5) ? event : asAlarmAction(event)
          toCome++
          agenda.at(agenda.nowMs + (copy === 0 ? 0 : dice.between(0, 240) * SECOND_MS), () => {
            toCome--
            signals.send(JSON.stringify(payload))
            invocations.serve()
          })
        }
        return
      }
      case 'outside':
        tell(`somebody else: ${JSON.stringify(one.act)}`)
        account.act(one.act)
        watch.outside(one.act, standingIn(account), agenda.nowMs)
        return
      case 'person':
        persons.ask(one)
        return
      case 'sweep':
        invocations.invoke('a sweep', (app, turn) => sweep(app, turn))
        return
    }
  }
  for (const one of scene.happenings) agenda.at(one.atMs, () => happen(one))
  const isDueBy = (atMs: number): boolean => {
    for (const from of due.values()) if (from <= atMs) return true
    return false
  }
  const sweepAgain = () => {
    // It can only read.
    const isIdle = !isDueBy(agenda.nowMs) && !watch.isBehind
    if (!isIdle || (isFaulty() && dice.chance(IDLE_SWEEPS))) happen({ is: 'sweep', atMs: agenda.nowMs })
    agenda.at(agenda.nowMs + SWEEP_EVERY_MS, sweepAgain)
  }
  agenda.at(START_AT_MS + dice.between(1, 60) * SECOND_MS, sweepAgain)

  const lastAtMs = Math.max(...scene.happenings.map((one) => one.atMs))
  const endAtMs = Math.max(until, lastAtMs) + QUIET_FOR_MS
  let busyAtMs = lastAtMs
  while (agenda.step(endAtMs)) {
    await invocations.settled()
    const waiting = signals.waiting.length + work.waiting.length + toCome + persons.pausing
    if (waiting > 0 || invocations.live > 0 || isDueBy(endAtMs) || agenda.nowMs <= lastAtMs)
      busyAtMs = agenda.nowMs
    else if (agenda.nowMs - busyAtMs > CALM_FOR_MS || !watch.isOpen) break
  }
  account.advanceTo(agenda.nowMs)
  const problems = [
    ...watch.end({
      standing: standingIn(account),
      quietAtMs: until,
      alarming: alarmingIn(account),
      deployments: Object.values(account.world.deployments),
    }),
  ]
  // Five receives last as long as the faults of any scene: what becomes a dead letter all the same has failed without a fault.
  const dead = [...signals.deadLetters, ...work.deadLetters]
  if (dead.some(({ messageId }) => !invocations.doubled.has(messageId)))
    problems.push('a message became a dead letter')
  return {
    seed,
    problems,
    get hash() {
      return sha256(story.join('\n')).slice(0, 16)
    },
    points,
    faults: injected,
    executions: watch.executions.length,
    incidents: watch.incidents.length,
    streams: watch.streams,
  }
}

/** From when on a sweep by a fast clock does something about it: ahead of time where no message is on its way, else when it is overdue. */
function sweptFrom(dueAtMs: number, { body }: Item): number {
  return dueAtMs - SKEW_MS - (body.includes('"unsent":true') ? AHEAD_MS : 0)
}

function alarmingIn({ world }: Account): ReadonlySet<string> {
  return new Set(Object.keys(world.alarms).filter((name) => world.alarms[name]?.state.value === 'ALARM'))
}

/** The account of the same alarms is the same in every run, and is built once. */
const calm = new Map<string, SavedAccount>()

function accountOf(scene: Scene): Account {
  const names = scene.alarms.join()
  const saved = calm.get(names) ?? calmAccount({ startAtMs: START_AT_MS, seed: 1 }, scene.alarms).save()
  calm.set(names, saved)
  const account = createAccount({ saved })
  Object.assign(account.world.faults.lagMs, scene.lagMs)
  const { settlesInMs } = scene
  if (settlesInMs !== undefined) {
    for (const service of Object.values(account.world.services)) service.startupMs = settlesInMs
    for (const zone of Object.values(account.world.zones)) zone.syncMs = settlesInMs
    for (const { groups } of Object.values(account.world.applications))
      for (const group of Object.values(groups)) group.durationMs = 2 * settlesInMs
  }
  if (scene.autoscaler) addScalableTarget(account.world, 'prod/api', AUTOSCALED)
  return account
}
