import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface BundleSize {
  readonly name: string
  /** Minified, all chunks together. */
  readonly bytes: number
  /** What a cold start loads: the entry and what it imports statically; the rest is loaded when it is asked for. */
  readonly startBytes: number
}

/** Where serverless-esbuild leaves the bundles. */
export const BUNDLES = '.esbuild/.build/handlers'

/** The sizes of the bundles that the last packaging left; throws where there are none. */
export function bundleSizes(folder = BUNDLES): readonly BundleSize[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'))
  const names = files.map((file) => file.replace(/\..*$/, ''))
  return [...new Set(names)].sort().map((name) => ({
    name,
    bytes: sum(
      folder,
      files.filter((file) => file.startsWith(`${name}.`)),
    ),
    startBytes: sum(folder, [...loadedWith(folder, `${name}.mjs`)]),
  }))
}

function sum(folder: string, files: readonly string[]): number {
  return files.reduce((bytes, file) => bytes + statSync(join(folder, file)).size, 0)
}

/** The file and what it imports statically, directly or not. In minified ESM such an import is `from"./x"` or `import"./x"`. */
export function loadedWith(folder: string, file: string, loaded = new Set<string>()): ReadonlySet<string> {
  if (loaded.has(file)) return loaded
  loaded.add(file)
  const text = readFileSync(join(folder, file), 'utf8')
  for (const [, next] of text.matchAll(/(?:from|import)"\.\/([^"]+\.mjs)"/g))
    loadedWith(folder, next ?? '', loaded)
  return loaded
}
