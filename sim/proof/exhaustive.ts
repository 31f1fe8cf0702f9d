import { FAULTS, plannedFaults, type Fault } from './faults.ts'
import { runSeed } from './run.ts'

export interface SingleFault {
  readonly ordinal: number
  readonly name: string
  readonly fault: Fault
}

/**
 * Every single fault that a run can meet: each kind of fault at each I/O of the seed's fault-free run. The sweep's reads of
 * empty index pages are the same in every minute; those of the first minutes stand for all.
 */
export async function singleFaults(seed: number): Promise<readonly SingleFault[]> {
  const { points } = await runSeed({ seed, share: 0 })
  const seen = new Map<string, number>()
  return points.flatMap(({ name }, index) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    if ((name === 'due' || name === 'list') && count > SWEEP_READS) return []
    return FAULTS.map((fault) => ({ ordinal: index + 1, name, fault }))
  })
}

const SWEEP_READS = 24

/** Plays the seed with one fault and no other; answers what it broke. */
export async function playSingle(seed: number, one: SingleFault): Promise<readonly string[]> {
  const { problems } = await runSeed({
    seed,
    share: 0,
    faults: plannedFaults(new Map([[one.ordinal, one.fault]])),
  })
  return problems.map((problem) => `seed ${seed}, ${one.fault} at I/O ${one.ordinal} ${one.name}: ${problem}`)
}
