import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadIncident } from '../../lib/ledger/records.ts'
import type { Stamped } from '../../lib/ledger/entry.ts'
import type { Stack } from '../../sim/stack.ts'
import { apiStack, MINUTE_MS, onlyIncident, shippedCatalogue, START_AT_MS } from './world.ts'

/*
 * What the demo's incident leaves on record, entry by entry, against a stored run. A difference is a change of behaviour:
 * read it, and where it is meant store the new run with UPDATE_GOLDEN=1.
 */

const FOLDER = new URL('golden/', import.meta.url)

/** What a person would compare: no ids of workers, requests or locks. */
async function storyOf(stack: Stack): Promise<object> {
  const incidentId = await onlyIncident(stack)
  const streams = await loadIncident(stack.storage, incidentId)
  const entries = streams.flatMap((stream) => stream.entries)
  const opened = entries.find((entry) => entry.kind === 'incident.opened')
  const onsetAtMs = opened?.kind === 'incident.opened' ? (opened.onsetAtMs ?? 0) : 0
  const nameOf = (stream: string) =>
    stream.replace(incidentId, '').replace(/^-[0-9a-z]{6}/, 'execution') || stream
  return Object.fromEntries(
    streams
      .toSorted((a, b) => (nameOf(a.stream) < nameOf(b.stream) ? -1 : 1))
      .map((stream) => [nameOf(stream.stream), stream.entries.map((entry) => lineOf(entry, onsetAtMs))]),
  )
}

function lineOf(entry: Stamped, onsetAtMs: number): object {
  const line: { [name: string]: unknown } = {
    seq: entry.seq,
    s: (entry.atMs - onsetAtMs) / 1_000,
    kind: entry.kind,
  }
  if ('step' in entry && entry.step !== undefined) line['step'] = entry.step
  if ('attempt' in entry && entry.attempt !== undefined) line['attempt'] = entry.attempt
  if ('code' in entry) line['code'] = entry.code
  if ('change' in entry) line['summary'] = entry.change.summary
  if ('verdict' in entry) line['verdict'] = entry.verdict.verdict
  if ('outcome' in entry) line['outcome'] = entry.outcome
  if ('recovered' in entry) line['recovered'] = entry.recovered
  if (entry.kind === 'plan.recorded')
    line['plan'] = entry.steps.map((step) => `${step.step}: ${step.is} ${step.summary}`)
  return line
}

function compare(name: string, story: object): void {
  const file = new URL(`${name}.json`, FOLDER)
  // One entry a line, so that a difference reads like a difference of the timeline.
  const streams = Object.entries(story).map(
    ([stream, lines]) =>
      `${JSON.stringify(stream)}: [\n${(lines as object[]).map((line) => `  ${JSON.stringify(line)}`).join(',\n')}\n]`,
  )
  const text = `{\n${streams.join(',\n')}\n}\n`
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(file, text)
  }
  expect(JSON.parse(text)).toEqual(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined)
}

const UNTIL_MS = START_AT_MS + 60 * MINUTE_MS

test('the four-line runbook, from the alarm to what was put back', async () => {
  const stack = apiStack()
  await stack.runUntil(UNTIL_MS)
  compare('four-lines', await storyOf(stack))
})

test('the same with a worker that dies between a call and its record: one takeover more, no call more (G3)', async () => {
  let dead = false
  const stack = apiStack({
    diesAt: (point) => {
      if (dead || point.name !== 'route53:ChangeResourceRecordSets' || point.when !== 'after') return false
      dead = true
      return true
    },
  })
  await stack.runUntil(UNTIL_MS)
  expect(stack.crashes).toEqual(['route53:ChangeResourceRecordSets, after it took effect'])
  compare('four-lines-crash', await storyOf(stack))
})

test('shadow: the plan, and the end', async () => {
  const stack = apiStack({ catalogue: shippedCatalogue('shadow') })
  await stack.runUntil(START_AT_MS + 20 * MINUTE_MS)
  compare('four-lines-shadow', await storyOf(stack))
})

test('a story is told the same in every run', async () => {
  const stack = apiStack()
  await stack.runUntil(UNTIL_MS)
  compare('four-lines', await storyOf(stack))
})
