import * as z from 'zod'
import { reaches, type Caller } from '../lib/access.ts'
import { listIncidents, type Head } from '../lib/ledger/head.ts'
import type { App } from '../lib/ports.ts'
import { readCursor, writeCursor, type Cursor } from './cursor.ts'
import { ProblemError } from './problem.ts'

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
  status: z.enum(['open', 'mitigated', 'resolved']).exactOptional(),
  service: z.string().max(100).exactOptional(),
})

type Listed = Head & { readonly summary: NonNullable<Head['summary']> }

/** Read at once while a list is filled with what the filters let through. */
const PAGE = 100
/** A filter that lets little through ends a page early; its `next` goes on from there. */
const MAX_PAGES = 5

/** Incidents, newest first. */
export async function listOf(app: App, caller: Caller, url: URL): Promise<Response> {
  const query = queryOf(url)
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
  const next = isMore ? writeCursor(cursor) : null
  const headers: { [name: string]: string } = { 'content-type': 'application/json' }
  if (next !== null) {
    const more = new URL(url)
    more.searchParams.set('cursor', next)
    headers['link'] = `<${more.pathname}${more.search}>; rel="next"`
  }
  const items = shown.map(({ incidentId, status, summary }) => ({ incidentId, status, ...summary }))
  return new Response(JSON.stringify({ items, next }), { headers })
}

function queryOf(url: URL): z.output<typeof listQuery> {
  const given = Object.fromEntries(url.searchParams)
  const parsed = listQuery.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new ProblemError(
    'bad-request',
    `${issue?.path.join('.') || 'query'}: ${issue?.message ?? 'malformed'}`,
  )
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
