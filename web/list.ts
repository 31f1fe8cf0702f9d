import * as z from 'zod'
import { reaches, type Caller } from '../lib/access.ts'
import { listIncidents, type Head } from '../lib/ledger/head.ts'
import type { App } from '../lib/ports.ts'
import { readCursor, writeCursor, type Cursor } from './cursor.ts'
import { issuesText, ProblemError } from './problem.ts'

export const STATUSES = ['open', 'mitigated', 'resolved'] as const

/** The filters that may stand in the address. */
export const listQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(100)
    .exactOptional()
    .describe('At most so many; 20 where it is left out.'),
  cursor: z.string().max(4_000).exactOptional().describe('As `next` of the list before it says.'),
  status: z.enum(STATUSES).exactOptional(),
  service: z.string().max(100).exactOptional(),
})

type Listed = Head & { readonly summary: NonNullable<Head['summary']> }

/** Read at once while a list is filled with what the filters let through. */
const PAGE = 100
/** A filter that lets little through ends a page early; its `next` goes on from there. */
const MAX_PAGES = 5

/** One page of incidents as a list shows them. */
export interface IncidentPage {
  readonly items: readonly ({ readonly incidentId: string; readonly status: string } & Listed['summary'])[]
  /** The cursor of the next page; `null` where there is none. */
  readonly next: string | null
}

/** Incidents, newest first, as JSON. */
export async function listOf(app: App, caller: Caller, url: URL): Promise<Response> {
  const page = await pageOf(app, caller, queryOf(url))
  const headers: { [name: string]: string } = { 'content-type': 'application/json' }
  const more = nextAddress(url, page)
  if (more !== undefined) headers['link'] = `<${more}>; rel="next"`
  return new Response(JSON.stringify(page), { headers })
}

/** Where the next page is. */
export function nextAddress(url: URL, { next }: IncidentPage): string | undefined {
  if (next === null) return undefined
  const more = new URL(url)
  more.searchParams.set('cursor', next)
  return `${more.pathname}${more.search}`
}

/** What the filters let through and the caller may see, newest first. */
export async function pageOf(
  app: App,
  caller: Caller,
  query: z.output<typeof listQuery>,
): Promise<IncidentPage> {
  const { limit = 20 } = query
  let cursor: Cursor = query.cursor === undefined ? { atMs: Infinity, seen: [] } : readCursor(query.cursor)
  const shown: Listed[] = []
  let isMore = true
  for (let page = 0; page < MAX_PAGES && isMore && shown.length < limit; page++) {
    // Also those of the very millisecond at which the page before ended.
    const heads = await listIncidents(
      app.ports.storage,
      PAGE + cursor.seen.length,
      cursor.atMs === Infinity ? undefined : cursor.atMs + 1,
    )
    isMore = heads.length === PAGE + cursor.seen.length
    for (const head of heads) {
      if (
        !hasSummary(head) ||
        (head.summary.openedAtMs === cursor.atMs && cursor.seen.includes(head.incidentId))
      )
        continue
      if (shown.length === limit) {
        isMore = true
        break
      }
      cursor = after(cursor, head)
      if (isWanted(head, query, caller)) shown.push(head)
    }
  }
  const items = shown.map(({ incidentId, status, summary }) => ({ incidentId, status, ...summary }))
  return { items, next: isMore ? writeCursor(cursor) : null }
}

export function queryOf(url: URL): z.output<typeof listQuery> {
  // A form sends what was left empty as well.
  const given = Object.fromEntries([...url.searchParams].filter(([, value]) => value !== ''))
  const parsed = listQuery.safeParse(given)
  if (parsed.success) return parsed.data
  throw new ProblemError('bad-request', issuesText(parsed.error, 'query'))
}

function hasSummary(head: Head): head is Listed {
  return head.summary !== undefined
}

function isWanted({ status, summary }: Listed, query: z.output<typeof listQuery>, caller: Caller): boolean {
  if (query.status !== undefined && status !== query.status) return false
  if (query.service !== undefined && summary.service !== query.service) return false
  return reaches(caller, summary.service)
}

/** The cursor behind one more incident. */
function after({ atMs, seen }: Cursor, { incidentId, summary: { openedAtMs } }: Listed): Cursor {
  return { atMs: openedAtMs, seen: openedAtMs === atMs ? [...seen, incidentId] : [incidentId] }
}
