import { nearest } from './runbook/diagnostics.ts'
import type { Decision, Person } from './decide.ts'
import { never } from './errors.ts'
import { sha256 } from './ids.ts'
import {
  changeControl,
  changedBy,
  MAX_SCOPED_PAUSES,
  pausesOf,
  scopeText,
  wasChangedBy,
  withoutPause,
  withPause,
  type Control,
  type NamedScope,
  type PauseScope,
} from './ledger/kill-switch.ts'
import type { App } from './ports.ts'
import { accountsOf, type Catalogue } from './runbook/runbook.ts'

/** Turns the kill switch on. A name that nothing has is refused: a slip of the pen must not look like a pause. */
export async function pause(app: App, scope: PauseScope, by: Person, reason: string): Promise<Decision> {
  const unknown = scope.is === 'all' ? undefined : unknownName(app.catalogue, scope)
  if (unknown) return unknown
  const { storage, clock } = app.ports
  const since = { by: by.name, reason, sinceMs: clock.now() }
  const key = keyOf(by, 'pause', scope)
  let isRepeat = false
  const changed = await changeControl(storage, (control) => {
    // A request that is delivered once more must not pause what was resumed meanwhile.
    isRepeat = wasChangedBy(control, key)
    if (isRepeat) return control
    const next = withPause(control, scope, since)
    return next && changedBy(next, key)
  })
  if (changed === undefined) {
    const full = `${MAX_SCOPED_PAUSES} accounts, services and runbooks are paused already; pause everything, or resume some`
    return { is: 'refused', code: 'conflict', reason: full }
  }
  if (isRepeat) return { is: 'recorded', text: `${scopeText(scope)} was paused by this request already` }
  return scope.is === 'all'
    ? { is: 'recorded', text: 'paused: nothing is changed until resume-all' }
    : {
        is: 'recorded',
        text: `paused: nothing of ${scopeText(scope)} is changed until it is resumed${unheldText(app.catalogue, scope)}`,
      }
}

/** More names than this nobody reads. */
const MAX_UNHELD = 10

/** Whoever pauses an account may think of services that run in it and do not say so. */
function unheldText({ services }: Catalogue, scope: NamedScope): string {
  if (scope.is !== 'account') return ''
  const unheld = Object.values(services).flatMap(({ name, account }) => (account === undefined ? [name] : []))
  if (unheld.length === 0) return ''
  const more = unheld.length > MAX_UNHELD ? ` and ${unheld.length - MAX_UNHELD} more` : ''
  return `; not held, since services.yaml names no account for them: ${unheld.slice(0, MAX_UNHELD).join(', ')}${more}`
}

/** Turns it off for one scope; the pauses of other scopes stay, and are named. A name that is gone can still be resumed. */
export async function resume(app: App, scope: PauseScope, by: Person): Promise<Decision> {
  const key = keyOf(by, 'resume', scope)
  let wasOn = false
  let isRepeat = false
  const control = await changeControl(app.ports.storage, (before) => {
    // Nor resume what was paused meanwhile.
    isRepeat = wasChangedBy(before, key)
    if (isRepeat) return before
    wasOn = pausesOf(before).some((one) => scopeText(one.scope) === scopeText(scope))
    return wasOn ? changedBy(withoutPause(before, scope), key) : before
  })
  if (isRepeat)
    return {
      is: 'recorded',
      text: `${scopeText(scope)} was resumed by this request already${stillText(control)}`,
    }
  if (!wasOn && scope.is !== 'all') {
    return (
      unknownName(app.catalogue, scope) ?? {
        is: 'refused',
        code: 'nothing-asked',
        reason: `${scopeText(scope)} is not paused by itself${stillText(control)}`,
      }
    )
  }
  return {
    is: 'recorded',
    text:
      scope.is === 'all'
        ? `resumed${stillText(control)}`
        : `${scopeText(scope)} resumed${stillText(control)}`,
  }
}

function keyOf({ name, key }: Person, verb: string, scope: PauseScope): string | undefined {
  return key === undefined ? undefined : sha256(`${name} ${key} ${verb} ${scopeText(scope)}`).slice(0, 16)
}

function stillText(control: Control | undefined): string {
  const still = control ? pausesOf(control) : []
  return still.length === 0
    ? ''
    : `; still paused: ${still.map((one) => `${scopeText(one.scope)} (by ${one.by})`).join(', ')}`
}

function unknownName(catalogue: Catalogue, scope: NamedScope): Decision | undefined {
  const known = namesOf(catalogue, scope.is)
  if (known.includes(scope.name)) return undefined
  const meant = nearest(scope.name, known)
  const hint = meant === undefined ? '' : `; did you mean "${meant}"?`
  const missing =
    scope.is === 'account'
      ? `services.yaml names no account "${scope.name}"`
      : `there is no ${scope.is} "${scope.name}"`
  return { is: 'refused', code: 'not-found', reason: `${missing}${hint}` }
}

function namesOf({ services, runbooks }: Catalogue, kind: NamedScope['is']): readonly string[] {
  switch (kind) {
    case 'account':
      return accountsOf(Object.values(services))
    case 'service':
      return Object.keys(services)
    case 'runbook':
      return runbooks.map((runbook) => runbook.runbook)
    default:
      return never(kind)
  }
}
