import type { Item } from '../../lib/ledger/storage.ts'
import type { LoggedCall } from '../account.ts'
import type { World } from '../world.ts'
import type { Kill } from './kills.ts'

/** All that a kill test goes by when everything has come to rest. */
export interface Evidence {
  /** Every transition into ALARM that was delivered. */
  readonly onsets: readonly Onset[]
  /** The whole table. */
  readonly items: readonly Item[]
  /** The account's own log: every call that changed something, whoever made it. */
  readonly calls: readonly LoggedCall[]
  readonly world: World
  readonly kills: readonly Kill[]
  /** Messages that a queue gave up. */
  readonly deadLetters: number
}

/** A transition of an alarm into ALARM, by the source's own time. */
export interface Onset {
  readonly alarm: string
  readonly signalId: string
  readonly onsetAtMs: number
}
