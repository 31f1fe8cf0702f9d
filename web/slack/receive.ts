import type { Hono } from 'hono'
import type { Caller } from '../../lib/access.ts'
import { isAtLeast, reaches } from '../../lib/access.ts'
import type { AskedMessage, SlackAsked } from '../../lib/outbox.ts'
import type { SlackSettings } from '../../lib/runbook/runbook.ts'
import type { Served, WebContext } from '../caller.ts'
import { ProblemError } from '../problem.ts'
import { helpText, pickerSaid } from './answers.ts'
import { askSlack, type Said } from './api.ts'
import { context as aside, input, modal, section, select } from './blocks.ts'
import { understand } from './grammar.ts'
import { isSignedBySlack } from './signature.ts'
import { chatter, STRANGER } from './people.ts'

/** Paths that Slack is given; the manifest names them. */
export const SLACK_PATHS = {
  commands: '/slack/commands',
  interactions: '/slack/interactions',
  events: '/slack/events',
} as const

/** The form in which a start is asked for. */
const RUN_FORM = 'run'

interface Verified {
  readonly context: WebContext
  readonly slack: SlackSettings
  /** The very text that was signed. */
  readonly body: string
}

/**
 * What Slack sends. It waits for three seconds, so an answer is given with one write at most: what takes longer goes to the
 * outbox, and is answered from there.
 */
export function addSlack(web: Hono<{ Bindings: Served }>): void {
  web.post(SLACK_PATHS.commands, async (context) => takeCommand(await verified(context)))
  web.post(SLACK_PATHS.interactions, async (context) => takeInteraction(await verified(context)))
  web.post(SLACK_PATHS.events, async (context) => takeEvent(await verified(context)))
}

/** Throws where Slack has not signed it, or long ago. */
async function verified(context: WebContext): Promise<Verified> {
  const { ports, catalogue } = context.env.app
  const { slack } = catalogue
  if (!slack) throw new ProblemError('not-found', `there is no ${context.req.path}`)
  const body = await context.req.text()
  const signed = {
    timestamp: context.req.header('x-slack-request-timestamp') ?? '',
    signature: context.req.header('x-slack-signature') ?? '',
    body,
  }
  if (!isSignedBySlack(await ports.secret(slack.signingSecret), signed, ports.clock.now())) {
    ports.log.warn('a request that Slack has not signed was refused', { request: context.env.requestId })
    throw new ProblemError(
      'unauthenticated',
      'the request is not signed by Slack, or not within five minutes',
    )
  }
  return { context, slack, body }
}

/** A signature proves Slack, not the workspace: the application may be installed in others. */
function ofTheWorkspace({ context, slack }: Verified, team: unknown): void {
  if (team === slack.workspace) return
  context.env.app.ports.log.warn('a request of another workspace was refused', {
    team: String(team).slice(0, 50),
  })
  throw new ProblemError('forbidden', 'the request comes from another workspace')
}

async function takeCommand(given: Verified): Promise<Response> {
  const form = new URLSearchParams(given.body)
  ofTheWorkspace(given, form.get('team_id'))
  const { context, slack } = given
  const user = form.get('user_id') ?? ''
  const typed = form.get('text') ?? ''
  const said = understand(typed)
  if (said.is === 'help') return reply(context, { text: helpText(said.verb) })
  const caller = chatter(slack, user)
  if (!caller) return reply(context, { text: `${STRANGER}\n${helpText()}` })
  if (said.is === 'unclear') return reply(context, { text: said.text })
  const trigger = form.get('trigger_id') ?? ''
  const channel = form.get('channel_id') ?? ''
  if (said.is === 'run' && said.runbook === undefined)
    return reply(context, pickerSaid(context.env.app, caller))
  if (said.is === 'run' && said.reason === undefined)
    return openForm(given, { caller, trigger, channel, runbook: said.runbook ?? '' })
  await enqueue(given, {
    user,
    channel,
    key: trigger,
    responseUrl: form.get('response_url') ?? '',
    asked: { is: 'command', text: typed },
  })
  return context.body(null, 200)
}

/** The parts of a payload that we read; anything may stand in the rest. */
interface Payload {
  readonly type?: unknown
  readonly team?: { readonly id?: unknown } | null
  readonly user?: { readonly id?: unknown; readonly team_id?: unknown } | null
  readonly channel?: { readonly id?: unknown } | null
  readonly trigger_id?: unknown
  readonly response_url?: unknown
  readonly actions?: readonly {
    readonly action_id?: unknown
    readonly value?: unknown
    readonly selected_option?: { readonly value?: unknown } | null
    readonly action_ts?: unknown
  }[]
  readonly view?: {
    readonly callback_id?: unknown
    readonly private_metadata?: unknown
    readonly state?: {
      readonly values?: { readonly [block: string]: { readonly [action: string]: unknown } }
    } | null
  } | null
}

async function takeInteraction(given: Verified): Promise<Response> {
  const payload = payloadOf(given.body)
  const { context, slack } = given
  // Of whoever is a guest from elsewhere, `team` is the workspace in which it happened and `user.team_id` theirs.
  ofTheWorkspace(given, payload.team?.id ?? payload.user?.team_id)
  const user = text(payload.user?.id)
  const caller = chatter(slack, user)
  if (payload.type === 'view_submission') return takeForm(given, payload, user, caller)
  if (payload.type !== 'block_actions') return context.body(null, 200)
  const [action] = Array.isArray(payload.actions) ? payload.actions : []
  const name = text(action?.action_id)
  const value = text(action?.value ?? action?.selected_option?.value)
  // A link opens by itself; Slack only tells of it.
  if (name === 'page' || name === '') return context.body(null, 200)
  const channel = text(payload.channel?.id)
  if (caller && (name === 'pick' || name === 'run'))
    return openForm(given, { caller, trigger: text(payload.trigger_id), channel, runbook: value })
  await enqueue(given, {
    user,
    channel,
    key: `${text(payload.trigger_id)} ${text(action?.action_ts)}`,
    responseUrl: text(payload.response_url),
    asked: { is: 'button', action: name, value },
  })
  return context.body(null, 200)
}

async function takeForm(
  given: Verified,
  { view, trigger_id }: Payload,
  user: string,
  caller: Caller | undefined,
): Promise<Response> {
  const { context } = given
  if (view?.callback_id !== RUN_FORM) return context.body(null, 200)
  const wrong = (block: string, said: string) =>
    context.json({ response_action: 'errors', errors: { [block]: said } })
  const { runbook, channel } = metadataOf(text(view.private_metadata))
  const reason = text(fieldOf(view, 'reason'))
  const mode = text(fieldOf(view, 'mode'))
  if (!caller || !isAtLeast(caller.role, 'responder'))
    return wrong('reason', caller ? 'To start it takes the role responder.' : STRANGER)
  if (reason.trim() === '') return wrong('reason', 'Say why.')
  await enqueue(given, {
    user,
    channel,
    key: text(trigger_id),
    asked: { is: 'form', runbook, reason, ...(mode === '' ? {} : { mode }) },
  })
  return context.body(null, 200)
}

/** Slack wants to know by this that the address is ours; it tells of nothing else that we ask for. */
function takeEvent({ context, body }: Verified): Response {
  const event = jsonOf(body)
  if (event['type'] === 'url_verification')
    return context.json({ challenge: text(event['challenge']).slice(0, 500) })
  return context.body(null, 200)
}

/** A form can only be opened within three seconds, so it is opened before anything else is done. */
async function openForm(
  { context, slack }: Verified,
  asked: {
    readonly caller: Caller
    readonly trigger: string
    readonly channel: string
    readonly runbook: string
  },
): Promise<Response> {
  const { app } = context.env
  const known = app.catalogue.runbooks.find(
    ({ runbook, service }) => runbook === asked.runbook && reaches(asked.caller, service),
  )
  if (!known)
    return reply(context, {
      text: `There is no runbook "${asked.runbook.slice(0, 60)}". \`run\` shows those that there are.`,
    })
  const modes = ['shadow', 'approve', 'auto'].map((mode) => ({ label: mode, value: mode }))
  const answer = await askSlack(app.ports, slack, 'views.open', {
    trigger_id: asked.trigger,
    view: modal({
      callback: RUN_FORM,
      title: 'Start a runbook',
      submit: 'Start',
      metadata: JSON.stringify({ runbook: asked.runbook, channel: asked.channel }),
      blocks: [
        section(`*${known.runbook}* on ${known.service}\n${known.summary}`),
        input('reason', 'Why', { type: 'plain_text_input', action_id: 'reason', max_length: 1_000 }),
        input('mode', 'Mode', select('mode', 'as the policy says', modes), true),
        aside('What it would change: `plan` shows it. Each step looks once more before it acts.'),
      ],
    }),
  })
  if (answer.is === 'ok') return context.body(null, 200)
  const why = answer.is === 'later' ? answer.reason : answer.error
  return reply(context, {
    text: `The form could not be opened (${why}). \`run ${asked.runbook} <reason>\` starts it as well.`,
  })
}

/** The one write before the answer. */
async function enqueue(
  { context }: Verified,
  asked: Omit<AskedMessage, 'v' | 'is'> & { readonly asked: SlackAsked },
): Promise<void> {
  const { responseUrl, ...rest } = asked
  const where = responseUrl === undefined || responseUrl === '' ? {} : { responseUrl }
  await context.env.app.ports.outbox.send({ v: 1, is: 'asked', ...rest, ...where }, 0)
}

/** For whoever asked only. */
function reply(context: WebContext, { text: said, blocks }: Said): Response {
  return context.json({ response_type: 'ephemeral', text: said, ...(blocks ? { blocks } : {}) })
}

function payloadOf(body: string): Payload {
  return jsonOf(new URLSearchParams(body).get('payload') ?? '')
}

function jsonOf(given: string): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(given)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Told below, like everything else that is no object.
  }
  throw new ProblemError('bad-request', 'the payload is not a JSON object')
}

function metadataOf(given: string): { readonly runbook: string; readonly channel: string } {
  const { runbook, channel } = jsonOf(given)
  return { runbook: text(runbook), channel: text(channel) }
}

function fieldOf(view: NonNullable<Payload['view']>, name: string): unknown {
  const field = view.state?.values?.[name]?.[name] as
    | { readonly value?: unknown; readonly selected_option?: { readonly value?: unknown } | null }
    | null
    | undefined
  return field?.value ?? field?.selected_option?.value
}

/** A text as Slack may send one; anything else is none. */
function text(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 3_000) : ''
}
