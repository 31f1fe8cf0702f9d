/** What is to happen at which virtual time: a heap by time, and by order of entry where times are equal. */
export interface Agenda {
  readonly nowMs: number
  at(atMs: number, happen: () => void): void
  /** Makes the next thing happen; `false` where nothing is left, or nothing before `untilMs`. */
  step(untilMs: number): boolean
}

interface Item {
  readonly atMs: number
  readonly order: number
  readonly happen: () => void
}

export function agendaFrom(startAtMs: number): Agenda {
  const heap: Item[] = []
  let nowMs = startAtMs
  let order = 0
  const before = (a: Item, b: Item) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

  // Both move a hole instead of swapping, since every I/O of a run passes here twice.
  function rise(item: Item): void {
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Item
      if (!before(item, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = item
  }

  function sink(item: Item): void {
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && before(heap[below + 1] as Item, heap[below] as Item)) below++
      const child = heap[below] as Item
      if (!before(child, item)) break
      heap[at] = child
      at = below
    }
    heap[at] = item
  }

  return {
    get nowMs() {
      return nowMs
    },
    at(atMs, happen) {
      rise({ atMs: Math.max(atMs, nowMs), order: order++, happen })
    },
    step(untilMs) {
      const first = heap[0]
      if (!first || first.atMs > untilMs) return false
      const last = heap.pop()
      if (last && last !== first) sink(last)
      nowMs = first.atMs
      first.happen()
      return true
    },
  }
}
