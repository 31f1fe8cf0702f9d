import { createHmac } from 'node:crypto'
import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { isoTime } from '../clock.ts'
import type { Http, HttpAnswer } from '../http.ts'
import type { Channel } from '../runbook/runbook.ts'
import { refusal, SEND_TIMEOUT_MS, type Sender } from './channel.ts'

type Webhook = Extract<Channel, { is: 'webhook' }>

/** Standard Webhooks asks for 24 to 64 random bytes. */
const MIN_SECRET_BYTES = 24

/**
 * A signed HTTP request as Standard Webhooks 1.0 describes it: `webhook-id` is the page's key, and the signature covers
 * `{id}.{timestamp}.{body}`. A secret may hold several keys with spaces between them, for a rotation; each signs.
 */
export const webhookSender: Sender<Webhook> = {
  kind: 'webhook',
  permissions: () => [],
  secrets: (channel) => [channel.secret],
  async send(page, channel, { http, secret, nowMs }) {
    const forbidden = forbiddenUrl(channel.url)
    if (forbidden !== undefined) return { accepted: false, reason: forbidden, retryable: false }
    const body = JSON.stringify({ type: 'page.triggered', timestamp: isoTime(page.onsetAtMs), data: page })
    const value = await secret(channel.secret)
    const answer = await postSigned(http, { url: channel.url, secret: value, id: page.key, nowMs, body })
    if (typeof answer === 'string')
      return { accepted: false, reason: `${channel.secret} ${answer}`, retryable: false }
    return answer.status >= 200 && answer.status < 300
      ? { accepted: true, id: page.key }
      : refusal(answer, answer.status === 410 ? 'the endpoint is gone' : '')
  },
}

/**
 * Posts a body with the signature of Standard Webhooks 1.0; once, and follows no redirect. Throws on a network failure. A text
 * where the secret signs nothing says what it must be.
 */
export async function postSigned(
  http: Http,
  {
    url,
    secret,
    id,
    nowMs,
    body,
  }: {
    readonly url: string
    readonly secret: string
    readonly id: string
    readonly nowMs: number
    readonly body: string
  },
): Promise<HttpAnswer | string> {
  const keys = signingKeys(secret)
  if (keys.length === 0) return `must be whsec_ and the base64 of ${MIN_SECRET_BYTES} bytes or more`
  const seconds = String(Math.floor(nowMs / 1_000))
  return http.post({
    url,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': seconds,
      'webhook-signature': keys.map((key) => signature(key, id, seconds, body)).join(' '),
    },
    body,
    timeoutMs: SEND_TIMEOUT_MS,
  })
}

/** `v1,` and the base64 of the HMAC-SHA256 over `{id}.{timestamp}.{body}`. */
export function signature(key: Buffer, id: string, seconds: string, body: string): string {
  return `v1,${createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')}`
}

function signingKeys(secret: string): readonly Buffer[] {
  const parts = secret.split(/\s+/).filter((part) => part !== '')
  const keys = parts.map((part) => Buffer.from(part.startsWith('whsec_') ? part.slice(6) : '', 'base64'))
  return keys.every((key) => key.length >= MIN_SECRET_BYTES) ? keys : []
}

const NOT_PUBLIC = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  NOT_PUBLIC.addSubnet(net, bits, 'ipv4')
}
for (const [net, bits] of [
  ['::', 96],
  ['::ffff:0:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  // Teredo and 6to4 carry an IPv4 address within.
  ['2001::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  NOT_PUBLIC.addSubnet(net, bits, 'ipv6')
}

/** The local stack's own inbox, written out in oncall.yaml; no other spelling of the address counts. */
const THIS_MACHINE = /^http:\/\/(?:127\.0\.0\.1|localhost)(?::\d{1,5})?(?:[/?#]|$)/

/**
 * Why a webhook must not go there; `undefined` where it may. The rule: https, no user or password in the URL, and not a
 * loopback, private, link-local or other address that is not public, in whichever way it is written. The one exception
 * is a URL that oncall.yaml writes as `http://127.0.0.1` or `http://localhost`. A name that resolves to such an address
 * is not seen here; the port that connects would have to look.
 */
export function forbiddenUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return 'the URL cannot be read'
  if (THIS_MACHINE.test(text)) return undefined
  const url = new URL(text)
  if (url.protocol !== 'https:') return `the URL must begin with https:, not with ${url.protocol}`
  if (url.username !== '' || url.password !== '') return 'the URL must not carry a user or password'
  const host = url.hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
  const name = host === 'localhost' || host.endsWith('.localhost')
  const address =
    (isIPv4(host) && NOT_PUBLIC.check(host, 'ipv4')) || (isIPv6(host) && NOT_PUBLIC.check(host, 'ipv6'))
  return name || address ? `${host} is not a public address` : undefined
}
