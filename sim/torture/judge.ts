import { canonical } from '../../lib/json.ts'
import type { Head } from '../../lib/ledger/head.ts'
import { openOf } from '../../lib/ledger/open.ts'
import type { SignalVerdict } from '../../lib/ledger/control.ts'
import type { Item } from '../../lib/ledger/storage.ts'
import { brokenChains, looseEnds } from '../loose-ends.ts'
import { didOf, effectOf, standing } from './effects.ts'
import type { Evidence, Onset } from './evidence.ts'
import { changesOf, readStreams, type Told, type ToldChange } from './ledger.ts'
import { pagesFound } from './pages.ts'

/** What a kill test comes to. */
export interface Findings {
  /** Signals, executions and effects that are not there and should be. */
  readonly lost: readonly string[]
  /** What is there more often than once, or was never meant. */
  readonly doubled: readonly string[]
  /** A record that does not hold, or an account that is not as the record says. */
  readonly untrue: readonly string[]
}

/**
 * Holds the account's own log of calls, what its providers were given for people, and the table against each other (CORE.md 2). Pure; what it finds is told in words
 * that name the signal, the stream or the call.
 */
export function judge(evidence: Evidence): Findings {
  const streams = readStreams(evidence.items)
  const changes = streams.flatMap(changesOf).toSorted((a, b) => a.intendedAtMs - b.intendedAtMs)
  const lost: string[] = []
  const doubled: string[] = []
  const untrue = [...brokenChains(streams), ...falseStandings(evidence, changes)]
  for (const onset of evidence.onsets) {
    const { missing, twice } = startsOf(onset, streams, evidence.items)
    lost.push(...missing)
    doubled.push(...twice)
  }
  lost.push(...unended(streams, evidence.items))
  if (evidence.deadLetters > 0) lost.push(`${evidence.deadLetters} messages became dead letters`)
  for (const found of [effectsFound(evidence, changes), pagesFound(evidence, streams)]) {
    lost.push(...found.lost)
    doubled.push(...found.doubled)
  }
  return { lost, doubled, untrue }
}

/** Each transition into ALARM has one incident and one execution, or stands on record as having joined or come too late. */
function startsOf(
  { alarm, signalId, onsetAtMs }: Onset,
  streams: readonly Told[],
  items: readonly Item[],
): { readonly missing: readonly string[]; readonly twice: readonly string[] } {
  const what = `${alarm} (${signalId})`
  const executions = streams.filter(({ execution: { header }, stream }) => {
    if (header === undefined || header.executionId !== stream || header.occasion.is !== 'alarm') return false
    return header.occasion.onsetAtMs === onsetAtMs && header.occasion.signal.name === alarm
  })
  const told = (...kinds: readonly string[]) =>
    streams.flatMap(({ entries }) =>
      entries.filter(
        (entry) => kinds.includes(entry.kind) && 'signal' in entry && entry.signal?.signalId === signalId,
      ),
    ).length
  const opened = told('incident.opened', 'incident.recurred')
  if (opened > 1) return { missing: [], twice: [`${what} opened ${opened} incidents`] }
  if (executions.length > 1)
    return { missing: [], twice: [`${what} started ${executions.map(({ stream }) => stream).join(', ')}`] }
  if (opened === 1)
    return {
      missing: executions.length === 1 ? [] : [`${what} opened an incident and started nothing`],
      twice: [],
    }
  if (executions.length === 1)
    return { missing: [`${what} started ${executions[0]?.stream} without an incident`], twice: [] }
  const verdict = items.find(({ pk }) => pk === `SIGNAL#${signalId}`)
  const isLate = verdict !== undefined && (JSON.parse(verdict.body) as SignalVerdict).code === 'stale'
  return { missing: isLate || told('signal.attached') === 1 ? [] : [`${what} left no trace`], twice: [] }
}

/** What has neither ended nor waits for a person or a time. */
function unended(streams: readonly Told[], items: readonly Item[]): readonly string[] {
  const due = new Set(
    items
      .filter(({ sk }) => sk.startsWith('HEAD#'))
      .map(({ body }) => JSON.parse(body) as Head)
      .flatMap(({ stream, dueAtMs }) => (dueAtMs === undefined ? [] : [stream])),
  )
  const found: string[] = []
  for (const { stream, execution } of streams) {
    if (stream === 'incident') continue
    const asks = [...execution.approvals.values()].some(({ is }) => is === 'asked')
    found.push(...looseEnds(stream, execution, asks && due.has(stream)))
  }
  for (const item of items.filter(({ pk }) => pk.startsWith('OPEN#'))) {
    const { key, pending } = openOf(item)
    for (const signalId of Object.keys(pending))
      found.push(`${key}: ${signalId} was accepted and never carried out`)
  }
  return found
}

/** Compares, one absolute value after the other, how often it is on record with how often the account carried it out. */
function effectsFound(
  { calls }: Evidence,
  changes: readonly ToldChange[],
): Pick<Findings, 'lost' | 'doubled'> {
  const done = Map.groupBy(
    calls.filter(({ effect }) => effect),
    (call) => didOf(call),
  )
  const meant = Map.groupBy(changes, effectOf)
  const lost: string[] = []
  const doubled: string[] = []
  for (const [what, own] of meant) {
    if (what === undefined) continue
    const times = done.get(what)?.length ?? 0
    const applied = own.filter(({ outcome }) => outcome === 'applied').length
    if (times < applied) lost.push(`"${what}" is on record as done, and the account did it ${times} times`)
    if (times > own.length) doubled.push(`"${what}" was meant ${own.length} times and done ${times} times`)
  }
  for (const [what, made] of done)
    if (what !== undefined && !meant.has(what))
      doubled.push(`"${what}" was done ${made.length} times and never meant`)
  return { lost, doubled }
}

/** What stands in the account is what the last change of its target on record has set. */
function falseStandings({ world }: Evidence, changes: readonly ToldChange[]): readonly string[] {
  const applied = changes.filter(({ outcome }) => outcome === 'applied')
  return [...Map.groupBy(applied, ({ change }) => change.target.label)].flatMap(([label, own]) => {
    const last = own.at(-1)
    const found = last && standing(world, last)
    if (!found || canonical(found.is) === canonical(found.should)) return []
    return [
      `${label} stands at ${canonical(found.is)}, and ${last.stream} has set ${canonical(found.should)} last`,
    ]
  })
}
