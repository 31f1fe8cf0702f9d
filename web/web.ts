import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { etag } from 'hono/etag'
import { describe } from '../lib/errors.ts'
import type { Json } from '../lib/json.ts'
import { isProblemCode, PROBLEMS, type ProblemCode } from '../lib/problems.ts'
import { askAs, callerOf, maySend, mediaTypeOf, type Served, type WebContext } from './caller.ts'
import { listOf } from './list.ts'
import { addPages } from './page/routes.ts'
import { LIST, OPERATIONS, SIGNALS, TIMELINE, type Operation } from './operations.ts'
import { issuesText, PROBLEM_PATH, ProblemError, problemResponse } from './problem.ts'
import { addSlack } from './slack/receive.ts'
import { formatOf, timelineFor, timelineResponse } from './timeline.ts'

/** A note or a reason has a thousand characters; nothing that is asked needs more than this. */
const MAX_BODY_BYTES = 64 * 1024

/** Monitoring tools put many alerts into one request; more than this no parser of events reads. */
const MAX_SIGNAL_BYTES = 1024 * 1024

/**
 * The HTTP application: the same on Lambda and locally. It finds out who is asking, checks what is asked against its form,
 * asks `command`, and tells the answer or the problem.
 */
export function createWeb(): Hono<{ Bindings: Served }> {
  const web = new Hono<{ Bindings: Served }>({ strict: true })
  const limits: { readonly [path: string]: number } = { [SIGNALS.path]: MAX_SIGNAL_BYTES }
  web.use((context, next) => {
    const maxSize = limits[context.req.path] ?? MAX_BODY_BYTES
    const onError = (): never => {
      throw new ProblemError('too-large', `a body may have ${maxSize} bytes`)
    }
    return bodyLimit({ maxSize, onError })(context, next)
  })
  web.use('/v1/*', etag())
  web.get('/openapi.json', async (context) => {
    const { openApi } = await import('./openapi.ts')
    return context.json(openApi())
  })
  web.get(`${PROBLEM_PATH}:code`, (context) => {
    const { code } = context.req.param()
    if (!isProblemCode(code)) throw new ProblemError('not-found', `there is no problem ${code.slice(0, 50)}`)
    return context.json({ code, ...PROBLEMS[code] })
  })
  web.get(routeOf(LIST.path), async (context) => {
    const caller = callerOf(context)
    return listOf(context.env.app, caller, new URL(context.req.url))
  })
  web.get(routeOf(TIMELINE.path), (context) => tellTimeline(context))
  web.post(SIGNALS.path, (context) => takeSignals(context))
  for (const operation of OPERATIONS)
    web.on(operation.method.toUpperCase(), routeOf(operation.path), async (context) =>
      serve(operation, context),
    )
  const routes = [LIST, TIMELINE, SIGNALS, { method: 'get', path: '/openapi.json' }, ...OPERATIONS]
  for (const [path, known] of Map.groupBy(routes, (route) => route.path)) {
    const methods = known.map(({ method }) => method.toUpperCase()).join(', ')
    web.all(routeOf(path), () => {
      throw new ProblemError('method-not-allowed', `only ${methods} is answered here`, { allow: methods })
    })
  }
  addPages(web)
  addSlack(web)
  web.notFound((context) => tell(context, 'not-found', `there is no ${context.req.path}`))
  web.onError((error, context) => {
    if (error instanceof ProblemError) return tell(context, error.code, error.message, error.headers)
    context.env.app.ports.log.error(`a request failed: ${describe(error)}`, {
      error,
      request: context.env.requestId,
    })
    return tell(context, 'internal', 'the request could not be served; the log has the reason under its id')
  })
  return web
}

/** `{name}` is how OpenAPI writes a parameter, `:name` how the router does. */
function routeOf(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

function tell(
  context: WebContext,
  code: ProblemCode,
  detail: string,
  headers: { readonly [name: string]: string } = {},
): Response {
  return problemResponse(code, detail, {
    instance: context.req.path,
    requestId: context.env.requestId,
    headers,
  })
}

async function serve(operation: Operation, context: WebContext): Promise<Response> {
  const { app, turn } = context.env
  const caller = callerOf(context)
  const { name, via } = caller
  const key = keyOf(context, operation)
  const body = await bodyOf(context, operation)
  const asked = operation.asks({
    params: context.req.param(),
    body,
    by: { name, via },
    key,
    ...(caller.services ? { services: caller.services } : {}),
  })
  const answer = await askAs(app, caller, asked, turn())
  if (!operation.begun) return context.json(answer as object)
  return context.json(answer as object, 202, { location: operation.begun(answer) })
}

/** The whole incident, whichever of its executions was named. */
async function tellTimeline(context: WebContext): Promise<Response> {
  const format = formatOf(context)
  const { id = '' } = context.req.param()
  return timelineResponse(await timelineFor(context.env.app, callerOf(context), id), format, id)
}

/** Events of any source that is known, as they come; each part stands for itself, and what cannot be read is refused on record. */
async function takeSignals(context: WebContext): Promise<Response> {
  const { app, turn } = context.env
  maySend(app, callerOf(context))
  const text = await context.req.text()
  if (text.trim() === '') throw new ProblemError('bad-request', 'there is no event in the body')
  // The parsers are a third of what a cold start would load, and most requests are no events.
  const { ingest } = await import('../lib/ingest.ts')
  return context.json(await ingest(app, text, turn()), 202)
}

/** The draft of the IETF has the key in quotes; most clients send it bare. */
function keyOf({ req }: WebContext, { needsKey }: Operation): string {
  const given = req.header('idempotency-key')
  if (!needsKey) return ''
  if (given === undefined)
    throw new ProblemError('key-missing', 'send an Idempotency-Key: a repeat with it does nothing twice')
  const key = /^(?:"([\x21\x23-\x7e]{1,200})"|([\x21\x23-\x7e]{1,200}))$/.exec(given)
  if (!key) throw new ProblemError('bad-request', 'Idempotency-Key: up to 200 visible ASCII characters')
  return key[1] ?? key[2] ?? ''
}

async function bodyOf(
  context: WebContext,
  { body: form }: Operation,
): Promise<{ readonly [name: string]: unknown }> {
  if (!form) return {}
  if (mediaTypeOf(context) !== 'application/json')
    throw new ProblemError('unsupported-type', 'the body must be application/json')
  let value: Json
  try {
    value = JSON.parse(await context.req.text()) as Json
  } catch {
    throw new ProblemError('bad-request', 'the body is not JSON')
  }
  const parsed = form.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ProblemError('bad-request', issuesText(parsed.error, 'body', 10))
}
