import { createHmac, randomBytes } from 'node:crypto'
import type { Catalogue, SlackSettings } from '../lib/runbook/runbook.ts'
import type { Account } from '../sim/account.ts'
import type { SlackMessage } from '../sim/slack.ts'
import { SLACK_PATHS } from '../web/slack/receive.ts'
import { fakeSlackPage } from './fake-slack-page.ts'

const USER = 'U0LOCAL'
const WORKSPACE = 'T0LOCAL'
const CHANNEL = 'C0LOCAL'

/** A local stack tells its incidents in a channel of its own, and takes what is done there. Real workspaces are left alone. */
export function withFakeSlack(catalogue: Catalogue, user: string): Catalogue {
  const slack: SlackSettings = {
    workspace: WORKSPACE,
    signingSecret: 'ssm:/firebreak/local/slack/signing',
    token: 'ssm:/firebreak/local/slack/token',
    channel: CHANNEL,
    channels: {},
    users: [{ id: USER, name: user, role: 'admin' }],
  }
  return { ...catalogue, slack }
}

/** Sends a request to the application, as Slack would, and answers its status and text. */
export type Deliver = (request: {
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}) => Promise<{ readonly status: number; readonly text: string }>

export interface FakeSlack {
  page(): string
  /** What somebody does on the page; `undefined` where there is no such thing to do. */
  act(path: string, form: URLSearchParams): Promise<'done' | undefined>
}

export function fakeSlack(account: Account, deliver: Deliver): FakeSlack {
  const { world } = account
  // Its own: else whoever reads this file could sign for a local stack.
  const signingSecret = randomBytes(24).toString('hex')
  Object.assign(world.parameters, {
    '/firebreak/local/slack/signing': { value: signingSecret, secure: true },
    '/firebreak/local/slack/token': { value: 'xoxb-local', secure: true },
  })
  const replies: SlackMessage[] = []
  let count = 0
  const trigger = () => `${world.nowMs}.${++count}`

  async function send(path: string, form: { readonly [name: string]: string }): Promise<void> {
    const body = new URLSearchParams(form).toString()
    const timestamp = String(Math.floor(account.now() / 1_000))
    const digest = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest('hex')
    const { status, text } = await deliver({
      path,
      body,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': `v0=${digest}`,
      },
    })
    const said =
      status === 200 && text !== ''
        ? (JSON.parse(text) as Partial<SlackMessage> & { readonly errors?: object })
        : {}
    const words = said.text ?? (said.errors ? Object.values(said.errors).join(' ') : undefined)
    if (status !== 200 || words !== undefined)
      replies.push({
        channel: CHANNEL,
        ts: trigger(),
        text: words ?? `answered ${status}`,
        blocks: said.blocks ?? [],
        edits: 0,
        only: USER,
      })
  }

  const interact = (payload: object) =>
    send(SLACK_PATHS.interactions, {
      payload: JSON.stringify({
        team: { id: WORKSPACE },
        user: { id: USER, team_id: WORKSPACE },
        channel: { id: CHANNEL },
        trigger_id: trigger(),
        response_url: `https://hooks.slack.com/actions/${WORKSPACE}/${USER}/local`,
        ...payload,
      }),
    })

  return {
    page: () => fakeSlackPage(world.slack, replies),
    async act(path, form) {
      const field = (name: string) => form.get(name) ?? ''
      switch (path) {
        case '/fake-slack/command':
          await send(SLACK_PATHS.commands, {
            team_id: WORKSPACE,
            channel_id: CHANNEL,
            user_id: USER,
            command: '/firebreak',
            text: field('text'),
            response_url: `https://hooks.slack.com/commands/${WORKSPACE}/${USER}/local`,
            trigger_id: trigger(),
          })
          return 'done'
        case '/fake-slack/press': {
          const chosen = form.get('selected')
          const what = chosen === null ? { value: field('value') } : { selected_option: { value: chosen } }
          await interact({
            type: 'block_actions',
            actions: [{ action_id: field('action'), ...what, action_ts: trigger() }],
          })
          return 'done'
        }
        case '/fake-slack/submit': {
          const values = Object.fromEntries(
            ['reason', 'mode'].map((name) => [name, { [name]: { value: field(name) } }]),
          )
          world.slack.views.pop()
          await interact({
            type: 'view_submission',
            view: { callback_id: 'run', private_metadata: field('metadata'), state: { values } },
          })
          return 'done'
        }
        default:
          return undefined
      }
    },
  }
}
