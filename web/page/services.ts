import { html } from 'hono/html'
import { reaches, type Caller } from '../../lib/access.ts'
import { foldIncident } from '../../lib/incident.ts'
import { INCIDENT_STREAM } from '../../lib/incident-stream.ts'
import { load } from '../../lib/ledger/records.ts'
import type { App } from '../../lib/ports.ts'
import { reliabilityOf, type Reliability, type Spread, type Told } from '../../lib/reliability.ts'
import { durationText } from '../../lib/timeline/words.ts'
import type { WebContext } from '../caller.ts'
import { pageOf } from '../list.ts'
import { pageResponse, time, type Html } from './document.ts'

const WINDOW_MS = 30 * 86_400_000
/** Each is read by a query of its own; more than that would keep whoever looks waiting. */
const MAX_INCIDENTS = 300
const AT_ONCE = 20

/** How each service fared over the last 30 days. */
export async function servicesPage(context: WebContext, caller: Caller): Promise<Response> {
  const { app } = context.env
  const nowMs = app.ports.clock.now()
  const { told, isCut } = await recentOf(app, caller, nowMs - WINDOW_MS)
  const oldest = Math.min(nowMs, ...told.map(({ incident }) => incident.detectedAtMs))
  const fromMs = isCut ? Math.max(oldest, nowMs - WINDOW_MS) : nowMs - WINDOW_MS
  const names = Object.keys(app.catalogue.services).filter((name) => reaches(caller, name))
  const rows = reliabilityOf(names, told, fromMs, nowMs)
  return pageResponse({
    title: 'Services',
    who: `${caller.name}, ${caller.role}`,
    body: html`<h1>Services</h1>
      <p class="quiet">
        Since ${time(fromMs)}, over
        ${told.length === 1 ? 'one incident' : `${told.length} incidents`}${isCut ? ', the newest; older ones are left out' : ''}.
      </p>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col" class="number">Open</th>
              <th scope="col" class="number">Incidents</th>
              <th scope="col">Time to mitigate</th>
              <th scope="col">Time to resolve</th>
              <th scope="col" class="number">Availability</th>
              <th scope="col">Mitigated by runbooks</th>
            </tr>
          </thead>
          <tbody>
            ${rows.map(rowOf)}
          </tbody>
        </table>
      </div>
      <p class="quiet">
        Times count from detection, as median and 90th percentile with their number. Availability is MTBF /
        (MTBF + MTTR), where an incident lasts until it is resolved; one that was opened before that time
        counts while it is not.
      </p>`,
  })
}

function rowOf({
  service,
  open,
  incidents,
  toMitigate,
  toResolve,
  availability,
  automated,
}: Reliability): Html {
  const { of, count } = automated
  return html`<tr>
    <th scope="row"><a href="/?service=${encodeURIComponent(service)}">${service}</a></th>
    <td class="number">${open}</td>
    <td class="number">${incidents}</td>
    <td>${spreadText(toMitigate)}</td>
    <td>${spreadText(toResolve)}</td>
    <td class="number">${(availability * 100).toFixed(3)} %</td>
    <td>${of === 0 ? '' : `${count} of ${of} (${Math.round((count / of) * 100)} %)`}</td>
  </tr>`
}

function spreadText(spread: Spread | undefined): string {
  if (!spread) return ''
  return `${durationText(spread.median)}, p90 ${durationText(spread.p90)} (n ${spread.n})`
}

async function recentOf(
  app: App,
  caller: Caller,
  fromMs: number,
): Promise<{ readonly told: readonly Told[]; readonly isCut: boolean }> {
  const ids: string[] = []
  let cursor: string | undefined
  let isCut = false
  do {
    const page = await pageOf(app, caller, { limit: 100, ...(cursor === undefined ? {} : { cursor }) })
    const recent = page.items.filter(({ openedAtMs }) => openedAtMs >= fromMs)
    ids.push(...recent.map(({ incidentId }) => incidentId))
    cursor = recent.length === page.items.length ? (page.next ?? undefined) : undefined
    isCut = ids.length >= MAX_INCIDENTS && cursor !== undefined
  } while (cursor !== undefined && !isCut)
  // What has stood since before then is not over, and its time counts.
  for (const status of ['open', 'mitigated'] as const) {
    const { items } = await pageOf(app, caller, { limit: 100, status })
    ids.push(...items.flatMap(({ incidentId, openedAtMs }) => (openedAtMs < fromMs ? [incidentId] : [])))
  }
  const told: Told[] = []
  for (let index = 0; index < ids.length; index += AT_ONCE)
    told.push(
      ...(await Promise.all(ids.slice(index, index + AT_ONCE).map(async (id) => tellOne(app, id)))).flat(),
    )
  return { told, isCut }
}

async function tellOne({ ports }: App, incidentId: string): Promise<readonly Told[]> {
  const { entries } = await load(ports.storage, incidentId, INCIDENT_STREAM)
  const incident = foldIncident(entries)
  if (!incident) return []
  const mitigated = entries.find((entry) => entry.kind === 'incident.mitigated')
  return [{ incident, isMitigatedByExecution: mitigated?.actor.is === 'engine' }]
}
