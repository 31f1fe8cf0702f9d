import { ignored } from './outcome.ts'
import { at, has, textAt, type Members } from './read.ts'
import type { Parsed } from './signal.ts'

const INTERACTIVE = new Set([
  'block_actions',
  'view_submission',
  'view_closed',
  'shortcut',
  'message_action',
  'block_suggestion',
  'interactive_message',
  'workflow_step_edit',
  'dialog_submission',
  'dialog_cancellation',
])

/** What Slack sends is the word of a person, for the Slack endpoint to act on; it never starts an incident by itself. */
export function fromSlack(payload: Members): readonly Parsed[] | undefined {
  const type = textAt(payload, 'type')
  if (type === 'url_verification' && has(payload, 'challenge')) {
    return [ignored('handshake', 'Slack checks the address of the endpoint (url_verification)')]
  }
  if (type !== undefined && INTERACTIVE.has(type) && (has(payload, 'user') || has(payload, 'team'))) {
    return [ignored('slack', `Slack's ${type} is what a person did in Slack, not an incident`)]
  }
  if (type === 'event_callback' && has(payload, 'event', 'team_id')) {
    return [
      ignored(
        'slack',
        `Slack's event ${textAt(payload, 'event', 'type') ?? ''} is what a person did in Slack, not an incident`,
      ),
    ]
  }
  const command = textAt(payload, 'command')
  if (command?.startsWith('/') && (has(payload, 'team_id') || has(payload, 'response_url'))) {
    return [
      ignored(
        'slack',
        `the Slack command ${command.slice(0, 40)} is what a person asked for, not an incident`,
      ),
    ]
  }
  if (has(payload, 'ssl_check') && at(payload, 'ssl_check') !== null)
    return [ignored('handshake', "Slack checks the endpoint's certificate")]
  return undefined
}
