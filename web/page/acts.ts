import type { Caller } from '../../lib/access.ts'
import { requestSchema } from '../../lib/command.ts'
import type { Person } from '../../lib/decide.ts'
import { askAs, type WebContext } from '../caller.ts'
import { issuesText, ProblemError } from '../problem.ts'
import { incidentPath } from './incident.ts'
import { isFromHere, textsOf } from './visitor.ts'

/** What one form says, and who has sent it. */
interface Sent {
  readonly id: string
  readonly by: Person
  readonly texts: { readonly [name: string]: string }
}

interface Act {
  readonly path: string
  /** A request of lib/command.ts, which checks it. */
  readonly asks: (sent: Sent) => object
  /** Where whoever sent it goes on. */
  readonly leadsTo: (sent: Sent, answer: unknown) => string
}

const toIncident = ({ id }: Sent): string => incidentPath(id)
const toList = (): string => '/'
const given = (name: string, text: string | undefined): object =>
  text === undefined || text === '' ? {} : { [name]: text }

/** Everything that pages have a form for: the same requests as those of the API, the command line and chat. */
export const ACTS: readonly Act[] = [
  { path: '/incidents/:id/ack', asks: ({ id, by }) => ({ verb: 'ack', id, by }), leadsTo: toIncident },
  {
    path: '/incidents/:id/note',
    asks: ({ id, by, texts }) => ({
      verb: 'note',
      id,
      by: { ...by, ...given('key', texts['key']) },
      note: texts['text'],
    }),
    leadsTo: toIncident,
  },
  {
    path: '/incidents/:id/mitigate',
    asks: ({ id, by, texts }) => ({ verb: 'mitigate', id, by, reason: texts['text'] }),
    leadsTo: toIncident,
  },
  {
    path: '/incidents/:id/resolve',
    asks: ({ id, by, texts }) => ({ verb: 'resolve', id, by, reason: texts['text'] }),
    leadsTo: toIncident,
  },
  ...(['approve', 'deny'] as const).map((verb): Act => ({
    path: `/executions/:id/${verb}`,
    asks: ({ id, by, texts: { subject, digest, reason } }) => ({
      verb,
      id,
      by,
      subject,
      digest,
      ...given('reason', reason),
    }),
    leadsTo: toIncident,
  })),
  {
    path: '/executions/:id/abort',
    asks: ({ id, by, texts }) => ({ verb: 'abort', id, by, reason: texts['text'] }),
    leadsTo: toIncident,
  },
  {
    path: '/run',
    asks: ({ by, texts: { runbook, key, reason, mode, despiteFreeze } }) => ({
      verb: 'run',
      runbook,
      key,
      reason,
      by,
      ...given('mode', mode),
      ...(despiteFreeze === undefined ? {} : { despiteFreeze: true }),
    }),
    leadsTo: (_sent, answer) => incidentPath((answer as { readonly incidentId: string }).incidentId),
  },
  {
    path: '/pause-all',
    asks: ({ by, texts }) => ({ verb: 'pause-all', by, reason: texts['reason'] }),
    leadsTo: toList,
  },
  { path: '/resume-all', asks: ({ by }) => ({ verb: 'resume-all', by }), leadsTo: toList },
  {
    path: '/pause',
    asks: ({ by, texts: { is, name, reason } }) => ({ verb: 'pause', scope: { is, name }, by, reason }),
    leadsTo: toList,
  },
  {
    path: '/resume',
    asks: ({ by, texts: { is, name } }) => ({ verb: 'resume', scope: { is, name }, by }),
    leadsTo: toList,
  },
]

/** Does what a form asks, and leads to where it is seen. Throws a problem where it cannot be done. */
export async function act({ asks, leadsTo }: Act, context: WebContext, caller: Caller): Promise<Response> {
  if (!isFromHere(context))
    throw new ProblemError('forbidden', 'the form was not sent from a page of this stack')
  const { app, turn } = context.env
  const { name, via } = caller
  const sent = { id: context.req.param('id') ?? '', by: { name, via }, texts: await textsOf(context) }
  const parsed = requestSchema.safeParse(asks(sent))
  if (!parsed.success) throw new ProblemError('bad-request', issuesText(parsed.error, 'form'))
  return context.redirect(leadsTo(sent, await askAs(app, caller, parsed.data, turn())), 303)
}
