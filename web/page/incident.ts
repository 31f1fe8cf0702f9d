import { html } from 'hono/html'
import { isAtLeast, type Caller } from '../../lib/access.ts'
import { openApprovalsIn, type OpenApproval } from '../../lib/execution/approvals.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import type { Stamped } from '../../lib/ledger/entry.ts'
import { loadIncident } from '../../lib/ledger/records.ts'
import type { Timeline, TimelineIncident } from '../../lib/timeline.ts'
import { forecastText } from '../../lib/timeline/words.ts'
import type { WebContext } from '../caller.ts'
import { TIMELINE_FORMATS, timelineFor } from '../timeline.ts'
import { ProblemError } from '../problem.ts'
import { curveOf, drawCurve } from './curve.ts'
import { pageResponse, time, type Html } from './document.ts'
import { executionOf, headOf, proofOf, tableOf } from './incident-parts.ts'
import { lanesOf } from './lanes.ts'

/** All that the page of one incident shows. */
interface Shown {
  readonly timeline: Timeline
  readonly incident: TimelineIncident
  readonly streams: ReadonlyMap<string, readonly Stamped[]>
  readonly nowMs: number
}

/** What is on record of one incident, whichever of its executions was named. Throws where there is none, or none within reach. */
async function shownOf(context: WebContext, caller: Caller, id: string): Promise<Shown> {
  const { app } = context.env
  const timeline = await timelineFor(app, caller, id)
  if (!timeline.incident) throw new ProblemError('not-found', `there is no incident ${id}`)
  const streams = await loadIncident(app.ports.storage, timeline.incident.incidentId)
  return {
    timeline,
    incident: timeline.incident,
    streams: new Map(streams.map(({ stream, entries }) => [stream, entries])),
    nowMs: app.ports.clock.now(),
  }
}

export async function incidentPage(context: WebContext, caller: Caller): Promise<Response> {
  const id = context.req.param('id') ?? ''
  const shown = await shownOf(context, caller, id)
  const { timeline, incident, streams, nowMs } = shown
  const isOver = incident.status === 'resolved'
  const endMs = incident.resolvedAtMs ?? nowMs
  const title = signalOf(streams) ?? incident.title
  const curve = await curveOf(context.env.app, {
    title,
    service: incident.service,
    fromMs: incident.onsetAtMs ?? incident.detectedAtMs,
    untilMs: endMs,
  })
  const isFailedOnly = context.req.query('only') === 'failed'
  const rows = isFailedOnly
    ? timeline.rows.filter(({ level }) => level === 'bad' || level === 'attention')
    : timeline.rows
  const path = `/incidents/${incident.incidentId}`
  return pageResponse({
    title: incident.title,
    who: `${caller.name}, ${caller.role}`,
    live: !isOver || timeline.executions.some(({ outcome }) => outcome === 'running'),
    body: html`${headOf(incident, timeline)} ${questionsOf(shown, caller)}
      ${actsOf(incident, timeline.rows.length, caller)}
      <h2>Steps</h2>
      ${lanesOf(streams, incident.detectedAtMs, nowMs)}
      ${
        curve === undefined
          ? ''
          : html`<h2>Metric</h2>
              ${drawCurve(curve, [...streams.values()].flat(), incident.detectedAtMs)}`
      }
      <h2>Executions</h2>
      ${timeline.executions.length === 0 ? html`<p class="quiet">Nothing was started.</p>` : timeline.executions.map((one) => executionOf(one, nowMs, isAtLeast(caller.role, 'responder')))}
      <h2>Record</h2>
      <p class="controls">
        ${
          isFailedOnly
            ? html`Only what failed or needs attention. <a href="${path}">Show all</a>`
            : html`<a href="${path}?only=failed">Only what failed or needs attention</a>`
        }
      </p>
      ${tableOf(rows, { path, isFailedOnly, entry: context.req.query('entry') })} ${proofOf(timeline)}
      <p class="controls">
        As ${TIMELINE_FORMATS.map(({ name }) => html`<a href="${path}/timeline.${name}">${name}</a> `)}
      </p>`,
  })
}

/** The name of the alarm that opened it. */
function signalOf(streams: Shown['streams']): string | undefined {
  const opened = streams.get('incident')?.find((entry) => entry.kind === 'incident.opened')
  return opened?.kind === 'incident.opened' ? opened.signal?.name : undefined
}

/** What is asked of people, with the plan as it is asked about. */
function questionsOf({ streams, nowMs }: Shown, caller: Caller): Html {
  const panels = [...streams].flatMap(([stream, entries]) =>
    openApprovalsIn(entries, nowMs).map((open) => questionOf(stream, open, caller)),
  )
  return html`${panels}`
}

function questionOf(
  stream: string,
  { subject, steps, digest, by, expiresAtMs, quorum, approvedBy, notBy }: OpenApproval,
  caller: Caller,
): Html {
  const mayDecide = isAtLeast(caller.role, 'approver')
  const hidden = html`<input type="hidden" name="subject" value="${subject}" /><input
      type="hidden"
      name="digest"
      value="${digest}"
    />`
  const approve =
    caller.name === notBy || approvedBy.includes(caller.name)
      ? ''
      : html`<form class="inline" method="post" action="/executions/${stream}/approve">
          ${hidden}<button class="primary">Approve ${subject === 'plan' ? 'the plan' : subject}</button>
        </form>`
  return html`<section class="panel" aria-label="Approval of ${subject}">
    <h2>${by} is asked: ${subject === 'plan' ? 'the whole plan' : subject}</h2>
    <ul>
      ${steps.map((step) => html`<li>${forecastText(step)}</li>`)}
    </ul>
    <p class="quiet">
      Plan <code>${digest}</code>, until
      ${time(expiresAtMs)}.${quorum > 1 ? ` It takes ${quorum} people; ${approvedBy.length === 0 ? 'nobody has approved yet' : `approved by ${approvedBy.join(', ')}`}.` : ''}
      Silence never applies a change.
    </p>
    ${
      mayDecide
        ? html`${approve}
            <form class="inline" method="post" action="/executions/${stream}/deny">
              ${hidden}<label>Reason <input name="reason" maxlength="1000" /></label
              ><button class="danger">Deny</button>
            </form>`
        : html`<p class="quiet">To decide takes the role approver.</p>`
    }
  </section>`
}

/** What whoever is looking may say of the incident. */
function actsOf(
  { incidentId, status, owner }: TimelineIncident,
  // Sent twice from the same view it is one request.
  rows: number,
  caller: Caller,
): Html {
  if (!isAtLeast(caller.role, 'responder')) return html``
  const form = (verb: string, label: string, field?: string, isPrimary = false): Html =>
    html`<form class="inline" method="post" action="/incidents/${incidentId}/${verb}"><input type="hidden" name="key" value="page ${rows}">${field === undefined ? '' : html`<label>${field} <input name="text" required maxlength="1000" /></label>`}<button${isPrimary ? html` class="primary"` : ''}>${label}</button></form>`
  const isOpen = status !== 'resolved'
  return html`<div class="controls">
    ${isOpen && owner === undefined ? form('ack', 'Acknowledge', undefined, true) : ''}
    ${form('note', 'Add a note', 'Note')}
    ${status === 'open' ? form('mitigate', 'The impact is reduced', 'How') : ''}
    ${isOpen ? form('resolve', 'Resolve', 'Why it is over') : ''}
  </div>`
}

/** Where an incident's page is, also by the id of one of its executions. */
export function incidentPath(id: string): string {
  return `/incidents/${incidentIdOf(id) ?? id}`
}
