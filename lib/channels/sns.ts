import { awsFailure } from '../aws/failure.ts'
import { meaningOf } from '../aws/refusals.ts'
import { sha256 } from '../ids.ts'
import type { Channel } from '../runbook/runbook.ts'
import { oneLine, textOf, type Sender } from './channel.ts'

type Sns = Extract<Channel, { is: 'sns' }>

/**
 * Amazon SNS (AWS.md 16.2). A standard topic has no deduplication, so the key travels as a message attribute; a FIFO
 * topic deduplicates by it. A topic that is encrypted with a customer's own key needs `kms:Decrypt` and
 * `kms:GenerateDataKey*` on that key beside what is declared here.
 */
export const snsSender: Sender<Sns> = {
  kind: 'sns',
  permissions: (channel) => [{ actions: ['sns:Publish'], resources: [channel.topicArn] }],
  secrets: () => [],
  async send(page, channel, { aws }) {
    const attribute = (value: string) => ({ DataType: 'String', StringValue: value })
    try {
      const answer = await aws.call('sns:Publish', {
        TopicArn: channel.topicArn,
        Subject: subject(page.summary),
        Message: textOf(page),
        MessageAttributes: {
          key: attribute(page.key),
          incident: attribute(page.incidentId),
          severity: attribute(page.severity),
        },
        ...(channel.topicArn.endsWith('.fifo')
          ? { MessageGroupId: page.incidentId, MessageDeduplicationId: sha256(page.key) }
          : {}),
      })
      return { accepted: true, id: answer.MessageId ?? page.key }
    } catch (error) {
      const failure = awsFailure(error)
      if (failure.status === undefined || failure.status >= 500) throw error
      return {
        accepted: false,
        reason: oneLine(`${failure.name}: ${failure.message}`, 300),
        // Throttling and SNS's own trouble pass, and what an unknown name means is not known.
        retryable: meaningOf(failure.name, 'sns') !== 'refused',
      }
    }
  },
}

/** At most 100 printable ASCII characters on one line, beginning with a letter, digit or bracket; SNS refuses others. */
export function subject(summary: string): string {
  const ascii = oneLine(summary, 1_000).replace(/[^\x20-\x7e]/g, '?')
  return (ascii.replace(/^[^A-Za-z0-9[(]+/, '') || 'Firebreak page').slice(0, 100).trimEnd()
}
