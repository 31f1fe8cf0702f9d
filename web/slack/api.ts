import { jsonObject, oneLine, retryAfterMs } from '../../lib/channels/channel.ts'
import { PASSING_ERRORS } from '../../lib/channels/slack.ts'
import { describe } from '../../lib/errors.ts'
import type { Ports } from '../../lib/ports.ts'
import type { SlackSettings } from '../../lib/runbook/runbook.ts'
import type { Block } from './blocks.ts'

/** What became of a request to Slack. */
export type SlackAnswer =
  | { readonly is: 'ok'; readonly body: { readonly [name: string]: unknown } }
  /** Slack is asked again then: too much was sent, or it did not answer. */
  | { readonly is: 'later'; readonly afterMs: number; readonly reason: string }
  | { readonly is: 'refused'; readonly error: string }

/** Short: what is not answered is sent again by the queue. */
const TIMEOUT_MS = 5_000
const AGAIN_MS = 30_000

export type Method = 'chat.postMessage' | 'chat.update' | 'chat.postEphemeral' | 'views.open'

/** Asks Slack's Web API (AWS.md 16.4). Never throws but where the token cannot be read. */
export async function askSlack(
  { http, secret }: Pick<Ports, 'http' | 'secret'>,
  { token }: SlackSettings,
  method: Method,
  body: object,
): Promise<SlackAnswer> {
  return send(http, `https://slack.com/api/${method}`, body, {
    authorization: `Bearer ${await secret(token)}`,
  })
}

export interface Said {
  readonly text: string
  readonly blocks?: readonly Block[]
  /** In the channel, for everybody; else only for whoever asked. */
  readonly isPublic?: boolean
}

/** Answers a command or a click, where it came from. Slack takes five answers within half an hour. */
export async function answerAt(
  { http }: Pick<Ports, 'http'>,
  url: string,
  { text, blocks, isPublic }: Said,
): Promise<SlackAnswer> {
  if (!isOfSlack(url)) return { is: 'refused', error: 'the address is none of Slack' }
  return send(http, url, {
    response_type: isPublic ? 'in_channel' : 'ephemeral',
    replace_original: false,
    text,
    ...(blocks ? { blocks } : {}),
  })
}

/** It came in a signed request; even so nothing is sent to anywhere else. */
function isOfSlack(url: string): boolean {
  return URL.canParse(url) && new URL(url).origin === 'https://hooks.slack.com'
}

async function send(
  http: Ports['http'],
  url: string,
  body: object,
  headers: { readonly [name: string]: string } = {},
): Promise<SlackAnswer> {
  try {
    const answer = await http.post({
      url,
      headers: { ...headers, 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(body),
      timeoutMs: TIMEOUT_MS,
    })
    const wait = retryAfterMs(answer) ?? AGAIN_MS
    if (answer.status === 429 || answer.status >= 500)
      return { is: 'later', afterMs: wait, reason: `answered ${answer.status}` }
    if (answer.status !== 200) return { is: 'refused', error: `answered ${answer.status}` }
    const said = jsonObject(answer.body)
    if (said['ok'] === false) {
      const error = typeof said['error'] === 'string' ? oneLine(said['error'], 100) : 'no reason given'
      return PASSING_ERRORS.has(error)
        ? { is: 'later', afterMs: wait, reason: error }
        : { is: 'refused', error }
    }
    return { is: 'ok', body: said }
  } catch (error) {
    return { is: 'later', afterMs: AGAIN_MS, reason: describe(error) }
  }
}
