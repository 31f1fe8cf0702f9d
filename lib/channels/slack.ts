import type { Channel } from '../runbook/runbook.ts'
import {
  escaped,
  jsonObject,
  oneLine,
  refusal,
  retryAfterMs,
  SEND_TIMEOUT_MS,
  type Sender,
} from './channel.ts'

type Slack = Extract<Channel, { is: 'slack' }>

const ENDPOINT = 'https://slack.com/api/chat.postMessage'

/** Slack's limits (AWS.md 16.4). */
const MAX_HEADER = 150
const MAX_SECTION = 3_000

/** Slack says no with HTTP 200; these of its errors pass. */
export const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'service_unavailable',
  'request_timeout',
])

/**
 * Slack `chat.postMessage` (AWS.md 16.4). There is no idempotency token: a page whose answer was lost may stand twice.
 * `text` is always sent, since it is what notifications show; untrusted text is escaped, so it mentions nobody.
 */
export const slackSender: Sender<Slack> = {
  kind: 'slack',
  permissions: () => [],
  secrets: (channel) => [channel.token],
  async send(page, channel, { http, secret }) {
    const message = {
      channel: channel.channel,
      text: escaped(page.summary, MAX_SECTION),
      blocks: [
        {
          type: 'header',
          text: { type: 'plain_text', text: oneLine(page.summary, MAX_HEADER), emoji: false },
        },
        { type: 'section', text: { type: 'mrkdwn', text: escaped(page.text, MAX_SECTION), verbatim: true } },
        ...(page.ackUrl === undefined ? [] : [ackButton(page.ackUrl)]),
        {
          type: 'context',
          elements: [{ type: 'mrkdwn', text: escaped(page.key, MAX_SECTION), verbatim: true }],
        },
      ],
      parse: 'none',
      link_names: false,
      unfurl_links: false,
      unfurl_media: false,
    }
    const answer = await http.post({
      url: ENDPOINT,
      headers: {
        authorization: `Bearer ${await secret(channel.token)}`,
        'content-type': 'application/json; charset=utf-8',
      },
      body: JSON.stringify(message),
      timeoutMs: SEND_TIMEOUT_MS,
    })
    if (answer.status !== 200) return refusal(answer, '')
    const said = jsonObject(answer.body)
    if (said['ok'] === true && typeof said['ts'] === 'string') {
      const where = typeof said['channel'] === 'string' ? said['channel'] : channel.channel
      return { accepted: true, id: `${where}/${said['ts']}` }
    }
    if (said['ok'] !== false)
      return {
        accepted: false,
        reason: 'answered 200 with something else than JSON of Slack',
        retryable: true,
      }
    const error = typeof said['error'] === 'string' ? oneLine(said['error'], 100) : 'no reason given'
    const wait = retryAfterMs(answer)
    return {
      accepted: false,
      reason: error,
      retryable: PASSING_ERRORS.has(error),
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
    }
  },
}

/** A link, and no action: it works also where the Slack application is not set up. */
function ackButton(url: string): object {
  const text = { type: 'plain_text', text: 'Acknowledge', emoji: false }
  return { type: 'actions', elements: [{ type: 'button', text, url, style: 'primary' }] }
}
