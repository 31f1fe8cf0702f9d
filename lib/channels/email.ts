import { awsFailure } from '../aws/failure.ts'
import { meaningOf } from '../aws/refusals.ts'
import type { Channel } from '../runbook/runbook.ts'
import { escaped, oneLine, textOf, type Page, type Sender } from './channel.ts'

type Email = Extract<Channel, { is: 'email' }>

/** SES sends one message to no more than 50 recipients. */
const MAX_RECIPIENTS = 50

/**
 * Amazon SES (AWS.md 16.3). There is no idempotency token: a page whose answer was lost may arrive twice. Mail is not a
 * pager; it stands behind one.
 */
export const emailSender: Sender<Email> = {
  kind: 'email',
  permissions(channel) {
    const address = bareAddress(channel.from)
    if (address === undefined) return []
    const arn = (identity: string) => `arn:\${Partition}:ses:\${Region}:\${Account}:identity/${identity}`
    return [
      {
        actions: ['ses:SendEmail'],
        // Whether the address or its domain is the verified identity is not known here; the condition confines both.
        resources: [arn(address.slice(address.indexOf('@') + 1)), arn(address)],
        condition: { StringEquals: { 'ses:FromAddress': address } },
      },
    ]
  },
  secrets: () => [],
  async send(page, channel, { aws }) {
    if (channel.to.length === 0 || channel.to.length > MAX_RECIPIENTS) {
      return {
        accepted: false,
        reason: `${channel.to.length} recipients; SES sends one message to 1 to ${MAX_RECIPIENTS}`,
        retryable: false,
      }
    }
    const content = (data: string) => ({ Data: data, Charset: 'UTF-8' })
    try {
      const answer = await aws.call('ses:SendEmail', {
        FromEmailAddress: channel.from,
        Destination: { ToAddresses: [...channel.to] },
        Content: {
          Simple: {
            Subject: content(oneLine(page.summary, 200)),
            Body: {
              Text: content(textOf(page)),
              Html: content(`${linkOf(page)}<pre style="white-space:pre-wrap">${escaped(page.text)}</pre>`),
            },
          },
        },
        EmailTags: [{ Name: 'firebreak-incident', Value: page.incidentId.replace(/[^\w-]/g, '_') }],
      })
      return { accepted: true, id: answer.MessageId ?? page.key }
    } catch (error) {
      const failure = awsFailure(error)
      if (failure.status === undefined || failure.status >= 500) throw error
      return {
        accepted: false,
        reason: oneLine(`${failure.name}: ${failure.message}`, 300),
        retryable: meaningOf(failure.name, 'ses') !== 'refused',
      }
    }
  },
}

function linkOf({ ackUrl }: Page): string {
  return ackUrl === undefined ? '' : `<p><a href="${escaped(ackUrl)}">Acknowledge</a></p>`
}

/** `ops@example.com` out of `Firebreak <ops@example.com>`; only what is safe in an ARN. */
function bareAddress(from: string): string | undefined {
  return /^(?:[^<>]*<)?([\w.+-]+@[A-Za-z0-9.-]+)>?$/.exec(from.trim())?.[1]
}
