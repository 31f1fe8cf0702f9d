import type { CallName, Calls } from '../lib/aws/aws.ts'
import type { Sim } from './world.ts'

/** What the account does for one call. `$metadata` is added by the account. */
export type Handler<K extends CallName> = (sim: Sim, input: Calls[K]['input']) => Answer<K>

/** An answer without its metadata. */
export type Answer<K extends CallName> = Omit<Calls[K]['output'], '$metadata'>
