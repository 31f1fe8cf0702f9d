import { isoTime } from '../clock.ts'
import type { Channel, Severity } from '../runbook/runbook.ts'
import { jsonObject, oneLine, refusal, SEND_TIMEOUT_MS, type Sender } from './channel.ts'

type PagerDuty = Extract<Channel, { is: 'pagerduty' }>

const ENDPOINTS = {
  us: 'https://events.pagerduty.com/v2/enqueue',
  eu: 'https://events.eu.pagerduty.com/v2/enqueue',
} as const

const SEVERITIES: { readonly [severity in Severity]: string } = {
  sev1: 'critical',
  sev2: 'error',
  sev3: 'warning',
  sev4: 'info',
}

/**
 * PagerDuty Events API v2 (AWS.md 16.1). Only 202 means accepted, and accepted is not delivered. The key is the
 * `dedup_key`, so a page that was sent twice is one alert.
 */
export const pagerdutySender: Sender<PagerDuty> = {
  kind: 'pagerduty',
  permissions: () => [],
  secrets: (channel) => [channel.routingKey],
  async send(page, channel, { http, secret }) {
    const body = {
      routing_key: await secret(channel.routingKey),
      event_action: 'trigger',
      dedup_key: page.key.slice(0, 255),
      payload: {
        summary: oneLine(page.summary, 1_024),
        source: oneLine(page.service, 255),
        severity: SEVERITIES[page.severity],
        timestamp: isoTime(page.onsetAtMs),
        component: oneLine(page.service, 255),
        class: oneLine(page.runbook, 255),
        custom_details: { text: page.text, incident: page.incidentId, execution: page.executionId },
      },
      client: 'Firebreak',
      ...(page.ackUrl === undefined
        ? {}
        : { links: [{ href: page.ackUrl, text: 'Acknowledge in Firebreak' }] }),
    }
    const answer = await http.post({
      url: ENDPOINTS[channel.region],
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      timeoutMs: SEND_TIMEOUT_MS,
    })
    const said = jsonObject(answer.body)
    if (answer.status === 202) {
      return { accepted: true, id: typeof said['dedup_key'] === 'string' ? said['dedup_key'] : page.key }
    }
    const errors = Array.isArray(said['errors']) ? said['errors'].map(String).join('; ') : ''
    const message = typeof said['message'] === 'string' ? said['message'] : ''
    return refusal(answer, oneLine([message, errors].filter((part) => part !== '').join(': '), 200))
  },
}
