import { deliveryAt } from '../../lib/signal/delivery.ts'
import { stateTimeOf, timeOf } from '../../lib/signal/time.ts'

test.each([
  ['2026-03-09T02:14:07.412+0000', 1_773_022_447_412],
  ['2026-03-09T02:14:07.412Z', 1_773_022_447_412],
  ['2026-03-09T02:14:07Z', 1_773_022_447_000],
  ['2026-03-09T02:14Z', 1_773_022_440_000],
  ['2026-03-09T02:14:07.412999999Z', 1_773_022_447_412],
  ['2026-03-09T02:14:07.4Z', 1_773_022_447_400],
  ['2026-03-09T04:14:07.412+02:00', 1_773_022_447_412],
  ['2026-03-08T18:44:07.412-0730', 1_773_022_447_412],
  ['2026-03-09 02:14:07.412', 1_773_022_447_412],
  ['2026-03-09 02:14:07 UTC', 1_773_022_447_000],
  ['2026-03-09', 1_773_014_400_000],
  ['Mon, 9 Mar 2026 02:14:07 GMT', 1_773_022_447_000],
  ['Fri, 09 Mar 2026 02:14:07 GMT', 1_773_022_447_000],
  ['Mon Mar 09 02:14:07 UTC 2026', 1_773_022_447_000],
  [1_773_022_447, 1_773_022_447_000],
  [1_773_022_447.412, 1_773_022_447_412],
  [1_773_022_447_412, 1_773_022_447_412],
  ['1773022447412', 1_773_022_447_412],
  [1_773_022_447_412_000, 1_773_022_447_412],
  ['1773022447412999999', 1_773_022_447_413],
  ['1970-01-01T00:00:00Z', 0],
  ['0001-01-01T00:00:00Z', undefined],
  ['2026-02-29T00:00:00Z', undefined],
  ['2026-13-01T00:00:00Z', undefined],
  ['2026-03-09T24:14:07Z', undefined],
  ['+275760-09-13T00:00:00Z', undefined],
  ['yesterday', undefined],
  ['', undefined],
  [0, undefined],
  [-5, undefined],
  [Number.NaN, undefined],
  [Infinity, undefined],
  [null, undefined],
  [{}, undefined],
])('%p is %p', (text, atMs) => {
  expect(timeOf(text)).toBe(atMs)
})

test('the first time that can be read counts, then when the envelope was sent', () => {
  const delivery = { ...deliveryAt(1_773_022_448_000), sentAtMs: 1_773_022_447_900 }
  expect(stateTimeOf(delivery, 'never', '2026-03-09T02:14:07Z')).toBe(1_773_022_447_000)
  expect(stateTimeOf(delivery, 'never', undefined)).toBe(1_773_022_447_900)
  expect(stateTimeOf(deliveryAt(1_773_022_448_000), 'never')).toBeUndefined()
})

test('a clock that is hours ahead is believed, one that is days ahead is not', () => {
  const delivery = deliveryAt(1_773_022_448_000)
  expect(stateTimeOf(delivery, 1_773_022_448_000 + 3_600_000)).toBe(1_773_026_048_000)
  expect(stateTimeOf(delivery, 1_773_022_448_000 + 3 * 86_400_000)).toBe(1_773_022_448_000)
})
