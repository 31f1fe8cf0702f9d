import * as z from 'zod'
import { requests, type Request as Asked } from '../lib/command.ts'
import type { Person } from '../lib/decide.ts'
import type { Json } from '../lib/json.ts'

/** What a request says, after it was checked against its operation's forms. */
export interface Input {
  /** From the path. */
  readonly params: { readonly [name: string]: string }
  readonly body: { readonly [name: string]: unknown }
  readonly by: Person
  /** The idempotency key; empty where the operation needs none. */
  readonly key: string
  /** To which the caller is limited. */
  readonly services?: readonly string[]
}

/** One thing that can be asked by HTTP: a request of lib/command.ts under a method and a path. */
export interface Operation {
  readonly method: 'get' | 'post'
  /** With `{name}` for each parameter. */
  readonly path: string
  readonly summary: string
  readonly body?: z.ZodObject
  /** A body that is taken: it stands in the documentation, and a test sends it. */
  readonly example?: { readonly [name: string]: unknown }
  /** A repeat must do nothing twice, and nothing else tells it from a second request. */
  readonly needsKey?: true
  readonly asks: (input: Input) => Asked
  /** Where what it has begun is to be looked at: the answer is then 202. */
  readonly begun?: (answer: Json) => string
  /** What it answers, for the documentation. */
  readonly answers: string
}

/** Three have answers of their own: a page of a list, one address in many formats, and what comes in. */
export const LIST = {
  method: 'get',
  path: '/v1/incidents',
  summary: 'Incidents, newest first.',
  answers: 'A page of incidents, and `next` where there is more.',
} as const

export const TIMELINE = {
  method: 'get',
  path: '/v1/incidents/{id}/timeline',
  summary: 'What happened, in the format that is asked for.',
  answers: 'The timeline of the incident, also where the id is that of one of its executions.',
} as const

/** What comes in is no request of a person, but an event as its source sends it. */
export const SIGNALS = {
  method: 'post',
  path: '/v1/signals',
  summary: 'Takes events of monitoring tools as they are sent.',
  answers:
    'What became of each part: an incident that it opened, joined or cleared, or why it started nothing.',
} as const

const bare = { verb: true, by: true } as const
const ofOne = { ...bare, id: true } as const

const decision = requests.approve.omit(ofOne).extend({ decision: z.enum(['approve', 'deny']) })
const pause = z.strictObject({
  scope: z
    .discriminatedUnion('is', [
      z.strictObject({ is: z.literal('all') }),
      ...requests.pause.shape.scope.options,
    ])
    .describe('Everything, or one account, service or runbook by its name.'),
  reason: requests.pause.shape.reason,
})

/** A body that was checked against the operation's form. */
type Checked<Form extends z.ZodType> = z.output<Form>

/** What a person says of the one incident or execution that the path names; a repeat is told by what is on record. */
function saidOf(
  verb: 'ack' | 'mitigate' | 'resolve' | 'abort',
  body: z.ZodObject,
): Pick<Operation, 'body' | 'asks' | 'answers'> {
  return {
    body,
    // What is asked was checked against this form, which is the verb's own without what the path and the caller say.
    asks: ({ params, body: said, by }) => ({ ...said, verb, id: params['id'] ?? '', by }) as Asked,
    answers: 'A sentence.',
  }
}

export const OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/v1/incidents/{id}',
    summary: 'One incident with its executions.',
    answers: 'The incident, and for each execution and undo where it stands and which steps it has.',
    asks: ({ params }) => ({ verb: 'show', id: params['id'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/incidents/{id}/records',
    summary: 'Every record of an incident exactly as stored.',
    answers: 'What `firebreak verify` checks offline.',
    asks: ({ params }) => ({ verb: 'records', id: params['id'] ?? '' }),
  },
  {
    method: 'post',
    path: '/v1/incidents/{id}/acknowledgments',
    summary: 'Takes ownership of an incident.',
    example: { note: 'I am looking at it.' },
    ...saidOf('ack', requests.ack.omit(ofOne)),
  },
  {
    method: 'post',
    path: '/v1/incidents/{id}/notes',
    summary: 'Puts a sentence on the timeline.',
    answers: 'A sentence.',
    needsKey: true,
    example: { note: 'The cache was cold after the release.' },
    body: requests.note.omit(ofOne),
    asks: ({ params, body, by, key }) => ({
      ...(body as Checked<typeof requests.note>),
      verb: 'note',
      id: params['id'] ?? '',
      by: { ...by, key },
    }),
  },
  {
    method: 'post',
    path: '/v1/incidents/{id}/mitigations',
    summary: 'Says that the impact of an incident is reduced.',
    example: { reason: 'Traffic was moved to the other region by hand.' },
    ...saidOf('mitigate', requests.mitigate.omit(ofOne)),
  },
  {
    method: 'post',
    path: '/v1/incidents/{id}/resolutions',
    summary: 'Closes an incident.',
    example: { reason: 'The release was fixed.' },
    ...saidOf('resolve', requests.resolve.omit(ofOne)),
  },
  {
    method: 'get',
    path: '/v1/executions/{id}',
    summary: 'One execution or undo.',
    answers: 'Its incident, where it stands, and which steps it has.',
    asks: ({ params }) => ({ verb: 'show', id: params['id'] ?? '' }),
  },
  {
    method: 'post',
    path: '/v1/executions',
    summary: 'Starts a runbook by hand.',
    answers: 'The incident that it belongs to, its own id, and the mode in which it runs.',
    needsKey: true,
    example: { runbook: 'api-5xx-spike', reason: 'Checkout is slow.' },
    body: requests.run.omit({ ...bare, key: true }),
    asks: ({ body, by, key }) => ({ ...(body as Checked<typeof requests.run>), verb: 'run', by, key }),
    begun: (answer) => `/v1/executions/${(answer as { readonly executionId: string }).executionId}`,
  },
  {
    method: 'post',
    path: '/v1/executions/{id}/decisions',
    summary: 'Approves or denies what an execution asks for.',
    answers: 'A sentence.',
    needsKey: true,
    example: { decision: 'approve', reason: 'The plan looks right.' },
    body: decision,
    asks: ({ params, body, by, key }) => {
      const { decision: verb, ...rest } = body as Checked<typeof decision>
      return { ...rest, verb, id: params['id'] ?? '', by: { ...by, key } }
    },
  },
  {
    method: 'post',
    path: '/v1/executions/{id}/aborts',
    summary: 'Stops an execution: no further step begins.',
    example: { reason: 'We do it by hand.' },
    ...saidOf('abort', requests.abort.omit(ofOne)),
  },
  {
    method: 'get',
    path: '/v1/incidents/{id}/entries',
    summary: 'Every entry of an incident in words, each with its address.',
    answers: 'The entries, oldest first.',
    asks: ({ params }) => ({ verb: 'entries', id: params['id'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/incidents/{id}/pages',
    summary: 'Who was paged, and what became of it.',
    answers: 'The pages, oldest first.',
    asks: ({ params }) => ({ verb: 'pages', id: params['id'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/executions/{id}/steps',
    summary: 'The steps of one execution that have come to something.',
    answers: 'The steps with their states, changes and attempts.',
    asks: ({ params }) => ({ verb: 'steps', id: params['id'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/executions/{id}/entries',
    summary: 'Every entry of one execution in words.',
    answers: 'The entries, oldest first.',
    asks: ({ params }) => ({ verb: 'entries', id: params['id'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/approvals',
    summary: 'What is asked of people now.',
    answers: 'The open questions, those that expire first at the front.',
    asks: ({ services }) => ({ verb: 'approvals', ...(services ? { services: [...services] } : {}) }),
  },
  {
    method: 'get',
    path: '/v1/hooks/failures',
    summary: 'What could not be delivered to hooks.',
    answers: 'The newest failures, each with the hook, the entry and the reason.',
    asks: () => ({ verb: 'hook-failures' }),
  },
  {
    method: 'post',
    path: '/v1/hooks/replays',
    summary: 'Delivers an entry to a hook once more.',
    answers: 'A sentence.',
    example: { hook: 'audit', incidentId: 'inc-4k2m9x7p0qzr', address: 'incident/0.0' },
    body: requests['hook-replay'].omit(bare),
    asks: ({ body, by }) => ({
      ...(body as Checked<(typeof requests)['hook-replay']>),
      verb: 'hook-replay',
      by,
    }),
  },
  {
    method: 'get',
    path: '/v1/runbooks',
    summary: 'The runbooks that there are.',
    answers: 'Each with its service, its mode and what it is for.',
    asks: ({ services }) => ({ verb: 'runbooks', ...(services ? { services: [...services] } : {}) }),
  },
  {
    method: 'get',
    path: '/v1/runbooks/{name}/plan',
    summary: 'What a runbook would change now; changes nothing.',
    answers: 'Each step with its absolute outcome, and what stands against a start.',
    asks: ({ params }) => ({ verb: 'plan', runbook: params['name'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/reasons/{id}',
    summary: 'Why something ran, or did not: of a signal, an incident, an execution or a runbook.',
    answers: 'The decisions with their reasons, and the rules that made them.',
    asks: ({ params }) => ({ verb: 'why', id: params['id'] ?? '' }),
  },
  {
    method: 'get',
    path: '/v1/status',
    summary: 'The mode of the policy, and what is paused by whom.',
    answers: 'Mode and pauses.',
    asks: () => ({ verb: 'status' }),
  },
  {
    method: 'post',
    path: '/v1/pauses',
    summary: 'Turns the kill switch on: nothing is changed any more.',
    answers: 'A sentence.',
    example: { scope: { is: 'service', name: 'api' }, reason: 'A release is under way.' },
    body: pause,
    asks: ({ body, by }) => {
      const { scope, reason } = body as Checked<typeof pause>
      return scope.is === 'all' ? { verb: 'pause-all', by, reason } : { verb: 'pause', scope, by, reason }
    },
  },
  {
    method: 'post',
    path: '/v1/resumptions',
    summary: 'Turns the kill switch off.',
    answers: 'A sentence, with what is still paused.',
    example: { scope: { is: 'all' } },
    body: pause.omit({ reason: true }),
    asks: ({ body, by }) => {
      const { scope } = body as Pick<Checked<typeof pause>, 'scope'>
      return scope.is === 'all' ? { verb: 'resume-all', by } : { verb: 'resume', scope, by }
    },
  },
]
