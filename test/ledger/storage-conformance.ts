import { StorageError, type Condition, type Item, type Storage } from '../../lib/ledger/storage.ts'

/** What a storage under test is, and what it needs to be given up. */
export interface Subject {
  readonly storage: Storage
  close?(): Promise<void>
}

const ABSENT: Condition = { is: 'absent' }
const T = 1_790_000_000_000

/** Everything that the ledger relies on. Keys are unique to a run, so that a table that is not empty will do. */
export function testStorage(name: string, make: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject
    let storage: Storage
    let count = 0
    const run = `t${Date.now().toString(36)}`
    const fresh = (): string => `INC#${run}-${++count}`
    const put = (item: Item, condition: Condition = ABSENT) => storage.put(item, condition)

    beforeAll(async () => {
      subject = await make()
      storage = subject.storage
    })
    afterAll(async () => {
      await subject?.close?.()
    })

    /** Index reads are eventually consistent: ask until they have caught up. */
    async function eventually(read: () => Promise<unknown>, expected: unknown): Promise<void> {
      let last: unknown
      for (let i = 0; i < 40; i++) {
        last = await read()
        if (JSON.stringify(last) === JSON.stringify(expected)) break
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(last).toEqual(expected)
    }

    test('an item comes back as it was put, with every field and with none', async () => {
      const pk = fresh()
      const full: Item = {
        pk,
        sk: 'HEAD#a',
        body: '{"x":1}',
        recordId: 'r1',
        version: 0,
        due: { shard: `${pk}-d`, atMs: T },
        list: { shard: `${pk}-l`, atMs: T },
      }
      expect(await put(full)).toEqual({ is: 'put' })
      expect(await put({ pk, sk: 'bare', body: '' })).toEqual({ is: 'put' })
      expect(await storage.get(pk, 'HEAD#a')).toEqual(full)
      expect(await storage.get(pk, 'bare')).toEqual({ pk, sk: 'bare', body: '' })
      expect(await storage.get(pk, 'other')).toBeUndefined()
    })

    test('what the caller does to its object after the put does not reach the store', async () => {
      const pk = fresh()
      const item = { pk, sk: 'a', body: 'first', due: { shard: pk, atMs: T } }
      await put(item)
      item.body = 'changed'
      item.due.atMs = 0
      expect(await storage.get(pk, 'a')).toEqual({ pk, sk: 'a', body: 'first', due: { shard: pk, atMs: T } })
    })

    test('absent: the first put wins, the second conflicts with the item that stands there', async () => {
      const pk = fresh()
      const first: Item = { pk, sk: 'REC#e#0', body: 'first', recordId: 'r1' }
      expect(await put(first)).toEqual({ is: 'put' })
      expect(await put({ ...first, body: 'second', recordId: 'r2' })).toEqual({
        is: 'conflict',
        existing: first,
      })
      expect(await storage.get(pk, 'REC#e#0')).toEqual(first)
    })

    test('a repeated put conflicts with its own record id, by which the ledger knows it', async () => {
      const pk = fresh()
      const item: Item = { pk, sk: 'REC#e#0', body: 'x', recordId: 'mine' }
      await put(item)
      expect(await put(item)).toMatchObject({ is: 'conflict', existing: { recordId: 'mine' } })
    })

    test('version: only exactly this version is replaced, and an absent item is an error', async () => {
      const pk = fresh()
      const item: Item = { pk, sk: 'LOCK', body: 'v3', version: 3 }
      await put(item)
      for (const equals of [0, 2, 4, -3]) {
        expect(await put({ ...item, body: 'no', version: 9 }, { is: 'version', equals })).toEqual({
          is: 'conflict',
          existing: item,
        })
      }
      expect(await put({ ...item, body: 'v4', version: 4 }, { is: 'version', equals: 3 })).toEqual({
        is: 'put',
      })
      expect(await storage.get(pk, 'LOCK')).toEqual({ ...item, body: 'v4', version: 4 })
      await expect(put({ pk, sk: 'none', body: '' }, { is: 'version', equals: 0 })).rejects.toThrow(
        StorageError,
      )
      expect(await storage.get(pk, 'none')).toBeUndefined()
    })

    test('version-below: an absent item or a lower version is replaced, an equal or higher one is not', async () => {
      const pk = fresh()
      const head = (version: number): Item => ({ pk, sk: 'HEAD#e', body: `seq ${version}`, version })
      expect(await put(head(5), { is: 'version-below', limit: 5 })).toEqual({ is: 'put' })
      expect(await put(head(4), { is: 'version-below', limit: 4 })).toEqual({
        is: 'conflict',
        existing: head(5),
      })
      expect(await put(head(5), { is: 'version-below', limit: 5 })).toEqual({
        is: 'conflict',
        existing: head(5),
      })
      expect(await put(head(10), { is: 'version-below', limit: 10 })).toEqual({ is: 'put' })
      // As text, "9" would be above "10".
      expect(await put(head(9), { is: 'version-below', limit: 9 })).toEqual({
        is: 'conflict',
        existing: head(10),
      })
    })

    test('an item without a version is replaced by neither version condition', async () => {
      const pk = fresh()
      const item: Item = { pk, sk: 'REC#e#0', body: 'a record' }
      await put(item)
      const conflict = { is: 'conflict', existing: item }
      expect(await put({ ...item, body: 'x' }, { is: 'version', equals: 0 })).toEqual(conflict)
      expect(await put({ ...item, body: 'x' }, { is: 'version-below', limit: 99 })).toEqual(conflict)
    })

    test('a put replaces the whole item: what the new one lacks is gone', async () => {
      const pk = fresh()
      const due = { shard: `${pk}-d`, atMs: T }
      await put({ pk, sk: 'HEAD#e', body: 'a', recordId: 'r', version: 1, due })
      await put({ pk, sk: 'HEAD#e', body: 'b', version: 2 }, { is: 'version', equals: 1 })
      expect(await storage.get(pk, 'HEAD#e')).toEqual({ pk, sk: 'HEAD#e', body: 'b', version: 2 })
    })

    test('two puts of one key at once: exactly one wins, and the loser is shown the winner', async () => {
      const pk = fresh()
      for (let race = 0; race < 50; race++) {
        const sk = `REC#e#${race}`
        const results = await Promise.all(
          ['a', 'b'].map((recordId) => put({ pk, sk, body: recordId, recordId })),
        )
        const winner = results[0]?.is === 'put' ? 'a' : 'b'
        expect(results.map((result) => result.is).sort()).toEqual(['conflict', 'put'])
        expect(results.find((result) => result.is === 'conflict')).toMatchObject({
          existing: { recordId: winner },
        })
        expect((await storage.get(pk, sk))?.recordId).toBe(winner)
      }
    })

    test('many counters at once: no version is taken twice', async () => {
      const pk = fresh()
      await put({ pk, sk: 'LOCK', body: '', version: 0 })
      const takers = Array.from({ length: 8 }, (_, i) => `taker ${i}`)
      const results = await Promise.all(
        takers.map((body) => put({ pk, sk: 'LOCK', body, version: 1 }, { is: 'version', equals: 0 })),
      )
      expect(results.filter((result) => result.is === 'put')).toHaveLength(1)
    })

    test('a query returns the prefix only, in byte order of the sort key, from this partition only', async () => {
      const pk = fresh()
      const keys = [
        'REC#a#0001',
        'REC#a#0010',
        'REC#a#0002',
        'REC#b#0001',
        'HEAD#a',
        'REC#a.undo#0001',
        'REC#a#~',
        'REC',
      ]
      for (const sk of keys) await put({ pk, sk, body: sk })
      await put({ pk: `${pk}9`, sk: 'REC#a#0003', body: '' })
      const found = async (prefix: string) => (await storage.query(pk, prefix)).map((item) => item.sk)
      expect(await found('REC#a#')).toEqual(['REC#a#0001', 'REC#a#0002', 'REC#a#0010', 'REC#a#~'])
      expect(await found('REC#')).toEqual([
        'REC#a#0001',
        'REC#a#0002',
        'REC#a#0010',
        'REC#a#~',
        'REC#a.undo#0001',
        'REC#b#0001',
      ])
      expect(await found('')).toHaveLength(keys.length)
      expect(await found('nothing')).toEqual([])
      expect(await storage.query(fresh(), 'REC#')).toEqual([])
    })

    test('a query of more than 1 MB returns every item, in order', async () => {
      const pk = fresh()
      const body = 'x'.repeat(150_000)
      const keys = Array.from({ length: 16 }, (_, i) => `REC#big#${String(i).padStart(4, '0')}`)
      for (const sk of keys) await put({ pk, sk, body })
      const found = await storage.query(pk, 'REC#big#')
      expect(found.map((item) => item.sk)).toEqual(keys)
      expect(found.every((item) => item.body === body)).toBe(true)
    })

    test('the due index shows what is due, soonest first, and nothing else', async () => {
      const shard = fresh()
      const dueAt = (sk: string, atMs?: number): Item => ({
        pk: shard,
        sk,
        body: `body of ${sk}`,
        version: 1,
        ...(atMs === undefined ? {} : { due: { shard, atMs } }),
      })
      const items = [
        dueAt('c', T + 2),
        dueAt('a', T),
        dueAt('later', T + 1000),
        dueAt('b', T + 1),
        dueAt('never'),
      ]
      for (const item of items) await put(item)
      await put({ pk: shard, sk: 'elsewhere', body: '', due: { shard: `${shard}x`, atMs: T } })
      const due = (atMs: number, limit = 10) => storage.dueBefore(shard, atMs, limit)
      await eventually(() => due(T + 2), [items[1], items[3], items[0]])
      expect(await due(T + 2, 2)).toEqual([items[1], items[3]])
      expect(await due(T - 1)).toEqual([])
      expect(await due(T + 2, 0)).toEqual([])
    })

    test('an item leaves the due index, comes back and moves with each put', async () => {
      const shard = fresh()
      let version = 0
      const keys = async (atMs: number) =>
        (await storage.dueBefore(shard, atMs, 10)).map((item) => item.version)
      const head = async (atMs?: number) => {
        version++
        const due = atMs === undefined ? {} : { due: { shard, atMs } }
        await put(
          { pk: shard, sk: 'HEAD#e', body: '', version, ...due },
          { is: 'version-below', limit: version },
        )
      }
      await head(T)
      await eventually(() => keys(T), [1])
      await head()
      await eventually(() => keys(T + 1_000_000), [])
      await head(T + 5)
      await eventually(() => keys(T + 5), [3])
      expect(await keys(T + 4)).toEqual([])
      await head(T - 5)
      await eventually(() => keys(T - 5), [4])
      await eventually(() => keys(T + 5), [4])
    })

    test('a conflict leaves the indexes as they were', async () => {
      const shard = fresh()
      const item: Item = { pk: shard, sk: 'HEAD#e', body: '', version: 2, due: { shard, atMs: T } }
      await put(item)
      await put({ ...item, due: { shard, atMs: T - 1000 } })
      await eventually(() => storage.dueBefore(shard, T, 10), [item])
      expect(await storage.dueBefore(shard, T - 1, 10)).toEqual([])
    })

    test('a list shows the newest first, up to its limit, before a time', async () => {
      const shard = fresh()
      const listed = (sk: string, atMs: number): Item => ({ pk: shard, sk, body: sk, list: { shard, atMs } })
      // Different lengths of digits: as text, 999 would be above 1000.
      const items = [listed('mid', 1_000), listed('old', 999), listed('new', T)]
      for (const item of items) await put(item)
      await put({ pk: shard, sk: 'unlisted', body: '' })
      const keys = async (limit: number, beforeMs?: number) =>
        (await storage.listed(shard, limit, beforeMs)).map((item) => item.sk)
      await eventually(() => keys(10), ['new', 'mid', 'old'])
      expect(await keys(2)).toEqual(['new', 'mid'])
      expect(await keys(10, T)).toEqual(['mid', 'old'])
      expect(await keys(10, 999)).toEqual([])
      expect((await storage.listed(shard, 1))[0]).toEqual(items[2])
    })

    test('an index longer than a page is read on until the limit', async () => {
      const shard = fresh()
      const body = 'y'.repeat(200_000)
      for (let i = 0; i < 9; i++) {
        await put({
          pk: shard,
          sk: `HEAD#${i}`,
          body,
          due: { shard, atMs: T + i },
          list: { shard, atMs: T + i },
        })
      }
      const due = async (limit: number) =>
        (await storage.dueBefore(shard, T + 100, limit)).map((item) => item.sk)
      const all = Array.from({ length: 9 }, (_, i) => `HEAD#${i}`)
      await eventually(() => due(100), all)
      expect(await due(8)).toEqual(all.slice(0, 8))
      expect((await storage.listed(shard, 8)).map((item) => item.sk)).toEqual(all.toReversed().slice(0, 8))
    })

    test('any well-formed text survives: Unicode, control characters, JSON in JSON', async () => {
      const pk = fresh()
      const bodies = [
        'Grüße, 你好, 🔥🚒, \u0301e',
        '\u0000\u0001\u001f\u007f\u2028\u2029',
        JSON.stringify({ quote: '"', back: '\\', nested: JSON.stringify(['\u{1F4A5}']) }),
        '',
        '"; DROP TABLE',
      ]
      for (const [i, body] of bodies.entries()) {
        await put({ pk, sk: `b${i}`, body })
        expect((await storage.get(pk, `b${i}`))?.body).toBe(body)
      }
    })

    test('hostile keys stay apart and are found again', async () => {
      const pk = fresh()
      const keys = [
        'REC#../../etc/passwd',
        'REC#a b\tc\n',
        'REC#\u0000',
        'REC#~',
        'REC#~~',
        'REC#/',
        'REC#%2F',
        'REC#:pk',
        'REC#é',
        'REC#e\u0301',
        'REC#\uffff',
        'REC#🔥',
        'REC#__proto__',
        'REC#constructor',
        'REC#' + 'k'.repeat(1_000),
      ]
      for (const sk of keys) expect(await put({ pk, sk, body: sk })).toEqual({ is: 'put' })
      for (const sk of keys) expect((await storage.get(pk, sk))?.body).toBe(sk)
      const inBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect((await storage.query(pk, 'REC#')).map((item) => item.sk)).toEqual(inBytes)
      for (const hostile of ['__proto__', `${pk}/..`, `${pk}#REC`, `${pk}~`]) {
        expect(await storage.get(hostile, 'REC#~')).toBeUndefined()
      }
    })

    test('390 KB fit in one item; more is refused with its key and size, and nothing is written', async () => {
      const pk = fresh()
      const body = 'ü'.repeat(195 * 1024)
      expect(await put({ pk, sk: 'REC#e#0', body })).toEqual({ is: 'put' })
      expect((await storage.get(pk, 'REC#e#0'))?.body).toBe(body)
      expect(await put({ pk, sk: 'REC#e#0', body: 'x' })).toMatchObject({
        is: 'conflict',
        existing: { body },
      })
      const tooLarge = put({ pk, sk: 'REC#e#1', body: 'ü'.repeat(206_000) })
      await expect(tooLarge).rejects.toThrow(StorageError)
      await expect(tooLarge).rejects.toThrow(new RegExp(`${pk} REC#e#1.* is 41\\d{4} bytes`))
      expect(await storage.get(pk, 'REC#e#1')).toBeUndefined()
    })

    test('keys and numbers that no table holds are refused before anything is written', async () => {
      const pk = fresh()
      for (const item of [
        { pk: '', sk: 'a', body: '' },
        { pk, sk: '', body: '' },
        { pk: 'p'.repeat(2_049), sk: 'a', body: '' },
        { pk, sk: 's'.repeat(1_025), body: '' },
        { pk, sk: 'lone \ud800', body: '' },
        { pk, sk: 'a', body: 'lone \udc00' },
        { pk, sk: 'a', body: '', version: Number.NaN },
        { pk, sk: 'a', body: '', version: 1.5 },
        { pk, sk: 'a', body: '', due: { shard: '', atMs: T } },
        { pk, sk: 'a', body: '', due: { shard: 'd', atMs: Infinity } },
        { pk, sk: 'a', body: '', list: { shard: 'd', atMs: 2 ** 60 } },
      ]) {
        await expect(put(item)).rejects.toThrow(StorageError)
      }
      await expect(storage.get(pk, '')).rejects.toThrow(StorageError)
      await expect(storage.query('', 'REC#')).rejects.toThrow(StorageError)
      expect(await storage.query(pk, '')).toEqual([])
    })
  })
}
