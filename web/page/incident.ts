import { html } from 'hono/html'
import { isAtLeast, type Caller } from '../../lib/access.ts'
import { command } from '../../lib/command.ts'
import { fold } from '../../lib/execution/fold.ts'
import { isEnded, type Execution } from '../../lib/execution/state.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import type { ChainRecord } from '../../lib/ledger/chain.ts'
import type { EntryOf, Stamped } from '../../lib/ledger/entry.ts'
import { loadIncident } from '../../lib/ledger/records.ts'
import {
  timelineOf,
  type ExecutionSummary,
  type Timeline,
  type TimelineIncident,
  type TimelineRow,
} from '../../lib/timeline.ts'
import { titleOf } from '../../lib/timeline/executions.ts'
import { whyLines } from '../../lib/timeline/why-lines.ts'
import { durationText, forecastText, offsetText } from '../../lib/timeline/words.ts'
import { mayAsk, type WebContext } from '../caller.ts'
import { TIMELINE_FORMATS } from '../timeline.ts'
import { ProblemError } from '../problem.ts'
import { curveOf, drawCurve } from './curve.ts'
import { pageResponse, time, type Html } from './document.ts'
import { statusTag } from './incidents.ts'
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
  const { app, turn } = context.env
  const asked = { verb: 'records', id } as const
  await mayAsk(app, caller, asked)
  const result = await command(app, asked, turn())
  if (result.is === 'problem') throw new ProblemError(result.code, result.message)
  const { records } = result.answer as unknown as { readonly records: readonly ChainRecord[] }
  const timeline = timelineOf(records)
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
      ${timeline.executions.length === 0 ? html`<p class="quiet">Nothing was started.</p>` : timeline.executions.map((one) => executionOf(one, shown, caller))}
      <h2>Record</h2>
      <p class="controls">
        ${
          isFailedOnly
            ? html`Only what failed or needs attention.
                <a href="/incidents/${incident.incidentId}">Show all</a>`
            : html`<a href="/incidents/${incident.incidentId}?only=failed"
                >Only what failed or needs attention</a
              >`
        }
      </p>
      ${tableOf(rows)} ${proofOf(timeline)}
      <p class="controls">
        As
        ${TIMELINE_FORMATS.map(({ name }) => html`<a href="/incidents/${incident.incidentId}/timeline.${name}">${name}</a> `)}
      </p>`,
  })
}

/** The name of the alarm that opened it. */
function signalOf(streams: Shown['streams']): string | undefined {
  const opened = streams.get('incident')?.find((entry) => entry.kind === 'incident.opened')
  return opened?.kind === 'incident.opened' ? opened.signal?.name : undefined
}

function headOf(incident: TimelineIncident, { metrics }: Timeline): Html {
  const fact = (name: string, atMs: number | undefined, ms?: number, by?: string): Html | string =>
    atMs === undefined
      ? ''
      : html`<div>
          <dt>${name}</dt>
          <dd>
            ${time(atMs)}${ms === undefined ? '' : ` (after ${durationText(ms)})`}${by === undefined ? '' : html`<br />${by}`}
          </dd>
        </div>`
  return html`<h1>${incident.title}</h1>
    <p>
      ${statusTag(incident.status)} <span class="tag">${incident.severity}</span> service
      <strong>${incident.service}</strong> <span class="quiet mono">${incident.incidentId}</span>
    </p>
    <p>${incident.reason} <span class="quiet">Reported by ${incident.reportedBy}.</span></p>
    <dl class="facts">
      ${fact('Onset', incident.onsetAtMs)} ${fact('Detected', incident.detectedAtMs, metrics.ttdMs)}
      ${fact('Acknowledged', incident.acknowledgedAtMs, metrics.ttaMs, incident.acknowledgedBy)}
      ${fact('Mitigated', incident.mitigatedAtMs, metrics.ttmMs)}
      ${fact('Resolved', incident.resolvedAtMs, metrics.ttrMs)}
    </dl>`
}

/** What is asked of people, with the plan as it is asked about. */
function questionsOf({ streams, nowMs }: Shown, caller: Caller): Html {
  const panels = [...streams].flatMap(([stream, entries]) => {
    const execution = fold(entries)
    if (isEnded(execution) || execution.aborted) return []
    return [...execution.approvals].flatMap(([subject, approval]) => {
      if (approval.is !== 'asked' || approval.expiresAtMs <= nowMs) return []
      const asked = entries.findLast(
        (entry): entry is EntryOf<'approval.requested'> & Stamped =>
          entry.kind === 'approval.requested' && entry.subject === subject,
      )
      return [questionOf(stream, subject, approval, asked, caller)]
    })
  })
  return html`${panels}`
}

type Asked = Extract<Execution['approvals'] extends ReadonlyMap<string, infer A> ? A : never, { is: 'asked' }>

function questionOf(
  stream: string,
  subject: string,
  { digest, by, expiresAtMs, quorum, approvedBy, notBy }: Asked,
  asked: EntryOf<'approval.requested'> | undefined,
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
      ${(asked?.steps ?? []).map((step) => html`<li>${forecastText(step)}</li>`)}
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
  { incidentId, status, acknowledgedAtMs }: TimelineIncident,
  // Sent twice from the same view it is one request.
  rows: number,
  caller: Caller,
): Html {
  if (!isAtLeast(caller.role, 'responder')) return html``
  const form = (verb: string, label: string, field?: string, isPrimary = false): Html =>
    html`<form class="inline" method="post" action="/incidents/${incidentId}/${verb}"><input type="hidden" name="key" value="page ${rows}">${field === undefined ? '' : html`<label>${field} <input name="text" required maxlength="1000" /></label>`}<button${isPrimary ? html` class="primary"` : ''}>${label}</button></form>`
  const isOpen = status !== 'resolved'
  return html`<div class="controls">
    ${isOpen && acknowledgedAtMs === undefined ? form('ack', 'Acknowledge', undefined, true) : ''}
    ${form('note', 'Add a note', 'Note')}
    ${status === 'open' ? form('mitigate', 'The impact is reduced', 'How') : ''}
    ${isOpen ? form('resolve', 'Resolve', 'Why it is over') : ''}
  </div>`
}

function executionOf(summary: ExecutionSummary, { nowMs }: Shown, caller: Caller): Html {
  const { executionId, outcome, reason, level, startedBy, startedAtMs, endedAtMs, steps, pages } = summary
  const mayAbort = outcome === 'running' && isAtLeast(caller.role, 'responder')
  return html`<section id="${executionId}" aria-label="${titleOf(summary)}">
    <h3>
      ${titleOf(summary)} <span class="tag ${level}">${outcome}</span>
      <span class="quiet mono">${executionId}</span>
    </h3>
    <p>
      ${reason === '' ? '' : `${reason}.`}
      <span class="quiet"
        >Started by ${startedBy} at ${time(startedAtMs)},
        ${endedAtMs === undefined ? `for ${durationText(nowMs - startedAtMs)} now` : `took ${durationText(endedAtMs - startedAtMs)}`}.</span
      >
    </p>
    ${
      steps.length === 0
        ? ''
        : html`<div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col">Step</th>
                  <th scope="col">State</th>
                  <th scope="col">Change</th>
                  <th scope="col" class="number">Attempts</th>
                </tr>
              </thead>
              <tbody>
                ${steps.map(
                  (step) =>
                    html`<tr>
                      <td>${step.step}</td>
                      <td>
                        <span class="${step.level}">${step.state}</span
                        >${step.recovered === undefined ? '' : html` <span class="quiet">${step.recovered}</span>`}${step.reason === undefined ? '' : html`<br /><span class="quiet">${step.reason}</span>`}
                      </td>
                      <td>${step.target === undefined ? '' : `${step.target}: ${step.change ?? ''}`}</td>
                      <td class="number">${step.attempts === 0 ? '' : step.attempts}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
    ${pages.map(({ to, state, reason: why, level: how }) => html`<p><span class="${how}">${to} was called (${state})</span>: ${why}</p>`)}
    ${
      mayAbort
        ? html`<form class="inline" method="post" action="/executions/${executionId}/abort">
            <label>Reason <input name="text" required maxlength="1000" /></label
            ><button class="danger">Abort</button>
          </form>`
        : ''
    }
  </section>`
}

/** An address of its own for each entry: `#e-p3v8ad-2-0`. */
function anchorOf(address: string): string {
  return `e-${address.replace(/^inc-[0-9a-z]{12}-?/, '').replace(/[^\w-]+/g, '-')}`
}

function tableOf(rows: readonly TimelineRow[]): Html {
  return html`<div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col" class="number">Since</th>
            <th scope="col">What</th>
            <th scope="col">Who</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => {
            const anchor = anchorOf(row.address)
            const lines = whyLines(row.why)
            const ids = [
              row.requestId && `AWS request ${row.requestId}`,
              row.operationId && `operation ${row.operationId}`,
            ].filter(Boolean)
            return html`<tr id="${anchor}">
              <td><a href="#${anchor}">${time(row.atMs)}</a></td>
              <td class="number quiet">${offsetText(row.sinceMs)}</td>
              <td>
                <span class="${row.level === 'info' ? '' : row.level}">${markOf(row.level)}</span>
                ${row.text}${
                  lines.length + ids.length === 0
                    ? ''
                    : html`<details data-of="${anchor}">
                        <summary>Why</summary>
                        <ul class="why">
                          ${[...lines, ...ids].map((line) => html`<li>${line}</li>`)}
                        </ul>
                      </details>`
                }
              </td>
              <td>
                ${row.who}<br /><span class="quiet mono"
                  >${row.address.replace(/^inc-[0-9a-z]{12}-?/, '')}</span
                >
              </td>
            </tr>`
          })}
        </tbody>
      </table>
    </div>
    ${rows.length === 0 ? html`<p class="quiet">Nothing of it failed.</p>` : ''}`
}

/** Nothing is told by colour alone. */
function markOf(level: TimelineRow['level']): string {
  return { info: '·', good: '✓', bad: '✗', attention: '!' }[level]
}

function proofOf({ chain }: Timeline): Html {
  return chain.is === 'consistent'
    ? html`<p class="good">
        ✓ ${chain.records} records are consistent.
        <span class="quiet"
          >That none is missing at the end is proved only against head hashes that were exported
          earlier.</span
        >
      </p>`
    : html`<p class="bad" role="alert">✗ The chain is broken at ${chain.address}: ${chain.reason}</p>`
}

/** Where an incident's page is, also by the id of one of its executions. */
export function incidentPath(id: string): string {
  return `/incidents/${incidentIdOf(id) ?? id}`
}
