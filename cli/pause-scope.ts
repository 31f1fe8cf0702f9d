import type { NamedScope } from '../lib/ledger/kill-switch.ts'
import { EXIT, Failure } from './exit.ts'
import { printable } from './output.ts'

export type ScopeOptions = { readonly [kind in NamedScope['is']]?: string }

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/

/** How each kind is named, and what it is told not to be. */
const FORMS: { readonly [kind in NamedScope['is']]: readonly [form: RegExp, what: string] } = {
  account: [/^\d{12}$/, 'an AWS account: 12 digits'],
  service: [NAME, 'the name of a service'],
  runbook: [NAME, 'the name of a runbook'],
}

/** What the options name: exactly one account, service or runbook. */
export function scopeOf(options: ScopeOptions): NamedScope {
  const [scope, ...others] = (Object.keys(FORMS) as NamedScope['is'][]).flatMap((is): NamedScope[] => {
    const name = options[is]
    return name === undefined ? [] : [{ is, name }]
  })
  if (scope === undefined || others.length > 0)
    throw new Failure(
      EXIT.usage,
      'bad-options',
      'exactly one of --account, --service and --runbook is needed',
      { remedy: 'Everything at once is pause-all and resume-all.' },
    )
  const [form, what] = FORMS[scope.is]
  if (!form.test(scope.name))
    throw new Failure(EXIT.usage, 'bad-options', `"${printable(scope.name.slice(0, 64))}" is not ${what}`)
  return scope
}
