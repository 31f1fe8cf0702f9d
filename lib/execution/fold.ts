import { never } from '../errors.ts'
import type { Actor, Heritage, Stamped } from '../ledger/entry.ts'
import {
  breakerOf,
  isMessageChange,
  type ApprovalState,
  type Attempt,
  type Execution,
  type Page,
  type Status,
  type StepState,
} from './state.ts'

/** A state to which entries are added one by one. */
interface Draft {
  header?: NonNullable<Execution['header']>
  status: Status
  aborted?: NonNullable<Execution['aborted']>
  steps: Map<string, StepState>
  approvals: Map<string, ApprovalState>
  pages: Page[]
  retries: number
  breakers: Set<string>
}

const NOTHING: Execution = {
  status: { is: 'absent' },
  steps: new Map(),
  approvals: new Map(),
  pages: [],
  retries: 0,
  breakers: new Set(),
}

/** What an array of entries tells never changes: a stream that is read and found unchanged is folded once. */
const folded = new WeakMap<readonly Stamped[], Execution>()

/** The state that the entries tell. Pure; never throws on a prefix of a stream. */
export function fold(entries: readonly Stamped[]): Execution {
  const execution = folded.get(entries) ?? foldOn(NOTHING, entries)
  folded.set(entries, execution)
  return execution
}

/** The state that more entries make of one: `fold` of all of them. A turn goes on by it instead of folding its stream anew. */
export function foldOn(before: Execution, entries: readonly Stamped[]): Execution {
  if (entries.length === 0) return before
  const draft: Draft = {
    ...before,
    steps: new Map(before.steps),
    approvals: new Map(before.approvals),
    pages: [...before.pages],
    breakers: new Set(before.breakers),
  }
  for (const entry of entries) add(draft, entry)
  return draft
}

function add(draft: Draft, entry: Stamped): void {
  switch (entry.kind) {
    case 'execution.started':
      draft.header = entry
      draft.status = { is: 'running' }
      return
    case 'undo.started':
      draft.header = entry
      draft.status = { is: 'running' }
      for (const item of entry.items)
        draft.steps.set(item.step, { is: 'pending', lastSet: item.change.after, putOff: 0 })
      return
    case 'paging.started':
      draft.header = entry
      draft.status = { is: 'running' }
      return
    case 'execution.refused':
      draft.header = entry
      draft.status = { is: 'refused', code: entry.code, reason: entry.reason }
      return
    case 'execution.escalated':
      draft.pages.push({
        id: entry.page,
        to: entry.to,
        reason: entry.reason,
        ...(entry.step === undefined ? {} : { step: entry.step }),
        ...(entry.stuck === undefined ? {} : { stuck: true }),
      })
      return
    case 'execution.aborted':
      draft.aborted ??= { by: nameOf(entry.actor), reason: entry.reason }
      return
    case 'execution.stopped':
      draft.status = { is: 'stopped', reason: entry.reason }
      return
    case 'execution.finished':
      draft.status = { is: 'finished', outcome: entry.outcome, reason: entry.reason }
      return
    case 'approval.requested':
      draft.approvals.set(entry.subject, {
        is: 'asked',
        round: entry.round,
        digest: entry.digest,
        expiresAtMs: entry.expiresAtMs,
        by: entry.by,
        onTimeout: entry.onTimeout,
        quorum: entry.quorum ?? 1,
        approvedBy: [],
        ...(entry.notSelf && draft.header?.occasion.is === 'manual'
          ? { notBy: draft.header.occasion.by }
          : {}),
      })
      return
    case 'step.approved':
    case 'step.denied':
    case 'approval.expired':
      decide(draft, entry)
      return
    case 'step.intended':
    case 'step.applied':
    case 'step.retried':
    case 'step.unsettled':
    case 'step.failed':
    case 'step.skipped':
    case 'step.waiting':
    case 'step.waited':
    case 'step.verified':
    case 'step.checking':
    case 'step.checked': {
      const before = draft.steps.get(entry.step)
      if (isRepeat(entry) && breakerOf(before) === undefined) draft.retries++
      hold(draft, before, entry)
      const next = addToStep(draft, before, entry)
      if (next) draft.steps.set(entry.step, next)
      return
    }
    case 'plan.recorded':
    case 'worker.tookover':
    case 'incident.opened':
    case 'incident.recurred':
    case 'incident.cleared':
    case 'incident.mitigated':
    case 'incident.resolved':
    case 'incident.acknowledged':
    case 'incident.noted':
    case 'signal.attached':
      return
    default:
      never(entry)
  }
}

/** A step that is held up again keeps its breaker on the list; anything else that becomes of it takes it off. */
function hold(draft: Draft, before: StepState | undefined, entry: StepEntry): void {
  if (entry.kind === 'step.intended' || entry.kind === 'step.verified') return
  const key = 'breaker' in entry ? entry.breaker : undefined
  const gone = breakerOf(before)
  if (key !== undefined) draft.breakers.add(key)
  else if (gone !== undefined) draft.breakers.delete(gone)
}

/** The attempts of a message are nobody else's business. */
function isRepeat(entry: Stamped): boolean {
  return entry.kind === 'step.intended' && entry.attempt > 1 && !isMessageChange(entry.change)
}

type Decision = Extract<Stamped, { kind: 'step.approved' | 'step.denied' | 'approval.expired' }>

/** The first decision on a round counts, or the last that its quorum asks for; a later or stray one changes nothing. */
function decide(draft: Draft, entry: Decision): void {
  const asked = draft.approvals.get(entry.subject)
  if (asked?.is !== 'asked') return
  switch (entry.kind) {
    case 'step.approved':
      if (entry.digest !== asked.digest) return
      draft.approvals.set(entry.subject, approvedBy(asked, nameOf(entry.actor)))
      return
    case 'step.denied':
      draft.approvals.set(entry.subject, {
        is: 'denied',
        by: nameOf(entry.actor),
        reason: entry.reason ?? '',
      })
      return
    case 'approval.expired':
      draft.approvals.set(entry.subject, { is: 'expired', onTimeout: entry.onTimeout })
      return
    default:
      never(entry)
  }
}

function approvedBy(asked: Extract<ApprovalState, { is: 'asked' }>, name: string): ApprovalState {
  if (name === asked.notBy || asked.approvedBy.includes(name)) return asked
  const names = [...asked.approvedBy, name]
  if (names.length < asked.quorum) return { ...asked, approvedBy: names }
  return { is: 'approved', round: asked.round, digest: asked.digest, by: names.join(' and ') }
}

type StepEntry = Extract<
  Stamped,
  {
    kind:
      | 'step.intended'
      | 'step.applied'
      | 'step.retried'
      | 'step.unsettled'
      | 'step.failed'
      | 'step.skipped'
      | 'step.waiting'
      | 'step.waited'
      | 'step.verified'
      | 'step.checking'
      | 'step.checked'
  }
>

function addToStep(draft: Draft, before: StepState | undefined, entry: StepEntry): StepState | undefined {
  switch (entry.kind) {
    case 'step.intended':
      return {
        is: 'open',
        attempt: entry.attempt,
        begunAtMs: attemptOf(before)?.begunAtMs ?? entry.atMs,
        uncounted: attemptOf(before)?.uncounted ?? 0,
        ...heldUp(breakerOf(before)),
        action: entry.action,
        change: entry.change,
        worker: entry.worker,
        leaseUntilMs: entry.leaseUntilMs,
        settleMs: entry.settleMs,
        locks: entry.locks ?? {},
        undoTo: entry.undoTo ?? entry.change.before,
        ...inherited(entry.heritage),
        last: entry.last ?? true,
      }
    case 'step.applied': {
      const tried = attemptOf(before)
      if (!tried) return before
      if (!tried.last) {
        const everyMs = draft.header?.kind === 'undo.started' ? draft.header.everyMs : 0
        return { is: 'pending', lastSet: tried.change.after, notBeforeMs: entry.atMs + everyMs, putOff: 0 }
      }
      return {
        ...tried,
        is: 'applied',
        receipt: entry.receipt,
        atMs: entry.atMs,
        message: entry.message ?? false,
      }
    }
    case 'step.retried': {
      const tried = heldBy(before, entry.breaker)
      return (
        tried && {
          ...tried,
          is: 'again',
          why: 'retried',
          reason: entry.reason,
          dueAtMs: entry.retryAtMs,
          sinceMs: before && isPutOffSame(before, entry.reason, entry.breaker) ? before.sinceMs : entry.atMs,
        }
      )
    }
    case 'step.unsettled': {
      const tried = heldBy(before, entry.breaker)
      return (
        tried && {
          ...tried,
          is: 'again',
          why: 'unsettled',
          reason: entry.reason,
          dueAtMs: entry.observeAtMs,
          sinceMs: before?.is === 'again' && before.why === 'unsettled' ? before.sinceMs : entry.atMs,
        }
      )
    }
    case 'step.failed':
      return { is: 'failed', code: entry.code, reason: entry.reason }
    case 'step.skipped':
      return { is: 'skipped', code: entry.code, reason: entry.reason }
    case 'step.waiting':
      if (entry.blocked) {
        const pending = before?.is === 'pending' ? before : { is: 'pending' as const, putOff: 0 }
        const { breaker: _breaker, ...rest } = pending
        return {
          ...rest,
          ...heldUp(entry.breaker),
          notBeforeMs: entry.wakeAtMs,
          blockedBy: entry.reason,
          putOff: pending.putOff + 1,
          putOffSince: { atMs: pending.putOffSince?.atMs ?? entry.atMs, reason: entry.reason },
        }
      }
      return { is: 'waiting', waitId: entry.waitId, wakeAtMs: entry.wakeAtMs, reason: entry.reason }
    case 'step.waited':
      return { is: 'waited' }
    case 'step.verified':
      return before?.is === 'applied' ? { ...before, verdict: entry.verdict } : before
    case 'step.checking':
      return { is: 'checking', sinceMs: entry.atMs, untilMs: entry.untilMs }
    case 'step.checked':
      return { is: 'checked', verdict: entry.verdict }
    default:
      return never(entry)
  }
}

function attemptOf(state: StepState | undefined): Attempt | undefined {
  if (state?.is !== 'open' && state?.is !== 'again') return undefined
  const { attempt, begunAtMs, breaker, uncounted, action, change, locks, undoTo, heritage, last } = state
  const known = { attempt, begunAtMs, ...heldUp(breaker), uncounted, action, change, locks, undoTo }
  return { ...known, ...inherited(heritage), last }
}

function inherited(heritage: Heritage | undefined): { readonly heritage?: Heritage } {
  return heritage === undefined ? {} : { heritage }
}

/** An attempt that met an outage under an open breaker is not counted; one that was only held up again was none. */
function heldBy(before: StepState | undefined, breaker: string | undefined): Attempt | undefined {
  const tried = attemptOf(before)
  if (!tried) return undefined
  const { breaker: _breaker, ...rest } = tried
  if (breaker === undefined) return rest
  return { ...rest, breaker, uncounted: rest.uncounted + (before?.is === 'open' ? 1 : 0) }
}

function heldUp(breaker: string | undefined): { readonly breaker?: string } {
  return breaker === undefined ? {} : { breaker }
}

/** Whether a repeat still waits for the same thing: what it waited for earlier is no part of the step's time. */
export function isPutOffSame(
  before: StepState,
  reason: string,
  breaker: string | undefined,
): before is Extract<StepState, { is: 'again' }> {
  if (before.is !== 'again' || before.why !== 'retried') return false
  return breaker === undefined ? before.reason === reason : before.breaker === breaker
}

/** A person's name, or what acted in its stead. */
export function nameOf(actor: Actor): string {
  switch (actor.is) {
    case 'person':
      return actor.name
    case 'engine':
      return 'firebreak'
    case 'signal':
      return actor.source
    default:
      return never(actor)
  }
}
