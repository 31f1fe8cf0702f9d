import { reaches, type Caller } from '../../lib/access.ts'
import type { Request } from '../../lib/command.ts'
import type { Person } from '../../lib/decide.ts'
import { never } from '../../lib/errors.ts'
import { incidentIdOf } from '../../lib/ids.ts'
import { listIncidents } from '../../lib/ledger/head.ts'
import { loadIncident } from '../../lib/ledger/records.ts'
import type { AskedMessage } from '../../lib/outbox.ts'
import type { App, Turn } from '../../lib/ports.ts'
import { isEnded } from '../../lib/execution/state.ts'
import { fold } from '../../lib/execution/fold.ts'
import type { Timeline } from '../../lib/timeline.ts'
import { askAs } from '../caller.ts'
import { ProblemError } from '../problem.ts'
import { timelineFor } from '../timeline.ts'
import {
  approvalsSaid,
  exportSaid,
  helpText,
  listSaid,
  pickerSaid,
  planSaid,
  statusSaid,
  timelineSaid,
  whySaid,
} from './answers.ts'
import { answerAt, askSlack, type Said } from './api.ts'
import { safe } from './blocks.ts'
import { questionsOf } from './incident-message.ts'
import { understand, type Spoken } from './grammar.ts'
import { chatter, STRANGER } from './people.ts'

/** Does what somebody in a chat has asked for, and answers them. A throw means that it comes again. */
export async function answerAsked(app: App, message: AskedMessage, turn: () => Turn): Promise<void> {
  const { slack } = app.catalogue
  if (!slack) return
  const caller = chatter(slack, message.user)
  let said: Said
  try {
    said = caller ? await saidTo(app, caller, message, turn) : { text: STRANGER }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    said = { text: safe(error.message, 1_000) }
  }
  const { responseUrl, channel, user } = message
  const told =
    responseUrl === undefined
      ? await askSlack(app.ports, slack, 'chat.postEphemeral', { channel, user, ...said })
      : await answerAt(app.ports, responseUrl, said)
  // What was asked is done; only the words are late, and a repeat with this key does nothing twice.
  if (told.is === 'later') throw new Error(`Slack does not take an answer: ${told.reason}`)
  if (told.is === 'refused')
    app.ports.log.error('Slack does not take an answer', { by: user, reason: told.error })
}

async function saidTo(app: App, caller: Caller, message: AskedMessage, turn: () => Turn): Promise<Said> {
  const { asked, key } = message
  const by: Person = { name: caller.name, via: caller.via, key: `slack ${key}` }
  const talk: Talk = { app, caller, by, turn, key }
  switch (asked.is) {
    case 'command':
      return spoken(talk, understand(asked.text))
    case 'button':
      return pressed(talk, asked.action, asked.value)
    case 'form': {
      const { runbook, reason, mode } = asked
      return spoken(talk, { is: 'run', runbook, reason, ...(mode === undefined ? {} : { mode }) })
    }
    default:
      return never(asked)
  }
}

interface Talk {
  readonly app: App
  readonly caller: Caller
  readonly by: Person
  readonly turn: () => Turn
  readonly key: string
}

async function pressed(talk: Talk, action: string, value: string): Promise<Said> {
  switch (action) {
    case 'approve':
    case 'deny': {
      const { id, subject, digest } = shownPlan(value)
      return decided(talk, { verb: action, id, by: talk.by, subject, digest })
    }
    case 'ack':
      return decided(talk, { verb: 'ack', id: value, by: talk.by })
    case 'abort':
      return decided(talk, { verb: 'abort', id: value, by: talk.by, reason: 'by the button in Slack' })
    case 'timeline':
      return spoken(talk, { is: 'timeline', id: value })
    default:
      return { text: `The button "${safe(action, 40)}" is not known any more.` }
  }
}

/** What a button was made with; anything else was not made by us. */
function shownPlan(value: string): {
  readonly id: string
  readonly subject: string
  readonly digest: string
} {
  try {
    const { id, subject, digest } = JSON.parse(value) as { readonly [name: string]: unknown }
    if (typeof id === 'string' && typeof subject === 'string' && typeof digest === 'string')
      return { id, subject, digest }
  } catch {
    // Told below, like every other value that is none of ours.
  }
  throw new ProblemError('bad-request', 'the button says nothing that can be decided')
}

async function spoken(talk: Talk, said: Spoken): Promise<Said> {
  const { app, caller, by, key } = talk
  const { url } = app.catalogue.slack ?? {}
  switch (said.is) {
    case 'help':
      return { text: helpText(said.verb) }
    case 'unclear':
      return { text: safe(said.text, 1_000) }
    case 'list':
      return listSaid(app, caller)
    case 'approvals': {
      const { services } = caller
      return approvalsSaid(
        await asks(talk, {
          verb: 'approvals',
          ...(services === undefined ? {} : { services: [...services] }),
        }),
      )
    }
    case 'status':
      if (said.id === undefined) return statusSaid(await asks(talk, { verb: 'status' }))
      return timelineSaid(await timelineOfOne(talk, said.id), url)
    case 'timeline':
      return timelineSaid(await timelineOfOne(talk, said.id ?? (await onlyIncident(talk))), url)
    case 'export': {
      const id = said.id ?? (await onlyIncident(talk))
      await timelineOfOne(talk, id)
      return exportSaid(incidentIdOf(id) ?? id, url)
    }
    case 'why': {
      const answered = await asks(talk, { verb: 'why', id: said.id ?? '' })
      return whySaid(answered)
    }
    case 'plan':
      if (said.runbook === undefined) return pickerSaid(app, caller)
      return planSaid(await asks(talk, { verb: 'plan', runbook: said.runbook }))
    case 'run': {
      const { runbook, reason, mode, despiteFreeze } = said
      if (runbook === undefined) return pickerSaid(app, caller)
      if (reason === undefined) return planSaid(await asks(talk, { verb: 'plan', runbook }))
      const started = (await asks(talk, {
        verb: 'run',
        runbook,
        reason,
        by,
        key: `slack ${key}`,
        ...(mode === undefined ? {} : { mode: mode as 'shadow' | 'approve' | 'auto' }),
        ...(despiteFreeze === undefined ? {} : { despiteFreeze }),
      })) as { readonly executionId: string }
      return {
        text: `${safe(by.name, 100)} started ${safe(runbook, 100)}: \`${started.executionId}\``,
        isPublic: true,
      }
    }
    case 'approve':
    case 'deny': {
      const { id, subject, text } = said
      return decided(talk, {
        verb: said.is,
        id: id ?? (await onlyQuestion(talk)),
        by,
        ...(subject === undefined ? {} : { subject }),
        ...(text === undefined ? {} : { reason: text }),
      })
    }
    case 'ack':
      return decided(talk, {
        verb: 'ack',
        id: said.id ?? (await onlyIncident(talk)),
        by,
        ...(said.text === undefined ? {} : { note: said.text }),
      })
    case 'note':
      return decided(talk, {
        verb: 'note',
        id: said.id ?? (await onlyIncident(talk)),
        by,
        note: said.text ?? '',
      })
    case 'mitigate':
    case 'resolve':
      return decided(talk, {
        verb: said.is,
        id: said.id ?? (await onlyIncident(talk)),
        by,
        reason: said.text ?? '',
      })
    case 'abort':
      return decided(talk, {
        verb: 'abort',
        id: said.id ?? (await onlyExecution(talk)),
        by,
        reason: said.text ?? '',
      })
    case 'pause':
    case 'resume':
      return decided(talk, pauseRequest(said, by))
    default:
      return never(said)
  }
}

function pauseRequest(
  { is, scope, text = '' }: Extract<Spoken, { is: 'pause' | 'resume' }>,
  by: Person,
): Request {
  if (is === 'pause')
    return scope.is === 'all'
      ? { verb: 'pause-all', by, reason: text }
      : { verb: 'pause', scope, by, reason: text }
  return scope.is === 'all' ? { verb: 'resume-all', by } : { verb: 'resume', scope, by }
}

/** What changes something is said to the channel, with who did it. */
async function decided(talk: Talk, request: Request): Promise<Said> {
  const answered = (await asks(talk, request)) as { readonly text?: string }
  const about = 'id' in request ? ` (\`${safe(request.id, 100)}\`)` : ''
  return { text: `${safe(talk.by.name, 100)}: ${safe(answered.text ?? 'done', 500)}${about}`, isPublic: true }
}

async function asks({ app, caller, turn }: Talk, request: Request): Promise<unknown> {
  return askAs(app, caller, request, turn())
}

async function timelineOfOne({ app, caller }: Talk, id: string): Promise<Timeline> {
  return timelineFor(app, caller, id)
}

/** Whoever names no incident means the one that is open; where there are more, they are named. */
async function onlyIncident({ app, caller }: Talk): Promise<string> {
  const heads = await listIncidents(app.ports.storage, 50)
  const candidates = heads.filter(
    ({ status, summary }) => status !== 'resolved' && reaches(caller, summary?.service),
  )
  return only(
    candidates.map(({ incidentId }) => incidentId),
    'incident',
  )
}

async function onlyExecution(talk: Talk): Promise<string> {
  const incidentId = await onlyIncident(talk)
  const streams = await loadIncident(talk.app.ports.storage, incidentId)
  const running = streams.filter(({ entries }) => {
    const execution = fold(entries)
    return execution.header?.kind === 'execution.started' && !isEnded(execution)
  })
  return only(
    running.map(({ stream }) => stream),
    'execution that runs',
  )
}

async function onlyQuestion(talk: Talk): Promise<string> {
  const incidentId = await onlyIncident(talk)
  const streams = await loadIncident(talk.app.ports.storage, incidentId)
  const questions = questionsOf({
    streams: new Map(streams.map(({ stream, entries }) => [stream, entries])),
    nowMs: talk.app.ports.clock.now(),
  })
  return only([...new Set(questions.map(({ stream }) => stream))], 'execution that asks')
}

function only(ids: readonly string[], what: string): string {
  const [first, second] = ids
  if (first === undefined) throw new ProblemError('not-found', `there is no ${what}`)
  if (second === undefined) return first
  throw new ProblemError(
    'ambiguous',
    `there is more than one ${what}; name one: ${ids.slice(0, 10).join(', ')}`,
  )
}
