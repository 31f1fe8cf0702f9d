import { fold } from './execution/fold.ts'
import { effectiveMode, frozenBy } from './guardrails.ts'
import { canonical } from './json.ts'
import { executionIdFor, incidentIdFor, sha256 } from './ids.ts'
import { foldIncident } from './incident.ts'
import { addToIncident, INCIDENT_STREAM, incidentHead } from './incident-stream.ts'
import { claimKey, readKey } from './ledger/control.ts'
import { listIncidents, openHead } from './ledger/head.ts'
import { load } from './ledger/records.ts'
import type { App, Turn } from './ports.ts'
import type { Mode, Runbook } from './runbook/runbook.ts'
import { lesser, start, takeOnStart } from './start.ts'

/** What a person starts by hand. */
export interface RunOrder {
  readonly runbook: string
  /** One start per caller and key, whatever has happened since. */
  readonly key: string
  readonly by: { readonly name: string; readonly via: string }
  readonly reason: string
  readonly mode?: Mode
  /** The person knows of a change freeze and starts all the same. */
  readonly despiteFreeze?: true
}

export type RunResult =
  | { readonly is: 'started'; readonly incidentId: string; readonly executionId: string; readonly mode: Mode }
  /** The key stands for another request. */
  | { readonly is: 'conflict' }

/** How far back an open incident of the service is looked for. */
const RECENT_INCIDENTS = 50

/** A manual start: it joins the service's open incident, or opens one (CORE.md 1.2). */
export async function run(app: App, runbook: Runbook, order: RunOrder, turn: Turn): Promise<RunResult> {
  const { ports, catalogue } = app
  const { by, key, reason, mode } = order
  const despite = despiteOf(order)
  const fingerprint = fingerprintOf(order)
  const listed = (await listIncidents(ports.storage, RECENT_INCIDENTS)).find(
    (head) => head.status !== 'resolved' && head.summary?.service === runbook.service,
  )
  // HEAD may precede the first record, which alone tells whose alarm an undo must ask: such an incident is not joined.
  const open = listed && (await isOpened(app, listed.incidentId)) ? listed : undefined
  const fresh = incidentIdFor(`manual/${by.name}/${key}`, 0)
  const proposed = open?.incidentId ?? fresh
  const own = {
    fingerprint,
    incidentId: proposed,
    executionId: executionIdFor(proposed, runbook.runbook, `${by.name}/${key}`),
    atMs: ports.clock.now(),
  }
  const claimed = await claimKey(ports.storage, by.name, key, own)
  if (claimed.fingerprint !== fingerprint) return { is: 'conflict' }
  if (claimed !== own) await takeOnStart(ports, claimed, turn)
  const { incidentId, executionId } = claimed
  const incidentsKey = await incidentKey(app, order, runbook, incidentId, incidentId === fresh)
  await start(
    app,
    {
      incidentId,
      executionId,
      key: incidentsKey,
      runbook,
      occasion: { is: 'manual', by: by.name, via: by.via, key, reason, ...despite },
      changes: [],
      repeat: true,
      ...(mode === undefined ? {} : { mode }),
    },
    turn,
    Promise.resolve(),
  )
  const frozen = order.despiteFreeze ? undefined : frozenBy(catalogue.policy, runbook, ports.clock.now())
  return {
    is: 'started',
    incidentId,
    executionId,
    mode: lesser(effectiveMode(catalogue, runbook, frozen).mode, mode),
  }
}

function despiteOf({ despiteFreeze }: RunOrder): Pick<RunOrder, 'despiteFreeze'> {
  return despiteFreeze ? { despiteFreeze } : {}
}

function fingerprintOf(order: RunOrder): string {
  const { runbook, reason, mode } = order
  return sha256(canonical({ runbook, reason, mode: mode ?? null, ...despiteOf(order) }))
}

/** A repeat of what has begun is answered as before, also where the runbook is not deployed any more. */
export async function startedBefore({ ports }: App, order: RunOrder): Promise<RunResult | undefined> {
  const known = await readKey(ports.storage, order.by.name, order.key)
  if (!known) return undefined
  if (known.fingerprint !== fingerprintOf(order)) return { is: 'conflict' }
  const { incidentId, executionId } = known
  const { header } = fold((await load(ports.storage, incidentId, executionId)).entries)
  return header && { is: 'started', incidentId, executionId, mode: header.mode }
}

async function isOpened({ ports }: App, incidentId: string): Promise<boolean> {
  const { entries } = await load(ports.storage, incidentId, INCIDENT_STREAM)
  return foldIncident(entries) !== undefined
}

/** The key of the incident that a manual start belongs to; an incident of its own is opened first. */
async function incidentKey(
  app: App,
  order: RunOrder,
  runbook: Runbook,
  incidentId: string,
  own: boolean,
): Promise<string> {
  const { ports } = app
  const { by, reason } = order
  const manualKey = `manual/${by.name}/${order.key}`
  const stream = await addToIncident(ports, incidentId, (entries) =>
    !own || foldIncident(entries)
      ? []
      : [
          {
            kind: 'incident.opened',
            actor: { is: 'person', ...by },
            incidentId,
            key: manualKey,
            title: `${runbook.runbook} started by ${by.name}`,
            service: runbook.service,
            severity: runbook.severity,
            keepOpenMs: runbook.keepOpenMs,
            detectedAtMs: ports.clock.now(),
            reason,
          },
        ],
  )
  const incident = foldIncident(stream.entries)
  if (incident) await openHead(ports.storage, incidentHead(stream.headSeq, incident, undefined))
  return incident?.key ?? manualKey
}
