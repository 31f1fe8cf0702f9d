import { MORE } from './more-mutants.ts'

/*
 * Deliberate defects, each of which takes one rule of the protocol out. They are changes to the source text that are made
 * while a process loads it (`mutated.ts`), so that no code that ships has a seam for them. A defect whose text is not found
 * exactly once is an error: whoever changes the rule's code has to look at its defect, too.
 */

export interface Mutant {
  readonly name: string
  /** The part of the protocol whose rule it takes out. */
  readonly rule:
    | 'start'
    | 'step'
    | 'lease'
    | 'unknown outcome'
    | 'lock'
    | 'limit'
    | 'approval'
    | 'verdict'
    | 'undo'
    | 'waking'
    | 'queue'
    | 'page'
  /** One of the nine that every run of the tests plays (CORE.md 2). */
  readonly demanded?: true
  /** From the repository's root. */
  readonly file: string
  readonly from: string
  readonly to: string
}

const DEMANDED: readonly Mutant[] = [
  {
    name: 'observation skipped after an unknown outcome',
    rule: 'unknown outcome',
    file: 'lib/recover.ts',
    from: 'const where = action.locate(tried.change, observed, { marker })',
    to: "const where = { at: 'before' }",
  },
  {
    name: 'append without its condition',
    rule: 'step',
    file: 'lib/ledger/records.ts',
    from: "return 'conflict'",
    to: "return 'put'",
  },
  {
    name: 'lease shorter than the deadline',
    rule: 'lease',
    file: 'lib/session.ts',
    from: 'return turn.deadlineMs + LEASE_MARGIN_MS',
    to: 'return turn.deadlineMs - 25_000',
  },
  {
    name: 'SDK retries left on for calls without absolute state',
    rule: 'unknown outcome',
    file: 'sim/proof/worker-ports.ts',
    from: 'return { call: send }',
    to: 'return { call: (name, input) => send(name, input).catch(() => send(name, input)) }',
  },
  {
    name: 'relative value recomputed',
    rule: 'unknown outcome',
    file: 'lib/ecs/act.ts',
    from: 'service: on.service, desiredCount: after.desired })',
    to: `service: on.service, desiredCount: after.desired - before.desired +
      (await aws.call('ecs:DescribeServices', { cluster: on.cluster, services: [on.service] })).services[0].desiredCount })`,
  },
  {
    name: 'record id not compared',
    rule: 'step',
    file: 'lib/ledger/records.ts',
    from: ' || answer.existing.recordId === item.recordId',
    to: '',
  },
  {
    name: 'wait appended before its message is sent',
    rule: 'waking',
    file: 'lib/advance.ts',
    from: 'await send(session, untilMs, session.stream.headSeq + (writes ? 1 : 0), session.guardUntilMs)',
    to: `if (!(await flush(session))) return undefined
  await send(session, untilMs, session.stream.headSeq, dueAtMs)`,
  },
  {
    name: 'message acknowledged before the append',
    rule: 'queue',
    file: 'sim/proof/invoker.ts',
    from: 'one.underWay++',
    to: 'one.underWay++; one.queue.acknowledge(delivery)',
  },
  {
    name: 'lock released before the result is recorded',
    rule: 'lock',
    file: 'lib/session.ts',
    from: "if (session.buffer.length === 0) {\n    giveBack(session, 'unheard')",
    to: "giveBack(session, 'on-record')\n  if (session.buffer.length === 0) {",
  },
]

const FURTHER: readonly Mutant[] = [
  {
    name: 'a late duplicate is taken for news',
    rule: 'start',
    file: 'lib/incident.ts',
    from: 'signal.stateAtMs <= before.stateAtMs && !clears',
    to: 'signal.stateAtMs < before.stateAtMs - 600_000 && !clears',
  },
  {
    name: 'OPEN forgets what it has not carried out',
    rule: 'start',
    file: 'lib/incident.ts',
    from: 'pending: { ...open.pending, [signal.signalId]: { ...pending, dueAtMs } },',
    to: 'pending: {},',
  },
  {
    name: 'a late start acts on an alarm that has cleared',
    rule: 'start',
    file: 'lib/ingest.ts',
    from: 'const moot = how.repeat ? mootFor(open, pending) : undefined',
    to: 'const moot = undefined',
  },
  {
    name: 'an incident that is recorded late is not resolved under a later one',
    rule: 'start',
    file: 'lib/advance-incident.ts',
    from: 'open && open.incidentId !== incidentId ? incident.clearedAtMs : clearAtMs',
    to: 'clearAtMs',
  },
  {
    name: 'a step begins after an abort',
    rule: 'step',
    file: 'lib/execution/next.ts',
    from: 'if (execution.aborted) {',
    to: 'if (false) {',
  },
  {
    name: 'the kill switch is read and not heeded',
    rule: 'limit',
    file: 'lib/perform.ts',
    from: '{ runbook, service, account }) !== undefined',
    to: '{ runbook, service, account }) === null',
  },
  {
    name: 'a worker goes on after it was taken over',
    rule: 'step',
    file: 'lib/session.ts',
    from: 'function isForeign(entry: Stamped, workerId: string): boolean {',
    to: 'function isForeign(entry: Stamped, workerId: string): boolean {\n  return false',
  },
  {
    name: 'a live lease is not respected',
    rule: 'lease',
    file: 'lib/execution/lanes.ts',
    from: 'isLive(execution, id) ? [{ id, state }] : [],',
    to: 'isLive(execution, id) ? [{ id, state: { ...state, leaseUntilMs: 0, settleMs: 0 } }] : [],',
  },
  {
    name: 'an unknown outcome is looked at too early',
    rule: 'unknown outcome',
    file: 'lib/perform.ts',
    from: 'const observeAtMs = clock.now() + CALL_TIMEOUT_MS + intent.action.timing.listLagMs',
    to: 'const observeAtMs = clock.now()',
  },
  {
    name: 'locks hold nobody off',
    rule: 'lock',
    file: 'lib/ledger/locks.ts',
    from: 'if (old.expiresAtMs > nowMs || !(await mayStealFrom(old.owner, old.incidentId))) return busy',
    to: '',
  },
  {
    name: 'a lock is stolen from an open intent',
    rule: 'lock',
    file: 'lib/ledger/locks.ts',
    from: ' || !(await mayStealFrom(old.owner, old.incidentId))) return busy',
    to: ') return busy',
  },
  {
    name: 'a lock is stolen while an outcome is in doubt',
    rule: 'lock',
    file: 'lib/hold.ts',
    from: " || (state.is === 'again' && state.why === 'unsettled')",
    to: '',
  },
  {
    name: 'a target is looked at while reads are behind its last change',
    rule: 'lock',
    file: 'lib/ledger/locks.ts',
    from: 'if (nowMs < changedAtMs + wanted.staleMs)',
    to: 'if (nowMs < 0)',
  },
  {
    name: 'the hourly limit is not kept',
    rule: 'limit',
    file: 'lib/ledger/claims.ts',
    from: 'return started < rule.perHour ? undefined : refusedByRate(rule, started)',
    to: 'return undefined',
  },
  {
    name: 'the cooldown is not kept',
    rule: 'limit',
    file: 'lib/ledger/claims.ts',
    from: 'if (nowMs - endedAtMs < rule.cooldownMs) {',
    to: 'if (false) {',
  },
  {
    name: 'undo overwrites what somebody else has set',
    rule: 'undo',
    file: 'lib/prepare-undo.ts',
    from: 'outstanding?.after ?? state.lastSet ?? change.after,',
    to: 'observed,',
  },
  {
    name: 'undo overwrites the weight that somebody else has set',
    rule: 'undo',
    file: 'lib/actions/route53-weight-record.ts',
    from: 'if (!sameJson(observed.record, lastSet.record)) {',
    to: 'if (false) {',
  },
  {
    name: 'undo goes on while the alarm stands',
    rule: 'undo',
    file: 'lib/clearing.ts',
    from: "if (state === 'alarm') return { is: 'not-clear', reason: 'the alarm stands', troubled: true }",
    to: '',
  },
  {
    name: 'max_hold ends too early',
    rule: 'undo',
    file: 'lib/advance-incident.ts',
    from: 'heldUntilMs: sinceMs + maxHold.forMs }',
    to: 'heldUntilMs: sinceMs + maxHold.forMs / 2 }',
  },
  {
    name: 'max_hold ends, and nothing is put back',
    rule: 'undo',
    file: 'lib/clearing.ts',
    from: "(isOverdue(session) && onResolved?.maxHold?.atEnd === 'undo')",
    to: 'false',
  },
  {
    name: 'a later change forgets what an earlier one is to put back',
    rule: 'undo',
    file: 'lib/begin.ts',
    from: 'const undoTo = inherits ? inherits.before : change.before',
    to: 'const undoTo = change.before',
  },
  {
    name: 'who steals a lock does not read what its owner left',
    rule: 'undo',
    file: 'lib/hold.ts',
    from: '(owner, sinceToken, stood) => leftBehind(session, owner, { key, sinceToken }, stood)',
    to: 'async (_owner, _sinceToken, stood) => stood',
  },
  {
    name: 'the sweep wakes nobody',
    rule: 'waking',
    file: 'lib/sweep.ts',
    from: 'await ports.queue.send(workFor(head, Math.max(0, head.headSeq), nowMs), delayMs)',
    to: '',
  },
  {
    name: 'a clearing that no event told of is not looked for',
    rule: 'waking',
    file: 'lib/sweep.ts',
    from: 'const reconciled = await reconcile(app, turn, ports.clock.now() + (turn.deadlineMs - ports.clock.now()) / 2)',
    to: 'const reconciled = 0',
  },
]

/** Those that every run of the tests plays come first. */
export const MUTANTS: readonly Mutant[] = [
  ...DEMANDED.map((mutant) => ({ ...mutant, demanded: true as const })),
  ...FURTHER,
  ...MORE,
]

/** The source with the defect in it. Throws where the rule's text is not there exactly once. */
export function mutate({ name, file, from, to }: Mutant, source: string): string {
  const parts = source.split(from)
  if (parts.length !== 2)
    throw new Error(`"${name}": its text stands ${parts.length - 1} times in ${file}, and must stand once`)
  return parts.join(to)
}
