import type { Mutant } from './mutants.ts'

/** Defects of what people do, of limits, and of what an undo goes back to. */
export const MORE: readonly Mutant[] = [
  {
    name: 'a call does not wait until its intent is on record',
    rule: 'step',
    file: 'lib/carry-out.ts',
    from: 'if (!(await intend(session, intents))) return WENT_ON',
    to: 'void intend(session, intents).catch(() => false)',
  },
  {
    name: 'what was left behind is repeated after an abort',
    rule: 'step',
    file: 'lib/recover.ts',
    from: 'if (session.execution.aborted) return endAborted(session, again)',
    to: '',
  },
  {
    name: 'a start by hand is not recognised by its key',
    rule: 'start',
    file: 'lib/ledger/control.ts',
    from: "return answer.is === 'put' ? body : (JSON.parse(answer.existing.body) as KeyBody)",
    to: 'return body',
  },
  {
    name: 'an approval holds for another outcome than was shown',
    rule: 'approval',
    file: 'lib/consent.ts',
    from: "if (approval.digest === considered.digest) return 'given'",
    to: "return 'given'",
  },
  {
    name: 'an approval counts when its time is over',
    rule: 'approval',
    file: 'lib/decide.ts',
    from: 'if (approval.expiresAtMs <= app.ports.clock.now()) {',
    to: 'if (false) {',
  },
  {
    name: 'a lock is held while a person is asked',
    rule: 'lock',
    file: 'lib/begin.ts',
    from: 'askApproval(session, step, considered)\n    releaseAll(session, locks)',
    to: 'askApproval(session, step, considered)',
  },
  {
    name: 'an execution that runs holds off no other',
    rule: 'limit',
    file: 'lib/ledger/claims.ts',
    from: 'const running = live.find((other) => other.endedAtMs === undefined)',
    to: 'const running = live.find(() => false)',
  },
  {
    name: 'a refused execution keeps its places in the limits',
    rule: 'limit',
    file: 'lib/advance.ts',
    from: 'if (idle) await withdrawClaims(session)',
    to: '',
  },
  {
    name: 'an alarm that flaps is acted on',
    rule: 'limit',
    file: 'lib/guardrails.ts',
    from: "verdict: recent > limit ? 'failed' : 'passed',",
    to: "verdict: 'passed',",
  },
  {
    name: 'a later change inherits what an earlier one is to put back though somebody has changed it since',
    rule: 'undo',
    file: 'lib/begin.ts',
    from: 'return standsAt(action, change.target, before, after, change.before) ? outstanding : undefined',
    to: 'return outstanding',
  },
  {
    name: "the way back ends and leaves AWS's own expiry standing",
    rule: 'undo',
    file: 'lib/ecs/act.ts',
    from: 'if (endsExpiry(change)) await deleteExpiry(aws, on)',
    to: '',
  },
]
