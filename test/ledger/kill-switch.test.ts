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
const ACCOUNT: PauseScope = { is: 'account', name: '123456789012' }
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
  ['its account', paused(ACCOUNT), true],
  ['another account', paused({ is: 'account', name: '210987654321' }), false],
  ["a service of its account's number", paused({ is: 'service', name: '123456789012' }), false],
  ['another service', paused({ is: 'service', name: 'web' }), false],
  ["a service of its runbook's name", paused({ is: 'service', name: 'spike' }), false],
  ["a runbook of its service's name", paused({ is: 'runbook', name: 'api' }), false],
])('with %s paused, a runbook is held back: %j -> %s', (_what, control, held) => {
  const whose = { account: '123456789012', service: 'api', runbook: 'spike' }
  expect(pausedBy(control, whose) !== undefined).toBe(held)
})

test('what is in no account that is named is held by no pause of an account', () => {
  const whose = { account: undefined, service: 'api', runbook: 'spike' }
  expect(pausedBy(paused(ACCOUNT), whose)).toBeUndefined()
  expect(pausedBy(paused(ACCOUNT, API), whose)).toMatchObject({ scope: API })
})

test('each scope is lifted by itself', () => {
  const all = paused(ALL, API, ACCOUNT, SPIKE)
  expect(pausesOf(all).map((one) => one.scope)).toEqual([ALL, API, ACCOUNT, SPIKE])
  expect(pausesOf(withoutPause(all, ALL)).map((one) => one.scope)).toEqual([API, ACCOUNT, SPIKE])
  expect(pausesOf(withoutPause(all, API)).map((one) => one.scope)).toEqual([ALL, ACCOUNT, SPIKE])
  expect(pausesOf(withoutPause(all, ACCOUNT)).map((one) => one.scope)).toEqual([ALL, API, SPIKE])
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

test('what was written before accounts were among the scopes is read as it was meant', async () => {
  const storage = memoryStorage()
  const scoped = [
    { scope: { is: 'service', name: 'api' }, ...PAUSE },
    { scope: { is: 'runbook', name: 'spike' }, ...PAUSE },
  ]
  const body = JSON.stringify({ is: 'running', scoped })
  await storage.put({ pk: 'CONTROL', sk: 'PAUSE', version: 3, body }, { is: 'absent' })
  const control = await readControl(storage)
  expect(pausesOf(control)).toEqual(scoped)
  const account = '123456789012'
  expect(pausedBy(control, { account, service: 'web', runbook: 'spike' })).toMatchObject({ scope: SPIKE })
  expect(pausedBy(control, { account, service: 'web', runbook: 'other' })).toBeUndefined()
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
  expect(
    names.filter((service) => !pausedBy(control, { account: undefined, service, runbook: 'x' })),
  ).toEqual([])
})
