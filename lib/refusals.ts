import { allDone } from './all-done.ts'
import { describe } from './errors.ts'
import { fold } from './execution/fold.ts'
import { flappingVerdict, frozenBy, limitPlace, limitRules, type Frozen } from './guardrails.ts'
import { incidentIdOf } from './ids.ts'
import { claim, refusalOf, type ClaimResult, type LimitRefusal, type LimitRule } from './ledger/claims.ts'
import type { Occasion } from './ledger/entry.ts'
import { pausedBy, readControl, scopeText, type Control } from './ledger/kill-switch.ts'
import { load } from './ledger/records.ts'
import { lookbackOf } from './lookback.ts'
import { awsOf, type App } from './ports.ts'
import { describeAlarm, type DescribedAlarm } from './probes/alarm-state.ts'
import type { Catalogue, Pinned, Runbook } from './runbook/runbook.ts'

/** A start as the guardrails see it. */
export interface Wanted {
  readonly executionId: string
  readonly runbook: Runbook
  readonly occasion: Occasion
  /** What the same signal starts. */
  readonly startedWith?: readonly { readonly runbook: string; readonly executionId: string }[]
  /** Times of the alarm's latest transitions, for flapping. */
  readonly changes: readonly number[]
  /** The start has failed again and again: it ends here as refused, and a person is told why. */
  readonly giveUp?: string
  /** What it would answer is over: it ends here as refused, and nobody needs to hear of it. */
  readonly moot?: string
}

export interface Refusal {
  readonly code: string
  readonly reason: string
  readonly place?: string
  /** Whether a person must hear that nothing acts. */
  readonly page: boolean
}

/** What is certain without a look at the limits. */
function refusedBefore({ moot, giveUp }: Wanted): Refusal | undefined {
  if (moot !== undefined) return { code: 'cleared', reason: moot, page: false }
  return giveUp === undefined ? undefined : { code: 'poison', reason: giveUp, page: true }
}

/** A person who knows of the freeze may start all the same. */
export function frozenFor(
  { occasion, runbook }: Wanted,
  catalogue: Catalogue,
  nowMs: number,
): Frozen | undefined {
  if (occasion.is === 'manual' && occasion.despiteFreeze) return undefined
  return frozenBy(catalogue.policy, runbook, nowMs)
}

/**
 * The windows of this start, by how far the alarm looks back as its event tells it, and CloudWatch where that was asked. A
 * person's own start counts in them but is not held back: somebody is looking.
 */
function rulesOf(
  { occasion, runbook }: Wanted,
  catalogue: Catalogue,
  alarm?: DescribedAlarm,
): readonly LimitRule[] {
  if (occasion.is === 'manual') {
    const rules = limitRules(catalogue, runbook, [])
    return rules.map((rule) => ({ ...rule, cooldownMs: 0, perHour: Infinity }))
  }
  const told = [occasion.signal, ...(alarm ? [alarm] : [])]
  return limitRules(catalogue, runbook, told.flatMap(lookbackOf))
}

/** Every rule that forbids this start, in order of weight. All are asked at once, since the first effect waits for them. */
export async function refusalsOf(
  app: App,
  order: Wanted,
  pinned: Pinned,
  nowMs: number,
  frozen: Frozen | undefined,
): Promise<readonly Refusal[]> {
  const certain = refusedBefore(order)
  if (certain) return [certain]
  const { ports, catalogue } = app
  const rules = rulesOf(order, catalogue)
  const places = catalogue.places?.[order.runbook.runbook]
  const flapping = flappingVerdict(order.runbook, order.changes, nowMs, places)
  const claimAll = async (overlooked: readonly string[] = []) =>
    allDone(
      rules.map(async (rule) => claim(ports.storage, { ...rule, overlooked }, order.executionId, nowMs)),
    )
  const [control, alarm, first] = await allDone([
    readControl(ports.storage),
    describedAlarm(app, order, pinned),
    // What is certain beforehand takes no place in a window from another runbook.
    flapping.verdict === 'failed' || frozen?.mode === 'refuse' ? [] : claimAll(),
  ])
  const { account } = pinned.service
  const pause = pausedBy(control, { ...order.runbook, account })
  const held = pause ? [] : pausedBeside(order, account, control)
  const isKeptOut = first.some((answer) => answer.is === 'refused')
  const overlooked = isKeptOut ? [...held, ...(await orphansAmong(app, first, nowMs))] : held
  const claims = isKeptOut && overlooked.length > 0 ? await claimAll(overlooked) : first
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
  if (alarm?.actionsEnabled === false) {
    const reason = `the actions of alarm ${alarm.name} are disabled in CloudWatch`
    refusals.push({ code: 'actions-disabled', reason, page: false })
  }
  if (flapping.verdict === 'failed') {
    refusals.push({ code: 'flapping', reason: flapping.reason, place: flapping.place, page: true })
  }
  for (const [index, rule] of rulesOf(order, catalogue, alarm).entries()) {
    const answer = claims[index]
    const refused = answer && refusedBy({ ...rule, overlooked }, rules[index], answer, nowMs)
    if (!refused) continue
    const { code, reason } = refused
    const place = limitPlace(catalogue, order.runbook, rule, code)
    refusals.push({ code, reason, place, page: code === 'rate' })
  }
  return refusals
}

/** So long after a claim its start has a first record, or never will. */
const BEGUN_WITHIN_MS = 3_600_000

/**
 * Claims of executions that seem to run and do not: their worker died before the first record and nobody carried the start
 * on, or it died after the last one. Looked for only where one of them keeps a start out.
 */
async function orphansAmong(
  { ports }: App,
  answers: readonly ClaimResult[],
  nowMs: number,
): Promise<readonly string[]> {
  const running = answers.flatMap((answer) =>
    answer.is === 'refused' && answer.code === 'cooldown'
      ? answer.before.filter(
          (one) => one.endedAtMs === undefined && nowMs - one.startedAtMs > BEGUN_WITHIN_MS,
        )
      : [],
  )
  const found = running.map(async ({ executionId }) => {
    const { entries } = await load(ports.storage, incidentIdOf(executionId) ?? '', executionId)
    return fold(entries).status.is === 'running' ? [] : [executionId]
  })
  return (await allDone(found)).flat()
}

/**
 * Whether a claim stands. CloudWatch may tell only beside it that the alarm looks back further than its event says: then
 * what had been found is judged once more, and without another look.
 */
function refusedBy(
  rule: LimitRule,
  claimed: LimitRule | undefined,
  answer: ClaimResult,
  nowMs: number,
): LimitRefusal | undefined {
  if (rule.cooldownMs !== claimed?.cooldownMs) return refusalOf(rule, answer.before, nowMs)
  return answer.is === 'refused' ? answer : undefined
}

/** Clocks are apart by less than this, the source's included. */
const CLOCKS_APART_MS = 5_000

/**
 * What was to start together with it and is certain to be refused by a pause of its own: its claims, made in the same
 * moment, count for nothing. Certain is what was paused before the alarm went off; who starts beside us may have read
 * the kill switch just before a pause that is younger.
 */
function pausedBeside(
  { startedWith = [], runbook, occasion }: Wanted,
  account: string | undefined,
  control: Control,
): readonly string[] {
  if (occasion.is !== 'alarm') return []
  const { service } = runbook
  return startedWith
    .filter((other) => {
      const pause = pausedBy(control, { account, service, runbook: other.runbook })
      return pause !== undefined && pause.sinceMs + CLOCKS_APART_MS < occasion.onsetAtMs
    })
    .map((other) => other.executionId)
}

/**
 * EventBridge keeps telling of alarms whose actions are switched off; only CloudWatch knows that they are. The direct
 * alarm action runs only while they are on, so it needs no question.
 */
async function describedAlarm(app: App, order: Wanted, pinned: Pinned): Promise<DescribedAlarm | undefined> {
  if (order.occasion.is !== 'alarm') return undefined
  const { signal } = order.occasion
  if (signal.source !== 'cloudwatch' || signal.via === 'alarm-action') return undefined
  try {
    return await describeAlarm(awsOf(app.ports, pinned.service, order.executionId), signal.name)
  } catch (error) {
    // A mitigation is not held back because this question went unanswered.
    app.ports.log.warn('the alarm could not be described', {
      execution: order.executionId,
      reason: describe(error),
    })
    return undefined
  }
}
