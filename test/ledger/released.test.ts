import { fold } from '../../lib/execution/fold.ts'
import { verifyChain } from '../../lib/ledger/chain.ts'
import { timelineOf } from '../../lib/timeline.ts'
import { ENTRY_VERSION } from '../../lib/ledger/entry.ts'
import { corpus, kindsMissingIn, recordsIn, statesOf, streamsIn } from './released/corpus.ts'

const files = corpus()
const runs = files.map(({ name, ...rest }) => [name, rest] as const)

test('every version has its folder, and what lies in it was written by that version', () => {
  const versionOf = (name: string) => Number(/^v(\d+)\//.exec(name)?.[1])
  const released = Array.from({ length: ENTRY_VERSION }, (_unused, index) => index + 1)
  expect(new Set(files.map(({ name }) => versionOf(name)))).toEqual(new Set(released))
  for (const { name, text } of files)
    for (const record of [...recordsIn(text).values()].flat())
      expect(record).toMatchObject({ v: versionOf(name) })
})

test('the records of the present version have every kind of entry', () => {
  expect(kindsMissingIn(ENTRY_VERSION)).toEqual([])
})

describe.each(runs)('%s', (_name, { text, states }) => {
  test('means today what it meant when it was recorded', async () => {
    // Today's code may know more of a state than it did then, and nothing else.
    expect(statesOf(await streamsIn(text))).toMatchObject(states as object)
  })

  test('has a chain that holds, and a timeline without a gap', () => {
    for (const records of recordsIn(text).values()) {
      expect(verifyChain(records)).toMatchObject({ is: 'consistent', records: records.length })
      const told = JSON.stringify(timelineOf(records))
      expect(told).toContain('"rows"')
      expect(told).not.toContain('cannot be read')
    }
  })

  test('folds at every length without an error', async () => {
    for (const { entries } of await streamsIn(text))
      for (const index of entries.keys()) expect(() => fold(entries.slice(0, index))).not.toThrow()
  })
})
