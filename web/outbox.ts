import { allDone } from '../lib/all-done.ts'
import { never } from '../lib/errors.ts'
import { deliverHook, tellHooks } from '../lib/hooks.ts'
import type { OutboxMessage } from '../lib/outbox.ts'
import type { App, Turn } from '../lib/ports.ts'
import { answerAsked } from './slack/answer-asked.ts'
import { tellIncident } from './slack/tell.ts'

/** What came off the outbox: an incident is told, an entry is delivered, or somebody in a chat is answered. A throw means that it comes again. */
export async function workOff(app: App, message: OutboxMessage, turn: () => Turn): Promise<void> {
  switch (message.is) {
    case 'tell':
      await allDone([tellIncident(app, message.incidentId), tellHooks(app, message.incidentId)])
      return
    case 'hook':
      return deliverHook(app, message)
    case 'asked':
      return answerAsked(app, message, turn)
    default:
      return never(message)
  }
}
