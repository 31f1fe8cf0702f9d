import type { Calls } from '../../lib/aws/aws.ts'
import type { HttpRequest } from '../../lib/http.ts'
import type { EntryOf } from '../../lib/ledger/entry.ts'
import type { LoggedCall } from '../account.ts'
import type { OutsideAct } from '../outside.ts'
import { heldBy, isTouched, setBy, standingOf, type Standing, type Touched } from './standing.ts'
import type { OrderWatch } from './order.ts'
import { isUndo, type Told } from './told.ts'

export type MadeCall = Pick<LoggedCall, 'name' | 'mutating' | 'executionId'>

type Foreign = NonNullable<ReturnType<typeof setBy>>

/** What the account was made to do, and by which step. */
interface Effect {
  readonly name: string
  readonly stream: string
  readonly step: string
  readonly action: string
}

export interface EffectWatch {
  /** What somebody else has set. */
  readonly touched: Touched
  /** Somebody else has acted, and this stands after it. */
  outside(act: OutsideAct, standing: Standing, nowMs: number): void
  /** A call that the account has carried out, and what stands after it. */
  call(made: MadeCall, input: unknown, standing: Standing, nowMs: number): void
  /** A request that has reached a page's provider. */
  post(request: HttpRequest): void
  /** What was made twice, and what is on record as applied and was not made. */
  end(): void
}

/** Holds what the account was made to do against what is on record (CORE.md 2, checks 1, 2, 4, 7 and 9). */
export function watchEffects(
  streams: ReadonlyMap<string, Told>,
  order: Pick<OrderWatch, 'acts'>,
  wrong: (what: string) => void,
): EffectWatch {
  const effects: Effect[] = []
  const deployed = new Map<string, number>()
  const pages = new Map<string, string>()
  const foreign = new Map<Foreign, { readonly value: number | undefined; readonly sinceMs: number }>()
  const touched = new Set<keyof Standing>()
  /** The service's count as the latest call or act has left it. */
  let count: number | undefined

  /** Who adds capacity has looked at what stands: to set less is to have looked at what had been. */
  function lowers({ name }: MadeCall, input: unknown, { told, step, action }: Author, before?: number): void {
    const { desiredCount } = input as { readonly desiredCount?: number }
    if (name !== 'ecs:UpdateService' || desiredCount === undefined || before === undefined) return
    if (isUndo(told) || !action.startsWith('scale_out') || touched.has('desired')) return
    if (desiredCount < before)
      wrong(`${told.stream}: ${step} is to add, and sets ${desiredCount} where ${before} stands (check 2)`)
  }

  function call(made: MadeCall, input: unknown, standing: Standing, nowMs: number): void {
    const before = count
    count = standing.desired
    if (!made.mutating || made.executionId === undefined) return
    if (made.name === 'sns:Publish') {
      const { MessageAttributes } = input as Calls['sns:Publish']['input']
      page(MessageAttributes?.key?.StringValue)
      return
    }
    overwrites(made, standing, nowMs)
    const own = [...streams.values()].filter(
      ({ stream }) => stream === made.executionId || stream === `${made.executionId}.undo`,
    )
    const author = authorOf(made, input, own)
    if (!author) {
      wrong(`${made.executionId}: ${made.name} was called and no intent says so (G2)`)
      return
    }
    const { told, step, action } = author
    lowers(made, input, author, before)
    if (made.name === 'codedeploy:CreateDeployment') {
      const { description = '' } = input as { readonly description?: string }
      const times = (deployed.get(description) ?? 0) + 1
      deployed.set(description, times)
      if (times > 1) wrong(`"${description}" was deployed ${times} times (check 1)`)
    }
    const earlier = effects.filter((effect) => effect.stream === told.stream)
    order.acts(told, step, new Set(earlier.map((effect) => effect.step)))
    // The switch beside a change moves nothing; whatever becomes of the change, it may stay behind, or be taken away (ADR 25).
    if (made.name.endsWith('ScheduledAction') && !isUndo(told)) return
    effects.push({ name: made.name, stream: told.stream, step, action })
  }

  /** A page has reached a provider, by whichever channel: one step means it. */
  function page(key: string | undefined): void {
    if (key === undefined) {
      wrong('a page has reached its provider without a key (check 7)')
      return
    }
    const intended = [...streams.values()].flatMap((told) =>
      told.entries.flatMap(({ entry }) =>
        entry.kind === 'step.intended' && JSON.stringify(entry.change.after).includes(`"${key}"`)
          ? [`${told.stream}/${entry.step}`]
          : [],
      ),
    )
    const authors = new Set(intended)
    if (authors.size !== 1) wrong(`page ${key} is meant by ${[...authors].join(', ') || 'nobody'} (check 7)`)
    pages.set(key, intended[0] ?? '')
  }

  /** What another execution has made of the same kind meanwhile is found done; and a rollback may follow another's. */
  function isByAnother(told: Told, { step, recovered }: EntryOf<'step.applied'>): boolean {
    const intent = told.entries.find(({ entry }) => entry.kind === 'step.intended' && entry.step === step)
    if (intent?.entry.kind !== 'step.intended') return false
    const { action, change } = intent.entry
    const { call: asked } = change.after as { readonly call?: { readonly is: string } }
    if (recovered === undefined && (asked === undefined || asked.is === 'create')) return false
    return effects.some((effect) => effect.stream !== told.stream && effect.action === action)
  }

  /** An undo that has moved something away from what somebody else had set before it could have looked. */
  function overwrites({ executionId }: MadeCall, standing: Standing, nowMs: number): void {
    for (const [what, { value, sinceMs }] of foreign) {
      if (standing[what] === value) continue
      foreign.delete(what)
      const undo = [...streams.values()].find(({ stream }) => stream === `${executionId}.undo`)
      const isOurs = [...streams.values()].some(({ entries }) =>
        entries.some(
          ({ entry }) => entry.kind === 'step.intended' && standingOf(entry.change.after)[what] === value,
        ),
      )
      // It may have looked before; it compares with what it has last seen.
      if (undo && !isOurs && nowMs - sinceMs > UNSEEN_MS[what])
        wrong(`${undo.stream}: it overwrites ${what} ${value}, which somebody else has set (check 9)`)
    }
  }

  return {
    touched,
    outside(act, standing, nowMs) {
      count = standing.desired
      const what = setBy(act)
      if (!what) return
      touched.add(what)
      foreign.set(what, { value: standing[what], sinceMs: nowMs })
    },
    call,
    post({ body }) {
      const { dedup_key: key } = JSON.parse(body) as { readonly dedup_key?: string }
      page(key)
    },
    end() {
      for (const told of streams.values()) {
        const meant = new Map<string, Partial<Standing>>()
        for (const { entry } of told.entries) {
          if (entry.kind === 'step.intended') meant.set(entry.step, changedBy(entry))
          if (entry.kind !== 'step.applied' && entry.kind !== 'step.failed') continue
          const { step } = entry
          if (isTouched(touched, meant.get(step) ?? {})) continue
          const isThere = effects.some((effect) => effect.stream === told.stream && effect.step === step)
          if (entry.kind === 'step.applied' && !entry.message && !isThere && !isByAnother(told, entry))
            wrong(`${told.stream}: ${step} is on record as applied, and nothing was called (check 4)`)
          // Each slow step of an undo is a change of its own, so an earlier one may be there.
          if (entry.kind === 'step.failed' && isThere && !isUndo(told) && entry.code !== 'unknown')
            wrong(
              `${told.stream}: ${step} is on record as failed (${entry.code}), and it took effect (check 4)`,
            )
        }
      }
      for (const told of streams.values()) {
        for (const { entry } of told.entries) {
          if (entry.kind !== 'step.applied' || !entry.message) continue
          const id = `${told.stream}/${entry.step}`
          if (![...pages.values()].includes(id))
            wrong(`${id} is on record as sent, and no provider has it (check 4)`)
        }
      }
    },
  }
}

/**
 * An undo that has looked before somebody else acted may still set a count for so long: a worker that froze in between, and
 * what describes lag. A record set is replaced only where it is what was looked at.
 */
const UNSEEN_MS = { desired: 40_000, weight: 0 } as const

/** What a change holds of what it has changed: where the floor is as it was, that is the count. */
function changedBy({ change }: EntryOf<'step.intended'>): Partial<Standing> {
  const { floor, ...after } = standingOf(change.after)
  return heldBy({ ...after, floor: floor === standingOf(change.before).floor ? undefined : floor })
}

interface Author {
  readonly told: Told
  readonly step: string
  readonly action: string
}

/** Whose call it is: by the marker that it bears, or, where a call can bear none, by the value that it sets. */
function authorOf(made: MadeCall, input: unknown, own: readonly Told[]): Author | undefined {
  const text = JSON.stringify(input)
  for (const told of own.toReversed()) {
    for (const { entry } of told.entries.toReversed()) {
      if (entry.kind !== 'step.intended') continue
      const marked = text.includes(`firebreak/${told.stream}/${entry.step}`)
      if (marked || setsValueOf(made, input, entry.change.after) || isStop(made, entry.action))
        return { told, step: entry.step, action: entry.action }
    }
  }
  return undefined
}

/** Stopping a deployment bears no marker. */
function isStop(made: MadeCall, action: string): boolean {
  return made.name === 'codedeploy:StopDeployment' && action.startsWith('rollback')
}

function setsValueOf(made: MadeCall, input: unknown, after: unknown): boolean {
  const { floor, expires } = (after ?? {}) as {
    readonly expires?: boolean
    readonly floor?: { readonly min: number } | null
  }
  const { desired } = standingOf(after)
  const set = input as { readonly desiredCount?: number; readonly MinCapacity?: number }
  switch (made.name) {
    case 'ecs:UpdateService':
      return desired !== undefined && set.desiredCount === desired
    case 'application-autoscaling:RegisterScalableTarget':
      return set.MinCapacity !== undefined && set.MinCapacity === floor?.min
    case 'application-autoscaling:PutScheduledAction':
      return expires === true
    case 'application-autoscaling:DeleteScheduledAction':
      // At the end of the way back, or beside a change that AWS has refused.
      return expires !== undefined
    default:
      return false
  }
}
