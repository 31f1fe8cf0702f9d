import { ingest } from '../lib/ingest.ts'
import type { Storage } from '../lib/ledger/storage.ts'
import { answeringAws, type Chain, type Link } from './chain.ts'
import { spreadOf, type Spread } from './figures.ts'
import { partOf } from './store.ts'
import { appOn, turnOf } from './world.ts'

/** Up to where a run is timed. */
export type Until = 'first-effect' | 'last-record'

/** The engine itself: a signal comes in, the first turn runs to its end. Answers the milliseconds until the given moment. */
export async function runEngine(chain: Chain, storage: Storage, until: Until): Promise<number> {
  let reachedMs: number | undefined
  const reached = () => (reachedMs ??= performance.now())
  const effect = chain.links.find((link) => link.key === chain.firstEffect)?.io
  const aws = answeringAws(chain.answers, (name) => {
    if (until === 'first-effect' && effect?.is === 'aws' && name === effect.name) reached()
  })
  const app = appOn(
    until === 'last-record' ? watched(storage, chain, reached) : storage,
    chain.nowMs,
    aws,
    { post: async () => chain.answers.post },
    chain.catalogue,
  )
  const text = JSON.stringify(chain.event)
  const beganMs = performance.now()
  await ingest(app, JSON.parse(text), turnOf(app))
  if (reachedMs === undefined) throw new Error(`the execution ended without its ${until}`)
  return reachedMs - beganMs
}

/** Tells when the last record has answered. */
function watched(storage: Storage, chain: Chain, reached: () => void): Storage {
  const last = chain.links.find((link) => link.key === chain.lastRecord)?.io
  const sk = last?.is === 'put' ? last.item.sk : ''
  return {
    ...storage,
    async put(item, condition) {
      const answer = await storage.put(item, condition)
      if (item.sk === sk) reached()
      return answer
    },
  }
}

/** The very same requests without the engine, each as soon as what it waits for has answered. */
export async function runBare(chain: Chain, storage: Storage, until: Until): Promise<number> {
  const aws = answeringAws(chain.answers)({})
  const send = async ({ io }: Link): Promise<unknown> => {
    switch (io.is) {
      case 'put':
        return storage.put(io.item, io.condition)
      case 'get':
        return storage.get(io.pk, io.sk)
      case 'query':
        return storage.query(io.pk, io.prefix)
      case 'aws':
        return aws.call(io.name, io.input as never)
      case 'post':
        return chain.answers.post
    }
  }
  const end = until === 'first-effect' ? chain.firstEffect : chain.lastRecord
  const answered = new Map<string, Promise<void>>()
  let reachedMs = 0
  const beganMs = performance.now()
  const follow = async (link: Link): Promise<void> => {
    await Promise.all(link.after.flatMap((key) => answered.get(key) ?? []))
    if (link.key === end && until === 'first-effect') reachedMs = performance.now()
    await send(link)
    if (link.key === end && until === 'last-record') reachedMs = performance.now()
  }
  // In the order in which they began, so what a request waits for is always there before it.
  for (const link of chain.links) answered.set(link.key, follow(link))
  await Promise.all(answered.values())
  return reachedMs - beganMs
}

export interface Pairs {
  readonly engineMs: Spread
  readonly bareMs: Spread
  /** Of each pair, engine by bare. */
  readonly ratio: Spread
  /** Of the times that a quarter of the runs stay below: what others do on the machine lengthens the rest. */
  readonly quartileRatio: number
}

/** Engine and bare in turn on the same store, every other pair the other way round, each run on a part of its own. */
export async function measurePairs(
  chain: Chain,
  storage: Storage,
  until: Until,
  size: { readonly pairs: number; readonly warmUp: number },
): Promise<Pairs> {
  const engine: number[] = []
  const bare: number[] = []
  for (let i = 0; i < size.warmUp + size.pairs; i++) {
    const runs = [
      async () => void engine.push(await runEngine(chain, partOf(storage, `${until}-engine-${i}`), until)),
      async () => void bare.push(await runBare(chain, partOf(storage, `${until}-bare-${i}`), until)),
    ]
    for (const run of i % 2 === 0 ? runs : runs.toReversed()) await run()
  }
  const [engineMs, bareMs] = [engine.slice(size.warmUp), bare.slice(size.warmUp)]
  return {
    engineMs: spreadOf(engineMs),
    bareMs: spreadOf(bareMs),
    ratio: spreadOf(engineMs.map((ms, i) => ms / (bareMs[i] ?? Number.NaN))),
    quartileRatio: lowerQuartile(engineMs) / lowerQuartile(bareMs),
  }
}

function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 4)] ?? Number.NaN
}
