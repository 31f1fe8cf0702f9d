import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import { LIVE } from './live.ts'
import { STYLE } from './style.ts'

/** What a template makes: text in which everything from outside is escaped. */
export type Html = ReturnType<typeof html>

export interface Page {
  readonly title: string
  readonly body: Html
  /** Who is asking, for the header; absent where nobody has signed in. */
  readonly who?: string
  /** It changes while something is under way: a browser without JavaScript loads it again. */
  readonly live?: boolean
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
}

const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Nothing is loaded, framed or sent anywhere but to where the page came from; scripts and styles are those of this version. */
const POLICY = [
  "default-src 'none'",
  `style-src ${sourceOf(STYLE)}`,
  `script-src ${sourceOf(LIVE)}`,
  "connect-src 'self'",
  "form-action 'self'",
  'img-src data:',
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** So often a page of something that is under way is loaded again where no script does it. */
const RELOAD_SECONDS = 20

/** What every page is sent with. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  // Under no-referrer a form would not say where it was sent from either.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const

/** A whole page as text. Nothing in it is loaded from anywhere. */
export function documentText({
  title,
  body,
  who,
  live = false,
}: Pick<Page, 'title' | 'body' | 'who' | 'live'>): string {
  // Nothing in a page is still to be awaited.
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Firebreak</title>
<link rel="icon" href="data:,">
<style>${raw(STYLE)}</style>
${live ? html`<noscript><meta http-equiv="refresh" content="${RELOAD_SECONDS}" /></noscript>` : ''}
</head>
<body${live ? raw(' data-live') : ''}>
<a class="skip" href="#main">To the content</a>
<header>
<strong>Firebreak</strong>
${
  who === undefined
    ? ''
    : html`<nav aria-label="Pages">
          <a href="/">Incidents</a> <a href="/services">Services</a> <a href="/run">Run</a>
        </nav>
        <span class="quiet">${who}</span>
        <form class="inline" method="post" action="/sign-out"><button>Sign out</button></form>`
}
</header>
<main id="main">${body}</main>
<footer><span class="controls" data-controls></span> Times are UTC.</footer>
<script>${raw(LIVE)}</script>
</body>
</html>
` as Exclude<Html, Promise<unknown>>
  return text.toString()
}

export function pageResponse({ status = 200, headers = {}, ...page }: Page): Response {
  return new Response(documentText(page), {
    status,
    headers: {
      ...PAGE_HEADERS,
      'cache-control': 'private, no-cache',
      ...headers,
    },
  })
}

/** A moment, for people and machines; a script adds the time of the reader's own zone. */
export function time(atMs: number): Html {
  const iso = new Date(atMs).toISOString()
  return html`<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)}</time>`
}
