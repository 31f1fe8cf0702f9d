import {
  apiStack,
  chainOf,
  effectsOf,
  entriesOf,
  MINUTE_MS,
  onlyIncident,
  shippedCatalogue,
  START_AT_MS,
} from './world.ts'
import { foldIncident } from '../../lib/incident.ts'
import { load } from '../../lib/ledger/records.ts'
import type { Point } from '../../sim/mortal.ts'
import type { Stack } from '../../sim/stack.ts'

/** The shipped runbook with shorter patience, so that each of many runs is short. */
const QUICK = shippedCatalogue('auto')
const quick = {
  ...QUICK,
  runbooks: QUICK.runbooks.map((runbook) => ({
    ...runbook,
    keepOpenMs: MINUTE_MS,
    onResolved: { undo: ['scale_out'], afterMs: 2 * MINUTE_MS, stepPercent: 50, everyMs: MINUTE_MS },
  })),
}

/** Long enough for the incident to be resolved and everything to be put back, crashes included. */
const UNTIL_MS = START_AT_MS + 25 * MINUTE_MS

/** scale_out once out and two slow steps back; the drain and the rollback once. */
const EFFECTS = {
  'ecs:UpdateService': 3,
  'route53:ChangeResourceRecordSets': 1,
  'codedeploy:CreateDeployment': 1,
}

async function play(diesAt?: (point: Point) => boolean): Promise<{ stack: Stack; points: Point[] }> {
  const points: Point[] = []
  const stack = apiStack({
    catalogue: quick,
    diesAt: (point) => {
      points.push(point)
      return diesAt?.(point) ?? false
    },
  })
  await stack.runUntil(UNTIL_MS)
  return { stack, points }
}

async function problemsOf(stack: Stack): Promise<readonly string[]> {
  const problems: string[] = []
  const effects = effectsOf(stack)
  for (const [name, expected] of Object.entries(EFFECTS)) {
    if (effects[name] !== expected)
      problems.push(`${name} took effect ${effects[name] ?? 0} times instead of ${expected}`)
  }
  const entries = await entriesOf(stack)
  const finished = entries
    .filter((entry) => entry.kind === 'execution.finished')
    .map((entry) => String(entry['outcome']))
  if (finished.join() !== 'succeeded,succeeded') problems.push(`ended as ${finished.join()}`)
  if (entries.filter((entry) => entry.kind === 'execution.started').length !== 1)
    problems.push('not started exactly once')
  const pages = new Set(
    stack.account.inbox.map(
      (message) => JSON.stringify(message).match(/inc-[0-9a-z]{12}:\d+:\d+:[\w-]+/)?.[0],
    ),
  )
  if (pages.size !== 1) problems.push(`paged with ${pages.size} keys: ${[...pages].join()}`)
  if ((await chainOf(stack)) !== 'consistent') problems.push('the chain is broken')
  const incident = foldIncident((await load(stack.storage, await onlyIncident(stack), 'incident')).entries)
  if (incident?.status !== 'resolved') problems.push(`the incident is ${incident?.status}`)
  if (stack.signals.deadLetters.length + stack.work.deadLetters.length > 0)
    problems.push('a message became a dead letter')
  return problems
}

test('a fault-free run is mitigated, resolved and put back, with every effect once', async () => {
  const { stack } = await play()
  expect(await problemsOf(stack)).toEqual([])
})

test('a crash at any I/O of the line doubles nothing and loses nothing (G3, G4)', async () => {
  const { points } = await play()
  const last = points.at(-1)?.ordinal ?? 0
  expect(last).toBeGreaterThan(80)
  const found: string[] = []
  const seen = new Map<number, string>()
  // A sweep that finds nothing reads twelve index pages each minute; one such minute stands for all.
  for (const point of points)
    if ((point.name !== 'due' && point.name !== 'list') || point.ordinal <= 12)
      seen.set(point.ordinal, point.name)
  for (const [ordinal, name] of seen) {
    for (const when of ['before', 'after'] as const) {
      const { stack } = await play((point) => point.ordinal === ordinal && point.when === when)
      if (stack.crashes.length !== 1)
        found.push(`${when} ${ordinal} ${name}: crashed ${stack.crashes.length} times`)
      for (const problem of await problemsOf(stack)) found.push(`${when} ${ordinal} ${name}: ${problem}`)
    }
  }
  expect(found).toEqual([])
}, 600_000)
