import { allDone } from '../lib/all-done.ts'

test('results come in the order of the work', async () => {
  expect(await allDone([Promise.resolve(1), 'two', Promise.resolve([3])])).toEqual([1, 'two', [3]])
  expect(await allDone([])).toEqual([])
})

test('a rejection is thrown only when nothing is under way any more', async () => {
  const ended: string[] = []
  const slow = new Promise<void>((resolve) => setImmediate(resolve)).then(() => ended.push('slow'))
  await expect(
    allDone([Promise.reject(new Error('first')), slow, Promise.reject(new Error('second'))]),
  ).rejects.toThrow('first')
  expect(ended).toEqual(['slow'])
})
