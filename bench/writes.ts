import { countingStorage, type CountingStorage, type Operations } from '../lib/ledger/counting.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import type { Item, Storage } from '../lib/ledger/storage.ts'
import { apiBadCanary } from '../sim/scenarios.ts'
import { createStack } from '../sim/stack.ts'
import { recordedKinds } from './chain.ts'
import { atMost, exactly, type Goal, type Line, type Section } from './figures.ts'
import { MINUTE_MS, shippedCatalogue, START_AT_MS } from './world.ts'

/*
 * The whole life of one incident on virtual time, without a fault: the alarm, four steps, their verdicts, the clearing,
 * the resolution, the slow undo. Every write is put down to what it is for; reads go with the write that they lead to.
 */

export const PHASES = ['start', 'steps', 'verdicts', 'end', 'undo', 'beside'] as const
export type Phase = (typeof PHASES)[number]

export interface Writes {
  readonly steps: number
  /** Targets that are locked: a page has none. */
  readonly targets: number
  /** HEAD put again for the same record: polling, which needs no writes (CORE.md 1.9). */
  readonly idleHeads: number
  readonly phases: { readonly [phase in Phase]: Operations & { readonly units: number } }
}

const UNTIL_MS = START_AT_MS + 45 * MINUTE_MS

export async function measureWrites(): Promise<Writes> {
  const catalogue = shippedCatalogue()
  const steps = catalogue.runbooks[0]?.steps.filter((step) => step.is === 'action').length ?? 0
  const sorted = sortedByPhase(memoryStorage(), steps)
  const stack = createStack({
    account: apiBadCanary({ startAtMs: START_AT_MS }),
    catalogue,
    storage: sorted.storage,
  })
  await stack.runUntil(UNTIL_MS)
  return { steps, targets: sorted.locked.size, idleHeads: sorted.idleHeads(), phases: sorted.phases() }
}

/** One per started kilobyte, as DynamoDB counts them, without the indexes' share. */
export function writeUnitsOf(item: Item): number {
  return Math.ceil(JSON.stringify(item).length / 1_024)
}

function sortedByPhase(memory: Storage, steps: number) {
  const counters = Object.fromEntries(PHASES.map((phase) => [phase, countingStorage(memory)])) as {
    [phase in Phase]: CountingStorage
  }
  const units = Object.fromEntries(PHASES.map((phase) => [phase, 0])) as { [phase in Phase]: number }
  const locked = new Set<string>()
  const heads = new Map<string, number>()
  const keys = new Set<string>()
  let idleHeads = 0
  /** Reads that no write has followed yet. */
  let reads: { readonly pk: string; count(counter: CountingStorage): Promise<unknown> }[] = []
  const seen = { applied: 0, undoing: false }
  const storage: Storage = {
    async put(item, condition) {
      const phase = phaseOf(item, steps, seen)
      if (item.pk.startsWith('LOCK#')) locked.add(item.pk)
      units[phase] += writeUnitsOf(item)
      if (phase === 'verdicts' && item.sk.startsWith('HEAD#')) {
        if (heads.get(item.sk) === item.version) idleHeads += 1
        heads.set(item.sk, item.version ?? -1)
      }
      if (item.sk === 'OPEN') keys.add(item.pk)
      // A signal of something else says nothing of what this incident has read, but for the OPEN of its own key.
      const led = (read: { readonly pk: string }) =>
        phase !== 'beside' || (read.pk.startsWith('OPEN#') && !keys.has(read.pk))
      const mine = reads.filter(led)
      // Before anything is waited for: other puts go out at the same time.
      reads = reads.filter((read) => !led(read))
      for (const read of mine) await read.count(counters[phase])
      return counters[phase].put(item, condition)
    },
    async get(pk, sk) {
      reads.push({ pk, count: (counter) => counter.get(pk, sk) })
      return memory.get(pk, sk)
    },
    async query(pk, prefix) {
      reads.push({ pk, count: (counter) => counter.query(pk, prefix) })
      return memory.query(pk, prefix)
    },
    dueBefore: memory.dueBefore,
    listed: memory.listed,
  }
  const phases = () =>
    Object.fromEntries(
      PHASES.map((phase) => [phase, { ...counters[phase].operations(), units: units[phase] }]),
    ) as Writes['phases']
  return { storage, locked, idleHeads: () => idleHeads, phases }
}

/** A record that holds one of these is one that a step costs. */
const STEP_KINDS: ReadonlySet<string> = new Set([
  'execution.started',
  'step.intended',
  'step.applied',
  'step.failed',
  'step.retried',
  'step.unsettled',
])

/** What a write is for. The order of things is known, since nothing fails. */
function phaseOf(item: Item, steps: number, seen: { applied: number; undoing: boolean }): Phase {
  const { pk, sk } = item
  const body = JSON.parse(item.body) as { readonly [name: string]: unknown }
  if (sk.includes('.undo')) {
    seen.undoing = true
    return 'undo'
  }
  if (pk.startsWith('OPEN#')) return body['state'] === 'alarm' ? 'start' : 'end'
  if (pk.startsWith('LIMIT#')) return seen.applied >= steps ? 'end' : 'start'
  if (pk.startsWith('RUNBOOK#')) return 'start'
  if (pk.startsWith('LOCK#')) return seen.undoing ? 'undo' : 'steps'
  if (!pk.startsWith('INC#')) return 'beside'
  const texts = item.body
  if (sk === 'REC#incident#000000') return 'start'
  if (sk.startsWith('REC#incident#')) return texts.includes('"incident.mitigated"') ? 'verdicts' : 'end'
  if (sk === 'HEAD#incident') {
    if (seen.undoing) return 'undo'
    if (seen.applied === 0 && body['status'] === 'open') return 'start'
    return body['status'] === 'mitigated' ? 'verdicts' : 'end'
  }
  if (sk.startsWith('HEAD#')) {
    if (body['headSeq'] === -1) return 'start'
    return body['dueAtMs'] === undefined ? 'end' : 'verdicts'
  }
  const kinds = recordedKinds(item)
  seen.applied += kinds.filter((kind) => kind === 'step.applied').length
  if (kinds.some((kind) => STEP_KINDS.has(kind))) return 'steps'
  return kinds.includes('execution.finished') ? 'end' : 'verdicts'
}

/** What CORE.md 1.3 says; what it leaves open has no goal. */
function goalsOf({ steps, targets }: Writes): { readonly [line: string]: Goal } {
  return {
    'start: put OPEN': exactly(2),
    'start: put REC': exactly(1),
    'start: put RUNBOOK': exactly(1),
    'steps: put REC': exactly(steps + 1),
    'steps: put LOCK': exactly(2 * targets),
    'steps: get CONTROL': atMost(steps),
    'steps: query': exactly(0),
    'verdicts: put HEAD again without a record': exactly(0),
  }
}

const NOTES: { readonly [line: string]: string } = {
  'start: put OPEN': 'the change and that it was carried out',
  'start: put REC': 'the first record of the incident',
  'start: put HEAD': 'of the incident and of the execution',
  'start: put LIMIT': 'the service and everything',
  'start: put RUNBOOK': 'once a version and process',
  'steps: put REC': 'N steps, N + 1 records',
  'steps: put LOCK': 'taken and released, each target',
  'steps: get CONTROL': 'the kill switch, before each intent of a change',
  'steps: query': 'reads of the stream',
  'verdicts: put REC': 'the check began, what was verified',
  'verdicts: query': 'one read of the stream each poll, and one each minute by the sweep',
  'verdicts: put HEAD again without a record': 'polling needs no writes',
  'end: put HEAD': 'the incident cleared and resolved, the execution ended',
  'end: put OPEN': 'the alarm cleared',
  'undo: put REC': 'one intent and one result each slow step',
}

export async function writes(): Promise<Section> {
  const measured = await measureWrites()
  const goals = goalsOf(measured)
  const lines = PHASES.flatMap((phase) => [
    ...linesOf(phase, measured.phases[phase], goals),
    ...(phase === 'verdicts'
      ? [lineOf('verdicts: put HEAD again without a record', measured.idleHeads, goals)]
      : []),
  ])
  return {
    name: 'writes',
    title: `what one incident writes and reads: ${measured.steps} steps, ${measured.targets} locked targets, no fault`,
    lines,
  }
}

function linesOf(
  phase: Phase,
  operations: Writes['phases'][Phase],
  goals: { readonly [line: string]: Goal },
): readonly Line[] {
  const { puts, gets, queries, conflicts, units } = operations
  const reads = Object.values(queries).reduce((sum, count) => sum + count, 0)
  const counts: readonly (readonly [string, number])[] = [
    ...named('put', puts),
    ...named('conflict on', conflicts),
    ...named('get', gets),
    ...(reads > 0 || goals[`${phase}: query`] ? [['query', reads] as const] : []),
    ['write units', units],
  ]
  return counts.map(([what, figure]) => lineOf(`${phase}: ${what}`, figure, goals))
}

function lineOf(what: string, figure: number, goals: { readonly [line: string]: Goal }): Line {
  const goal = goals[what]
  const note = NOTES[what]
  return { what, unit: '', figure, ...(goal ? { goal } : {}), ...(note === undefined ? {} : { note }) }
}

function named(
  verb: string,
  tally: { readonly [kind: string]: number },
): readonly (readonly [string, number])[] {
  return Object.entries(tally).map(([kind, count]) => [`${verb} ${kind}`, count] as const)
}
