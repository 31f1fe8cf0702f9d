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

  function rise(from: number): void {
    let at = from
    for (;;) {
      const parent = (at - 1) >> 1
      const [child, above] = [heap[at], heap[parent]]
      if (at === 0 || !child || !above || !before(child, above)) return
      heap[at] = above
      heap[parent] = child
      at = parent
    }
  }

  function sink(): void {
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const [one, other] = [heap[left], heap[left + 1]]
      const below = one && other && before(other, one) ? left + 1 : left
      const [item, child] = [heap[at], heap[below]]
      if (!item || !child || !before(child, item)) return
      heap[at] = child
      heap[below] = item
      at = below
    }
  }

  return {
    get nowMs() {
      return nowMs
    },
    at(atMs, happen) {
      heap.push({ atMs: Math.max(atMs, nowMs), order: order++, happen })
      rise(heap.length - 1)
    },
    step(untilMs) {
      const [first] = heap
      if (!first || first.atMs > untilMs) return false
      const last = heap.pop()
      if (last && last !== first) {
        heap[0] = last
        sink()
      }
      nowMs = first.atMs
      first.happen()
      return true
    },
  }
}
