import type { Timeline, TimelineIncident } from '../timeline.ts'
import type { Json } from '../json.ts'
import { timeText } from './words.ts'

/** Raised in its first number when a reader would break, in its second when members are added. */
const FORMAT_VERSION = '1.0'

/** The timeline for programs: the same members, times in ISO 8601 beside the milliseconds. */
export function timelineJson(timeline: Timeline): Json {
  const { incident, metrics, executions, rows, chain } = timeline
  return {
    format: 'firebreak.timeline/1',
    format_version: FORMAT_VERSION,
    incident: incident === undefined ? null : { ...incident, ...isoTimes(incident) },
    metrics: { ...metrics },
    executions: executions.map((execution) => ({
      ...execution,
      startedAt: timeText(execution.startedAtMs),
      ...(execution.endedAtMs === undefined ? {} : { endedAt: timeText(execution.endedAtMs) }),
    })),
    rows: rows.map((row) => ({ at: timeText(row.atMs), ...row })),
    chain: { ...chain },
  } as unknown as Json
}

function isoTimes(incident: TimelineIncident): { readonly [name: string]: string } {
  return Object.fromEntries(
    Object.entries(incident).flatMap(([name, value]) =>
      name.endsWith('AtMs') && typeof value === 'number'
        ? [[name.slice(0, -'Ms'.length), timeText(value)]]
        : [],
    ),
  )
}

/** The rows alone, each as one line of JSON: what log systems take in. */
export function timelineNdjson({ rows }: Timeline): string {
  return rows.map((row) => `${JSON.stringify({ at: timeText(row.atMs), ...row })}\n`).join('')
}
