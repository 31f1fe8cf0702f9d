import { allDone } from './all-done.ts'
import { frozenBy, limitPlace, limitRules } from './guardrails.ts'
import { readClaims, refusalOf } from './ledger/claims.ts'
import { pausedBy, pauseText, readControl } from './ledger/kill-switch.ts'
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
  const rules = limitRules(catalogue.policy, runbook, [])
  const [control, claims] = await allDone([
    readControl(ports.storage),
    allDone(rules.map(async (rule) => readClaims(ports.storage, rule.scope))),
  ])
  const pause = pausedBy(control, runbook)
  const frozen = frozenBy(catalogue.policy, runbook, nowMs)
  const [limited] = rules.flatMap((rule, index) => {
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
      reason: limited?.reason ?? 'a start is within the limits',
      ...(limited ? { place: limited.place } : {}),
    },
  ]
}
