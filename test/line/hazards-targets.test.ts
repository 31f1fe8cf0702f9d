import { advance } from '../../lib/advance.ts'
import { ingest } from '../../lib/ingest.ts'
import { readHead } from '../../lib/ledger/head.ts'
import type { Storage } from '../../lib/ledger/storage.ts'
import { workFor } from '../../lib/queue.ts'
import { throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  allEntries,
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
  withShop,
} from './calm.ts'
import { effectsOf, onlyIncident } from './world.ts'

/* Hazards of targets that a review found once: locks that are shared or in doubt, and the way back to what stood there. */

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DAY_MINUTES = 24 * 60

const at = (time: string) => Date.parse(`2026-11-23T${time}Z`)

/** Beginnings, waits and effects, in order. */
async function movesOf(stack: Stack): Promise<readonly string[]> {
  const moves = ['step.intended', 'step.waiting', 'step.applied']
  return (await allEntries(stack)).flatMap((entry) =>
    'step' in entry && moves.includes(entry.kind) ? `${entry.kind} ${entry.step}` : [],
  )
}

describe('two drains of one weighted group', () => {
  function draining(): Stack {
    const services = (text: string) =>
      text.replace(
        /^(\s*)canary: (.*)set: canary \}/m,
        (line, indent, rest) => `${line}\n${indent}stable: ${rest}set: stable }`,
      )
    const drains = [
      '- parallel:',
      '    - { id: a, route53_weight: { record: canary, weight: 0 } }',
      '    - { id: b, route53_weight: { record: stable, weight: 0 } }',
    ].join('\n')
    return calmStack(catalogueOf([runbookText(drains)], { services }))
  }
  const weightsOf = (stack: Stack) =>
    (stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records ?? []).flatMap(
      (record) => record.Weight ?? [],
    )

  test.each([0, 1])(
    'side by side never leave all its weights 0 (calls of the first that are throttled: %d) (G5)',
    async (throttled) => {
      const stack = draining()
      expect(weightsOf(stack)).toEqual([10, 90])
      if (throttled > 0) throttle(stack.account.world, 'route53:ChangeResourceRecordSets', throttled)
      fire(stack)
      await play(stack, 5)
      expect(weightsOf(stack)).toEqual([0, 90])
      expect(effectsOf(stack)).toEqual({ 'route53:ChangeResourceRecordSets': 1 })
      expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
        { step: 'b', reason: expect.stringContaining('the other sets (canary) have weight 0 too') },
      ])
      expect(pagesOf(stack)).toHaveLength(1)
    },
  )

  test('one of which a person has made meanwhile: the other is not repeated (G5)', async () => {
    const stack = calmStack(
      catalogueOf([runbookText('- { id: a, route53_weight: { record: canary, weight: 0 } }')]),
    )
    throttle(stack.account.world, 'route53:ChangeResourceRecordSets', 1)
    fire(stack)
    await stack.runUntil(stack.account.now() + 100)
    const zone = 'Z0123456789ABCDEFGHIJ'
    stack.account.act({ is: 'set-weight', zone, name: 'api.example.com', set: 'stable', weight: 0 })
    await play(stack, 5)
    expect(weightsOf(stack)).toEqual([10, 0])
    expect(await entriesOfKind(stack, 'step.failed')).toMatchObject([
      {
        step: 'a',
        attempt: 1,
        code: 'refused',
        place: 'interlock second-drain',
        reason: expect.stringContaining('the other sets (stable) have weight 0 too'),
      },
    ])
    expect(pagesOf(stack)).toHaveLength(1)
  })
})

test('two scale-outs of one service, side by side, begin one after the other: the second sees the first, and undo restores the start (G5, G7)', async () => {
  const both =
    '- parallel:\n    - { id: a, scale_out: { ecs: api, by: 50% } }\n    - { id: b, scale_out: { ecs: api, by: 2 } }'
  const stack = calmStack(
    catalogueOf([runbookText(both, 'on_resolved: { undo: [a, b], after: 5m, step: 100% }')]),
  )
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(11)
  expect(
    (await entriesOfKind(stack, 'step.intended')).map((entry) => [
      entry.step,
      entry.change.summary,
      entry.locks,
    ]),
  ).toEqual([
    ['a', 'desired 6 -> 9', { 'ecs/123456789012/eu-west-1/prod/api': 1 }],
    ['b', 'desired 9 -> 11', { 'ecs/123456789012/eu-west-1/prod/api': expect.any(Number) }],
  ])
  const order = await movesOf(stack)
  expect(order).toEqual([
    'step.intended a',
    'step.applied a',
    // Reads may be behind what a has set.
    'step.waiting b',
    'step.intended b',
    'step.applied b',
  ])
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toEqual([])
})

test('a scale-out waits for one beside it that is to be tried again, and builds on what that has set (G5)', async () => {
  const both =
    '- parallel:\n    - { id: a, scale_out: { ecs: api, by: 50% } }\n    - { id: b, scale_out: { ecs: api, by: 2 } }'
  const stack = calmStack(catalogueOf([runbookText(both)]))
  throttle(stack.account.world, 'ecs:UpdateService', 1)
  fire(stack)
  await play(stack, 5)
  expect(desired(stack)).toBe(11)
  expect(await entriesOfKind(stack, 'step.failed')).toEqual([])
})

test('a target stays locked while the outcome of a change of it is in doubt (G5)', async () => {
  const undo = 'on_resolved: { undo: [scale_out], after: 1m }'
  const stack = calmStack(
    catalogueOf([
      runbookText(SCALE, undo),
      runbookText(SCALE, `triggers: [{ alarm: other }]\n${undo}`, 'second'),
    ]),
  )
  let lost = false
  let blind = true
  stack.account.onCall({
    after(call) {
      if (call.name !== 'ecs:UpdateService' || lost) return
      lost = true
      throw new Error('socket hang up')
    },
    before(call) {
      if (call.name === 'ecs:DescribeServices' && lost && blind) throw new Error('socket hang up')
    },
  })
  fire(stack)
  await play(stack, 0.3)
  const [first] = await entriesOfKind(stack, 'step.unsettled')
  const lock = await stack.storage.get('LOCK#ecs/123456789012/eu-west-1/prod/api', 'LOCK')
  expect(JSON.parse(lock?.body ?? '{}')).toMatchObject({ owner: first?.stream })
  expect(JSON.parse(lock?.body ?? '{}')).not.toHaveProperty('releasedAtMs')
  blind = false
  await stack.command({ verb: 'run', runbook: 'second', key: 'k', by: ANN, reason: 'slow' })
  await play(stack, 2)
  expect(await movesOf(stack)).toEqual([
    'step.intended scale_out',
    'step.waiting scale_out',
    'step.applied scale_out',
    'step.intended scale_out',
    'step.applied scale_out',
  ])
  expect(desired(stack)).toBe(14)
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(pagesOf(stack)).toEqual([])
})

test('the undo of an older incident happens though the alarm stood again, under a new incident, when it fell due (G7)', async () => {
  const stack = calmStack(
    catalogueOf([
      runbookText(
        '- scale_out: { ecs: api, to: 9 }',
        'on_resolved: { undo: [scale_out], after: 20m }\nkeep_open: 5m',
      ),
    ]),
  )
  fire(stack)
  await play(stack, 5)
  const older = await onlyIncident(stack)
  fire(stack, 'OK')
  await play(stack, 15)
  expect(await readHead(stack.storage, older, 'incident')).toMatchObject({
    status: 'resolved',
    dueAtMs: at('09:25:10'),
  })
  fire(stack)
  await play(stack, 15)
  expect(await incidentsOf(stack)).toHaveLength(2)
  expect(await entriesOfKind(stack, 'undo.started')).toEqual([])
  expect(desired(stack)).toBe(9)
  // It is looked at again though it was resolved long ago.
  expect((await readHead(stack.storage, older, 'incident'))?.dueAtMs).toBe(at('09:36:10'))
  fire(stack, 'OK')
  await play(stack, DAY_MINUTES)
  expect(await entriesOfKind(stack, 'undo.started')).toMatchObject([
    { incidentId: older, atMs: at('09:55:00') },
  ])
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
      runbookText(
        SCALE,
        'on_resolved: { undo: [scale_out], after: 5m, step: 100% }\nkeep_open: 30m\ncooldown: 60m',
      ),
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
  expect((await entriesOfKind(stack, 'step.retried')).at(-1)?.reason).toBe('the alarm stands: the undo waits')
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 2 })
  expect(pagesOf(stack)).toEqual([])
})

test.each([
  ['', () => {}],
  [
    ', also where its call had to be repeated',
    (stack: Stack) => throttle(stack.account.world, 'ecs:UpdateService', 1),
  ],
])(
  'an undo leaves a value alone that a person changed before the next execution built on it%s, and a person is told (G7)',
  async (_how, meanwhile) => {
    const stack = calmStack(
      catalogueOf([
        runbookText(SCALE, 'on_resolved: { undo: [scale_out], after: 5m, step: 100% }\nkeep_open: 30m'),
      ]),
    )
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 3)
    const [first] = await entriesOfKind(stack, 'execution.started')
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
    meanwhile(stack)
    fire(stack)
    await play(stack, 5)
    expect(desired(stack)).toBe(30)
    fire(stack, 'OK')
    await play(stack, 60)
    // The second execution's own undo goes back to what the person wanted.
    expect(desired(stack)).toBe(20)
    expect(await entriesOfKind(stack, 'step.skipped')).toMatchObject([
      { stream: `${first?.stream}.undo`, code: 'foreign' },
    ])
    expect(pagesOf(stack)).toEqual([
      expect.stringMatching(
        /^\[sev2\] api: ECS service prod\/api was left alone: somebody else had changed it before inc-/,
      ),
    ])
  },
)

/** A service of its own on the same ECS service, whose runbook changes what the first one has changed. */
function onTopOfFirst(step: string, onResolved?: string): Stack {
  const head = ['service: shop', 'triggers: [{ alarm: shop-slow }]', ...(onResolved ? [onResolved] : [])]
  return calmStack(
    catalogueOf(
      [
        runbookText(SCALE, 'on_resolved: { undo: [scale_out], after: 5m, step: 100% }', 'first'),
        runbookText(step.replace('ecs: api', 'ecs: shop'), head.join('\n'), 'second'),
      ],
      {
        services: withShop,
      },
    ),
    { alarms: ['api-5xx-spike', 'shop-slow'] },
  )
}

test.each([0, 1])(
  'a change that nobody undoes, on a value that a person had set, leaves nothing to put back (calls that had to be repeated: %d) (G7)',
  async (throttled) => {
    const stack = onTopOfFirst(SCALE)
    fire(stack)
    await play(stack, 5)
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
    if (throttled > 0) throttle(stack.account.world, 'ecs:UpdateService', throttled)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 5)
    fire(stack, 'OK')
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(30)
    expect(pagesOf(stack)).toEqual([expect.stringMatching(/ECS service prod\/api was left alone: /)])
  },
)

test.each([
  ['nobody undoes', undefined],
  ['was put back', 'on_resolved: { undo: [scale_out], after: 1m, step: 100% }'],
])(
  "a value equal to ours, after somebody else's and a change that %s, is not ours to put back (G7)",
  async (_what, onResolved) => {
    const stack = onTopOfFirst('- scale_out: { ecs: api, to: 9 }', onResolved)
    fire(stack)
    await play(stack, 5)
    expect(desired(stack)).toBe(9)
    const setBy = (desiredCount: number) =>
      stack.account.act({ is: 'set-desired', service: SERVICE, desired: desiredCount })
    setBy(7)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 5)
    expect(desired(stack)).toBe(9)
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 10)
    expect(desired(stack)).toBe(onResolved ? 7 : 9)
    setBy(9)
    fire(stack, 'OK')
    await play(stack, 30)
    expect(desired(stack)).toBe(9)
    expect(pagesOf(stack)).toEqual([
      expect.stringMatching(
        /ECS service prod\/api was left alone: it was changed by somebody else in between/,
      ),
    ])
  },
)

test('an incident that a late delivery reopens is shown as open, and resolved again when its alarm clears', async () => {
  const stack = calmStack(catalogueOf([runbookText('- notify: { to: oncall@sre }', 'keep_open: 5m')]), {
    wired: false,
  })
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

test('of two workers of one execution, the one that is paused leaves the lock to the other, which is at its change (G5)', async () => {
  const stack = calmStack(catalogueOf([runbookText(`- wait: 1m\n${SCALE}`)]))
  fire(stack)
  await play(stack, 0.5)
  const pause = async () => stack.command({ verb: 'pause-all', by: ANN, reason: 'a test' })
  await pause()
  // The wait is over on record, so that a worker that is paused has nothing to write.
  await play(stack, 1)
  await stack.command({ verb: 'resume-all', by: ANN })
  const [{ incidentId, executionId } = { incidentId: '', executionId: '' }] = await entriesOfKind(
    stack,
    'execution.started',
  )
  const message = workFor({ incidentId, stream: executionId }, 0, stack.account.now())
  const intended = Promise.withResolvers<void>()
  const goesOn = Promise.withResolvers<void>()
  const { storage } = stack.app.ports
  let lock = ''
  const held: Storage = {
    ...storage,
    put: async (item, condition) => {
      if (item.sk === 'LOCK') lock = item.pk
      if (item.body.includes('step.intended')) {
        intended.resolve()
        await goesOn.promise
      }
      return storage.put(item, condition)
    },
  }
  const acting = advance(
    { ...stack.app, ports: { ...stack.app.ports, storage: held } },
    message,
    turnOf(stack),
  )
  await intended.promise
  await pause()
  await advance(stack.app, message, turnOf(stack))
  expect(JSON.parse((await storage.get(lock, 'LOCK'))?.body ?? '')).not.toHaveProperty('releasedAtMs')
  goesOn.resolve()
  await acting
  expect(desired(stack)).toBe(9)
})
