import { describe } from './errors.ts'
import { stateOf } from './execution/state.ts'
import type { Json } from './json.ts'
import { markMitigated } from './incident-stream.ts'
import { actor, deliberationOf, escalate, stepOf } from './perform.ts'
import { markerOf } from './plan.ts'
import { findAction } from './actions/index.ts'
import { sampleCheck } from './probes/index.ts'
import { alarmsNamedBy, type CheckStep } from './runbook/runbook.ts'
import { note, type Session } from './session.ts'
import type { Verdict } from './verdict.ts'

/** A sample as it travels from message to message. */
interface Sample extends Verdict {
  readonly atMs: number
}

/** Slack between a poll's intended and its actual time, so that a sample is not missed by a few milliseconds. */
const EARLY_MS = 500

/**
 * Takes the measurements that are due: has a change landed, is the symptom gone? Polling writes nothing until there is a
 * verdict. Answers after how many milliseconds to look again.
 */
export async function measure(
  session: Session,
  verify: readonly string[],
  checks: readonly string[],
): Promise<number> {
  const delays = await Promise.all([
    ...verify.map((id) => verifyStep(session, id)),
    ...checks.map((id) => checkStep(session, id)),
  ])
  return Math.min(...delays)
}

async function verifyStep(session: Session, id: string): Promise<number> {
  const state = stateOf(session.execution, id)
  const step = stepOf(session, id)
  if (state.is !== 'applied' || step.is !== 'action') return Infinity
  const action = findAction(state.action)
  if (!action) throw new Error(`this version of Firebreak has no action "${state.action}"`)
  const { aws, nowMs } = deliberationOf(session, id)
  const everyMs = action.timing.verifyEveryMs
  const overAtMs = state.atMs + step.timeoutMs
  let verdict: Verdict
  try {
    verdict = await action.verify(state.change, state.receipt, {
      aws,
      nowMs,
      marker: markerOf(session.stream.stream, id),
    })
  } catch (error) {
    verdict = { verdict: 'error', reason: describe(error) }
  }
  const open = verdict.verdict === 'inconclusive' || verdict.verdict === 'error'
  if (open && nowMs < overAtMs) return Math.min(everyMs, overAtMs - nowMs)
  const final: Verdict = open
    ? { ...verdict, reason: `${verdict.reason}; after ${step.timeoutMs / 1000} s` }
    : verdict
  note(session, { kind: 'step.verified', actor: actor(session), step: id, verdict: final })
  if (final.verdict !== 'passed') {
    escalate(session, id, `${id} was applied, but it is not verified (${final.verdict}): ${final.reason}`)
  }
  return 0
}

async function checkStep(session: Session, id: string): Promise<number> {
  const state = stateOf(session.execution, id)
  const step = stepOf(session, id)
  if (state.is !== 'checking' || step.is !== 'check') return Infinity
  const { clock } = session.app.ports
  const carried = (session.polls[id] ?? []) as unknown as readonly Sample[]
  // The message of a worker that died before this check was on record may bear what that one has sampled: before it began.
  const samples = carried.filter(({ atMs }) => atMs >= state.untilMs - step.withinMs)
  const last = samples.at(-1)
  const dueAtMs = last === undefined ? 0 : last.atMs + step.everyMs
  if (clock.now() + EARLY_MS < dueAtMs) return dueAtMs - clock.now()
  const { aws, signal } = deliberationOf(session, id)
  const nowMs = clock.now()
  const verdict = await sampleCheck(step.probe, watchedService(session), signal, {
    aws,
    nowMs,
    sinceMs: lastChangeMs(session),
  })
  const all = [...samples, { ...verdict, atMs: nowMs }]
  session.polls = { ...session.polls, [id]: all.slice(-SAMPLES_CARRIED) as unknown as readonly Json[] }
  const final = judge(step, all, nowMs >= state.untilMs)
  if (!final) return Math.min(step.everyMs, Math.max(0, state.untilMs - nowMs))
  if (final.verdict === 'passed') await markMitigated(session, final.reason)
  const shown = all.slice(-step.samples).map(({ atMs: _atMs, ...sample }) => sample)
  note(session, { kind: 'step.checked', actor: actor(session), step: id, verdict: final, samples: shown })
  if (final.verdict !== 'passed') escalate(session, id, `${id} ${final.verdict}: ${final.reason}`)
  return 0
}

/** A message holds 256 KB; a hundred samples are far below, and more than any check needs in a row. */
const SAMPLES_CARRIED = 100

/** `samples` good ones in a row pass; at the end of its time a check that did not pass says why. Pure. */
function judge(step: CheckStep, samples: readonly Sample[], over: boolean): Verdict | undefined {
  const tail = samples.slice(-step.samples)
  const good = tail.filter((sample) => sample.verdict === 'passed').length
  const latest = samples.at(-1)
  const values = latest?.values === undefined ? {} : { values: latest.values }
  if (good === step.samples) {
    return {
      verdict: 'passed',
      reason: `${good} of ${step.samples} samples in a row were good: ${latest?.reason ?? ''}`,
      ...values,
    }
  }
  if (!over) return undefined
  const inRow = samples.length - 1 - samples.findLastIndex((sample) => sample.verdict !== 'passed')
  const reason = `${inRow} of ${step.samples} good samples in a row when the time was over; the last: ${latest?.reason ?? 'none'}`
  const bad = latest?.verdict === undefined || latest.verdict === 'passed' ? 'inconclusive' : latest.verdict
  return { verdict: bad, reason, ...values }
}

/** A person's own start has no signal: the alarms that the runbook names exactly are then the ones to ask. */
function watchedService(session: Session): Session['pinned']['service'] {
  const { runbook, service } = session.pinned
  const named = alarmsNamedBy(runbook)
  return named.length === 0 ? service : { ...service, alarms: named }
}

/** Data from before the last change says nothing about its effect. */
function lastChangeMs(session: Session): number {
  const times = [...session.execution.steps.values()].flatMap((state) =>
    state.is === 'applied' && !state.message ? [state.atMs] : [],
  )
  return Math.max(0, ...times)
}
