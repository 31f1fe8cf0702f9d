import { isoTime } from './clock.ts'
import { foldIncident } from './incident.ts'
import { INCIDENT_STREAM } from './incident-stream.ts'
import { acceptSignal } from './ingest.ts'
import { listIncidents, type Head } from './ledger/head.ts'
import { readOpen } from './ledger/open.ts'
import { load } from './ledger/records.ts'
import { awsOf, type App, type Turn } from './ports.ts'
import { describeAlarm, type DescribedAlarm } from './probes/alarm-state.ts'
import { parseEvent } from './signal/parse.ts'
import type { Signal } from './signal/signal.ts'

/** Among so many of the newest incidents those are looked for that stand: some kilobytes of the index a minute. */
const LOOKED_THROUGH = 1_000

/** So many are compared by one sweep, and others by the next; DescribeAlarms allows nine calls a second (AWS.md 14.6). */
const MAX_INCIDENTS = 50
const SWEEP_EVERY_MS = 60_000

/** A transition may still be on its way for so long; only then is it taken for lost. */
const LATE_MS = 60_000

/**
 * Compares open incidents with their alarms' real state, so that an OK that never arrived is found. It becomes the same
 * signal that the event would have been, so the event may still come. A lost ALARM is not looked for: DescribeAlarms does
 * not tell which alarms are muted. Begins with none after `untilMs`. Answers how many were found.
 */
export async function reconcile(app: App, turn: Turn, untilMs: number): Promise<number> {
  const open = (await listIncidents(app.ports.storage, LOOKED_THROUGH)).filter(
    // One that a person has resolved still waits for its alarm, where something is to be put back.
    (head) => head.status !== 'resolved' || head.dueAtMs !== undefined,
  )
  let found = 0
  for (const head of turnOf(open, app.ports.clock.now())) {
    if (app.ports.clock.now() >= untilMs) break
    try {
      const signal = await lostClearing(app, head)
      if (!signal) continue
      app.ports.log.warn('an alarm has cleared and no event told of it', {
        incident: head.incidentId,
        signal: signal.signalId,
      })
      await acceptSignal(app, signal, turn)
      found++
    } catch (error) {
      app.ports.log.error('an incident could not be compared with its alarm', {
        incident: head.incidentId,
        error,
      })
    }
  }
  return found
}

/** Where more stand than one sweep compares, each minute's sweep takes the next ones. */
function turnOf(open: readonly Head[], nowMs: number): readonly Head[] {
  const turns = Math.ceil(open.length / MAX_INCIDENTS)
  const from = MAX_INCIDENTS * (Math.floor(nowMs / SWEEP_EVERY_MS) % Math.max(1, turns))
  return open.slice(from, from + MAX_INCIDENTS)
}

async function lostClearing(app: App, head: Head): Promise<Signal | undefined> {
  const { ports, catalogue } = app
  const incident = foldIncident((await load(ports.storage, head.incidentId, INCIDENT_STREAM)).entries)
  const open = incident?.key.startsWith('cloudwatch/')
    ? await readOpen(ports.storage, incident.key)
    : undefined
  // A later incident may hold the alarm by now: its clearing is what this one waits for as well.
  if (!incident || open?.state !== 'alarm') return undefined
  const alarm = await describeAlarm(
    awsOf(ports, catalogue.services[open.service] ?? {}, undefined),
    incident.title,
  )
  const nowMs = ports.clock.now()
  if (alarm?.state !== 'ok' || alarm.arn === undefined || alarm.updatedAtMs === undefined) return undefined
  if (alarm.updatedAtMs <= open.stateAtMs || nowMs - alarm.updatedAtMs < LATE_MS) return undefined
  const [parsed] = parseEvent(eventOf(alarm.name, alarm.arn, alarm.updatedAtMs, alarm), {
    receivedAtMs: nowMs,
  })
  return parsed?.is === 'signal' && parsed.signal.key === open.key ? parsed.signal : undefined
}

/** The event that CloudWatch would have sent, so that the one parser decides what it means. */
function eventOf(alarmName: string, arn: string, atMs: number, alarm: DescribedAlarm): unknown {
  const [, , , region, account] = arn.split(':')
  return {
    version: '0',
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account,
    region,
    time: isoTime(atMs),
    resources: [arn],
    detail: {
      alarmName,
      state: { value: 'OK', reason: alarm.reason, timestamp: isoTime(atMs) },
      previousState: { value: 'ALARM' },
      configuration: {},
    },
  }
}
