import { html } from 'hono/html'
import { readAckLink, type AckClaims } from '../../lib/ack-link.ts'
import { command } from '../../lib/command.ts'
import { describe } from '../../lib/errors.ts'
import { foldIncident, type Incident } from '../../lib/incident.ts'
import { INCIDENT_STREAM } from '../../lib/incident-stream.ts'
import { load } from '../../lib/ledger/records.ts'
import type { WebContext } from '../caller.ts'
import { pageResponse, time, type Html } from './document.ts'

/** What a link's holder is told where it is none of ours, is spent or has expired: nothing of the incident. */
function noLink(said: string): Response {
  return pageResponse({
    title: 'Acknowledge',
    status: 410,
    body: html`<h1>This link cannot be used</h1>
      <p>${said}</p>`,
  })
}

/**
 * A link that a page bears. A GET shows what it is about and a button, and changes nothing: programs follow links in mail to
 * look for harm. The button acknowledges, once.
 */
export async function ackByLink(context: WebContext): Promise<Response> {
  const { app, turn } = context.env
  const link = readAckLink(context.req.param('link') ?? '')
  const secret = link && (await secretOf(context, link.claims.team))
  if (!link || secret === undefined || !link.isSignedWith(secret)) {
    app.ports.log.warn('a link that is not ours was refused', { request: context.env.requestId })
    return noLink('It is not one of ours, or has been cut off.')
  }
  const { claims } = link
  if (app.ports.clock.now() >= claims.untilMs)
    return noLink('It has expired. Use the link of a newer page, or acknowledge on the page of the incident.')
  const { entries } = await load(app.ports.storage, claims.incidentId, INCIDENT_STREAM)
  const incident = foldIncident(entries)
  if (!incident) return noLink('There is no such incident.')
  const by = { name: claims.person ?? `somebody of ${claims.team}`, via: 'link', key: `link ${claims.page}` }
  const used = entries.find(
    ({ actor }) => actor.is === 'person' && actor.key === by.key && actor.via === 'link',
  )
  if (used)
    return told(
      incident,
      html`<p>
        This link was used at ${time(used.atMs)}, by ${by.name}.
        ${incident.standingAck ? html`The incident is acknowledged by ${incident.standingAck.by}.` : 'It has come back since: use the link of a newer page, or acknowledge on the page of the incident.'}
      </p>`,
    )
  if (context.req.method !== 'POST') return told(incident, question(claims, by.name))
  const result = await command(app, { verb: 'ack', id: claims.incidentId, by }, turn())
  if (result.is === 'problem') return told(incident, html`<p role="alert">${result.message}</p>`, 409)
  return told(
    incident,
    html`<p class="good" role="status">Acknowledged by ${by.name}. Nobody else is paged.</p>`,
  )
}

async function secretOf({ env }: WebContext, team: string): Promise<string | undefined> {
  const { teams } = env.app.catalogue
  const links = Object.hasOwn(teams, team) ? teams[team]?.links : undefined
  if (!links) return undefined
  try {
    return await env.app.ports.secret(links.secret)
  } catch (error) {
    env.app.ports.log.warn('the secret of links cannot be read', {
      request: env.requestId,
      reason: describe(error),
    })
    return undefined
  }
}

function question({ person, team }: AckClaims, name: string): Html {
  return html`<form method="post">
      <button class="primary">
        Acknowledge${person === undefined ? html` for ${team}` : html` as ${name}`}
      </button>
    </form>
    <p class="quiet">Whoever acknowledges takes ownership: nobody else is paged.</p>`
}

function told(
  { title, service, severity, status, detectedAtMs }: Incident,
  said: Html,
  code = 200,
): Response {
  return pageResponse({
    title: 'Acknowledge',
    status: code,
    body: html`<h1>${title}</h1>
      <dl class="facts">
        <div>
          <dt>Service</dt>
          <dd>${service}</dd>
        </div>
        <div>
          <dt>Severity</dt>
          <dd>${severity}</dd>
        </div>
        <div>
          <dt>Status</dt>
          <dd>${status}</dd>
        </div>
        <div>
          <dt>Detected</dt>
          <dd>${time(detectedAtMs)}</dd>
        </div>
      </dl>
      ${said}`,
  })
}
