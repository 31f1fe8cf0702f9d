import { createHmac } from 'node:crypto'
import type { Catalogue } from '../../lib/runbook/runbook.ts'
import { catalogueFrom } from '../../sim/catalogue.ts'
import type { SlackMessage } from '../../sim/slack.ts'
import type { Stack } from '../../sim/stack.ts'
import { calmStack, play, runbookText } from '../line/calm.ts'
import { readFileSync } from 'node:fs'
import { ask, type Answered } from '../web/asked.ts'

export const SIGNING = '8f742231b10e8888abcd99yyyzzz85a5'
export const CHANNEL = 'C0123456789'

const SLACK_YAML = `
workspace: T0123456789
signing_secret: ssm:/firebreak/slack/signing
token: ssm:/firebreak/slack/token
channel: ${CHANNEL}
channels: {}
url: https://firebreak.example.com
users:
  - { id: U0ANN, name: ann, role: approver }
  - { id: U0BOB, name: bob, role: responder }
  - { id: U0EVE, name: eve, role: reader }
  - { id: U0SHOP, name: sam, role: approver, services: [other] }
`

const shipped = (path: string) => readFileSync(new URL(`../../runbooks/${path}`, import.meta.url), 'utf8')

/** The catalogue with a chat; runbooks as texts. */
export function chatCatalogue(runbooks: readonly string[], slack = SLACK_YAML): Catalogue {
  return catalogueFrom([
    ...runbooks.map((text, index) => ({ path: `runbook-${index + 1}.yaml`, text })),
    {
      path: 'services.yaml',
      text: `${shipped('services.yaml')}\nother:\n  alarms: [other-*]\n  severity: sev3\n`,
    },
    { path: 'oncall.yaml', text: shipped('oncall.yaml') },
    { path: 'policy.yaml', text: shipped('policy.yaml').replace(/^mode: .*$/m, 'mode: auto') },
    { path: 'slack.yaml', text: slack },
  ])
}

/** A stack whose incidents are told in a workspace, with one runbook of these steps. */
export function chatStack(steps = '- scale_out: { ecs: api, by: 50% }', head = ''): Stack {
  const stack = calmStack(chatCatalogue([runbookText(steps, head)]))
  stack.account.world.parameters['/firebreak/slack/signing'] = { value: SIGNING, secure: true }
  stack.account.world.parameters['/firebreak/slack/token'] = { value: 'xoxb-test', secure: true }
  return stack
}

export interface Signed {
  readonly secret?: string
  /** Seconds before now. */
  readonly ageS?: number
  readonly headers?: { readonly [name: string]: string }
}

/** Sends a body as Slack does. */
export async function fromSlack(
  stack: Stack,
  path: string,
  body: string,
  { secret = SIGNING, ageS = 0, headers = {} }: Signed = {},
): Promise<Answered> {
  const timestamp = String(Math.floor(stack.account.now() / 1_000) - ageS)
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
  return ask(stack, path, {
    role: 'nobody',
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': signature,
      ...headers,
    },
  })
}

let triggers = 0

/** A command as somebody types it. */
export async function type(
  stack: Stack,
  text: string,
  {
    user = 'U0ANN',
    team = 'T0123456789',
    trigger = `trigger-${++triggers}`,
    ...signed
  }: Signed & {
    readonly user?: string
    readonly team?: string
    readonly trigger?: string
  } = {},
): Promise<Answered> {
  const form = new URLSearchParams({
    token: 'ignored',
    team_id: team,
    channel_id: CHANNEL,
    user_id: user,
    command: '/firebreak',
    text,
    response_url: `https://hooks.slack.com/commands/T0123456789/${user}/x`,
    trigger_id: trigger,
  })
  return fromSlack(stack, '/slack/commands', form.toString(), signed)
}

/** A click on a button. */
export async function press(
  stack: Stack,
  action: string,
  value: string,
  { user = 'U0ANN', trigger = `trigger-${++triggers}`, selected = false } = {},
): Promise<Answered> {
  const payload = {
    type: 'block_actions',
    user: { id: user, team_id: 'T0123456789' },
    team: { id: 'T0123456789' },
    channel: { id: CHANNEL },
    trigger_id: trigger,
    response_url: `https://hooks.slack.com/actions/T0123456789/${user}/x`,
    actions: [
      { action_id: action, ...(selected ? { selected_option: { value } } : { value }), action_ts: '1.2' },
    ],
  }
  return fromSlack(
    stack,
    '/slack/interactions',
    new URLSearchParams({ payload: JSON.stringify(payload) }).toString(),
  )
}

/** What was answered to a command or a click, newest last. */
export function answersOf(stack: Stack): readonly SlackMessage[] {
  return stack.account.world.slack.messages.filter(({ channel }) => channel.startsWith('/'))
}

export async function answerTo(
  stack: Stack,
  text: string,
  options?: Parameters<typeof type>[2],
): Promise<string> {
  const before = answersOf(stack).length
  const answered = await type(stack, text, options)
  await play(stack, 0.1)
  const said = answersOf(stack).slice(before)
  return [answered.text, ...said.map((one) => `${one.text} ${JSON.stringify(one.blocks)}`)].join('\n')
}

/** Messages of the channel itself, threads left out. */
export function channelOf(stack: Stack): readonly SlackMessage[] {
  return stack.account.world.slack.messages.filter(
    ({ channel, thread }) => channel === CHANNEL && thread === undefined,
  )
}

export function threadOf(stack: Stack): readonly string[] {
  return stack.account.world.slack.messages.flatMap(({ thread, text }) =>
    thread === undefined ? [] : [text],
  )
}

/** Every button of a message. */
export function buttonsOf({
  blocks,
}: SlackMessage): readonly { readonly action_id: string; readonly value?: string }[] {
  return blocks.flatMap(({ type: kind, elements }) =>
    kind === 'actions'
      ? (elements as readonly { readonly action_id: string; readonly value?: string }[])
      : [],
  )
}
