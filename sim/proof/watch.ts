import { findAction } from '../../lib/actions/index.ts'
import { fold } from '../../lib/execution/fold.ts'
import { isEnded, isSettled, stateOf } from '../../lib/execution/state.ts'
import { canonical } from '../../lib/json.ts'
import { verifyChain, type ChainRecord } from '../../lib/ledger/chain.ts'
import { entrySchema, type Entry, type EntryOf } from '../../lib/ledger/entry.ts'
import { stampAll } from '../../lib/ledger/records.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import type { LoggedCall } from '../account.ts'

/** What one stream has told so far. */
interface Told {
  readonly incidentId: string
  readonly stream: string
  headSeq: number
  headHash: string
  readonly entries: { readonly entry: Entry; readonly seq: number; readonly atMs: number }[]
  readonly records: ChainRecord[]
  /** Whoever acted on it last, and all who were taken over. */
  holder?: string
  readonly superseded: Set<string>
  aborted: boolean
  /** Intents whose outcome is not on record, with the locks under which they act. */
  readonly open: Map<string, EntryOf<'step.intended'>>
  /** The first `after` of every step: what no later attempt may change. */
  readonly firstAfter: Map<string, string>
}

export interface Watch {
  /** Everything that was found to be wrong, in order. */
  readonly problems: readonly string[]
  /** The ids of all executions that have begun. */
  readonly executions: readonly string[]
  readonly incidents: readonly string[]
  /** Is told of every put that took effect, at the true time. */
  put(item: Item, nowMs: number): void
  /** Is told of every call that the account has carried out. */
  call(call: Pick<LoggedCall, 'name' | 'mutating' | 'executionId'>, input: unknown): void
  /** An invocation has begun; it may act until then, whatever it says of itself. */
  worker(workerId: string, deadlineAtMs: number): void
  /** A worker has read the kill switch. */
  control(workerId: string, paused: boolean): void
  /** Whether everything that was begun has ended well, without a person stopping it or somebody else's value in the way. */
  endedWell(): boolean
  /** After faults have stopped and everything had its time: what has not ended, and what no effect stands behind. */
  end(): readonly string[]
}

/** Holds a run against CORE.md 2, "Checked after every event", as its records and calls are made. */
export function watchOver(): Watch {
  const problems: string[] = []
  const streams = new Map<string, Told>()
  const opens = new Map<string, Item>()
  const deadlines = new Map<string, number>()
  const paused = new Map<string, boolean>()
  const started = new Map<string, string>()
  const effects: { readonly name: string; readonly executionId?: string; readonly input: unknown }[] = []
  const wrong = (what: string) => void problems.push(what)

  function record(item: Item, nowMs: number): void {
    const stream = item.sk.split('#')[1] ?? ''
    const incidentId = item.pk.slice('INC#'.length)
    const key = `${incidentId}/${stream}`
    const body = JSON.parse(item.body) as Omit<ChainRecord, 'stream'> & { entries: unknown[] }
    const told = streams.get(key) ?? fresh(incidentId, stream)
    streams.set(key, told)
    if (body.seq !== told.headSeq + 1)
      wrong(`${stream}: record ${body.seq} follows ${told.headSeq} (check 3)`)
    if (body.prev !== told.headHash) wrong(`${stream}/${body.seq}: its chain does not hold (check 3)`)
    told.headSeq = body.seq
    told.headHash = body.hash
    told.records.push({ stream, ...body })
    for (const raw of body.entries) {
      const entry = entrySchema.parse(raw)
      told.entries.push({ entry, seq: body.seq, atMs: body.atMs })
      judge(told, entry, `${stream}/${body.seq}`, nowMs)
    }
  }

  function judge(told: Told, entry: Entry, address: string, nowMs: number): void {
    if (entry.actor.is === 'engine' && told.superseded.has(entry.actor.worker))
      wrong(`${address}: ${entry.kind} by ${entry.actor.worker}, which was taken over (check 3)`)
    switch (entry.kind) {
      case 'execution.started': {
        const onset = entry.occasion.is === 'alarm' ? entry.occasion.onsetAtMs : entry.occasion.key
        const one = `${entry.incidentId} ${entry.runbook} ${onset}`
        const other = started.get(one)
        if (other !== undefined) wrong(`${one} was started twice: ${other}, ${told.stream} (check 7)`)
        started.set(one, told.stream)
        return
      }
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
      case 'step.skipped':
      case 'step.retried':
      case 'step.unsettled':
        told.open.delete(entry.step)
        return
      default:
    }
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
      if (!isMessage && paused.get(entry.worker) === true)
        wrong(`${address}: ${entry.step} is intended by a worker that has read the pause (check 5)`)
    }
    const before = told.open.get(entry.step)
    const livesUntilMs = deadlines.get(before?.worker ?? '') ?? 0
    if (before && before.worker !== entry.worker && nowMs < livesUntilMs)
      wrong(`${address}: ${entry.step} is intended while ${before.worker} may still act on it (check 3)`)
    // The slow steps of an undo are changes of their own, one after the other.
    if (!told.stream.endsWith('.undo')) {
      const after = canonical(entry.change.after)
      const first = told.firstAfter.get(entry.step) ?? after
      if (first !== after)
        wrong(`${address}: attempt ${entry.attempt} of ${entry.step} means ${after}, not ${first} (check 1)`)
      told.firstAfter.set(entry.step, first)
    }
    for (const other of streams.values()) {
      if (other === told) continue
      for (const held of other.open.values()) {
        const shared = Object.keys(entry.locks ?? {}).find((lock) => lock in (held.locks ?? {}))
        if (shared !== undefined)
          wrong(`${address}: ${shared} is in the hands of ${other.stream} as well (check 8)`)
      }
    }
    told.open.set(entry.step, entry)
  }

  function call(made: Pick<LoggedCall, 'name' | 'mutating' | 'executionId'>, input: unknown): void {
    if (!made.mutating || made.executionId === undefined) return
    effects.push({ name: made.name, executionId: made.executionId, input })
    const own = [...streams.values()].filter(
      ({ stream }) => stream === made.executionId || stream === `${made.executionId}.undo`,
    )
    if (made.name !== 'ecs:UpdateService') return
    const { desiredCount } = input as { readonly desiredCount?: number }
    const meant = own.some(({ entries }) =>
      entries.some(
        ({ entry }) =>
          entry.kind === 'step.intended' &&
          (entry.change.after as { readonly desired?: number } | null)?.desired === desiredCount,
      ),
    )
    if (!meant) wrong(`${made.executionId}: ECS is set to ${desiredCount}, which no intent says (G2)`)
  }

  function unique(): void {
    const counts = new Map<string, number>()
    for (const effect of effects) {
      if (effect.name !== 'codedeploy:CreateDeployment') continue
      const { description = '' } = effect.input as { readonly description?: string }
      counts.set(description, (counts.get(description) ?? 0) + 1)
    }
    for (const [marker, count] of counts)
      if (count > 1) wrong(`"${marker}" was deployed ${count} times (check 1)`)
  }

  function unfinished(): void {
    for (const told of streams.values()) {
      if (told.stream === 'incident') continue
      const execution = fold(
        told.entries.flatMap(({ entry, seq, atMs }) => stampAll([entry], told.stream, seq, atMs)),
      )
      const { status } = execution
      if (!isEnded(execution) && status.is !== 'refused') {
        wrong(`${told.stream} is still ${status.is} (check 6)`)
        continue
      }
      for (const page of execution.pages)
        if (!isSettled(stateOf(execution, page.id)))
          wrong(`${told.stream}: ${page.id} is not settled (check 6)`)
      if (status.is !== 'finished' || status.outcome !== 'succeeded') continue
      for (const [step, state] of execution.steps)
        if (!isSettled(state)) wrong(`${told.stream} has succeeded without a result of ${step} (check 4)`)
    }
    for (const item of opens.values()) {
      const { pending = {} } = JSON.parse(item.body) as { readonly pending?: object }
      if (Object.keys(pending).length > 0) wrong(`${item.pk} still has something pending (check 6)`)
    }
  }

  function chains(): void {
    for (const incidentId of new Set([...streams.values()].map((told) => told.incidentId))) {
      const records = [...streams.values()]
        .filter((told) => told.incidentId === incidentId)
        .flatMap((told) => told.records)
      const answer = verifyChain(records)
      if (answer.is !== 'consistent') wrong(`${incidentId}: its records are ${answer.is} (check 3)`)
    }
  }

  return {
    problems,
    get executions() {
      return [...started.values()]
    },
    get incidents() {
      return [...new Set([...streams.values()].map((told) => told.incidentId))]
    },
    put(item, nowMs) {
      if (item.pk.startsWith('OPEN#')) opens.set(item.pk, item)
      else if (item.sk.startsWith('REC#')) record(item, nowMs)
    },
    call,
    worker: (workerId, deadlineAtMs) => void deadlines.set(workerId, deadlineAtMs),
    control: (workerId, isPaused) => void paused.set(workerId, isPaused),
    endedWell() {
      return [...streams.values()].every(({ entries }) =>
        entries.every(({ entry }) => {
          if (entry.kind === 'execution.finished') return entry.outcome === 'succeeded'
          if (entry.kind === 'step.skipped') return entry.code === 'undone' || entry.code === 'superseded'
          return !['step.failed', 'execution.aborted', 'execution.stopped'].includes(entry.kind)
        }),
      )
    },
    end() {
      unique()
      unfinished()
      chains()
      return problems
    },
  }
}

function fresh(incidentId: string, stream: string): Told {
  return {
    incidentId,
    stream,
    headSeq: -1,
    headHash: '',
    entries: [],
    records: [],
    superseded: new Set(),
    aborted: false,
    open: new Map(),
    firstAfter: new Map(),
  }
}
