import type { Statement } from '../actions/action.ts'
import { never } from '../errors.ts'
import type { Channel, Team } from '../runbook/runbook.ts'
import { secretPermissions } from '../secrets.ts'
import { type ChannelContext, type Page, type Sender, type Sent, thrown } from './channel.ts'
import { emailSender } from './email.ts'
import { pagerdutySender } from './pagerduty.ts'
import { slackSender } from './slack.ts'
import { snsSender } from './sns.ts'
import { webhookSender } from './webhook.ts'

/** What became of one channel: a page whose outcome is unknown counts as not accepted, so that the next one is tried. */
export type Tried = Sent & { readonly channel: string }

/**
 * Sends the page by one channel, once. Never throws: no answer, or a secret that cannot be read, is a reason like any
 * other. No reason carries a secret that was read for it.
 */
export async function sendBy(channel: Channel, page: Page, context: ChannelContext): Promise<Tried> {
  const read: string[] = []
  const watched: ChannelContext = {
    ...context,
    secret: async (name) => {
      const value = await context.secret(name)
      read.push(value, ...value.split(/\s+/))
      return value
    },
  }
  try {
    const sent = await withSender(channel, (sender, own) => sender.send(page, own, watched))
    return sent.accepted
      ? { channel: channel.is, accepted: true, id: redacted(sent.id, read) }
      : { ...sent, channel: channel.is, reason: redacted(sent.reason, read) }
  } catch (error) {
    return {
      channel: channel.is,
      accepted: false,
      reason: `no answer, the outcome is unknown (${redacted(thrown(error), read)})`,
      retryable: true,
    }
  }
}

/** What a team's channels need: sending, and reading their secrets. */
export function channelPermissions(team: Team): readonly Statement[] {
  const sending = channelsOf(team).flatMap((channel) =>
    withSender(channel, (sender, own) => sender.permissions(own)),
  )
  return [...sending, ...secretPermissions(channelSecrets(team))]
}

/** The names of the secrets that a team's channels and links read, each once. */
export function channelSecrets(team: Team): readonly string[] {
  const read = channelsOf(team).flatMap((channel) =>
    withSender(channel, (sender, own) => sender.secrets(own)),
  )
  return [...new Set(team.links ? [...read, team.links.secret] : read)]
}

/** Of the team itself and of whoever may be on call. */
function channelsOf({ channels, rota }: Team): readonly Channel[] {
  return [...channels, ...Object.values(rota?.people ?? {}).flatMap((person) => person.channels)]
}

/** Calls `use` with the sender of the channel's own kind. */
function withSender<R>(channel: Channel, use: <C extends Channel>(sender: Sender<C>, own: C) => R): R {
  switch (channel.is) {
    case 'pagerduty':
      return use(pagerdutySender, channel)
    case 'sns':
      return use(snsSender, channel)
    case 'slack':
      return use(slackSender, channel)
    case 'email':
      return use(emailSender, channel)
    case 'webhook':
      return use(webhookSender, channel)
    default:
      return never(channel)
  }
}

function redacted(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
}
