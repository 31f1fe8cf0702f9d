import { actions } from './actions/index.ts'
import { allDone } from './all-done.ts'
import { describeAlarm } from './probes/alarm-state.ts'
import { describe } from './errors.ts'
import { HOLD_DOWN } from './execution/state.ts'
import { escalation } from './execution/next.ts'
import {
  effectiveMode,
  flappingVerdict,
  frozenBy,
  type Cap,
  limitRules,
  limitPlace,
  type Frozen,
} from './guardrails.ts'
import { runbookHashFor } from './ids.ts'
import { claim, type LimitRule } from './ledger/claims.ts'
import { pinRunbook } from './ledger/control.ts'
import type { Entry, EntryOf, Occasion } from './ledger/entry.ts'
import { openHead, type Head } from './ledger/head.ts'
import { pausedBy, readControl, scopeText, type Control } from './ledger/kill-switch.ts'
import { emptyStream, load } from './ledger/records.ts'
import type { Storage } from './ledger/storage.ts'
import { awsOf, type App, type Turn, type TurnResult } from './ports.ts'
import { workFor } from './queue.ts'
import type { Catalogue, Mode, Pinned, Runbook } from './runbook/runbook.ts'
import { leaseUntilMs, note, openSession, type Session } from './session.ts'
import { runTurn } from './advance.ts'

/** One execution that is to exist, with derived ids: starting it twice starts it once. */
export interface StartOrder {
  readonly incidentId: string
  readonly executionId: string
  /** OPEN's key, or for an incident without an alarm a key that no OPEN has. */
  readonly key: string
  readonly runbook: Runbook
  readonly occasion: Occasion
  /** What the same signal starts. */
  readonly beside?: readonly { readonly runbook: string; readonly executionId: string }[]
  /** Times of the alarm's latest transitions, for flapping. */
  readonly changes: readonly number[]
  /** A person may ask for less than the policy allows. */
  readonly mode?: Mode
  /** An earlier worker may have begun already: read seq 0 first. */
  readonly repeat: boolean
  /** The start has failed again and again: it ends here as refused, and a person is told why. */
  readonly giveUp?: string
  /** What it would answer is over: it ends here as refused, and nobody needs to hear of it. */
  readonly moot?: string
}

/** What is certain without a look at the limits. */
function refusedBefore(order: StartOrder): readonly Refusal[] | undefined {
  if (order.moot !== undefined) return [{ code: 'cleared', reason: order.moot, page: false }]
  return order.giveUp === undefined ? undefined : [{ code: 'poison', reason: order.giveUp, page: true }]
}

interface Refusal {
  readonly code: string
  readonly reason: string
  readonly place?: string
  /** Whether a person must hear that nothing acts. */
  readonly page: boolean
}

/** The first effect may be unseen for so long after the lease's end; HEAD's first due time allows for it, and for no more. */
const FIRST_SETTLE_MS = Math.max(...actions.map((action) => action.timing.listLagMs))

/** Hashes that this process has pinned, by the storage they were pinned in. */
const pinnedIn = new WeakMap<Storage, Set<string>>()

/** What a RUNBOOK item pins. */
export function pinnedOf(catalogue: Catalogue, runbook: Runbook): Pinned {
  const service = catalogue.services[runbook.service]
  if (!service)
    throw new Error(`runbook ${runbook.runbook} names service ${runbook.service}, which services.yaml lacks`)
  return { runbook, service, teams: catalogue.teams }
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
  const head = { incidentId, stream: executionId, headSeq: -1, status: 'starting', wakes: 0 }
  if (order.repeat) {
    await beside
    const stream = await load(ports.storage, incidentId, executionId)
    if (stream.headSeq >= 0) {
      const nowMs = ports.clock.now()
      await openHead(ports.storage, { ...head, dueAtMs: nowMs })
      await ports.queue.send(workFor(stream, 0, nowMs), 0)
      return { is: 'waiting', untilMs: nowMs }
    }
  }
  const nowMs = ports.clock.now()
  const rules = rulesOf(order, catalogue)
  const frozen = frozenFor(order, catalogue, nowMs)
  const [refusals] = await allDone([
    refusedBefore(order) ?? refusalsOf(app, order, pinned, rules, nowMs, frozen),
    openHead(ports.storage, { ...head, ...orderOf(order), dueAtMs: leaseUntilMs(turn) + FIRST_SETTLE_MS }),
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

function cappedBy({ reason, place }: Cap): Pick<EntryOf<'execution.started'>, 'capped'> {
  if (reason === undefined) return {}
  return { capped: { reason, ...(place === undefined ? {} : { place }) } }
}

/** A person who knows of the freeze may start all the same. */
function frozenFor(
  { occasion, runbook }: StartOrder,
  catalogue: Catalogue,
  nowMs: number,
): Frozen | undefined {
  if (occasion.is === 'manual' && occasion.despiteFreeze) return undefined
  return frozenBy(catalogue.policy, runbook, nowMs)
}

/** OPEN keeps what an alarm has started; a person's start is kept in HEAD until it has its first record. */
function orderOf({ occasion, runbook, key, mode }: StartOrder): Pick<Head, 'order'> {
  if (occasion.is !== 'manual') return {}
  return { order: { runbook: runbook.runbook, key, occasion, ...(mode === undefined ? {} : { mode }) } }
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

/** A person's own start counts in the windows but is not held back by them: somebody is looking. */
function rulesOf(order: StartOrder, catalogue: Catalogue): readonly LimitRule[] {
  const windowMs = order.occasion.is === 'alarm' ? order.occasion.signal.windowMs : undefined
  const rules = limitRules(catalogue.policy, order.runbook, windowMs)
  return order.occasion.is === 'manual'
    ? rules.map((rule) => ({ ...rule, cooldownMs: 0, perHour: Infinity }))
    : rules
}

/** Every rule that forbids this start, in order of weight. All are asked at once, since the first effect waits for them. */
async function refusalsOf(
  app: App,
  order: StartOrder,
  pinned: Pinned,
  rules: readonly LimitRule[],
  nowMs: number,
  frozen: Frozen | undefined,
): Promise<readonly Refusal[]> {
  const { ports, catalogue } = app
  const places = catalogue.places?.[order.runbook.runbook]
  const flapping = flappingVerdict(order.runbook, order.changes, nowMs, places)
  const claimAll = async (overlooked: readonly string[] = []) =>
    allDone(
      rules.map(async (rule) => claim(ports.storage, { ...rule, overlooked }, order.executionId, nowMs)),
    )
  const [control, disabled, first] = await allDone([
    readControl(ports.storage),
    actionsDisabled(app, order, pinned),
    // What is certain beforehand takes no place in a window from another runbook.
    flapping.verdict === 'failed' || frozen?.mode === 'refuse' ? [] : claimAll(),
  ])
  const pause = pausedBy(control, order.runbook)
  const held = pause ? [] : pausedBeside(order, control)
  const keptOut = held.length > 0 && first.some((answer) => answer.is === 'refused')
  const claims = keptOut ? await claimAll(held) : first
  const refusals: Refusal[] = []
  if (pause) {
    const reason = `${scopeText(pause.scope)} was paused by ${pause.by}: ${pause.reason}`
    refusals.push({ code: 'paused', reason, page: true })
  }
  if (frozen?.mode === 'refuse') {
    const { reason, place } = frozen
    // Whoever starts by hand is told at once.
    refusals.push({ code: 'freeze', reason, place, page: order.occasion.is === 'alarm' })
  }
  if (disabled) refusals.push({ code: 'actions-disabled', reason: disabled, page: false })
  if (flapping.verdict === 'failed') {
    refusals.push({ code: 'flapping', reason: flapping.reason, place: flapping.place, page: true })
  }
  for (const [index, answer] of claims.entries()) {
    const rule = rules[index]
    if (answer.is !== 'refused' || !rule) continue
    refusals.push({
      code: answer.code,
      reason: answer.reason,
      page: answer.code === 'rate',
      place: limitPlace(catalogue, order.runbook, rule.scope, answer.code),
    })
  }
  return refusals
}

/** What was to start together with it and is held by a pause of its own: its claims, made in the same moment, count for nothing. */
function pausedBeside({ beside = [], runbook }: StartOrder, control: Control): readonly string[] {
  const { service } = runbook
  return beside
    .filter((other) => pausedBy(control, { service, runbook: other.runbook }) !== undefined)
    .map((other) => other.executionId)
}

/**
 * EventBridge keeps telling of alarms whose actions are switched off; only CloudWatch knows that they are. The direct
 * alarm action runs only while they are on, so it needs no question.
 */
async function actionsDisabled(app: App, order: StartOrder, pinned: Pinned): Promise<string | undefined> {
  if (order.occasion.is !== 'alarm') return undefined
  const { signal } = order.occasion
  if (signal.source !== 'cloudwatch' || signal.via === 'alarm-action') return undefined
  try {
    const alarm = await describeAlarm(awsOf(app.ports, pinned.service, order.executionId), signal.name)
    return alarm?.actionsEnabled === false
      ? `the actions of alarm ${signal.name} are disabled in CloudWatch`
      : undefined
  } catch (error) {
    // A mitigation is not held back because this question went unanswered.
    app.ports.log.warn('the alarm could not be described', {
      execution: order.executionId,
      reason: describe(error),
    })
    return undefined
  }
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

const MODES: readonly Mode[] = ['shadow', 'approve', 'auto']

/** The smaller of what is allowed and what was asked for. */
export function lesser(allowed: Mode, asked: Mode | undefined): Mode {
  return asked !== undefined && MODES.indexOf(asked) < MODES.indexOf(allowed) ? asked : allowed
}
