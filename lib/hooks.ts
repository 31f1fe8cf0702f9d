import { forbiddenUrl, postSigned } from './channels/webhook.ts'
import { isoTime } from './clock.ts'
import { describe } from './errors.ts'
import {
  isGone,
  listFailures,
  putCursor,
  putFailure,
  putGone,
  readCursor,
  type HookFailure,
} from './ledger/hooks.ts'
import { loadRecords } from './ledger/records.ts'
import type { HookMessage } from './outbox.ts'
import type { App } from './ports.ts'
import { MAX_DELAY_MS } from './queue.ts'
import type { Hook } from './runbook/runbook.ts'
import { timelineOf, type TimelineIncident, type TimelineRow } from './timeline.ts'

/** Standard Webhooks 1.0: after each attempt that was not taken so long until the next; after the last it is a failure. */
const AGAIN_MS: readonly number[] = [
  5_000,
  5 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  5 * 3_600_000,
  10 * 3_600_000,
  14 * 3_600_000,
  20 * 3_600_000,
  24 * 3_600_000,
]

/** Standard Webhooks asks for less than 20 kB. */
const MAX_TEXT = 4_000

/**
 * Hands every entry that was put on record since the last time to the hooks that want it. The messages first, then the cursor:
 * who dies in between has them sent twice, under one id.
 */
export async function tellHooks(app: App, incidentId: string): Promise<void> {
  const hooks = Object.entries(app.catalogue.hooks ?? {})
  if (hooks.length === 0) return
  const { storage, outbox } = app.ports
  const cursor = await readCursor(storage, incidentId)
  const records = await loadRecords(storage, incidentId)
  const { incident, rows } = timelineOf(records)
  if (!incident) return
  const told = cursor?.told ?? {}
  const fresh = rows.filter(({ stream, address }) => seqOf(address) > (told[stream] ?? -1))
  if (fresh.length === 0) return
  for (const [hook, wants] of hooks) {
    for (const { kind, address } of fresh)
      if (isFor(wants, kind, incident.service))
        await outbox.send({ v: 1, is: 'hook', hook, incidentId, address, attempt: 1, notBeforeMs: 0 }, 0)
  }
  const last = { ...told }
  // What this version cannot read is told by one that can: the cursor stops before it.
  const unread = new Map<string, number>()
  for (const { kind, stream, address } of fresh)
    if (kind === 'unreadable') unread.set(stream, Math.min(unread.get(stream) ?? Infinity, seqOf(address)))
  for (const { stream, seq } of records)
    if (seq < (unread.get(stream) ?? Infinity)) last[stream] = Math.max(last[stream] ?? -1, seq)
  await putCursor(storage, incidentId, cursor, last)
}

/** Delivers one entry to one hook; where it is not taken, it comes again later, and in the end is a failure that can be listed. */
export async function deliverHook(app: App, message: HookMessage): Promise<void> {
  const { storage, outbox, clock } = app.ports
  const hook = app.catalogue.hooks?.[message.hook]
  // It was taken out of the file since.
  if (!hook) return
  const nowMs = clock.now()
  if (nowMs < message.notBeforeMs) {
    // A wait that is longer than a queue can hold a message back goes round.
    await outbox.send(message, Math.min(MAX_DELAY_MS, message.notBeforeMs - nowMs))
    return
  }
  if (await isGone(storage, message.hook, hook.url))
    return fail(app, message, 'the endpoint has said that it is gone')
  const body = await bodyOf(app, message)
  // A record that this version cannot read is told by one that can.
  if (body === undefined) return fail(app, message, 'the entry cannot be read')
  const came = await post(app, hook, message, body)
  switch (came.is) {
    case 'taken':
      return
    case 'gone':
      await putGone(storage, message.hook, hook.url)
      return fail(app, message, came.reason)
    case 'refused': {
      const waitMs = AGAIN_MS[message.attempt - 1]
      if (waitMs === undefined || came.isForGood) return fail(app, message, came.reason)
      const again = { ...message, attempt: message.attempt + 1, notBeforeMs: nowMs + waitMs }
      await outbox.send(again, Math.min(MAX_DELAY_MS, waitMs))
    }
  }
}

type Came =
  | { readonly is: 'taken' }
  | { readonly is: 'gone'; readonly reason: string }
  | { readonly is: 'refused'; readonly reason: string; readonly isForGood: boolean }

async function post(app: App, hook: Hook, { incidentId, address }: HookMessage, body: string): Promise<Came> {
  const { http, clock } = app.ports
  const forbidden = forbiddenUrl(hook.url)
  if (forbidden !== undefined) return { is: 'refused', reason: forbidden, isForGood: true }
  try {
    const secret = await app.ports.secret(hook.secret)
    const id = `msg_${incidentId}_${address.replace(/[^\w-]/g, '_')}`
    const answer = await postSigned(http, { url: hook.url, secret, id, nowMs: clock.now(), body })
    if (typeof answer === 'string') return { is: 'refused', reason: answer, isForGood: false }
    if (answer.status >= 200 && answer.status < 300) return { is: 'taken' }
    const reason = `answered ${answer.status}`
    return answer.status === 410 ? { is: 'gone', reason } : { is: 'refused', reason, isForGood: false }
  } catch (error) {
    return { is: 'refused', reason: describe(error), isForGood: false }
  }
}

/** What is sent: the entry in words, and which incident it is of. */
async function bodyOf(app: App, message: HookMessage): Promise<string | undefined> {
  const told = await entryOf(app, message)
  return told && JSON.stringify(payloadOf(told))
}

interface ToldEntry {
  readonly row: TimelineRow
  readonly incident: TimelineIncident
}

async function entryOf(
  { ports }: App,
  { incidentId, address }: Pick<HookMessage, 'incidentId' | 'address'>,
): Promise<ToldEntry | undefined> {
  const { incident, rows } = timelineOf(await loadRecords(ports.storage, incidentId))
  const row = rows.find((one) => one.address === address)
  return row && incident && { row, incident }
}

function payloadOf({ row, incident }: ToldEntry): object {
  const { kind, atMs, stream, address, text, who, level } = row
  return {
    type: kind,
    timestamp: isoTime(atMs),
    data: {
      incident: {
        id: incident.incidentId,
        title: incident.title,
        service: incident.service,
        severity: incident.severity,
        status: incident.status,
      },
      stream,
      address,
      who,
      level,
      text: text.slice(0, MAX_TEXT),
    },
  }
}

async function fail(
  { ports }: App,
  { hook, incidentId, address, attempt }: HookMessage,
  reason: string,
): Promise<void> {
  ports.log.error('a hook does not take what it is told', { hook, incident: incidentId, reason })
  await putFailure(ports.storage, {
    hook,
    incidentId,
    address,
    reason,
    attempts: attempt,
    atMs: ports.clock.now(),
  })
}

export async function hookFailures({ ports }: App, limit: number): Promise<readonly HookFailure[]> {
  return listFailures(ports.storage, limit)
}

/** Sends an entry to a hook once more, from its first attempt on. Answers why it cannot be. */
export async function replayHook(
  app: App,
  { hook, incidentId, address }: Pick<HookMessage, 'hook' | 'incidentId' | 'address'>,
): Promise<string | undefined> {
  const { hooks = {} } = app.catalogue
  const known = Object.hasOwn(hooks, hook) ? hooks[hook] : undefined
  if (!known) return `there is no hook "${hook}"`
  const message = { v: 1, is: 'hook', hook, incidentId, address, attempt: 1, notBeforeMs: 0 } as const
  const told = await entryOf(app, message)
  if (!told) return `there is no entry ${address} of ${incidentId}`
  if (!isFor(known, told.row.kind, told.incident.service))
    return `the hook "${hook}" is not told of this entry`
  await app.ports.outbox.send(message, 0)
  return undefined
}

/** Whether it is meant to be told of that. */
function isFor(
  { events, services }: Pick<Hook, 'events' | 'services'>,
  kind: string,
  service: string,
): boolean {
  return events.includes(kind) && (services === undefined || services.includes(service))
}

/** The number of the record in an address. */
function seqOf(address: string): number {
  return Number(/\/(\d+)(?:\.\d+)?$/.exec(address)?.[1] ?? -1)
}
