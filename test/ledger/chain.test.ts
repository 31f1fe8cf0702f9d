import { recordHash, verifyChain, type ChainRecord } from '../../lib/ledger/chain.ts'
import { EXECUTION } from '../timeline/parts.ts'
import { spike } from '../timeline/scenarios.ts'

const records = spike()
const heads = (() => {
  const verdict = verifyChain(records)
  if (verdict.is === 'broken') throw new Error(verdict.reason)
  return verdict.heads
})()

/** The records with one of them replaced; `undefined` takes it out. */
function changed(
  stream: string,
  seq: number,
  change: (record: ChainRecord) => ChainRecord | undefined,
): readonly ChainRecord[] {
  return records.flatMap((record) =>
    record.stream === stream && record.seq === seq ? (change(record) ?? []) : [record],
  )
}

/** As somebody would who knows how hashes are made. */
function rehashed(record: ChainRecord): ChainRecord {
  const { prev, stream, seq, atMs, entries } = record
  return { ...record, hash: recordHash(prev, stream, seq, atMs, JSON.stringify(entries)) }
}

test('what was written is consistent, and its heads are the last hash of each stream', () => {
  const last = (stream: string) => records.findLast((record) => record.stream === stream)?.hash
  expect(verifyChain(records)).toEqual({
    is: 'consistent',
    streams: 3,
    records: records.length,
    heads: {
      incident: last('incident'),
      [EXECUTION]: last(EXECUTION),
      [`${EXECUTION}.undo`]: last(`${EXECUTION}.undo`),
    },
  })
})

test('nothing is consistent', () =>
  expect(verifyChain([])).toEqual({ is: 'consistent', streams: 0, records: 0, heads: {} }))

test('records prove the same in whatever order an export holds them', () => {
  expect(verifyChain(records.toReversed())).toMatchObject({ is: 'consistent', heads })
})

describe('the first entry that does not stand is named', () => {
  const alter = (record: ChainRecord): ChainRecord => ({
    ...record,
    entries: [...record.entries, { kind: 'incident.noted' }],
  })

  test.each<readonly [what: string, altered: readonly ChainRecord[], address: string, reason: string]>([
    ['an entry that was altered', changed('incident', 1, alter), 'incident/1', 'an entry was altered'],
    [
      'an entry that was altered together with its hash',
      changed('incident', 1, (record) => rehashed(alter(record))),
      'incident/2',
      'does not follow',
    ],
    [
      'a time that was altered',
      changed(EXECUTION, 2, (record) => ({ ...record, atMs: record.atMs + 1 })),
      `${EXECUTION}/2`,
      'an entry was altered',
    ],
    [
      'a record that is missing at the beginning',
      changed('incident', 0, () => undefined),
      'incident/0',
      'record 0 is missing',
    ],
    [
      'a record that is missing in the middle',
      changed(EXECUTION, 3, () => undefined),
      `${EXECUTION}/3`,
      'record 3 is missing',
    ],
    [
      'a missing record whose followers were numbered anew',
      records.flatMap((record) => {
        if (record.stream !== 'incident' || record.seq < 2) return [record]
        return record.seq === 2 ? [] : [{ ...record, seq: record.seq - 1 }]
      }),
      'incident/2',
      'does not follow',
    ],
    [
      'two records that changed places',
      changed('incident', 1, (record) => ({ ...record, seq: 2 })).map((record) =>
        record.stream === 'incident' && record.seq === 2 && record.hash !== records[1]?.hash
          ? { ...record, seq: 1 }
          : record,
      ),
      'incident/1',
      'does not follow',
    ],
    [
      'a record of another stream in the place of one',
      changed('incident', 1, () => ({
        ...records.find((record) => record.stream === EXECUTION && record.seq === 1)!,
        stream: 'incident',
      })),
      'incident/1',
      'does not follow',
    ],
    [
      'a whole stream under another name',
      records.map((record) =>
        record.stream === EXECUTION ? { ...record, stream: 'inc-aaaaaaaaaaaa-bbbbbb' } : record,
      ),
      'inc-aaaaaaaaaaaa-bbbbbb/0',
      'an entry was altered',
    ],
  ])('%s', (_what, altered, address, reason) => {
    const verdict = verifyChain(altered)
    expect(verdict).toMatchObject({ is: 'broken', address })
    expect(verdict.is === 'broken' && verdict.reason).toContain(reason)
  })
})

describe('a tail that was cut off', () => {
  const cut = records.filter((record) => !(record.stream === EXECUTION && record.seq === 7))

  test('is not seen by the chain alone: what is left is consistent', () => {
    expect(verifyChain(cut).is).toBe('consistent')
  })

  test('is seen against a head that was exported', () => {
    expect(verifyChain(cut, heads)).toMatchObject({ is: 'broken', address: `${EXECUTION}/7` })
  })

  test('a stream that was taken out as a whole is seen as well', () => {
    expect(
      verifyChain(
        records.filter((record) => record.stream !== EXECUTION),
        heads,
      ),
    ).toMatchObject({ is: 'broken', address: `${EXECUTION}/0` })
  })

  test('everything made anew from some record on is seen as well, and only so', () => {
    let prev = ''
    const forged = records.map((record) => {
      if (record.stream !== 'incident') return record
      const own = {
        ...record,
        prev,
        entries: record.seq === 1 ? [{ kind: 'incident.noted' }] : record.entries,
      }
      const whole = rehashed(own)
      prev = whole.hash
      return whole
    })
    expect(verifyChain(forged).is).toBe('consistent')
    expect(verifyChain(forged, heads)).toMatchObject({ is: 'broken' })
  })

  test('a head of the past holds while the stream goes on', () => {
    const early = { incident: records[1]?.hash ?? '' }
    expect(verifyChain(records, early).is).toBe('consistent')
  })
})

test('a hash covers place, time and text', () => {
  const hashes = [
    recordHash('', 's', 0, 1, '[]'),
    recordHash('x', 's', 0, 1, '[]'),
    recordHash('', 't', 0, 1, '[]'),
    recordHash('', 's', 1, 1, '[]'),
    recordHash('', 's', 0, 2, '[]'),
    recordHash('', 's', 0, 1, '[{}]'),
  ]
  expect(new Set(hashes).size).toBe(hashes.length)
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
})
