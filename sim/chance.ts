import { sha256 } from '../lib/ids.ts'
import type { World } from './world.ts'

/*
 * Chance without a stream: every value is a hash of the seed and of what it is for. A call more or less in one place
 * thus changes nothing elsewhere, and the same seed plays the same world.
 */

/** The first ids of a kind are the same for every world of one seed: the proof plays a million of those. */
const drawn = new Map<string, string>()
const KEPT = 500

/** The next hex text for this kind of id. */
function nextHex(world: World, kind: string): string {
  const number = (world.ids[kind] ?? 0) + 1
  world.ids[kind] = number
  const what = `${world.seed}/${kind}/${number}`
  const known = drawn.get(what)
  if (known !== undefined) return known
  const hex = sha256(what)
  if (number <= KEPT) drawn.set(what, hex)
  return hex
}

/** The shape of a UUID, as request ids, event ids and message ids have. */
export function nextUuid(world: World, kind: string): string {
  const hex = nextHex(world, kind)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** Capital letters and digits, as deployments (`d-`) and DNS changes (`C`) are named. */
export function nextCapitals(world: World, kind: string, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
  const hex = nextHex(world, kind)
  let text = ''
  for (let i = 0; i < length; i++) text += alphabet[Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16) % 36]
  return text
}

/** Digits, as ECS names its deployments. */
export function nextDigits(world: World, kind: string, length: number): string {
  const hex = nextHex(world, kind)
  let text = '1'
  for (let i = 1; i < length; i++) text += Number.parseInt(hex.slice(i, i + 1), 16) % 10
  return text
}

/** A number in [0, 1) that depends on the seed, a label and a time only. Cheap: one call a tick and endpoint. */
export function noise(seed: number, label: number, atMs: number): number {
  let x =
    (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(label + 1, 0xc2b2ae35) ^ Math.floor(atMs / 1000)) |
    0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return ((x ^ (x >>> 16)) >>> 0) / 0x1_0000_0000
}
