import { faultsAt, isWrite, plannedFaults, type Fault } from './faults.ts'
import { runSeed, type RunResult } from './run.ts'
import { quietScene } from './scene.ts'
import { ACTION_RUNBOOKS, SHIPPED } from './settings.ts'

/** Every action alone, all of them in one runbook, and every runbook that ships. */
export const EXHAUSTED: readonly string[] = [...Object.keys(ACTION_RUNBOOKS), 'line', ...SHIPPED]

/** One I/O of a run and what goes wrong with it. */
export interface Hit {
  /** From 1, over all workers of a run. */
  readonly ordinal: number
  readonly name: string
  readonly fault: Fault
}

/** The first minutes' reads of empty indexes stand for those of every later minute: so many of each kind. */
const SWEEP_READS = 24

/**
 * What one fault of a pair can add to the other: a death before or after an effect, no answer, and for a call of AWS, which
 * has no condition, an arrival when it was given up. Freezes and throttles end in those. A worker that sends one request after the other and dies before the next one leaves behind what it would by dying
 * after its last write; so a death before a request counts where the turn begins with it, or where another is in flight.
 */
const OF_A_READ: readonly Fault[] = ['request-lost']
const OF_A_WRITE: readonly Fault[] = ['crash-after', 'reply-lost']
const OF_A_CALL: readonly Fault[] = [...OF_A_WRITE, 'late']
const AT_ITS_BEGINNING: Fault = 'crash-before'

/** The seed only times the I/Os; what happens is the scene of one runbook. */
const SEED = 1

async function playWith(runbook: string, hits: readonly Hit[]): Promise<RunResult> {
  return runSeed({
    seed: SEED,
    share: 0,
    scene: (startAtMs) => quietScene(runbook, startAtMs),
    faults: plannedFaults(new Map(hits.map(({ ordinal, fault }) => [ordinal, fault]))),
  })
}

/** What the runbook's run without a fault puts, by kind, polls and sweeps aside: HEAD is put by those. */
export async function faultFreePuts(runbook: string): Promise<{ readonly [kind: string]: number }> {
  const { points } = await playWith(runbook, [])
  const puts: { [kind: string]: number } = {}
  for (const { name } of points)
    if (name.startsWith('put ') && name !== 'put HEAD') puts[name.slice(4)] = (puts[name.slice(4)] ?? 0) + 1
  return puts
}

/** Every single fault that the runbook's fault-free run can meet: each kind of fault at each I/O. */
export async function singleFaults(runbook: string): Promise<readonly Hit[]> {
  const { points } = await playWith(runbook, [])
  const seen = new Map<string, number>()
  return points.flatMap(({ name }, index) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    if (isIndexRead(name) && count > SWEEP_READS) return []
    return faultsAt(name).map((fault) => ({ ordinal: index + 1, name, fault }))
  })
}

/** The first of each pair: a fault that leaves something behind for the second to meet. */
export async function firstFaults(runbook: string): Promise<readonly Hit[]> {
  const { points } = await playWith(runbook, [])
  return hitsOn(points, () => true)
}

/**
 * What may follow a first fault, by the run that had it: `adjacent`, in the same turn and in the next one that does more
 * than read an index; or `any`, wherever it is.
 */
export function secondFaults(
  first: Hit,
  { points }: Pick<RunResult, 'points'>,
  reach: 'adjacent' | 'any',
): readonly Hit[] {
  const turn = points[first.ordinal - 1]?.turn ?? 0
  const later = points.slice(first.ordinal).filter((point) => !isIndexRead(point.name) && point.turn > turn)
  const next = Math.min(...later.map((point) => point.turn))
  return hitsOn(
    points,
    (point, index) =>
      index >= first.ordinal && (reach === 'any' || point.turn === turn || point.turn === next),
  )
}

function hitsOn(
  points: RunResult['points'],
  chosen: (point: RunResult['points'][number], index: number) => boolean,
): readonly Hit[] {
  const begun = new Set<number>()
  return points.flatMap((point, index) => {
    if (isIndexRead(point.name)) return []
    const isFirst = !begun.has(point.turn)
    begun.add(point.turn)
    if (!chosen(point, index)) return []
    const faults = [
      ...(isFirst || point.beside ? [AT_ITS_BEGINNING] : []),
      ...(!isWrite(point.name) ? OF_A_READ : isCall(point.name) ? OF_A_CALL : OF_A_WRITE),
    ]
    return faults.map((fault) => ({ ordinal: index + 1, name: point.name, fault }))
  })
}

/** Plays the runbook with these faults and no others; answers its I/Os and what it broke. */
export async function playHits(
  runbook: string,
  ...hits: readonly Hit[]
): Promise<Pick<RunResult, 'points' | 'problems'>> {
  const { points, problems } = await playWith(runbook, hits)
  const where = hits.map(({ fault, ordinal, name }) => `${fault} at I/O ${ordinal} ${name}`).join(', then ')
  return { points, problems: problems.map((problem) => `${runbook}, ${where}: ${problem}`) }
}

function isCall(name: string): boolean {
  return name.includes(':')
}

function isIndexRead(name: string): boolean {
  return name === 'due' || name === 'list'
}
