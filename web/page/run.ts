import { html } from 'hono/html'
import { isAtLeast, reaches, type Caller } from '../../lib/access.ts'
import type { GuardrailVerdict } from '../../lib/guardrails.ts'
import type { PlannedStep } from '../../lib/plan.ts'
import { forecastText } from '../../lib/timeline/words.ts'
import { askAs, type WebContext } from '../caller.ts'
import { pageResponse, type Html } from './document.ts'

/** The runbooks, and of one of them what it would change now, with a button to start it. */
export async function runPage(context: WebContext, caller: Caller): Promise<Response> {
  const { catalogue } = context.env.app
  const known = catalogue.runbooks.filter(({ service }) => reaches(caller, service))
  const chosen = context.req.query('runbook')
  return pageResponse({
    title: 'Run',
    who: `${caller.name}, ${caller.role}`,
    body: html`<h1>Run a runbook</h1>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Runbook</th>
              <th scope="col">Service</th>
              <th scope="col">What it is for</th>
            </tr>
          </thead>
          <tbody>
            ${known.map(
              ({ runbook, service, summary }) =>
                html`<tr>
                  <td><a href="/run?runbook=${encodeURIComponent(runbook)}">${runbook}</a></td>
                  <td>${service}</td>
                  <td>${summary ?? ''}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${chosen === undefined ? '' : await planOf(context, caller, chosen)}`,
  })
}

interface Planned {
  readonly runbook: string
  readonly service: string
  readonly mode: { readonly mode: string; readonly reason?: string }
  readonly guardrails: readonly GuardrailVerdict[]
  readonly steps: readonly PlannedStep[]
}

async function planOf(context: WebContext, caller: Caller, runbook: string): Promise<Html> {
  const { app, turn } = context.env
  const answer = await askAs(app, caller, { verb: 'plan', runbook }, turn())
  const { service, mode, steps, guardrails } = answer as unknown as Planned
  return html`<section class="panel" aria-label="Plan of ${runbook}">
    <h2>Plan of ${runbook} on ${service}, as it stands now</h2>
    <p>Mode <strong>${mode.mode}</strong>${mode.reason === undefined ? '' : `: ${mode.reason}`}.</p>
    <ul>
      ${steps.map(({ forecast, notes }) => html`<li>${forecastText(forecast)}${notes.map((note) => html`<br /><span class="quiet">${note}</span>`)}</li>`)}
    </ul>
    <ul>
      ${guardrails.map(({ rule, verdict, reason }) => html`<li>${verdict === 'passed' ? html`<span class="good">✓</span>` : html`<span class="bad">✗</span>`} ${rule}: ${reason}</li>`)}
    </ul>
    ${
      isAtLeast(caller.role, 'responder')
        ? html`<form method="post" action="/run">
            <input type="hidden" name="runbook" value="${runbook}" /><input
              type="hidden"
              name="key"
              value="${app.ports.random.id()}"
            />
            <label>Reason <input name="reason" required maxlength="1000" /></label>
            <label
              >Mode
              <select name="mode">
                <option value="">as the policy says</option>
                <option>shadow</option>
                <option>approve</option>
              </select></label
            >
            ${isAtLeast(caller.role, 'approver') ? html`<label><input type="checkbox" name="despiteFreeze" value="yes" /> In spite of a change freeze</label>` : ''}
            <button class="primary">Start ${runbook}</button>
          </form>`
        : html`<p class="quiet">To start it takes the role responder.</p>`
    }
  </section>`
}
