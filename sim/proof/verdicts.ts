import type { Calls } from '../../lib/aws/aws.ts'
import type { EntryOf } from '../../lib/ledger/entry.ts'
import { stepsOf, type CheckStep, type Pinned } from '../../lib/runbook/runbook.ts'
import type { Deployment } from '../applications.ts'
import type { Moved } from './alarms.ts'
import type { MadeCall } from './effects.ts'
import { heldBy, isTouched, standingOf, type Standing, type Touched } from './standing.ts'
import type { Told, WorkerLife } from './told.ts'

export interface VerdictWatch {
  /** An alarm has come or gone. */
  moved(move: Moved): void
  /** A call has reached the account, and so it stands there. */
  call(made: MadeCall, input: unknown, standing: Standing, nowMs: number): void
  /** Somebody else has acted, and this stands after it. */
  outside(standing: Standing, nowMs: number): void
  end(deployments: readonly Deployment[]): void
}

/** Somebody has asked for alarms; good where all of them were OK in truth, whatever was answered or has arrived. */
interface Read {
  readonly atMs: number
  readonly isGood: boolean
}

type ToldEntry = Told['entries'][number]

/** A sample may come so much before its time, by clocks that are each half a second off (lib/measure.ts). */
const EARLY_MS = 1_600
/** A message of a poll may be overtaken by others for so long. */
const BEHIND_MS = 10_000
/** How far what AWS describes may stay behind. */
const LAG_MS = 5_000

/** Holds what is told of alarms and of changes that have landed against how it truly stood (G9). */
export function watchVerdicts(
  {
    streams,
    workers,
    pinned,
    touched,
  }: {
    readonly streams: ReadonlyMap<string, Told>
    readonly workers: ReadonlyMap<string, WorkerLife>
    readonly pinned: ReadonlyMap<string, Pinned>
    readonly touched: Touched
  },
  wrong: (what: string) => void,
): VerdictWatch {
  const moves: Moved[] = []
  const standsIn = new Set<string>()
  const reads = new Map<string, Read[]>()
  const stood: { readonly atMs: number; readonly standing: Standing }[] = []

  function stands(standing: Standing, nowMs: number): void {
    const last = stood.at(-1)?.standing
    const what = Object.keys(standing) as (keyof Standing)[]
    if (!last || what.some((one) => last[one] !== standing[one])) stood.push({ atMs: nowMs, standing })
  }

  function beganAtMs({ entry, atMs }: ToldEntry): number {
    return (entry.actor.is === 'engine' ? workers.get(entry.actor.worker)?.beganAtMs : undefined) ?? atMs
  }

  /** Whether something has gone wrong with a worker meanwhile: a sample may then be older than it says, or come late. */
  function isDisturbed(fromMs: number, toMs: number): boolean {
    return [...workers.values()].some(
      (life) => (life.hit || life.ended !== 'well') && life.beganAtMs < toMs && life.deadlineAtMs > fromMs,
    )
  }

  /** As many good samples as the runbook asks for, in a row and each in its time. */
  function checked(told: Told, at: ToldEntry, { samples, everyMs }: CheckStep): void {
    const begun = told.entries.find(
      ({ entry }) => entry.kind === 'step.checking' && 'step' in at.entry && entry.step === at.entry.step,
    )
    const fromMs = begun ? beganAtMs(begun) : at.putAtMs
    const good = (reads.get(told.stream) ?? []).filter(({ atMs, isGood }) => isGood && atMs >= fromMs)
    const apartMs = isDisturbed(fromMs, at.putAtMs) ? 1 : everyMs - EARLY_MS
    const row: number[] = []
    for (let byMs = at.putAtMs; row.length < samples; byMs = (row.at(-1) ?? 0) - apartMs) {
      const read = good.findLast(({ atMs }) => atMs <= byMs)
      if (!read || (row.length === 0 && read.atMs < beganAtMs(at))) {
        wrong(
          `${told.stream}/${at.seq}: a check has passed, and ${row.length} of ${samples} samples were good (G9)`,
        )
        return
      }
      row.push(read.atMs)
    }
    const [lastMs = 0] = row
    if (apartMs > 1 && hasStood(row.at(-1) ?? lastMs, lastMs, everyMs + BEHIND_MS))
      wrong(`${told.stream}/${at.seq}: a check has passed, and the alarm stood between its samples (G9)`)
  }

  /** Whether an alarm stood for so long between two times that a sample must have seen it. */
  function hasStood(fromMs: number, toMs: number, forMs: number): boolean {
    return moves.some(({ alarm, state, atMs }, index) => {
      if (state !== 'ALARM' || atMs < fromMs || atMs > toMs) return false
      const gone = moves.find((other, at) => at > index && other.alarm === alarm && other.state === 'OK')
      return Math.min(gone?.atMs ?? Infinity, toMs) - atMs > forMs
    })
  }

  /** What was changed stood there when somebody looked, unless others have changed it since. */
  function verified(told: Told, at: ToldEntry, deployments: readonly Deployment[]): void {
    if (at.entry.kind !== 'step.verified') return
    const { step } = at.entry
    const before = told.entries.slice(0, told.entries.indexOf(at))
    const intended = before.findLast(({ entry }) => entry.kind === 'step.intended' && entry.step === step)
    if (intended?.entry.kind !== 'step.intended') return
    const intent = intended.entry
    const { change, action } = intent
    const what = `${told.stream}/${at.seq}: ${step} is verified`
    if (action.startsWith('rollback')) {
      const applied = before.findLast(({ entry }) => entry.kind === 'step.applied' && entry.step === step)
      const receipt = applied?.entry.kind === 'step.applied' ? applied.entry.receipt : {}
      const marker = `firebreak/${told.stream}/${step}`
      if (!deployments.some((one) => isOf(one, intent, receipt, marker) && isDone(one, at.putAtMs)))
        wrong(`${what}, and no deployment of it had succeeded (G9)`)
      return
    }
    const held = heldBy(standingOf(change.after))
    // Whoever lowers the count takes tasks away, also where a floor was to hold them.
    if (isTouched(touched, held.weight === undefined ? { ...held, desired: 0 } : held)) return
    if (isChangedByOthers(told, step, change.target.label, intended.putAtMs, at.putAtMs)) return
    const fromMs = beganAtMs(at) - LAG_MS
    const then = stood.filter(
      ({ atMs }, index) => atMs <= at.putAtMs && (stood[index + 1]?.atMs ?? Infinity) >= fromMs,
    )
    if (!then.some(({ standing }) => holds(standing, change)))
      wrong(`${what}, and ${JSON.stringify(held)} did not stand or run there (G9)`)
  }

  function isChangedByOthers(own: Told, step: string, label: string, fromMs: number, toMs: number): boolean {
    return [...streams.values()].some((told) =>
      told.entries.some(
        ({ entry, putAtMs }) =>
          entry.kind === 'step.intended' &&
          (told !== own || entry.step !== step) &&
          entry.change.target.label === label &&
          putAtMs >= fromMs &&
          putAtMs <= toMs,
      ),
    )
  }

  return {
    moved(move) {
      moves.push(move)
      if (move.state === 'ALARM') standsIn.add(move.alarm)
      else standsIn.delete(move.alarm)
    },
    call(made, input, standing, nowMs) {
      stands(standing, nowMs)
      if (made.name !== 'cloudwatch:DescribeAlarms' || made.executionId === undefined) return
      const { AlarmNames = [] } = input as Calls['cloudwatch:DescribeAlarms']['input']
      const isGood = !AlarmNames.some((name) => standsIn.has(name))
      const own = reads.get(made.executionId)
      if (own) own.push({ atMs: nowMs, isGood })
      else reads.set(made.executionId, [{ atMs: nowMs, isGood }])
    },
    outside: stands,
    end(deployments) {
      for (const told of streams.values()) {
        const header = told.entries[0]?.entry
        if (header?.kind !== 'execution.started' && header?.kind !== 'undo.started') continue
        const steps = stepsOf(pinned.get(header.runbookHash)?.runbook ?? { steps: [] })
        for (const at of told.entries) {
          const { entry } = at
          if ((entry.kind !== 'step.checked' && entry.kind !== 'step.verified') || !isPassed(entry)) continue
          const check = steps.find((step) => step.is === 'check' && step.id === entry.step)
          if (entry.kind === 'step.verified') verified(told, at, deployments)
          else if (check?.is === 'check') checked(told, at, check)
        }
      }
    },
  }
}

function isPassed({ verdict }: EntryOf<'step.checked'> | EntryOf<'step.verified'>): boolean {
  return verdict.verdict === 'passed'
}

/** Whether what a change was to move stands there. Where it adds tasks they run, too; a floor holds the count by itself. */
function holds(standing: Standing, { before, after }: EntryOf<'step.intended'>['change']): boolean {
  const [from, to] = [standingOf(before), standingOf(after)]
  const { desired, floor, weight } = heldBy(to)
  if (weight !== undefined) return standing.weight === weight
  const isThere = floor === undefined ? standing.desired === desired : standing.floor === floor
  const adds = (to.desired ?? 0) > (from.desired ?? 0)
  return isThere && (!adds || (standing.running ?? 0) >= (to.desired ?? 0))
}

function isOf(
  { id, description }: Deployment,
  { change }: EntryOf<'step.intended'>,
  { operationId }: EntryOf<'step.applied'>['receipt'],
  marker: string,
): boolean {
  const { call } = change.after as { readonly call: { readonly is: string } }
  // What was stopped is not what succeeds; CodeDeploy makes the rollback of it.
  return call.is !== 'create' || id === operationId || description.includes(marker)
}

function isDone({ status, completedAtMs = Infinity }: Deployment, byMs: number): boolean {
  return status === 'Succeeded' && completedAtMs <= byMs
}
