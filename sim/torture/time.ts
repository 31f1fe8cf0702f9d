/**
 * The virtual time of a kill test. It runs 1:1 with the real one, so that leases and the processes that hold them keep
 * their proportions, and jumps only where the caller knows that nothing is under way. It never stands still: a worker that
 * idles keeps its own clock 1:1, and must not come to be ahead.
 */
export interface VirtualTime {
  /** Milliseconds since the epoch. */
  now(): number
  /** On to that time at once; an earlier one changes nothing. */
  jumpTo(atMs: number): void
}

export function virtualTime(startAtMs: number, elapsedMs: () => number): VirtualTime {
  const sinceMs = elapsedMs()
  let jumpedMs = 0
  const now = () => Math.floor(startAtMs + jumpedMs + elapsedMs() - sinceMs)
  return {
    now,
    jumpTo: (atMs) => {
      jumpedMs += Math.max(0, atMs - now())
    },
  }
}
