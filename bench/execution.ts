import type { Storage } from '../lib/ledger/storage.ts'
import { recordChain, storeTripsBefore, type Chain } from './chain.ts'
import { atMost, inFlight, spreadOf, type Section, type Spread } from './figures.ts'
import { measurePairs, runBare, runEngine, type Pairs } from './pairs.ts'
import { partOf, startStore } from './store.ts'

export interface ExecutionSize {
  readonly pairs: number
  readonly warmUp: number
  /** Each block is so many executions, and as many bare. */
  readonly blocks: number
  readonly executionsPerBlock: number
  readonly inFlight: number
}

export const EXECUTION_SIZE: ExecutionSize = {
  pairs: 100,
  warmUp: 20,
  blocks: 5,
  executionsPerBlock: 64,
  inFlight: 16,
}

export interface ExecutionFigures {
  readonly chain: Chain
  readonly pairs: Pairs
  readonly perSecond: Spread
  readonly barePerSecond: Spread
  readonly throughputRatio: Spread
}

/** A four-step execution against its own writes issued bare, one at a time and many in flight. */
export async function measureExecution(size: ExecutionSize): Promise<ExecutionFigures> {
  const chain = await recordChain()
  const store = await startStore()
  try {
    const pairs = await measurePairs(chain, store.storage, 'last-record', size)
    return { chain, pairs, ...(await throughput(chain, store.storage, size)) }
  } finally {
    await store.close()
  }
}

async function throughput(chain: Chain, storage: Storage, size: ExecutionSize) {
  const engine: number[] = []
  const bare: number[] = []
  for (let block = 0; block < size.blocks; block++) {
    engine.push(
      await perSecondOf(size, (i) =>
        runEngine(chain, partOf(storage, `many-engine-${block}-${i}`), 'last-record'),
      ),
    )
    bare.push(
      await perSecondOf(size, (i) =>
        runBare(chain, partOf(storage, `many-bare-${block}-${i}`), 'last-record'),
      ),
    )
  }
  return {
    perSecond: spreadOf(engine),
    barePerSecond: spreadOf(bare),
    throughputRatio: spreadOf(engine.map((perSecond, i) => (bare[i] ?? Number.NaN) / perSecond)),
  }
}

/** Executions a second. */
async function perSecondOf(size: ExecutionSize, run: (index: number) => Promise<number>): Promise<number> {
  const list = Array.from({ length: size.executionsPerBlock }, (_unused, index) => index)
  const beganMs = performance.now()
  await inFlight(size.inFlight, list, async (index) => void (await run(index)))
  return (size.executionsPerBlock * 1_000) / (performance.now() - beganMs)
}

export async function execution(size = EXECUTION_SIZE): Promise<Section> {
  const { chain, pairs, perSecond, barePerSecond, throughputRatio } = await measureExecution(size)
  const puts = chain.links.filter(({ io }) => io.is === 'put').length
  const reads = chain.links.filter(({ io }) => io.is === 'get' || io.is === 'query').length
  return {
    name: 'execution',
    title: `an execution of ${chain.steps} steps against the very same ${puts} writes and ${reads} reads issued bare`,
    lines: [
      { what: 'signal to the last step on record', unit: 'ms', figure: pairs.engineMs },
      { what: 'the same requests bare', unit: 'ms', figure: pairs.bareMs },
      { what: 'ratio', unit: '', figure: pairs.ratio, goal: atMost(1.2), note: 'of each pair' },
      {
        what: 'ratio of the lower quartiles',
        unit: '',
        figure: pairs.quartileRatio,
        note: 'where others use the machine, the truer one',
      },
      {
        what: 'answers of the store in a row until then',
        unit: '',
        figure: storeTripsBefore(chain, chain.lastRecord) + 1,
      },
      {
        what: `executions with ${size.inFlight} in flight`,
        unit: 'a second',
        figure: perSecond,
        note: `blocks of ${size.executionsPerBlock}`,
      },
      { what: `the same requests bare, ${size.inFlight} in flight`, unit: 'a second', figure: barePerSecond },
      {
        what: 'ratio of the times',
        unit: '',
        figure: throughputRatio,
        note: 'both share the cores with the store',
      },
    ],
  }
}
