import { html } from 'hono/html'
import { isAtLeast, reaches, type Caller } from '../../lib/access.ts'
import { command } from '../../lib/command.ts'
import { scopeText, type Paused, type PauseScope } from '../../lib/ledger/kill-switch.ts'
import type { WebContext } from '../caller.ts'
import { nextAddress, pageOf, queryOf, STATUSES } from '../list.ts'
import { pageResponse, time, type Html } from './document.ts'

/** What a status looks like; the word itself says it as well. */
export function statusTag(status: string): Html {
  const level = { open: 'bad', mitigated: 'attention', resolved: 'good' }[status] ?? 'quiet'
  return html`<span class="tag ${level}">${status}</span>`
}

/** The incidents, newest first, with their filters in the address. */
export async function incidentsPage(context: WebContext, caller: Caller): Promise<Response> {
  const { app, turn } = context.env
  const url = new URL(context.req.url)
  const query = queryOf(url)
  const [page, status] = await Promise.all([
    pageOf(app, caller, query),
    command(app, { verb: 'status' }, turn()),
  ])
  const services = Object.keys(app.catalogue.services).filter((name) => reaches(caller, name))
  const next = nextAddress(url, page)
  const options = (names: readonly string[], chosen: string | undefined) =>
    names.map((name) => html`<option${name === chosen ? ' selected' : ''}>${name}</option>`)
  return pageResponse({
    title: 'Incidents',
    who: `${caller.name}, ${caller.role}`,
    live: query.cursor === undefined,
    body: html`<h1>Incidents</h1>
      ${pausedPanel(status.is === 'answer' ? (status.answer as unknown as Status) : undefined, caller)}
      <form class="inline" method="get" action="/">
        <label
          >Status
          <select name="status">
            <option value="">all</option>
            ${options(STATUSES, query.status)}
          </select></label
        >
        <label
          >Service
          <select name="service">
            <option value="">all</option>
            ${options(services, query.service)}
          </select></label
        >
        <button>Filter</button>
      </form>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Opened</th>
              <th scope="col">Status</th>
              <th scope="col">Severity</th>
              <th scope="col">Service</th>
              <th scope="col">What</th>
            </tr>
          </thead>
          <tbody>
            ${page.items.map(
              ({ incidentId, status: state, severity, service, title, openedAtMs }) =>
                html`<tr>
                  <td>${time(openedAtMs)}</td>
                  <td>${statusTag(state)}</td>
                  <td>${severity}</td>
                  <td>${service}</td>
                  <td>
                    <a href="/incidents/${incidentId}">${title}</a>
                    <span class="quiet mono">${incidentId}</span>
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${page.items.length === 0 ? html`<p class="quiet">${(query.status ?? query.service) ? 'No incident matches the filter' : 'Nothing has happened yet'}.</p>` : ''}
      ${next === undefined ? '' : html`<p><a rel="next" href="${next}">Older ones</a></p>`}`,
  })
}

interface Status {
  readonly mode: string
  readonly paused: readonly Paused[]
}

/** The kill switch, and the mode of the policy. */
function pausedPanel(status: Status | undefined, caller: Caller): Html {
  if (!status) return html``
  const isAll = status.paused.some(({ scope }) => scope.is === 'all')
  // What is said of services that somebody does not reach is not for them; that everything stands still is.
  const shown = status.paused.filter(
    ({ scope }) =>
      scope.is === 'all' ||
      (scope.is === 'service' ? reaches(caller, scope.name) : caller.services === undefined),
  )
  const mayPause = isAtLeast(caller.role, 'responder')
  const mayResume = isAtLeast(caller.role, 'approver')
  const isOfAll = caller.services === undefined
  return html`<div class="panel">
    <p>Mode of the policy: <strong>${status.mode}</strong>.</p>
    ${shown.map(
      ({ scope, by, reason }) =>
        html`<p class="attention">
          Paused: ${scopeText(scope)}, by ${by}: ${reason}
          ${mayResume && (scope.is === 'service' || isOfAll) ? resumeForm(scope) : ''}
        </p>`,
    )}
    ${
      mayPause && isOfAll && !isAll
        ? html`<form class="inline" method="post" action="/pause-all">
            <label>Reason <input name="reason" required maxlength="1000" /></label
            ><button class="danger">Pause everything</button>
          </form>`
        : ''
    }
    ${
      mayPause
        ? html`<details>
            <summary>Pause one service${isOfAll ? ', runbook or account' : ''}</summary>
            <form class="inline" method="post" action="/pause">
              <label
                >What
                <select name="is">
                  <option>service</option>
                  ${
                    isOfAll
                      ? html`<option>runbook</option>
                          <option>account</option>`
                      : ''
                  }
                </select></label
              >
              <label>Name <input name="name" required maxlength="200" /></label>
              <label>Reason <input name="reason" required maxlength="1000" /></label
              ><button class="danger">Pause it</button>
            </form>
          </details>`
        : ''
    }
  </div>`
}

function resumeForm(scope: PauseScope): Html {
  return scope.is === 'all'
    ? html`<form class="inline" method="post" action="/resume-all"><button>Resume everything</button></form>`
    : html`<form class="inline" method="post" action="/resume">
        <input type="hidden" name="is" value="${scope.is}" /><input
          type="hidden"
          name="name"
          value="${scope.name}"
        /><button>Resume ${scopeText(scope)}</button>
      </form>`
}
