import type { Json } from '../json.ts'

/** An event after parsing. AWS's payload shapes end at the parsers in this folder. */
export interface Signal {
  /** `signalIdFor(key, state, stateAtMs)`: the same transition has the same id by whichever path it came. */
  readonly signalId: string
  /** Which parser understood it: `cloudwatch`, `codedeploy`, `eventbridge`, `alertmanager`, `manual` ... */
  readonly source: string
  /** How it was delivered; not part of its identity. */
  readonly via: 'eventbridge' | 'alarm-action' | 'sns' | 'webhook' | 'manual'
  /** Joins signals of one problem: `cloudwatch/<account>/<region>/<alarm name>`. */
  readonly key: string
  /** The alarm's name, or what the event is about; triggers match it. */
  readonly name: string
  readonly account?: string
  readonly region?: string
  /** `alarm` and `ok` open and clear; `insufficient-data` is neither; `occurred` is an event that never clears. */
  readonly state: 'alarm' | 'ok' | 'insufficient-data' | 'occurred'
  readonly previousState?: 'alarm' | 'ok' | 'insufficient-data'
  /** The source's own time of this state. Duplicates and stale deliveries are told by it, never by arrival. */
  readonly stateAtMs: number
  /** The source's sentence, at most 1,000 characters. */
  readonly reason: string
  /** Present when the source says that its actions must not run now: a mute rule, a suppressor. */
  readonly silenced?: { readonly by: 'muted' | 'suppressed'; readonly reason: string }
  /** How long the alarm looks back: a cooldown is never shorter. */
  readonly windowMs?: number
  /** `alarm.value`, `alarm.threshold` for conditions and the timeline, where the source tells them. */
  readonly value?: number
  readonly threshold?: number
  /** The event itself, for EventBridge patterns; absent where it exceeds 64 KiB of JSON. */
  readonly event?: { readonly [name: string]: Json }
}

/** What became of a payload, or of one part of a payload that carries several. */
export type Parsed =
  | { readonly is: 'signal'; readonly signal: Signal }
  /** Understood, and carries no incident: a subscription handshake, a configuration change. */
  | { readonly is: 'ignored'; readonly code: string; readonly reason: string }
  /** Not understood, malformed or hostile. */
  | { readonly is: 'refused'; readonly code: string; readonly reason: string }
