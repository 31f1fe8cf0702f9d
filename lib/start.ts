import { actions } from './actions/index.ts'
import { allDone } from './all-done.ts'
import { fold } from './execution/fold.ts'
import { HOLD_DOWN } from './execution/state.ts'
import { escalation } from './execution/next.ts'
import { effectiveMode, type Cap } from './guardrails.ts'
import { runbookHashFor } from './ids.ts'
import { dueBy } from './incident-stream.ts'
import { pinRunbook } from './ledger/control.ts'
import type { Entry, EntryOf } from './ledger/entry.ts'
import { advanceHead, openHead, readHead, type Head } from './ledger/head.ts'
import { emptyStream, load, type Stream } from './ledger/records.ts'
import type { Storage } from './ledger/storage.ts'
import type { App, Ports, Turn, TurnResult } from './ports.ts'
import { workFor } from './queue.ts'
import { frozenFor, refusalsOf, type Wanted } from './refusals.ts'
import { permitsMore, type Catalogue, type Mode, type Pinned, type Runbook } from './runbook/runbook.ts'
import { leaseUntilMs, note, openSession, type Session } from './session.ts'
import { runTurn } from './advance.ts'

/** One execution that is to exist, with derived ids: starting it twice starts it once. */
export interface StartOrder extends Wanted {
  readonly incidentId: string
  /** OPEN's key, or for an incident without an alarm a key that no OPEN has. */
  readonly key: string
  /** A person may ask for less than the policy allows. */
  readonly mode?: Mode
  /** An earlier worker may have begun already: read seq 0 first. */
  readonly repeat: boolean
}

/** The first effect may be unseen for so long after the lease's end; HEAD's first due time allows for it, and for no more. */
const FIRST_SETTLE_MS = Math.max(...actions.map((action) => action.timing.listLagMs))

/** Hashes that this process has pinned, by the storage they were pinned in. */
const pinnedIn = new WeakMap<Storage, Set<string>>()

/** A catalogue never changes, so each of its runbooks is put together, and what its steps aim at is found, once a process. */
const pinnedFrom = new WeakMap<Catalogue, Map<Runbook, Pinned>>()

/** What a RUNBOOK item pins. */
export function pinnedOf(catalogue: Catalogue, runbook: Runbook): Pinned {
  const known = pinnedFrom.get(catalogue) ?? new Map<Runbook, Pinned>()
  pinnedFrom.set(catalogue, known)
  const service = catalogue.services[runbook.service]
  if (!service)
    throw new Error(`runbook ${runbook.runbook} names service ${runbook.service}, which services.yaml lacks`)
  const pinned = known.get(runbook) ?? { runbook, service, teams: catalogue.teams }
  known.set(runbook, pinned)
  return pinned
}

/**
 * Starts one execution and runs its first turn. `beside` is what must be on record before the first effect and may go out
 * together with the start's own writes (the incident's first record). Every start ends in a record 0: started or refused.
 */
export async function start(
  app: App,
  order: StartOrder,
  turn: Turn,
  beside: Promise<unknown>,
): Promise<TurnResult> {
  const { ports, catalogue } = app
  const { incidentId, executionId, runbook } = order
  const pinned = pinnedOf(catalogue, runbook)
  const hash = hashOf(runbook, pinned)
  if (order.repeat) {
    await beside
    const stream = await load(ports.storage, incidentId, executionId)
    // The turn that the incident was to have by then may be over already, and has found nothing that had begun.
    const { maxHold } = runbook.onResolved ?? {}
    const { is } = fold(stream.entries).status
    if (maxHold && (is === 'absent' || is === 'running'))
      await dueBy(ports, incidentId, ports.clock.now() + maxHold.forMs)
    if (stream.headSeq >= 0) {
      await wakeBegun(ports, stream)
      return { is: 'waiting', untilMs: ports.clock.now() }
    }
  }
  const nowMs = ports.clock.now()
  const frozen = frozenFor(order, catalogue, nowMs)
  const [refusals] = await allDone([
    refusalsOf(app, order, pinned, nowMs, frozen),
    openHead(ports.storage, {
      ...startingHead(incidentId, executionId),
      ...orderOf(order, pinned),
      dueAtMs: ownUntilMs(turn),
    }),
    pinOnce(app, hash, pinned),
    beside,
  ])
  const refusal = refusals[0]
  const cap = effectiveMode(catalogue, runbook, frozen)
  const header = {
    executionId,
    incidentId,
    key: order.key,
    runbook: runbook.runbook,
    runbookHash: hash,
    service: runbook.service,
    severity: runbook.severity,
    mode: lesser(cap.mode, order.mode),
    occasion: order.occasion,
    actor: { is: 'engine', worker: turn.workerId },
  } as const
  if (!refusal) {
    ports.metrics.count('ExecutionsStarted')
    const started: EntryOf<'execution.started'> = {
      kind: 'execution.started',
      ...header,
      ...(header.mode === cap.mode ? cappedBy(cap) : {}),
    }
    const session = beginSession(app, turn, pinned, started)
    holdDown(session, order, runbook)
    return runTurn(session)
  }
  ports.metrics.count('ExecutionsRefused')
  const { page, ...why } = refusal
  const refused: EntryOf<'execution.refused'> = { kind: 'execution.refused', ...header, ...why }
  const session = beginSession(app, turn, pinned, refused)
  if (page) {
    const reason = `${runbook.runbook} does not act on its own: ${refusal.reason}`
    note(session, { ...escalation(session.execution, 'start', reason), actor: header.actor })
  }
  return runTurn(session)
}

/**
 * Whoever repeats a start has its own time for it: until then nobody takes it for one that nobody is at any more, and gives
 * its place in the limits away.
 */
export async function takeOnStart(
  { storage }: Ports,
  { incidentId, executionId }: Pick<StartOrder, 'incidentId' | 'executionId'>,
  turn: Turn,
): Promise<void> {
  const head = await readHead(storage, incidentId, executionId)
  if (!head || head.headSeq >= 0) return
  await advanceHead(storage, { ...head, dueAtMs: Math.max(head.dueAtMs ?? 0, ownUntilMs(turn)) })
}

/** Until then a start is its worker's own. */
function ownUntilMs(turn: Turn): number {
  return leaseUntilMs(turn) + FIRST_SETTLE_MS
}

function startingHead(incidentId: string, executionId: string): Head {
  return { incidentId, stream: executionId, headSeq: -1, status: 'starting', wakes: 0 }
}

/** What has begun is woken, also where its worker died before it put HEAD. */
export async function wakeBegun({ storage, queue, clock }: Ports, begun: Stream): Promise<void> {
  const nowMs = clock.now()
  await openHead(storage, { ...startingHead(begun.incidentId, begun.stream), dueAtMs: nowMs })
  await queue.send(workFor(begun, 0, nowMs), 0)
}

function cappedBy({ reason, place }: Cap): Pick<EntryOf<'execution.started'>, 'capped'> {
  if (reason === undefined) return {}
  return { capped: { reason, ...(place === undefined ? {} : { place }) } }
}

/** OPEN keeps what an alarm has started; a person's start is kept in HEAD until it has its first record. */
function orderOf({ occasion, runbook, key, mode }: StartOrder, pinned: Pinned): Pick<Head, 'order'> {
  if (occasion.is !== 'manual') return {}
  const { account } = pinned.service
  return {
    order: {
      runbook: runbook.runbook,
      key,
      occasion,
      ...(mode === undefined ? {} : { mode }),
      ...(account === undefined ? {} : { account }),
    },
  }
}

function beginSession(
  app: App,
  turn: Turn,
  pinned: Pinned,
  first: EntryOf<'execution.started'> | EntryOf<'execution.refused'>,
): Session {
  const session = openSession(app, turn, pinned, first, emptyStream(first.incidentId, first.executionId))
  session.guarded = true
  note(session, first)
  return session
}

/** The alarm must stay for so long before anything is done; the wait counts from its onset. */
function holdDown(session: Session, order: StartOrder, runbook: Runbook): void {
  if (order.occasion.is !== 'alarm' || runbook.holdDownMs === 0) return
  // What only occurs cannot last.
  if (order.occasion.signal.state === 'occurred') return
  const wakeAtMs = order.occasion.onsetAtMs + runbook.holdDownMs
  if (wakeAtMs <= session.app.ports.clock.now()) return
  const entry: Entry = {
    kind: 'step.waiting',
    actor: { is: 'engine', worker: session.turn.workerId },
    step: HOLD_DOWN,
    waitId: HOLD_DOWN,
    wakeAtMs,
    reason: `the alarm must last ${runbook.holdDownMs / 1000} s`,
  }
  note(session, entry)
}

/** A process's catalogue never changes, so each runbook is hashed once. */
const hashes = new WeakMap<Runbook, string>()

function hashOf(runbook: Runbook, pinned: Pinned): string {
  const hash = hashes.get(runbook) ?? runbookHashFor(pinned)
  hashes.set(runbook, hash)
  return hash
}

/** One put per version and process; a repeat by another process meets the same content. */
async function pinOnce(app: App, hash: string, pinned: Pinned): Promise<void> {
  const { storage } = app.ports
  const known = pinnedIn.get(storage) ?? new Set()
  if (known.has(hash)) return
  await pinRunbook(storage, hash, pinned)
  pinnedIn.set(storage, known.add(hash))
}

/** The smaller of what is allowed and what was asked for. */
export function lesser(allowed: Mode, asked: Mode | undefined): Mode {
  return asked !== undefined && permitsMore(allowed, asked) ? asked : allowed
}
