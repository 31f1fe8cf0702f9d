import { findAction } from '../../lib/actions/index.ts'
import type { HttpRequest } from '../../lib/http.ts'
import type { OutsideAct } from '../outside.ts'
import { canonical } from '../../lib/json.ts'
import type { ChainRecord } from '../../lib/ledger/chain.ts'
import { pinnedIn } from '../../lib/ledger/control.ts'
import type { Entry, EntryOf } from '../../lib/ledger/entry.ts'
import type { Item, PutResult } from '../../lib/ledger/storage.ts'
import type { Pinned } from '../../lib/runbook/runbook.ts'
import { isOpenIncident, watchAlarms, type Moved } from './alarms.ts'
import { watchConsents } from './consents.ts'
import { watchEffects, type MadeCall } from './effects.ts'
import { watchHeads } from './heads.ts'
import { isIdle, watchLimits } from './limits.ts'
import { watchEnd, type Ending } from './ending.ts'
import { LOST_MS, type Delay } from './lateness.ts'
import { watchOrder } from './order.ts'
import { watchPauses } from './pauses.ts'
import type { Standing } from './standing.ts'
import { hasEnded, isUndo, newlyTold, type Told, type WorkerLife } from './told.ts'
import { watchVerdicts } from './verdicts.ts'

export interface Watch {
  /** Everything that was found to be wrong, in order. */
  readonly problems: readonly string[]
  /** The ids of all executions that have begun. */
  readonly executions: readonly string[]
  readonly incidents: readonly string[]
  /** Every stream as it was told. */
  readonly streams: readonly Told[]
  /** Is told of every put that took effect, at the true time. */
  put(item: Item, nowMs: number): void
  /** Somebody else has acted, and this stands after it. */
  outside(act: OutsideAct, standing: Standing, nowMs: number): void
  /** Is told of every call that the account has carried out, and of what stands after it. */
  call(call: MadeCall, input: unknown, standing: Standing, nowMs: number): void
  /** Is told of every request that has reached a provider of pages. */
  post(request: HttpRequest): void
  /** An invocation has begun; it may act until its deadline, whatever it says of itself. */
  worker(workerId: string, life: WorkerLife): void
  /** A worker is answered by the store. */
  answered(workerId: string, name: string, answer: unknown): void
  /** A message was lost that was to wake a stream at that time. */
  lost(stream: string, nowMs: number, atMs: number): void
  /** An alarm has come or gone, whoever is told of it. */
  alarm(move: Moved): void
  /** An alarm has cleared and no event told of it, so that a sweep where nothing is due may find something. */
  readonly isBehind: boolean
  /** Whether an incident still stands, or something is being put back. */
  readonly isOpen: boolean
  /** After faults have stopped and everything had its time: what has not ended, and what no effect stands behind. */
  end(ending: Ending): readonly string[]
}

interface Started {
  readonly told: Told
  readonly runbook: string
  readonly byHand: boolean
}

/** What no run may exceed. */
export interface Limits {
  readonly startsPerHour: number
  readonly startsPerHourOf: (runbook: string) => number
  /** The tasks to which a service may scale its target. */
  readonly maxCapacity: (service: string) => number
  /** Between the end of an execution of a runbook and the next automatic start of it. */
  readonly cooldownMs: (runbook: string) => number
}

/** Holds a run against CORE.md 2, "Checked after every event", as its records and calls are made. */
export function watchOver(limits: Limits): Watch {
  const problems: string[] = []
  const streams = new Map<string, Told>()
  const workers = new Map<string, WorkerLife>()
  const started = new Map<string, Started>()
  const delays: Delay[] = []
  /** What the newest record holds. */
  const recorded: Told['entries'][number][] = []
  const wrong = (what: string) => void problems.push(what)
  const pinned = new Map<string, Pinned>()
  const order = watchOrder(pinned, wrong)
  const effects = watchEffects(streams, order, wrong)
  const alarms = watchAlarms(streams, pinned, wrong)
  const consents = watchConsents(pinned, workers, wrong)
  const windows = watchLimits(streams, wrong)
  const heads = watchHeads(streams, workers, wrong)
  const pauses = watchPauses(pinned, delays, wrong)
  const verdicts = watchVerdicts({ streams, workers, pinned, touched: effects.touched }, wrong)

  function record(item: Item, nowMs: number): void {
    const stream = item.sk.split('#')[1] ?? ''
    const incidentId = item.pk.slice('INC#'.length)
    const key = `${incidentId}/${stream}`
    // Whatever of it no reader could read, the workers themselves would fail on.
    const body = JSON.parse(item.body) as Omit<ChainRecord, 'stream'> & { readonly entries: readonly Entry[] }
    const told = streams.get(key) ?? newlyTold(incidentId, stream)
    streams.set(key, told)
    if (body.seq !== told.headSeq + 1)
      wrong(`${stream}: record ${body.seq} follows ${told.headSeq} (check 3)`)
    if (body.prev !== told.headHash) wrong(`${stream}/${body.seq}: its chain does not hold (check 3)`)
    told.headSeq = body.seq
    told.headHash = body.hash
    told.records.push({ stream, ...body })
    recorded.length = 0
    for (const entry of body.entries) {
      const one: Told['entries'][number] = { entry, seq: body.seq, atMs: body.atMs, putAtMs: nowMs }
      told.entries.push(one)
      recorded.push(one)
      judge(told, entry, `${stream}/${body.seq}`, nowMs)
      consents.judge(told, entry, `${stream}/${body.seq}`)
      order.judge(told, entry, `${stream}/${body.seq}`)
    }
  }

  function judge(told: Told, entry: Entry, address: string, nowMs: number): void {
    if (entry.actor.is === 'engine' && told.superseded.has(entry.actor.worker))
      wrong(`${address}: ${entry.kind} by ${entry.actor.worker}, which was taken over (check 3)`)
    switch (entry.kind) {
      case 'execution.refused':
      case 'undo.started':
      case 'paging.started':
        told.whose = entry
        return
      case 'execution.started':
        told.whose = entry
        begun(told, entry, address)
        return
      case 'execution.aborted':
        told.aborted = true
        return
      case 'worker.tookover':
      case 'step.intended':
        if (entry.actor.is === 'engine') takes(told, entry.actor.worker)
        if (entry.kind === 'step.intended') intent(told, entry, address, nowMs)
        return
      case 'step.applied':
      case 'step.failed':
        if (entry.attempt !== undefined) {
          if (told.settled.has(entry.step))
            wrong(`${address}: attempt ${entry.attempt} of ${entry.step} has a second result (check 3)`)
          told.settled.add(entry.step)
        }
        told.open.delete(entry.step)
        return
      case 'step.skipped':
      case 'step.retried':
      case 'step.unsettled':
        told.open.delete(entry.step)
        return
      default:
    }
  }

  function begun(told: Told, entry: EntryOf<'execution.started'>, address: string): void {
    const { occasion, incidentId, runbook } = entry
    // A key is the same whatever incident it was to join by then.
    const one =
      occasion.is === 'alarm'
        ? `${incidentId} ${runbook} ${occasion.onsetAtMs}`
        : `${occasion.by}'s key ${occasion.key}`
    const other = started.get(one)
    if (other !== undefined) wrong(`${one} was started twice: ${other.told.stream}, ${told.stream} (check 7)`)
    started.set(one, { told, runbook, byHand: occasion.is === 'manual' })
    alarms.begun(told, entry, address, lifeOf(entry))
    // Whoever starts by hand is not held back by the limits.
    if (occasion.is !== 'alarm') return
    const automatic = [...started.values()].filter((each) => !each.byHand && !isIdle(each.told))
    // A run is shorter than the hour in which the limit counts.
    if (automatic.length > limits.startsPerHour)
      wrong(`${address}: more than ${limits.startsPerHour} were started (check 8)`)
    const same = automatic.filter((each) => each.runbook === runbook).length
    if (same > limits.startsPerHourOf(runbook))
      wrong(`${address}: ${same} of ${runbook} were started (check 8)`)
    windows.cools(told, runbook, limits.cooldownMs(runbook), address)
  }

  /** No change lifts a count above the ceiling, and an undo lowers it. */
  function scales({ name, executionId }: MadeCall, input: unknown): void {
    const { desiredCount } = input as { readonly desiredCount?: number }
    const told = [...streams.values()].find(({ stream }) => stream === executionId)
    if (name !== 'ecs:UpdateService' || desiredCount === undefined || !told?.whose) return
    const most = limits.maxCapacity(told.whose.service)
    if (desiredCount > most)
      wrong(`${told.stream}: it scales to ${desiredCount}, and ${most} is the ceiling (check 8)`)
  }

  function lifeOf({ actor }: Entry): WorkerLife | undefined {
    return actor.is === 'engine' ? workers.get(actor.worker) : undefined
  }

  function takes(told: Told, worker: string): void {
    if (told.holder !== undefined && told.holder !== worker) told.superseded.add(told.holder)
    told.holder = worker
  }

  function intent(told: Told, entry: EntryOf<'step.intended'>, address: string, nowMs: number): void {
    const isOwnPage = told.entries.some(
      ({ entry: other }) => other.kind === 'execution.escalated' && other.page === entry.step,
    )
    // A message still goes out while everything is paused.
    const isMessage = findAction(entry.action)?.effect === 'message'
    if (!isOwnPage) {
      if (told.aborted) wrong(`${address}: ${entry.step} is intended after an abort (check 5)`)
      if (!isMessage) pauses.heeds(told, entry, address)
    }
    const before = told.open.get(entry.step)
    const livesUntilMs = workers.get(before?.worker ?? '')?.deadlineAtMs ?? 0
    if (before && before.worker !== entry.worker && nowMs < livesUntilMs)
      wrong(`${address}: ${entry.step} is intended while ${before.worker} may still act on it (check 3)`)
    const after = canonical(entry.change.after)
    const first = told.first.get(entry.step) ?? after
    told.first.set(entry.step, first)
    // The slow steps of an undo are changes of their own, one after the other.
    if (!isUndo(told) && first !== after)
      wrong(`${address}: attempt ${entry.attempt} of ${entry.step} means ${after}, not ${first} (check 1)`)
    const bare = entry.change.target.locks.filter((key) => !(key in (entry.locks ?? {})))
    if (bare.length > 0) wrong(`${address}: ${entry.step} is intended without ${bare.join(', ')} (check 8)`)
    for (const other of streams.values()) {
      if (other === told) continue
      for (const held of other.open.values()) {
        const shared = Object.keys(entry.locks ?? {}).find((lock) => lock in (held.locks ?? {}))
        if (shared !== undefined)
          wrong(`${address}: ${shared} is in the hands of ${other.stream} as well (check 8)`)
      }
    }
    if (isUndo(told) && !isOwnPage) alarms.undoes(told, entry.step, address, lifeOf(entry))
    if (!isUndo(told) && !isMessage) windows.acts(told, address)
    told.settled.delete(entry.step)
    told.open.set(entry.step, entry)
  }

  return {
    problems,
    get executions() {
      return [...started.values()].map((each) => each.told.stream)
    },
    get incidents() {
      return [...new Set([...streams.values()].map((told) => told.incidentId))]
    },
    get streams() {
      return [...streams.values()]
    },
    put(item, nowMs) {
      const [kind = ''] = item.pk.split('#')
      if (item.sk.startsWith('REC#')) record(item, nowMs)
      else if (item.sk.startsWith('HEAD#')) heads.put(item, nowMs)
      else if (kind === 'LOCK') consents.lock(item)
      else if (kind === 'LIMIT') windows.put(item)
      else if (kind === 'RUNBOOK') pinned.set(item.pk.slice('RUNBOOK#'.length), pinnedIn(item))
      else {
        if (kind === 'CONTROL') pauses.put(item, nowMs)
        alarms.put(item, nowMs)
      }
    },
    outside(act, standing, nowMs) {
      effects.outside(act, standing, nowMs)
      verdicts.outside(standing, nowMs)
    },
    call(made, input, standing, nowMs) {
      scales(made, input)
      effects.call(made, input, standing, nowMs)
      verdicts.call(made, input, standing, nowMs)
    },
    post: effects.post,
    worker: (workerId, life) => void workers.set(workerId, life),
    answered(workerId, name, answer) {
      if (name === 'put LOCK' && (answer as PutResult).is === 'put') consents.lockedBy(workerId)
      if (name === 'put REC' && (answer as PutResult).is === 'put')
        for (const one of recorded) one.by = workerId
      if (name === 'get CONTROL') pauses.read(workerId, answer as Item | undefined)
    },
    lost: (stream, nowMs, atMs) => void delays.push({ stream, fromMs: nowMs, untilMs: atMs + LOST_MS }),
    alarm(move) {
      alarms.moved(move)
      verdicts.moved(move)
    },
    get isBehind() {
      return alarms.isBehind
    },
    get isOpen() {
      if (heads.isDue) return true
      return [...streams.values()].some((told) => isOpenIncident(told) || (isUndo(told) && !hasEnded(told)))
    },
    end(ending) {
      effects.end()
      windows.end()
      heads.end(ending)
      alarms.end(ending)
      verdicts.end(ending.deployments)
      watchEnd({ streams, workers, pinned, touched: effects.touched, delays }, ending, wrong)
      return problems
    },
  }
}
