import { longestWay, recordChain, storeTripsBefore, type Chain } from './chain.ts'
import { atMost, type Section } from './figures.ts'
import { measurePairs, type Pairs } from './pairs.ts'
import { startStore } from './store.ts'

export interface FirstEffectSize {
  readonly pairs: number
  readonly warmUp: number
}

export const FIRST_EFFECT_SIZE: FirstEffectSize = { pairs: 100, warmUp: 20 }

/** CORE.md 1.2: OPEN, the writes of the start, the lock with the observation, record 0. */
const ROUND_TRIPS = 4

/** From the signal to the first call that changes something, against the bare requests that this call waits for. */
export async function measureFirstEffect(
  size: FirstEffectSize,
): Promise<{ readonly chain: Chain; readonly pairs: Pairs }> {
  const chain = await recordChain()
  const store = await startStore()
  try {
    return { chain, pairs: await measurePairs(chain, store.storage, 'first-effect', size) }
  } finally {
    await store.close()
  }
}

export async function firstEffect(size = FIRST_EFFECT_SIZE): Promise<Section> {
  const { chain, pairs } = await measureFirstEffect(size)
  return {
    name: 'first-effect',
    title:
      'signal in to the first mitigating call, against the same chain of bare requests; AWS answers at once',
    lines: [
      { what: 'signal to the first mitigating call', unit: 'ms', figure: pairs.engineMs },
      { what: 'the same chain bare', unit: 'ms', figure: pairs.bareMs },
      { what: 'ratio', unit: '', figure: pairs.ratio, goal: atMost(1.2), note: 'of each pair' },
      {
        what: 'ratio of the lower quartiles',
        unit: '',
        figure: pairs.quartileRatio,
        note: 'where others use the machine, the truer one',
      },
      {
        what: 'answers of the store in a row before it',
        unit: '',
        figure: storeTripsBefore(chain, chain.firstEffect),
        goal: atMost(ROUND_TRIPS),
        note: longestWay(chain, chain.firstEffect).join(' -> '),
      },
    ],
  }
}
