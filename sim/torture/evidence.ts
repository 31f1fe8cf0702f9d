import type { Item } from '../../lib/ledger/storage.ts'
import type { LoggedCall } from '../account.ts'
import type { World } from '../world.ts'
import type { Kill, Subject } from './kills.ts'

/** All that a kill test goes by when everything has come to rest. */
export interface Evidence {
  /** Every transition into ALARM that was delivered. */
  readonly onsets: readonly Onset[]
  /** The whole table. */
  readonly items: readonly Item[]
  /** The account's own log: every call that changed something, whoever made it. */
  readonly calls: readonly LoggedCall[]
  /** What stands in the account, and in `inbox` what its providers have been given for people. */
  readonly world: World
  readonly kills: readonly Kill[]
  /** Every invocation that did not end well. */
  readonly unwell: readonly Unwell[]
  /** Messages that a queue gave up. */
  readonly deadLetters: number
}

/** An invocation that was killed, that threw, or that gave its message back, as the parent has seen it. Virtual times. */
export interface Unwell {
  readonly subject: Subject
  readonly startedAtMs: number
  readonly atMs: number
}

/** A transition of an alarm into ALARM, by the source's own time. */
export interface Onset {
  readonly alarm: string
  readonly signalId: string
  readonly onsetAtMs: number
}
