import { ingest } from '../../lib/ingest.ts'
import { readHead } from '../../lib/ledger/head.ts'
import { throttle } from '../../sim/faults.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  incidentsOf,
  pagesOf,
  play,
  runbookText,
  SERVICE,
  transition,
  turnOf,
} from './calm.ts'
import { effectsOf, MINUTE_MS, onlyIncident, START_AT_MS } from './world.ts'

/* Hazards on the way back that were found once by reading against the design: undos, and the incidents they wait for. */

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DAY_MINUTES = 24 * 60

const at = (time: string) => Date.parse(`2026-11-23T${time}Z`)

test('the undo of an older incident happens though the alarm stood again, under a new incident, when it fell due (G7)', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText('- scale_out: { ecs: api, to: 9 }', 'on_resolved: { undo: [scale_out], after: 20m }\nkeep_open: 5m'),
    ]),
  )
  fire(stack)
  await play(stack, 5)
  const older = await onlyIncident(stack)
  fire(stack, 'OK')
  await play(stack, 15)
  expect(await readHead(stack.storage, older, 'incident')).toMatchObject({ status: 'resolved', dueAtMs: at('09:25:00') })
  fire(stack)
  await play(stack, 15)
  expect(await incidentsOf(stack)).toHaveLength(2)
  expect(await entriesOfKind(stack, 'undo.started')).toEqual([])
  expect(desired(stack)).toBe(9)
  // It is looked at again though it was resolved long ago.
  expect((await readHead(stack.storage, older, 'incident'))?.dueAtMs).toBeGreaterThan(at('09:35:00') - 1)
  fire(stack, 'OK')
  await play(stack, DAY_MINUTES)
  expect(await entriesOfKind(stack, 'undo.started')).toMatchObject([{ incidentId: older, atMs: at('09:55:00') }])
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toEqual([])
  expect(await readHead(stack.storage, older, 'incident')).not.toHaveProperty('dueAtMs')
})

test('the undo of an incident that a person resolves while its check still runs happens in its time (G7)', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(
        `${SCALE}\n- check: { alarm: ok, samples: 3, every: 30s, within: 10m }`,
        'on_resolved: { undo: [scale_out], after: 30m }',
      ),
    ]),
    { wired: false },
  )
  transition(stack.account, 'ALARM')
  await stack.command({ verb: 'run', runbook: 'spike', key: 'k', by: ANN, reason: 'slow' })
  await play(stack, 1)
  const id = await onlyIncident(stack)
  await stack.command({ verb: 'resolve', id, by: ANN, reason: 'over' })
  const due = { status: 'resolved', dueAtMs: at('09:31:00') }
  expect(await readHead(stack.storage, id, 'incident')).toMatchObject(due)
  await play(stack, 0.2)
  transition(stack.account, 'OK')
  await play(stack, 4)
  expect(await entriesOfKind(stack, 'execution.finished')).toMatchObject([{ outcome: 'succeeded' }])
  expect(await readHead(stack.storage, id, 'incident')).toMatchObject(due)
  await play(stack, DAY_MINUTES)
  expect(await entriesOfKind(stack, 'undo.started')).toMatchObject([{ atMs: at('09:31:00') }])
  expect(desired(stack)).toBe(6)
})

test('an OK clears its incident though no runbook of the catalogue answers to the alarm any more (G7)', async () => {
  const stack = calmStack(catalogueOf([runbookText(SCALE, 'on_resolved: { undo: [scale_out], after: 5m }')]))
  fire(stack)
  await play(stack, 5)
  const incidentId = await onlyIncident(stack)
  Object.assign(stack.app, { catalogue: catalogueOf([runbookText(SCALE, 'triggers: [{ alarm: other }]')]) })
  const { parts } = await ingest(stack.app, transition(stack.account, 'OK'), turnOf(stack))
  expect(parts).toMatchObject([{ is: 'accepted', effect: 'cleared', incidentId }])
  await play(stack, DAY_MINUTES)
  expect(await entriesOfKind(stack, 'incident.cleared')).toHaveLength(1)
  expect(await incidentsOf(stack)).toEqual([`${incidentId} resolved`])
  expect(desired(stack)).toBe(6)
})

test('an undo step that is to be tried again waits while the alarm stands again (G7)', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(SCALE, 'on_resolved: { undo: [scale_out], after: 5m, step: 100% }\nkeep_open: 30m\ncooldown: 60m'),
    ]),
  )
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 4)
  throttle(stack.account.world, 'ecs:UpdateService', 2)
  expect(await play(stack, 3, async () => (await entriesOfKind(stack, 'step.retried')).length > 0)).toBe(true)
  fire(stack)
  await play(stack, 20)
  expect(desired(stack)).toBe(9)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  expect((await entriesOfKind(stack, 'step.retried')).at(-1)?.reason).toBe('the alarm stands again: the undo waits')
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 2 })
  expect(pagesOf(stack)).toEqual([])
})

test("an undo leaves a value alone that a person changed before the next execution built on it, and a person is told (G7)", async () => {
  const stack = calmStack(
    catalogueOf([runbookText(SCALE, 'on_resolved: { undo: [scale_out], after: 5m, step: 100% }\nkeep_open: 30m')]),
  )
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 3)
  const [first] = await entriesOfKind(stack, 'execution.started')
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(30)
  fire(stack, 'OK')
  await play(stack, 60)
  // The second execution's own undo goes back to what the person wanted.
  expect(desired(stack)).toBe(20)
  expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([{ stream: `${first?.stream}.undo`, code: 'foreign' }])
  expect(pagesOf(stack)).toEqual([
    expect.stringMatching(/^\[sev2\] api: ECS service prod\/api was left alone: somebody else had changed it before inc-/),
  ])
})

test('an incident that a late delivery reopens is shown as open, and resolved again when its alarm clears', async () => {
  const stack = calmStack(catalogueOf([runbookText('- notify: { to: oncall@sre }', 'keep_open: 5m')]), { wired: false })
  fire(stack)
  await play(stack, 1)
  fire(stack, 'OK')
  await play(stack, 4)
  const late = transition(stack.account, 'ALARM')
  await play(stack, 3)
  const id = await onlyIncident(stack)
  expect(await incidentsOf(stack)).toEqual([`${id} resolved`])
  const { parts } = await ingest(stack.app, late, turnOf(stack))
  expect(parts).toMatchObject([{ is: 'accepted', effect: 'recurred', incidentId: id }])
  expect(await incidentsOf(stack)).toEqual([`${id} open`])
  await play(stack, 60)
  expect(await incidentsOf(stack)).toEqual([`${id} open`])
  fire(stack, 'OK')
  await play(stack, 30)
  expect(await incidentsOf(stack)).toEqual([`${id} resolved`])
})

test('START_AT_MS is nine', () => {
  expect(START_AT_MS).toBe(at('09:00:00'))
  expect(MINUTE_MS).toBe(60_000)
})
