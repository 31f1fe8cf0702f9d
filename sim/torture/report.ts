import type { Evidence } from './evidence.ts'
import type { Findings } from './judge.ts'
import type { Kill } from './kills.ts'
import { mayConcern, readStreams, type Told } from './ledger.ts'

/** Where a killed worker stood, as the ledger tells it. */
export type Phase = 'before its first record' | 'between intent and result' | 'elsewhere'

export interface Report {
  readonly executions: number
  readonly refused: number
  readonly undos: number
  readonly kills: number
  readonly byPhase: { readonly [phase in Phase]: number }
  /** Kills at which a change stood in the account, and nobody had heard its answer. */
  readonly afterEffect: number
  /** Executions in which a worker was killed at least once. */
  readonly killed: number
  readonly takeovers: number
  /** Results that were found by looking, since nobody had recorded them. */
  readonly recovered: number
  readonly effects: number
  /** Pages that have reached a provider, repetitions included. */
  readonly pages: number
}

export function reportOf(evidence: Evidence): Report {
  const streams = readStreams(evidence.items)
  const own = streams.filter(({ stream, execution: { header } }) => header?.executionId === stream)
  const kills = evidence.kills.map((kill) => ({ kill, stream: subjectOf(kill, streams) }))
  const byPhase = { 'before its first record': 0, 'between intent and result': 0, elsewhere: 0 }
  for (const { kill, stream } of kills) byPhase[phaseOf(kill, stream)]++
  const started = own.filter(({ execution: { header } }) => header?.kind === 'execution.started')
  const killed = new Set(kills.flatMap(({ stream }) => stream?.execution.header?.executionId ?? []))
  const entries = streams.flatMap((told) => told.entries)
  return {
    executions: started.length,
    refused: own.length - started.length,
    undos: streams.filter(({ stream }) => stream.endsWith('.undo')).length,
    kills: kills.length,
    byPhase,
    afterEffect: kills.filter(({ kill }) => kill.moment === 'after a change').length,
    killed: started.filter(({ stream }) => killed.has(stream)).length,
    takeovers: entries.filter(({ kind }) => kind === 'worker.tookover').length,
    recovered: entries.filter((entry) => entry.kind === 'step.applied' && entry.recovered !== undefined)
      .length,
    effects: evidence.calls.filter(({ effect }) => effect).length,
    pages: evidence.world.inbox.length,
  }
}

/** The execution or undo that a killed invocation worked on. */
function subjectOf({ subject }: Kill, streams: readonly Told[]): Told | undefined {
  return subject.is === 'nothing' ? undefined : streams.find((told) => mayConcern(subject, told))
}

function phaseOf({ subject, startedAtMs, atMs }: Kill, told: Told | undefined): Phase {
  if (!told || told.stream === 'incident') return 'elsewhere'
  const until = told.entries.filter((entry) => entry.atMs <= atMs)
  if (until.length === 0) return subject.is === 'signal' ? 'before its first record' : 'elsewhere'
  const open = new Set<string>()
  for (const entry of until) {
    if (entry.kind === 'step.intended' && entry.atMs >= startedAtMs) open.add(entry.step)
    else if ('step' in entry && entry.step !== undefined && entry.kind !== 'execution.escalated')
      open.delete(entry.step)
  }
  return open.size > 0 ? 'between intent and result' : 'elsewhere'
}

/** The report as lines, and every fault that was found. */
export function linesOf(
  report: Report,
  findings: Findings,
  run: {
    readonly seed: number
    readonly workers: number
    readonly seconds: number
    readonly virtualMs: number
    readonly invocations: number
    readonly redelivered: number
  },
): readonly string[] {
  const { byPhase } = report
  const phases = Object.entries(byPhase).map(([phase, count]) => `${count} ${phase}`)
  const share = report.executions === 0 ? 0 : Math.round((100 * report.killed) / report.executions)
  return [
    `${report.executions} executions (and ${report.refused} refused, ${report.undos} undos) in ${run.invocations} invocations of ${run.workers} workers at a time`,
    `${report.kills} workers killed: ${phases.join(', ')}; ${report.afterEffect} of them with a change made and not recorded`,
    `${report.killed} executions (${share} %) lost a worker at least once; ${report.takeovers} takeovers, ${report.recovered} results found by looking, ${run.redelivered} messages redelivered`,
    `${report.effects} changes in the account, ${report.pages} pages delivered`,
    ...tell('lost', findings.lost),
    ...tell('doubled', findings.doubled),
    ...tell('untrue', findings.untrue),
    `${run.seconds.toFixed(0)} seconds, ${(run.virtualMs / 3_600_000).toFixed(1)} hours of virtual time, seed ${run.seed}`,
  ]
}

function tell(what: string, found: readonly string[]): readonly string[] {
  return [`${what} ${found.length}`, ...found.map((one) => `  ${one}`)]
}
