import { sha256 } from '../../lib/ids.ts'
import { putPosted, readPosted, type Posted } from '../../lib/ledger/posted.ts'
import { loadIncident, loadRecords } from '../../lib/ledger/records.ts'
import type { App } from '../../lib/ports.ts'
import { MAX_DELAY_MS } from '../../lib/queue.ts'
import type { SlackSettings } from '../../lib/runbook/runbook.ts'
import { timelineOf } from '../../lib/timeline.ts'
import { askSlack, type SlackAnswer } from './api.ts'
import { incidentMessage, noticesOf, type Message, type Shown } from './incident-message.ts'

/** Whoever posts a message first has so long; who finds the claim of somebody gone posts it, perhaps a second time. */
const CLAIM_MS = 20_000
/** What stands in a text is not fetched and shown. */
const NO_UNFURL = { unfurl_links: false, unfurl_media: false } as const
/** Whoever finds somebody at it comes back after this. */
const BUSY_MS = 2_000
/** What changes nothing that people act on waits for this, so that a storm of entries is one edit. */
const QUIET_MS = 15_000

/** All that is known of one incident, for its message; `undefined` where there is none. */
export async function shownOf(app: App, incidentId: string): Promise<Shown | undefined> {
  const { storage, clock } = app.ports
  const timeline = timelineOf(await loadRecords(storage, incidentId))
  if (!timeline.incident) return undefined
  const streams = await loadIncident(storage, incidentId)
  const { url } = app.catalogue.slack ?? {}
  return {
    timeline,
    incident: timeline.incident,
    streams: new Map(streams.map(({ stream, entries }) => [stream, entries])),
    nowMs: clock.now(),
    ...(url === undefined ? {} : { url }),
  }
}

/**
 * Brings the one message of an incident to where it stands: posts it, or edits it in place, and says in its thread what must be
 * noticed. Where Slack wants to be asked later, or nothing important has changed, it comes back by the queue.
 */
export async function tellIncident(app: App, incidentId: string): Promise<void> {
  const { slack } = app.catalogue
  if (!slack) return
  const shown = await shownOf(app, incidentId)
  if (!shown) return
  const before = await readPosted(app.ports.storage, incidentId)
  const message = incidentMessage(shown, 'plan')
  const hash = sha256(importantOf(message))
  const records = [...shown.streams.values()].reduce((sum, entries) => sum + entries.length, 0)
  if (before && before.records > records) return
  // Somebody is posting it, or Slack has said when it may be asked again.
  const heldForMs = (before?.claimedUntilMs ?? 0) - shown.nowMs
  if (heldForMs > 0) return later(app, incidentId, before?.isBusy ? Math.min(BUSY_MS, heldForMs) : heldForMs)
  const next = { incidentId, hash, records, atMs: shown.nowMs }
  const posted =
    before?.ts === undefined
      ? await post(app, slack, shown, before, next)
      : await edit(app, slack, shown, before, next)
  if (posted) await sayIn(app, slack, shown, posted)
}

type Next = Pick<Posted, 'incidentId' | 'hash' | 'records' | 'atMs'>

async function post(
  app: App,
  slack: SlackSettings,
  shown: Shown,
  before: Posted | undefined,
  next: Next,
): Promise<Posted | undefined> {
  const { storage } = app.ports
  const { nowMs } = shown
  const channel = slack.channels[shown.incident.service] ?? slack.channel
  const base = { ...next, channel, said: [] }
  const claimed = await putPosted(storage, before, { ...base, ...claimFrom(nowMs) })
  if (!claimed) return later(app, next.incidentId, BUSY_MS)
  const answer = await send(app, slack, shown, (message) => ['chat.postMessage', { channel, ...message }])
  if (answer.is !== 'ok') {
    // Nothing stands there: whoever comes next waits for Slack, and not for us.
    await putPosted(storage, claimed, { ...base, ...heldBy(answer, nowMs) })
    return again(app, next.incidentId, answer)
  }
  const { ts } = answer.body
  const where = typeof answer.body['channel'] === 'string' ? answer.body['channel'] : channel
  return (
    (await putPosted(storage, claimed, {
      ...base,
      channel: where,
      ...(typeof ts === 'string' ? { ts } : {}),
    })) || undefined
  )
}

async function edit(
  app: App,
  slack: SlackSettings,
  shown: Shown,
  before: Posted,
  next: Next,
): Promise<Posted | undefined> {
  if (before.records === next.records && before.hash === next.hash) return before
  const quietUntilMs = before.atMs + QUIET_MS
  if (before.hash === next.hash && shown.nowMs < quietUntilMs)
    return later(app, next.incidentId, quietUntilMs - shown.nowMs)
  const { version: _version, claimedUntilMs: _claim, isBusy: _busy, ...same } = before
  const { channel, ts, said } = same
  const base = { channel, said, ...(ts === undefined ? {} : { ts }) }
  // First, so that of two who edit the slower one does not put back what it knows, with nobody left to notice.
  const claimed = await putPosted(app.ports.storage, before, { ...same, ...claimFrom(shown.nowMs) })
  if (!claimed) return later(app, next.incidentId, BUSY_MS)
  const answer = await send(app, slack, shown, (message) => ['chat.update', { channel, ts, ...message }])
  if (answer.is !== 'ok') {
    await putPosted(app.ports.storage, claimed, { ...same, ...heldBy(answer, shown.nowMs) })
    return again(app, next.incidentId, answer)
  }
  const told = await putPosted(app.ports.storage, claimed, { ...next, ...base })
  // We took so long that somebody else has begun.
  return told || later(app, next.incidentId, BUSY_MS)
}

function claimFrom(nowMs: number): Pick<Posted, 'claimedUntilMs' | 'isBusy'> {
  return { claimedUntilMs: nowMs + CLAIM_MS, isBusy: true }
}

function heldBy(answer: SlackAnswer, nowMs: number): Pick<Posted, 'claimedUntilMs'> | object {
  return answer.is === 'later' ? { claimedUntilMs: nowMs + answer.afterMs } : {}
}

/** With plans; in a workspace that does not know them, without. */
async function send(
  app: App,
  slack: SlackSettings,
  shown: Shown,
  ask: (message: Message & typeof NO_UNFURL) => readonly ['chat.postMessage' | 'chat.update', object],
): Promise<SlackAnswer> {
  for (const plans of ['plan', 'text'] as const) {
    const answer = await askSlack(
      app.ports,
      slack,
      ...ask({ ...incidentMessage(shown, plans), ...NO_UNFURL }),
    )
    if (answer.is !== 'refused' || answer.error !== 'invalid_blocks') return answer
  }
  return { is: 'refused', error: 'invalid_blocks' }
}

/** An edit rings no bell: what must be noticed is said in the thread, once each. */
async function sayIn(app: App, slack: SlackSettings, shown: Shown, posted: Posted): Promise<void> {
  let current = posted
  for (const { key, text } of noticesOf(shown)) {
    if (current.said.includes(key) || current.ts === undefined) continue
    const { channel, ts } = current
    const answer = await askSlack(app.ports, slack, 'chat.postMessage', {
      channel,
      thread_ts: ts,
      text,
      ...NO_UNFURL,
    })
    if (answer.is !== 'ok') {
      await again(app, posted.incidentId, answer)
      return
    }
    const { version: _version, ...rest } = current
    const said = await putPosted(app.ports.storage, current, { ...rest, said: [...current.said, key] })
    if (!said) return later(app, posted.incidentId, BUSY_MS)
    current = said
  }
}

/** What people act on: an edit that shows only more entries can wait. */
function importantOf({ text, blocks }: Message): string {
  return JSON.stringify([text, blocks.filter(({ type }) => type !== 'context')])
}

async function again(
  app: App,
  incidentId: string,
  answer: Exclude<SlackAnswer, { is: 'ok' }>,
): Promise<undefined> {
  if (answer.is === 'later') return later(app, incidentId, answer.afterMs)
  app.ports.log.error('Slack does not take the message of an incident', {
    incident: incidentId,
    reason: answer.error,
  })
  return undefined
}

async function later({ ports }: App, incidentId: string, afterMs: number): Promise<undefined> {
  await ports.outbox.send({ v: 1, is: 'tell', incidentId }, Math.min(MAX_DELAY_MS, Math.max(1_000, afterMs)))
  return undefined
}
