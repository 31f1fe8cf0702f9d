import type { Json } from '../json.ts'
import { sha256, signalIdFor } from '../ids.ts'
import { cleanName, cleanText, type Members } from './read.ts'
import type { Parsed, Signal } from './signal.ts'

/** A partition key of DynamoDB has at most 2,048 bytes; this leaves room for what is put before it. */
const MAX_KEY_BYTES = 1_500
const MAX_EVENT_BYTES = 65_536

/** What a parser found out; `signalOf` cleans it, and leaves out what is `undefined`. */
export interface Facts {
  readonly source: string
  readonly via: Signal['via']
  /** The dedup key's parts after the source; blank ones become `-`. */
  readonly key: readonly (string | undefined)[]
  readonly name: string
  readonly state: Signal['state']
  readonly stateAtMs: number
  readonly reason: string | undefined
  readonly account?: string | undefined
  readonly region?: string | undefined
  readonly previousState?: Signal['previousState'] | undefined
  readonly silenced?: Signal['silenced'] | undefined
  readonly windowMs?: number | undefined
  readonly value?: number | undefined
  readonly threshold?: number | undefined
  readonly event?: Members | undefined
}

export function signalOf(facts: Facts): Extract<Parsed, { is: 'signal' }> {
  const account = cleanName(facts.account, 64)
  const region = cleanName(facts.region, 64)
  const { previousState, silenced, windowMs, value, threshold, event } = facts
  const key = keyOf(facts.source, ...facts.key)
  const name = cleanName(facts.name) ?? facts.source
  return {
    is: 'signal',
    signal: {
      signalId: signalIdFor(key, facts.state, facts.stateAtMs),
      source: facts.source,
      via: facts.via,
      key,
      name,
      ...(account !== undefined && { account }),
      ...(region !== undefined && { region }),
      state: facts.state,
      ...(previousState !== undefined && { previousState }),
      stateAtMs: facts.stateAtMs,
      reason: cleanText(facts.reason ?? '') || `${name}: ${facts.state}, no reason given`,
      ...(silenced !== undefined && {
        silenced: { by: silenced.by, reason: cleanText(silenced.reason, 300) },
      }),
      ...(windowMs !== undefined && { windowMs }),
      ...(value !== undefined && { value }),
      ...(threshold !== undefined && { threshold }),
      ...(event !== undefined && fits(event) && { event }),
    },
  }
}

/** `cloudwatch/<account>/<region>/<name>`; where that is too long for a key, its end is replaced by its hash. */
export function keyOf(source: string, ...parts: readonly (string | undefined)[]): string {
  const key = [source, ...parts.map((part) => cleanName(part, 4096) ?? '-')].join('/')
  return Buffer.byteLength(key) <= MAX_KEY_BYTES
    ? key
    : `${key.slice(0, 400).toWellFormed()}~${sha256(key).slice(0, 24)}`
}

/** A webhook's payload in the shape of an EventBridge event, so that one kind of pattern matches all sources. */
export function eventOf(source: string, detailType: string, detail: Json): Members {
  return { source, 'detail-type': detailType, detail }
}

function fits(event: Members): boolean {
  return Buffer.byteLength(JSON.stringify(event)) <= MAX_EVENT_BYTES
}

export function ignored(code: string, reason: string): Parsed {
  return { is: 'ignored', code, reason: cleanText(reason) }
}

export function refused(code: string, reason: string): Parsed {
  return { is: 'refused', code, reason: cleanText(reason) }
}
