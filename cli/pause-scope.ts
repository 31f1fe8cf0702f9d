import type { NamedScope } from '../lib/ledger/kill-switch.ts'
import { EXIT, Failure } from './exit.ts'
import { printable } from './output.ts'

export interface ScopeOptions {
  readonly service?: string
  readonly runbook?: string
}

/** What the options name: exactly one service or one runbook. */
export function scopeOf({ service, runbook }: ScopeOptions): NamedScope {
  const scope =
    service === undefined
      ? runbook === undefined
        ? undefined
        : ({ is: 'runbook', name: runbook } as const)
      : ({ is: 'service', name: service } as const)
  if (scope === undefined || (service !== undefined && runbook !== undefined))
    throw new Failure(EXIT.usage, 'bad-options', 'exactly one of --service and --runbook is needed', {
      remedy: 'Everything at once is pause-all and resume-all.',
    })
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(scope.name))
    throw new Failure(
      EXIT.usage,
      'bad-options',
      `"${printable(scope.name.slice(0, 64))}" is not the name of a ${scope.is}`,
    )
  return scope
}
