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
  const app = appOn(until === 'last-record' ? watched(storage, chain, reached) : storage, chain.nowMs, aws, { post: async () => chain.answers.post }, chain.catalogue)
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
  const answered = new Map<string, Promise<unknown>>()
  let reachedMs = 0
  const beganMs = performance.now()
  for (const link of chain.links) {
    const ready = Promise.all(link.after.map((key) => answered.get(key)))
    const whole = ready.then(async () => {
      if (link.key === end && until === 'first-effect') reachedMs = performance.now()
      await send(link)
      if (link.key === end && until === 'last-record') reachedMs = performance.now()
    })
    answered.set(link.key, whole)
  }
  await Promise.all(answered.values())
  return reachedMs - beganMs
}

export interface Pairs {
  readonly engineMs: Spread
  readonly bareMs: Spread
  /** Of each pair, engine by bare. */
  readonly ratio: Spread
}

const WARM_UP = 10

/** Engine, bare, engine, bare ... on the same store, each run on a part of its own. */
export async function measurePairs(chain: Chain, storage: Storage, until: Until, pairs: number): Promise<Pairs> {
  const engine: number[] = []
  const bare: number[] = []
  for (let i = 0; i < pairs + WARM_UP; i++) {
    const engineMs = await runEngine(chain, partOf(storage, `${until}-engine-${i}`), until)
    const bareMs = await runBare(chain, partOf(storage, `${until}-bare-${i}`), until)
    if (i < WARM_UP) continue
    engine.push(engineMs)
    bare.push(bareMs)
  }
  return { engineMs: spreadOf(engine), bareMs: spreadOf(bare), ratio: spreadOf(engine.map((ms, i) => ms / (bare[i] ?? Number.NaN))) }
}
