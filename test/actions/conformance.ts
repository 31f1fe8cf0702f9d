import type { Action, ApplyContext, Change, Occasion, Target } from '../../lib/actions/action.ts'
import { actionName } from '../../lib/actions/index.ts'
import type { Aws, CallName, Calls } from '../../lib/aws/aws.ts'
import { outcomeOf } from '../../lib/errors.ts'
import type { Http } from '../../lib/http.ts'
import { sameJson, type Json } from '../../lib/json.ts'
import type { Service } from '../../lib/runbook/runbook.ts'
import type { Verdict } from '../../lib/verdict.ts'

/** How a small world answers AWS's calls; what it lacks is a call that nobody expected. */
export type Answers = { readonly [K in CallName]?: (input: Calls[K]['input']) => object | Promise<object> }

/** A part of an account that lives in memory, fresh for each test. */
export interface World {
  readonly answers: Answers
  /** Everything that the action could change; two worlds with equal snapshots are in the same state. */
  snapshot(): Json
  /** Lets what goes on come to its end: tasks start, changes become in sync. */
  settle(): void
  /** Somebody else changes what the action changes, to a value that nobody asked for. */
  interfere?(): void
  readonly http?: Http
}

/** What the suite needs to know about an action. */
export interface Example {
  readonly service: Service
  /** The long form, as a runbook has it. */
  readonly params: { readonly [key: string]: unknown }
  /** The same in the compact form; absent where it cannot say what the long form says. */
  readonly shorthand?: string
  /** Each with the part (its last occurrence) that the position must point at; an empty part means the end. */
  readonly badShorthands: readonly { readonly text: string; readonly part: string }[]
  readonly badParams: readonly { readonly [key: string]: unknown }[]
  /** Worlds in which the parameters ask for a change, by name; together they make the action use all its calls. */
  readonly worlds: { readonly [name: string]: () => World }
  /** The parameters ask for more than whatever there is (`+50%`), so that a second plan is never empty. */
  readonly relative?: boolean
  /** Where the target does not depend on services.yaml. */
  readonly alwaysHasTarget?: boolean
  /** Permissions that AWS asks for beside those that are named like a call. */
  readonly implied?: readonly string[]
  /** Calls that precede the one that makes the change: it is that one whose answer is lost. */
  readonly preludes?: readonly CallName[]
  readonly occasion?: Partial<Occasion>
  readonly secret?: (name: string) => Promise<string>
}

/** An error as the SDK throws it; without a status no answer arrived. */
export function awsError(name: string, status?: number, message = 'as the test wants it'): Error {
  const error = Object.assign(new Error(message), {
    $metadata: status === undefined ? {} : { httpStatusCode: status, requestId: 'req-error' },
  })
  Object.defineProperty(error, 'name', { value: name })
  return error
}

type Mode = 'normal' | 'throttled' | 'refused' | 'request lost' | 'answer lost' | 'silent' | 'unreachable'

/** Answers from a world, and remembers what was called. A mode that concerns changes leaves reads alone. */
export function scriptedAws(
  world: World,
  preludes: readonly CallName[] = [],
): Aws & { mode: Mode; readonly calls: CallName[] } {
  const aws = {
    mode: 'normal' as Mode,
    calls: [] as CallName[],
    async call<K extends CallName>(name: K, input: Calls[K]['input']): Promise<Calls[K]['output']> {
      aws.calls.push(name)
      if (aws.mode === 'silent') return {} as Calls[K]['output']
      if (aws.mode === 'unreachable') throw awsError('TimeoutError')
      if (aws.mode === 'throttled') throw awsError('ThrottlingException', 400)
      if (aws.mode === 'refused') throw awsError('AccessDeniedException', 403)
      if (aws.mode === 'request lost' && !isRead(name)) throw awsError('TimeoutError')
      const answer = world.answers[name]
      if (!answer) throw new Error(`the world of this test does not answer ${name}`)
      const output = await answer(structuredClone(input))
      if (aws.mode === 'answer lost' && !isRead(name) && !preludes.includes(name))
        throw awsError('TimeoutError')
      return structuredClone(output) as Calls[K]['output']
    },
  }
  return aws
}

function isRead(name: CallName): boolean {
  return /:(Describe|List|Get|BatchGet)/.test(name)
}

const NOW_MS = Date.UTC(2026, 10, 22, 14, 0, 0)
const MARKER = 'firebreak/ex-1/step-1'

const OCCASION: Occasion = {
  incidentId: 'inc-1',
  executionId: 'ex-1',
  stepId: 'step-1',
  runbook: 'api-5xx-spike',
  service: 'api',
  severity: 'sev2',
  reason: 'alarm api-5xx-spike went into ALARM',
  onsetAtMs: NOW_MS - 60_000,
  nowMs: NOW_MS,
  teams: {},
  alarm: 'api-5xx-spike',
}

/** Runs the suite for one action. Each check is a test of its own, in each world that the example offers. */
export function testAction<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
): void {
  describe(`${actionName(action)} conforms`, () => {
    testLanguage(action, example)
    for (const name of Object.keys(example.worlds)) {
      describe(name, () => {
        testPlan(action, example, name)
        if (action.effect !== 'message') testFailures(action, example, name)
        if (action.observable) testObservation(action, example, name)
        testVerify(action, example, name)
        if (action.undo) testUndo(action, example, name)
      })
    }
    testPermissions(action, example)
  })
}

function testLanguage<P, T extends Target, S extends Json>(action: Action<P, T, S>, example: Example): void {
  test('its example validates, and what comes out validates to the same again', () => {
    const params = action.params.parse(example.params)
    expect(action.params.parse(JSON.parse(JSON.stringify(params)))).toEqual(params)
  })

  const { shorthand } = example
  if (shorthand !== undefined) {
    test('the compact form and the long form mean the same', () => {
      const parsed = action.shorthand.parse(shorthand)
      expect(parsed).toEqual({ is: 'params', params: action.params.parse(example.params) })
    })
  }

  test.each([...example.badShorthands])(
    'the compact form "$text" is a problem at "$part"',
    ({ text, part }) => {
      const parsed = action.shorthand.parse(text)
      if (parsed.is !== 'problem') throw new Error(`"${text}" was taken for ${JSON.stringify(parsed.params)}`)
      expect(text.slice(parsed.start, parsed.end)).toBe(part)
      expect(parsed.start).toBe(part === '' ? text.length : text.lastIndexOf(part))
      expect(parsed.message).not.toBe('')
      expect(action.shorthand.parse(parsed.suggestion ?? 'none')).toMatchObject({ is: 'params' })
    },
  )

  test.each([{ ...example.params, surprise: 1 }, ...example.badParams])('%j is refused', (params) => {
    expect(action.params.safeParse(params).success).toBe(false)
  })

  if (!example.alwaysHasTarget) {
    test('a service that lacks what it needs is reported with what is missing', () => {
      const bare: Service = {
        name: example.service.name,
        alarms: [],
        severity: 'sev3',
        records: {},
        metrics: {},
      }
      const found = action.target(action.params.parse(example.params), bare)
      if (found.is !== 'missing') throw new Error('a target was found')
      expect(found.path).not.toBe('')
      expect(found.message).toContain('services.yaml')
    })
  }
}

function testPlan<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
  name: string,
): void {
  test('observing changes nothing, and planning calls nothing and alters nothing', async () => {
    const { world, aws, target, observe, params, occasion } = stage(action, example, name)
    const untouched = structuredClone(world.snapshot())
    const observed = frozen(await observe())
    expect(aws.calls.filter((call) => !isRead(call))).toEqual([])
    aws.calls.length = 0
    const plan = action.plan(params, target, observed, occasion)
    expect(plan).toMatchObject({ is: 'change', before: observed })
    expect(action.plan(params, target, observed, occasion)).toEqual(plan)
    expect(aws.calls).toEqual([])
    expect(world.snapshot()).toEqual(untouched)
  })

  test('its share, where it has one, is a number of percent, none where nothing changes, also from the ledger', async () => {
    const { change, aws } = await planned(action, example, name)
    aws.calls.length = 0
    const share = action.share?.(change)
    expect(share === undefined || (Number.isFinite(share.percent) && share.percent >= 0)).toBe(true)
    expect(share?.of).not.toBe('')
    expect(action.share?.({ ...change, after: change.before }).percent ?? 0).toBe(0)
    const stored = JSON.parse(JSON.stringify(change)) as typeof change
    const restored = {
      ...change,
      before: action.state.parse(stored.before),
      after: action.state.parse(stored.after),
    }
    expect(action.share?.(restored)).toEqual(share)
    expect(aws.calls).toEqual([])
    // A message reaches people: it changes no fleet.
    expect(action.effect === 'message' && action.share !== undefined).toBe(false)
  })

  test('a state comes back the same from the ledger', async () => {
    const { change } = await planned(action, example, name)
    for (const state of [change.before, change.after]) {
      expect(action.state.parse(JSON.parse(JSON.stringify(state)))).toEqual(state)
    }
    expect(action.state.safeParse({ made: 'up' }).success && action.effect !== 'message').toBe(false)
  })
}

function testFailures<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
  name: string,
): void {
  test.each([
    ['throttled', 'retryable'],
    ['refused', 'terminal'],
    ['request lost', 'unknown'],
    ['answer lost', 'unknown'],
  ] as const)('a call that is %s ends as %s', async (mode, outcome) => {
    const { world, aws, change, apply, observe } = await planned(action, example, name)
    const untouched = structuredClone(world.snapshot())
    aws.mode = mode
    expect(outcomeOf(await thrownBy(apply(1)))).toMatchObject({ is: outcome })
    aws.mode = 'normal'
    expect(sameJson(world.snapshot(), untouched)).toBe(mode !== 'answer lost')
    if (!action.observable) return
    const where = action.locate(change, await observe(), { marker: MARKER })
    expect(where.at).toBe(mode === 'answer lost' ? 'after' : 'before')
  })

  test.each(['throttled', 'refused', 'silent', 'unreachable'] as const)(
    'a state that cannot be read (%s) is thrown and never made up',
    async (mode) => {
      const { aws, observe } = stage(action, example, name)
      aws.mode = mode
      await thrownBy(observe())
    },
  )
}

function testObservation<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
  name: string,
): void {
  test('before and after are told apart, also once everything has settled', async () => {
    const { world, change, apply, observe } = await planned(action, example, name)
    const where = async () => action.locate(change, await observe(), { marker: MARKER }).at
    expect(await where()).toBe('before')
    await apply(1)
    expect(await where()).toBe('after')
    world.settle()
    expect(await where()).toBe('after')
  })

  test('applied twice, a change has the effect of once', async () => {
    const { world, apply } = await planned(action, example, name)
    await apply(1)
    const once = structuredClone(world.snapshot())
    // The second may be refused, as long as it changes nothing.
    await apply(2).catch(() => undefined)
    expect(world.snapshot()).toEqual(once)
  })

  if (!example.relative) {
    test('where the state is as asked there is nothing to plan', async () => {
      const { world, apply, observe, params, target, occasion } = await planned(action, example, name)
      await apply(1)
      world.settle()
      expect(action.plan(params, target, await observe(), occasion)).toMatchObject({ is: 'none' })
    })
  }

  test("somebody else's value is neither before nor after", async () => {
    const { world, change, observe } = await planned(action, example, name)
    if (!world.interfere) return
    world.interfere()
    const where = action.locate(change, await observe(), { marker: MARKER })
    expect(where.at).toBe('elsewhere')
    if (where.at === 'elsewhere') expect(where.reason).not.toBe('')
  })
}

function testVerify<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
  name: string,
): void {
  test('what has settled is verified with its reason', async () => {
    const { world, apply, verify } = await planned(action, example, name)
    const receipt = await apply(1)
    world.settle()
    const verdict = await verify(receipt)
    expect(verdict).toMatchObject({ verdict: 'passed' })
    expect(verdict.reason).not.toBe('')
  })

  if (action.effect === 'message') return

  test.each(['silent', 'throttled', 'refused', 'unreachable'] as const)(
    'nothing is verified while AWS is %s',
    async (mode) => {
      const { world, aws, apply, verify } = await planned(action, example, name)
      const receipt = await apply(1)
      world.settle()
      aws.mode = mode
      expect((await verify(receipt)).verdict).not.toBe('passed')
    },
  )

  test('what was never applied is not verified', async () => {
    const { verify } = await planned(action, example, name)
    expect((await verify({})).verdict).not.toBe('passed')
  })
}

function testUndo<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
  name: string,
): void {
  test.each([100, 25, 1])('undo in steps of %i %% ends at what was there before', async (percent) => {
    const { aws, world, change, apply, observe, context } = await planned(action, example, name)
    await apply(1)
    world.settle()
    let lastSet = change.after
    for (let count = 1; ; count += 1) {
      const undo = action.undo?.(change, lastSet, await observe(), percent)
      if (undo?.is !== 'change') throw new Error(`step ${count} came to ${JSON.stringify(undo)}`)
      await action.apply({ target: change.target, ...undo }, { ...context, aws, attempt: 1 })
      expect(action.locate({ target: change.target, ...undo }, await observe(), { marker: MARKER }).at).toBe(
        'after',
      )
      world.settle()
      lastSet = undo.after
      if (undo.last) break
      expect(count).toBeLessThan(300)
    }
    const back = await observe()
    expect(action.locate(change, back, { marker: MARKER }).at).toBe('before')
    expect(action.undo?.(change, lastSet, back, percent)).toMatchObject({ is: 'done' })
  })

  test("undo leaves somebody else's value alone and says so", async () => {
    const { aws, world, change, apply, observe, context } = await planned(action, example, name)
    await apply(1)
    world.settle()
    if (!world.interfere) throw new Error('a world with an undo needs interfere')
    world.interfere()
    let undo = action.undo?.(change, change.after, await observe(), 100)
    if (undo?.is === 'change') {
      // What would act on it later is taken away first; had that moved the value, it would not be foreign any more.
      expect(undo.last).toBe(false)
      await action.apply({ target: change.target, ...undo }, { ...context, aws, attempt: 1 })
      undo = action.undo?.(change, undo.after, await observe(), 100)
    }
    expect(undo).toMatchObject({ is: 'foreign' })
    if (undo?.is === 'foreign') expect(undo.reason).not.toBe('')
  })
}

function testPermissions<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
): void {
  test('what it may call and what it calls are the same', async () => {
    const called = new Set<string>(example.implied)
    const allowed = new Set<string>()
    for (const name of Object.keys(example.worlds)) {
      const { aws, world, change, apply, verify, observe, context } = await planned(action, example, name)
      const receipt = await apply(1)
      world.settle()
      await verify(receipt)
      const undo = action.undo?.(change, change.after, await observe(), 100)
      if (undo?.is === 'change')
        await action.apply({ target: change.target, ...undo }, { ...context, aws, attempt: 1 })
      for (const call of aws.calls) called.add(call)
      for (const statement of action.permissions(change.target)) {
        for (const each of statement.actions) allowed.add(each)
      }
    }
    expect([...called].sort()).toEqual([...allowed].sort())
  })

  test('every statement names its resources, and a wildcard has a reason', () => {
    const { target } = stage(action, example, Object.keys(example.worlds)[0] ?? '')
    for (const { actions, resources, reason } of action.permissions(target)) {
      expect(actions.length * resources.length).toBeGreaterThan(0)
      for (const each of actions) expect(each).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/)
      for (const each of resources)
        expect(each).toMatch(/^(\*|arn:\$\{Partition\}:[a-z0-9-]+:[^:]*:[^:]*:.+)$/)
      if (resources.includes('*')) expect(reason ?? '').not.toBe('')
    }
  })
}

function stage<P, T extends Target, S extends Json>(action: Action<P, T, S>, example: Example, name: string) {
  const world = example.worlds[name]?.()
  if (!world) throw new Error(`the example has no world "${name}"`)
  const aws = scriptedAws(world, example.preludes)
  const params = action.params.parse(example.params)
  const found = action.target(params, example.service)
  if (found.is === 'missing') throw new Error(found.message)
  const context: Omit<ApplyContext, 'attempt'> = {
    aws,
    nowMs: NOW_MS,
    marker: MARKER,
    http: world.http ?? { post: () => Promise.reject(new Error('this world has no HTTP')) },
    secret: example.secret ?? ((secret) => Promise.reject(new Error(`this example has no secret ${secret}`))),
  }
  const observe = () => action.observe(found.target, context)
  return {
    world,
    aws,
    params,
    target: found.target,
    context,
    observe,
    occasion: { ...OCCASION, ...example.occasion },
  }
}

async function planned<P, T extends Target, S extends Json>(
  action: Action<P, T, S>,
  example: Example,
  name: string,
) {
  const staged = stage(action, example, name)
  const { params, target, observe, occasion, context } = staged
  const plan = action.plan(params, target, await observe(), occasion)
  if (plan.is !== 'change')
    throw new Error(`the world "${name}" asks for no change: ${plan.is}: ${plan.reason}`)
  const change = frozen<Change<T, S>>({
    target,
    before: plan.before,
    after: plan.after,
    summary: plan.summary,
  })
  const apply = (attempt: number) => action.apply(change, { ...context, attempt })
  const verify = (receipt: Awaited<ReturnType<typeof apply>>): Promise<Verdict> =>
    action.verify(change, receipt, context)
  return { ...staged, change, apply, verify }
}

async function thrownBy(promise: Promise<unknown>): Promise<unknown> {
  let answer: unknown
  try {
    answer = await promise
  } catch (error) {
    return error
  }
  throw new Error(`nothing was thrown, but ${JSON.stringify(answer)} answered`)
}

function frozen<V>(value: V): V {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner)
    Object.freeze(value)
  }
  return value
}
