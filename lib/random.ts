import { randomUUID } from 'node:crypto'

/** The only source of chance, so that the simulator can seed it. */
export interface Random {
  /** A fresh UUID: record ids and worker ids. */
  id(): string
  /** Uniform in [0, 1): jitter. */
  fraction(): number
}

export const systemRandom: Random = { id: () => randomUUID(), fraction: () => Math.random() }
