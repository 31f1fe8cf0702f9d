import {
  changeControl,
  MAX_SCOPED_PAUSES,
  pausedBy,
  pausesOf,
  readControl,
  withoutPause,
  withPause,
  type Control,
  type PauseScope,
} from '../../lib/ledger/kill-switch.ts'
import { memoryStorage } from '../../lib/ledger/memory.ts'

const PAUSE = { by: 'ann', reason: 'audit', sinceMs: 1 }
const RUNNING: Control = { is: 'running' }
const API: PauseScope = { is: 'service', name: 'api' }
const SPIKE: PauseScope = { is: 'runbook', name: 'spike' }
const ALL: PauseScope = { is: 'all' }

function paused(...scopes: readonly PauseScope[]): Control {
  return scopes.reduce<Control>((control, scope) => withPause(control, scope, PAUSE) ?? control, RUNNING)
}

test.each<[string, Control, boolean]>([
  ['nothing', RUNNING, false],
  ['everything', paused(ALL), true],
  ['its service', paused(API), true],
  ['its runbook', paused(SPIKE), true],
  ['another service', paused({ is: 'service', name: 'web' }), false],
  ["a service of its runbook's name", paused({ is: 'service', name: 'spike' }), false],
  ["a runbook of its service's name", paused({ is: 'runbook', name: 'api' }), false],
])('with %s paused, a runbook is held back: %j -> %s', (_what, control, held) => {
  expect(pausedBy(control, { service: 'api', runbook: 'spike' }) !== undefined).toBe(held)
})

test('each scope is lifted by itself', () => {
  const all = paused(ALL, API, SPIKE)
  expect(pausesOf(all).map((one) => one.scope)).toEqual([ALL, API, SPIKE])
  expect(pausesOf(withoutPause(all, ALL)).map((one) => one.scope)).toEqual([API, SPIKE])
  expect(pausesOf(withoutPause(all, API)).map((one) => one.scope)).toEqual([ALL, SPIKE])
})

test('a second pause of the same scope takes the place of the first', () => {
  const twice = withPause(paused(API), API, { ...PAUSE, by: 'bob' })
  expect(pausesOf(twice ?? RUNNING)).toEqual([{ scope: API, by: 'bob', reason: 'audit', sinceMs: 1 }])
})

test('the item stays small: so many are paused one by one, then only everything', () => {
  const scopes = Array.from({ length: MAX_SCOPED_PAUSES }, (_unused, index) => ({
    is: 'service' as const,
    name: `s${index}`,
  }))
  const full = paused(...scopes)
  expect(pausesOf(full)).toHaveLength(MAX_SCOPED_PAUSES)
  expect(withPause(full, API, PAUSE)).toBeUndefined()
  expect(withPause(full, ALL, PAUSE)).toMatchObject({ is: 'paused' })
})

test('what was written before there were scopes is read as it was meant', async () => {
  const storage = memoryStorage()
  const body = JSON.stringify({ is: 'paused', by: 'ann', reason: 'audit', sinceMs: 1 })
  await storage.put({ pk: 'CONTROL', sk: 'PAUSE', version: 3, body }, { is: 'absent' })
  expect(pausesOf(await readControl(storage))).toEqual([{ scope: ALL, ...PAUSE }])
})

test('of twenty who pause at once none undoes another', async () => {
  const storage = memoryStorage()
  const names = Array.from({ length: 20 }, (_unused, index) => `s${index}`)
  await Promise.all(
    names.map((name) =>
      changeControl(storage, (control) => withPause(control, { is: 'service', name }, PAUSE)),
    ),
  )
  const control = await readControl(storage)
  expect(names.filter((service) => !pausedBy(control, { service, runbook: 'x' }))).toEqual([])
})
