import { readFileSync } from 'node:fs'
import { countingStorage, type CountingStorage } from '../lib/ledger/counting.ts'
import { listIncidents, readHeads } from '../lib/ledger/head.ts'
import { memoryStorage } from '../lib/ledger/memory.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import type { Catalogue } from '../lib/runbook/runbook.ts'
import { CALM_ALARM, calmAccount, transition } from '../sim/calm.ts'
import { catalogueFrom } from '../sim/catalogue.ts'
import { createStack } from '../sim/stack.ts'
import { exactly, type Goal, type Line, type Section } from './figures.ts'
import { MINUTE_MS, START_AT_MS } from './world.ts'
import { writeUnitsOf } from './writes.ts'

/*
 * What locks, limits and verdicts add to the life of one incident, before and after. The same life is played on virtual
 * time with a runbook that has as little of them as a runbook can have, and with each of them added: the alarm comes, three
 * steps, the alarm clears, the incident is resolved. Alarm and clearing come at the same times in each, whatever is done.
 *
 * Checks and a runbook's own window are left out by leaving out their lines. Of a change neither lock nor verification can be
 * left out, so the bare life sends pages in the place of changes: a page has no target, and nothing of it is verified. Lock
 * and verification are then told apart by what is written, as are the windows in which every start must have a place.
 */

const CHANGES = [
  'scale_out: ecs service api +50%',
  'route53_weight: canary=0',
  'rollback: codedeploy last-success',
]

/** As many. Of one group, so that pages take as many records as changes. */
const PAGES = CHANGES.map((_change, index) => `notify: { to: oncall@sre, message: page ${index + 1} }`)

interface Life {
  readonly steps: readonly string[]
  readonly check: boolean
  /** A cooldown, and a window of the runbook's own. */
  readonly limits: boolean
}

const BARE: Life = { steps: PAGES, check: false, limits: false }

/** What an item is counted under: by the kind of its partition, for which alone a lock, a limit or the kill switch writes or reads. */
const SHARES = { locks: 'LOCK#', limits: 'LIMIT#', 'kill switch': 'CONTROL', rest: '' } as const
type Share = keyof typeof SHARES

/** By what was done: `put REC`, `get OPEN`, `query`, `write units`. */
export type Counts = { readonly [operation: string]: number }

const UNITS = 'write units'

type Played = { readonly [share in Share]: Counts }

export interface Addition {
  readonly before: Counts
  readonly after: Counts
}

export interface Adds {
  readonly targets: number
  /** All that the bare life costs, but for its limits, which nothing switches off. */
  readonly bare: Counts
  readonly additions: { readonly [name in (typeof ADDITIONS)[number]]: Addition }
  /** Everything at once, held against the bare life. */
  readonly together: Addition
}

const ADDITIONS = [
  'locks',
  'locks, known targets',
  'limits',
  'limits, known windows',
  "limits, runbook's own",
  'kill switch',
  'verification',
  'check',
] as const

const CLEARS_AFTER_MS = 5 * MINUTE_MS
const LIFE_MS = 20 * MINUTE_MS
/** By then no window counts what was started before. */
const LATER_MS = 120 * MINUTE_MS

export async function measureAdds(): Promise<Adds> {
  const [bare, bareAgain] = await playTwice(BARE)
  const [limited] = await playTwice({ ...BARE, limits: true })
  const [changing, changingAgain] = await playTwice({ ...BARE, steps: CHANGES })
  const [checked] = await playTwice({ ...BARE, check: true })
  const [all] = await playTwice({ steps: CHANGES, check: true, limits: true })
  const unlimited = sum({ 'put LOCK': 0 }, bare.rest, bare['kill switch'], bare.locks)
  return {
    targets: CHANGES.length,
    bare: unlimited,
    additions: {
      locks: { before: bare.locks, after: changing.locks },
      'locks, known targets': { before: bareAgain.locks, after: changingAgain.locks },
      limits: { before: {}, after: bare.limits },
      'limits, known windows': { before: {}, after: bareAgain.limits },
      "limits, runbook's own": { before: bare.limits, after: limited.limits },
      'kill switch': { before: bare['kill switch'], after: changing['kill switch'] },
      verification: { before: bare.rest, after: changing.rest },
      check: { before: bare.rest, after: checked.rest },
    },
    together: { before: unlimited, after: sum(...Object.values(all)) },
  }
}

/** One life on an empty table, and the same again where the table knows its alarm, its targets and its windows. */
async function playTwice(life: Life): Promise<readonly [Played, Played]> {
  const catalogue = catalogueOf(life)
  const table = memoryStorage()
  const first = await play(catalogue, table, START_AT_MS)
  return [first, await play(catalogue, table, START_AT_MS + LATER_MS)]
}

async function play(catalogue: Catalogue, table: Storage, startAtMs: number): Promise<Played> {
  const { storage, played } = sortedByShare(table)
  const account = calmAccount({ startAtMs })
  // What CodeDeploy tells of the rollback is no part of this incident's life.
  const stack = createStack({ account, catalogue, storage, wired: false })
  await stack.runUntil(startAtMs + MINUTE_MS)
  stack.deliver(transition(account, 'ALARM'))
  await stack.runUntil(startAtMs + CLEARS_AFTER_MS)
  stack.deliver(transition(account, 'OK'))
  await stack.runUntil(startAtMs + LIFE_MS)
  await seeEnded(table)
  return played()
}

/** A life that went otherwise than it is told would be counted all the same. */
async function seeEnded(table: Storage): Promise<void> {
  const [incident] = await listIncidents(table, 1)
  const heads = incident ? await readHeads(table, incident.incidentId) : []
  const ends = heads.map((head) => head.status).toSorted()
  if (ends.join() !== 'resolved,succeeded')
    throw new Error(`the life has ended as ${ends.join() || 'nothing'}`)
}

function catalogueOf({ steps, check, limits }: Life): Catalogue {
  const runbook = [
    'runbook: life',
    'service: api',
    `triggers: [{ alarm: ${CALM_ALARM} }]`,
    `cooldown: ${limits ? '15m' : '0s'}`,
    'steps:',
    '  - parallel:',
    ...steps.map((step) => `      - ${step}`),
    ...(check ? ['  - check: { alarm: ok, samples: 3, every: 30s, within: 15m }'] : []),
    // A page cannot be put back.
    'on_resolved: { undo: [] }',
  ]
  const policy = [
    'mode: auto',
    'escalate_to: oncall@sre',
    ...(limits ? ['runbooks: { life: { executions_per_hour: 5 } }'] : []),
  ]
  return catalogueFrom([
    { path: 'life.yaml', text: runbook.join('\n') },
    { path: 'policy.yaml', text: policy.join('\n') },
    ...['services.yaml', 'oncall.yaml'].map((path) => ({
      path,
      text: readFileSync(new URL(`../runbooks/${path}`, import.meta.url), 'utf8'),
    })),
  ])
}

function sortedByShare(table: Storage) {
  const names = Object.keys(SHARES) as Share[]
  const counters = Object.fromEntries(names.map((share) => [share, countingStorage(table)])) as {
    [share in Share]: CountingStorage
  }
  const units = Object.fromEntries(names.map((share) => [share, 0])) as { [share in Share]: number }
  const shareOf = (pk: string) => names.find((share) => pk.startsWith(SHARES[share])) ?? 'rest'
  const storage: Storage = {
    put(item, condition) {
      const share = shareOf(item.pk)
      units[share] += writeUnitsOf(item)
      return counters[share].put(item, condition)
    },
    get: (pk, sk) => counters[shareOf(pk)].get(pk, sk),
    query: (pk, prefix) => counters[shareOf(pk)].query(pk, prefix),
    dueBefore: table.dueBefore,
    listed: table.listed,
  }
  const played = () =>
    Object.fromEntries(
      names.map((share) => [share, countsOf(counters[share], units[share])]),
    ) as unknown as Played
  return { storage, played }
}

function countsOf(counter: CountingStorage, units: number): Counts {
  const { puts, conflicts, gets, queries } = counter.operations()
  return sum(
    named('put', puts),
    named('conflict on', conflicts),
    named('get', gets),
    ...Object.values(queries).map((query) => ({ query })),
    units > 0 ? { [UNITS]: units } : {},
  )
}

function named(verb: string, tally: Counts): Counts {
  return Object.fromEntries(Object.entries(tally).map(([kind, count]) => [`${verb} ${kind}`, count]))
}

function sum(...all: readonly Counts[]): Counts {
  const total: { [operation: string]: number } = {}
  for (const [operation, count] of all.flatMap((one) => Object.entries(one)))
    total[operation] = (total[operation] ?? 0) + count
  return total
}

/** What stands in one and not in the other; nothing of what is the same in both. */
export function addedBy({ before, after }: Addition): Counts {
  const less = Object.fromEntries(Object.entries(before).map(([operation, count]) => [operation, -count]))
  return Object.fromEntries(Object.entries(sum(after, less)).filter(([, count]) => count !== 0))
}

/** What CORE.md 1.3 says; where it says nothing there is no goal. */
function goalsOf(targets: number): { readonly [line: string]: Goal } {
  return { 'bare: put LOCK': exactly(0), 'locks: put LOCK': exactly(2 * targets) }
}

/** How each was left out, or told apart. */
const NOTES: { readonly [name: string]: string } = {
  bare: 'pages in the place of changes, no check, all but LIMIT',
  locks: 'with changes, LOCK',
  'locks, known targets': 'the same of a later incident: the first put of each misses',
  limits: 'no switch: LIMIT of the bare life',
  'limits, known windows': 'the same of a later incident: the first put of each misses',
  "limits, runbook's own": 'with a cooldown and with executions_per_hour of the runbook',
  'kill switch': 'with changes, CONTROL',
  verification: 'with changes, all but LOCK and CONTROL',
  check: 'with pages and a check',
  together: 'with changes, check and limits: a poll serves both verdicts',
}

export async function adds(): Promise<Section> {
  const { targets, additions, ...lives } = await measureAdds()
  const goals = goalsOf(targets)
  return {
    name: 'adds',
    title: `what locks, limits and verdicts add to the life of one incident: ${targets} steps in one group, no fault`,
    lines: [
      ...linesOf('bare', { before: {}, after: lives.bare }, goals),
      ...ADDITIONS.flatMap((name) => linesOf(name, additions[name], goals)),
      ...linesOf('together', lives.together, goals),
    ],
  }
}

function linesOf(
  name: string,
  addition: Addition,
  goals: { readonly [line: string]: Goal },
): readonly Line[] {
  const { before, after } = addition
  const counts = name === 'bare' ? after : addedBy(addition)
  const unitsLast = Object.entries(counts).toSorted(([a], [b]) => Number(a === UNITS) - Number(b === UNITS))
  return unitsLast.map(([operation, figure], index) => {
    const what = `${name}: ${operation}`
    const goal = goals[what]
    const notes = [
      ...(name === 'bare' ? [] : [`${before[operation] ?? 0} -> ${after[operation] ?? 0}`]),
      ...(index === 0 ? [NOTES[name]] : []),
    ]
    return { what, unit: '', figure, ...(goal ? { goal } : {}), note: notes.join('; ') }
  })
}
