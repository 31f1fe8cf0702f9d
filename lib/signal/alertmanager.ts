import { canonical, type Json } from '../json.ts'
import { sha256 } from '../ids.ts'
import type { Delivery } from './delivery.ts'
import { eventOf, ignored, refused, signalOf } from './outcome.ts'
import { at, cleanName, firstText, has, listAt, membersOf, numberAt, textAt, type Members } from './read.ts'
import type { Parsed, Signal } from './signal.ts'
import { stateTimeOf, timeOf } from './time.ts'

/** Prometheus lists rules that wait for their time as well. */
const WAITING = new Set(['pending', 'inactive'])

const STATES: { readonly [word: string]: Signal['state'] } = {
  firing: 'alarm',
  active: 'alarm',
  unprocessed: 'alarm',
  suppressed: 'alarm',
  error: 'alarm',
  alerting: 'alarm',
  resolved: 'ok',
  ok: 'ok',
  normal: 'ok',
  no_data: 'insufficient-data',
  nodata: 'insufficient-data',
}

/** Webhooks of Alertmanager (versions 3 and 4) and of Grafana's unified alerting, which took over the format: an alert each. */
export function fromAlertmanager(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  const told = has(payload, 'alerts') || (has(payload, 'commonLabels') && has(payload, 'status'))
  if (
    !told ||
    !(
      has(payload, 'receiver') ||
      has(payload, 'groupKey') ||
      has(payload, 'commonLabels') ||
      hasLabels(payload)
    )
  ) {
    return undefined
  }
  const source = isGrafana(payload) ? 'grafana' : 'alertmanager'
  const alerts = listAt(payload, 'alerts') ?? []
  // An alert that lost its list still has the group's labels and status.
  const common = {
    status: at(payload, 'status') ?? null,
    labels: at(payload, 'commonLabels') ?? null,
    annotations: at(payload, 'commonAnnotations') ?? null,
  }
  const given = alerts.length > 0 ? alerts : [common]
  const parsed = given.map((alert) => alertSignal(source, alert, payload, delivery))
  const cut = numberAt(payload, 'truncatedAlerts') ?? 0
  if (cut > 0)
    parsed.push(
      refused(
        'truncated',
        `${cut} more alerts were left out by the sender; raise max_alerts of the receiver`,
      ),
    )
  return parsed
}

/** One alert as Prometheus posts it to an Alertmanager: no status, but an end that has come or has not. */
export function fromPrometheusAlert(payload: Members, delivery: Delivery): readonly Parsed[] | undefined {
  if (textAt(payload, 'labels', 'alertname') === undefined || !has(payload, 'startsAt')) return undefined
  return [alertSignal('alertmanager', payload, {}, delivery)]
}

function hasLabels(payload: Members): boolean {
  return has(listAt(payload, 'alerts')?.[0], 'labels')
}

function isGrafana(payload: Members): boolean {
  return (
    has(payload, 'orgId') || has(payload, 'appVersion') || (has(payload, 'title') && has(payload, 'state'))
  )
}

function alertSignal(source: string, alert: Json, group: Members, delivery: Delivery): Parsed {
  if (!membersOf(alert)) return refused('malformed', 'an entry of alerts is not an object')
  const name = cleanName(
    textAt(alert, 'labels', 'alertname') ??
      textAt(group, 'commonLabels', 'alertname') ??
      textAt(group, 'groupLabels', 'alertname') ??
      firstText(alert, ['annotations', 'summary']) ??
      textAt(group, 'title'),
  )
  if (name === undefined) return refused('missing-name', 'an alert without the label alertname')
  const state = stateOf(alert, group, delivery)
  if (state.word !== undefined && WAITING.has(state.word.toLowerCase())) {
    return ignored('no-change', `the alert ${name} is ${state.word}, which is no alert yet`)
  }
  if (state.is === undefined) {
    const code = state.word === undefined ? 'missing-state' : 'unknown-state'
    return refused(
      code,
      `the alert ${name} has ${state.word === undefined ? 'no status' : `the status "${state.word.slice(0, 40)}"`}, neither firing nor resolved`,
    )
  }
  // Prometheus lists its alerts with `activeAt`.
  const starts = at(alert, 'startsAt') ?? at(alert, 'activeAt')
  const stateAtMs =
    state.is === 'alarm' ? stateTimeOf(delivery, starts) : stateTimeOf(delivery, at(alert, 'endsAt'), starts)
  if (stateAtMs === undefined)
    return refused('missing-time', `the alert ${name} came without a startsAt that can be read`)
  const labels = at(alert, 'labels') ?? at(group, 'commonLabels') ?? null
  const fingerprint = textAt(alert, 'fingerprint') ?? sha256(canonical(labels)).slice(0, 16)
  return signalOf({
    source,
    via: 'webhook',
    key:
      source === 'grafana'
        ? [textAt(group, 'orgId') ?? textAt(alert, 'orgId'), name, fingerprint]
        : [name, fingerprint],
    name,
    state: state.is,
    stateAtMs,
    silenced: silencedOf(alert),
    reason:
      firstText(
        alert,
        ['annotations', 'description'],
        ['annotations', 'summary'],
        ['annotations', 'message'],
        ['valueString'],
      ) ??
      firstText(group, ['commonAnnotations', 'description'], ['commonAnnotations', 'summary'], ['title']),
    event: eventOf(source, 'alert', alert),
  })
}

/** Alertmanager's API lists what is silenced or inhibited too; its webhooks leave that out. */
function silencedOf(alert: Json): Signal['silenced'] {
  if (textAt(alert, 'status', 'state')?.toLowerCase() !== 'suppressed') return undefined
  const by = [
    ...(listAt(alert, 'status', 'silencedBy') ?? []),
    ...(listAt(alert, 'status', 'inhibitedBy') ?? []),
  ]
  return { by: 'suppressed', reason: `silenced or inhibited by ${by.slice(0, 5).map(String).join(', ')}` }
}

/** The alert's own status counts; the group's only where an alert has none, since one group may hold both kinds. */
function stateOf(alert: Json, group: Members, delivery: Delivery): { is?: Signal['state']; word?: string } {
  // A list from Alertmanager's API holds the state one level lower, and one from Prometheus calls it `state`.
  const word =
    firstText(alert, ['status'], ['status', 'state'], ['state']) ?? firstText(group, ['status'], ['state'])
  if (word !== undefined) {
    const key = word.trim().toLowerCase().replace(/[\s-]/g, '_')
    const state = Object.hasOwn(STATES, key) ? STATES[key] : undefined
    return state === undefined ? { word } : { is: state, word }
  }
  if (!has(alert, 'startsAt')) return {}
  const endsAtMs = timeOf(at(alert, 'endsAt'))
  return { is: endsAtMs !== undefined && endsAtMs <= delivery.receivedAtMs ? 'ok' : 'alarm' }
}
