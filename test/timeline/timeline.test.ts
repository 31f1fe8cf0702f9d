import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { renderTimelineText } from '../../cli/render-timeline.ts'
import type { ChainRecord } from '../../lib/ledger/chain.ts'
import { entrySchema } from '../../lib/ledger/entry.ts'
import { timelineOf } from '../../lib/timeline.ts'
import { timelineJson } from '../../lib/timeline/json.ts'
import { escaped, timelineMarkdown } from '../../lib/timeline/markdown.ts'
import { durationText, offsetText, oneLine, timeText } from '../../lib/timeline/words.ts'
import { at, EXECUTION, header, INCIDENT, intended, opened, page, w1, w2 } from './parts.ts'
import { approvals, broken, byHand, hostile, HOSTILE, newer, spike } from './scenarios.ts'
import { stream } from './streams.ts'
import { unanswered } from './unanswered.ts'

const SCENARIOS: readonly (readonly [name: string, records: () => readonly ChainRecord[]])[] = [
  ['spike', spike],
  ['approvals', approvals],
  ['by-hand', byHand],
  ['unanswered', unanswered],
  ['hostile', hostile],
  ['broken', broken],
  ['newer', newer],
  ['empty', () => []],
]

function goldenPath(file: string): string {
  return join(import.meta.dirname, 'golden', file)
}

/** Compares with the file; `UPDATE_GOLDEN=1` writes it. A file that is missing is a failure, or nothing would ever be compared. */
function expectGolden(file: string, text: string): void {
  const path = goldenPath(file)
  if (process.env['UPDATE_GOLDEN']) writeFileSync(path, text)
  expect(
    existsSync(path)
      ? readFileSync(path, 'utf8')
      : `${path} is missing: run with UPDATE_GOLDEN=1 and read it`,
  ).toBe(text)
}

describe.each(SCENARIOS)('the timeline of %s', (name, records) => {
  test('is told as text', () => {
    expectGolden(`${name}.txt`, renderTimelineText(timelineOf(records()), { colour: false, width: 110 }))
  })

  test('is drafted as a postmortem', () => {
    expectGolden(`${name}.md`, timelineMarkdown(timelineOf(records())))
  })

  test('is given to programs', () => {
    // By value: how the file is laid out is the formatter's affair.
    const text = JSON.stringify(timelineJson(timelineOf(records())), null, 2)
    if (process.env['UPDATE_GOLDEN']) writeFileSync(goldenPath(`${name}.json`), `${text}\n`)
    expect(JSON.parse(readFileSync(goldenPath(`${name}.json`), 'utf8'))).toStrictEqual(JSON.parse(text))
  })

  test('is the same in whatever order the records come', () => {
    expect(timelineOf(records().toReversed())).toEqual(timelineOf(records()))
  })

  test('is told as far as it goes, wherever each stream ends', () => {
    const all = records()
    for (const cut of new Set(all.map((record) => record.stream))) {
      const rest = all.filter((record) => record.stream !== cut)
      const own = all.filter((record) => record.stream === cut)
      for (let length = 0; length < own.length; length++) {
        const timeline = timelineOf([...rest, ...own.slice(0, length)])
        expect(renderTimelineText(timeline, { colour: true, width: 40 })).not.toBe('')
        expect(timelineMarkdown(timeline)).not.toBe('')
        expect(JSON.stringify(timelineJson(timeline))).not.toBe('')
      }
    }
  })
})

test('every kind of entry occurs in the scenarios and is put into words without its name', () => {
  const known = entrySchema.options.flatMap((option) => [...option.shape.kind.values]).toSorted()
  const rows = [spike, approvals, byHand, unanswered].flatMap((records) => timelineOf(records()).rows)
  expect([...new Set(rows.map((row) => row.kind))].toSorted()).toEqual(known)
  for (const row of rows) for (const kind of known) expect(row.text).not.toContain(kind)
})

describe('the times of an incident', () => {
  test('are measured from detection; detection itself from the onset', () => {
    expect(timelineOf(spike()).metrics).toEqual({ ttdMs: 700, ttaMs: 74_300, ttmMs: 160_300, ttrMs: 469_800 })
  })

  test('are left out where an end of them is unknown', () => {
    expect(timelineOf(approvals()).metrics).toEqual({ ttdMs: 700 })
    expect(timelineOf(byHand()).metrics).toEqual({ ttmMs: 295_000 })
    expect(timelineOf([]).metrics).toEqual({})
  })

  test('know no acknowledgment by anything but a person', () => {
    const machine = stream(
      'incident',
      [at(0.7), opened],
      [at(2), { kind: 'incident.acknowledged', actor: w1 }],
    )
    expect(timelineOf(machine).metrics.ttaMs).toBeUndefined()
  })

  test('are never negative because two clocks differ', () => {
    const early = stream('incident', [at(-1), { ...opened, detectedAtMs: at(-1) }])
    expect(timelineOf(early).metrics.ttdMs).toBe(0)
  })
})

test('a start that the kill switch refused says so of it alone, and the reason names what is paused', () => {
  const reason = 'account 210987654321 was paused by ann: audit'
  const refused = { kind: 'execution.refused', actor: w1, ...header, code: 'paused', reason } as const
  expect(timelineOf(stream(EXECUTION, [at(1), refused])).rows).toMatchObject([
    { text: 'Runbook api-5xx-spike was not run: the kill switch is on for it.', why: { reason } },
  ])
})

describe('how a step was recovered', () => {
  const recovered = (records: readonly ChainRecord[], step: string) =>
    timelineOf(records).rows.find((row) => row.step === step && row.recovered)?.text

  test('says that a worker died and what a new one found', () => {
    expect(recovered(spike(), 'canary')).toContain(
      'the worker died between the call and its record; a new worker observed that the change was there: not repeated',
    )
    const steps = timelineOf(spike()).executions[0]?.steps
    expect(steps?.find((step) => step.step === 'canary')).toMatchObject({
      attempts: 1,
      state: 'applied, verified',
    })
    expect(steps?.find((step) => step.step === 'canary')?.recovered).toContain('not repeated')
    expect(steps?.find((step) => step.step === 'capacity')).not.toHaveProperty('recovered')
  })

  test('says that an answer was lost', () => {
    expect(recovered(approvals(), 'capacity')).toContain('the answer to the call was lost')
  })

  test('says that a page is sent again because twice is better than not at all, never that it was observed', () => {
    const records = stream(
      EXECUTION,
      [at(1), { kind: 'execution.started', actor: w1, ...header }, intended('page', page, 1)],
      [
        at(40),
        { kind: 'worker.tookover', actor: w2, from: 'w-1', worker: 'w-2', reason: 'no result' },
        intended('page', page, 40, { actor: w2, attempt: 2 }),
      ],
    )
    const notes = timelineOf(records).rows.at(-1)?.why?.notes?.join(' ')
    expect(notes).toContain('twice is better than not at all')
    expect(notes).not.toContain('observed')
  })

  test('says why a second attempt was made', () => {
    const second = timelineOf(approvals()).rows.find((row) => row.step === 'canary' && row.attempt === 2)
    expect(second?.why?.notes).toContain(
      'the worker died before its call took effect: a new worker observed that the change was not there',
    )
  })
})

describe('order', () => {
  test('within a stream follows the records, even where a clock went back', () => {
    const records = stream(
      EXECUTION,
      [at(10), { kind: 'execution.started', actor: w1, ...header }],
      [at(9.5), { kind: 'step.skipped', actor: w1, step: 'capacity', code: 'already', reason: 'it is 9' }],
      [at(11), { kind: 'execution.finished', actor: w1, outcome: 'succeeded', reason: '' }],
    )
    expect(timelineOf(records).rows.map((row) => [row.kind, row.sinceMs])).toEqual([
      ['execution.started', 0],
      ['step.skipped', -500],
      ['execution.finished', 1_000],
    ])
  })

  test('puts what happened to the incident before what was done at the same time', () => {
    const records = [
      ...stream(EXECUTION, [at(0.7), { kind: 'execution.started', actor: w1, ...header }]),
      ...stream('incident', [at(0.7), opened]),
    ]
    expect(timelineOf(records).rows.map((row) => row.kind)).toEqual(['incident.opened', 'execution.started'])
  })
})

describe('the proof', () => {
  test('of a record that stands is the chain and its heads', () => {
    const { chain } = timelineOf(spike())
    expect(chain).toMatchObject({ is: 'consistent', streams: 3 })
    expect(timelineMarkdown(timelineOf(spike()))).toContain(
      'proved only by head hashes that were exported earlier',
    )
  })

  test('names the first entry that does not stand, in every format', () => {
    const timeline = timelineOf(broken())
    expect(timeline.chain).toMatchObject({ is: 'broken', address: 'incident/1' })
    expect(renderTimelineText(timeline, { colour: false, width: Infinity })).toContain('broken at incident/1')
    expect(timelineMarkdown(timeline)).toContain('broken at incident/1')
  })
})

describe('what cannot be read', () => {
  test('is a row that says so, and the rest is told', () => {
    const rows = timelineOf(newer()).rows
    expect(rows.filter((row) => row.kind === 'unreadable').map((row) => [row.address, row.text])).toEqual([
      [`${EXECUTION}/0.1`, 'This entry cannot be read: this version does not know "step.rehearsed".'],
      [
        `${EXECUTION}/1.0`,
        'This entry cannot be read: "step.skipped" lacks what this version expects of it.',
      ],
      [`${EXECUTION}/1.1`, 'This entry cannot be read: it does not have the form of an entry.'],
      [`${EXECUTION}/1.2`, 'This entry cannot be read: it does not have the form of an entry.'],
      [
        `${EXECUTION}/2`,
        'This record cannot be read: it was written by a newer version of Firebreak (2; this one reads up to 1).',
      ],
    ])
    expect(rows.map((row) => row.kind)).toContain('execution.started')
    // An unknown member does no harm, and the chain covers what this version cannot read.
    expect(timelineOf(newer()).chain.is).toBe('consistent')
  })

  test('never ends in a throw, whatever stands in an export', () => {
    const strange = fc.oneof(
      fc.jsonValue(),
      fc.record({
        stream: fc.string(),
        seq: fc.jsonValue(),
        atMs: fc.jsonValue(),
        prev: fc.string(),
        hash: fc.string(),
        entries: fc.jsonValue(),
      }),
      fc
        .tuple(fc.constantFrom(...spike(), ...approvals(), ...byHand()), fc.jsonValue(), fc.nat(1))
        .map(([record, junk, index]) => ({
          ...record,
          entries: record.entries.with(Math.min(index, record.entries.length - 1), junk),
        })),
      fc
        .tuple(
          fc.constantFrom(...spike(), ...approvals(), ...byHand()),
          fc.constantFrom('seq', 'atMs', 'stream', 'entries'),
          fc.jsonValue(),
        )
        .map(([record, member, junk]) => ({ ...record, [member]: junk })),
    )
    fc.assert(
      fc.property(fc.array(strange, { maxLength: 6 }), (records) => {
        const timeline = timelineOf(records as unknown as readonly ChainRecord[])
        renderTimelineText(timeline, { colour: true, width: 30 })
        timelineMarkdown(timeline)
        timelineJson(timeline)
      }),
      { numRuns: 300 },
    )
  })

  test('an entry in any order of a stream is told, too', () => {
    const entries = [...spike(), ...approvals(), ...byHand()].flatMap((record) => record.entries)
    fc.assert(
      fc.property(fc.shuffledSubarray(entries), (some) => {
        const records = stream(EXECUTION, ...some.map((entry, index) => [at(index), entry] as never))
        expect(timelineOf(records).rows).toHaveLength(some.length)
      }),
      { numRuns: 200 },
    )
  })

  test('JSON that is nested too deeply to be written again breaks the chain, not the program', () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown
    const [record] = spike()
    const timeline = timelineOf([
      { ...record!, entries: [{ ...opened, signal: { ...opened.signal, deep } }, deep] },
    ])
    expect(timeline.chain.is).toBe('broken')
    expect(timeline.incident?.incidentId).toBe(INCIDENT)
  })
})

describe('texts from outside', () => {
  test('reach no terminal with anything that steers it', () => {
    const text = renderTimelineText(timelineOf(hostile()), { colour: false, width: 60 })
    expect(text).toContain('<script>alert(1)</script>')
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    const coloured = renderTimelineText(timelineOf(hostile()), { colour: true, width: 60 })
    // With colour the only escapes are our own: select graphic rendition.
    // eslint-disable-next-line no-control-regex
    expect(coloured.replaceAll(/\u001b\[\d+m/g, '').replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  test('forge no line of their own', () => {
    const lines = renderTimelineText(timelineOf(hostile()), { colour: false, width: Infinity }).split('\n')
    expect(
      lines.filter((line) => line.startsWith('# Resolved') || line.trimStart().startsWith('- ok')),
    ).toEqual([])
    const markdown = timelineMarkdown(timelineOf(hostile())).split('\n')
    expect(markdown.filter((line) => /^\s*#+ Resolved/.test(line))).toEqual([])
    expect(markdown.filter((line) => line.startsWith('## '))).toEqual(
      timelineMarkdown(timelineOf(spike()))
        .split('\n')
        .filter((line) => line.startsWith('## ')),
    )
  })

  test('stay text in Markdown', () => {
    const markdown = timelineMarkdown(timelineOf(hostile()))
    expect(markdown).not.toMatch(/(?<!\\)<script/)
    expect(markdown).not.toMatch(/(?<!\\)\[click/)
    expect(markdown).not.toMatch(/(?<!\\)\*\*bold/)
    expect(markdown).not.toMatch(/https?:\/\//)
    const columns = markdown.split('\n').filter((line) => line.startsWith('| 2026-'))
    expect(columns.length).toBeGreaterThan(3)
    for (const line of columns) expect(line.match(/(?<!\\)\|/g)).toHaveLength(7)
  })

  test.each([
    ['# heading', '\\# heading'],
    ['1. item', '1\\. item'],
    ['- item', '\\- item'],
    ['a|b', 'a\\|b'],
    ['back\\slash', 'back\\\\slash'],
    ['> quoted', '\\> quoted'],
    ['6 -> 9', '6 -> 9'],
    ['&lt;b>', '\\&lt;b>'],
    ['![x](y)', '\\!\\[x\\](y)'],
    ['http://x', 'http\\://x'],
    ['WWW.x.y', 'WWW\\.x.y'],
    ['api-5xx-spike', 'api-5xx-spike'],
  ])('%s is written %s', (text, markdown) => expect(escaped(text)).toBe(markdown))

  test('are one line of at most a thousand characters', () => {
    expect(oneLine(HOSTILE)).not.toMatch(/\p{Cc}/u)
    expect(oneLine('a\n\n b')).toBe('a b')
    expect(oneLine('x'.repeat(5_000))).toHaveLength(1_000)
    expect(oneLine(`${'x'.repeat(998)}😀😀`).isWellFormed()).toBe(true)
  })
})

describe('times', () => {
  test.each([
    [0, '+0.0 s', '0 s'],
    [400, '+0.4 s', '0.4 s'],
    [-400, '-0.4 s', '-0.4 s'],
    [42_000, '+42.0 s', '42 s'],
    [59_960, '+1 m 00 s', '1 m 00 s'],
    [65_000, '+1 m 05 s', '1 m 05 s'],
    [3_909_000, '+1 h 05 m 09 s', '1 h 05 m 09 s'],
    [273_600_000, '+3 d 04 h 00 m', '3 d 04 h 00 m'],
  ])('%d ms is %s from detection and lasts %s', (ms, offset, duration) => {
    expect([offsetText(ms), durationText(ms)]).toEqual([offset, duration])
  })

  test('are UTC in ISO 8601, and a number that is no time is shown as it is', () => {
    expect(timeText(1_773_022_447_412)).toBe('2026-03-09T02:14:07.412Z')
    expect(timeText(1e300)).toBe('1e+300 ms')
  })
})

test('without colour there is no escape, and a narrow terminal gets no longer line than it has columns', () => {
  const text = renderTimelineText(timelineOf(spike()), { colour: false, width: 80 })
  expect(text).not.toContain('\u001b')
  for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  expect(renderTimelineText(timelineOf(spike()), { colour: true, width: 80 })).toContain('\u001b[')
})

test('the draft asks people for causes and states none', () => {
  const markdown = timelineMarkdown(timelineOf(spike()))
  const causes = markdown.slice(markdown.indexOf('## Contributing causes'), markdown.indexOf('## Lessons'))
  expect(
    causes
      .trim()
      .split('\n')
      .filter((line) => line !== ''),
  ).toEqual([
    '## Contributing causes',
    '_To be filled in by people: the ledger records what was done, not why it became necessary._',
  ])
})
