import { throttle } from '../../sim/faults.ts'
import type { Stack } from '../../sim/stack.ts'
import {
  ANN,
  calmStack,
  catalogueOf,
  desired,
  entriesOfKind,
  fire,
  pagesOf,
  play,
  runbookText,
  transition,
  SERVICE,
  withShop,
} from './calm.ts'
import { chainOf, effectsOf } from './world.ts'

const SCALE = '- scale_out: { ecs: api, by: 50% }'
const DRAIN = '- route53_weight: { record: canary, weight: 0 }'
const UNDO = 'on_resolved: { undo: [scale_out], after: 5m, step: 50%, every: 2m }'

function scaling(head = UNDO, steps = SCALE): Stack {
  return calmStack(catalogueOf([runbookText(steps, head)]))
}

/** The value of the service over time, each once. */
function watch(stack: Stack): readonly number[] {
  const seen: number[] = []
  stack.account.onCall({
    after() {
      const now = desired(stack)
      if (now !== undefined && now !== seen.at(-1)) seen.push(now)
    },
  })
  return seen
}

async function outcomes(stack: Stack): Promise<readonly string[]> {
  return (await entriesOfKind(stack, 'execution.finished')).map(
    (entry) => `${entry.stream.endsWith('.undo') ? 'undo ' : ''}${entry.outcome}`,
  )
}

async function undoSkips(stack: Stack): Promise<readonly { code: string; reason: string }[]> {
  return (await entriesOfKind(stack, 'step.skipped')).filter((entry) => entry.stream.endsWith('.undo'))
}

test('what was added is put back in slow steps, once the alarm has stayed clear for the time given (G7)', async () => {
  const stack = scaling()
  const seen = watch(stack)
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  const clearAtMs = stack.account.now()
  await play(stack, 30)
  expect(seen).toEqual([6, 9, 7, 6])
  const back = (await entriesOfKind(stack, 'step.intended')).filter((entry) => entry.stream.endsWith('.undo'))
  expect(back.map((entry) => entry.atMs - clearAtMs)).toEqual([5 * 60_000, 7 * 60_000])
  expect(await outcomes(stack)).toEqual(['succeeded', 'undo succeeded'])
  expect(await chainOf(stack)).toBe('consistent')
})

test('while the alarm stands again nothing is put back; it goes on when it has stayed clear (G7)', async () => {
  const stack = scaling(`${UNDO}\nkeep_open: 30m\ncooldown: 60m`)
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 6)
  expect(desired(stack)).toBe(7)
  fire(stack)
  await play(stack, 20)
  expect(desired(stack)).toBe(7)
  fire(stack, 'OK')
  await play(stack, 4.5)
  expect(desired(stack)).toBe(7)
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
})

test('an alarm that comes back before the undo is due starts the time anew (G7)', async () => {
  const stack = scaling(`${UNDO}\nkeep_open: 30m\ncooldown: 60m`)
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 4)
  fire(stack)
  await play(stack, 2)
  fire(stack, 'OK')
  await play(stack, 4)
  expect(desired(stack)).toBe(9)
  await play(stack, 10)
  expect(desired(stack)).toBe(6)
})

test('a value that somebody else set is left alone, and a person is told (G7)', async () => {
  const stack = scaling()
  fire(stack)
  await play(stack, 5)
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 12 })
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(12)
  expect(await undoSkips(stack)).toMatchObject([{ code: 'foreign' }])
  expect(pagesOf(stack)).toEqual([expect.stringMatching(/was left alone: desired 12/)])
})

test('a value that somebody else set between two slow steps is left alone as well (G7)', async () => {
  const stack = scaling()
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 6)
  expect(desired(stack)).toBe(7)
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 12 })
  await play(stack, 60)
  expect(desired(stack)).toBe(12)
  expect(pagesOf(stack)).toHaveLength(1)
})

test('a value that is back already needs no undo', async () => {
  const stack = scaling()
  fire(stack)
  await play(stack, 5)
  stack.account.act({ is: 'set-desired', service: SERVICE, desired: 6 })
  fire(stack, 'OK')
  await play(stack, 60)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 1 })
  expect(await undoSkips(stack)).toMatchObject([{ code: 'undone' }])
  expect(stack.account.inbox).toEqual([])
})

describe('overlapping changes of one target end at the value before the first (G7)', () => {
  test('a recurrence: 6 -> 9 -> 14 ends at 6, and the earlier undo gives way', async () => {
    const stack = scaling(`${UNDO}\nkeep_open: 30m`)
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 3)
    fire(stack)
    await play(stack, 5)
    expect(desired(stack)).toBe(14)
    fire(stack, 'OK')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
    expect(await undoSkips(stack)).toMatchObject([{ code: 'superseded' }])
    expect(stack.account.inbox).toEqual([])
  })

  const two = (steps = SCALE, undo = UNDO) =>
    calmStack(
      catalogueOf(
        [
          runbookText(SCALE, UNDO, 'first'),
          runbookText(steps, `service: shop\ntriggers: [{ alarm: shop-slow }]\n${undo}`, 'second').replace(
            'ecs: api',
            'ecs: shop',
          ),
        ],
        {
          services: withShop,
        },
      ),
      { alarms: ['api-5xx-spike', 'shop-slow'] },
    )

  test.each(['api-5xx-spike', 'shop-slow'])(
    'two incidents of two services on one target, %s clearing first: 6 -> 9 -> 14 ends at 6',
    async (clearing) => {
      const stack = two()
      fire(stack)
      await play(stack, 3)
      fire(stack, 'ALARM', 'shop-slow')
      await play(stack, 3)
      expect(desired(stack)).toBe(14)
      fire(stack, 'OK', clearing)
      await play(stack, 30)
      fire(stack, 'OK', clearing === 'shop-slow' ? 'api-5xx-spike' : 'shop-slow')
      await play(stack, 60)
      expect(desired(stack)).toBe(6)
      expect(pagesOf(stack)).toEqual([])
    },
  )

  test('while the alarm of the earlier one stands nothing of it is taken back, and it is said why', async () => {
    const stack = two()
    fire(stack)
    await play(stack, 3)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(14)
    const waits = (await entriesOfKind(stack, 'step.waiting')).filter((entry) => entry.blocked)
    const started = await entriesOfKind(stack, 'execution.started')
    expect(waits).toMatchObject([
      { reason: `it was built on what was changed for ${started[0]?.incidentId}: the alarm stands` },
    ])
    fire(stack, 'OK')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
    expect(pagesOf(stack)).toEqual([])
  })

  test.each([
    ['max_hold', SCALE, UNDO.replace(' }', ', max_hold: { for: 10m, then: undo } }')],
    [
      'on_failure: undo',
      `${SCALE}\n- check: { alarm: ok, samples: 1, every: 20s, within: 1m }\n  on_failure: undo`,
      UNDO,
    ],
  ])('%s of the later one speaks for its own alarm only (G7)', async (_what, steps, undo) => {
    const stack = two(steps, undo)
    fire(stack)
    await play(stack, 3)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(14)
    fire(stack, 'OK')
    await play(stack, 30)
    expect(desired(stack)).toBe(6)
  })

  test.each([
    ['a third one on top', 0],
    ['a call that had to be repeated', 1],
  ])('so also with %s', async (_what, throttled) => {
    const third = runbookText(SCALE, `service: web\ntriggers: [{ alarm: web-slow }]\n${UNDO}`, 'third')
    const others = ['shop', 'web'].map(
      (name) =>
        `${name}:\n  alarms: [${name}-slow]\n  severity: sev2\n  account: "123456789012"\n  region: eu-west-1\n  ecs: { cluster: prod, service: api }\n`,
    )
    const stack = calmStack(
      catalogueOf(
        [
          runbookText(SCALE, UNDO, 'first'),
          third.replaceAll('web', 'shop').replace('third', 'second').replace('ecs: api', 'ecs: shop'),
          third.replace('ecs: api', 'ecs: web'),
        ],
        { services: (text) => [text, ...others].join('\n') },
      ),
      { alarms: ['api-5xx-spike', 'shop-slow', 'web-slow'] },
    )
    fire(stack)
    await play(stack, 3)
    if (throttled > 0) throttle(stack.account.world, 'ecs:UpdateService', throttled)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    fire(stack, 'ALARM', 'web-slow')
    await play(stack, 3)
    expect(desired(stack)).toBe(21)
    fire(stack, 'OK', 'shop-slow')
    fire(stack, 'OK', 'web-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(21)
    fire(stack, 'OK')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
  })

  test('its OK that never arrived is found, though nothing of the earlier incident is due any more (G4)', async () => {
    const held = UNDO.replace(' }', ', max_hold: { for: 1h, then: undo } }')
    const services = (text: string) =>
      `${text}\nshop:\n  alarms: [shop-slow]\n  severity: sev2\n  account: "123456789012"\n  region: eu-west-1\n  ecs: { cluster: prod, service: api }\n`
    const second = runbookText(SCALE, `service: shop\ntriggers: [{ alarm: shop-slow }]\n${UNDO}`, 'second')
    const stack = calmStack(
      catalogueOf([runbookText(SCALE, held, 'first'), second.replace('ecs: api', 'ecs: shop')], { services }),
      { alarms: ['api-5xx-spike', 'shop-slow'] },
    )
    fire(stack)
    await play(stack, 3)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 70)
    expect(await undoSkips(stack)).toMatchObject([{ code: 'superseded' }])
    const [started] = await entriesOfKind(stack, 'execution.started')
    const id = started?.incidentId ?? ''
    await stack.command({ verb: 'resolve', id, by: { name: 'ann', via: 'cli' }, reason: 'it is over' })
    await play(stack, 5)
    transition(stack.account, 'OK')
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
  })

  test('a later incident that begins between two slow steps back: 6 -> 9 -> 7 -> 11 ends at 6', async () => {
    const stack = two()
    fire(stack)
    await play(stack, 3)
    fire(stack, 'OK')
    await play(stack, 6)
    expect(desired(stack)).toBe(7)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    expect(desired(stack)).toBe(11)
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
  })

  test('one execution that changes the target twice, and a later incident on top: ends at 6', async () => {
    const catalogue = catalogueOf(
      [
        runbookText(
          `${SCALE}\n- id: more\n  scale_out: { ecs: api, by: +2 }`,
          'on_resolved: { undo: [scale_out, more], after: 5m }',
          'first',
        ),
        runbookText(SCALE, `service: shop\ntriggers: [{ alarm: shop-slow }]\n${UNDO}`, 'second').replace(
          'ecs: api',
          'ecs: shop',
        ),
      ],
      {
        services: withShop,
      },
    )
    const stack = calmStack(catalogue, { alarms: ['api-5xx-spike', 'shop-slow'] })
    fire(stack)
    await play(stack, 3)
    expect(desired(stack)).toBe(11)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    expect(desired(stack)).toBe(17)
    fire(stack, 'OK')
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
    expect(pagesOf(stack)).toEqual([])
  })

  test('a change that nobody undoes hands the duty on: 6 -> 9 with undo, 9 -> 14 without, ends at 6', async () => {
    const stack = scaling(
      `${UNDO}\nkeep_open: 30m`,
      '- id: scale_out\n  scale_out: { ecs: api, by: 50% }\n- id: more\n  scale_out: { ecs: api, by: 50% }',
    )
    fire(stack)
    await play(stack, 3)
    expect(desired(stack)).toBe(14)
    fire(stack, 'OK')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
  })

  test.each(['before', 'after'] as const)(
    'also where the worker dies %s the lock of the first change was given back',
    async (when) => {
      let puts = 0
      const stack = calmStack(catalogueOf([runbookText(SCALE, `${UNDO}\nkeep_open: 30m`)]), {
        // The second put of LOCK is the release.
        diesAt: (point) => point.name === 'put LOCK' && point.when === when && ++puts === 2,
      })
      fire(stack)
      await play(stack, 5)
      expect(stack.crashes).toHaveLength(1)
      fire(stack, 'OK')
      await play(stack, 3)
      fire(stack)
      await play(stack, 5)
      expect(desired(stack)).toBe(14)
      fire(stack, 'OK')
      await play(stack, 60)
      expect(desired(stack)).toBe(6)
      expect(pagesOf(stack)).toEqual([])
    },
  )

  test('a foreign value between two changes ends the earlier undo: the later one goes back to it', async () => {
    const stack = two()
    fire(stack)
    await play(stack, 3)
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    expect(desired(stack)).toBe(30)
    fire(stack, 'OK')
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(20)
  })

  test('and says so to a person also where it comes between two slow steps of the later one', async () => {
    const stack = two()
    fire(stack)
    await play(stack, 3)
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 1)
    fire(stack, 'OK')
    await play(stack, 5)
    expect(desired(stack)).toBe(25)
    await play(stack, 60)
    expect(desired(stack)).toBe(20)
    expect(await undoSkips(stack)).toMatchObject([{ code: 'foreign' }])
    expect(pagesOf(stack)).toEqual([expect.stringContaining('ECS service prod/api was left alone')])
  })

  test('and also where a third change was built on the second: that one goes back to the foreign value', async () => {
    const stack = two()
    fire(stack)
    await play(stack, 3)
    stack.account.act({ is: 'set-desired', service: SERVICE, desired: 20 })
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 2)
    fire(stack, 'ALARM', 'shop-slow')
    await play(stack, 3)
    expect(desired(stack)).toBe(45)
    fire(stack, 'OK')
    await play(stack, 10)
    expect(await undoSkips(stack)).toMatchObject([{ code: 'foreign' }])
    fire(stack, 'OK', 'shop-slow')
    await play(stack, 60)
    expect(desired(stack)).toBe(20)
    expect((await undoSkips(stack)).map(({ code }) => code).toSorted()).toEqual(['foreign', 'superseded'])
    expect(pagesOf(stack)).toEqual([expect.stringContaining('ECS service prod/api was left alone')])
  })
})

test('two records of one weighted group each get their own weight back (G7)', async () => {
  const services = (text: string) =>
    text.replace(
      '    canary: {',
      '    stable: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: stable }\n    canary: {',
    )
  const stack = calmStack(
    catalogueOf(
      [
        runbookText(
          `${DRAIN}\n- id: less\n  route53_weight: { record: stable, weight: 50 }`,
          'on_resolved: { undo: [route53_weight, less], after: 5m }',
        ),
      ],
      { services },
    ),
  )
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 60)
  const weights = stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records
    .filter((record) => record.SetIdentifier)
    .map((record) => [record.SetIdentifier, record.Weight])
  expect(weights).toEqual(
    expect.arrayContaining([
      ['canary', 10],
      ['stable', 90],
    ]),
  )
  expect(pagesOf(stack)).toEqual([])
})

test('two incidents that change two records of one weighted group each put back their own (G7)', async () => {
  const services = (text: string) =>
    `${text.replace('    canary: {', '    stable: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: stable }\n    canary: {')}\nshop:\n  alarms: [shop-slow]\n  severity: sev2\n  records:\n    stable: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: stable }\n`
  const undo = 'on_resolved: { undo: [route53_weight], after: 5m }'
  const stack = calmStack(
    catalogueOf(
      [
        runbookText(DRAIN, undo, 'first'),
        runbookText(
          '- route53_weight: { record: stable, weight: 50 }',
          `service: shop\ntriggers: [{ alarm: shop-slow }]\n${undo}`,
          'second',
        ),
      ],
      { services },
    ),
    { alarms: ['api-5xx-spike', 'shop-slow'] },
  )
  fire(stack)
  await play(stack, 3)
  fire(stack, 'ALARM', 'shop-slow')
  await play(stack, 3)
  fire(stack, 'OK')
  fire(stack, 'OK', 'shop-slow')
  await play(stack, 60)
  const weights = stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records
    .filter((record) => record.SetIdentifier)
    .map((record) => [record.SetIdentifier, record.Weight])
  expect(weights).toEqual(
    expect.arrayContaining([
      ['canary', 10],
      ['stable', 90],
    ]),
  )
})

test('a change of one record does not make another forget where its own began: 10 -> 5 -> 0 ends at 10 (G7)', async () => {
  const services = (text: string) =>
    `${text}\nshop:\n  alarms: [shop-slow]\n  severity: sev2\n  records:\n    stable: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: stable }\nweb:\n  alarms: [web-slow]\n  severity: sev2\n  records:\n    canary: { zone: Z0123456789ABCDEFGHIJ, name: api.example.com, type: A, set: canary }\n`
  const undo = 'on_resolved: { undo: [route53_weight], after: 5m }'
  const book = (record: string, weight: number, service: string, alarm: string) =>
    runbookText(
      `- route53_weight: { record: ${record}, weight: ${weight} }`,
      `service: ${service}\ntriggers: [{ alarm: ${alarm} }]\n${undo}`,
      service,
    )
  const stack = calmStack(
    catalogueOf(
      [
        book('canary', 5, 'api', 'api-5xx-spike'),
        book('stable', 50, 'shop', 'shop-slow'),
        book('canary', 0, 'web', 'web-slow'),
      ],
      { services },
    ),
    { alarms: ['api-5xx-spike', 'shop-slow', 'web-slow'] },
  )
  for (const alarm of ['api-5xx-spike', 'shop-slow', 'web-slow']) {
    fire(stack, 'ALARM', alarm)
    await play(stack, 2)
  }
  for (const alarm of ['api-5xx-spike', 'shop-slow', 'web-slow']) fire(stack, 'OK', alarm)
  await play(stack, 60)
  const weights = stack.account.world.zones['Z0123456789ABCDEFGHIJ']?.records
    .filter((record) => record.SetIdentifier)
    .map((record) => [record.SetIdentifier, record.Weight])
  expect(weights).toEqual(
    expect.arrayContaining([
      ['canary', 10],
      ['stable', 90],
    ]),
  )
  expect(pagesOf(stack)).toEqual([])
})

test('an undo waits while the execution is still running', async () => {
  const stack = scaling(UNDO, `${SCALE}\n- wait: 20m\n- id: more\n  scale_out: { ecs: api, by: +2 }`)
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 12)
  expect(desired(stack)).toBe(9)
  await play(stack, 60)
  expect(await outcomes(stack)).toEqual(['succeeded', 'undo succeeded'])
})

test('what is changed only after the alarm has cleared is put back as well (G7)', async () => {
  const stack = scaling(
    `${UNDO}\nkeep_open: 1m`,
    `${SCALE}\n  approve: { by: sre, timeout: 60m, on_timeout: skip }`,
  )
  fire(stack)
  await play(stack, 3)
  fire(stack, 'OK')
  await play(stack, 20)
  await stack.command({
    verb: 'approve',
    id: (await entriesOfKind(stack, 'approval.requested'))[0]?.stream,
    by: ANN,
  })
  await play(stack, 30)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 3 })
  expect(desired(stack)).toBe(6)
})

test('on_resolved without anything to undo leaves everything as it is', async () => {
  const stack = scaling('on_resolved: { undo: [] }')
  fire(stack)
  await play(stack, 5)
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(9)
  expect(await entriesOfKind(stack, 'undo.started')).toEqual([])
})

test('an undo that is throttled is tried again and ends where it should (G3, G7)', async () => {
  const stack = scaling()
  fire(stack)
  await play(stack, 5)
  throttle(stack.account.world, 'ecs:UpdateService', 2)
  fire(stack, 'OK')
  await play(stack, 60)
  expect(desired(stack)).toBe(6)
  expect(effectsOf(stack)).toEqual({ 'ecs:UpdateService': 3 })
})

describe('abort and undo', () => {
  test('an abort before the first step leaves nothing to undo', async () => {
    const stack = scaling(`${UNDO}\nhold_down: 60s`)
    fire(stack)
    await play(stack, 0.3)
    await stack.command({
      verb: 'abort',
      id: (await entriesOfKind(stack, 'execution.started'))[0]?.stream,
      by: ANN,
      reason: 'false alarm',
    })
    await play(stack, 10)
    fire(stack, 'OK')
    await play(stack, 60)
    expect(effectsOf(stack)).toEqual({})
    expect(await outcomes(stack)).toEqual(['aborted'])
  })

  test('what an aborted execution had changed is put back when the alarm has stayed clear', async () => {
    const stack = scaling(UNDO, `${SCALE}\n- wait: 10m\n${DRAIN}`)
    fire(stack)
    await play(stack, 3)
    await stack.command({
      verb: 'abort',
      id: (await entriesOfKind(stack, 'execution.started'))[0]?.stream,
      by: ANN,
      reason: 'enough',
    })
    await play(stack, 20)
    expect(desired(stack)).toBe(9)
    fire(stack, 'OK')
    await play(stack, 60)
    expect(desired(stack)).toBe(6)
    expect(await outcomes(stack)).toEqual(['aborted', 'undo succeeded'])
    expect(effectsOf(stack)['route53:ChangeResourceRecordSets']).toBeUndefined()
  })

  test('an undo that a person aborts stops where it is', async () => {
    const stack = scaling()
    fire(stack)
    await play(stack, 5)
    fire(stack, 'OK')
    await play(stack, 6)
    const [undo] = await entriesOfKind(stack, 'undo.started')
    expect(
      await stack.command({ verb: 'abort', id: undo?.stream, by: ANN, reason: 'keep it' }),
    ).toMatchObject({ is: 'answer' })
    await play(stack, 60)
    expect(desired(stack)).toBe(7)
    expect(await outcomes(stack)).toEqual(['succeeded', 'undo aborted'])
  })
})
