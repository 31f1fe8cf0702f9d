import type { EntryOf } from '../../lib/ledger/entry.ts'
import type { Evidence, Unwell } from './evidence.ts'
import type { Findings } from './judge.ts'
import { mayConcern, type Told } from './ledger.ts'

/** A page as it has reached a provider. */
interface Delivery {
  readonly key: string | undefined
  readonly channel: string
  readonly atMs: number
}

/** One attempt to send a page, as the record tells it. */
interface Attempt {
  readonly told: Told
  readonly step: string
  readonly intendedAtMs: number
  readonly channels: number
  /** What is on record of it before the next attempt. */
  outcome?: EntryOf<'step.applied'> | EntryOf<'step.retried' | 'step.unsettled' | 'step.failed'>
}

/**
 * Holds what has reached the providers of pages against what is on record: what is told as sent has arrived by that channel and
 * under its key, and once more only where nobody can have known of the first time. Where no outcome is on record, somebody must
 * have seen the invocation that had one end badly: the engine's own word for a dead worker is not enough.
 */
export function pagesFound(evidence: Evidence, streams: readonly Told[]): Pick<Findings, 'lost' | 'doubled'> {
  const lost: string[] = []
  const doubled: string[] = []
  const meant = Map.groupBy(streams.flatMap(attemptsOf), ({ key }) => key)
  const delivered = Map.groupBy(deliveriesOf(evidence), ({ key }) => key)
  for (const [key, made] of delivered) {
    if (key === undefined) doubled.push(`${made.length} pages have reached their provider without a key`)
    else if (!meant.has(key)) doubled.push(`page ${key} was delivered ${made.length} times and never meant`)
  }
  for (const [key, own] of meant) {
    const attempts = own.map(({ attempt }) => attempt)
    const made = delivered.get(key) ?? []
    const authors = new Set(attempts.map(({ told, step }) => `${told.stream}/${step}`))
    if (authors.size > 1) doubled.push(`page ${key} is meant by ${[...authors].join(', ')}`)
    for (const { outcome } of attempts) {
      if (outcome?.kind !== 'step.applied') continue
      const channel = outcome.receipt?.operationId?.split('/')[0]
      if (!made.some((one) => one.channel === channel))
        lost.push(`page ${key} is on record as sent by ${channel}, and it has not reached it`)
    }
    doubled.push(...repeatedInVain(key, attempts, evidence.unwell), ...tooMany(key, attempts, made))
  }
  return { lost, doubled }
}

/** Attempts whose predecessor had come to something, or whose predecessor's worker nobody has seen fail. */
function repeatedInVain(
  key: string,
  attempts: readonly Attempt[],
  unwell: readonly Unwell[],
): readonly string[] {
  return attempts.slice(0, -1).flatMap(({ told, intendedAtMs, outcome }, index) => {
    const again = `page ${key}: attempt ${index + 2} was made`
    if (outcome?.kind === 'step.retried' || outcome?.kind === 'step.unsettled') return []
    if (outcome)
      return [
        `${again}, and the one before it had ${outcome.kind === 'step.applied' ? 'been sent' : 'failed'}`,
      ]
    const wasSeen = unwell.some(
      ({ subject, startedAtMs, atMs }) =>
        startedAtMs <= intendedAtMs && intendedAtMs <= atMs && mayConcern(subject, told),
    )
    return wasSeen ? [] : [`${again}, and no worker was seen to fail at the one before it`]
  })
}

/** An attempt delivers once, by another channel as well only where the first was not heard; and never before it is on record. */
function tooMany(key: string, attempts: readonly Attempt[], made: readonly Delivery[]): readonly string[] {
  const perChannel = [...Map.groupBy(made, ({ channel }) => channel)].flatMap(([channel, own]) => {
    const early = own.findIndex(
      ({ atMs }, index) => attempts.filter(({ intendedAtMs }) => intendedAtMs <= atMs).length <= index,
    )
    return early < 0
      ? []
      : [`page ${key} was delivered by ${channel} for the ${early + 1}. time and not meant as often by then`]
  })
  if (perChannel.length > 0) return perChannel
  const room = attempts.reduce((sum, attempt) => sum + (isHeard(attempt) ? 1 : attempt.channels), 0)
  return made.length > room
    ? [`page ${key} was delivered ${made.length} times in ${attempts.length} attempts`]
    : []
}

/** The first channel of an attempt has accepted, and that is on record. */
function isHeard({ outcome }: Attempt): boolean {
  return outcome?.kind === 'step.applied' && outcome.receipt?.detail?.includes('; before it ') !== true
}

function attemptsOf(told: Told): readonly { readonly key: string; readonly attempt: Attempt }[] {
  const found: { readonly key: string; readonly attempt: Attempt }[] = []
  const open = new Map<string, Attempt>()
  for (const entry of told.entries) {
    switch (entry.kind) {
      case 'step.intended': {
        const { page, channels = [] } = (entry.change.after ?? {}) as {
          readonly page?: { readonly key: string }
          readonly channels?: readonly unknown[]
        }
        if (!page) break
        const attempt: Attempt = {
          told,
          step: entry.step,
          intendedAtMs: entry.atMs,
          channels: channels.length,
        }
        open.set(entry.step, attempt)
        found.push({ key: page.key, attempt })
        break
      }
      case 'step.applied':
      case 'step.retried':
      case 'step.unsettled':
      case 'step.failed': {
        const attempt = open.get(entry.step)
        if (attempt) attempt.outcome = entry
        break
      }
      default:
    }
  }
  return found
}

/** PagerDuty knows the key; a topic's subscribers get it as an attribute, which the account's log of calls has. */
function deliveriesOf({ world, calls }: Evidence): readonly Delivery[] {
  const published = calls.filter(({ name, effect }) => name === 'sns:Publish' && effect)
  return [
    ...world.inbox
      .filter(({ via }) => via !== 'sns')
      .map(({ via, dedupKey, atMs }) => ({ key: dedupKey, channel: via, atMs })),
    ...published.map(({ input, atMs }) => {
      const { MessageAttributes } = input as {
        readonly MessageAttributes?: { readonly key?: { readonly StringValue?: string } }
      }
      return { key: MessageAttributes?.key?.StringValue, channel: 'sns', atMs }
    }),
  ].toSorted((a, b) => a.atMs - b.atMs)
}
