/** Places moments on a line. What lasts long without anything happening is drawn short, and said to be. */
export interface Scale {
  x(atMs: number): number
  /** Moments that the axis names, each at its place. */
  readonly ticks: readonly number[]
  /** Where time was left out: the middle of each such gap, and how long it was. */
  readonly cuts: readonly { readonly x: number; readonly ms: number }[]
}

/** Nothing happens for so long: the rest of the gap is left out. */
const SHOWN_GAP_MS = 90_000
const TICKS = 8

/** A scale over the moments at which something happened, from `left` to `right`. Pure. */
export function scaleOf(momentsMs: readonly number[], left: number, right: number): Scale {
  const moments = [...new Set(momentsMs)].sort((a, b) => a - b)
  const [first = 0] = moments
  const pieces: { readonly fromMs: number; readonly untilMs: number; readonly shownMs: number }[] = []
  for (const [index, fromMs] of moments.entries()) {
    const untilMs = moments[index + 1]
    if (untilMs !== undefined)
      pieces.push({ fromMs, untilMs, shownMs: Math.min(untilMs - fromMs, SHOWN_GAP_MS) })
  }
  const totalMs = Math.max(
    1,
    pieces.reduce((sum, { shownMs }) => sum + shownMs, 0),
  )
  const perMs = (right - left) / totalMs
  const x = (atMs: number): number => {
    let shownMs = 0
    for (const piece of pieces) {
      if (atMs <= piece.fromMs) break
      const share = Math.min(1, (atMs - piece.fromMs) / (piece.untilMs - piece.fromMs))
      shownMs += share * piece.shownMs
    }
    return left + shownMs * perMs
  }
  const cuts = pieces
    .filter(({ fromMs, untilMs, shownMs }) => untilMs - fromMs > shownMs)
    .map(({ fromMs, untilMs }) => ({ x: (x(fromMs) + x(untilMs)) / 2, ms: untilMs - fromMs }))
  const ticks: number[] = []
  for (const atMs of [first, ...moments])
    if (ticks.length === 0 || x(atMs) - x(ticks.at(-1) ?? first) > (right - left) / TICKS) ticks.push(atMs)
  return { x, ticks, cuts }
}
