import type { Hono } from 'hono'
import { etag } from 'hono/etag'
import type { Served } from '../caller.ts'

/** Every page, form and link that people open. What draws them is loaded when the first of them is asked for: programs never do. */
export const PAGE_ROUTES = [
  'GET /',
  'GET /incidents/:id',
  'GET /services',
  'GET /run',
  'GET /incidents/:id/:file{timeline\\.[a-z]+}',
  'POST /incidents/:id/ack',
  'POST /incidents/:id/note',
  'POST /incidents/:id/mitigate',
  'POST /incidents/:id/resolve',
  'POST /executions/:id/approve',
  'POST /executions/:id/deny',
  'POST /executions/:id/abort',
  'POST /run',
  'POST /pause-all',
  'POST /resume-all',
  'POST /pause',
  'POST /resume',
  'GET /sign-in',
  'POST /sign-in',
  'POST /sign-out',
  'GET /ack/:link',
  'POST /ack/:link',
] as const

/** The pages of the application: what the API tells, for people. A problem is a page, too. */
export function addPages(web: Hono<{ Bindings: Served }>): void {
  for (const route of PAGE_ROUTES) {
    const [method = '', path = ''] = route.split(' ')
    if (method === 'GET') web.use(path, etag())
    web.on(method, path, async (context) => {
      const { answerPage } = await import('./pages.ts')
      return answerPage(route, context)
    })
  }
}
