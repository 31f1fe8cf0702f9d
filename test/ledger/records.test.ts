import type { Entry } from '../../lib/ledger/entry.ts'
import { verifyChain } from '../../lib/ledger/chain.ts'
import { memoryStorage, type Operation } from '../../lib/ledger/memory.ts'
import {
  append,
  emptyStream,
  incidentPk,
  load,
  loadIncident,
  loadRecords,
  MAX_RECORD_BYTES,
  type Stream,
} from '../../lib/ledger/records.ts'
import { StorageError, type Storage } from '../../lib/ledger/storage.ts'
import type { Random } from '../../lib/random.ts'
import {
  ann,
  applied,
  at,
  capacity,
  EXECUTION,
  header,
  INCIDENT,
  intended,
  opened,
  w1,
} from '../timeline/parts.ts'

function counter(): Random {
  let count = 0
  return { id: () => `id-${++count}`, fraction: () => 0 }
}

const random = counter()
const started: Entry = { kind: 'execution.started', actor: w1, ...header }
const note = (text: string): Entry => ({ kind: 'incident.noted', actor: ann, note: text })
const empty = emptyStream(INCIDENT, EXECUTION)

async function appended(storage: Storage, stream: Stream, ...entries: readonly Entry[]): Promise<Stream> {
  const answer = await append(storage, random, stream, entries, at(stream.headSeq + 1))
  expect(answer.is).toBe('appended')
  return answer.stream
}

/** A storage in which the puts that `fails` chooses, counted from 1, are lost: their requests or their answers. */
function faulty(fails: { readonly before?: readonly number[]; readonly after?: readonly number[] }): {
  storage: Storage
  puts: () => number
} {
  let puts = 0
  const throwIf = (numbers: readonly number[] | undefined, operation: Operation, what: string) => {
    if (operation.is === 'put' && numbers?.includes(puts)) throw new StorageError(what)
  }
  const storage = memoryStorage({
    before(operation) {
      if (operation.is === 'put') puts++
      throwIf(fails.before, operation, 'request lost')
    },
    after: (operation) => throwIf(fails.after, operation, 'answer lost'),
  })
  return { storage, puts: () => puts }
}

describe('a stream', () => {
  test('is read as it was appended: numbered, addressed, chained', async () => {
    const storage = memoryStorage()
    let stream = await appended(storage, empty, started, intended('capacity', capacity, 0))
    stream = await appended(storage, stream, applied('capacity'))
    const read = await load(storage, INCIDENT, EXECUTION)
    expect(read).toEqual(stream)
    expect(read.entries.map((entry) => [entry.address, entry.kind, entry.atMs])).toEqual([
      [`${EXECUTION}/0.0`, 'execution.started', at(0)],
      [`${EXECUTION}/0.1`, 'step.intended', at(0)],
      [`${EXECUTION}/1.0`, 'step.applied', at(1)],
    ])
    expect(verifyChain(await loadRecords(storage, INCIDENT))).toMatchObject({
      is: 'consistent',
      records: 2,
      heads: { [EXECUTION]: read.headHash },
    })
  })

  test('of which nothing is on record is empty', async () => {
    expect(await load(memoryStorage(), INCIDENT, EXECUTION)).toEqual(empty)
  })

  test('is not mixed with another of its incident, nor with its undo', async () => {
    const storage = memoryStorage()
    await appended(storage, empty, started)
    await appended(storage, emptyStream(INCIDENT, `${EXECUTION}.undo`), note('undo'))
    await appended(storage, emptyStream(INCIDENT, 'incident'), opened)
    expect((await load(storage, INCIDENT, EXECUTION)).entries.map((entry) => entry.kind)).toEqual([
      'execution.started',
    ])
    const all = await loadIncident(storage, INCIDENT)
    expect(all.map((stream) => [stream.stream, stream.headSeq])).toEqual([
      [EXECUTION, 0],
      [`${EXECUTION}.undo`, 0],
      ['incident', 0],
    ])
  })

  test('keeps its order beyond the ninth record', async () => {
    const storage = memoryStorage()
    let stream = empty
    for (let seq = 0; seq < 12; seq++) stream = await appended(storage, stream, note(String(seq)))
    const read = await load(storage, INCIDENT, EXECUTION)
    expect(read.entries.map((entry) => entry.kind === 'incident.noted' && entry.note)).toEqual(
      Array.from({ length: 12 }, (_unused, seq) => String(seq)),
    )
    expect(verifyChain(await loadRecords(storage, INCIDENT)).is).toBe('consistent')
  })
})

describe('of two that append the same number', () => {
  test('one is told what the other wrote, and nothing of its own is there', async () => {
    const storage = memoryStorage()
    const first = await appended(storage, empty, note('mine'))
    const second = await append(storage, random, empty, [note('theirs')], at(5))
    expect(second).toEqual({ is: 'conflict', stream: first })
  })

  test('twenty at once make exactly one record', async () => {
    const storage = memoryStorage()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_unused, index) =>
        append(storage, counterWith(index), empty, [note(String(index))], at(0)),
      ),
    )
    expect(answers.filter((answer) => answer.is === 'appended')).toHaveLength(1)
    expect((await load(storage, INCIDENT, EXECUTION)).headSeq).toBe(0)
    const winner = answers.find((answer) => answer.is === 'appended')?.stream
    for (const answer of answers) expect(answer.stream).toEqual(winner)
  })

  test('the same text is a conflict all the same: records are told by their own ids', async () => {
    const storage = memoryStorage()
    await appended(storage, empty, note('same'))
    expect((await append(storage, random, empty, [note('same')], at(0))).is).toBe('conflict')
  })
})

function counterWith(worker: number): Random {
  return { id: () => `w${worker}`, fraction: () => 0 }
}

describe('when the store does not answer', () => {
  test('a record whose answer was lost is recognised as our own', async () => {
    const { storage, puts } = faulty({ after: [1] })
    const stream = await appended(storage, empty, started)
    expect(puts()).toBe(2)
    expect(await load(storage, INCIDENT, EXECUTION)).toEqual(stream)
  })

  test('a record whose request was lost is put by the repeat', async () => {
    const { storage, puts } = faulty({ before: [1] })
    const stream = await appended(storage, empty, started)
    expect(puts()).toBe(2)
    expect(await load(storage, INCIDENT, EXECUTION)).toEqual(stream)
  })

  test('a repeat that meets another worker is a conflict, not a success', async () => {
    let puts = 0
    const storage: Storage = memoryStorage({
      async before(operation) {
        if (operation.is !== 'put' || ++puts !== 1) return
        await append(storage, counterWith(7), empty, [note('theirs')], at(0))
        throw new StorageError('request lost')
      },
    })
    const answer = await append(storage, random, empty, [note('mine')], at(0))
    expect(answer.is).toBe('conflict')
    expect(answer.stream.entries).toMatchObject([{ kind: 'incident.noted', note: 'theirs' }])
  })

  test('two lost answers are an error: the record may be there, and the caller reads again', async () => {
    const { storage } = faulty({ after: [1, 2] })
    await expect(append(storage, random, empty, [started], at(0))).rejects.toThrow('answer lost')
    expect((await load(storage, INCIDENT, EXECUTION)).headSeq).toBe(0)
  })
})

describe('what does not fit', () => {
  test('is refused with its address and its size, and nothing is written', async () => {
    const storage = memoryStorage()
    const append0 = append(storage, random, empty, [note('x'.repeat(MAX_RECORD_BYTES))], at(0))
    await expect(append0).rejects.toThrow(StorageError)
    await expect(append0).rejects.toThrow(
      new RegExp(`record ${EXECUTION}/0 has \\d+ .*at most ${MAX_RECORD_BYTES}`),
    )
    expect((await load(storage, INCIDENT, EXECUTION)).headSeq).toBe(-1)
  })

  test('is refused also where it is short in characters and long in bytes', async () => {
    await expect(append(memoryStorage(), random, empty, [note('語'.repeat(200_000))], at(0))).rejects.toThrow(
      StorageError,
    )
  })

  test('a large record below the limit is stored', async () => {
    const storage = memoryStorage()
    const text = 'x'.repeat(MAX_RECORD_BYTES - 1_000)
    await appended(storage, empty, note(text))
    expect((await load(storage, INCIDENT, EXECUTION)).entries).toMatchObject([{ note: text }])
  })
})

describe('what another version wrote', () => {
  const put = (storage: Storage, body: object) =>
    storage.put(
      { pk: incidentPk(INCIDENT), sk: `REC#${EXECUTION}#000000`, recordId: 'r', body: JSON.stringify(body) },
      { is: 'absent' },
    )
  const record = { v: 1, seq: 0, atMs: at(0), prev: '', hash: 'h' }

  test('newer: it is not guessed at, and the message says what to do', async () => {
    const storage = memoryStorage()
    await put(storage, { ...record, v: 2, entries: [] })
    await expect(load(storage, INCIDENT, EXECUTION)).rejects.toThrow(
      `record ${EXECUTION}/0 was written by a newer version (2; this one reads up to 1): update Firebreak`,
    )
  })

  test('an entry that cannot be read is named', async () => {
    const storage = memoryStorage()
    await put(storage, { ...record, entries: [note('ok'), { kind: 'step.rehearsed' }] })
    await expect(load(storage, INCIDENT, EXECUTION)).rejects.toThrow(`entry ${EXECUTION}/0.1 cannot be read`)
  })

  test('a member that this one does not know is no obstacle, and stays in what is exported', async () => {
    const storage = memoryStorage()
    await put(storage, { ...record, entries: [{ ...note('x'), mood: 'calm' }] })
    expect((await load(storage, INCIDENT, EXECUTION)).entries).toMatchObject([{ note: 'x' }])
    expect((await loadRecords(storage, INCIDENT))[0]?.entries).toEqual([{ ...note('x'), mood: 'calm' }])
  })

  test('an export holds also what cannot be read, since the chain covers it', async () => {
    const storage = memoryStorage()
    await put(storage, { ...record, v: 2, entries: [{ kind: 'step.rehearsed' }] })
    expect(await loadRecords(storage, INCIDENT)).toHaveLength(1)
  })
})

test('texts of every kind keep their hash through the store', async () => {
  const storage = memoryStorage()
  const texts = ['\u2028 "\\" \ud800 \u0000', 'ключ', '😀']
  const values = { 10: 1, 2: { b: [1e21, -0, 0.1], a: null }, ['__proto__']: 'own' }
  let stream = empty
  for (const text of texts)
    stream = await appended(storage, stream, note(text), intended('s', capacity, 0, { values }))
  expect(verifyChain(await loadRecords(storage, INCIDENT))).toMatchObject({ is: 'consistent', records: 3 })
})
