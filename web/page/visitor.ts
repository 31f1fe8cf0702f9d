import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { html } from 'hono/html'
import type { Caller } from '../../lib/access.ts'
import { mediaTypeOf, whoIs, type WebContext } from '../caller.ts'
import { ProblemError } from '../problem.ts'
import { pageResponse } from './document.ts'

/** Bears a token of access.yaml, out of the reach of scripts. */
export const COOKIE = 'firebreak'
const SIGNED_IN_FOR_S = 12 * 3_600

/** Whoever looks at a page: by what the gateway knows, else by the token in the cookie. Throws where nobody is known. */
export function visitorOf(context: WebContext): Caller {
  const caller = whoIs(context, getCookie(context, COOKIE))
  return { ...caller, via: 'page' }
}

/**
 * A form is taken only from a page of ours: a browser says where it was sent from, and the cookie alone proves nothing.
 * Source: OWASP, "Cross-Site Request Forgery Prevention", verifying the origin with standard headers.
 */
export function isFromHere({ req }: WebContext): boolean {
  const origin = req.header('origin')
  const site = req.header('sec-fetch-site')
  if (site !== undefined && site !== 'same-origin') return false
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === new URL(req.url).host
}

export function signInPage(context: WebContext, said = ''): Response {
  const to = pathWithin(context.req.query('to') ?? new URL(context.req.url).pathname)
  return pageResponse({
    title: 'Sign in',
    status: said === '' ? 401 : 403,
    body: html`<h1>Sign in</h1>
      <p>With a token of <code>access.yaml</code>, as <code>firebreak token</code> makes it.</p>
      ${said === '' ? '' : html`<p class="bad" role="alert">${said}</p>`}
      <form method="post" action="/sign-in">
        <input type="hidden" name="to" value="${to}" />
        <label>Token <input type="password" name="token" autocomplete="current-password" required /></label>
        <button class="primary">Sign in</button>
      </form>`,
  })
}

export async function signIn(context: WebContext): Promise<Response> {
  if (!isFromHere(context)) throw new ProblemError('forbidden', 'the form was not sent from this page')
  const { token = '', to = '/' } = await textsOf(context)
  try {
    whoIs(context, token)
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return signInPage(context, 'The token is unknown or has expired.')
  }
  setCookie(context, COOKIE, token, {
    httpOnly: true,
    // Lax: whoever follows a link out of a chat is signed in already. Forms are guarded by where they come from.
    sameSite: 'Lax',
    path: '/',
    maxAge: SIGNED_IN_FOR_S,
    secure: !isThisMachine(context),
  })
  return context.redirect(pathWithin(to), 303)
}

export function signOut(context: WebContext): Response {
  if (!isFromHere(context)) throw new ProblemError('forbidden', 'the form was not sent from this page')
  deleteCookie(context, COOKIE, { path: '/' })
  return context.redirect('/', 303)
}

/** The texts of a form; a file or a name that comes twice is none. */
export async function textsOf(context: WebContext): Promise<{ readonly [name: string]: string }> {
  if (mediaTypeOf(context) !== 'application/x-www-form-urlencoded')
    throw new ProblemError('unsupported-type', 'the form must be application/x-www-form-urlencoded')
  return Object.fromEntries(new URLSearchParams(await context.req.text()))
}

/** Only a path of ours: whatever else stands there would lead away. */
function pathWithin(to: string): string {
  return /^\/(?![/\\])[\w\-./?=&%#~]*$/.test(to) && !to.startsWith('/sign-') ? to : '/'
}

function isThisMachine({ req }: WebContext): boolean {
  return ['127.0.0.1', 'localhost'].includes(new URL(req.url).hostname)
}
