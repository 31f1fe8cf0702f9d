import { html } from 'hono/html'
import type { Caller } from '../../lib/access.ts'
import { PROBLEMS } from '../../lib/problems.ts'
import type { WebContext } from '../caller.ts'
import { ProblemError } from '../problem.ts'
import { TIMELINE_FORMATS, timelineFor, timelineResponse } from '../timeline.ts'
import { ackByLink } from './ack.ts'
import { act, ACTS } from './acts.ts'
import { pageResponse } from './document.ts'
import { incidentPage } from './incident.ts'
import { incidentsPage } from './incidents.ts'
import { runPage } from './run.ts'
import { servicesPage } from './services.ts'
import { signIn, signInPage, signOut, visitorOf } from './visitor.ts'

type Draw = (context: WebContext, caller: Caller) => Promise<Response>

const PAGES: readonly (readonly [path: string, draw: Draw])[] = [
  ['/', incidentsPage],
  ['/incidents/:id', incidentPage],
  ['/services', servicesPage],
  ['/run', runPage],
  ['/incidents/:id/:file{timeline\\.[a-z]+}', download],
]

const ANSWERS: { readonly [route: string]: (context: WebContext) => Promise<Response> } = {
  ...Object.fromEntries(
    PAGES.map(([path, draw]) => [
      `GET ${path}`,
      async (context: WebContext) => draw(context, visitorOf(context)),
    ]),
  ),
  ...Object.fromEntries(
    ACTS.map((one) => [
      `POST ${one.path}`,
      async (context: WebContext) => act(one, context, visitorOf(context)),
    ]),
  ),
  'GET /sign-in': async (context) => signInPage(context),
  'POST /sign-in': signIn,
  'POST /sign-out': async (context) => signOut(context),
  'GET /ack/:link': ackByLink,
  'POST /ack/:link': ackByLink,
}

/** Answers one of the routes of `routes.ts`. */
export async function answerPage(route: string, context: WebContext): Promise<Response> {
  const answer = ANSWERS[route]
  if (!answer) throw new Error(`there is no page for ${route}`)
  return asPage(context, async () => answer(context))
}

/** Whoever is not known may sign in; everything else that is wrong is said on a page. */
async function asPage(context: WebContext, draw: () => Promise<Response>): Promise<Response> {
  try {
    return await draw()
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    if (error.code === 'unauthenticated') return signInPage(context)
    const { status, title, remedy } = PROBLEMS[error.code]
    return pageResponse({
      title,
      status,
      body: html`<h1>${title}</h1>
        <p role="alert">${error.message}</p>
        <p class="quiet">${remedy}</p>
        <p><a href="/">To the incidents</a></p>`,
    })
  }
}

/** The timeline of an incident as a file. */
async function download(context: WebContext, caller: Caller): Promise<Response> {
  const { id = '', file = '' } = context.req.param() as { readonly id?: string; readonly file?: string }
  const format = TIMELINE_FORMATS.find(({ name }) => file === `timeline.${name}`)
  if (!format) throw new ProblemError('not-found', `there is no ${file.slice(0, 50)}`)
  return timelineResponse(await timelineFor(context.env.app, caller, id), format, id)
}
