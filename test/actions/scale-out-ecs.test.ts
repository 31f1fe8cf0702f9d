import type { Planned } from '../../lib/actions/action.ts'
import { scaleOutEcs as action } from '../../lib/actions/scale-out-ecs.ts'
import { TerminalError } from '../../lib/errors.ts'
import type { ScaleState } from '../../lib/ecs/scaling.ts'
import { awsError, type Example, scriptedAws, testAction } from './conformance.ts'
import { ecsService, ecsWorld, type EcsWorldState, TARGETS } from './ecs-world.ts'

const common: Omit<Example, 'params' | 'shorthand'> = {
  service: ecsService,
  badShorthands: [
    { text: 'ecs servce api +50%', part: 'servce' },
    { text: 'ec2 service api +50%', part: 'ec2' },
    { text: 'ecs service api 50%', part: '50%' },
    { text: 'ecs service api -3', part: '-3' },
    { text: 'ecs service api +0%', part: '+0%' },
    { text: 'ecs service api', part: '' },
    { text: 'ecs service api to many', part: 'many' },
    { text: 'ecs service api +50% max', part: '' },
    { text: 'ecs service api +50% max 0', part: '0' },
    { text: 'ecs service api +50% now', part: 'now' },
    { text: 'ecs service a/../b +50%', part: 'a/../b' },
    { text: '', part: '' },
  ],
  badParams: [
    { ecs: 'api' },
    { ecs: 'api', by: '50%', to: 3 },
    { ecs: 'api', by: 0 },
    { ecs: 'api', by: -3 },
    { ecs: 'api', by: 1.5 },
    { ecs: 'api', by: '2000%' },
    { ecs: 'api', to: 0 },
    { ecs: 'api', to: 2.5 },
    { by: '50%' },
  ],
  worlds: {
    'without a scalable target': () => ecsWorld(),
    'behind a load balancer': () => ecsWorld({ targets: { [TARGETS]: [] } }),
    'with a scalable target': () => ecsWorld({ floor: { min: 2, max: 40 } }),
  },
}

testAction(action, {
  ...common,
  relative: true,
  params: { ecs: 'api', by: '50%', max: 40 },
  shorthand: 'ecs service api +50% max 40',
})
testAction(action, { ...common, params: { ecs: 'api', to: 12 }, shorthand: ' ecs  service api to 12 ' })
testAction(action, {
  ...common,
  params: { ecs: 'api', to: 12, raise_max: true },
  worlds: { ...common.worlds, 'with a maximum to raise': () => ecsWorld({ floor: { min: 2, max: 8 } }) },
})

testAction(action, {
  ...common,
  relative: true,
  params: { ecs: 'api', by: '50%', raise_max: true, expires_in: '6h' },
  badParams: [
    ...common.badParams,
    { ecs: 'api', by: '50%', expires_in: '4m' },
    { ecs: 'api', by: '50%', expires_in: '31d' },
    { ecs: 'api', by: '50%', expires_in: '90s' },
    { ecs: 'api', by: '50%', expires_in: 6 },
  ],
  worlds: {
    'with an expiry': () => ecsWorld({ floor: { min: 2, max: 40 }, targets: { [TARGETS]: [] } }),
    'with an expiry and a maximum to raise': () => ecsWorld({ floor: { min: 2, max: 8 } }),
  },
  preludes: ['application-autoscaling:PutScheduledAction'],
})

const on = { locks: [], label: 'ECS service prod/api', cluster: 'prod', service: 'api' }
const marker = 'firebreak/ex-1/step-1'

async function observe(state: Partial<EcsWorldState>): Promise<ScaleState> {
  return action.observe(on, { aws: scriptedAws(ecsWorld(state)), nowMs: 0, marker })
}

async function plan(params: object, state: Partial<EcsWorldState>): Promise<Planned<ScaleState>> {
  return action.plan(
    action.params.parse({ ecs: 'api', ...params }),
    on,
    await observe(state),
    undefined as never,
  )
}

describe('what is planned', () => {
  test.each([
    ['half of 6', { by: '50%' }, { desired: 6 }, 'desired 6 -> 9'],
    ['half of 5 is rounded up', { by: '50%' }, { desired: 5 }, 'desired 5 -> 8'],
    ['a hundredth is at least one task', { by: '1%' }, { desired: 1 }, 'desired 1 -> 2'],
    [
      'a percentage does not suffer from binary fractions',
      { by: '7%' },
      { desired: 100 },
      'desired 100 -> 107',
    ],
    ['a stopped service gets a task', { by: '50%' }, { desired: 0 }, 'desired 0 -> 1'],
    ['a number', { by: 3 }, { desired: 6 }, 'desired 6 -> 9'],
    ['the cap of the runbook', { by: '50%', max: 8 }, { desired: 6 }, 'desired 6 -> 8'],
    ['the floor is raised', { by: '50%' }, { floor: { min: 2, max: 9 } }, 'desired 6 -> 9, floor 2 -> 9'],
    [
      'the maximum is raised where that is allowed',
      { by: '50%', raise_max: true },
      { floor: { min: 2, max: 8 } },
      'desired 6 -> 9, floor 2 -> 9, MaxCapacity 8 -> 9',
    ],
    [
      'a count below its floor ends at the floor',
      { by: 1 },
      { desired: 3, floor: { min: 5, max: 9 } },
      'desired 3 -> 5',
    ],
    ['a controller of its own', { by: 3 }, { controller: 'EXTERNAL', taskSets: sets(2) }, 'desired 6 -> 9'],
    ['CodeDeploy at rest', { by: 3 }, { controller: 'CODE_DEPLOY', taskSets: sets(1) }, 'desired 6 -> 9'],
  ] as const)('%s', async (_name, params, state, summary) => {
    const planned = await plan(params, state)
    expect(planned).toMatchObject({ is: 'change', summary })
  })

  test.each([
    ['it never lowers', { to: 4 }, {}, 'none', 'desired is 6, at least 4 already'],
    ['it stops at the cap', { by: '50%', max: 6 }, {}, 'none', 'desired is 6, not below max 6 already'],
    [
      'a count above the cap is left',
      { by: '50%', max: 4 },
      {},
      'none',
      'desired is 6, not below max 4 already',
    ],
    [
      'above MaxCapacity',
      { by: '50%' },
      { floor: { min: 2, max: 8 } },
      'refused',
      'write max: 8 to stop there',
    ],
    [
      'already above MaxCapacity, where registering would shrink it',
      { by: 1 },
      { desired: 12, floor: { min: 2, max: 8 } },
      'refused',
      '13 tasks would exceed MaxCapacity 8 of Application Auto Scaling, and the desired count 12 stands above it already',
    ],
    [
      'a floor above the cap',
      { by: 1, max: 4 },
      { desired: 3, floor: { min: 5, max: 9 } },
      'refused',
      'above max 4',
    ],
    ['a daemon', { by: 1 }, { strategy: 'DAEMON' }, 'refused', 'no desired count'],
    ['a service that goes', { by: 1 }, { status: 'DRAINING' }, 'refused', 'DRAINING'],
    ['a service that went', { by: 1 }, { status: 'INACTIVE' }, 'refused', 'INACTIVE'],
    [
      'a deployment of CodeDeploy',
      { by: 1 },
      { controller: 'CODE_DEPLOY', taskSets: sets(2) },
      'refused',
      'roll back first',
    ],
  ] as const)('%s', async (_name, params, state, is, reason) => {
    const planned = await plan(params, state)
    expect(planned).toMatchObject({ is, reason: expect.stringContaining(reason) })
  })

  test('capacity ceilings and people learn what they need', async () => {
    const deployments = [
      { id: 'ecs-svc/2', status: 'PRIMARY', rolloutState: 'IN_PROGRESS' },
      { id: 'ecs-svc/1', status: 'ACTIVE', rolloutState: 'COMPLETED' },
    ]
    const planned = await plan(
      { by: 3, raise_max: true },
      { desired: 12, floor: { min: 2, max: 8 }, deployments, suspended: true },
    )
    expect(planned).toMatchObject({
      capacity: { from: 12, to: 15 },
      after: { context: null },
      notes: [
        expect.stringContaining('a deployment is in flight'),
        expect.stringContaining('scale-out is suspended'),
        expect.stringContaining('undo puts MaxCapacity 8 back'),
      ],
    })
  })
})

function sets(count: number) {
  return ['PRIMARY', 'ACTIVE', 'ACTIVE']
    .slice(0, count)
    .map((status, index) => ({ id: `ts-${index}`, status }))
}

test('a missing service is an error that says what to check', async () => {
  const elsewhere = action.observe(
    { ...on, service: 'web' },
    { aws: scriptedAws(ecsWorld()), nowMs: 0, marker },
  )
  await expect(elsewhere).rejects.toThrow(TerminalError)
  await expect(elsewhere).rejects.toThrow('MISSING')
})

test("another service than the runbook's is reported, and names that would widen an ARN are", () => {
  const params = action.params.parse({ ecs: 'web', by: 1 })
  expect(action.target(params, ecsService)).toMatchObject({ is: 'missing', path: 'web' })
  const odd = { ...ecsService, ecs: { cluster: 'prod', service: '*' } }
  expect(action.target(action.params.parse({ ecs: 'api', by: 1 }), odd)).toMatchObject({
    is: 'missing',
    path: 'ecs',
  })
})

test('ARNs in services.yaml are taken for the names at their end, and permissions name the account', () => {
  const found = action.target(action.params.parse({ ecs: 'api', by: 1 }), {
    ...ecsService,
    ecs: {
      cluster: 'arn:aws:ecs:eu-central-1:123456789012:cluster/prod',
      service: 'arn:aws:ecs:eu-central-1:123456789012:service/prod/api',
    },
  })
  if (found.is === 'missing') throw new Error(found.message)
  expect(found.target.locks).toEqual(['ecs/123456789012/eu-central-1/prod/api'])
  expect(action.permissions(found.target)[0]?.resources).toEqual([
    'arn:${Partition}:ecs:eu-central-1:123456789012:service/prod/api',
  ])
  expect(action.permissions(on)[0]?.resources).toEqual([
    'arn:${Partition}:ecs:${Region}:${Account}:service/prod/api',
  ])
})

test('services of the same name in two regions or accounts are two targets', () => {
  const keys = [
    ecsService,
    { ...ecsService, region: 'us-east-1' },
    { ...ecsService, account: '210987654321' },
  ].map((service) => {
    const found = action.target(action.params.parse({ ecs: 'api', by: 1 }), service)
    return found.is === 'target' ? found.target.locks[0] : undefined
  })
  expect(new Set(keys).size).toBe(3)
})

describe('calls', () => {
  test('with a scalable target nothing but its floor is sent, and the count is never set apart', async () => {
    const world = ecsWorld({ floor: { min: 2, max: 40 } })
    const sent: unknown[] = []
    const register = world.answers['application-autoscaling:RegisterScalableTarget']
    const aws = scriptedAws({
      ...world,
      answers: {
        ...world.answers,
        'application-autoscaling:RegisterScalableTarget': (input) => (
          sent.push(input),
          register?.(input) ?? {}
        ),
      },
    })
    const before = await observe({ floor: { min: 2, max: 40 } })
    const change = {
      target: on,
      before,
      after: { desired: 9, floor: { min: 9, max: 40 }, context: null },
      summary: 's',
    }
    expect(await action.apply(change, { aws } as never)).toEqual({ requestId: 'req-1' })
    expect(sent).toEqual([
      {
        ServiceNamespace: 'ecs',
        ResourceId: 'service/prod/api',
        ScalableDimension: 'ecs:service:DesiredCount',
        MinCapacity: 9,
      },
    ])
    expect(aws.calls).toEqual(['application-autoscaling:RegisterScalableTarget'])
    expect(world.snapshot()).toEqual({ desired: 9, floor: { min: 9, max: 40 } })
  })
})

describe('verification', () => {
  const since = Date.UTC(2026, 10, 22, 13)
  const noPlace =
    '(service api) was unable to place a task because no container instance met all of its requirements.'
  const event = (afterMs: number) => [{ id: 'e2', createdAt: new Date(since + afterMs), message: noPlace }]
  const other = [
    { id: 'ecs-svc/2', status: 'PRIMARY', rolloutState: 'IN_PROGRESS' },
    { id: 'ecs-svc/1', status: 'ACTIVE', rolloutState: 'COMPLETED' },
  ]

  test.each([
    ['tasks start', { desired: 9, running: 6 }, 'inconclusive', 'running 6 of 9'],
    ['the count is not up yet', { desired: 6, running: 6 }, 'inconclusive', 'running 6 of 9, desired 6'],
    ['all run', { desired: 9, running: 9 }, 'passed', 'running 9 of 9'],
    ['the autoscaler went further', { desired: 12, running: 11 }, 'passed', 'running 11 of 9'],
    ['there is no room', { desired: 9, running: 6, events: event(1) }, 'failed', 'unable to place'],
    [
      'there was no room before',
      { desired: 9, running: 6, events: event(0) },
      'inconclusive',
      'running 6 of 9',
    ],
    [
      'there was no room, but all run',
      { desired: 9, running: 9, events: event(1) },
      'passed',
      'running 9 of 9',
    ],
    [
      'a deployment began',
      { desired: 9, running: 9, deployments: other },
      'inconclusive',
      'a new deployment',
    ],
    ['the service is being deleted', { desired: 0, running: 9, status: 'DRAINING' }, 'failed', 'DRAINING'],
  ] as const)('%s', async (_name, state, verdict, reason) => {
    const before = await observe({})
    const change = { target: on, before, after: { desired: 9, floor: null, context: null }, summary: 's' }
    const aws = scriptedAws(ecsWorld(state))
    expect(await action.verify(change, {}, { aws, nowMs: 0, marker })).toMatchObject({
      verdict,
      reason: expect.stringContaining(reason),
    })
  })

  const BLUE = TARGETS.replace('/api/', '/api-blue/')
  const healthy = (count: number) => Array.from({ length: count }, () => 'healthy' as const)
  const starting = [...healthy(6), 'initial', 'initial', 'unhealthy'] as const
  const primary = (arn: string, status = 'PRIMARY') => ({
    id: `ts-${arn}`,
    status,
    loadBalancers: [{ targetGroupArn: arn }],
  })

  test.each([
    [
      'health checks go on',
      { targets: { [TARGETS]: [...starting] } },
      'inconclusive',
      'running 9 of 9, healthy 6 of 9 in api',
      { api: 6 },
    ],
    [
      'targets that drain are no targets',
      { targets: { [TARGETS]: [...healthy(8), 'draining', 'draining', 'unused'] } },
      'inconclusive',
      'running 9 of 9, healthy 8 of 9 in api',
      { api: 8 },
    ],
    [
      'nothing is registered',
      { targets: { [TARGETS]: [] } },
      'inconclusive',
      'running 9 of 9, healthy 0 of 9 in api',
      { api: 0 },
    ],
    [
      'all are healthy',
      { targets: { [TARGETS]: healthy(9) } },
      'passed',
      'running 9 of 9, healthy 9 of 9 in api',
      { api: 9 },
    ],
    [
      'one group of two stays behind',
      { targets: { [TARGETS]: healthy(9), [BLUE]: healthy(7) } },
      'inconclusive',
      'running 9 of 9, healthy 7 of 9 in api-blue',
      { api: 9, 'api-blue': 7 },
    ],
    [
      'both groups are complete',
      { targets: { [TARGETS]: healthy(9), [BLUE]: healthy(10) } },
      'passed',
      'running 9 of 9, healthy 9 of 9 in api, healthy 10 of 9 in api-blue',
      { api: 9, 'api-blue': 10 },
    ],
    [
      'a group that is named twice counts once',
      {
        targets: { [TARGETS]: healthy(9) },
        loadBalancers: [{ targetGroupArn: TARGETS }, { targetGroupArn: TARGETS }],
      },
      'passed',
      'running 9 of 9, healthy 9 of 9 in api',
      { api: 9 },
    ],
    [
      'CodeDeploy left the tasks in the group of the primary task set',
      {
        controller: 'CODE_DEPLOY',
        targets: { [TARGETS]: healthy(9), [BLUE]: healthy(6) },
        loadBalancers: [{ targetGroupArn: TARGETS }],
        taskSets: [primary(TARGETS, 'DRAINING'), primary(BLUE)],
      },
      'inconclusive',
      'running 9 of 9, healthy 6 of 9 in api-blue',
      { 'api-blue': 6 },
    ],
    [
      'a blue/green deployment of ECS left the tasks in the alternate group',
      {
        targets: { [TARGETS]: [], [BLUE]: healthy(9) },
        loadBalancers: [
          { targetGroupArn: TARGETS, advancedConfiguration: { alternateTargetGroupArn: BLUE } },
        ],
      },
      'passed',
      'running 9 of 9, healthy 9 of 9 in api',
      { api: 9 },
    ],
    [
      'a Classic Load Balancer has no target group',
      { loadBalancers: [{ loadBalancerName: 'old' }] },
      'passed',
      'running 9 of 9',
      undefined,
    ],
  ] satisfies [string, Partial<EcsWorldState>, string, string, object | undefined][])(
    'of the load balancer: %s',
    async (_name, state, verdict, reason, counts) => {
      const aws = scriptedAws(ecsWorld({ desired: 9, running: 9, ...state }))
      const found = await action.verify(await toNine(), {}, { aws, nowMs: 0, marker })
      expect(found).toEqual({
        verdict,
        reason,
        values: { desired: 9, running: 9, target: 9, ...(counts ? { healthy: counts } : {}) },
      })
    },
  )

  test('while tasks start, and on the way down, the load balancer is not asked', async () => {
    const aws = scriptedAws(ecsWorld({ desired: 9, running: 6, targets: { [TARGETS]: healthy(6) } }))
    const up = await toNine()
    expect(await action.verify(up, {}, { aws, nowMs: 0, marker })).toMatchObject({ reason: 'running 6 of 9' })
    const down = { ...up, before: { ...up.after, desired: 12 } }
    expect(await action.verify(down, {}, { aws, nowMs: 0, marker })).toMatchObject({ verdict: 'passed' })
    expect(aws.calls).toEqual(['ecs:DescribeServices', 'ecs:DescribeServices'])
  })

  test.each([
    ['an answer without a list', () => ({}), 'inconclusive', 'holds no list of targets'],
    [
      'a failure of AWS',
      () => Promise.reject(awsError('HealthUnavailableException', 500)),
      'inconclusive',
      'could not be read now',
    ],
    ['no answer', () => Promise.reject(awsError('TimeoutError')), 'inconclusive', 'could not be read now'],
    [
      'a throttled call',
      () => Promise.reject(awsError('Throttling', 400)),
      'inconclusive',
      'reading the health of target group api',
    ],
    [
      'a group that is gone',
      () => Promise.reject(awsError('TargetGroupNotFoundException', 400)),
      'error',
      'reading the health of target group api: TargetGroupNotFoundException',
    ],
    [
      'a missing permission',
      () => Promise.reject(awsError('AccessDenied', 403)),
      'error',
      'reading the health of target group api: AccessDenied',
    ],
  ] as const)('%s is never taken for health', async (_name, answer, verdict, reason) => {
    const world = ecsWorld({ desired: 9, running: 9, targets: { [TARGETS]: healthy(9) } })
    const aws = scriptedAws({
      ...world,
      answers: { ...world.answers, 'elasticloadbalancing:DescribeTargetHealth': answer },
    })
    expect(await action.verify(await toNine(), {}, { aws, nowMs: 0, marker })).toMatchObject({
      verdict,
      reason: expect.stringContaining(reason),
    })
  })

  async function toNine() {
    const before = await observe({})
    return { target: on, before, after: { desired: 9, floor: null, context: null }, summary: 's' }
  }

  test('a service that is gone is an error', async () => {
    const change = {
      target: { ...on, service: 'gone' },
      before: await observe({}),
      after: { desired: 9, floor: null, context: null },
      summary: 's',
    }
    const verdict = await action.verify(change, {}, { aws: scriptedAws(ecsWorld()), nowMs: 0, marker })
    expect(verdict).toMatchObject({ verdict: 'error', reason: expect.stringContaining('MISSING') })
  })
})

describe('the way back', () => {
  async function wayBack(
    start: Partial<EcsWorldState>,
    after: ScaleState,
    percent: number,
  ): Promise<string[]> {
    const change = { target: on, before: await observe(start), after, summary: 's' }
    const world = ecsWorld({ ...start, desired: after.desired, floor: after.floor && { ...after.floor } })
    const aws = scriptedAws(world)
    const summaries: string[] = []
    for (let lastSet = after; ;) {
      const step = action.undo?.(
        change,
        lastSet,
        await action.observe(on, { aws, nowMs: 0, marker }),
        percent,
      )
      if (step?.is !== 'change') return [...summaries, step?.is ?? 'none']
      await action.apply({ target: on, ...step }, { aws } as never)
      summaries.push(step.last ? `${step.summary} (last)` : step.summary)
      lastSet = step.after
    }
  }

  test('without a floor the count goes down by a part of what was added', async () => {
    const steps = await wayBack({ desired: 6 }, { desired: 16, floor: null, context: null }, 25)
    expect(steps).toEqual([
      'desired 16 -> 13',
      'desired 13 -> 10',
      'desired 10 -> 7',
      'desired 7 -> 6 (last)',
      'done',
    ])
  })

  test('with a floor the floor does, and the last step puts back what was there', async () => {
    const after = { desired: 9, floor: { min: 9, max: 40 }, context: null }
    const steps = await wayBack({ desired: 6, floor: { min: 2, max: 40 } }, after, 34)
    expect(steps).toEqual(['floor 9 -> 7', 'floor 7 -> 2 (last)', 'done'])
  })

  test('a maximum that was raised comes down with it, so that nothing is clamped at once', async () => {
    const after = { desired: 12, floor: { min: 12, max: 12 }, context: null }
    const steps = await wayBack({ desired: 6, floor: { min: 2, max: 8 } }, after, 34)
    expect(steps).toEqual([
      'desired 12 -> 9, floor 12 -> 9, MaxCapacity 12 -> 9',
      'desired 9 -> 8, floor 9 -> 2, MaxCapacity 9 -> 8 (last)',
      'done',
    ])
  })

  test("somebody else's MaxCapacity is kept", async () => {
    const before = await observe({ floor: { min: 2, max: 20 } })
    const after = { desired: 9, floor: { min: 9, max: 20 }, context: null }
    const observed = { ...after, floor: { min: 9, max: 30 } }
    const step = action.undo?.({ target: on, before, after, summary: 's' }, after, observed, 100)
    expect(step).toMatchObject({ is: 'change', after: { floor: { min: 2, max: 30 } }, last: true })
  })

  test('a count that somebody set below the floor is not lifted on the way (G7)', async () => {
    const before = await observe({ floor: { min: 4, max: 20 } })
    const after = { desired: 9, floor: { min: 9, max: 20 }, context: null }
    const observed = { ...after, desired: 7 }
    const step = action.undo?.({ target: on, before, after, summary: 's' }, after, observed, 10)
    expect(step).toMatchObject({ is: 'change', after: { desired: 7, floor: { min: 7 } }, last: false })
  })

  test('a lost step down is not repeated where somebody has set the count below its floor (G7)', () => {
    const before = { desired: 9, floor: { min: 9, max: 20 }, context: null }
    const after = { desired: 7, floor: { min: 7, max: 20 }, context: null }
    const change = { target: on, before, after, summary: 's' }
    expect(action.locate(change, { ...before, desired: 4 }, { marker })).toMatchObject({
      at: 'elsewhere',
      reason: 'desired 4 in 9 to 20: somebody set the count below the floor 7, which would lift it',
    })
    // The step itself is there: what was set below it since is nobody's conflict.
    expect(action.locate(change, { ...after, desired: 4 }, { marker })).toEqual({ at: 'after' })
    expect(action.locate(change, { ...before, desired: 7 }, { marker })).toEqual({ at: 'before' })
  })

  test('a scalable target that appeared or went is foreign', async () => {
    const before = await observe({})
    const after = { desired: 9, floor: null, context: null }
    const observed = { desired: 9, floor: { min: 1, max: 20 }, context: null }
    const change = { target: on, before, after, summary: 's' }
    expect(action.undo?.(change, after, observed, 100)).toMatchObject({ is: 'foreign' })
    expect(action.locate(change, observed, { marker })).toMatchObject({ at: 'elsewhere' })
  })
})

test('an autoscaler that went further does not hide that the floor landed', () => {
  const before = { desired: 6, floor: { min: 2, max: 40 }, context: null }
  const after = { desired: 9, floor: { min: 9, max: 40 }, context: null }
  const change = { target: on, before, after, summary: 's' }
  expect(action.locate(change, { ...after, desired: 14 }, { marker })).toEqual({ at: 'after' })
  // The count got there by itself, but nothing holds it.
  expect(action.locate(change, { ...before, desired: 9 }, { marker })).toEqual({ at: 'before' })
})
