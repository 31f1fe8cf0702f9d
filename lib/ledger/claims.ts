import { allDone } from '../all-done.ts'
import { MAX_DURATION_MS } from '../runbook/limits.ts'
import type { Item, Storage } from './storage.ts'

/** One execution's place in a sliding window. Ids, not counts: adding one's own again changes nothing. */
export interface Claim {
  readonly executionId: string
  readonly startedAtMs: number
  /** Absent while it runs. */
  readonly endedAtMs?: number
  /** The cooldown of its own runbook: so long after its end it is remembered, whoever claims next. */
  readonly cooldownMs: number
}

/** How far back an alarm looks when it decides on its state. */
export interface Lookback {
  readonly alarm: string
  readonly windowMs: number
}

export interface LimitRule {
  /** `service:api`. */
  readonly scope: string
  /** Executions started within the last hour. */
  readonly perHour: number
  /** None beside a running one, none for so long after it ended; 0 switches it off. */
  readonly cooldownMs: number
  /** The alarm that makes the cooldown longer than the runbook does, where one does. */
  readonly lookback?: Lookback
  /** Executions that are certain to be refused: their claims, on their way out, count for nothing. */
  readonly overlooked?: readonly string[]
}

/** Why a further execution may not start. */
export interface LimitRefusal {
  readonly code: 'cooldown' | 'rate'
  readonly reason: string
}

/** `before` is what stood in the window before the claim: a rule that becomes known only later is held against it. */
export type ClaimResult =
  | { readonly is: 'claimed'; readonly before: readonly Claim[] }
  | ({ readonly is: 'refused'; readonly before: readonly Claim[] } & LimitRefusal)

const HOUR_MS = 3_600_000

/** An execution may wait for 30 days at a time; one that is longer under way than that has been forgotten by everybody. */
const FORGET_AFTER_MS = MAX_DURATION_MS + 24 * HOUR_MS

/** No alarm of CloudWatch looks back further. */
const LONGEST_WINDOW_MS = 7 * 24 * HOUR_MS

const pkOf = (scope: string) => `LIMIT#${scope}`

function claimsOf(item: Item): readonly Claim[] {
  return JSON.parse(item.body) as readonly Claim[]
}

/** Claims a place in the window by conditional puts, so a limit holds under any interleaving (G6). */
export async function claim(
  storage: Storage,
  rule: LimitRule,
  executionId: string,
  nowMs: number,
): Promise<ClaimResult> {
  const own: Claim = { executionId, startedAtMs: nowMs, cooldownMs: rule.cooldownMs }
  if (rule.perHour <= 0) return { is: 'refused', before: [], ...refusedByRate(rule, 0) }
  const first = await storage.put(itemOf(rule.scope, 1, [own]), { is: 'absent' })
  if (first.is === 'put') return { is: 'claimed', before: [] }
  let existing = first.existing
  for (;;) {
    const claims = claimsOf(existing)
    const known = claims.findIndex((other) => other.executionId === executionId)
    if (known >= 0) return { is: 'claimed', before: claims.slice(0, known) }
    const refusal = refusalOf(rule, claims, nowMs)
    if (refusal) return { is: 'refused', before: claims, ...refusal }
    const version = existing.version ?? 0
    const answer = await storage.put(itemOf(rule.scope, version + 1, [...kept(claims, nowMs), own]), {
      is: 'version',
      equals: version,
    })
    if (answer.is === 'put') return { is: 'claimed', before: claims }
    existing = answer.existing
  }
}

/** Marks an execution as ended, from when the cooldown counts; or takes its claim out where it was refused. */
export async function endClaim(
  storage: Storage,
  scope: string,
  executionId: string,
  how: { readonly is: 'ended'; readonly atMs: number } | { readonly is: 'refused' },
): Promise<void> {
  let existing = await storage.get(pkOf(scope), 'LIMIT')
  while (existing) {
    const claims = claimsOf(existing)
    const own = claims.find((other) => other.executionId === executionId)
    if (!own || (own.endedAtMs !== undefined && how.is === 'ended')) return
    // In its place: what stands before a claim was there before it.
    const next = claims.flatMap((other) =>
      other !== own ? [other] : how.is === 'ended' ? [{ ...own, endedAtMs: how.atMs }] : [],
    )
    const version = existing.version ?? 0
    const answer = await storage.put(itemOf(scope, version + 1, next), { is: 'version', equals: version })
    if (answer.is === 'put') return
    existing = answer.existing
  }
}

/** Takes an execution that never acted out of all windows in which it may have a place. */
export async function withdraw(
  storage: Storage,
  scopes: readonly string[],
  executionId: string,
): Promise<void> {
  await allDone(scopes.map(async (scope) => endClaim(storage, scope, executionId, { is: 'refused' })))
}

export async function readClaims(storage: Storage, scope: string): Promise<readonly Claim[]> {
  const item = await storage.get(pkOf(scope), 'LIMIT')
  return item ? claimsOf(item) : []
}

/** Why a further execution may not start now; `undefined` where it may. Pure, and used by `plan` for its forecast too. */
export function refusalOf(
  rule: LimitRule,
  claims: readonly Claim[],
  nowMs: number,
): LimitRefusal | undefined {
  const live = claims.filter(
    (other) =>
      (other.endedAtMs !== undefined || nowMs - other.startedAtMs < FORGET_AFTER_MS) &&
      rule.overlooked?.includes(other.executionId) !== true,
  )
  if (rule.cooldownMs > 0) {
    const running = live.find((other) => other.endedAtMs === undefined)
    if (running) {
      return {
        code: 'cooldown',
        reason: `${running.executionId} is running for ${rule.scope}${lookbackText(rule)}`,
      }
    }
    const endedAtMs = Math.max(...live.map((other) => other.endedAtMs ?? 0))
    if (nowMs - endedAtMs < rule.cooldownMs) {
      const leftS = Math.ceil((rule.cooldownMs - (nowMs - endedAtMs)) / 1000)
      return {
        code: 'cooldown',
        reason: `the cooldown of ${rule.scope} lasts ${leftS} s more${lookbackText(rule)}`,
      }
    }
  }
  const started = live.filter((other) => nowMs - other.startedAtMs < HOUR_MS).length
  return started < rule.perHour ? undefined : refusedByRate(rule, started)
}

function lookbackText({ lookback }: LimitRule): string {
  if (!lookback) return ''
  return `; alarm ${lookback.alarm} looks back ${lookback.windowMs / 1000} s, longer than the runbook's own cooldown`
}

function refusedByRate(rule: LimitRule, started: number): LimitRefusal {
  const reason = `${started} executions of ${rule.scope} were started within the last hour; the limit is ${rule.perHour}`
  return { code: 'rate', reason }
}

/**
 * What may still be asked for. From the last end each cooldown counts, also one that nobody who has claimed so far knew of:
 * how far an alarm looks back may become known only beside the claim.
 */
function kept(claims: readonly Claim[], nowMs: number): readonly Claim[] {
  const lastEndMs = Math.max(...claims.map((other) => other.endedAtMs ?? 0))
  return claims.filter(
    (other) =>
      nowMs - (other.endedAtMs ?? other.startedAtMs) < keepMs(other) ||
      (other.endedAtMs === lastEndMs && nowMs - lastEndMs < LONGEST_WINDOW_MS),
  )
}

/** A claim without a cooldown has nothing to run out of after its end, so nobody marks it as ended. */
function keepMs(other: Claim): number {
  if (other.cooldownMs > 0 && other.endedAtMs === undefined) return FORGET_AFTER_MS
  return Math.max(HOUR_MS, other.cooldownMs)
}

function itemOf(scope: string, version: number, claims: readonly Claim[]): Item {
  return { pk: pkOf(scope), sk: 'LIMIT', version, body: JSON.stringify(claims) }
}
