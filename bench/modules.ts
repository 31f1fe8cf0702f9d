import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { bundleSizes } from '../deploy/sizes.ts'
import { atMost, spreadOf, type Line, type Section, type Spread } from './figures.ts'
import { loadedBeforeFirstEffect, type Loaded } from './loaded.ts'

const BUNDLES = fileURLToPath(new URL('../.esbuild/.build/handlers', import.meta.url))
const LOADER = fileURLToPath(new URL('./load-module.mjs', import.meta.url))

export interface ModulesSize {
  /** Fresh processes for each function. */
  readonly runs: number
}

export const MODULES_SIZE: ModulesSize = { runs: 21 }

/** One function in fresh processes: what its `import` takes, and the whole process with it. */
interface LoadTimes {
  readonly name: string
  readonly importMs: Spread
  readonly processMs: Spread
  /** Of the processes of one round, by that with the empty function. */
  readonly ratio: Spread
}

export async function measureLoads(runs: number, bundles: string): Promise<readonly LoadTimes[]> {
  const folder = mkdtempSync(join(tmpdir(), 'firebreak-bench-'))
  try {
    const empty = join(folder, 'empty.mjs')
    writeFileSync(empty, 'export const handler = async () => undefined\n')
    const paths = [empty, ...bundleSizes(bundles).map(({ name }) => resolve(bundles, `${name}.mjs`))]
    const rounds: Load[][] = []
    // The first round fills the disk's cache, and is not counted.
    for (let round = 0; round <= runs; round++) {
      const loads: Load[] = []
      for (const path of paths) loads.push(await load(path))
      if (round > 0) rounds.push(loads)
    }
    return paths.map((path, column) => ({
      name: path === empty ? 'an empty function' : (path.split('/').at(-1) ?? '').replace('.mjs', ''),
      importMs: spreadOf(rounds.map((loads) => loads[column]?.importMs ?? Number.NaN)),
      processMs: spreadOf(rounds.map((loads) => loads[column]?.processMs ?? Number.NaN)),
      ratio: spreadOf(
        rounds.map((loads) => (loads[column]?.processMs ?? Number.NaN) / (loads[0]?.processMs ?? Number.NaN)),
      ),
    }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Load {
  readonly importMs: number
  readonly processMs: number
}

async function load(path: string): Promise<Load> {
  const beganMs = performance.now()
  const child = spawn(process.execPath, [LOADER, pathToFileURL(path).href], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { NODE_NO_WARNINGS: '1', AWS_REGION: 'eu-west-1', POWERTOOLS_SERVICE_NAME: 'firebreak-bench' },
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${path} cannot be loaded`)
  return { importMs: Number(said), processMs: performance.now() - beganMs }
}

export async function modules(size = MODULES_SIZE, bundles = BUNDLES): Promise<Section> {
  const title = 'what a cold start loads; every run is a fresh process, runs alternate'
  if (!existsSync(join(bundles, 'ingest.mjs'))) {
    return {
      name: 'modules',
      title,
      lines: [],
      skipped: 'the functions are not packaged; run `npm run package` first',
    }
  }
  const loads = await measureLoads(size.runs, bundles)
  const loaded = await loadedBeforeFirstEffect(bundles)
  return { name: 'modules', title, lines: [...loads.flatMap(loadLines), ...sizeLines(bundles, loaded)] }
}

function loadLines({ name, importMs, processMs, ratio }: LoadTimes): readonly Line[] {
  return [
    { what: `${name}: import`, unit: 'ms', figure: importMs },
    { what: `${name}: process until it is loaded`, unit: 'ms', figure: processMs },
    ...(name === 'an empty function'
      ? []
      : [{ what: `${name}: ratio of the processes`, unit: '', figure: ratio }]),
  ]
}

function sizeLines(bundles: string, loaded: Loaded): readonly Line[] {
  const sizes = bundleSizes(bundles).flatMap(({ name, bytes, startBytes }): readonly Line[] => [
    {
      what: `${name}: minified, all files`,
      unit: 'bytes',
      figure: bytes,
      ...(name === 'ingest' ? { goal: atMost(1_400_000) } : {}),
    },
    { what: `${name}: loaded at a cold start`, unit: 'bytes', figure: startBytes },
  ])
  const names = loaded.files.map((file) =>
    file.replace(/^ingest\.(.*?)(-[A-Z0-9]{8})?\.mjs$/, '$1').replace('.mjs', ''),
  )
  return [
    ...sizes,
    {
      what: `ingest: evaluated before ${loaded.call}`,
      unit: 'bytes',
      figure: loaded.bytes,
      goal: atMost(700_000),
      note: `measured, ${names.length} files: ${names.filter((name) => name !== 'chunk').join(', ')} and shared chunks`,
    },
  ]
}
