import { allDone } from './all-done.ts'
import { accountOf, cooldownScope, frozenBy, limitPlace, limitRules } from './guardrails.ts'
import { readClaims, refusalOf } from './ledger/claims.ts'
import { pausedBy, pauseText, readControl } from './ledger/kill-switch.ts'
import { knownLookbacks } from './lookback.ts'
import type { App } from './ports.ts'
import type { Runbook } from './runbook/runbook.ts'

/** What one rule says of a start now. */
export interface StartVerdict {
  readonly rule: string
  readonly verdict: 'passed' | 'failed'
  readonly reason: string
  /** File and line, where the rule stands in a file. */
  readonly place?: string
}

/** What would stop an automatic start of this runbook now, and what would not. Takes no place in any window. */
export async function startVerdicts(app: App, runbook: Runbook): Promise<readonly StartVerdict[]> {
  const { ports, catalogue } = app
  const nowMs = ports.clock.now()
  const scopes = limitRules(catalogue, runbook, []).map((rule) => rule.scope)
  const [control, claims] = await allDone([
    readControl(ports.storage),
    allDone(scopes.map(async (scope) => readClaims(ports.storage, scope))),
  ])
  const { lookbacks, unread } = await knownLookbacks(
    app,
    runbook,
    claims[scopes.indexOf(cooldownScope(runbook))] ?? [],
  )
  const account = accountOf(catalogue, runbook)
  const pause = pausedBy(control, { ...runbook, account })
  const frozen = frozenBy(catalogue.policy, runbook, nowMs)
  const [limited] = limitRules(catalogue, runbook, lookbacks).flatMap((rule, index) => {
    const refusal = refusalOf(rule, claims[index] ?? [], nowMs)
    return refusal ? [{ ...refusal, place: limitPlace(catalogue, runbook, rule, refusal.code) }] : []
  })
  return [
    {
      rule: 'kill switch',
      verdict: pause ? 'failed' : 'passed',
      reason: pause ? pauseText(pause) : 'not paused',
    },
    {
      rule: 'freeze',
      verdict: frozen?.mode === 'refuse' ? 'failed' : 'passed',
      reason: frozen ? `${frozen.reason}: ${frozen.mode}` : 'no change freeze',
      ...(frozen ? { place: frozen.place } : {}),
    },
    {
      rule: 'cooldown and rate',
      verdict: limited ? 'failed' : 'passed',
      reason: limited?.reason ?? ['a start is within the limits', ...unread].join('; '),
      ...(limited ? { place: limited.place } : {}),
    },
  ]
}
