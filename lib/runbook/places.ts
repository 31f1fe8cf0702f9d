import { isMap, isScalar, isSeq } from 'yaml'
import type { Node } from 'yaml'

/** The way to a value: keys and indexes from the root. */
export type Path = readonly PropertyKey[]

/** Where a node begins, and where its value ends. */
export function rangeOf(node: Node | null | undefined): readonly [number, number] {
  const range = node?.range
  return range ? [range[0], range[1]] : [0, 1]
}

/** A stretch of the file, with the node that stands there. */
export interface Place {
  readonly start: number
  readonly end: number
  readonly node?: Node | undefined
}

/** Where a path leads; where it breaks off, the key or the beginning of the last node on the way. */
export function locate(root: Node | undefined, path: Path, onKey: boolean): Place {
  let node: Node | null | undefined = root
  let key: Node | undefined
  for (const [index, step] of path.entries()) {
    const child = childOf(node, step)
    if (!child) {
      if (onKey || node === root || !key) return first(node)
      return placeOfNode(isMap(node) || isSeq(node) ? node : key)
    }
    key = child.key
    node = child.value
    if (index === path.length - 1 && onKey && key) return placeOfNode(key)
  }
  // A key without a value has an empty range: its key shows the place better.
  if (key && (!node || rangeOf(node)[0] === rangeOf(node)[1])) return placeOfNode(key)
  return isMap(node) || isSeq(node) ? { ...first(node), node } : placeOfNode(node)
}

function childOf(
  node: Node | null | undefined,
  step: PropertyKey,
): { key?: Node | undefined; value: Node | null } | undefined {
  if (isSeq(node) && typeof step === 'number') {
    return step < node.items.length ? { value: node.items[step] as Node | null } : undefined
  }
  if (!isMap(node)) return undefined
  const pair = node.items.find(
    (item) => isScalar(item.key) && (item.key.value === step || item.key.source === step),
  )
  return pair ? { key: pair.key as Node, value: pair.value as Node | null } : undefined
}

function placeOfNode(node: Node | null | undefined): Place {
  const [start, end] = rangeOf(node)
  return isMap(node) || isSeq(node) ? first(node) : { start, end, node: node ?? undefined }
}

/** A list or mapping is pointed at by its first key, since it may fill the whole screen. */
function first(node: Node | null | undefined): Place {
  const [start] = rangeOf(node)
  if (isMap(node) && node.flow !== true) {
    const key = node.items[0]?.key as Node | undefined
    if (key) return { start, end: rangeOf(key)[1] }
  }
  return { start, end: start + 1 }
}

/** Offsets inside a scalar's text hold for the file only where the file spells the text out without escapes or folding. */
export function narrow(
  text: string,
  place: Place,
  within: { readonly start: number; readonly end: number } | undefined,
): { start: number; end: number } {
  const { node } = place
  if (!within || !isScalar(node) || typeof node.value !== 'string') return place
  const inner = place.start + (node.type === 'PLAIN' ? 0 : 1)
  if (text.slice(inner, inner + node.value.length) !== node.value) return place
  const start = inner + Math.min(within.start, node.value.length)
  return { start, end: Math.max(start + 1, inner + Math.min(within.end, node.value.length)) }
}
