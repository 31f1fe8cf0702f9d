import type { HttpAnswer, HttpRequest } from '../lib/http.ts'
import type { World } from './world.ts'

/*
 * A Slack workspace as far as we use it: messages of channels, edits, answers that one person sees, forms. It holds what it is
 * given against the limits that Slack has (SURFACES.md 1), and tells its refusals with status 200, as Slack does.
 */

export interface SlackMessage {
  readonly channel: string
  readonly ts: string
  readonly thread?: string
  readonly text: string
  readonly blocks: readonly SlackBlock[]
  readonly edits: number
  /** Seen by this one person only. */
  readonly only?: string
}

export interface SlackBlock {
  readonly type: string
  readonly [name: string]: unknown
}

export interface SlackWorld {
  messages: SlackMessage[]
  /** Forms that were opened, newest last. */
  views: { readonly trigger: string; readonly view: SlackBlock }[]
  /** Requests of these methods are answered by 429 so many times. */
  limited: { [method: string]: { times: number; retryAfterS: number } }
  /** Whether the workspace knows the block `plan`. */
  plans: boolean
  /** How often each method was asked. */
  asked: { [method: string]: number }
}

export function newSlack(): SlackWorld {
  return { messages: [], views: [], limited: {}, plans: true, asked: {} }
}

interface Body {
  readonly channel?: string
  readonly ts?: string
  readonly thread_ts?: string
  readonly text?: string
  readonly blocks?: readonly SlackBlock[]
  readonly user?: string
  readonly trigger_id?: string
  readonly view?: SlackBlock
  readonly response_type?: string
}

/** Answers a request to slack.com or hooks.slack.com. */
export function serveSlack(world: World, request: HttpRequest, body: Body | undefined): HttpAnswer {
  const { slack } = world
  const url = new URL(request.url)
  const method = url.host === 'hooks.slack.com' ? 'response_url' : url.pathname.replace('/api/', '')
  slack.asked[method] = (slack.asked[method] ?? 0) + 1
  const limit = slack.limited[method]
  if (limit && limit.times > 0) {
    limit.times -= 1
    return { status: 429, headers: { 'retry-after': String(limit.retryAfterS) }, body: '' }
  }
  if (!body) return no('invalid_json')
  if (method !== 'response_url' && request.headers['authorization']?.startsWith('Bearer xoxb-') !== true)
    return no('invalid_auth')
  const bad = blocksProblem(slack, body.blocks ?? [])
  if (bad !== undefined) return no(bad)
  switch (method) {
    case 'chat.postMessage':
      return post(world, body)
    case 'chat.update':
      return update(world, body)
    case 'chat.postEphemeral':
      return post(world, body, body.user)
    case 'response_url':
      return post(
        world,
        { ...body, channel: url.pathname },
        body.response_type === 'in_channel' ? undefined : 'whoever asked',
      )
    case 'views.open':
      if (!body.trigger_id || !body.view) return no('invalid_arguments')
      slack.views.push({ trigger: body.trigger_id, view: body.view })
      return yes({ view: { id: `V${slack.views.length}` } })
    default:
      return no('unknown_method')
  }
}

function post(
  world: World,
  { channel, text, blocks = [], thread_ts: thread }: Body,
  only?: string,
): HttpAnswer {
  const { slack } = world
  if (!channel) return no('channel_not_found')
  if (!text) return no('no_text')
  const ts = `${Math.floor(world.nowMs / 1000)}.${String(slack.messages.length + 1).padStart(6, '0')}`
  slack.messages.push({
    channel,
    ts,
    text,
    blocks,
    edits: 0,
    ...(thread === undefined ? {} : { thread }),
    ...(only === undefined ? {} : { only }),
  })
  return yes({ channel, ts })
}

function update({ slack }: World, { channel, ts, text, blocks = [] }: Body): HttpAnswer {
  const index = slack.messages.findIndex((one) => one.channel === channel && one.ts === ts)
  const before = slack.messages[index]
  if (!before) return no('message_not_found')
  slack.messages[index] = { ...before, text: text ?? before.text, blocks, edits: before.edits + 1 }
  return yes({ channel, ts })
}

/** Slack's own refusals of blocks. */
function blocksProblem(slack: SlackWorld, blocks: readonly SlackBlock[]): string | undefined {
  if (!slack.plans && blocks.some(({ type }) => type === 'plan')) return 'invalid_blocks'
  if (blocks.length > 50 || blocks.some((block) => isTooLarge(block))) return 'invalid_blocks'
  return JSON.stringify(blocks).length > 13_200 ? 'msg_blocks_too_long' : undefined
}

function isTooLarge({ type, text, elements, fields }: SlackBlock): boolean {
  const length = (value: unknown) => ((value as { readonly text?: string } | undefined)?.text ?? '').length
  switch (type) {
    case 'header':
      return length(text) > 150 || length(text) === 0
    case 'section':
      return (
        length(text) > 3_000 ||
        (fields as readonly unknown[] | undefined)?.some((one) => length(one) > 2_000) === true
      )
    case 'actions': {
      const all = elements as readonly { readonly text?: unknown; readonly value?: string }[]
      return (
        all.length === 0 ||
        all.length > 25 ||
        all.some((one) => length(one.text) > 75 || (one.value ?? '').length > 2_000)
      )
    }
    case 'context':
      return (elements as readonly unknown[]).length > 10
    default:
      return false
  }
}

function yes(body: object): HttpAnswer {
  return { status: 200, headers: {}, body: JSON.stringify({ ok: true, ...body }) }
}

function no(error: string): HttpAnswer {
  return { status: 200, headers: {}, body: JSON.stringify({ ok: false, error }) }
}

/** What was saved before there was a workspace goes on with an empty one. */
export function withSlack(world: Omit<World, 'slack'> & Partial<Pick<World, 'slack'>>): World {
  return { ...world, slack: world.slack ?? newSlack() }
}
