import type { HttpRequest } from '../../lib/http.ts'
import type { LoggedCall } from '../account.ts'
import { isUndo, type Told } from './told.ts'

export type MadeCall = Pick<LoggedCall, 'name' | 'mutating' | 'executionId'>

/** What the account was made to do, and by which step. */
interface Effect {
  readonly name: string
  readonly stream: string
  readonly step: string
}

export interface EffectWatch {
  /** A call that the account has carried out. */
  call(made: MadeCall, input: unknown): void
  /** A request that has reached a page's provider. */
  post(request: HttpRequest): void
  /** What was made twice, and what is on record as applied and was not made. */
  end(undisturbed: boolean): void
}

/** Holds what the account was made to do against what is on record (CORE.md 2, checks 1, 2, 4 and 7). */
export function watchEffects(
  streams: ReadonlyMap<string, Told>,
  wrong: (what: string) => void,
): EffectWatch {
  const effects: Effect[] = []
  const deployed = new Map<string, number>()
  const pages = new Map<string, string>()

  function call(made: MadeCall, input: unknown): void {
    if (!made.mutating || made.executionId === undefined) return
    const own = [...streams.values()].filter(
      ({ stream }) => stream === made.executionId || stream === `${made.executionId}.undo`,
    )
    const author = authorOf(made, input, own)
    if (!author) {
      if (!made.name.startsWith('sns:'))
        wrong(`${made.executionId}: ${made.name} was called and no intent says so (G2)`)
      return
    }
    const { told, step } = author
    if (made.name === 'codedeploy:CreateDeployment') {
      const { description = '' } = input as { readonly description?: string }
      const count = (deployed.get(description) ?? 0) + 1
      deployed.set(description, count)
      if (count > 1) wrong(`"${description}" was deployed ${count} times (check 1)`)
    }
    inOrder(told, step)
    effects.push({ name: made.name, stream: told.stream, step })
  }

  /** The steps of one record are parallel; what stands in a later one must not have acted before. */
  function inOrder(told: Told, step: string): void {
    if (isUndo(told)) return
    const seq = told.first.get(step)?.seq ?? 0
    for (const other of effects) {
      if (other.stream !== told.stream) continue
      if ((told.first.get(other.step)?.seq ?? 0) > seq)
        wrong(`${told.stream}: ${step} acts after ${other.step}, which comes later (check 2)`)
    }
  }

  return {
    call,
    post({ body }) {
      const { dedup_key: key } = JSON.parse(body) as { readonly dedup_key?: string }
      if (key === undefined) return
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
    },
    end(undisturbed) {
      if (!undisturbed) return
      for (const told of streams.values()) {
        for (const { entry } of told.entries) {
          if (entry.kind !== 'step.applied' || entry.message) continue
          const { step } = entry
          if (!effects.some((effect) => effect.stream === told.stream && effect.step === step))
            wrong(`${told.stream}: ${step} is on record as applied, and nothing was called (check 4)`)
        }
      }
      for (const told of streams.values()) {
        for (const { entry } of told.entries) {
          if (entry.kind !== 'step.applied' || !entry.message) continue
          const id = `${told.stream}/${entry.step}`
          const bySns = entry.receipt.operationId?.startsWith('sns/') ?? false
          if (!bySns && ![...pages.values()].includes(id))
            wrong(`${id} is on record as sent, and no provider has it (check 4)`)
        }
      }
    },
  }
}

/** Whose call it is: by the marker that it bears, or, where a call can bear none, by the value that it sets. */
function authorOf(
  made: MadeCall,
  input: unknown,
  own: readonly Told[],
): { readonly told: Told; readonly step: string } | undefined {
  const text = JSON.stringify(input)
  for (const told of own.toReversed()) {
    for (const { entry } of told.entries.toReversed()) {
      if (entry.kind !== 'step.intended') continue
      const marked = text.includes(`firebreak/${told.stream}/${entry.step}`)
      if (marked || setsValueOf(made, input, entry.change.after) || isStop(made, entry.action)) return { told, step: entry.step }
    }
  }
  return undefined
}

/** Stopping a deployment bears no marker. */
function isStop(made: MadeCall, action: string): boolean {
  return made.name === 'codedeploy:StopDeployment' && action.startsWith('rollback')
}

function setsValueOf(made: MadeCall, input: unknown, after: unknown): boolean {
  const { desired, floor, expires } = (after ?? {}) as {
    readonly expires?: boolean
    readonly desired?: number
    readonly floor?: { readonly min: number }
  }
  const set = input as { readonly desiredCount?: number; readonly MinCapacity?: number }
  switch (made.name) {
    case 'ecs:UpdateService':
      return desired !== undefined && set.desiredCount === desired
    case 'application-autoscaling:RegisterScalableTarget':
      return floor !== undefined && set.MinCapacity === floor.min
    case 'application-autoscaling:PutScheduledAction':
      return expires === true
    case 'application-autoscaling:DeleteScheduledAction':
      // At the end of the way back, or beside a change that AWS has refused.
      return expires !== undefined
    default:
      return false
  }
}
