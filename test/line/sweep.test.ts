import { command } from '../../lib/command.ts'
import { ingest } from '../../lib/ingest.ts'
import { shards } from '../../lib/ledger/head.ts'
import { incidentPk } from '../../lib/ledger/records.ts'
import { dueOpens } from '../../lib/ledger/open.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import type { App, Ports } from '../../lib/ports.ts'
import type { Queue } from '../../lib/queue.ts'
import { sweep } from '../../lib/sweep.ts'
import { CrashError, mortalPorts } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  asking,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  incidentsOf,
  play,
  runbookText,
  transition,
  turnOf,
} from './calm.ts'
import { MINUTE_MS, START_AT_MS } from './world.ts'

/* What the sweep finds, in which order, and how long it takes for it. */

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const NAMES = ['api-1', 'api-2', 'api-3', 'api-4'] as const
const EACH = catalogueOf([runbookText('- wait: 1s', 'triggers: [{ alarm: "api-*" }]')])

/** The same engine, whose puts that a test chooses take so long. */
function slowAt(stack: Stack, isSlow: (sk: string) => boolean, ms: number): App {
  const { ports } = stack.app
  const storage: Storage = {
    ...ports.storage,
    put: async (item, condition) => {
      if (isSlow(item.sk)) stack.account.advanceTo(stack.account.now() + ms)
      return ports.storage.put(item, condition)
    },
  }
  return { ...stack.app, ports: { ...ports, storage } }
}

test('a sweep whose time is nearly over begins nothing more, and the next one takes what is left (G4)', async () => {
  const stack = calmStack(EACH, { alarms: NAMES })
  for (const name of NAMES) fire(stack, 'ALARM', name)
  await play(stack, 3)
  for (const name of NAMES) transition(stack.account, 'OK', name)
  // Nobody has told of it, and each comparison is followed by a put that takes ten seconds.
  stack.account.advanceTo(stack.account.now() + 2 * MINUTE_MS)
  const slow = slowAt(stack, (sk) => sk === 'OPEN', 10_000)
  const first = await sweep(slow, turnOf(stack))
  expect(first.reconciled).toBeLessThan(NAMES.length)
  expect(first.reconciled).toBeGreaterThan(0)
  await play(stack, 12)
  expect((await incidentsOf(stack)).every((one) => one.endsWith(' resolved'))).toBe(true)
})

test('a lost OK is looked for before the starts that a dead worker has left, which may take all the time (G4)', async () => {
  const stack = calmStack(EACH, { alarms: NAMES, wired: false })
  const [first, ...others] = NAMES
  stack.deliver(transition(stack.account, 'ALARM', first))
  await play(stack, 3)
  transition(stack.account, 'OK', first)
  for (const name of others) {
    const ports = mortalPorts(
      stack.app.ports,
      () => 0,
      ({ name: at, when }) => at === 'put OPEN' && when === 'after',
      () => {},
    )
    await expect(
      ingest({ ...stack.app, ports }, transition(stack.account, 'ALARM', name), turnOf(stack)),
    ).rejects.toThrow(CrashError)
  }
  stack.account.advanceTo(stack.account.now() + 2 * MINUTE_MS)
  const slow = slowAt(stack, (sk) => sk.startsWith('REC#inc-'), 14_000)
  const { reconciled, carriedOut } = await sweep(slow, turnOf(stack))
  expect(reconciled).toBe(1)
  expect(carriedOut).toBeLessThan(others.length)
  expect(await dueOpens(stack.storage, Infinity, 10, shards)).not.toEqual([])
  await play(stack, 10)
  expect(await dueOpens(stack.storage, Infinity, 10, shards)).toEqual([])
})

test('what falls due between two sweeps is sent on time by the one before (G4)', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 2430s\n${SCALE}`)]))
  fire(stack)
  await play(stack, 45)
  const [intended] = await entriesOfKind(stack, 'step.intended')
  const waitedMs = (intended?.atMs ?? Infinity) - START_AT_MS
  expect(waitedMs).toBeGreaterThanOrEqual(40.5 * MINUTE_MS)
  expect(waitedMs).toBeLessThanOrEqual(40.5 * MINUTE_MS + 2_000)
})

test('streams that a newer version has written give way to those that this one can read (G4)', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 1h\n${SCALE}`)]))
  fire(stack)
  await play(stack, 2)
  const [{ incidentId, executionId } = { incidentId: '', executionId: '' }] = await entriesOfKind(
    stack,
    'execution.started',
  )
  const pk = incidentPk(incidentId)
  const [last] = (await stack.storage.query(pk, `REC#${executionId}#`)).slice(-1)
  if (!last) throw new Error('nothing is on record')
  const next = `REC#${executionId}#${String(Number(last.sk.slice(-6)) + 1).padStart(6, '0')}`
  await stack.storage.put(
    { pk, sk: next, recordId: 'newer', body: last.body.replace('{"v":1,', '{"v":99,') },
    { is: 'absent' },
  )
  await play(stack, 75)
  const head = await stack.storage.get(pk, `HEAD#${executionId}`)
  // It stays due, and is tried again every five minutes.
  expect(head?.due?.atMs).toBeGreaterThan(stack.account.now())
  expect(head?.due?.atMs).toBeLessThanOrEqual(stack.account.now() + 5 * MINUTE_MS)
  expect(desired(stack)).toBe(6)
})

async function approve(stack: Stack, id: string, ports: Ports): Promise<void> {
  await command({ ...stack.app, ports }, { verb: 'approve', id, by: ANN }, turnOf(stack))
}

/** How long it takes from now until the step is begun. */
async function begunAfterMs(stack: Stack): Promise<number> {
  const decidedAtMs = stack.account.now()
  await play(stack, 3)
  const [intended] = (await entriesOfKind(stack, 'step.intended')).filter(({ step }) => step === 'scale_out')
  return (intended?.atMs ?? Infinity) - decidedAtMs
}

/** Its worker dies when the decision is on record. */
function dyingAfterRecord(stack: Stack): Ports {
  return mortalPorts(
    stack.app.ports,
    () => 0,
    ({ name, when }) => name === 'put REC' && when === 'after',
    () => {},
  )
}

const deafQueue: Queue = { send: async () => undefined }

test('a decision whose worker dies right after it does not wait for the end of its time (G4)', async () => {
  const { stack, stream: id } = await asking('2h')
  await expect(approve(stack, id, dyingAfterRecord(stack))).rejects.toThrow(CrashError)
  expect(await begunAfterMs(stack)).toBeLessThanOrEqual(5_000)
})

test('nor does one whose message is lost as well: HEAD was due before it was on record (G4)', async () => {
  const { stack, stream: id } = await asking('2h')
  const ports = { ...dyingAfterRecord(stack), queue: deafQueue }
  await expect(approve(stack, id, ports)).rejects.toThrow(CrashError)
  expect(await begunAfterMs(stack)).toBeLessThanOrEqual(75_000)
})

test('nor one whose record was so slow that a sweep has looked in vain meanwhile (G4)', async () => {
  const { stack, stream: id } = await asking('2h')
  const { storage } = stack.app.ports
  const slow: Storage = {
    ...storage,
    put: async (item, condition) => {
      if (item.sk.startsWith('REC#')) await play(stack, 2)
      return storage.put(item, condition)
    },
  }
  await approve(stack, id, { ...stack.app.ports, storage: slow, queue: deafQueue })
  expect(await begunAfterMs(stack)).toBeLessThanOrEqual(75_000)
})
