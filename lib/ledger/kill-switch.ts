import type { Item, Storage } from './storage.ts'

/** What a pause holds back: everything of the stack, what is done to the services of one account, one service, or one runbook. */
export type PauseScope = { readonly is: 'all' } | NamedScope
export type NamedScope =
  | { readonly is: 'account'; readonly name: string }
  | { readonly is: 'service'; readonly name: string }
  | { readonly is: 'runbook'; readonly name: string }

export interface Pause {
  readonly by: string
  readonly reason: string
  readonly sinceMs: number
}

/** The kill switch: while it is on for an execution, nothing of it is intended. All scopes stand in one item. */
export type Control = ({ readonly is: 'running' } | ({ readonly is: 'paused' } & Pause)) & {
  /** Absent in items that were written before there were scopes. */
  readonly scoped?: readonly ScopedPause[]
  /** By which the latest changes are recognised where they are asked for again, newest last. */
  readonly keys?: readonly string[]
}

export interface ScopedPause extends Pause {
  readonly scope: NamedScope
}

/** A pause as it applies to somebody. */
export type Paused = Pause & { readonly scope: PauseScope }

/** More changes than these are not made within the quarter of an hour in which a request may be delivered again. */
const KEYS_KEPT = 20

/** The item is read before each intent, so it stays small. */
export const MAX_SCOPED_PAUSES = 50

/** Read before each intent: one small strong read. */
export async function readControl(storage: Storage): Promise<Control> {
  const item = await storage.get('CONTROL', 'PAUSE')
  return item ? controlOf(item) : { is: 'running' }
}

function controlOf(item: Item): Control {
  return JSON.parse(item.body) as Control
}

/**
 * Replaces the item by what `change` makes of it, under its version, so that of two people who pause different things at
 * once neither undoes the other's. `undefined` leaves it as it is.
 */
export async function changeControl(
  storage: Storage,
  change: (control: Control) => Control | undefined,
): Promise<Control | undefined> {
  let existing = await storage.get('CONTROL', 'PAUSE')
  for (;;) {
    const next = change(existing ? controlOf(existing) : { is: 'running' })
    if (next === undefined) return undefined
    const version = existing?.version ?? 0
    const item: Item = { pk: 'CONTROL', sk: 'PAUSE', version: version + 1, body: JSON.stringify(next) }
    const answer = await storage.put(item, existing ? { is: 'version', equals: version } : { is: 'absent' })
    if (answer.is === 'put') return next
    existing = answer.existing
  }
}

/** Whether a change with this key was made already. Pure. */
export function wasChangedBy({ keys = [] }: Control, key: string | undefined): boolean {
  return key !== undefined && keys.includes(key)
}

/** What `change` makes of it, and that it was asked for under this key. Pure. */
export function changedBy(control: Control, key: string | undefined): Control {
  return key === undefined ? control : { ...control, keys: [...(control.keys ?? []), key].slice(-KEYS_KEPT) }
}

/** With this scope paused, over whatever paused it before. `undefined` where too much is paused one by one already. Pure. */
export function withPause(control: Control, scope: PauseScope, pause: Pause): Control | undefined {
  if (scope.is === 'all') return { ...keptOf(control), is: 'paused', ...pause }
  const others = (control.scoped ?? []).filter((one) => !isSame(one.scope, scope))
  if (others.length >= MAX_SCOPED_PAUSES) return undefined
  return { ...control, scoped: [...others, { scope, ...pause }] }
}

/** Without the pause of this scope; those of other scopes stay. Pure. */
export function withoutPause(control: Control, scope: PauseScope): Control {
  if (scope.is === 'all') return { is: 'running', ...keptOf(control) }
  return { ...control, scoped: (control.scoped ?? []).filter((one) => !isSame(one.scope, scope)) }
}

function keptOf({ scoped, keys }: Control): Pick<Control, 'scoped' | 'keys'> {
  return { ...(scoped === undefined ? {} : { scoped }), ...(keys === undefined ? {} : { keys }) }
}

function isSame(one: NamedScope, other: NamedScope): boolean {
  return one.is === other.is && one.name === other.name
}

/** Every pause that is on, the widest first. Pure. */
export function pausesOf(control: Control): readonly Paused[] {
  const { scoped = [] } = control
  if (control.is === 'running') return scoped
  const { by, reason, sinceMs } = control
  return [{ scope: { is: 'all' }, by, reason, sinceMs }, ...scoped]
}

/** What a pause may be of. */
export interface Pausable {
  /** That of the service, by what the execution has pinned; none where services.yaml names none. */
  readonly account: string | undefined
  readonly service: string
  readonly runbook: string
}

/** What holds this runbook back on this service; `undefined` where nothing does. Pure. */
export function pausedBy(control: Control, whose: Pausable): Paused | undefined {
  return pausesOf(control).find(({ scope }) => scope.is === 'all' || whose[scope.is] === scope.name)
}

/** `everything`, `account 123456789012`, `service api`, `runbook api-5xx-spike`. */
export function scopeText(scope: PauseScope): string {
  return scope.is === 'all' ? 'everything' : `${scope.is} ${scope.name}`
}

/** For people: what is paused, by whom and why. */
export function pauseText({ scope, by, reason }: Paused): string {
  return `${scopeText(scope)} is paused by ${by}: ${reason}`
}
