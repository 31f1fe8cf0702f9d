import { html } from 'hono/html'
import type { ExecutionSummary, Timeline, TimelineIncident, TimelineRow } from '../../lib/timeline.ts'
import { titleOf } from '../../lib/timeline/executions.ts'
import { whyLines } from '../../lib/timeline/why-lines.ts'
import { durationText, offsetText } from '../../lib/timeline/words.ts'
import { time, type Html } from './document.ts'
import { statusTag } from './incidents.ts'

/** What it is, and when what happened. */
export function headOf(incident: TimelineIncident, { metrics }: Timeline): Html {
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

/** One execution with its steps; `nowMs` is when it is looked at. Whoever may abort it is shown how. */
export function executionOf(summary: ExecutionSummary, nowMs: number, mayAct: boolean): Html {
  const { executionId, outcome, reason, level, startedBy, startedAtMs, endedAtMs, steps, pages } = summary
  const mayAbort = mayAct && outcome === 'running'
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

/** What of the table is shown, and where. */
interface Place {
  /** Of the page. */
  readonly path: string
  readonly isFailedOnly: boolean
  /** The anchor of the entry that somebody's link leads to. */
  readonly entry: string | undefined
}

/** A page is read on a phone, too: so many entries at a time, and the others by a link. */
const MAX_ROWS = 80

/** The entries with their reasons, each under an address of its own: the latest, or those around the one that is asked for. */
export function tableOf(rows: readonly TimelineRow[], place: Place): Html {
  const wanted = rows.findIndex(({ address }) => anchorOf(address) === place.entry)
  const last = Math.max(rows.length - MAX_ROWS, 0)
  const from = wanted === -1 ? last : Math.min(Math.max(wanted - MAX_ROWS / 2, 0), last)
  const shown = rows.slice(from, from + MAX_ROWS)
  return html`${othersOf(from, 'earlier', rows[from - MAX_ROWS / 2] ?? rows[0], place)}${rowsOf(shown, (row) => linkTo(row, place))}${othersOf(rows.length - from - shown.length, 'later', rows[from + MAX_ROWS * 1.5] ?? rows.at(-1), place)}`
}

/** Where an entry is seen, however many follow it. */
function linkTo({ address }: TimelineRow, { path, isFailedOnly }: Place): string {
  const anchor = anchorOf(address)
  return `${path}?${isFailedOnly ? 'only=failed&' : ''}entry=${anchor}#${anchor}`
}

function othersOf(count: number, which: string, to: TimelineRow | undefined, place: Place): Html | string {
  if (count === 0 || to === undefined) return ''
  return html`<p>
    <a href="${linkTo(to, place)}">${count} ${which} ${count === 1 ? 'entry' : 'entries'}</a>
  </p>`
}

/** The given entries, each linked to where it is found again. */
export function rowsOf(
  rows: readonly TimelineRow[],
  linkOf: (row: TimelineRow) => string = ({ address }) => `#${anchorOf(address)}`,
): Html {
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
              <td><a href="${linkOf(row)}">${time(row.atMs)}</a></td>
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
    ${rows.length === 0 ? html`<p class="quiet">No entry failed or needs attention.</p>` : ''}`
}

/** Nothing is told by colour alone. */
function markOf(level: TimelineRow['level']): string {
  return { info: '·', good: '✓', bad: '✗', attention: '!' }[level]
}

/** Whether the record stands. */
export function proofOf({ chain }: Timeline): Html {
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
