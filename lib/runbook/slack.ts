import * as z from 'zod'
import { issue, name } from './fields.ts'
import { MAX_ENTRIES } from './limits.ts'
import { role, services } from './access.ts'
import { address, secret } from './oncall.ts'
import type { SlackSettings } from './runbook.ts'

const channel = z
  .string()
  .regex(/^[CG][A-Z0-9]{2,20}$/, { error: 'must be the id of a channel, such as C0123456789' })

const user = z
  .strictObject({
    id: z
      .string()
      .regex(/^[UW][A-Z0-9]{2,20}$/, { error: 'must be the id of a member, such as U0123456789' })
      .describe('The id of a member of the workspace.'),
    name: z.string().min(1).max(100).describe('By which they stand on record, whichever surface they use.'),
    role,
    services,
  })
  .describe('Somebody who may act from Slack.')

/** slack.yaml. */
export const slackForm = z
  .strictObject({
    workspace: z
      .string()
      .regex(/^T[A-Z0-9]{2,20}$/, { error: 'must be the id of a workspace, such as T0123456789' })
      .describe('The id of the workspace; requests of others are refused.'),
    signing_secret: secret.describe('The signing secret of the application, by name: ssm:/path or env:NAME.'),
    token: secret.describe('The bot token (xoxb-), by name: ssm:/path or env:NAME.'),
    channel: channel.describe('Where incidents are told.'),
    channels: z
      .record(name, channel)
      .prefault({})
      .describe('Where the incidents of a service are told instead, by its name in services.yaml.'),
    url: z
      .exactOptional(address)
      .describe('Where the pages are, as people reach them: messages link to them.'),
    users: z.array(user).max(MAX_ENTRIES).describe('Who may act. Everybody else may read the help.'),
  })
  .superRefine(({ users }, context) => {
    const seen = new Set<string>()
    for (const [index, { id }] of users.entries()) {
      if (seen.has(id))
        context.addIssue(issue('WRONG_VALUE', `${id} stands there twice`, { path: ['users', index, 'id'] }))
      seen.add(id)
    }
  })
  .transform(({ workspace, signing_secret, token, channel: main, channels, url, users }): SlackSettings => ({
    workspace,
    signingSecret: signing_secret,
    token,
    channel: main,
    channels,
    ...(url === undefined ? {} : { url: url.replace(/\/+$/, '') }),
    users,
  }))
  .describe('slack.yaml: where incidents are told, and who may act from there.')
