import { accepts } from 'hono/accepts'
import type { Context } from 'hono'
import type { Caller } from '../lib/access.ts'
import { findRecords } from '../lib/command.ts'
import type { App } from '../lib/ports.ts'
import { timelineOf, type Timeline } from '../lib/timeline.ts'
import { timelineCloudEvents } from '../lib/timeline/cloud-events.ts'
import { timelineCsv } from '../lib/timeline/csv.ts'
import { timelineJson, timelineNdjson } from '../lib/timeline/json.ts'
import { timelineMarkdown } from '../lib/timeline/markdown.ts'
import { mayAsk } from './caller.ts'
import { ProblemError } from './problem.ts'

interface Format {
  /** As `?format=` names it, for whoever cannot send a header. */
  readonly name: string
  readonly type: string
  readonly write: (timeline: Timeline) => string | Promise<string>
}

/** The first is what is sent where nothing is asked for. */
export const TIMELINE_FORMATS: readonly Format[] = [
  { name: 'json', type: 'application/json', write: (timeline) => JSON.stringify(timelineJson(timeline)) },
  {
    name: 'html',
    type: 'text/html',
    write: async (timeline) => (await import('./page/saved.ts')).timelineHtml(timeline),
  },
  { name: 'md', type: 'text/markdown', write: timelineMarkdown },
  { name: 'csv', type: 'text/csv', write: timelineCsv },
  { name: 'ndjson', type: 'application/x-ndjson', write: timelineNdjson },
  {
    name: 'cloudevents',
    type: 'application/cloudevents-batch+json',
    write: (timeline) => JSON.stringify(timelineCloudEvents(timeline)),
  },
]

/** The format that is asked for. Throws `not-acceptable` where none of ours is. */
export function formatOf(context: Context): Format {
  const named = context.req.query('format')
  const found =
    named === undefined
      ? TIMELINE_FORMATS.find(({ type }) => type === negotiated(context))
      : TIMELINE_FORMATS.find(({ name }) => name === named)
  if (found) return found
  throw new ProblemError(
    'not-acceptable',
    `it is told as ${TIMELINE_FORMATS.map(({ name, type }) => `${type} (format=${name})`).join(', ')}`,
  )
}

function negotiated(context: Context): string {
  const header = context.req.header('accept') ?? ''
  const first = TIMELINE_FORMATS[0]?.type ?? ''
  if (header === '' || /(?:^|,)\s*\*\/\*/.test(header)) {
    return accepts(context, { header: 'Accept', supports: types(), default: first })
  }
  return accepts(context, { header: 'Accept', supports: types(), default: '' })
}

function types(): string[] {
  return TIMELINE_FORMATS.map(({ type }) => type)
}

/** What happened, whichever of the incident's executions was named. Throws where there is none, or none within reach. */
export async function timelineFor(app: App, caller: Caller, id: string): Promise<Timeline> {
  await mayAsk(app, caller, { verb: 'records', id })
  const found = await findRecords(app, id)
  if (found.is === 'problem') throw new ProblemError(found.code, found.message)
  return timelineOf(found.records)
}

export async function timelineResponse(
  timeline: Timeline,
  { name, type, write }: Format,
  id: string,
): Promise<Response> {
  const headers: { [header: string]: string } = {
    'content-type': type === 'application/json' || type.endsWith('+json') ? type : `${type}; charset=utf-8`,
    vary: 'Accept',
    'cache-control': 'private, no-cache',
  }
  if (name === 'html') Object.assign(headers, (await import('./page/document.ts')).PAGE_HEADERS)
  // A spreadsheet is opened from a file; everything else is read where it is.
  if (name === 'csv') headers['content-disposition'] = `attachment; filename="${id}.csv"`
  return new Response(await write(timeline), { headers })
}
